"""Three flows in one: the order of the steps.

Belongs here: what is tried first, and the frames that come out. Does not belong here: the steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from pipelines.reconcile import candidates, differences, doubts, groups, leftovers, links, pool, slips
from pipelines.reconcile.clusters import CONFIDENCE, PROPOSED, Clusters
from pipelines.reconcile.events import SETTLED, prepare
from pipelines.reconcile.evidence import Evidence


@dataclass(frozen=True)
class Reconciliation:
    """What came of comparing the flows.

    Attributes:
        matches: One row per matched event: ``match_id``, ``canteen_id``, ``event_id``, ``flow``, ``rule``,
            ``confidence`` (0 to 1), ``automatic``. Two events of a match are one transaction without a person's
            word only if both are automatic.
        differences: See ``differences.described``. Every event is in one difference, or in a match of flows
            that agree.
        remainders: See ``differences.remainders``.
    """

    matches: pl.DataFrame
    differences: pl.DataFrame
    remainders: pl.DataFrame


def reconcile(
    events: pl.DataFrame, accounts: pl.DataFrame, settled: pl.DataFrame | None = None
) -> Reconciliation:
    """Compare bank, business and books.

    Args:
        events: Columns of ``events.SCHEMA``: the events of the period that is still open, all canteens.
        accounts: Columns of ``events.ACCOUNTS``: the registered accounts.
        settled: Columns of ``events.SETTLED``: what was settled before. It is a rival to the events, so that doubts
            are seen, but is never matched anew, and nothing that comes out tells of it.

    Raises:
        ContractBreach: The events cannot be used, see ``events.prepare``.
    """
    settled = SETTLED.to_frame() if settled is None else settled
    known = prepare(events, accounts, settled)
    clusters = Clusters(known)
    clusters.settle(known.select("event_id", "row", "bit").join(settled, on="event_id"))
    pairs = candidates.with_choice(candidates.equal_amounts(known, by_place=True))
    evidence = Evidence.of(known)
    pairs = evidence.weighed(pairs)
    evidence = evidence.learned(pairs)
    pairs = evidence.renamed(pairs)
    reversed_by = leftovers.reversals(evidence, pairs)
    out = pl.concat([reversed_by["row"], reversed_by["original"]])
    pairs = _without(pairs, out)
    links.by_number(clusters, pairs)
    pairs = pairs.filter(pl.col("open") | (pl.col("lag") <= candidates.WINDOW))
    links.settle(clusters, pairs)
    links.force(clusters, pairs)
    links.settle(clusters, pairs)
    links.take_firsts(clusters, pairs, known)
    links.settle(clusters, pairs)

    groups.split(clusters, pool.collect(known, clusters, out), evidence, sure=True)
    slips.join(clusters, pool.collect(known, clusters, out), evidence, by_number=True)
    links.settle(clusters, pairs)
    rest = candidates.equal_amounts(_unfinished(known, clusters, out), by_place=False)
    rest = evidence.weighed(_without(rest, out).with_columns(open=pl.lit(True)))
    copies = _copies(evidence, clusters, out, None, "number")
    links.propose(clusters, _without(rest, copies["row"]))
    groups.split(
        clusters, pool.collect(known, clusters, pl.concat([out, copies["row"]])), evidence, sure=False
    )
    copies = _copies(evidence, clusters, out, copies, "number")
    links.late(clusters, _without(rest, copies["row"]), known)
    copies = _copies(evidence, clusters, out, copies, "words")
    slips.join(
        clusters, pool.collect(known, clusters, pl.concat([out, copies["row"]])), evidence, by_number=False
    )
    copies = _copies(evidence, clusters, out, copies, "party")
    explained = pl.concat([out, copies["row"]])
    unannounced = leftovers.unannounced(evidence, leftovers.alone(known, clusters, explained))
    return _result(evidence, clusters, copies, pl.concat([reversed_by, unannounced]))


def _without(pairs: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    return pairs.filter(~pl.col("l").is_in(rows.implode()), ~pl.col("r").is_in(rows.implode()))


def _unfinished(events: pl.DataFrame, clusters: Clusters, out: pl.Series) -> pl.DataFrame:
    """All events of the amounts of which some group lacks a flow."""
    blocks = pool.lacking(events, clusters, out)["block"].unique()
    return events.filter(pl.col("block").is_in(blocks.implode()))


def _copies(
    evidence: Evidence,
    clusters: Clusters,
    out: pl.Series,
    before: pl.DataFrame | None,
    by: Literal["number", "words", "party"],
) -> pl.DataFrame:
    """The copies found before and those that this step adds."""
    explained = out if before is None else pl.concat([out, before["row"]])
    found = leftovers.copies(evidence, clusters, leftovers.alone(evidence.events, clusters, explained), by)
    return found if before is None else pl.concat([before, found])


def _result(
    evidence: Evidence, clusters: Clusters, copies: pl.DataFrame, reversed_by: pl.DataFrame
) -> Reconciliation:
    events = evidence.events
    doubtful = reversed_by["doubtful"].explode().drop_nulls()
    explained = pl.concat([copies["row"], reversed_by["row"], reversed_by["original"]])
    certain = doubts.certain(clusters, evidence, copies["row"], explained, doubtful)
    placed = (
        events.with_columns(
            group=pl.Series(clusters.label),
            grouped=pl.Series(clusters.grouped[clusters.label]),
            matched=pl.Series(clusters.size[clusters.label] > 1),
            automatic=pl.Series(certain),
            rule=pl.Series(clusters.rule.tolist(), dtype=pl.String),
        )
        .join(copies.select("row", copy_of="original"), on="row", how="left", maintain_order="left")
        .join(reversed_by.select("row", reverses="original"), on="row", how="left", maintain_order="left")
        .with_columns(
            match_id=pl.when("matched").then(pl.lit("M-") + pl.col("event_id").first().over("group"))
        )
    )
    typed = differences.typed(placed).filter(~pl.col("settled"))
    described = differences.described(typed)
    sure = pl.col("rule").replace_strict(CONFIDENCE, default=PROPOSED)
    matches = placed.filter("matched", ~pl.col("settled")).select(
        "match_id",
        "canteen_id",
        "event_id",
        "flow",
        "rule",
        confidence=pl.when("automatic").then(sure).otherwise(PROPOSED),
        automatic="automatic",
    )
    return Reconciliation(
        matches.sort("match_id", "event_id"), described, differences.remainders(typed, described)
    )
