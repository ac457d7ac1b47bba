"""What suppliers ask, what they quote, what the limit is, and what a canteen pays on a day, honestly.

Belongs here: price of a line = market of the day x specification x county x supplier x canteen x haggling,
held under the quotation where a county buys on the platform, and under the limit everywhere. Arrays:
C canteens, I ingredients, G goods (ingredient and specification), S suppliers. Does not belong here: what
a supplier charges beyond that (``overcharging``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.catalogue import GOODS_ITEM, GOODS_PRICE, GROUP, NON_FOOD, UNIT_MILLI
from ingest.simulator.city import PER_GROUP, PROVIDERS, City
from ingest.simulator.market import Market, monday_of, unrest
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, stream

GROUPS: Final = len(catalogue.SUPPLIER_GROUPS)
# Counties without the city's procurement platform; in one, suppliers quote to each canteen by itself.
OFF_PLATFORM: Final = ("pingjiang", "nanhu")
SINGLE_QUOTES: Final = "yunxi"
# Meat, fish and vegetables are quoted by the week, staples and packed goods by the month.
BY_WEEK: Final[BoolArray] = np.isin(GROUP, (1, 2))
_HEADROOM: Final = np.where(BY_WEEK, 1.12, 1.05)  # of a quotation above what the supplier expects to take
_LIMIT: Final = np.where(BY_WEEK, 1.32, 1.25)  # of a limit above the usual price
_TENDER: Final = 1.3
_LASTING: Final = 0.8  # of a supplier's difference from others lasts, the rest is redrawn
_NO_LIMIT: Final = 10**9
STAPLES: Final[IntArray] = np.flatnonzero(GROUP[GOODS_ITEM] == 0)


def supplier_group(s: IntArray) -> IntArray:
    """Kind of goods of suppliers."""
    return np.asarray(s // PER_GROUP % GROUPS, dtype=np.int64)


def supplier_county(s: IntArray) -> IntArray:
    """Position in ``PROVIDERS`` of suppliers' county."""
    return np.asarray(s // (GROUPS * PER_GROUP), dtype=np.int64)


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(32)).replace(day=1) - timedelta(1)


@dataclass(frozen=True)
class Terms:
    """What holds in a week (by the month for staples).

    Attributes:
        supplier: (S, I) supplier's level for an ingredient.
        quoted: (S, G) honest quotations, cents per base unit.
        limit: (G,) limit, cents per base unit.
        agreed: (S, G) limit less the discount that the supplier agreed to.
    """

    supplier: FloatArray
    quoted: IntArray
    limit: IntArray
    agreed: IntArray


@dataclass(frozen=True)
class DayPrices:
    """Prices of a day, cents per unit of purchase.

    Attributes:
        price: (C, I) what an honest supplier charges.
        supplier: (C, I) who delivers.
        quoted: (C, I) the supplier's quotation; as good as none off the platform.
        limit: (C, I) the limit in force; as good as none for what is no food.
    """

    price: IntArray
    supplier: IntArray
    quoted: IntArray
    limit: IntArray


class Pricing:
    """The city's price system."""

    def __init__(self, city: City) -> None:
        self.city, self.market = city, Market(city.seed)
        self.suppliers = len(city.supplier_codes)
        rng = stream(city.seed, "counties")
        self._county = rng.lognormal(0, 0.03, (len(PROVIDERS), catalogue.COUNT))
        spread = unrest("supplier")
        self._lasting = rng.normal(0, 1, (self.suppliers, catalogue.COUNT)) * spread * _LASTING
        self.discount: IntArray = rng.choice([0, 0, 2, 3, 5], self.suppliers)  # percent off the limit
        self._level = city.supplier_level[:, None] * self._county[supplier_county(np.arange(self.suppliers))]
        self.on_platform: BoolArray = np.isin(
            city.provider, [PROVIDERS.index(name) for name in OFF_PLATFORM], invert=True
        )
        self._terms: dict[tuple[date, date], Terms] = {}

    def terms(self, day: date) -> Terms:
        """What holds on a day."""
        monday, month = monday_of(day), month_of(day)
        key = (monday, month[0])
        if key not in self._terms:
            if len(self._terms) > 20:
                self._terms.clear()
            self._terms[key] = self._reckon(monday, month)
        return self._terms[key]

    def _reckon(self, monday: date, month: tuple[date, date]) -> Terms:
        drift = np.where(BY_WEEK, self._drift(monday), self._drift(month[0]))
        supplier = np.exp(self._lasting + drift) * self._level
        mean = np.where(BY_WEEK, self.market.mean(monday, monday + timedelta(6)), self.market.mean(*month))
        usual = GOODS_PRICE * mean[GOODS_ITEM]
        limit = np.floor(usual * _LIMIT[GOODS_ITEM] * 100).astype(np.int64)
        limit = np.minimum(limit, np.where(GROUP[GOODS_ITEM] == 0, self.tender(), _NO_LIMIT))
        agreed = limit[None, :] * (100 - self.discount[:, None]) // 100
        quoted = np.floor(usual * _HEADROOM[GOODS_ITEM] * supplier[:, GOODS_ITEM] * 100).astype(np.int64)
        capped = np.where(NON_FOOD[GOODS_ITEM], quoted, np.minimum(quoted, agreed))
        return Terms(supplier, np.maximum(capped, 1), limit, agreed)

    def _drift(self, first: date) -> FloatArray:
        rng = stream(self.city.seed, "drift", first.toordinal())
        size = (self.suppliers, catalogue.COUNT)
        return np.asarray(
            rng.normal(0, 1, size) * unrest("supplier") * np.sqrt(1 - _LASTING**2), dtype=np.float64
        )

    def tender(self) -> IntArray:
        """(G,) prices at which staples were put out to tender, cents per base unit."""
        return np.floor(GOODS_PRICE * _TENDER * 100).astype(np.int64)

    def day(self, day: date, second: IntArray, unit: IntArray) -> DayPrices:
        """Honest prices of a day."""
        city, terms = self.city, self.terms(day)
        rng = stream(city.seed, "prices", day.toordinal())
        pair = np.take_along_axis(city.suppliers, second[:, :, None], axis=2)[:, :, 0]
        who, what = pair[:, GROUP], city.goods
        ours = terms.supplier[who, np.arange(catalogue.COUNT)] * city.quality
        haggling = np.exp(rng.normal(0, 1, what.shape) * unrest("line"))
        asked = GOODS_PRICE[what] * self.market.level(day) * ours * haggling
        no_limit = np.where(NON_FOOD, _NO_LIMIT, 0)
        limit = np.maximum(terms.limit[what], no_limit)
        quoted = np.where(self.on_platform[:, None], terms.quoted[who, what], _NO_LIMIT)
        ceiling = np.minimum(quoted, np.maximum(terms.agreed[who, what], no_limit))
        factor = UNIT_MILLI[unit]
        cents = np.minimum(np.rint(asked * factor / 10).astype(np.int64), ceiling * factor // 1000)
        return DayPrices(np.maximum(cents, 1), who, quoted * factor // 1000, limit * factor // 1000)
