"""What might as well be otherwise: places in finished groups that a person must confirm.

Belongs here: going over the groups at the end, whatever step made them, for what speaks against them and for
events that another group could claim. Does not belong here: making groups (``links``, ``groups``, ``slips``).

A match needs evidence that excludes every rival. That one arrangement is likelier than another does not make
it the true one: of equal payments a week apart the likelier one is wrong every so often.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.reconcile import field
from pipelines.reconcile.candidates import REACH, WINDOW
from pipelines.reconcile.clusters import Clusters, Flags
from pipelines.reconcile.events import BANK, BOOKS
from pipelines.reconcile.evidence import Evidence

_PROPOSED_REACH: Final = 2 * WINDOW
"""Days within which a place that an event was merely proposed for is open to others."""
_MANY: Final = 1_000_000
"""Pairs of one amount in a canteen beyond which all that no number holds is left to a person, to bound the work."""
_CHUNK: Final = 500_000
"""Pairs compared at once, to bound the memory."""


def certain(
    clusters: Clusters, evidence: Evidence, copies: pl.Series, explained: pl.Series, doubtful: pl.Series
) -> Flags:
    """Which events need no person in the place where they are.

    Args:
        clusters: The state at the end.
        evidence: What the events say.
        copies: Rows that repeat another event.
        explained: Rows that are explained without a partner, the copies among them.
        doubtful: Rows of which it is not sure that they need a partner.
    """
    placed = _placed(clusters, evidence)
    within = _within(placed, evidence)
    placed = placed.with_columns(
        held=_among(_ends(within.filter(pl.col("ref") == 1))) & ~_among(_shared_numbers(placed, copies))
    )
    contradicted = _ends(within.filter(pl.col("ref") < 0))
    placed = _doubting(placed, pl.concat([doubtful, contradicted, _unlike_twins(placed, copies)]))
    claims, uncountable = _claims(placed.filter(~_among(explained)), evidence)
    placed = _doubting(placed, uncountable)
    while (claimed := _claimed(placed, claims)).len():
        placed = _doubting(placed, claimed)
    return placed["sure"].to_numpy()


def _placed(clusters: Clusters, evidence: Evidence) -> pl.DataFrame:
    return evidence.events.select(
        *("row", "block", "bit", "day", "like", "alike", "natural", "ref_key"),
        group=pl.Series(clusters.label),
        joined=pl.Series(clusters.size[clusters.label] > 1),
        sure=pl.Series(clusters.certain),
    ).with_columns(mask=pl.col("bit").bitwise_or().over("group"))


def _within(placed: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Pairs of events of different flows in one group: ``l``, ``r``, and ``ref`` as of ``names.quoted``."""
    joined = placed.filter("joined")
    pairs = (
        joined.select("group", "bit", l="row")
        .join(joined.select("group", r="row", bit_r="bit"), on="group")
        .filter(pl.col("l") < pl.col("r"), pl.col("bit") != pl.col("bit_r"))
        .select("l", "r")
    )
    return pairs.with_columns(ref=evidence.numbers(pairs))


def _shared_numbers(placed: pl.DataFrame, copies: pl.Series) -> pl.Series:
    """Events of groups of one amount that bear one number, as instalments of a contract do: it tells none of them."""
    numbered = placed.filter(pl.col("ref_key").is_not_null(), ~_among(copies))
    number = ["block", "bit", "ref_key"]
    shared = numbered.filter(pl.col("group").n_unique().over(number) > 1).select("group").unique()
    return placed.join(shared, on="group", how="semi")["row"]


