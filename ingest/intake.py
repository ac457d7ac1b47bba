"""One file through the door: private copy, sha256, vault, child process, receipt.

Belongs here: the order of work for one folder of deliveries and what earlier receipts decide. Does
not belong here: where folders come from and where receipts go (``ingest.runner``).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import polars as pl

from ingest import archives, limits, providers, receipts
from ingest.landing import Declared, Entry, Folder
from ingest.layouts import RELEASE, STANDARD
from ingest.providers import Provider
from ingest.reading import Reading
from ingest.vault import Vault
from ingest.worker import Worker
from warehouse.errors import Refused

_GZIP_SUFFIX: Final = ".gz"


@dataclass
class Memory:
    """What earlier receipts say.

    Attributes:
        seen: (path, size, time of change) of files that need not be read again.
        names: Paths that have a receipt, also as ``control.json`` would announce what was packed.
        contents: (provider, sha256) of received contents -> path and rows.
    """

    seen: set[tuple[str, int, int]]
    names: set[str]
    contents: dict[tuple[str, str], tuple[str, int]]

    @classmethod
    def of(cls, known: pl.DataFrame) -> Memory:
        """The memory of all earlier receipts."""
        archive = pl.col("path").str.split(receipts.MEMBER).list.first()
        taken = known.filter(pl.col("status") == "received").select("provider", "file_id", "path", "rows_in")
        return cls(
            set(known.select(archive, "bytes", "mtime_ns").iter_rows()),
            {name for path in known["path"] for name in announced_as(path)},
            {(provider, sha): (path, rows) for provider, sha, path, rows in taken.iter_rows()},
        )


def announced_as(path: str) -> list[str]:
    """Paths under which ``control.json`` may have announced a received file."""
    archive, _, member = path.partition(receipts.MEMBER)
    names = [archive, archive.removesuffix(_GZIP_SUFFIX)]
    if member:
        names.append(f"{archive.rpartition('/')[0]}/{PurePosixPath(member).name}")
    return names


def read(worker: Worker, path: Path, provider: Provider, stem: Path, releases: str | None) -> Reading:
    """Read a content of a provider into frames; a release is in the standard pack with pseudonyms."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    released = releases is not None
    sources = [RELEASE] if released else list(provider.sources)
    if provider.database is not None:
        sources.append(STANDARD)  # withdrawals are written in the standard pack
    return worker.read(path, provider.provider, sources, provider.feeds, stem, keeps_pseudonyms=released)


