"""One event for several: sums that one flow knows in parts.

Belongs here: how a sum falls into parts and on which days, all within the window. Does not belong here: which
transactions are split (``flow_breaks``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.flow_moves import (
    BANK,
    BOOKS,
    BUSINESS,
    FUND_SPLIT,
    REFUND,
    SETTLEMENT,
    SUPPLIER_PAYMENT,
    WAGES,
    WINDOW,
    Moves,
)
from ingest.simulator.flow_parties import NOBODY, parties
from ingest.simulator.streams import IntArray, running_number

KINDS: Final = (SETTLEMENT, FUND_SPLIT, SUPPLIER_PAYMENT, REFUND, WAGES)
_PERSONAL: Final = (REFUND, WAGES)
_MOST: Final = {SETTLEMENT: 3, FUND_SPLIT: 3, SUPPLIER_PAYMENT: 5, REFUND: 12, WAGES: 9}
_QUIET: Final = 14  # days between two split sums of a canteen and direction
_BOTH: Final = 0.08  # of the sums are in parts in two flows
_WAGES: Final[IntArray] = np.array([2200, 2500, 2600, 2800, 3000, 3200, 3500], dtype=np.int64) * 100


def split(moves: Moves, rows: IntArray, rng: np.random.Generator) -> tuple[dict[str, IntArray], IntArray]:
    """Split what can be split without doubt.

    Args:
        moves: All transactions; batches of refunds and wages get the sum of their parts, and no party.
        rows: Transactions to split.
        rng: Where the draws come from.

    Returns:
        (columns of the parts, transactions that were split).
    """
    rows = _apart(moves, rows)
    parts = _parts(moves, rows, rng)
    total = _totals(moves, parts)
    rows = rows[~np.isin(rows, _doubtful(moves, parts, total))]
    kept = np.isin(parts["t"], rows)
    parts = {name: values[kept] for name, values in parts.items()}
    moves.cents[rows] = total[rows]
    moves.party[rows[np.isin(moves.kind[rows], _PERSONAL)]] = NOBODY
    _name(moves, parts)
    return parts, rows


def _totals(moves: Moves, parts: dict[str, IntArray]) -> IntArray:
    """(T,) sum of the parts in one flow; 0 where there are none."""
    lowest = pl.DataFrame({"t": parts["t"], "flow": parts["flow"]}).select(pl.col("flow").min().over("t"))
    once = parts["flow"] == lowest.to_series().to_numpy()
    sums = np.bincount(parts["t"][once], weights=parts["cents"][once], minlength=moves.size)
    return np.asarray(np.rint(sums), dtype=np.int64)


def _apart(moves: Moves, rows: IntArray) -> IntArray:
    """Those that lie a fortnight from the next of their canteen and direction."""
    order = rows[np.lexsort((moves.day[BUSINESS, rows], moves.into[rows], moves.c[rows]))]
    a, b = order[:-1], order[1:]
    same = (moves.c[a] == moves.c[b]) & (moves.into[a] == moves.into[b])
    near = same & (moves.day[BUSINESS, b] - moves.day[BUSINESS, a] < _QUIET)
    return np.asarray(order[np.concatenate([[True], ~near])])


def _parts(moves: Moves, rows: IntArray, rng: np.random.Generator) -> dict[str, IntArray]:
    """Parts of every row, in one flow or in two."""
    kind = moves.kind[rows]
    personal = np.isin(kind, _PERSONAL)
    flow = np.where(
        personal, BUSINESS, rng.choice(np.array([BUSINESS, BANK, BOOKS]), rows.size, p=(0.6, 0.25, 0.15))
    )
    both = ~personal & (rng.random(rows.size) < _BOTH)
    other = np.where(flow == BANK, BUSINESS, BANK)
    t = np.concatenate([rows, rows[both]])
    in_flow = np.concatenate([flow, other[both]])
    most = np.array([_MOST.get(k, 2) for k in range(int(moves.kind.max()) + 1)])[moves.kind[t]]
    count = np.where(np.isin(moves.kind[t], _PERSONAL), 3, 2)
    count = count + np.floor(rng.random(t.size) * (most - count + 1)).astype(np.int64)
    place = np.repeat(np.arange(t.size), count)
    number = running_number(place)
    single = _cut(moves, t, count, place, rng)
    each = t[place]
    persons = parties().persons
    by_person = np.isin(moves.kind[each], _PERSONAL)
    oldest = moves.day[:, each].min(axis=0)
    day = moves.day[in_flow[place], each] + rng.integers(-1, 3, place.size)
    return {
        "t": each, "flow": in_flow[place], "day": np.clip(day, oldest, oldest + WINDOW), "cents": single,
        "into": moves.into[each], "part": number,
        "party": np.where(by_person, rng.choice(persons, place.size), moves.party[each]),
    }  # fmt: skip


def _cut(moves: Moves, t: IntArray, count: IntArray, place: IntArray, rng: np.random.Generator) -> IntArray:
    """Sums of the parts: uneven shares of the whole; of persons what each gets."""
    share = rng.uniform(0.6, 1.8, place.size)
    whole = np.bincount(place, weights=share)
    single = np.floor(moves.cents[t][place] * share / whole[place]).astype(np.int64)
    rest = moves.cents[t] - np.bincount(place, weights=single).astype(np.int64)
    single[np.cumsum(count) - 1] += rest
    price = 650 + 50 * rng.integers(0, 14, t.size)
    refund = price[place] * rng.integers(1, 13, place.size)
    wage = rng.choice(_WAGES, place.size)
    kind = moves.kind[t][place]
    return np.asarray(np.where(kind == REFUND, refund, np.where(kind == WAGES, wage, single)))


def _doubtful(moves: Moves, parts: dict[str, IntArray], total: IntArray) -> IntArray:
    """Transactions with a part that equals another sum to the same party or is too little, or with a new total
    that equals another sum."""
    mine = pl.DataFrame({"c": moves.c[parts["t"]], **parts})
    others = pl.DataFrame(
        {
            "c": moves.c,
            "into": moves.into,
            "cents": moves.cents,
            "party": moves.party,
            "other": np.arange(moves.size),
        }
    )
    hit = mine.join(others, on=["c", "into", "cents", "party"]).filter(pl.col("other") != pl.col("t"))
    small = mine.filter(pl.col("cents") < 100)
    t = np.unique(parts["t"])
    sums = pl.DataFrame({"t": t, "c": moves.c[t], "into": moves.into[t], "cents": total[t]})
    equal = sums.join(others, on=["c", "into", "cents"]).filter(pl.col("other") != pl.col("t"))
    return np.asarray(pl.concat([hit["t"], small["t"], equal["t"]]).unique().to_numpy())


def _name(moves: Moves, parts: dict[str, IntArray]) -> None:
    """Where a part equals a whole sum, every flow names the parties of both."""
    mine = pl.DataFrame(
        {"c": moves.c[parts["t"]], "into": parts["into"], "cents": parts["cents"], "t": parts["t"]}
    )
    others = pl.DataFrame(
        {"c": moves.c, "into": moves.into, "cents": moves.cents, "other": np.arange(moves.size)}
    )
    equal = mine.join(others, on=["c", "into", "cents"])
    moves.named[pl.concat([equal["t"], equal["other"]]).unique().to_numpy()] = True
