"""Silver tables by arrival date.

Belongs here: reading what arrived in a range of nights and replacing the results of those nights.
Does not belong here: how Delta works (``warehouse.delta``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import polars as pl

from warehouse import delta
from warehouse.settings import Settings
from warehouse.tables import EXPECTATION_RESULT, PROVIDER, SILVER

ARRIVAL: Final = "_arrival_date"
RESULT: Final = "silver.expectation_result"
# The part of bronze.receipt that the page shows; its full schema belongs to ingest.
RECEIPT: Final[dict[str, pl.DataType]] = {
    "provider": pl.String(),
    "arrival_date": pl.Date(),
    "path": pl.String(),
    "status": pl.String(),
    "refusal_code": pl.String(),
    "message": pl.String(),
}


class Read(Protocol):
    """Reads the rows of a silver table that arrived in a range of dates, both included."""

    def __call__(self, table: str, first: dt.date, last: dt.date) -> pl.LazyFrame: ...


class Write(Protocol):
    """Replaces the results of a range of arrival dates; returns whether anything changed."""

    def __call__(self, results: pl.DataFrame, first: dt.date, last: dt.date) -> bool: ...


def reader(settings: Settings) -> Read:
    """A ``Read`` over a data home."""
    return partial(_arrived, settings)


def _arrived(settings: Settings, table: str, first: dt.date, last: dt.date) -> pl.LazyFrame:
    return scan(settings.table(f"silver.{table}"), SILVER[table], ARRIVAL, first, last)


def scan(
    path: Path, schema: Mapping[str, pl.DataType], column: str, first: dt.date, last: dt.date
) -> pl.LazyFrame:
    """Rows of a Delta table with a date in a range; only files that may hold such a date are opened.

    Args:
        path: Table folder.
        schema: Column types; the empty result of a missing table has them.
        column: Date column.
        first: First date.
        last: Last date, included.
    """
    chosen = [
        file.path
        for file in delta.files(path, column=column)
        if file.first is None or file.last is None or (file.first <= last and file.last >= first)
    ]
    if not chosen:
        return pl.LazyFrame(schema=dict(schema))
    partitions = {name: dtype for name, dtype in schema.items() if f"/{name}=" in chosen[0]}
    frame = pl.scan_parquet(
        chosen, hive_partitioning=bool(partitions), hive_schema=partitions or None, missing_columns="insert"
    )
    return frame.filter(pl.col(column).is_between(first, last)).select(
        pl.col(name).cast(dtype) for name, dtype in schema.items()
    )


def providers(settings: Settings) -> pl.DataFrame:
    """The registered providers (``silver.provider``)."""
    return delta.read(settings.table("silver.provider"), PROVIDER)


def receipts(settings: Settings, first: dt.date, last: dt.date) -> pl.DataFrame:
    """What became of each file that arrived in a range of dates; columns ``RECEIPT``."""
    return scan(settings.table("bronze.receipt"), RECEIPT, "arrival_date", first, last).collect()


def writer(settings: Settings) -> Write:
    """A ``Write`` over a data home."""
    return partial(_replace, settings.table(RESULT))


def _replace(path: Path, results: pl.DataFrame, first: dt.date, last: dt.date) -> bool:
    """Replaces nothing when the stored results of the range are the same already."""
    order = ["_arrival_date", "provider", "feed", "expectation", "column_name"]
    wanted = results.select(*EXPECTATION_RESULT).sort(order)
    stored = scan(path, EXPECTATION_RESULT, ARRIVAL, first, last).collect().sort(order)
    if wanted.equals(stored):
        return False
    nights = frozenset(first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    # The version that is replaced is part of the name: a return to earlier results is a commit of its own.
    name = f"{RESULT}|{delta.version(path)}|{first}|{last}|{_digest(wanted)}"
    return delta.replace(
        path,
        [wanted],
        EXPECTATION_RESULT,
        period=delta.Period(ARRIVAL, nights),
        partition=None,
        commit_id=name,
        touched=[night.isoformat() for night in nights],
    )


def _digest(frame: pl.DataFrame) -> str:
    lines: Iterable[str] = frame.select(
        pl.concat_str(pl.all().cast(pl.String), separator="\x1f", ignore_nulls=True)
    ).to_series()
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
