"""The first, wrong version of a file that is corrected later.

Belongs here: what was wrong with it. The right version carries a later report time in the canteens
that changed; rows that should not have been there are gone from it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ingest.simulator.streams import half_up


def garbled(
    feed: str, frame: pl.DataFrame, rng: np.random.Generator, days: int
) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """(wrong version, right version reported ``days`` later, canteen-days that differ)."""
    canteens = frame["c"].unique(maintain_order=True).to_numpy()
    some = rng.permutation(canteens)[: min(3, canteens.size)].tolist()
    touched = pl.col("c").is_in(some)
    right = frame.with_columns(
        pl.when(touched).then(pl.col("minute") + days * 1440).otherwise("minute").alias("minute")
    )
    wrong = _values(feed, frame, touched & (pl.col("seq") % 3 == 1))
    extra = frame.filter(touched & (pl.col("seq") == 1))
    last = frame.group_by("c", maintain_order=True).agg(pl.col("seq").max().alias("last"))
    extra = (
        extra.join(last, on="c", maintain_order="left")
        .with_columns((pl.col("last") + 1).alias("seq"))
        .drop("last")
    )
    if feed == "stock_move":
        extra = extra.with_columns(pl.lit(100, dtype=pl.Int64).alias("qty"))
    return pl.concat([wrong, extra]).sort("c", "seq"), right, len(some)


def _values(feed: str, frame: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """Some values mistyped, within the contract."""
    if feed == "consumption":
        return frame.with_columns(
            pl.when(which).then(pl.col("amount") + 50).otherwise("amount").alias("amount")
        )
    if feed == "stock_move":
        issue = which & (pl.col("kind") == 0)
        return frame.with_columns(pl.when(issue).then(pl.col("qty") * 9 // 10).otherwise("qty").alias("qty"))
    out = frame.with_columns(
        pl.when(which).then(pl.col("price") // 10_000 * 11 // 10 * 10_000).otherwise("price").alias("price")
    )
    cents = half_up(out["accepted"].to_numpy() * (out["price"].to_numpy() // 100), 100_000)
    return out.with_columns(pl.Series("amount", cents))
