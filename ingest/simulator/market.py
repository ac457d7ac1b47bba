"""What ingredients cost in the city from day to day: seasons, a weekly walk, and the unrest within a week.

Belongs here: the city's price level of a day and of a span of days, and what shops ask above wholesale.
A supplier's own level, grades and haggling are added by ``pricing``.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.school_calendar import FIRST_YEAR, LAST_YEAR
from ingest.simulator.streams import FloatArray, stream

_EPOCH: Final = date(FIRST_YEAR - 1, 12, 28)  # a Monday or near; weeks are counted from here
_WEEKS: Final = (date(LAST_YEAR, 12, 31) - _EPOCH).days // 7 + 2


class Unrest(NamedTuple):
    """Standard deviations of the logarithm of a category's prices, and its season.

    Attributes:
        week: Shock of a week, common to all sellers.
        day: Of a day within its week, common to all sellers; some weeks are calm and some are not.
        line: What is haggled over a single line.
        supplier: Between suppliers of the same item and specification.
        season: Half of the swing between summer and winter.
        shop: Of a shop's margin above wholesale, from week to week.
    """

    week: float
    day: float
    line: float
    supplier: float
    season: float
    shop: float


# Of vegetables: at least what docs/explanation/price_realism.md measured on real series.
_CALM: Final = Unrest(0.005, 0.004, 0.012, 0.045, 0.0, 0.02)
_UNREST: Final = {
    "vegetables": Unrest(0.065, 0.085, 0.065, 0.125, 0.15, 0.06),
    "fruit": Unrest(0.05, 0.07, 0.06, 0.105, 0.10, 0.06),
    "aquatic": Unrest(0.03, 0.04, 0.04, 0.08, 0.0, 0.06),
    "meat": Unrest(0.03, 0.03, 0.03, 0.06, 0.03, 0.17),
    "eggs": Unrest(0.03, 0.03, 0.03, 0.06, 0.05, 0.04),
    "soy": Unrest(0.01, 0.015, 0.03, 0.06, 0.0, 0.03),
}


def unrest(name: str) -> FloatArray:
    """(I,) one of the figures of ``Unrest`` by ingredient."""
    found = [
        getattr(_UNREST.get(catalogue.CATEGORIES[k].code, _CALM), name) for k in catalogue.CATEGORY.tolist()
    ]
    return np.array(found, dtype=np.float64)


# Wholesale and shops' prices as factors on the list price, which is what a canteen pays at its door.
WHOLESALE: Final = 0.87
_RETAIL: Final = 1.37
_RETAIL_MEAT: Final = 1.5


class Market:
    """Price levels as factors on the list price."""

    def __init__(self, seed: int) -> None:
        rng = stream(seed, "market")
        shape = (_WEEKS, catalogue.COUNT)
        shock = rng.normal(0, 1, shape) * unrest("week")
        phase = rng.uniform(-0.3, 0.3, catalogue.COUNT)
        walk = np.zeros(shape)
        for week in range(1, _WEEKS):
            walk[week] = 0.93 * walk[week - 1] + shock[week]
        angle = 2 * np.pi * (np.arange(_WEEKS)[:, None] * 7 % 365.25) / 365.25
        walk += unrest("season") * np.cos(angle + phase)
        nerves = rng.lognormal(-0.18, 0.6, shape) * unrest("day")  # mean 1 of the lognormal
        part = np.arange(7)[None, :, None] / 7
        ahead = np.roll(walk, -1, axis=0)
        daily = walk[:, None, :] * (1 - part) + ahead[:, None, :] * part
        daily += rng.normal(0, 1, (_WEEKS, 7, catalogue.COUNT)) * nerves[:, None, :]
        self._daily = np.exp(daily).reshape(_WEEKS * 7, catalogue.COUNT)
        margin = np.zeros(shape)
        pull = rng.normal(0, 1, shape) * unrest("shop") * np.sqrt(1 - 0.6**2)
        for week in range(1, _WEEKS):
            margin[week] = 0.6 * margin[week - 1] + pull[week]
        meat = np.isin(np.arange(catalogue.COUNT), catalogue.category("meat"))
        self._margin = np.where(meat, _RETAIL_MEAT, _RETAIL) * np.exp(margin)

    def level(self, day: date) -> FloatArray:
        """(I,) of a day."""
        return np.asarray(self._daily[(day - _EPOCH).days])

    def mean(self, first: date, last: date) -> FloatArray:
        """(I,) mean of a span of days."""
        return np.asarray(self._daily[(first - _EPOCH).days : (last - _EPOCH).days + 1].mean(axis=0))

    def wholesale(self, monday: date) -> FloatArray:
        """(I,) mean wholesale price of a week, yuan per base unit."""
        return WHOLESALE * catalogue.LIST_PRICE * self.mean(monday, monday + timedelta(6))

    def retail(self, monday: date) -> FloatArray:
        """(I,) mean price of a week in shops, yuan per base unit."""
        margin = self._margin[(monday - _EPOCH).days // 7]
        return np.asarray(catalogue.LIST_PRICE * self.mean(monday, monday + timedelta(6)) * margin)


def monday_of(day: date) -> date:
    """First day of a day's week."""
    return day - timedelta(day.weekday())