def stem_of(home: Path, provider: str, sha: str) -> Path:
    """Where the frames of a content are written; pseudonyms differ between providers."""
    return home / "scratch" / "parsed" / provider / sha


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Intake:
    """Takes folders of deliveries one at a time."""

    def __init__(
        self,
        home: Path,
        vault: Vault,
        worker: Worker,
        memory: Memory,
        *,
        on_kept: Callable[[], None] | None = None,
        releases: str | None = None,
        skips_seen: bool = True,
        provider_of: Callable[[str], Provider] = providers.get,
    ) -> None:
        """Args:
        home: The data home.
        vault: Where originals go.
        worker: Reads contents.
        memory: What earlier receipts say; grows with the new ones.
        on_kept: Called after each original is in the vault.
        releases: ``<file>:<row>`` that all files correct.
        skips_seen: Whether a file with a receipt is passed over without reading it.
        provider_of: The registration of a folder's provider.
        """
        self._home = home
        self._vault = vault
        self._worker = worker
        self._memory = memory
        self._on_kept = on_kept
        self._releases = releases
        self._skips_seen = skips_seen
        self._provider_of = provider_of
        self._incoming = fresh(home / "scratch" / "incoming")

    def take(self, folder: Folder) -> list[dict[str, Any]]:
        """Receipts of one folder's new files, and of announced files that are not there."""
        rows: list[dict[str, Any]] = []
        for entry in folder.entries:
            if self._skips_seen and (entry.path, entry.bytes, entry.mtime_ns) in self._memory.seen:
                continue
            rows += self._entry(entry, folder.declared)
        self._memory.names.update(name for row in rows for name in announced_as(row["path"]))
        rows += [
            self._missing(folder, declared)
            for name, declared in sorted(folder.declared.items())
            if f"{folder.path}/{name}" not in self._memory.names
        ]
        return rows

    def _missing(self, folder: Folder, declared: Declared) -> dict[str, Any]:
        why = receipts.refusal(Refused("missing", f"control.json 列出了 {declared.name}，请补送"))
        return receipts.receipt(
            folder.provider,
            folder.arrival_date,
            f"{folder.path}/{declared.name}",
            "missing",
            biz_date_declared=declared.biz_date,
            releases=self._releases,
            **why,
        )

    def _entry(self, entry: Entry, declared: dict[str, Declared]) -> list[dict[str, Any]]:
        if entry.refused is not None:
            return [self._receipt(entry, "", None, entry.refused)]
        copy = self._incoming / "original"
        try:
            sha, head = _copy(entry.file, copy)
        except PermissionError:
            return [
                self._receipt(entry, "", None, Refused("unreadable", "没有读取权限，请改正权限后重新放入"))
            ]
        try:
            container = archives.container_of(head)
            contents = [archives.Content("", str(copy), sha)]
            if container != "plain":
                contents = self._worker.unpack(copy, container, fresh(self._incoming / "contents"))
                if contents[0].path == str(copy):  # a workbook
                    container = "plain"
        except Refused as refused:
            self._keep(copy)  # as it came, because there is no content
            return [self._receipt(entry, "", sha, refused)]
        rows = [self._content(entry, content, declared) | {"container": container} for content in contents]
        name = entry.file.name
        whole = declared.get(name) or declared.get(name.removesuffix(_GZIP_SUFFIX))
        if whole is not None:
            rows = self._as_declared(rows, whole)
        return rows

    def _content(
        self, entry: Entry, content: archives.Content, declared: dict[str, Declared]
    ) -> dict[str, Any]:
        """The receipt of one content, held against what is announced of an archive's member."""
        earlier = self._memory.contents.get((entry.provider, content.sha))
        if earlier is not None:
            row = self._receipt(
                entry, content.name, content.sha, None, status="duplicate", rows_in=earlier[1]
            )
            row["message"] = f"与 {earlier[0]} 内容相同，不重复入库"
        else:
            row = self._new_content(entry, content)
        member = declared.get(PurePosixPath(content.name).name) if content.name else None
        return row if member is None else self._as_declared([row], member)[0]

    def _new_content(self, entry: Entry, content: archives.Content) -> dict[str, Any]:
        path = Path(content.path)
        self._keep(path)
        stem = stem_of(self._home, entry.provider, content.sha)
        try:
            reading = read(self._worker, path, self._provider_of(entry.provider), stem, self._releases)
        except Refused as refused:
            return self._receipt(entry, content.name, content.sha, refused)
        row = self._receipt(
            entry,
            content.name,
            content.sha,
            None,
            status="received",
            encoding=reading.encoding,
            has_bom=reading.has_bom,
            is_shuffled=reading.is_shuffled,
            layout=reading.layout,
            feeds=",".join(reading.feeds),
            rows_in=reading.rows,
            rows_emitted=sum(reading.feeds.values()),
            message="；".join(reading.notes) or None,
        )
        self._memory.contents[entry.provider, content.sha] = (row["path"], reading.rows)
        return row

    def _as_declared(self, rows: list[dict[str, Any]], declared: Declared) -> list[dict[str, Any]]:
        """The receipts with the declared day; refused if all rows together are not the declared number."""
        rows = [{**row, "biz_date_declared": declared.biz_date} for row in rows]
        counts = [row["rows_in"] for row in rows]
        if None in counts or sum(counts) == declared.rows:
            return rows
        refused = Refused("truncated", f"有 {sum(counts)} 行，control.json 声明 {declared.rows} 行")
        for row in rows:
            if row["status"] == "received":
                del self._memory.contents[row["provider"], row["file_id"]]
        gone = {"status": "refused", "feeds": None, "rows_emitted": None, **receipts.refusal(refused)}
        return [{**row, **gone} for row in rows]

    def _keep(self, original: Path) -> None:
        self._vault.put(original)
        if self._on_kept is not None:
            self._on_kept()

    def _receipt(
        self,
        entry: Entry,
        member: str,
        file_id: str | None,
        refused: Refused | None,
        *,
        status: receipts.Status = "refused",
        **fields: Any,
    ) -> dict[str, Any]:
        return receipts.receipt(
            entry.provider,
            entry.arrival_date,
            f"{entry.path}{receipts.MEMBER}{member}" if member else entry.path,
            status,
            file_id=file_id,
            bytes=entry.bytes,
            mtime_ns=entry.mtime_ns,
            releases=self._releases,
            **fields,
            **(receipts.refusal(refused) if refused is not None else {}),
        )


def _copy(source: Path, target: Path) -> tuple[str, bytes]:
    """Copy a file that may still change; tells the copy's sha256 and first bytes."""
    digest = hashlib.sha256()
    head = b""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(source, flags), "rb") as file, target.open("wb") as sink:
        while block := file.read(limits.MIB):
            head = head or block[:16]
            digest.update(block)
            sink.write(block)
    return digest.hexdigest(), head
