"""Delta tables: the only module that knows delta-rs.

Belongs here: reading a pinned version, replacing periods in one idempotent commit, listing files,
maintenance. Does not belong here: what a table means. Tables have no deletion vectors and no column
mapping (DESIGN decision 3), so their files can be read as plain Parquet.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake

from warehouse.errors import Permanent
from warehouse.tables import UNDATED

_READABLE: Final = frozenset({"timestampNtz"})
_FILE_FACTS: Final = ("path", "size_bytes", "num_records")
_TOUCHED: Final = "canteen.touched"
_REPLACED: Final = "canteen.replaced"
EVERYTHING: Final = "*"
BEFORE_FIRST: Final = -1
"""Version seen of a table that was not there yet."""


@dataclass(frozen=True)
class Period:
    """The rows that a commit replaces: the given days, the undated rows, or everything.

    Attributes:
        column: Day column of the table.
        days: Days to replace.
        undated: Whether rows with ``biz_month`` = ``0000-00`` are replaced too.
    """

    column: str
    days: frozenset[dt.date]
    undated: bool = False

    def predicate(self, *, month_partitioned: bool) -> str:
        """SQL predicate that selects the period, partition column first so that files are pruned."""
        parts = [f"({self.column} >= '{a}' AND {self.column} <= '{b}')" for a, b in spans(self.days)]
        clauses = []
        if parts:
            days = " OR ".join(parts)
            if month_partitioned:
                months = ", ".join(sorted({f"'{day:%Y-%m}'" for day in self.days}))
                clauses.append(f"(biz_month IN ({months}) AND ({days}))")
            else:
                clauses.append(f"({days})")
        if self.undated:
            clauses.append(f"(biz_month = '{UNDATED}')")
        return " OR ".join(clauses)


def spans(days: Iterable[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Runs of consecutive days, as (first, last), in order."""
    out: list[tuple[dt.date, dt.date]] = []
    for day in sorted(set(days)):
        if out and day - out[-1][1] == dt.timedelta(days=1):
            out[-1] = (out[-1][0], day)
        else:
            out.append((day, day))
    return out


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


def read(
    path: Path,
    schema: Mapping[str, pl.DataType],
    *,
    columns: list[str] | None = None,
    days: Iterable[dt.date] | None = None,
    undated: bool = False,
    at: int | None = None,
) -> pl.DataFrame:
    """Rows of a table.

    Args:
        path: Table folder.
        schema: Column types; the empty result of a missing table has them.
        columns: Columns to read, all when ``None``.
        days: Only rows of these days (column ``biz_date``).
        undated: With ``days``: undated rows too.
        at: Version, latest when ``None``.
    """
    return read_files(files(path, at), schema, columns=columns, days=days, undated=undated)


def read_files(
    held: Iterable[DataFile],
    schema: Mapping[str, pl.DataType],
    *,
    columns: list[str] | None = None,
    days: Iterable[dt.date] | None = None,
    undated: bool = False,
) -> pl.DataFrame:
    """Rows of listed files, see ``read``; needed inside a stream that ``replace`` consumes, where no
    table can be opened."""
    wanted = columns if columns is not None else list(schema)
    keep: pl.Expr = pl.lit(value=True)
    if days is None:
        chosen = [file.path for file in held]
    else:
        listed = frozenset(days)
        chosen = [file.path for file in held if file.may_hold(listed) or (undated and file.first is None)]
        keep = pl.col("biz_date").is_in(list(listed))
        if undated:
            keep = keep | pl.col("biz_date").is_null()
    if not chosen:
        return pl.DataFrame(schema={name: schema[name] for name in wanted})
    hive = {name: dtype for name, dtype in schema.items() if f"/{name}=" in chosen[0]}
    frame = pl.scan_parquet(
        chosen, hive_partitioning=bool(hive), hive_schema=hive or None, missing_columns="insert"
    )
    return frame.filter(keep).select(pl.col(name).cast(schema[name]) for name in wanted).collect()


