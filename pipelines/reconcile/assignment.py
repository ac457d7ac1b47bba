"""Assigning one side of a set of pairs to the other.

Belongs here: arithmetic on pairs with a side ``x`` and a side ``y``. Does not belong here: what a pair means.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

_ROUNDS: Final = 60
_UNPAIRED: Final = 1e6
"""Cost of leaving one without a partner: more than any pair's."""
_SCORE: Final = 100.0
_HIGHEST: Final = 2_000.0


def sole(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of those components that can be paired completely in one way only.

    A bipartite graph with a single perfect matching always has an end with a single pair; taking these again
    and again finds the matching, and that there is no other.

    Args:
        pairs: ``x``, ``y`` and others.
    """
    pairs = pairs.with_columns(component=_components(pairs))
    left, picked = pairs, []
    for _ in range(_ROUNDS):
        single = left.filter((pl.len().over("x") == 1) | (pl.len().over("y") == 1))
        single = single.unique("x", keep="none").unique("y", keep="none")
        if single.is_empty():
            break
        picked.append(single)
        left = left.join(single, on="x", how="anti").join(single, on="y", how="anti")
    found = pl.concat([pairs.clear(), *picked])
    ends = pl.concat([pairs.select("component", group=side) for side in ("x", "y")])
    needed = ends.group_by("component").agg(needed=pl.col("group").n_unique())
    covered = found.group_by("component").agg(covered=2 * pl.len())
    whole = needed.join(covered, on="component").filter(pl.col("needed") == pl.col("covered"))
    return found.join(whole, on="component", how="semi").sort("x", "y")


def _components(pairs: pl.DataFrame) -> pl.Series:
    """A number for each pair, equal for pairs that are linked.

    A chain longer than the rounds falls into pieces that overlap, and so are never paired completely.
    """
    ends = pairs.select("x", "y", component="x")
    for _ in range(_ROUNDS):
        ends = ends.with_columns(component=pl.col("component").min().over("y")).with_columns(
            component=pl.col("component").min().over("x")
        )
    return ends["component"]


def most(pairs: pl.DataFrame) -> pl.DataFrame:
    """As many pairs as possible, each end once; among these, what says most and then what lies nearest.

    Args:
        pairs: ``x``, ``y``, ``score``, ``lag`` and others.
    """
    if pairs.is_empty():
        return pairs
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    ordered = pairs.sort("x", "y")
    x = ordered["x"].rank("dense").to_numpy().astype(np.int64) - 1
    y = ordered["y"].rank("dense").to_numpy().astype(np.int64) - 1
    lag = ordered["lag"].to_numpy().astype(np.float64)
    cost = _HIGHEST - _SCORE * ordered["score"].to_numpy() + lag**2
    # Every x may also stay alone, in a place of its own, at a price.
    rows, columns = int(x.max()) + 1, int(y.max()) + 1
    alone = np.arange(rows)
    graph = coo_array(
        (
            np.concatenate([cost, np.full(rows, _UNPAIRED)]),
            (np.concatenate([x, alone]), np.concatenate([y, columns + alone])),
        )
    )
    chosen_x, chosen_y = min_weight_full_bipartite_matching(graph.tocsr())
    partner = np.full(rows, -1)
    partner[chosen_x] = chosen_y
    return ordered.filter(pl.Series(partner[x] == y))
