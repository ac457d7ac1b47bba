"""What canteens are paid and pay, kind by kind: drawn movements of money of three months.

Belongs here: who, how much and on which business day. Does not belong here: the days of the other flows
(``flow_moves``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ingest.simulator.flow_parties import COUNTIES, NOBODY, Parties
from ingest.simulator.streams import BoolArray, IntArray, half_up
from ingest.simulator.working_days import WorkingDays

DAYS: Final = 92
_SUPPLIERS: Final = 5  # of a canteen
_RECURRING: Final = 0.2  # of them are paid the same every week
_FEE_PERMYRIAD: Final[IntArray] = np.array([38, 30, 0, 0], dtype=np.int64)  # of a channel
_CHANNEL_CHANCE: Final = (1.0, 0.6, 0.5, 0.45)
_BANK_FEES: Final[IntArray] = np.array([50, 100, 200, 250, 450, 500], dtype=np.int64)


@dataclass
class Town:
    """The canteens: county, size, what a meal costs, suppliers."""

    county: IntArray
    weight: np.ndarray
    pupils: IntArray
    price: IntArray
    suppliers: IntArray
    channels: BoolArray


def canteens_of(rng: np.random.Generator, canteens: int, known: Parties) -> Town:
    """Draw the canteens."""
    county = rng.integers(len(COUNTIES), size=canteens)
    pick = np.argsort(rng.random((canteens, known.suppliers.shape[1])), axis=1)[:, :_SUPPLIERS]
    size = rng.lognormal(0, 0.4, canteens)
    return Town(
        county, size / size.sum(), np.clip(450 * size, 60, 3000).astype(np.int64),
        650 + 50 * rng.integers(0, 14, canteens), np.take_along_axis(known.suppliers[county], pick, axis=1),
        rng.random((canteens, len(_CHANNEL_CHANCE))) < _CHANNEL_CHANCE,
    )  # fmt: skip


Rows = dict[str, IntArray]
"""Columns c, day, cents, party and perhaps fee."""


def _open(calendar: WorkingDays) -> IntArray:
    """The days that transactions are drawn from."""
    return calendar.days[calendar.days < DAYS]


def _canteens(rng: np.random.Generator, size: int, town: Town) -> IntArray:
    return rng.choice(town.county.size, size, p=town.weight)


def _some(rng: np.random.Generator, rows: Rows, wanted: int) -> Rows:
    """Not more rows than wanted, any of them."""
    pick = np.sort(rng.permutation(rows["c"].size)[:wanted])
    return {name: values[pick] for name, values in rows.items()}


def settlements(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """What a channel pays over of a day's top-ups, less its fee."""
    c, channel = np.nonzero(town.channels)
    cell = rng.permutation(c.size * _open(calendar).size)[:wanted]
    c, channel, day = c[cell // _open(calendar).size], channel[cell // _open(calendar).size], _open(calendar)[cell % _open(calendar).size]  # fmt: skip
    payers = 1 + rng.poisson(town.pupils[c] / 60)
    gross = payers * town.price[c] * 20 + 5000 * rng.integers(0, 4, c.size)
    fee = half_up(gross * _FEE_PERMYRIAD[channel], 10_000)
    return {"c": c, "day": day, "cents": gross - fee, "fee": fee, "party": known.channels[channel]}


def supplier_payments(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
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


def fund_splits(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """Subsidies (pupils x days x 5 yuan) and round allocations."""
    c = _canteens(rng, wanted, town)
    subsidy = town.pupils[c] * rng.integers(15, 23, wanted) * 500
    allocation = 100_000 * rng.integers(5, 200, wanted)
    cents = np.where(rng.random(wanted) < 0.7, subsidy, allocation)
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": known.bureaus[town.county[c]]}  # fmt: skip


def refunds(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """Unused meals of one person: a few times the price of a meal, so that equal sums are common."""
    c = _canteens(rng, wanted, town)
    cents = town.price[c] * rng.integers(1, 13, wanted)
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": rng.choice(known.persons, wanted)}  # fmt: skip


def top_ups(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """Parents who pay by transfer: round sums of a few kinds."""
    sums = np.array([10_000, 15_000, 20_000, 30_000, 40_000, 50_000, 60_000], dtype=np.int64)
    return {
        "c": _canteens(rng, wanted, town), "day": rng.choice(_open(calendar), wanted), "cents": rng.choice(sums, wanted),
        "party": rng.choice(known.persons, wanted),
    }  # fmt: skip


def wages(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
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


def utilities(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """Power, water and gas."""
    c = _canteens(rng, wanted, town)
    which = rng.integers(3, size=wanted)
    cents = np.maximum(rng.lognormal(np.log(town.pupils[c] * 300.0), 0.5), 2000).astype(np.int64)
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": known.utilities[town.county[c], which]}  # fmt: skip


def others(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """Repairs, pest control, printing: often round."""
    c = _canteens(rng, wanted, town)
    which = rng.integers(known.vendors.shape[1], size=wanted)
    cents = np.where(
        rng.random(wanted) < 0.6, 5000 * rng.integers(4, 160, wanted), rng.integers(8000, 900_000, wanted)
    )
    return {"c": c, "day": rng.choice(_open(calendar), wanted), "cents": cents, "party": known.vendors[town.county[c], which]}  # fmt: skip


def bank_fees(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """What the bank takes for itself; nobody writes a document about it."""
    cell = rng.permutation(town.county.size * 3 * _BANK_FEES.size)[:wanted]
    c, rest = cell // (3 * _BANK_FEES.size), cell % (3 * _BANK_FEES.size)
    day = calendar.after(20 + 30 * (rest // _BANK_FEES.size), np.zeros_like(c))
    return {"c": c, "day": day, "cents": _BANK_FEES[rest % _BANK_FEES.size], "party": np.full(c.size, NOBODY)}


def interest(rng: np.random.Generator, wanted: int, town: Town, known: Parties, calendar: WorkingDays) -> Rows:  # fmt: skip
    """The bank's interest of a quarter."""
    c = rng.permutation(town.county.size)[:wanted]
    return {"c": c, "day": np.full(c.size, 20), "cents": rng.integers(300, 60_000, c.size), "party": np.full(c.size, NOBODY)}  # fmt: skip