def _claims(placed: pl.DataFrame, evidence: Evidence) -> tuple[pl.DataFrame, pl.Series]:
    """Groups that could claim an event which no number holds where it is.

    Args:
        placed: Events that are not explained otherwise.
        evidence: What the events say.

    Returns:
        ``row``, ``group`` (that could claim it), ``lag`` (least days apart), ``occupant`` (row that has the place in
        that group, null where it is empty); and the rows of amounts that are too many to compare.
    """
    exposed = placed.filter("joined", "sure", ~pl.col("held"))
    work = (
        exposed.group_by("block")
        .agg(exposed=pl.len().cast(pl.Int64))
        .join(placed.group_by("block").agg(others=pl.len()), on="block")
        .select("block", pairs=pl.col("exposed") * pl.col("others"))
        .sort("block")
    )
    few = work.filter(pl.col("pairs") <= _MANY).with_columns(chunk=pl.col("pairs").cum_sum() // _CHUNK)
    claims = pl.concat(
        _open_to(exposed.join(some, on="block", how="semi"), placed, evidence)
        for some in few.partition_by("chunk") or [few]
    )
    occupants = placed.select("group", "bit", occupant="row")
    fee = pl.col("natural").any().over("group") & (pl.col("mask") == BANK | BOOKS)
    needless = placed.select("group", needless=fee).unique()
    return (
        claims.join(occupants, on=["group", "bit"], how="left")
        .join(needless, on="group")
        .filter(~(pl.col("needless") & pl.col("occupant").is_null()))
        .select("row", "group", "lag", "occupant"),
        exposed.join(few, on="block", how="anti")["row"],
    )


def _open_to(exposed: pl.DataFrame, placed: pl.DataFrame, evidence: Evidence) -> pl.DataFrame:
    """Groups of the same amount that nothing keeps from claiming: ``row``, ``bit``, ``group``, ``lag``."""
    near = (
        exposed.select("block", "bit", "day", "group", l="row")
        .join(placed.select("block", "bit", "day", "group", r="row"), on="block", suffix="_o")
        .filter(pl.col("group") != pl.col("group_o"), pl.col("bit") != pl.col("bit_o"))
        .with_columns(lag=(pl.col("day") - pl.col("day_o")).abs())
        .filter(pl.col("lag") <= REACH)
        .select("l", "r", "bit", "lag", group="group_o")
        .sort("l", "r")
    )
    return (
        evidence.identified(near)
        .group_by("bit", "group", row="l")
        .agg(pl.col("lag").min(), *field.best("ref", "who"))
        .filter(~field.contrary())
        .select("row", "bit", "group", "lag")
    )


def _claimed(placed: pl.DataFrame, claims: pl.DataFrame) -> pl.Series:
    """Events thought certain so far for which another group has a place.

    An empty place is open as far as money is ever late; one that a proposal fills, twice the window; one that a
    match fills, the window. A number keeps its event, and what looks the same in all respects is no loss.
    """
    sure = placed.filter("sure").select("row", "like")
    occupant = placed.select("held", occupant="row", like_o="like", settled="sure")
    reach = (
        pl.when(pl.col("occupant").is_null())
        .then(REACH)
        .when("settled")
        .then(WINDOW)
        .otherwise(_PROPOSED_REACH)
    )
    return (
        claims.join(sure, on="row")
        .join(occupant, on="occupant", how="left")
        .filter(
            ~pl.col("held").fill_null(False),
            (pl.col("like") != pl.col("like_o")).fill_null(True),
            pl.col("lag") <= reach,
        )["row"]
        .unique()
    )


def _unlike_twins(placed: pl.DataFrame, copies: pl.Series) -> pl.Series:
    """Events that look like another one of their flow, but whose group does not look like the other's.

    Nothing says which of them belongs where; only where whole groups look alike is any pairing right. The
    second copy of one event is not another event.
    """
    likes = placed.select("row", "like", "alike", "group").filter(~_among(copies))
    some = likes.filter((pl.col("alike") > 1).any().over("group"))
    shape = some.group_by("group").agg(shape=pl.col("like").sort())
    return (
        some.filter(pl.col("alike") > 1)
        .join(shape, on="group")
        .group_by("like")
        .agg(pl.col("row"), shapes=pl.col("shape").n_unique())
        .filter(pl.col("shapes") > 1)
        .explode("row")["row"]
    )


def _doubting(placed: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    return placed.with_columns(sure=pl.col("sure") & ~_among(rows))


def _among(rows: pl.Series) -> pl.Expr:
    return pl.col("row").is_in(rows.implode())


def _ends(pairs: pl.DataFrame) -> pl.Series:
    return pl.concat([pairs["l"], pairs["r"]])
