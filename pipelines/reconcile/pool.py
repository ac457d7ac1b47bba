"""Groups that lack a flow: what is left for sums and slips.

Belongs here: listing them, and which of them lie close together, within bounded work. Does not belong here:
joining them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.reconcile.candidates import WINDOW
from pipelines.reconcile.clusters import Clusters
from pipelines.reconcile.events import ALL, BANK, BOOKS

_CROWD: Final = 200
"""Groups of a canteen within a few days beyond which only those of equal days are compared, to bound the work."""


@dataclass(frozen=True)
class Pool:
    """Groups that lack a flow.

    Attributes:
        groups: ``label``, ``mask``, ``canteen``, ``incoming``, ``cents``, ``first``, ``last`` (days),
            ``natural``, ``doubtful`` (an event of its amount was merely proposed about that time).
        rows: ``label``, ``row`` of their events.
    """

    groups: pl.DataFrame
    rows: pl.DataFrame


def lacking(events: pl.DataFrame, clusters: Clusters, out: pl.Series) -> pl.DataFrame:
    """Events whose group lacks a flow that it should have, with ``label`` and ``mask``.

    Args:
        events: Prepared events.
        clusters: The state.
        out: Rows that are explained otherwise.
    """
    placed = events.with_columns(
        label=pl.Series(clusters.label), mask=pl.Series(clusters.mask[clusters.label])
    ).filter(~pl.col("row").is_in(out.implode()))
    natural = pl.col("natural").any().over("label") & (pl.col("mask") == BANK | BOOKS)
    return placed.filter((pl.col("mask") != ALL) & ~natural)


def collect(events: pl.DataFrame, clusters: Clusters, out: pl.Series) -> Pool:
    """The groups that lack a flow; arguments as of ``lacking``."""
    rows = lacking(events, clusters, out)
    doubtful = clusters.near_doubt(rows, events, 2 * WINDOW)
    groups = (
        rows.filter(pl.Series(~clusters.grouped[rows["label"].to_numpy()]))
        .group_by("label")
        .agg(
            pl.col("mask", "canteen", "incoming", "cents").first(),
            pl.col("natural").any(),
            doubtful=pl.col("label").is_in(doubtful.implode()).any(),
            first=pl.col("day").min(),
            last=pl.col("day").max(),
        )
        .sort("label")
    )
    return Pool(groups, rows.select("label", "row"))


def close(pool: Pool) -> pl.DataFrame:
    """Pairs of groups of one canteen and direction that share no flow and lie within the window of each other.

    Returns:
        The columns of ``Pool.groups``, and again with the suffix ``_b``; each pair both ways round.
    """
    span = WINDOW + 1
    bucket = pl.col("first") // span
    groups = pool.groups.with_columns(bucket=bucket)
    groups = groups.with_columns(crowded=pl.len().over("canteen", "incoming", "bucket") > _CROWD)
    sparse, crowded = groups.filter(~pl.col("crowded")), groups.filter("crowded")
    around = sparse.with_columns(bucket=pl.concat_list(bucket - 1, bucket, bucket + 1)).explode("bucket")
    found = pl.concat(
        [
            sparse.join(around, on=["canteen", "incoming", "bucket"], suffix="_b"),
            crowded.join(crowded, on=["canteen", "incoming", "first"], suffix="_b").with_columns(
                first_b="first"
            ),
        ],
        how="diagonal",
    )
    gap = pl.max_horizontal("first", "first_b") - pl.min_horizontal("last", "last_b")
    return found.filter(pl.col("mask") & pl.col("mask_b") == 0, gap <= WINDOW)
