"""Hostile files: each is refused, the child may die, the parent and the good siblings do not."""

import gzip
import io
import os
import random
import signal
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from deliveries import as_csv, by_name, deliver, meals, receive

from ingest import limits
from ingest.layouts import STANDARD
from ingest.worker import Worker
from warehouse.errors import Refused

FILE = as_csv(meals(3))


def zip_of(
    name: str, content: bytes, *, attributes: int = 0, method: int = zipfile.ZIP_DEFLATED, times: int = 1
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for number in range(times):
            info = zipfile.ZipInfo(name if times == 1 else f"{number}{name}")
            info.external_attr = attributes << 16
            info.compress_type = method
            archive.writestr(info, content)
    return packed.getvalue()


def hostile() -> dict[str, tuple[bytes, str]]:
    """Name -> content and the code that it must be refused with."""
    good_zip, good_gzip = zip_of("a.csv", FILE), gzip.compress(FILE)
    encrypted = bytearray(good_zip)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.index(signature) + offset] |= 1
    damaged = bytearray(good_zip)
    damaged[45] ^= 0xFF
    newer, patched = bytearray(good_zip), bytearray(good_zip)
    newer[newer.index(b"PK\x01\x02") + 6] = 99  # version of zip that is needed
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        patched[patched.index(signature) + offset] |= 0x20
    return {
        "empty.csv": (b"", "empty"),
        "nul.csv": (FILE + b"\x00" * 1000, "unreadable"),
        "random.csv": (random.Random(1).randbytes(100_000), "unreadable"),
        "wide.csv": (b"c," * 100_000 + b"d\n", "too_large"),
        "huge_line.csv": (FILE + b"x" * (3 << 20) + b"\n", "too_large"),
        "unclosed.csv": (FILE.replace(b"lunch", b'"lunch', 1), "truncated"),
        "deep.json": (b'{"a":' * 200_000 + b"\n", "unreadable"),
        "deep_whole.json": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n", "unreadable"),
        "bomb.gz": (gzip.compress(bytes(64 << 20)), "too_large"),
        "bomb.zip": (zip_of("a.csv", bytes(64 << 20)), "too_large"),
        "slip.zip": (zip_of("../../evil.csv", FILE), "unreadable"),
        "absolute.zip": (zip_of("/etc/evil.csv", FILE), "unreadable"),
        "windows.zip": (zip_of("C:\\evil.csv", FILE), "unreadable"),
        "link.zip": (zip_of("a.csv", b"/etc/passwd", attributes=stat.S_IFLNK | 0o777), "unreadable"),
        "nested.zip": (zip_of("inner.zip", good_zip), "unreadable"),
        "nested.gz": (gzip.compress(good_gzip), "unreadable"),
        "many.zip": (zip_of("a.csv", b"", times=limits.MEMBERS + 1), "too_large"),
        "lzma.zip": (zip_of("a.csv", FILE, method=zipfile.ZIP_LZMA), "unreadable"),
        "encrypted.zip": (bytes(encrypted), "unreadable"),
        "damaged.zip": (bytes(damaged), "unreadable"),
        "newer.zip": (bytes(newer), "unreadable"),
        "patched.zip": (bytes(patched), "unreadable"),
        "nothing.zip": (zip_of("a.csv", b"", times=0), "empty"),
        "workbook.xlsx": (zip_of("[Content_Types].xml", b"<x/>"), "unreadable"),
        "cut.zip": (good_zip[:-30], "truncated"),
        "cut.gz": (good_gzip[:-12], "truncated"),
        "old.xls": (b"\xd0\xcf\x11\xe0" + bytes(100), "unreadable"),
        "wide16.csv": (FILE.decode().encode("utf-16"), "unreadable"),
    }


