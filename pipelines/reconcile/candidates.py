"""Pairs of events of two flows that may be one transaction, and what speaks for each pair.

Belongs here: finding pairs of equal amounts within bounded work, and weighing pairs of events. Does not
belong here: choosing among them (``links``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.reconcile import names
from pipelines.reconcile.events import BANK, BOOKS, BUSINESS

WINDOW: Final = 5
"""Days between two flows that are normal (weekends, holidays)."""
REACH: Final = 45
"""Days between two flows beyond which they are not the same money."""
_HEAVY: Final = 40_000
"""Pairs of one amount in a canteen beyond which only equal days are compared, to bound the work."""

FLOW_PAIRS: Final = ((BANK, BUSINESS), (BUSINESS, BOOKS), (BANK, BOOKS))
_REF: Final = 4.0
_WHO: Final = 2.0
_KIND: Final = 1.0
_TEXT: Final = 3.0
MARGIN: Final = 1.5
"""How much more must speak for a pair than for any other that it could be confused with."""


def equal_amounts(events: pl.DataFrame, *, by_place: bool) -> pl.DataFrame:
    """Pairs of events of two flows with equal canteen, direction and amount, at most ``REACH`` days apart.

    Args:
        events: Prepared events, or some of them.
        by_place: Events that nothing tells apart meet only the one at the same place of the other flow's.

    Returns:
        ``l``, ``r`` (rows), ``bit_l``, ``bit_r``, ``block``, ``cents``, ``lag`` (days apart), ``when`` (sum
        of both days).
    """
    keys = ["block", "twin"] if by_place else ["block"]
    sizes = events.group_by("block").agg(
        pairs=pl.sum_horizontal(
            (pl.col("bit") == one).sum().cast(pl.Int64) * (pl.col("bit") == other).sum().cast(pl.Int64)
            for one, other in FLOW_PAIRS
        )
    )
    few = events.select("row", "bit", "day", "block", "twin", "cents").join(sizes, on="block")
    found = []
    for heavy in (False, True):
        part = few.filter(pl.col("pairs") > 0, (pl.col("pairs") > _HEAVY) == heavy)
        on = [*keys, "day"] if heavy else keys
        for one, other in FLOW_PAIRS:
            left = part.filter(pl.col("bit") == one).select(*on, "cents", date="day", l="row")
            right = part.filter(pl.col("bit") == other).select(*on, date="day", r="row")
            found.append(
                left.join(right, on=on, suffix="_r").select(
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


def weighed(pairs: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Pairs with what speaks for them; those that are not ``open`` have only their numbers compared.

    Args:
        pairs: ``l``, ``r``, ``open`` and others.
        events: Prepared events.

    Returns:
        The pairs with ``ref``, ``who``, ``kind``, ``text`` (see ``names``) and ``score``, their weighted sum.
    """
    left, right = (_facts(pairs[side], events) for side in ("l", "r"))
    refs = pl.DataFrame(
        {"a": left["ref_key"], "b": right["ref_key"], "ta": left["text_key"], "tb": right["text_key"]}
    )
    pairs = pairs.with_columns(refs.select(ref=names.quoted("a", "b", "ta", "tb"))["ref"])
    close = pairs.select("l", "r", "open").filter("open").drop("open")
    left, right = (_facts(close[side], events) for side in ("l", "r"))
    keys = (side[key] for key in ("party_key", "text_key") for side in (left, right))
    judged = close.with_columns(
        _kinds(left, right),
        who=pl.Series(names.parties(*keys)),
        text=pl.Series(names.texts(left["text_key"], right["text_key"])),
    )
    return (
        pairs.join(judged, on=["l", "r"], how="left", maintain_order="left")
        .with_columns(pl.col("kind", "who", "text").fill_null(0.0))
        .with_columns(
            score=_REF * pl.col("ref")
            + _WHO * pl.col("who")
            + _KIND * pl.col("kind")
            + _TEXT * pl.col("text")
        )
    )


def _facts(rows: pl.Series, events: pl.DataFrame) -> pl.DataFrame:
    return events.select("party_key", "text_key", "ref_key", "kind")[rows]


def _kinds(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """1 where both flows know the kind and agree, -1 where they do not, else 0; the bank knows none."""
    a, b = pl.col("a"), pl.col("b")
    silent = a.is_null() | b.is_null() | (a == "other") | (b == "other")
    agree = pl.when(silent).then(0.0).when(a == b).then(1.0).otherwise(-1.0)
    return pl.DataFrame({"a": left["kind"], "b": right["kind"]}).select(kind=agree)["kind"]
