"""Honest movements of money: one row per transaction, before anything goes wrong.

Belongs here: who is paid what on which day, and on which day each flow knows of it. Does not belong here:
which transactions look alike (``flow_twins``), what goes wrong (``flow_breaks``) and how a flow writes them
(``flow_events``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from ingest.simulator.flow_parties import COUNTIES, NOBODY, Parties, parties
from ingest.simulator.streams import BoolArray, IntArray, half_up, stream
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
DAYS: Final = 92
_ROOM: Final = 60  # days after the last, on which late events still fall
_STARTS: Final = (date(2026, 3, 2), date(2026, 9, 1), date(2027, 3, 1), date(2025, 9, 1))
_PER_CANTEEN: Final = 250
_SUPPLIERS: Final = 5  # of a canteen
_RECURRING: Final = 0.2  # of them are paid the same every week
# Share of each kind; settlements are the rest.
_SHARE: Final = {
    FUND_SPLIT: 0.03, SUPPLIER_PAYMENT: 0.27, REFUND: 0.06, WAGES: 0.06, UTILITIES: 0.04, BANK_FEE: 0.022,
    INTEREST: 0.004, OTHER: 0.03, TOP_UP: 0.06,
}  # fmt: skip
_FEE_PERMYRIAD: Final[IntArray] = np.array([38, 30, 0, 0], dtype=np.int64)  # of a channel
_CHANNEL_CHANCE: Final = (1.0, 0.6, 0.5, 0.45)
_BANK_FEES: Final[IntArray] = np.array([50, 100, 200, 250, 450, 500], dtype=np.int64)
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


@dataclass
class _Town:
    """The canteens: county, size, what a meal costs, suppliers."""

    county: IntArray
    weight: np.ndarray
    pupils: IntArray
    price: IntArray
    suppliers: IntArray
    channels: BoolArray


def _town(rng: np.random.Generator, canteens: int, known: Parties) -> _Town:
    county = rng.integers(len(COUNTIES), size=canteens)
    pick = np.argsort(rng.random((canteens, known.suppliers.shape[1])), axis=1)[:, :_SUPPLIERS]
    size = rng.lognormal(0, 0.4, canteens)
    return _Town(
        county, size / size.sum(), np.clip(450 * size, 60, 3000).astype(np.int64),
        650 + 50 * rng.integers(0, 14, canteens), np.take_along_axis(known.suppliers[county], pick, axis=1),
        rng.random((canteens, len(_CHANNEL_CHANCE))) < _CHANNEL_CHANCE,
    )  # fmt: skip


_Rows = dict[str, IntArray]


def _open(calendar: WorkingDays) -> IntArray:
    """The days that transactions are drawn from."""
    return calendar.days[calendar.days < DAYS]


def draw(seed: int, transactions: int) -> Moves:
    """The honest transactions of a seed: about ``transactions`` of them, 250 a canteen."""
    rng = stream(seed, "flows")
    known = parties()
    canteens = max(2, round(transactions / _PER_CANTEEN))
    start = _STARTS[int(rng.integers(len(_STARTS)))]
    calendar = WorkingDays(start, DAYS + _ROOM)
    town = _town(rng, canteens, known)
    wanted = {kind: round(share * transactions) for kind, share in _SHARE.items()}
    wanted[SETTLEMENT] = transactions - sum(wanted.values())
    makers = {
        SETTLEMENT: _settlements, FUND_SPLIT: _fund_splits, SUPPLIER_PAYMENT: _supplier_payments, REFUND: _refunds,
        WAGES: _wages, UTILITIES: _utilities, BANK_FEE: _bank_fees, INTEREST: _interest, OTHER: _others, TOP_UP: _top_ups,
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


def _canteens(rng: np.random.Generator, size: int, town: _Town) -> IntArray:
    return rng.choice(town.county.size, size, p=town.weight)


def _some(rng: np.random.Generator, rows: _Rows, wanted: int) -> _Rows:
    """Not more rows than wanted, any of them."""
    pick = np.sort(rng.permutation(rows["c"].size)[:wanted])
    return {name: values[pick] for name, values in rows.items()}


def _settlements(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """What a channel pays over of a day's top-ups, less its fee."""
    c, channel = np.nonzero(town.channels)
    cell = rng.permutation(c.size * _open(calendar).size)[:wanted]
    c, channel, day = c[cell // _open(calendar).size], channel[cell // _open(calendar).size], _open(calendar)[cell % _open(calendar).size]  # fmt: skip
    payers = 1 + rng.poisson(town.pupils[c] / 60)
    gross = payers * town.price[c] * 20 + 5000 * rng.integers(0, 4, c.size)
    fee = half_up(gross * _FEE_PERMYRIAD[channel], 10_000)
    return {"c": c, "day": day, "cents": gross - fee, "fee": fee, "party": known.channels[channel]}


def _supplier_payments(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """Weekly payments of the same sum, and others of any sum; many are round."""
    weekly = rng.random(town.suppliers.shape) < _RECURRING
    c, slot = np.nonzero(weekly)
    weeks = DAYS // 7
    first = rng.integers(0, 5, c.size)
    day = (first[:, None] + 7 * np.arange(weeks)).ravel()
    same = 10_000 * rng.integers(8, 120, c.size)
    series = {
        "c": np.repeat(c, weeks), "day": calendar.after(day, np.zeros_like(day)), "cents": np.repeat(same, weeks),
        "party": np.repeat(town.suppliers[c, slot], weeks),
    }  # fmt: skip
    series = _some(rng, series, wanted // 2)
    size = wanted - series["c"].size
    c = _canteens(rng, size, town)
    slot = rng.integers(_SUPPLIERS, size=size)
    cents = np.maximum(rng.lognormal(np.log(town.pupils[c] * 1200.0), 0.6), 5000).astype(np.int64)
    shape = rng.random(size)
    cents = np.where(shape < 0.35, half_up(cents, 10_000) * 10_000 + 10_000, cents)
    cents = np.where(shape < 0.10, half_up(cents, 100_000) * 100_000 + 100_000, cents)
    other = {
        "c": c,
        "day": rng.choice(_open(calendar), size),
        "cents": cents,
        "party": town.suppliers[c, slot],
    }
    return {name: np.concatenate([series[name], other[name]]) for name in series}


def _fund_splits(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """Subsidies (pupils x days x 5 yuan) and round allocations."""
    c = _canteens(rng, wanted, town)
    subsidy = town.pupils[c] * rng.integers(15, 23, wanted) * 500
    allocation = 100_000 * rng.integers(5, 200, wanted)
    cents = np.where(rng.random(wanted) < 0.7, subsidy, allocation)
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": known.bureaus[town.county[c]]}  # fmt: skip


def _refunds(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """Unused meals of one person: a few times the price of a meal, so that equal sums are common."""
    c = _canteens(rng, wanted, town)
    cents = town.price[c] * rng.integers(1, 13, wanted)
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": rng.choice(known.persons, wanted)}  # fmt: skip


def _top_ups(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """Parents who pay by transfer: round sums of a few kinds."""
    sums = np.array([10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 60_000], dtype=np.int64)
    return {
        "c": _canteens(rng, wanted, town), "day": rng.choice(_open(calendar), wanted), "cents": rng.choice(sums, wanted),
        "party": rng.choice(known.persons, wanted),
    }  # fmt: skip


def _wages(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """Each of the staff once a month, all on the canteen's pay day."""
    canteens, months = town.county.size, 3
    staff = 2 + -(-wanted // (canteens * months))
    shape = (canteens, staff, months)
    wage = 100 * rng.choice(np.array([2200, 2500, 2600, 2800, 3000, 3200, 3500]), (canteens, staff))
    pay_day = rng.choice(np.array([8, 9, 13, 14, 18]), canteens)
    c, n, month = np.indices(shape).reshape(3, -1)
    day = calendar.after(pay_day[c] + 30 * month, np.zeros_like(c))
    person = rng.choice(known.persons, (canteens, staff))
    rows = {"c": c, "day": day, "cents": wage[c, n], "party": person[c, n]}
    return _some(rng, rows, wanted)


def _utilities(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    c = _canteens(rng, wanted, town)
    which = rng.integers(3, size=wanted)
    cents = np.maximum(rng.lognormal(np.log(town.pupils[c] * 300.0), 0.5), 2000).astype(np.int64)
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": known.utilities[town.county[c], which]}  # fmt: skip


def _others(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """Repairs, pest control, printing: often round."""
    c = _canteens(rng, wanted, town)
    which = rng.integers(known.vendors.shape[1], size=wanted)
    cents = np.where(
        rng.random(wanted) < 0.6, 5000 * rng.integers(4, 160, wanted), rng.integers(8000, 900_000, wanted)
    )
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": known.vendors[town.county[c], which]}  # fmt: skip


def _bank_fees(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    """What the bank takes for itself; nobody writes a document about it."""
    cell = rng.permutation(town.county.size * 3 * _BANK_FEES.size)[:wanted]
    c, rest = cell // (3 * _BANK_FEES.size), cell % (3 * _BANK_FEES.size)
    day = calendar.after(20 + 30 * (rest // _BANK_FEES.size), np.zeros_like(c))
    return {"c": c, "day": day, "cents": _BANK_FEES[rest % _BANK_FEES.size], "party": np.full(c.size, NOBODY)}


def _interest(rng: np.random.Generator, wanted: int, town: _Town, known: Parties, calendar: WorkingDays) -> _Rows:  # fmt: skip
    c = rng.permutation(town.county.size)[:wanted]
    return {"c": c, "day": np.full(c.size, 20), "cents": rng.integers(300, 60_000, c.size), "party": np.full(c.size, NOBODY)}  # fmt: skip
