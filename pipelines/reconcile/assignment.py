"""Assigning one side of a set of pairs to the other.

Belongs here: arithmetic on pairs with a side ``x`` and a side ``y``. Does not belong here: what a pair means.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

_ROUNDS: Final = 60
"""Longest chain that is unravelled, to bound the work; a longer one counts as having a choice."""


def sole(pairs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of those components that can be paired completely in one way only.

    A bipartite graph with a single perfect matching always has an end with a single pair; taking these again
    and again finds the matching, and that there is no other.

    Args:
        pairs: ``x``, ``y`` and others.
    """
    if pairs.is_empty():
        return pairs
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
    """A number for each pair, equal for pairs that are linked."""
    from scipy.sparse import coo_array  # type: ignore[import-untyped]
    from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

    x, y = _places(pairs)
    size = int(max(x.max(initial=-1), y.max(initial=-1))) + 1
    graph = coo_array((np.ones(x.size), (x, size + y)), shape=(2 * size, 2 * size))
    _, component = connected_components(graph, directed=False)
    return pl.Series(component[x], dtype=pl.Int64)


def _places(pairs: pl.DataFrame) -> list[npt.NDArray[np.int64]]:
    """The ends of each pair, numbered from zero on each side."""
    return [pairs[side].rank("dense").to_numpy().astype(np.int64) - 1 for side in ("x", "y")]


def cheapest(pairs: pl.DataFrame, cost: npt.NDArray[np.float64], unpaired: float) -> pl.DataFrame:
    """The cheapest set of pairs in which each end stands once.

    Args:
        pairs: ``x``, ``y`` and others, each pair once.
        cost: Of each pair; positive.
        unpaired: Cost of an ``x`` that stays alone; larger than any pair's, to pair as many as possible.
    """
    if pairs.is_empty():
        return pairs
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    x, y = _places(pairs)
    rows, columns = int(x.max()) + 1, int(y.max()) + 1
    # Every x may also take a place of its own.
    own = np.arange(rows)
    graph = coo_array(
        (
            np.concatenate([cost, np.full(rows, unpaired)]),
            (np.concatenate([x, own]), np.concatenate([y, columns + own])),
        )
    )
    chosen_x, chosen_y = min_weight_full_bipartite_matching(graph.tocsr())
    partner = np.full(rows, -1)
    partner[chosen_x] = chosen_y
    return pairs.filter(pl.Series(partner[x] == y))
