"""Rows: reading a pinned version, replacing a period or adding rows in one idempotent commit.

Belongs here: what reads and writes rows. Does not belong here: what commits keep beside rows (``commits``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, PostCommitHookProperties, Transaction, write_deltalake

from warehouse.delta.commits import EVERYTHING, REPLACED, TOUCHED
from warehouse.delta.opened import DataFile, files, open_table
from warehouse.tables import UNDATED


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
    made = _transaction(commit_id)
    if table is not None and table.transaction_version(made.app_id) is not None:
        return False
    arrow_schema = pl.DataFrame(schema=dict(schema)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
    reader = pa.RecordBatchReader.from_batches(arrow_schema, _batches(frames, schema, arrow_schema))
    properties = CommitProperties(
        custom_metadata={
            TOUCHED: ",".join(sorted(set(touched))),
            REPLACED: _replaced(period),
            **(facts or {}),
        },
        app_transactions=[made],
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


def _transaction(commit_id: str) -> Transaction:
    """What tells a commit that is already there."""
    return Transaction("canteen:" + hashlib.sha256(commit_id.encode()).hexdigest()[:32], 1)


def _replaced(period: Period | None) -> str:
    if period is None:
        return EVERYTHING
    return f"{period.column}:{','.join(str(day) for day in sorted(period.days))}"


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
    made = _transaction(commit_id)
    if table is not None and table.transaction_version(made.app_id) is not None:
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
            custom_metadata={TOUCHED: ",".join(sorted(set(touched)))},
            app_transactions=[made],
        ),
    )
    return True
