"""What goes wrong between the flows: planted differences, and the events of all transactions.

Belongs here: which transactions carry a difference of which type, and what it does to their events. A carrier
is alone with its canteen, direction, sum and party, so that a difference is never a matter of opinion. Does not
belong here: how events are written (``flow_events``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import flow_splits
from ingest.simulator.flow_moves import (
    BANK,
    BANK_FEE,
    BOOKS,
    BUSINESS,
    FUND_SPLIT,
    INTEREST,
    OTHER,
    REFUND,
    SETTLEMENT,
    SUPPLIER_PAYMENT,
    UTILITIES,
    WAGES,
    Moves,
)
from ingest.simulator.streams import BoolArray, IntArray, half_up

TYPES: Final = (
    "timing", "missing_in_bank", "missing_in_business", "missing_in_books", "amount", "duplicate", "wrong_account",
    "split", "reversal",
)  # fmt: skip
_ALL: Final = (SETTLEMENT, FUND_SPLIT, SUPPLIER_PAYMENT, REFUND, WAGES, UTILITIES, OTHER)
_PAID: Final = (SUPPLIER_PAYMENT, OTHER, UTILITIES, REFUND)
# Type -> (share of all transactions, kinds that it befalls); rarer kinds come first.
_RATES: Final = {
    "split": (0.013, flow_splits.KINDS),
    "reversal": (0.006, (SUPPLIER_PAYMENT, OTHER, REFUND)),
    "missing_in_business": (0.006, _PAID),
    "missing_in_bank": (0.006, (SETTLEMENT, SUPPLIER_PAYMENT, OTHER)),
    "wrong_account": (0.006, (SETTLEMENT, SUPPLIER_PAYMENT, FUND_SPLIT, OTHER)),
    "missing_in_books": (0.008, _ALL),
    "timing": (0.010, _ALL),
    "amount": (0.009, _ALL),
    "duplicate": (0.006, _ALL),
}
LONGEST_LAG: Final = 45
_SOON: Final = 0.6  # of the late events come within a fortnight
_ALIKE: Final = 0.02  # sums of two carriers of a canteen differ by more
_QUIET_DAYS: Final = 60  # between two carriers of similar sums
_REPAID: Final = 0.7  # of the reversed payments are made again


@dataclass
class Entries:
    """Events as equally long arrays; ``t`` is the transaction, ``mark`` what a reversal is.

    Attributes:
        account: 0 special, 1 the school's other account, -1 not said.
        part: 0 for a whole sum, else the number of the part.
        fault: Position in ``TYPES`` of the difference that the event is in, or -1.
    """

    columns: dict[str, IntArray]

    NAMES = ("t", "flow", "day", "cents", "into", "account", "party", "part", "mark", "fault")

    def __getitem__(self, name: str) -> IntArray:
        return self.columns[name]

    @classmethod
    def of(cls, **values: IntArray | int) -> Entries:
        """Events from arrays; left-out columns are 0, no fault."""
        size = np.asarray(values["t"]).size
        given = {"fault": -1, **values}
        return cls(
            {
                n: np.broadcast_to(np.asarray(given.get(n, 0), dtype=np.int64), (size,)).copy()
                for n in cls.NAMES
            }
        )

    def where(self, mask: BoolArray) -> Entries:
        """The events of a mask."""
        return Entries({n: values[mask] for n, values in self.columns.items()})

    @staticmethod
    def join(parts: list[Entries]) -> Entries:
        """All events of several."""
        return Entries({n: np.concatenate([p[n] for p in parts]) for n in Entries.NAMES})


def plant(moves: Moves, rng: np.random.Generator) -> Entries:
    """Choose the carriers and lay out the events of all transactions, honest and not."""
    carriers = _carriers(moves, rng)
    chosen = _assign(moves, carriers, rng)
    parts, split = flow_splits.split(moves, chosen.pop("split"), rng)
    chosen["split"] = split
    fault = np.full(moves.size, -1, dtype=np.int64)
    for name, rows in chosen.items():
        if name not in ("duplicate", "reversal"):
            fault[rows] = TYPES.index(name)
    events = _whole(moves, fault)
    days, cents = moves.day.copy(), np.broadcast_to(moves.cents, moves.day.shape).copy()
    _delay(days, chosen["timing"], rng)
    wrong = _misstate(moves, cents, chosen["amount"], rng)
    fault[wrong] = -1
    events.columns["fault"] = fault[events["t"]]
    events.columns["day"] = days[events["flow"], events["t"]]
    events.columns["cents"] = cents[events["flow"], events["t"]]
    _misroute(events, chosen["wrong_account"], rng)
    gone = np.zeros(events["t"].size, dtype=bool)
    for flow, name in (
        (BANK, "missing_in_bank"),
        (BUSINESS, "missing_in_business"),
        (BOOKS, "missing_in_books"),
    ):
        gone |= (events["flow"] == flow) & (fault[events["t"]] == TYPES.index(name))
    split_flows = np.zeros((3, moves.size), dtype=bool)
    split_flows[parts["flow"], parts["t"]] = True
    gone |= split_flows[events["flow"], events["t"]]
    events = events.where(~gone)
    pieces = Entries.of(**parts, fault=TYPES.index("split"))
    return Entries.join([events, pieces, _twice(events, chosen["duplicate"], rng), _reversed(moves, chosen["reversal"], rng)])  # fmt: skip


def _carriers(moves: Moves, rng: np.random.Generator) -> IntArray:
    """Transactions that may carry a difference, in random order, no two of a canteen with similar sums."""
    frame = pl.DataFrame({"c": moves.c, "into": moves.into, "cents": moves.cents, "party": moves.party})
    alone = frame.select(pl.len().over("c", "into", "cents", "party") == 1).to_series().to_numpy()
    no_paper = np.isin(moves.kind, (BANK_FEE, INTEREST))
    able = np.flatnonzero(alone & ~moves.in_twins & ~no_paper & (moves.batch == 0))
    able = rng.permutation(able)[: max(1, round(moves.size * 0.16))]
    order = able[np.lexsort((moves.cents[able], moves.into[able], moves.c[able]))]
    a, b = order[:-1], order[1:]
    near = np.abs(moves.day[BUSINESS, a] - moves.day[BUSINESS, b]) <= _QUIET_DAYS
    alike = (moves.c[a] == moves.c[b]) & (moves.into[a] == moves.into[b]) & near
    alike &= moves.cents[b] <= moves.cents[a] * (1 + _ALIKE)
    return rng.permutation(order[np.concatenate([[True], ~alike])])


def _assign(moves: Moves, carriers: IntArray, rng: np.random.Generator) -> dict[str, IntArray]:
    """Carriers of each type."""
    free = carriers
    out: dict[str, IntArray] = {}
    for name, (share, kinds) in _RATES.items():
        fitting = np.isin(moves.kind[free], kinds)
        taken = np.flatnonzero(fitting)[: round(share * moves.size)]
        out[name] = free[taken]
        free = np.delete(free, taken)
    return out


def _whole(moves: Moves, fault: IntArray) -> Entries:
    """One event in each flow; what only the bank knows of has no document."""
    t = np.tile(np.arange(moves.size), 3)
    flow = np.repeat(np.arange(3), moves.size)
    events = Entries.of(t=t, flow=flow, into=moves.into[t], party=moves.party[t])
    return events.where(~((flow == BUSINESS) & np.isin(moves.kind[t], (BANK_FEE, INTEREST))))


def _delay(days: IntArray, rows: IntArray, rng: np.random.Generator) -> None:
    """One flow of each comes 6 to 45 days after the other two."""
    late = rng.choice(3, rows.size, p=(0.35, 0.2, 0.45))
    others = np.where(np.arange(3)[:, None] == late, -1, days[:, rows])
    newest = others.max(axis=0)
    oldest = np.where(others < 0, 10_000, others).min(axis=0)
    room = LONGEST_LAG - (newest - oldest)
    longest = np.where(rng.random(rows.size) < _SOON, 15, room)
    days[late, rows] = newest + rng.integers(6, longest + 1)


def _misstate(moves: Moves, cents: IntArray, rows: IntArray, rng: np.random.Generator) -> IntArray:
    """A wrong sum in one flow of each; returns those whose wrong sum is another's right one and was given up."""
    late = rng.choice(3, rows.size, p=(0.2, 0.35, 0.45))
    right = moves.cents[rows]
    digits = np.floor(np.log10(right)).astype(np.int64) + 1
    place = np.minimum(rng.integers(1, 4, rows.size), digits - 3)
    low, high = right // 10**place % 10, right // 10 ** (place + 1) % 10
    turned = right + (low - high) * (10 ** (place + 1) - 10**place)
    lost = right // 10 ** (place + 1) * 10**place + right % 10**place
    dropped = np.where(right % 100 > 0, right // 100 * 100, right + rng.integers(1, 100, rows.size))
    gross = np.where(moves.fee[rows] > 0, right + moves.fee[rows], right + half_up(right * 6, 1000))
    made = np.choose(rng.integers(4, size=rows.size), [turned, lost, dropped, gross])
    made = np.where((made == right) | (made < 100), right + 1 + rng.integers(0, 90, rows.size), made)
    known = pl.DataFrame({"c": moves.c, "into": moves.into, "cents": moves.cents}).unique()
    mine = pl.DataFrame({"c": moves.c[rows], "into": moves.into[rows], "cents": made})
    taken = mine.join(
        known.with_columns(hit=True), on=["c", "into", "cents"], how="left", maintain_order="left"
    )
    clash = taken["hit"].fill_null(value=False).to_numpy()
    cents[late[~clash], rows[~clash]] = made[~clash]
    return np.asarray(rows[clash])


def _misroute(events: Entries, rows: IntArray, rng: np.random.Generator) -> None:
    """The bank's line lies on another account; every second document says so too."""
    moved = np.isin(events["t"], rows)
    told = rng.random(events["t"].size) < 0.5
    events.columns["account"][moved & (events["flow"] == BANK)] = 1
    events.columns["account"][moved & (events["flow"] == BUSINESS) & told] = 1


def _twice(events: Entries, rows: IntArray, rng: np.random.Generator) -> Entries:
    """The same event again, one to four days later; only the second is a difference."""
    flow = np.full(int(events["t"].max()) + 1, -1, dtype=np.int64)
    flow[rows] = rng.choice(3, rows.size, p=(0.3, 0.35, 0.35))
    again = events.where(flow[events["t"]] == events["flow"])
    again.columns["day"] = again["day"] + rng.integers(1, 5, again["t"].size)
    again.columns["fault"] = np.full_like(again["t"], TYPES.index("duplicate"))
    return again


def _reversed(moves: Moves, hosts: IntArray, rng: np.random.Generator) -> Entries:
    """A bank line and what takes it back, as a transaction of its own beside its host.

    With most the host follows as the payment made again; the others have a sum of their own.
    """
    alone = pl.DataFrame({"c": moves.c, "cents": moves.cents}).select(pl.len().over("c", "cents") == 1)
    hosts = hosts[alone.to_series().to_numpy()[hosts]]
    repaid = rng.random(hosts.size) < _REPAID
    line = moves.day[BANK, hosts] - rng.integers(1, 4, hosts.size)
    back = line + np.minimum(rng.integers(0, 3, hosts.size), moves.day[BANK, hosts] - 1 - line)
    own = moves.cents[hosts] + 7 * rng.integers(1_000, 9_000, hosts.size) + 3
    cents = np.where(repaid, moves.cents[hosts], own)
    t = moves.size + np.arange(hosts.size)
    into = moves.into[hosts]
    return Entries.of(
        t=np.tile(t, 2), flow=BANK, day=np.concatenate([line, back]), cents=np.tile(cents, 2),
        into=np.concatenate([into, 1 - into]), party=np.tile(moves.party[hosts], 2),
        mark=np.concatenate([hosts + 1, -hosts - 1]), fault=TYPES.index("reversal"),
    )  # fmt: skip
