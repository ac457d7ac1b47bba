"""Events that no other flow has: second copies, and bank lines that a reversal cancels.

Belongs here: pairs within one flow. Does not belong here: joining flows (``links``).
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from pipelines.reconcile.candidates import REACH, WINDOW
from pipelines.reconcile.clusters import Clusters
from pipelines.reconcile.events import BANK
from pipelines.reconcile.evidence import Evidence

_ALIKE: Final = 0.8
_SEPARATE: Final = 1.0
"""How much more must speak for an original than for the next one to be sure which line was reversed."""


def reversals(evidence: Evidence, pairs: pl.DataFrame) -> pl.DataFrame:
    """Bank lines that say that they reverse another one, each with the likeliest original.

    A line of which another flow tells too, with equal amount and direction within the window, is no reversal.

    Args:
        evidence: What the events say.
        pairs: Weighed pairs of equal amounts.

    Returns:
        ``row`` (the reversal), ``original``, ``doubtful`` (rows that might as well be the original).
    """
    events = evidence.events
    told = pairs.filter(pl.col("lag") <= WINDOW, pl.col("r").is_in(events.filter("undone")["row"].implode()))
    known = told["l"].unique()
    reversing = events.filter("reversing", ~pl.col("settled"), ~pl.col("row").is_in(known.implode()))
    quoted = events.select("row", "block", "ref_key")[pairs.filter(pl.col("ref") > 0)["l"].unique()]
    vouched = events.filter(pl.col("bit") == BANK).join(quoted, on=["block", "ref_key"], how="semi")["row"]
    originals = events.filter((pl.col("bit") == BANK) & ~pl.col("reversing") & ~pl.col("settled"))
    return _cancelled(reversing, originals, vouched, evidence)


def unannounced(evidence: Evidence, alone: pl.DataFrame) -> pl.DataFrame:
    """Lone bank lines that cancel an equal lone line of the other direction within the window.

    Args:
        evidence: What the events say.
        alone: Events that are still on their own.

    Returns:
        As ``reversals``.
    """
    bank = alone.filter(pl.col("bit") == BANK)
    return _cancelled(bank, bank, bank["row"].clear(), evidence).filter(pl.col("row") != pl.col("original"))


def _cancelled(
    reversing: pl.DataFrame, originals: pl.DataFrame, vouched: pl.Series, evidence: Evidence
) -> pl.DataFrame:
    """Pairs of bank lines that cancel out; a line whose number another flow quotes was not cancelled."""
    on = ["canteen", "account_no", "cents"]
    kept = ["row", "day", "incoming"]
    both = (
        reversing.select(*on, *kept)
        .join(originals.select(*on, *kept), on=on, suffix="_o")
        .with_columns(lag=pl.col("day") - pl.col("day_o"))
        .filter(pl.col("incoming") != pl.col("incoming_o"), pl.col("lag").is_between(0, REACH))
        .sort("row", "row_o")
    )
    both = evidence.compared(both.rename({"row": "l", "row_o": "r"})).rename({"l": "row", "r": "row_o"})
    near = (pl.col("lag") <= WINDOW).cast(pl.Float64)
    both = both.with_columns(
        score=4 * pl.col("ref")
        + 2 * pl.col("who")
        + 2 * near
        - 4 * pl.col("row_o").is_in(vouched.implode()).cast(pl.Float64)
    )
    ranked = both.sort("score", "lag", "row", "row_o", descending=[True, False, False, False]).with_row_index(
        "place"
    )
    chosen = ranked.filter(
        pl.col("place") == pl.col("place").min().over("row"),
        pl.col("place") == pl.col("place").min().over("row_o"),
    ).select("row", original="row_o", best="score")
    rivals = (
        both.join(chosen, on="row")
        .filter(pl.col("row_o") != pl.col("original"), pl.col("score") > pl.col("best") - _SEPARATE)
        .group_by("row")
        .agg(doubtful="row_o")
    )
    # A line cannot reverse one thing and be reversed by another.
    both_ends = chosen["row"].is_in(chosen["original"].implode()) & (chosen["row"] > chosen["original"])
    return chosen.filter(~both_ends).join(rivals, on="row", how="left").select("row", "original", "doubtful")


def copies(
    evidence: Evidence, clusters: Clusters, alone: pl.DataFrame, by: Literal["number", "words", "party"]
) -> pl.DataFrame:
    """Lone events that stand in their flow a second time.

    Args:
        evidence: What the events say.
        clusters: The state.
        alone: Events that are still on their own.
        by: What must be the same: the number; party and words, within the window; or only no other party.

    Returns:
        ``row``, ``original``.
    """
    events = evidence.events
    joined = events.filter(pl.Series(clusters.size[clusters.label] > 1))
    kept = ["row", "day", "party_key", "text_key", "ref_key"]
    both = (
        alone.select("bit", "block", *kept)
        .join(joined.select("bit", "block", *kept), on=["bit", "block"], suffix="_o")
        .with_columns(
            lag=(pl.col("day") - pl.col("day_o")).abs(),
            number=(pl.col("ref_key") == pl.col("ref_key_o")).fill_null(False),
        )
        .filter(pl.col("lag") <= REACH)
        .sort("row", "row_o")
    )
    both = evidence.compared(both.rename({"row": "l", "row_o": "r"})).rename({"l": "row", "r": "row_o"})
    same_words = (pl.col("text") >= _ALIKE) | (pl.col("text_key").is_null() & pl.col("text_key_o").is_null())
    no_other_party = (pl.col("who") >= _ALIKE) | (
        pl.col("party_key").is_null() & pl.col("party_key_o").is_null()
    )
    same = {
        "number": pl.col("number"),
        "words": same_words & no_other_party & (pl.col("lag") <= WINDOW),
        "party": pl.col("who") >= 0,
    }
    return (
        both.filter(same[by])
        .sort("number", "who", "lag", "text", "row_o", descending=[True, True, False, True, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", original="row_o")
        .sort("row")
    )


def alone(events: pl.DataFrame, clusters: Clusters, left_out: pl.Series) -> pl.DataFrame:
    """Events that are still on their own and not yet explained."""
    single = pl.Series(clusters.size[clusters.label] == 1)
    return events.filter(single & ~pl.col("settled") & ~pl.col("row").is_in(left_out.implode()))
