"""One event that stands for several: sums that are equal to the cent.

Belongs here: the search for parts, bounded to the likeliest few of each whole. Does not belong here: single
events against single events (``links``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.reconcile import field
from pipelines.reconcile.candidates import WINDOW
from pipelines.reconcile.clusters import Clusters, Rows
from pipelines.reconcile.events import ALL
from pipelines.reconcile.evidence import Evidence
from pipelines.reconcile.pool import Pool, close

_POOL: Final = 12
"""Parts of a whole that are tried in every combination."""
_CHUNK: Final = 512
_NEVER: Final = 1 << 52
_BLANK: Final = {"cents": _NEVER, "label": -1, "strong": 0, "doubtful": 0}
"""What stands in a pool where it has no part."""
_STRONG: Final = 0.8
"""Likeness of parties from which a part is taken to be the whole's."""
_CHANCE: Final = 0.001
_CHANCE_STRONG: Final = 0.05
"""Sums expected to be equal by mere chance, up to which a sole solution is certain."""
_ROUNDS: Final = 10


def split(clusters: Clusters, pool: Pool, evidence: Evidence, *, sure: bool) -> None:
    """Join wholes with their parts.

    Args:
        clusters: The state.
        pool: Groups that lack a flow.
        evidence: What the events say.
        sure: Only what is certain.
    """
    solutions = _solutions(_offers(pool, evidence)).filter(pl.col("certain") | (not sure))
    for _ in range(_ROUNDS):
        if solutions.is_empty():
            return
        touched = solutions.select(
            "place", label=pl.concat_list("parts", pl.concat_list("whole"))
        ).explode("label")  # fmt: skip
        first = touched.with_columns(first=pl.col("place").min().over("label"))
        free = first.group_by("place").agg(free=(pl.col("place") == pl.col("first")).all())
        chosen = solutions.join(free.filter("free"), on="place", how="semi").explode("parts")
        clusters.gather(chosen["whole"].to_numpy(), chosen["parts"].to_numpy(), chosen["certain"].to_numpy())
        gone = touched.join(chosen.select("place").unique(), on="place", how="semi")["label"]
        hit = touched.filter(pl.col("label").is_in(gone.implode()))["place"]
        solutions = solutions.filter(~pl.col("place").is_in(hit.implode()))


def _offers(pool: Pool, evidence: Evidence) -> pl.DataFrame:
    """Wholes with the parts that they may be made of, strongest first and at most ``_POOL`` + 1 of them."""
    near = close(pool).rename({f"{name}_b": f"{name}_w" for name in ("label", "mask", "cents", "doubtful")})
    near = near.filter(
        pl.col("cents") < pl.col("cents_w"),
        pl.max_horizontal("last", "last_b") - pl.min_horizontal("first", "first_b") <= WINDOW,
    )
    # A part can only be one of two or more that make the whole up.
    near = near.filter(pl.col("cents").sum().over("label_w", "mask") >= pl.col("cents_w"))
    ends = near.select(a=pl.min_horizontal("label", "label_w"), b=pl.max_horizontal("label", "label_w"))
    weight = (
        field.members(ends.unique(), pool.rows, evidence)
        .group_by("a", "b")
        .agg(pl.col("lag").min(), *field.best("ref", "who", "kind", "score"))
    )
    against = ((pl.col("who") < 0) | (pl.col("kind") < 0)) & (pl.col("ref") == 0)
    return (
        near.with_columns(ends)
        .join(weight, on=["a", "b"])
        .filter(~against)
        .with_columns(strong=(pl.col("who") >= _STRONG) | (pl.col("ref") > 0))
        .sort(
            "label_w", "mask", pl.col("score"), "lag", "label", descending=[False, False, True, False, False]
        )
        .with_columns(doubtful=(pl.col("doubtful") | pl.col("doubtful_w")) & (pl.col("ref") <= 0))
        .select("label_w", "mask_w", "cents_w", "mask", "label", "cents", "strong", "first", "doubtful")
    )


def _solutions(offers: pl.DataFrame) -> pl.DataFrame:
    """At most one way to make up each whole.

    Returns:
        ``place`` (the better ones first), ``whole``, ``parts``, ``certain``.
    """
    sides = pl.concat([_teams(offers), _subsets(offers)])
    best = sides.sort(
        "certain", pl.col("parts").list.len(), descending=[True, False], maintain_order=True
    ).unique(["whole", "mask"], keep="first", maintain_order=True)
    rest = ALL ^ pl.col("mask_w")
    one = best.filter(pl.col("mask") == rest).select("whole", "parts", "certain", full=pl.lit(True))
    others = best.join(one, on="whole", how="anti")
    two = (
        others.sort("whole", "mask")
        .group_by("whole", "mask_w", maintain_order=True)
        .agg(covered=pl.col("mask").sum(), parts=pl.col("parts").explode(), certain=pl.col("certain").all())
        .select("whole", "parts", "certain", full=pl.col("covered") == rest)
    )
    found = pl.concat([one, two]).filter("full")
    touched = found.select("whole", label=pl.concat_list("parts", pl.concat_list("whole"))).explode("label")
    contested = touched.filter(pl.col("label").is_duplicated())["whole"].unique()
    return (
        found.with_columns(certain=pl.col("certain") & ~pl.col("whole").is_in(contested.implode()))
        .sort("certain", pl.col("parts").list.len(), "whole", descending=[True, False, False])
        .with_row_index("place")
        .select("place", "whole", "parts", "certain")
    )


