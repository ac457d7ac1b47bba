"""Weighed pairs of events as what groups of events see of each other.

Belongs here: comparing the candidates of a group fairly, and saying which are out of the question. Does not
belong here: joining (``links``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.reconcile.clusters import Clusters
from pipelines.reconcile.evidence import MARGIN, Evidence

_CONTRARY: Final = -0.5
"""Parties at most this alike speak against a pair."""


def views(clusters: Clusters, pairs: pl.DataFrame, reach: int) -> pl.DataFrame:
    """Each pair of groups seen from both ends, once for each flow in which the other end has an event.

    Candidates are compared by what the same events of ``x`` say about one event of each, so a group with
    more flows is not preferred for having more to say.

    Args:
        clusters: The state.
        pairs: Weighed pairs of events.
        reach: Least days apart at most.

    Returns:
        ``x``, ``y`` (labels), ``flow`` (bit, of the event of ``y``), ``mask_x``, ``a`` < ``b`` (the same
        labels), ``free`` (they share no flow), ``open``, ``cents``, ``block``, ``lag``, ``when``, ``ref``, ``who``,
        ``score``.
    """
    left, right = (pl.Series(clusters.label[pairs[side].to_numpy()]) for side in ("l", "r"))
    ends = pairs.with_columns(gl=left, gr=right).filter(pl.col("gl") != pl.col("gr"))
    kept = ["lag", "when", "cents", "block", "open", "ref", "who", "score"]
    seen = pl.concat(
        [
            ends.select(*kept, x="gl", y="gr", flow="bit_r"),
            ends.select(*kept, x="gr", y="gl", flow="bit_l"),
        ]
    )
    ways = seen.group_by("x", "y", "flow").agg(
        pl.col("lag", "when").min(),
        pl.col("cents", "block").first(),
        pl.col("open").any(),
        *best("ref", "who", "score"),
    )
    x, y = ways["x"].to_numpy(), ways["y"].to_numpy()
    return (
        ways.with_columns(
            a=pl.Series(np.minimum(x, y)),
            b=pl.Series(np.maximum(x, y)),
            mask_x=pl.Series(clusters.mask[x]),
            free=pl.Series((clusters.mask[x] & clusters.mask[y]) == 0),
        )
        .filter(pl.col("lag").min().over("a", "b") <= reach)
        .sort("a", "b", "x", "flow")
    )


def members(pairs: pl.DataFrame, rows: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Pairs of groups of whatever amounts as weighed pairs of their events.

    Args:
        pairs: ``a``, ``b`` (labels), each pair once.
        rows: ``label``, ``row``.
        evidence: What the events say.

    Returns:
        As ``Evidence.weighed``, with ``a`` and ``b``.
    """
    facts = rows.join(evidence.events.select("row", "bit", "day", "cents", "block"), on="row")
    left = facts.select("day", "cents", "block", a="label", l="row", bit_l="bit")
    right = facts.select(b="label", r="row", bit_r="bit", day_r="day")
    both = pairs.select("a", "b").join(left, on="a").join(right, on="b").sort("a", "b", "l", "r")
    days = both.with_columns(
        lag=(pl.col("day") - pl.col("day_r")).abs(), when=pl.col("day") + pl.col("day_r"), open=pl.lit(True)
    )
    return evidence.weighed(days.drop("day", "day_r"))


def best(*columns: str) -> list[pl.Expr]:
    """The best that any event says for a pair; what speaks against it, where nothing speaks for it."""
    return [
        pl.when(pl.col(name).max() > 0).then(pl.col(name).max()).otherwise(pl.col(name).min()).alias(name)
        for name in columns
    ]


def outstanding(ways: pl.DataFrame) -> pl.DataFrame:
    """Free pairs of groups that nothing else comes near from either end, a taken candidate included.

    Returns:
        ``a``, ``b``, ``lag``, ``cents``, ``open``, ``ref``, ``who``, ``score``, ``choice`` (there was any).
    """
    score = pl.col("score")
    free = ways.filter("free")
    rivals = free.group_by("x", "flow").agg(
        n=pl.len(),
        best=score.max(),
        ties=(score == score.max()).sum(),
        next=score.filter(score < score.max()).max(),
    )
    clear = (pl.col("n") == 1) | (
        (score == pl.col("best")) & (pl.col("ties") == 1) & (pl.col("best") - pl.col("next") >= MARGIN)
    )
    kept = pl.col("taken").is_null() | (pl.col("taken") < score + MARGIN)
    return (
        free.join(rivals, on=["x", "flow"])
        .join(_best_taken(ways), on=["x", "flow"], how="left")
        .group_by("a", "b")
        .agg(
            pl.col("lag").min(), pl.col("cents", "block").first(), pl.col("open").any(), *best("ref", "who", "score"),
            good=(clear & kept).all(),
            choice=(pl.col("n") > 1).any(),
        )
        .filter("good")
    )  # fmt: skip


def plausible(ways: pl.DataFrame) -> pl.DataFrame:
    """Ways between free groups that no other candidate of either group, free or taken, leaves far behind."""
    behind = ways.filter(pl.col("score") + MARGIN <= pl.col("score").max().over("x", "flow"))
    against = ways.group_by("a", "b").agg(*best("ref", "who")).filter(contrary())
    return _without(_without(ways.filter("free"), behind), against)


def not_taken(ways: pl.DataFrame) -> pl.DataFrame:
    """Ways between free groups, except where much more speaks for a candidate that is taken."""
    lost = ways.join(_best_taken(ways), on=["x", "flow"]).filter(pl.col("score") + MARGIN <= pl.col("taken"))
    return _without(ways.filter("free"), lost)


def contrary() -> pl.Expr:
    """What speaks against a pair: another number of the same series, or another party and no common number."""
    return ((pl.col("who") <= _CONTRARY) & (pl.col("ref") <= 0)) | (pl.col("ref") < 0)


def _best_taken(ways: pl.DataFrame) -> pl.DataFrame:
    return ways.filter(~pl.col("free")).group_by("x", "flow").agg(taken=pl.col("score").max())


def _without(ways: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return ways.join(others, on=["a", "b"], how="anti", maintain_order="left")
