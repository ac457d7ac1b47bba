"""Transactions that look alike: told apart by a number, a word or a few cents, or left as twins.

Belongs here: finding equal sums to one party on near days, and what becomes of them. Two transactions whose
days are at least ``APART`` days from each other in every flow cannot be paired crosswise within the window,
so their days tell them apart. Does not belong here: planted differences (``flow_breaks``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.flow_moves import (
    BANK_FEE,
    BUSINESS,
    REFUND,
    SUPPLIER_PAYMENT,
    TOP_UP,
    WAGES,
    WINDOW,
    Moves,
)
from ingest.simulator.streams import BoolArray, IntArray

APART: Final = WINDOW + 1
_TWINS, _NUMBERS, _BATCHES, _CENTS = range(4)
# What is done with a group of look-alikes, by kind: (twins, numbers, batches, other cents).
_CHANCES: Final = {
    WAGES: (0.75, 0.10, 0.0, 0.15), TOP_UP: (0.35, 0.35, 0.0, 0.30), REFUND: (0.35, 0.35, 0.0, 0.30),
    SUPPLIER_PAYMENT: (0.2, 0.35, 0.25, 0.2), BANK_FEE: (1.0, 0.0, 0.0, 0.0),
}  # fmt: skip
_USUAL: Final = (0.0, 0.4, 0.3, 0.3)
_MOST_TWINS: Final = 4
_ROUNDS: Final = 25


def settle(moves: Moves, rng: np.random.Generator) -> None:
    """Decide what tells each group of look-alikes apart, and change the transactions accordingly."""
    groups = _groups(moves, _near(moves))
    for kind in np.unique(moves.kind[groups["row"].to_numpy()]).tolist() if groups.height else ():
        mine = groups.filter(pl.Series(moves.kind[groups["row"].to_numpy()] == kind))
        _treat(moves, mine, _CHANCES.get(kind, _USUAL), rng)
    for _ in range(_ROUNDS):
        if not _shift(moves, rng):
            break
    _name_parties(moves)


def _order(moves: Moves) -> IntArray:
    """Transactions with equal canteen, direction, sum and party beside each other, by day."""
    return np.lexsort((moves.leader, moves.day[BUSINESS], moves.party, moves.cents, moves.into, moves.c))


def _equal(moves: Moves, a: IntArray, b: IntArray) -> BoolArray:
    same = (moves.c[a] == moves.c[b]) & (moves.into[a] == moves.into[b])
    return np.asarray(same & (moves.cents[a] == moves.cents[b]) & (moves.party[a] == moves.party[b]))


def _near(moves: Moves) -> tuple[IntArray, BoolArray]:
    """(order, whether each is too near to the one before it in the order)."""
    order = _order(moves)
    a, b = order[:-1], order[1:]
    near = _equal(moves, a, b) & ((moves.day[:, b] - moves.day[:, a]).min(axis=0) < APART)
    return order, np.concatenate([[False], near])


def _groups(moves: Moves, found: tuple[IntArray, BoolArray]) -> pl.DataFrame:
    """Rows of runs of near ones: run, row, place in the run, size of the run."""
    order, near = found
    frame = pl.DataFrame({"run": np.cumsum(~near), "row": order})
    return frame.with_columns(pl.len().over("run").alias("size"), pl.int_range(pl.len()).over("run").alias("place")).filter(pl.col("size") > 1)  # fmt: skip


def _treat(moves: Moves, groups: pl.DataFrame, chances: tuple[float, ...], rng: np.random.Generator) -> None:
    """Give each run one of the four ways."""
    runs = groups["run"].unique(maintain_order=True)
    way = pl.DataFrame({"run": runs, "way": rng.choice(4, runs.len(), p=chances)})
    groups = groups.join(way, on="run", maintain_order="left")
    first = groups.select(pl.col("row").first().over("run")).to_series()
    row, place, lead = groups["row"].to_numpy(), groups["place"].to_numpy(), first.to_numpy()
    chosen = groups["way"].to_numpy()
    twin = (chosen == _TWINS) & (place < _MOST_TWINS)
    moves.leader[row[twin]] = lead[twin]
    moves.day[:, row[twin]] = moves.day[:, lead[twin]]
    moves.has_number[row[chosen == _NUMBERS]] = True
    batch = chosen == _BATCHES
    moves.batch[row[batch]] = place[batch] + 1
    rest = ((chosen == _CENTS) & (place > 0)) | ((chosen == _TWINS) & (place >= _MOST_TWINS))
    moves.cents[row[rest]] += rng.integers(1, 9_999, int(rest.sum()))


def _told_apart(moves: Moves, a: IntArray, b: IntArray) -> BoolArray:
    """Twins of each other, both numbered, or of different batches of one group."""
    batches = (moves.batch[a] > 0) & (moves.batch[b] > 0) & (moves.batch[a] != moves.batch[b])
    return np.asarray(
        (moves.leader[a] == moves.leader[b]) | (moves.has_number[a] & moves.has_number[b]) | batches
    )


def _shift(moves: Moves, rng: np.random.Generator) -> bool:
    """Move the later of two that still look alike by some cents, with its twins; whether any did."""
    order = _order(moves)
    moved = np.zeros(moves.size, dtype=bool)
    for step in range(1, 2 * _MOST_TWINS):
        a, b = order[:-step], order[step:]
        near = _equal(moves, a, b) & (np.abs(moves.day[:, b] - moves.day[:, a]).min(axis=0) < APART)
        moved[b[near & ~_told_apart(moves, a, b)]] = True
    units = np.unique(moves.leader[moved])
    delta = np.zeros(moves.size, dtype=np.int64)
    delta[units] = rng.integers(1, 9_999, units.size)
    moves.cents += delta[moves.leader]
    return bool(units.size)


def _name_parties(moves: Moves) -> None:
    """Where equal sums of a canteen go to different parties, every flow names them."""
    frame = pl.DataFrame({"c": moves.c, "into": moves.into, "cents": moves.cents, "party": moves.party})
    several = frame.select(pl.col("party").n_unique().over("c", "into", "cents") > 1).to_series()
    moves.named |= several.to_numpy()
