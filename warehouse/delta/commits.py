"""What commits keep beside rows: the days that they touch or replace, and facts.

Belongs here: writing and reading the metadata of commits. Does not belong here: rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl
from deltalake import CommitProperties, write_deltalake

from warehouse.delta.opened import files, open_table, version

TOUCHED: Final = "canteen.touched"
REPLACED: Final = "canteen.replaced"
EVERYTHING: Final = "*"
BEFORE_FIRST: Final = -1
"""Version seen of a table that was not there yet."""


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


def touched_since(path: Path, since: int | None, name: str = TOUCHED) -> frozenset[str] | None:
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
    marks = {str(commit.get(REPLACED, EVERYTHING)) for commit in history}
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
