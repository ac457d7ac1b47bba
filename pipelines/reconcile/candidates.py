"""Pairs of events of two flows that may be one transaction: equal amounts, close in time.

Belongs here: finding them within bounded work. Does not belong here: what speaks for a pair (``evidence``) and
choosing among them (``links``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.reconcile.events import BANK, BOOKS, BUSINESS

WINDOW: Final = 5
"""Days between two flows that are normal (weekends, holidays)."""
REACH: Final = 45
"""Days between two flows beyond which they are not the same money."""
_HEAVY: Final = 40_000
"""Pairs of one amount in a canteen beyond which only equal days and places are compared, to bound the work."""

FLOW_PAIRS: Final = ((BANK, BUSINESS), (BUSINESS, BOOKS), (BANK, BOOKS))


def equal_amounts(events: pl.DataFrame, *, by_place: bool) -> pl.DataFrame:
    """Pairs of events of two flows with equal canteen, direction and amount, at most ``REACH`` days apart.

    Args:
        events: Prepared events, or some of them.
        by_place: Events that nothing tells apart meet only the one at the same place of the other flow's.

    Returns:
        ``l``, ``r`` (rows), ``bit_l``, ``bit_r``, ``block``, ``cents``, ``lag`` (days apart), ``when`` (sum
        of both days).
    """
    keys = ["block", "place"] if by_place else ["block"]
    sizes = events.group_by("block").agg(
        pairs=pl.sum_horizontal(
            (pl.col("bit") == one).sum().cast(pl.Int64) * (pl.col("bit") == other).sum().cast(pl.Int64)
            for one, other in FLOW_PAIRS
        )
    )
    few = events.select("row", "bit", "day", "block", "place", "cents", "part", "settled").join(
        sizes, on="block"
    )
    found = []
    for heavy in (False, True):
        part = few.filter(pl.col("pairs") > 0, (pl.col("pairs") > _HEAVY) == heavy)
        on = ["block", "place", "day"] if heavy else keys
        for one, other in FLOW_PAIRS:
            left = part.filter(pl.col("bit") == one).select(
                *on, "cents", "part", "settled", date="day", l="row"
            )
            right = part.filter(pl.col("bit") == other).select(*on, "part", "settled", date="day", r="row")
            both = left.join(right, on=on, suffix="_r")
            # The second of several is not the first, however much else agrees.
            found.append(
                both.filter(
                    (pl.col("part") == pl.col("part_r")).fill_null(True),
                    ~(pl.col("settled") & pl.col("settled_r")),
                ).select(
                    *("l", "r", "block", "cents"),
                    bit_l=pl.lit(one, pl.Int64),
                    bit_r=pl.lit(other, pl.Int64),
                    lag=(pl.col("date") - pl.col("date_r")).abs(),
                    when=pl.col("date") + pl.col("date_r"),
                )
            )
    return pl.concat(found).filter(pl.col("lag") <= REACH).sort("l", "r")


def with_choice(pairs: pl.DataFrame) -> pl.DataFrame:
    """Mark with ``open`` the pairs of amounts that leave any choice within the window."""
    near = pl.col("lag") <= WINDOW
    choice = (near.sum().over("l", "bit_r") > 1) | (near.sum().over("r", "bit_l") > 1)
    return pairs.with_columns(open=(choice & near).any().over("block"))
