"""How the rows of each received file are accounted for (DESIGN decision 10).

Belongs here: one line per receipt for people: accepted, quarantined, duplicate, superseded, or why it
was refused.
"""

from __future__ import annotations

import polars as pl

from warehouse import delta
from warehouse.settings import Settings
from warehouse.tables import DELIVERY


def by_file(settings: Settings, receipts: pl.DataFrame) -> pl.DataFrame:
    """Accounts of some receipts, after the silver step has taken them.

    Args:
        settings: The data home.
        receipts: Rows of ``bronze.receipt``.

    Returns:
        One row per receipt: path, status, message, rows, accepted, quarantined, duplicate, superseded.
    """
    delivery = delta.read(settings.table("silver.delivery"), DELIVERY)
    rows = pl.col("rows_accepted")
    accounts = delivery.group_by("_file").agg(
        accepted=rows.filter(pl.col("state") == "current").sum(),
        quarantined=pl.col("rows_quarantined").sum(),
        duplicate=rows.filter(pl.col("state") == "duplicate").sum() + pl.col("rows_duplicate").sum(),
        superseded=rows.filter(pl.col("state") == "superseded").sum(),
    )
    counts = ("accepted", "quarantined", "duplicate", "superseded")
    received = pl.col("status") == "received"
    return receipts.join(accounts, left_on="file_id", right_on="_file", how="left").select(
        "path",
        "status",
        "message",
        pl.col("rows_emitted").alias("rows"),
        # The copy of a file that we hold already takes no rows of its own.
        *(pl.when(received).then(pl.col(name).fill_null(0)).otherwise(0).alias(name) for name in counts),
    )
