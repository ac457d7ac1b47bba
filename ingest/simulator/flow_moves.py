"""Honest movements of money: one row per transaction, before anything goes wrong.

Belongs here: the transactions as arrays, and on which day each flow knows of them. Does not belong here: who is
paid what (``flow_kinds``), which transactions look alike (``flow_twins``), what goes wrong (``flow_breaks``) and
how a flow writes them (``flow_events``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from ingest.simulator import flow_kinds
from ingest.simulator.flow_kinds import DAYS
from ingest.simulator.flow_parties import parties
from ingest.simulator.streams import BoolArray, IntArray, stream
from ingest.simulator.working_days import WorkingDays

KINDS: Final = (
    "settlement", "fund_split", "supplier_payment", "refund", "wages", "utilities", "bank_fee", "interest", "other",
    "top_up",
)  # fmt: skip
"""What a movement is; a top-up is written as ``other`` by the flows."""
(SETTLEMENT, FUND_SPLIT, SUPPLIER_PAYMENT, REFUND, WAGES, UTILITIES, BANK_FEE, INTEREST, OTHER, TOP_UP) = (
    range(10)
)
IN, OUT = 0, 1
BANK, BUSINESS, BOOKS = range(3)
WINDOW: Final = 5
"""Days that the flows of one transaction may lie apart."""
_ROOM: Final = 60  # days after the last, on which late events still fall
_STARTS: Final = (date(2026, 3, 2), date(2026, 9, 1), date(2027, 3, 1), date(2025, 9, 1))
_PER_CANTEEN: Final = 250
# Share of each kind; settlements are the rest.
_SHARE: Final = {
    FUND_SPLIT: 0.03, SUPPLIER_PAYMENT: 0.27, REFUND: 0.06, WAGES: 0.06, UTILITIES: 0.04, BANK_FEE: 0.022,
    INTEREST: 0.004, OTHER: 0.03, TOP_UP: 0.06,
}  # fmt: skip
# Chance of each number of working days from the business day to the bank's, and from the bank's to the books'.
_BANK_LAG: Final = {
    SETTLEMENT: (0.0, 0.62, 0.25, 0.13), FUND_SPLIT: (0.4, 0.4, 0.2, 0.0), TOP_UP: (0.85, 0.15, 0.0, 0.0),
}  # fmt: skip
_USUAL_BANK_LAG: Final = (0.7, 0.24, 0.06, 0.0)
_BOOK_LAG: Final = (0.45, 0.33, 0.17, 0.05)
_PAPER_LATER: Final = 0.08  # of the supplier payments are written down the day after the bank's


@dataclass
class Moves:
    """Transactions as equally long arrays.

    Attributes:
        start: Day 0.
        canteens: Number of canteens.
        c: Canteen.
        kind: Position in ``KINDS``.
        into: ``IN`` or ``OUT``.
        day: (3, T) day in each flow, from ``start`` on.
        cents: What is moved.
        fee: What a channel has kept back of the gross sum, cents.
        party: Number of the counterparty, or ``NOBODY``.
        leader: Transaction whose looks this one has: itself, or the first of its twins.
        batch: Number that each flow names, 1 and up; 0 where there is none.
        has_number: Whether every flow quotes its number in full.
        named: Whether every flow names the party.
    """

    start: date
    canteens: int
    c: IntArray
    kind: IntArray
    into: IntArray
    day: IntArray
    cents: IntArray
    fee: IntArray
    party: IntArray
    leader: IntArray
    batch: IntArray
    has_number: BoolArray
    named: BoolArray

    @property
    def size(self) -> int:
        """Number of transactions."""
        return int(self.c.size)

    @property
    def in_twins(self) -> BoolArray:
        """Which have a twin."""
        return np.asarray(np.bincount(self.leader, minlength=self.size)[self.leader] > 1)


def draw(seed: int, transactions: int) -> Moves:
    """The honest transactions of a seed: about ``transactions`` of them, 250 a canteen."""
    rng = stream(seed, "flows")
    known = parties()
    canteens = max(2, round(transactions / _PER_CANTEEN))
    start = _STARTS[int(rng.integers(len(_STARTS)))]
    calendar = WorkingDays(start, DAYS + _ROOM)
    town = flow_kinds.canteens_of(rng, canteens, known)
    wanted = {kind: round(share * transactions) for kind, share in _SHARE.items()}
    wanted[SETTLEMENT] = transactions - sum(wanted.values())
    makers = {
        SETTLEMENT: flow_kinds.settlements, FUND_SPLIT: flow_kinds.fund_splits, SUPPLIER_PAYMENT: flow_kinds.supplier_payments, REFUND: flow_kinds.refunds,
        WAGES: flow_kinds.wages, UTILITIES: flow_kinds.utilities, BANK_FEE: flow_kinds.bank_fees, INTEREST: flow_kinds.interest, OTHER: flow_kinds.others, TOP_UP: flow_kinds.top_ups,
    }  # fmt: skip
    parts = []
    for kind, maker in makers.items():
        rows = maker(rng, wanted[kind], town, known, calendar)
        rows["kind"] = np.full(rows["c"].size, kind, dtype=np.int64)
        rows.setdefault("fee", np.zeros_like(rows["c"]))
        parts.append(rows)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = rng.permutation(whole["c"].size)
    whole = {name: values[order] for name, values in whole.items()}
    size = order.size
    into = np.where(np.isin(whole["kind"], (SETTLEMENT, FUND_SPLIT, INTEREST, TOP_UP)), IN, OUT)
    return Moves(
        start, canteens, whole["c"], whole["kind"], into, _days(rng, whole["kind"], whole["day"], calendar),
        whole["cents"], whole["fee"], whole["party"], np.arange(size), np.zeros(size, dtype=np.int64),
        np.zeros(size, dtype=bool), np.zeros(size, dtype=bool),
    )  # fmt: skip


def _days(rng: np.random.Generator, kind: IntArray, day: IntArray, calendar: WorkingDays) -> IntArray:
    """(3, T) day in each flow; never more than ``WINDOW`` days apart."""
    bank_steps = np.zeros_like(kind)
    for k in range(len(KINDS)):
        chance = _BANK_LAG.get(k, _USUAL_BANK_LAG)
        mine = kind == k
        bank_steps[mine] = rng.choice(4, int(mine.sum()), p=chance)
    itself = np.isin(kind, (BANK_FEE, INTEREST))
    bank = np.where(itself, day, np.minimum(calendar.after(day, bank_steps), day + WINDOW))
    later = (kind == SUPPLIER_PAYMENT) & (rng.random(kind.size) < _PAPER_LATER) & (day > 0)
    business = day.copy()
    bank, business = np.where(later, business, bank), np.where(later, np.minimum(calendar.after(day, np.ones_like(day)), day + WINDOW), business)  # fmt: skip
    books = calendar.after(bank, rng.choice(4, kind.size, p=_BOOK_LAG))
    books = np.minimum(books, np.minimum(bank, business) + WINDOW)
    return np.stack([bank, business, books])