def replace(
    path: Path,
    frames: Iterable[pl.DataFrame],
    schema: Mapping[str, pl.DataType],
    *,
    period: Period | None,
    partition: str | None,
    commit_id: str,
    touched: Iterable[str] = (),
    facts: Mapping[str, str] | None = None,
) -> bool:
    """Replace a period (or the whole table) by the given rows in one commit.

    Args:
        path: Table folder.
        frames: The new rows, streamed; every row lies inside the period.
        schema: Column types as stored, in order.
        period: Rows to replace; ``None`` replaces everything.
        partition: Partition column.
        commit_id: Names the inputs of this commit; a commit that is already there is not made again.
        touched: Days (or ``*``) whose content this commit changes; the next build reads them.
        facts: Further text to keep with the commit.

    Returns:
        Whether a commit was made.
    """
    table = open_table(path)
    app_id = "canteen:" + hashlib.sha256(commit_id.encode()).hexdigest()[:32]
    if table is not None and table.transaction_version(app_id) is not None:
        return False
    arrow_schema = pl.DataFrame(schema=dict(schema)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    reader = pa.RecordBatchReader.from_batches(arrow_schema, _batches(frames, schema, arrow_schema))
    properties = CommitProperties(
        custom_metadata={
            _TOUCHED: ",".join(sorted(set(touched))),
            _REPLACED: _replaced(period),
            **(facts or {}),
        },
        app_transactions=[Transaction(app_id, 1)],
    )
    path.mkdir(parents=True, exist_ok=True)
    if table is None:
        write_deltalake(
            str(path),
            reader,
            partition_by=[partition] if partition else None,
            mode="error",
            commit_properties=properties,
        )
        return True
    predicate = None if period is None else period.predicate(month_partitioned=partition == "biz_month")
    if predicate == "":
        return False
    write_deltalake(
        table,
        reader,
        mode="overwrite",
        predicate=predicate,
        schema_mode="merge" if predicate is not None else "overwrite",
        commit_properties=properties,
        post_commithook_properties=PostCommitHookProperties(
            create_checkpoint=True, cleanup_expired_logs=False
        ),
    )
    return True


def _replaced(period: Period | None) -> str:
    if period is None:
        return EVERYTHING
    return f"{period.column}:{','.join(str(day) for day in sorted(period.days))}"


def replaced_bytes(path: Path, since: int | None) -> int:
    """Size of the units that the commits after a version replaced, as they are now.

    A unit's size is its rows' share of the files that hold it.

    Args:
        path: Table folder.
        since: Version before the commits; ``None`` means all commits.
    """
    table = open_table(path)
    if table is None or table.version() == since:
        return 0
    history = table.history(table.version() - (-1 if since is None else since))
    marks = {str(commit.get(_REPLACED, EVERYTHING)) for commit in history}
    if EVERYTHING in marks:
        return sum(file.size for file in files(path))
    column = next(iter(marks)).partition(":")[0]
    days = {dt.date.fromisoformat(day) for mark in marks for day in mark.partition(":")[2].split(",") if day}
    total = 0
    for file in files(path, column=column):
        if file.rows == 0 or (file.first is not None and not file.may_hold(days)):
            continue
        held = pl.scan_parquet(file.path, hive_partitioning=True).select(pl.col(column).cast(pl.Date))
        inside = (
            held.filter(pl.col(column).is_in(list(days)) | pl.col(column).is_null())
            .select(pl.len())
            .collect()
            .item()
        )
        total += file.size * inside // file.rows
    return total


def _batches(
    frames: Iterable[pl.DataFrame], schema: Mapping[str, pl.DataType], arrow_schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    for frame in frames:
        if frame.height:
            typed = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
            yield from typed.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(arrow_schema).to_batches()


def append(
    path: Path,
    frame: pl.DataFrame,
    schema: Mapping[str, pl.DataType],
    *,
    commit_id: str,
    partition: str | None = None,
    touched: Iterable[str] = (),
    for_ever: bool = False,
) -> bool:
    """Add rows in one commit; a commit that is already there is not made again.

    Args:
        path: Table folder.
        frame: The new rows.
        schema: Column types as stored, in order.
        commit_id: Names the inputs of this commit.
        partition: Partition column.
        touched: Days whose content this commit changes; the next build reads them.
        for_ever: Make the table, where there is none yet, one from which no row can be removed.

    Returns:
        Whether a commit was made.
    """
    table = open_table(path)
    app_id = "canteen:" + hashlib.sha256(commit_id.encode()).hexdigest()[:32]
    if table is not None and table.transaction_version(app_id) is not None:
        return False
    path.mkdir(parents=True, exist_ok=True)
    rows = frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
    write_deltalake(
        str(path),
        rows.to_arrow(compat_level=pl.CompatLevel.oldest()),
        mode="append",
        partition_by=[partition] if partition else None,
        configuration={"delta.appendOnly": "true"} if for_ever and table is None else None,
        commit_properties=CommitProperties(
            custom_metadata={_TOUCHED: ",".join(sorted(set(touched)))},
            app_transactions=[Transaction(app_id, 1)],
        ),
    )
    return True


def note(
    path: Path, schema: Mapping[str, pl.DataType], facts: Mapping[str, str], partition: str | None = None
) -> None:
    """Keep facts with a commit that changes no row.

    Args:
        path: Table folder; the table is made where there is none yet.
        schema: Column types as stored, in order.
        facts: Text by name, see ``fact``.
        partition: Partition column.
    """
    path.mkdir(parents=True, exist_ok=True)
    write_deltalake(
        str(path),
        pl.DataFrame(schema=dict(schema)).to_arrow(compat_level=pl.CompatLevel.oldest()),
        mode="append",
        partition_by=[partition] if partition else None,
        commit_properties=CommitProperties(custom_metadata=dict(facts)),
    )


def touched_since(path: Path, since: int | None, name: str = _TOUCHED) -> frozenset[str] | None:
    """Days whose content changed after a version, as ISO text; ``*`` stands for all.

    Args:
        path: Table folder.
        since: Version already seen, ``BEFORE_FIRST`` where there was no table yet; ``None`` means that
            what was seen is not known.
        name: Another fact that the commits keep, a list with commas.

    Returns:
        The days, or ``None`` when the commits since then are no longer in the log.
    """
    current = version(path)
    if current is None or current == since:
        return frozenset()
    table = open_table(path, current)
    if table is None or since is None or since > current:
        return None
    days: set[str] = set()
    history = table.history(current - since)
    if len(history) < current - since:
        return None
    for commit in history:
        days.update(day for day in str(commit.get(name, "")).split(",") if day)
    return frozenset(days)


def fact(path: Path, name: str) -> str | None:
    """The latest value that a commit kept under a name (``facts`` of ``replace``)."""
    table = open_table(path)
    if table is None:
        return None
    for newest in (20, None):  # maintenance may have made many commits since
        for commit in table.history(newest):
            if name in commit:
                return str(commit[name])
    return None


def compact(path: Path, keep_months: frozenset[str]) -> None:
    """Join the small files of closed partitions; content stays the same.

    Args:
        path: Table folder.
        keep_months: Months (``YYYY-MM``) still being written; they are left alone.
    """
    table = open_table(path)
    if table is None:
        return
    partitions = table.metadata().partition_columns
    if not partitions:
        table.optimize.compact()
    elif partitions == ["biz_month"]:
        months = {
            str(row["partition.biz_month"])
            for row in pa.table(table.get_add_actions(flatten=True)).to_pylist()
        }
        for month in sorted(months - keep_months):
            table.optimize.compact(partition_filters=[("biz_month", "=", month)])


def vacuum(path: Path, keep_hours: int) -> list[str]:
    """Delete files that no version younger than ``keep_hours`` needs. Run by ``maintain`` alone."""
    table = open_table(path)
    if table is None:
        return []
    return list(table.vacuum(retention_hours=keep_hours, dry_run=False, enforce_retention_duration=False))
