"""The landing folder: what lies in ``landing/<provider>/<arrival date>/`` and what was announced.

Belongs here: walking the folders in a fixed order, reading ``control.json``, and noticing what does
not belong there. No file is opened here except ``control.json``.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from ingest import limits
from warehouse.errors import Permanent, Refused

CONTROL: Final = "control.json"


class Declared(BaseModel):
    """What ``control.json`` says of one file.

    Attributes:
        name: File name.
        rows: Data rows, header not counted.
        biz_date: The day that the file is about.
    """

    name: str = Field(pattern=r"^[^/\\\x00]+$")
    rows: int = Field(ge=0)
    biz_date: dt.date | None = None


class _Control(BaseModel):
    files: list[Declared]


@dataclass(frozen=True)
class Entry:
    """One thing found in the landing folder.

    Attributes:
        provider: Provider of the folder.
        arrival_date: Day of arrival.
        path: Path relative to the landing root.
        file: Where it is.
        bytes: Size on disk.
        mtime_ns: Time of the last change.
        refused: Why it cannot be a delivery.
    """

    provider: str
    arrival_date: dt.date
    path: str
    file: Path
    bytes: int
    mtime_ns: int
    refused: Refused | None = None


@dataclass(frozen=True)
class Folder:
    """The deliveries of one provider on one day.

    Attributes:
        provider: Provider of the folder.
        arrival_date: Day of arrival.
        path: Path relative to the landing root.
        entries: What was found, in order of names.
        declared: What ``control.json`` announces, by file name.
    """

    provider: str
    arrival_date: dt.date
    path: str
    entries: list[Entry] = field(default_factory=list)
    declared: dict[str, Declared] = field(default_factory=dict)


def same_disk(home: Path, landing: Path) -> None:
    """Refuse a landing folder that a file of the data home cannot be renamed into.

    Raises:
        Permanent: They lie on two file systems, where a move is not atomic.
    """
    if home.stat().st_dev != landing.stat().st_dev:
        raise Permanent(
            f"交付文件夹 {landing} 与数据目录 {home} 不在同一文件系统，文件不能原子移入：请用 --landing 指到同一文件系统"
        )


def walk(landing: Path, up_to: dt.date, providers: Collection[str]) -> Iterator[Folder]:
    """Folders of everything that arrived up to a day, in order of provider and day.

    Args:
        landing: The landing root.
        up_to: Last day of arrival.
        providers: Registered providers; other folders come out as refused entries.
    """
    for provider in _sorted(landing):
        if provider.name not in providers or not provider.is_dir(follow_symlinks=False):
            stray = Refused("wrong_provider", f"{provider.name} 不是已登记提供方的文件夹，请移到正确的文件夹")
            yield _stray(provider, provider.name, up_to, provider.name, stray)
            continue
        for arrival in _sorted(Path(provider.path)):
            path = f"{provider.name}/{arrival.name}"
            day = _day(arrival.name)
            if day is None or not arrival.is_dir(follow_symlinks=False):
                stray = Refused(
                    "unreadable", f"{arrival.name} 不是到达日期（如 2026-09-01）的文件夹，请移到正确的文件夹"
                )
                yield _stray(arrival, provider.name, up_to, path, stray)
            elif day <= up_to:
                yield folder(Path(arrival.path), provider.name, day, path)


def folder(directory: Path, provider: str, arrival_date: dt.date, path: str) -> Folder:
    """The deliveries in one directory."""
    found = Folder(provider, arrival_date, path)
    for item in _sorted(directory):
        one = entry(Path(item.path), provider, arrival_date, f"{path}/{item.name}")
        if item.name == CONTROL and one.refused is None:
            try:
                found.declared.update(_control(one))
                continue
            except Refused as refused:
                one = entry(Path(item.path), provider, arrival_date, one.path, refused)
        found.entries.append(one)
    return found


def entry(
    file: Path, provider: str, arrival_date: dt.date, path: str, refused: Refused | None = None
) -> Entry:
    """One thing in the landing folder, judged by its kind and size only."""
    seen = file.lstat()
    if refused is None:
        refused = _unfit(seen)
    return Entry(provider, arrival_date, path, file, seen.st_size, seen.st_mtime_ns, refused)


def _unfit(seen: os.stat_result) -> Refused | None:
    if stat.S_ISLNK(seen.st_mode):
        return Refused("unreadable", "是符号链接，请放入文件本身")
    if stat.S_ISDIR(seen.st_mode):
        return Refused("unreadable", "是子文件夹，请把文件直接放在到达日期文件夹中")
    if not stat.S_ISREG(seen.st_mode):
        return Refused("unreadable", "不是普通文件")
    if seen.st_size > limits.FILE_BYTES:
        return Refused("too_large", f"超过 {limits.FILE_BYTES // limits.MIB} MB，请按日或按县拆分后重新报送")
    return None


def _control(control: Entry) -> dict[str, Declared]:
    """What a control file announces.

    Raises:
        Refused: It cannot be read; the folder's files are then judged by their content alone.
    """
    if control.bytes > limits.CONTROL_BYTES:
        raise Refused("too_large", f"超过 {limits.CONTROL_BYTES // limits.MIB} MB")
    try:
        files = _Control.model_validate_json(control.file.read_bytes()).files
    except ValidationError as error:
        raise Refused(
            "unreadable", "control.json 不正确，请按数据包说明填写 files、name、rows、biz_date"
        ) from error
    declared = {one.name: one for one in files}
    if len(declared) < len(files):
        raise Refused("unreadable", "control.json 中同一文件出现两次")
    return declared


def _stray(
    item: os.DirEntry[str], provider: str, arrival_date: dt.date, path: str, refused: Refused
) -> Folder:
    """A refused thing. Its time of change is left out: every file put into a folder changes it."""
    one = Entry(provider, arrival_date, path, Path(item.path), 0, 0, refused)
    return Folder(provider, arrival_date, path, [one])


def _sorted(directory: Path) -> list[os.DirEntry[str]]:
    with os.scandir(directory) as items:
        return sorted(items, key=lambda item: item.name)


def _day(name: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(name)
    except ValueError:
        return None
    return day if day.isoformat() == name else None