def test_hostile_files_are_refused_and_their_siblings_are_taken(tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", tmp_path / "home"
    files = hostile()
    for name, (content, _) in files.items():
        deliver(landing, name, content)
    deliver(landing, "good.csv", FILE)
    outside = tmp_path / "outside.csv"
    outside.write_bytes(FILE)
    folder = landing / "yueyanglou" / "2026-09-01"
    (folder / "link.csv").symlink_to(outside)
    os.mkfifo(folder / "pipe.csv")
    with (folder / "sparse.csv").open("wb") as file:
        file.truncate(1 << 40)
    found = by_name(receive(home, landing))
    assert found["good.csv"]["status"] == "received"
    assert {name: found[name]["refusal_code"] for name in files} == {
        name: code for name, (_, code) in files.items()
    }
    assert found["link.csv"]["refusal_code"] == found["pipe.csv"]["refusal_code"] == "unreadable"
    assert found["sparse.csv"]["refusal_code"] == "too_large"
    assert not list(tmp_path.rglob("evil.csv"))
    assert not (home / "scratch" / "incoming").exists()
    assert all(len(row["message"]) < 300 for row in found.values() if row["message"])


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(b"k" * 32) as made:
        yield made


def test_mutated_files_never_lose_a_row_silently(worker: Worker, tmp_path: Path) -> None:
    source = as_csv(meals(20, canteen_id="第一食堂"))
    for seed in range(150):
        noise = (seed * 7919 + 13) % len(source)
        content = source[:noise] + bytes([(seed * 31) % 256]) + source[noise + 1 :]
        path = tmp_path / "content"
        path.write_bytes(content)
        try:
            reading = worker.read(path, "p", [STANDARD], ["consumption"], tmp_path / "out")
        except Refused:
            continue
        lines = content.replace(b"\r", b"\n").split(b"\n")
        assert reading.rows == sum(bool(line) for line in lines) - 1
        frame = pl.read_ipc(tmp_path / "out.consumption.arrow")
        assert frame.height == reading.rows == reading.feeds["consumption"]


def read(worker: Worker, path: Path) -> int:
    return worker.read(path, "p", [STANDARD], ["consumption"], path.with_name("out")).rows


def test_a_file_that_takes_too_long_costs_that_file_only(tmp_path: Path) -> None:
    good, slow = tmp_path / "good", tmp_path / "slow"
    good.write_bytes(FILE)
    os.mkfifo(slow)  # opening it waits for a writer for ever
    with Worker(b"k" * 32, wall_seconds=5) as patient:
        assert read(patient, good) == 3
        patient.wall_seconds = 0.5
        with pytest.raises(Refused) as caught:
            patient.unpack(slow, "gz", tmp_path)
        assert caught.value.code == "timeout"
        patient.wall_seconds = 5
        assert read(patient, good) == 3


def test_a_child_that_dies_costs_that_file_only(tmp_path: Path) -> None:
    good, slow = tmp_path / "good", tmp_path / "slow"
    good.write_bytes(FILE)
    os.mkfifo(slow)
    with Worker(b"k" * 32) as worker:
        assert read(worker, good) == 3
        assert worker.process_id is not None
        pid = os.fork()
        if pid == 0:
            time.sleep(0.3)
            os.kill(worker.process_id, signal.SIGKILL)
            os._exit(0)
        with pytest.raises(Refused) as caught:
            worker.unpack(slow, "gz", tmp_path)
        os.waitpid(pid, 0)
        assert caught.value.code == "unreadable"
        assert read(worker, good) == 3


def test_the_child_knows_no_secret_but_the_pseudonym_key_and_is_limited(
    worker: Worker, tmp_path: Path, keys_of_the_run: Path
) -> None:
    good = tmp_path / "good"
    good.write_bytes(FILE)
    read(worker, good)
    state = Path(f"/proc/{worker.process_id}")
    assert str(keys_of_the_run).encode() not in (state / "environ").read_bytes()
    assert (b"k" * 32).hex().encode() not in (state / "cmdline").read_bytes()
    found = {line[:26].strip(): line[26:].split()[:2] for line in (state / "limits").read_text().splitlines()}
    assert found["Max address space"] == [str(limits.MEMORY_BYTES)] * 2
    assert found["Max core file size"] == ["0", "0"]
    assert found["Max file size"][0] == str(limits.OUTPUT_BYTES)
    assert int(found["Max cpu time"][0]) <= limits.CPU_SECONDS + 60
