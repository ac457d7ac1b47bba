"""Joining events of equal amounts: what is certain, what repeats, and what a person must confirm.

Belongs here: choosing among candidates. Two groups are joined for certain only when each is the other's sole
candidate, or much more speaks for the pair than for any other that either could make, or no other assignment
leaves nobody without a partner. Does not belong here: sums of several events (``groups``), amounts that differ
(``slips``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.reconcile import assignment, field
from pipelines.reconcile.candidates import FLOW_PAIRS, REACH, WINDOW
from pipelines.reconcile.clusters import Clusters

_ROUNDS: Final = 30
_UNPAIRED: Final = 1e6
"""Cost of leaving a group without a partner: more than any pair's."""
_SCORE: Final = 100.0
_HIGHEST: Final = 2_000.0
_ROUND_CENTS: Final = 1_000
_SMALL_CENTS: Final = 50_000
"""Amounts in whole tens of yuan, and small ones, meet by chance."""


def by_number(clusters: Clusters, pairs: pl.DataFrame) -> None:
    """Join what quotes each other's number, however late."""
    quoting = pairs.filter(pl.col("ref") == 1)
    for _ in range(_ROUNDS):
        chosen = field.outstanding(field.views(clusters, quoting, REACH))
        if join(clusters, chosen.with_columns(rule=pl.lit("reference"), certain=pl.lit(True))).is_empty():
            return


def settle(clusters: Clusters, pairs: pl.DataFrame) -> None:
    """Join what is certain within the window, until nothing more is."""
    for _ in range(_ROUNDS):
        ways = field.views(clusters, pairs, WINDOW)
        chosen = field.outstanding(ways).filter(~field.contrary())
        if join(clusters, chosen.with_columns(rule=_rule(), certain=pl.lit(True))).is_empty():
            return


def force(clusters: Clusters, pairs: pl.DataFrame) -> None:
    """Join where only one assignment leaves nobody without a partner; any other explanation needs two breaks."""
    for one, other in FLOW_PAIRS:
        ways = field.plausible(field.views(clusters, pairs.filter("open"), WINDOW))
        chosen = assignment.sole(_sides(ways, clusters, one, other))
        join(clusters, chosen.with_columns(rule=_numbered("window"), certain=pl.lit(True)))


def take_firsts(clusters: Clusters, pairs: pl.DataFrame, events: pl.DataFrame) -> None:
    """Where a flow has one event twice and nobody else claims either, the first belongs to the group.

    The second stays alone; ``leftovers`` calls it a duplicate.
    """
    ways = field.views(clusters, pairs.filter("open"), WINDOW).filter("free")
    claims = ways.group_by(pl.col("x").alias("y"), pl.col("flow").alias("claimed")).agg(claims=pl.len())
    sole = (
        ways.select("x", "y", "mask_x")
        .unique()
        .join(claims, on="y")
        .filter(pl.col("mask_x") & pl.col("claimed") != 0)
        .group_by("x", "y")
        .agg(sole=(pl.col("claims") == 1).all())
    )
    facts = events.select("day", "party_key", "text_key", "ref_key", y="row")
    single = pl.Series("single", clusters.size[ways["y"].to_numpy()] == 1)
    chosen = (
        ways.with_columns(single)
        .join(sole, on=["x", "y"])
        .join(facts, on="y")
        .sort("x", "flow", "day", "y")
        .group_by("x", "flow", maintain_order=True)
        .agg(
            pl.col("a", "b", "score", "lag").first(),
            several=pl.len() > 1,
            lone=(pl.col("single") & pl.col("sole")).all(),
            alike=(pl.struct("party_key", "text_key").n_unique() == 1)
            & (pl.col("ref_key").drop_nulls().n_unique() <= 1),
            certain=pl.col("ref_key").n_unique() == 1,
        )
        .filter("several", "lone", "alike")
    )
    join(clusters, chosen.with_columns(rule=pl.lit("window")))


def propose(clusters: Clusters, pairs: pl.DataFrame) -> None:
    """Join what is likeliest among candidates that cannot be told apart; a person confirms it.

    First as many as possible among the plausible, then among all; what says most and lies nearest is preferred.
    """
    for allowed in (field.plausible, field.not_taken):
        for one, other in FLOW_PAIRS:
            ways = allowed(field.views(clusters, pairs, WINDOW))
            sides = _sides(ways, clusters, one, other)
            cost = _HIGHEST - _SCORE * sides["score"].to_numpy() + sides["lag"].to_numpy() ** 2
            chosen = assignment.cheapest(sides, cost, _UNPAIRED)
            join(clusters, chosen.with_columns(rule=pl.lit("window"), certain=pl.lit(False)))


