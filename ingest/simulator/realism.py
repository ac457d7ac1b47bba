"""How lifelike a run is: price dispersion, and the rates of late, missing and corrected data.

Belongs here: measures over what was emitted. The bands stand in docs, not here.
"""

from __future__ import annotations

import polars as pl

from ingest.simulator import ledger
from ingest.simulator.catalogue import NON_FOOD


def price_dispersion(supply: pl.DataFrame) -> dict[str, float]:
    """Mean coefficient of variation of an ingredient's price: within a week, and between suppliers in it.

    Args:
        supply: Journal records with ``day``.
    """
    lines = supply.filter(
        (pl.col("feed") == ledger.PURCHASE) & (pl.col("net_qty") > 0) & ~pl.col("i").is_in(NON_FOOD.nonzero()[0].tolist())
    ).select(
        "i", "supplier", pl.col("day").dt.truncate("1w").alias("week"),
        (pl.col("net_amount") * 10 / pl.col("net_qty")).alias("price"),
    )  # fmt: skip
    week = lines.group_by("i", "week").agg(
        pl.len().alias("n"), (pl.col("price").std() / pl.col("price").mean()).alias("cv")
    )
    between = (
        lines.group_by("i", "week", "supplier").agg(pl.col("price").mean())
        .group_by("i", "week").agg(pl.len().alias("n"), (pl.col("price").std() / pl.col("price").mean()).alias("cv"))
    )  # fmt: skip
    return {
        "price_cv_within_week": _mean(week.filter(pl.col("n") >= 5)),
        "price_cv_between_suppliers": _mean(between.filter(pl.col("n") >= 3)),
    }


def _mean(frame: pl.DataFrame) -> float:
    value = frame["cv"].mean()
    return round(float(value), 4) if isinstance(value, float) else 0.0
