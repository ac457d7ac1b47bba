"""Files that were not taken, for stewards: ``silver.refusal`` out of the receipts.

Belongs here: which receipts speak of a file that is still wanting, and whether it came readable since. Does
not belong here: why a file is refused (``ingest``).
"""

from __future__ import annotations

import polars as pl

from ingest.receipts import MEMBER
from warehouse import delta
from warehouse.settings import Settings
from warehouse.tables import REFUSAL


def write(settings: Settings, receipts: pl.DataFrame) -> None:
    """Keep ``silver.refusal`` equal to the receipts of refused and missing files.

    Args:
        settings: The data home.
        receipts: All of ``bronze.receipt``.
    """
    path = settings.table("silver.refusal")
    wanted = _refused(receipts)
    version = delta.version(path)
    if wanted.is_empty() if version is None else delta.read(path, REFUSAL).equals(wanted):
        return
    # No business day changes: what the files held is unknown.
    delta.replace(
        path, [wanted], REFUSAL, period=None, partition=None, commit_id=f"after {version}", touched=[]
    )


def _refused(receipts: pl.DataFrame) -> pl.DataFrame:
    """Refused and missing files, each with whether a later batch took a file of its name in its folder."""
    whole = pl.col("path").str.split(MEMBER).list.first()
    taken = receipts.filter(pl.col("status") == "received")
    names = pl.concat([taken.select("path", "batch"), taken.select(whole, "batch")])
    last_taken = names.group_by("path").agg(last_taken=pl.max("batch"))
    return (
        receipts.filter(pl.col("status").is_in(["refused", "missing"]))
        .join(last_taken, on="path", how="left")
        .select(
            "provider",
            "path",
            "refusal_code",
            "message",
            is_replaced=(pl.col("last_taken") > pl.col("batch")).fill_null(value=False),
            _file="file_id",
            _arrival_date="arrival_date",
        )
        .sort("_arrival_date", "provider", "path", "_file")
    )