def _teams(offers: pl.DataFrame) -> pl.DataFrame:
    """All parts of the whole's party, or all of one day, where they add up to the whole."""
    whole = ["label_w", "mask_w", "cents_w", "mask"]
    teams = [
        offers.filter("strong").with_columns(team=pl.lit(-1, pl.Int64)),
        offers.with_columns(team=pl.col("first"), strong=pl.col("strong").all().over([*whole, "first"])),
    ]
    return (
        pl.concat(teams)
        .group_by(*whole, "team", maintain_order=True)
        .agg(
            parts=pl.col("label"),
            total=pl.col("cents").sum(),
            certain=(pl.col("strong") & ~pl.col("doubtful")).all(),
        )
        .filter(pl.col("total") == pl.col("cents_w"), pl.col("parts").list.len() > 1)
        .select("mask_w", "mask", "parts", "certain", whole="label_w")
    )


def _subsets(offers: pl.DataFrame) -> pl.DataFrame:
    """Every combination of the likeliest parts of each whole."""
    whole = ["label_w", "mask_w", "cents_w", "mask"]
    few = offers.with_columns(nth=pl.int_range(pl.len()).over("label_w", "mask")).filter(
        pl.col("nth") <= _POOL
    )
    few = few.with_columns(n=pl.len().over(whole)).filter(pl.col("n") > 1)
    # Small pools first: a chunk is as wide as its largest.
    few = few.sort("n", *whole, "nth").with_columns(at=(pl.col("nth") == 0).cast(pl.Int64).cum_sum() - 1)
    wholes = few.filter(pl.col("nth") == 0).select(*whole, "n")
    pool = {name: np.full((wholes.height, _POOL + 1), fill) for name, fill in _BLANK.items()}
    for name, table in pool.items():
        table[few["at"].to_numpy(), few["nth"].to_numpy()] = few[name].cast(pl.Int64).to_numpy()
    found = []
    for start in range(0, wholes.height, _CHUNK):
        chunk = wholes[start : start + _CHUNK]
        found.append(_search(chunk, {name: table[start : start + _CHUNK] for name, table in pool.items()}))
    schema = pl.Schema(
        {
            "mask_w": pl.Int64(),
            "mask": pl.Int64(),
            "parts": pl.List(pl.Int64),
            "certain": pl.Boolean(),
            "whole": pl.Int64(),
        }
    )
    return pl.concat([pl.DataFrame(schema=schema), *found])


def _search(wholes: pl.DataFrame, pool: dict[str, Rows]) -> pl.DataFrame:
    size = min(int(wholes["n"].to_numpy().max()), _POOL)
    crowded = wholes["n"].to_numpy() > _POOL
    cents, labels = pool["cents"][:, :size], pool["label"][:, :size]
    strong, doubtful = pool["strong"][:, :size] == 1, pool["doubtful"][:, :size] == 1
    target = wholes["cents_w"].to_numpy()
    sums = np.zeros((wholes.height, 1), np.int64)
    for nth in range(size):
        sums = np.concatenate([sums, sums + cents[:, [nth]]], axis=1)
    hits = sums == target[:, None]
    members = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1
    # The fewest parts, then the strongest: parts stand in that order.
    order = np.lexsort((np.arange(1 << size), members.sum(axis=1)))
    picked = members[order[hits[:, order].argmax(axis=1)]] == 1
    real = cents < _NEVER
    grain = np.gcd(np.gcd.reduce(np.where(real, cents, 0), axis=1), target)
    chance = np.exp2(real.sum(axis=1)) * grain / target
    all_strong = (strong | ~picked).all(axis=1)
    certain = (
        (hits.sum(axis=1) == 1)
        & ~crowded
        & ~(doubtful & picked).any(axis=1)
        & ((chance < _CHANCE) | (all_strong & (chance < _CHANCE_STRONG)))
    )
    solved = hits.any(axis=1)
    at, _ = np.nonzero(picked[solved])
    parts = pl.DataFrame({"at": at, "label": labels[solved][picked[solved]]}).group_by(
        "at", maintain_order=True
    )
    return (
        wholes.select("mask_w", "mask", whole="label_w", certain=pl.Series(certain))
        .filter(pl.Series(solved))
        .with_columns(parts=parts.agg("label")["label"])
        .select("mask_w", "mask", "parts", "certain", "whole")
    )
