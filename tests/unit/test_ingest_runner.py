"""Landing files to receipts: each once, whatever happens, and nothing in clear leaves the door."""

import datetime as dt
import gzip
import io
import os
import zipfile
from pathlib import Path

import polars as pl
import pytest
from deliveries import (
    CONSUMPTION,
    DAY,
    PERSON,
    REFUND,
    as_csv,
    as_json,
    by_name,
    declare,
    deliver,
    frames,
    meals,
    receive,
)

from ingest import keys, receipts, runner
from ingest.masking import pseudonym
from ingest.vault import Vault
from warehouse.errors import Permanent, Transient

FILE = as_csv(meals(3))


def zipped(**members: bytes) -> bytes:
    """A zip of ``name__csv=content``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.mark.requirement("S0-125")
def test_a_new_file_is_taken_only_once(home: Path, landing: Path) -> None:
    deliver(landing, "a.csv", FILE)
    first = receive(home, landing)
    (row,) = first.to_dicts()
    assert first.schema == receipts.RECEIPT
    assert (row["status"], row["path"], row["rows_in"], row["feeds"]) == (
        "received",
        "yueyanglou/2026-09-01/a.csv",
        3,
        "consumption",
    )
    secret = keys.load(home)
    assert Vault(home / "vault", secret.vault).get(row["file_id"]) == FILE
    assert receive(home, landing, first).height == 0


@pytest.mark.requirement("S0-125")
def test_the_same_content_renamed_or_packed_changes_nothing(home: Path, landing: Path) -> None:
    deliver(landing, "a.csv", FILE)
    deliver(landing, "b.csv", FILE)
    deliver(landing, "c.csv.gz", gzip.compress(FILE))
    deliver(landing, "d.zip", zipped(x__csv=FILE, y__csv=FILE))
    deliver(landing, "a.csv", FILE, day=DAY + dt.timedelta(days=9))
    found = receive(home, landing)
    assert found["status"].to_list() == ["received"] + ["duplicate"] * 5
    assert found["file_id"].n_unique() == 1
    assert found["path"].to_list()[3:5] == [
        "yueyanglou/2026-09-01/d.zip!/x.csv",
        "yueyanglou/2026-09-01/d.zip!/y.csv",
    ]
    assert found["container"].to_list() == ["plain", "plain", "gz", "zip", "zip", "plain"]
    assert "a.csv" in found["message"][1]
    assert frames(home, found)["consumption"].height == 3
    touched = landing / "yueyanglou" / "2026-09-01" / "a.csv"
    os.utime(touched, ns=(1, 1))
    assert receive(home, landing, found)["status"].to_list() == ["duplicate"]


def test_two_providers_may_send_the_same_content(home: Path, landing: Path) -> None:
    deliver(landing, "a.csv", FILE, "yunxi")
    deliver(landing, "a.csv", FILE, "huarong")
    found = receive(home, landing)
    assert found["status"].to_list() == ["received", "received"]
    assert frames(home, found)["consumption"]["person_hash"].n_unique() == 2


def test_only_what_arrived_up_to_the_day_is_taken(home: Path, landing: Path) -> None:
    for number in range(3):
        deliver(landing, "a.csv", as_csv(meals(number + 1)), day=DAY + dt.timedelta(days=number))
    found = runner.receive(home, landing, dt.date(2026, 9, 2), receipts.frame([]), lambda _: None).receipts
    assert found["arrival_date"].to_list() == [dt.date(2026, 9, 1), dt.date(2026, 9, 2)]


def test_a_zip_of_several_feeds_gives_a_receipt_per_member(home: Path, landing: Path) -> None:
    deliver(
        landing, "all.zip", zipped(meals__csv=FILE, refunds__csv=as_csv([REFUND]), bad__csv=b"x,y\n1,2\n")
    )
    found = by_name(receive(home, landing))
    assert {name: row["status"] for name, row in found.items()} == {
        "meals.csv": "received",
        "refunds.csv": "received",
        "bad.csv": "refused",
    }


def test_chinese_member_names_of_windows_are_readable(home: Path, landing: Path) -> None:
    deliver(landing, "a.zip", zipped(name__csv=FILE).replace(b"name.csv", "消费.csv".encode("gbk")))
    assert receive(home, landing)["path"].to_list() == ["yueyanglou/2026-09-01/a.zip!/消费.csv"]


def test_a_declared_number_of_rows_must_be_there(home: Path, landing: Path) -> None:
    cut = FILE[: FILE[:-1].rindex(b"\n") + 1]
    deliver(landing, "whole.csv", FILE)
    deliver(landing, "cut.csv", cut)
    deliver(landing, "packed.csv.gz", gzip.compress(as_csv(meals(4))))
    deliver(landing, "two.zip", zipped(a__csv=as_csv(meals(5)), b__csv=as_csv(meals(6))))
    declare(landing, {"whole.csv": 3, "cut.csv": 3, "packed.csv": 5, "a.csv": 5, "b.csv": 7, "gone.csv": 1})
    found = by_name(receive(home, landing))
    codes = {name: row["refusal_code"] for name, row in found.items()}
    assert codes == {
        "whole.csv": None,
        "cut.csv": "truncated",
        "packed.csv.gz": "truncated",
        "a.csv": None,
        "b.csv": "truncated",
        "gone.csv": "missing",
    }
    assert found["whole.csv"]["biz_date_declared"] == dt.date(2026, 9, 1)
    assert found["gone.csv"]["status"] == "missing"
    assert found["cut.csv"]["message"].endswith("有 2 行，control.json 声明 3 行")
    assert found["cut.csv"]["feeds"] is None


def test_a_missing_file_is_told_once_and_may_still_come(home: Path, landing: Path) -> None:
    declare(landing, {"late.csv": 3, "packed.csv": 1})
    first = receive(home, landing)
    assert first["status"].to_list() == ["missing", "missing"]
    assert receive(home, landing, first).height == 0
    deliver(landing, "late.csv", FILE)
    deliver(landing, "packed.zip", zipped(packed__csv=as_csv(meals(1))))
    second = receive(home, landing, first)
    assert second["status"].to_list() == ["received", "received"]
    assert receive(home, landing, pl.concat([first, second])).height == 0


def test_a_cut_file_that_is_sent_again_whole_is_taken(home: Path, landing: Path) -> None:
    deliver(landing, "a.csv", FILE[:-5])
    first = receive(home, landing)
    assert first["refusal_code"].to_list() == ["truncated"]
    deliver(landing, "a.csv", FILE)
    assert receive(home, landing, first)["status"].to_list() == ["received"]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"files": [{"name": "a.csv"}]}',
        b'{"files": [{"name": "../a.csv", "rows": 3}]}',
        b'{"files": [{"name": "a.csv", "rows": 3}, {"name": "a.csv", "rows": 4}]}',
    ],
)
def test_a_broken_control_file_is_refused_and_its_siblings_are_taken(
    content: bytes, home: Path, landing: Path
) -> None:
    deliver(landing, "control.json", content)
    deliver(landing, "a.csv", FILE)
    found = by_name(receive(home, landing))
    assert (found["a.csv"]["status"], found["control.json"]["refusal_code"]) == ("received", "unreadable")


def test_what_lies_in_the_wrong_place_is_refused(home: Path, landing: Path) -> None:
    deliver(landing, "a.csv", FILE, "nobody")
    (landing / "stray.csv").write_bytes(FILE)
    deliver(landing, "a.csv", FILE)
    (landing / "yueyanglou" / "someday").mkdir()
    (landing / "yueyanglou" / "2026-09-01" / "sub").mkdir()
    found = receive(home, landing)
    refused = found.filter(pl.col("status") == "refused")
    assert sorted(refused["path"]) == [
        "nobody",
        "stray.csv",
        "yueyanglou/2026-09-01/sub",
        "yueyanglou/someday",
    ]
    assert found.filter(pl.col("status") == "received").height == 1
    assert receive(home, landing, found).height == 0


class Stop(BaseException):
    """Stands for a kill."""


@pytest.mark.requirement("S0-138")
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_kill_after_an_original_is_kept_loses_and_doubles_nothing(
    after: int, home: Path, landing: Path
) -> None:
    for number in range(3):
        deliver(landing, f"{number}.csv", as_csv(meals(number + 1)))
    kept = iter(range(1, 99))

    def kill() -> None:
        if next(kept) == after:
            raise Stop

    with pytest.raises(Stop):
        receive(home, landing, on_kept=kill)
    originals = {path.name: path.stat().st_mtime_ns for path in home.glob("vault/*/*")}
    assert len(originals) == after
    found = receive(home, landing)
    assert found["status"].to_list() == ["received"] * 3
    assert frames(home, found)["consumption"].height == 6
    again = {path.name: path.stat().st_mtime_ns for path in home.glob("vault/*/*")}
    assert originals.items() <= again.items()
    assert len(again) == 3


def test_every_original_is_kept_before_its_receipt(home: Path, landing: Path) -> None:
    for name, content in {"good.csv": FILE, "bad.csv": b"x\n1\n", "bad.gz": b"\x1f\x8bxxx"}.items():
        deliver(landing, name, content)
    found = receive(home, landing)
    vault = Vault(home / "vault", keys.load(home).vault)
    assert all(vault.has(sha) for sha in found["file_id"])
    assert vault.get(by_name(found)["bad.gz"]["file_id"]) == b"\x1f\x8bxxx"


def test_frames_are_made_again_from_the_vault_alone(home: Path, landing: Path) -> None:
    path = deliver(landing, "a.csv", FILE)
    found = receive(home, landing)
    before = frames(home, found)["consumption"]
    path.unlink()
    runner.clear_parsed(home)
    assert frames(home, found)["consumption"].equals(before)
    (frame,) = home.glob("scratch/parsed/*/*.arrow")
    frame.write_bytes(frame.read_bytes()[:-20])  # as a power failure may leave it
    assert frames(home, found)["consumption"].equals(before)


def test_nothing_in_clear_leaves_the_door(home: Path, landing: Path) -> None:
    supplier = {
        "supplier_uscc": "91350100M000100Y43",
        "supplier_name": "某公司",
        "contact_name": "王小明",
        "contact_phone": "13812341234",
        "licence_no": "JY1",
        "valid_from": "2026-01-01",
        "valid_to": "",
        "reported_at": "2026-09-01 18:30:00",
    }
    deliver(landing, "meals.csv", FILE)
    deliver(landing, "refunds.json", as_json([REFUND]))
    deliver(landing, "broken.csv", FILE[:-4])
    deliver(landing, "headless.csv", FILE.split(b"\n", 1)[1])
    deliver(landing, "suppliers.csv", as_csv([supplier]), "city")
    found = receive(home, landing)
    taken = frames(home, found)
    assert taken["supplier"].select("contact_name", "contact_phone").row(0) == ("王*", "138****1234")
    assert taken["refund"]["reason"].to_list() == ["停餐，家长电话****"]
    written = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    written += b"".join(frame.write_csv().encode() for frame in taken.values()) + found.write_csv().encode()
    for secret in (PERSON, "王小明", "13812341234"):
        assert secret.encode() not in written


def test_single_files_and_folders_are_taken_as_of_today(home: Path, landing: Path) -> None:
    path = deliver(landing, "a.csv", FILE)
    declare(landing, {"a.csv": 3, "b.csv": 1})
    known = receipts.frame([])
    one = runner.receive_paths(home, [path], "yunxi", DAY, known, lambda _: None).receipts
    assert one.select("status", "path").row(0) == ("received", "yunxi/2026-09-01/a.csv")
    both = runner.receive_paths(home, [path.parent, path], "yunxi", DAY, one, lambda _: None).receipts
    assert both["status"].to_list() == ["duplicate", "missing", "duplicate"]
    with pytest.raises(Permanent, match="未登记"):
        runner.receive_paths(home, [path], "nobody", DAY, known, lambda _: None)
    with pytest.raises(Permanent, match="不存在"):
        runner.receive_paths(home, [landing / "none"], "yunxi", DAY, known, lambda _: None)


def test_a_release_keeps_pseudonyms_also_when_it_is_read_again(home: Path, tmp_path: Path) -> None:
    person = pseudonym(keys.load(home).person, "yunxi", "1001")
    row = {name: value for name, value in CONSUMPTION.items() if name != "person_no"} | {
        "person_hash": person
    }
    file = tmp_path / "release.jsonl"
    file.write_bytes(as_json([row]))
    known = receipts.frame([])
    as_is = runner.receive_paths(home, [file], "yunxi", DAY, known, lambda _: None).receipts
    assert as_is["refusal_code"].to_list() == ["unknown_layout"]
    released = runner.receive_paths(
        home, [file], "yunxi", DAY, known, lambda _: None, releases="f:7"
    ).receipts
    assert released["releases"].to_list() == ["f:7"]
    for _ in range(2):
        assert frames(home, released)["consumption"]["person_hash"].to_list() == [person]
        runner.clear_parsed(home)


def test_a_full_disk_stops_the_run_and_loses_nothing(
    home: Path, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(landing, "a.csv", FILE)

    def full(*_: object) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "put", full)
        with pytest.raises(Transient, match="No space left"):
            receive(home, landing)
    assert receive(home, landing)["status"].to_list() == ["received"]
