"""Upkeep of tables, run by ``./canteen maintain`` alone: joining small files, deleting old ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from warehouse.delta.opened import open_table


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