def late(clusters: Clusters, pairs: pl.DataFrame, events: pl.DataFrame) -> None:
    """Join equal amounts that lie more than a window apart.

    Certain only where nothing of this amount was merely proposed about that time, chance cannot have made the amounts equal,
    and the lone event could not as well be a second copy of one that is matched.
    """
    left, right = (pl.Series(clusters.label[pairs[side].to_numpy()]) for side in ("l", "r"))
    crossing = pairs.filter(left != right, pl.col("lag") <= WINDOW)
    crowded = pl.concat([crossing["l"], crossing["r"]]).unique()
    chance = (pl.col("cents") % _ROUND_CENTS == 0) | (pl.col("cents") < _SMALL_CENTS)
    for _ in range(_ROUNDS):
        ways = field.views(clusters, pairs, REACH).filter("free")
        sole = field.outstanding(ways).select("a", "b", sole=pl.lit(True))
        groups = ways.group_by("a", "b").agg(
            pl.col("lag").min(), pl.col("cents", "block").first(), *field.best("ref", "who", "score")
        )
        doubtful = clusters.near_doubt(_labelled(clusters, events), events, REACH)
        alone = {side: pl.Series(clusters.size[groups[side].to_numpy()] == 1) for side in ("a", "b")}
        copies = pl.any_horizontal(pl.col(side).is_in(crowded.implode()) & alone[side] for side in alone)
        chosen = (
            groups.with_columns(copies=copies)
            .join(sole, on=["a", "b"], how="left")
            .filter(~field.contrary())
            .with_columns(
                rule=_numbered("timing"),
                certain=pl.col("sole").fill_null(False)
                & ~pl.col("copies")
                & ~pl.any_horizontal(pl.col("a", "b").is_in(doubtful.implode()))
                & ((pl.col("ref") > 0) | (pl.col("who") > 0) | ~chance),
            )
        )
        sure = chosen.filter("certain")
        if join(clusters, sure if sure.height else chosen).is_empty():
            return


def _labelled(clusters: Clusters, events: pl.DataFrame) -> pl.DataFrame:
    return events.select("block", "day", label=pl.Series(clusters.label))


def join(clusters: Clusters, chosen: pl.DataFrame) -> pl.Series:
    """Join those of the chosen pairs that come first for both of their groups.

    Args:
        clusters: The state.
        chosen: ``a``, ``b``, ``score``, ``lag``, ``rule``, ``certain``.

    Returns:
        Labels that were joined.
    """
    order = ["score", "lag", "a", "b"]
    ranked = chosen.sort(order, descending=[True, False, False, False]).with_row_index("place")
    ends = pl.concat([ranked.select("place", group=side) for side in ("a", "b")])
    first = ends.group_by("group").agg(pl.col("place").min())
    for side in ("a", "b"):
        ranked = ranked.join(first.rename({"group": side}), on=[side, "place"], how="semi")
    ranked = ranked.sort("place")
    clusters.join(*(ranked[name].to_numpy() for name in ("a", "b", "rule", "certain")))
    return pl.concat([ranked["a"], ranked["b"]])


def _sides(ways: pl.DataFrame, clusters: Clusters, one: int, other: int) -> pl.DataFrame:
    """Pairs of groups of which ``x`` has an event of one flow and ``y`` of the other."""
    brought = pl.Series(clusters.mask[ways["y"].to_numpy()])
    return (
        ways.with_columns(mask_y=brought)
        .filter(pl.col("mask_x") & one != 0, pl.col("mask_y") & other != 0)
        .group_by("x", "y")
        .agg(pl.col("a", "b").first(), pl.col("lag", "when").min(), *field.best("ref", "who", "score"))
        .sort("x", "y")
    )


def _numbered(otherwise: str) -> pl.Expr:
    return pl.when(pl.col("ref") > 0).then(pl.lit("reference")).otherwise(pl.lit(otherwise))


def _rule() -> pl.Expr:
    return (
        pl.when(pl.col("ref") > 0)
        .then(pl.lit("reference"))
        .when("choice")
        .then(pl.lit("text"))
        .when(pl.col("lag") == 0)
        .then(pl.lit("exact"))
        .otherwise(pl.lit("window"))
    )
