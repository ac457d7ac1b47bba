"""Open tables: versions, and the data files of each with the days that they hold.

Belongs here: opening a table and keeping it open within a process, listing files. Does not belong here: rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from warehouse.errors import Permanent

_READABLE: Final = frozenset({"timestampNtz"})
_FILE_FACTS: Final = ("path", "size_bytes", "num_records")


@dataclass
class _Kept:
    """A table that stays open in this process: a night then loads the list of its files once.

    Attributes:
        table: The open table; a commit made through it moves it on.
        commit: The commit that it stood at when it was last asked for.
        listed: Its data files by day column, as long as it stands there.
    """

    table: DeltaTable
    commit: tuple[int, int, int]
    listed: dict[str, list[DataFile]] = field(default_factory=dict)


_KEPT: Final[dict[Path, _Kept]] = {}


def open_table(path: Path, version: int | None = None) -> DeltaTable | None:
    """A table, or ``None`` where there is none yet.

    Raises:
        Permanent: The table uses a feature that plain Parquet readers would ignore.
    """
    kept = _kept(path)
    if kept is None or version is None or version == kept.commit[0]:
        return None if kept is None else kept.table
    return _checked(path, DeltaTable(str(path), version=version))


def _kept(path: Path) -> _Kept | None:
    """The newest version of a table, opened or brought up to date."""
    number = version(path)
    if number is None:
        return None
    kept = _KEPT.get(path)
    if kept is not None and kept.commit == _commit(path, number):
        return kept
    # A folder that was deleted and written anew holds another commit under the same number.
    if kept is not None and _commit(path, kept.commit[0]) == kept.commit:
        kept.table.update_incremental()
        table = kept.table
    else:
        table = DeltaTable(str(path))
    _KEPT[path] = _Kept(_checked(path, table), _commit(path, table.version()))
    return _KEPT[path]


def _commit(path: Path, number: int) -> tuple[int, int, int]:
    """A commit's number and what tells its file from another of that name; zeros where it is gone."""
    try:
        found = (path / "_delta_log" / f"{number:020}.json").stat()
    except FileNotFoundError:
        return number, 0, 0
    return number, found.st_ino, found.st_mtime_ns


def _checked(path: Path, table: DeltaTable) -> DeltaTable:
    features = set(table.protocol().reader_features or ()) - _READABLE
    if features:
        raise Permanent(
            f"{path}: reader features {sorted(features)} are not supported; rewrite the table without them"
        )
    return table


def version(path: Path) -> int | None:
    """Latest version of a table, ``None`` where there is none.

    Read from the names in the log, because opening a table loads the list of all its files.
    """
    numbers = (int(commit.stem) for commit in (path / "_delta_log").glob("[0-9]*.json"))
    return max(numbers, default=None)


@dataclass(frozen=True)
class DataFile:
    """A live data file.

    Attributes:
        path: Absolute path.
        first: Smallest day in the file, ``None`` if it holds undated rows or has no day column.
        last: Largest day in the file.
        size: Bytes.
        rows: Number of rows.
    """

    path: str
    first: dt.date | None
    last: dt.date | None
    size: int
    rows: int

    def may_hold(self, days: Iterable[dt.date]) -> bool:
        """Whether the range of days reaches one of the given days."""
        first, last = self.first, self.last
        return first is not None and last is not None and any(first <= day <= last for day in days)


def files(path: Path, at: int | None = None, column: str = "biz_date") -> list[DataFile]:
    """Live files of a version, with the range of days that each holds."""
    table = open_table(path, at)
    if table is None:
        return []
    kept = _KEPT[path]
    listed = kept.listed if table is kept.table else {}
    if column not in listed:
        actions = pa.table(table.get_add_actions(flatten=True))
        wanted = {*_FILE_FACTS, *(f"{kind}.{column}" for kind in ("partition", "min", "max"))}
        held = actions.select([name for name in actions.column_names if name in wanted])
        listed[column] = [_data_file(path, one, column) for one in held.sort_by("path").to_pylist()]
    return list(listed[column])


def _data_file(path: Path, action: Mapping[str, Any], column: str) -> DataFile:
    partition = action.get(f"partition.{column}")
    first = partition if partition is not None else action.get(f"min.{column}")
    last = partition if partition is not None else action.get(f"max.{column}")
    return DataFile(
        str(path / unquote(action["path"])),
        _as_date(first),
        _as_date(last),
        int(action["size_bytes"]),
        int(action["num_records"]),
    )


def _as_date(value: object) -> dt.date | None:
    if value is None or isinstance(value, dt.date):
        return value
    return dt.date.fromisoformat(str(value))


def day_range(path: Path, at: int | None = None, column: str = "biz_date") -> tuple[dt.date, dt.date] | None:
    """First and last day in a table, read from file statistics; ``None`` when it holds no day."""
    dated = [
        (file.first, file.last)
        for file in files(path, at, column)
        if file.first is not None and file.last is not None
    ]
    if not dated:
        return None
    return min(first for first, _ in dated), max(last for _, last in dated)
