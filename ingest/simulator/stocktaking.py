"""The store room: quantities, average cost, and counts, honest or not.

Belongs here: what lies in the store and what a count says. All quantities are thousandths of the base
unit, (canteen, ingredient).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue, goods
from ingest.simulator.catalogue import NON_FOOD, STAPLE, UNIT_MILLI
from ingest.simulator.city import City
from ingest.simulator.goods import Lines
from ingest.simulator.plan import Plan
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, running_number

_LIFTED: Final = 0.085  # of the month's income, by which an overstating canteen's count is too high


class Store:
    """Stores of all canteens.

    Attributes:
        real: What lies there.
        book: What the records add up to.
        average: Moving average cost, yuan per base unit.
        hoard: Part of ``real`` bought to be written off at the next count.
        excess: What earlier overstated counts pretend beyond ``real``.
    """

    def __init__(self, city: City, plan: Plan) -> None:
        shape = (city.canteens, catalogue.COUNT)
        self.city, self.plan = city, plan
        self.real: IntArray = np.zeros(shape, dtype=np.int64)
        self.book: IntArray = np.zeros(shape, dtype=np.int64)
        self.average: FloatArray = np.zeros(shape)
        self.hoard: IntArray = np.zeros(shape, dtype=np.int64)
        self.excess: IntArray = np.zeros(shape, dtype=np.int64)

    def fill(self, stock: IntArray, per_base: FloatArray, price: IntArray, unit: IntArray) -> pl.DataFrame:
        """Put the opening stock in; returns its stock-take with prices in cents per unit of purchase."""
        stock = stock.copy()
        stock[list(self.plan.no_opening)] = 0
        self.real, self.book, self.average = stock.copy(), stock.copy(), per_base.copy()
        return _sheet(stock > 0, stock, stock, unit, price)

    def usable(self) -> IntArray:
        """What may be cooked."""
        return np.asarray(np.maximum(self.real - self.hoard, 0), dtype=np.int64)

    def receive(self, bought: IntArray, per_base: FloatArray) -> None:
        """Goods come in; the average moves."""
        total = self.real + bought
        mixed = (self.real * self.average + bought * per_base) / np.maximum(total, 1)
        self.average = np.where(bought > 0, mixed, self.average)
        self.real = total

    def leave(self, leaving: IntArray, sent_back: Lines, lost: Lines) -> None:
        """Goods go out."""
        canteens = self.city.canteens
        self.real = self.real - leaving - sent_back.base_array(canteens) - lost.base_array(canteens)

    def cost(self, quantity: IntArray) -> FloatArray:
        """(C,) value in cents at the moving average."""
        return np.asarray((quantity * self.average / 10).sum(axis=1), dtype=np.float64)

    def record(self, purchases: Lines, moves: Lines) -> None:
        """What the pupils' records say came in and went out."""
        mine = purchases["account"] == goods.PUPIL
        np.add.at(self.book, (purchases["c"][mine], purchases["i"][mine]), purchases.base("accepted")[mine])
        sign = np.where(moves["kind"] == goods.ISSUE_RETURN, 1, -1) * (moves["account"] == goods.PUPIL)
        np.add.at(self.book, (moves["c"], moves["i"]), moves.base() * sign)

    def count(
        self, day: date, due: BoolArray, unit: IntArray, income: FloatArray, rng: np.random.Generator
    ) -> pl.DataFrame:
        """Hold the counts that are due. ``income``: the month's so far, cents."""
        skipped = [c for c, d in self.plan.skipped_counts if d == day]
        held = due.copy()
        held[skipped] = False
        noise = np.clip(rng.normal(-0.002, 0.004, self.real.shape), -0.012, 0.008)
        honest = np.rint((self.real - self.hoard) * (1 + noise) / 10).astype(np.int64) * 10
        honest = np.where(STAPLE, honest, self.real)
        sheet = held[:, None] & ~NON_FOOD & ((self.real > 0) | (self.book != 0))
        for c in self.plan.carriers.get("fictitious_purchases", []):
            sheet[c] &= self.city.menu[c]  # nobody counts what never came
        for c in np.flatnonzero(held).tolist():
            if self.plan.misstated.get((c, day), 0) > 0:
                self._lift(c, float(income[c]))
        self.real = np.where(sheet, honest, self.real)
        self.hoard = np.where(held[:, None], 0, self.hoard)
        counted = honest + self.excess
        frame = _sheet(sheet, counted, self.book, unit, None)
        self.book = np.where(sheet, counted, self.book)
        return frame

    def _lift(self, c: int, income: float) -> None:
        """Pretend a stock of staples that is not there."""
        for i, share in ((0, 0.7), (int(self.city.main_oil[c]), 0.3)):
            self.excess[c, i] += int(_LIFTED * share * income * 10 / self.average[c, i] / 1000) * 1000


def _sheet(
    listed: BoolArray, counted: IntArray, book: IntArray, unit: IntArray, price: IntArray | None
) -> pl.DataFrame:
    """A count sheet: quantities in thousandths of the unit of purchase, prices in millionths of a yuan."""
    c, i = np.nonzero(listed)
    u = unit[c, i]
    factor = UNIT_MILLI[u]
    price_column = (
        pl.lit(None, dtype=pl.Int64) if price is None else pl.Series(price[c, i] * 10_000, dtype=pl.Int64)
    )
    return pl.DataFrame(
        {
            "c": c, "i": i, "account": np.zeros_like(c), "qty": counted[c, i] * 1000 // factor, "unit": u,
            "book": book[c, i] * 1000 // factor, "seq": running_number(c), "minute": 18 * 60 + 30 + c % 50,
        }
    ).with_columns(price_column.alias("price"))  # fmt: skip
