"""The monthly public disclosure form, filled in by the school from its own records.

Belongs here: the school accountant's month. The form's food lines are the month's consumed cost by
category, as docs/explanation/red_line.md reckons it, so an honest form agrees with the records.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue, ledger
from ingest.simulator.city import City
from ingest.simulator.streams import IntArray
from warehouse import vocabulary

LINES: Final = tuple(vocabulary.FORM_LINES)
_LINE_OF: Final = {
    "grain": "rice_oil",
    "oil": "rice_oil",
    "seasoning": "condiments",
    "other_food": "other_materials",
}
_LINE: Final = np.array(
    [LINES.index(_LINE_OF.get(catalogue.CATEGORIES[k].code, "dishes")) for k in catalogue.CATEGORY],
    dtype=np.int64,
)


def month_end(day: date) -> date:
    """Last day of a day's month."""
    return (day.replace(day=1) + timedelta(32)).replace(day=1) - timedelta(1)


class Accountant:
    """Keeps the books of all schools and files their forms on the 5th to 14th of the next month."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._ledger = ledger.Ledger(city.canteens)
        shape = (city.canteens, catalogue.COUNT)
        self._opening, self._bought = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        self._income = np.zeros(city.canteens, dtype=np.int64)
        self._year = np.zeros((city.canteens, len(LINES)), dtype=np.int64)
        self._done: tuple[date, IntArray, IntArray] | None = None

    def open_books(self, day: date, stocktake: pl.DataFrame) -> None:
        """Enter the opening stock."""
        self._ledger.step(day, ledger.entries(ledger.STOCKTAKE, stocktake))
        self._opening = self._ledger.value.copy()

    def enter(self, day: date, frames: dict[str, pl.DataFrame], income: IntArray) -> None:
        """Enter one day's records."""
        rows = [
            ledger.entries(n, frames[feed]) for n, feed in enumerate(("purchase", "stock_move", "stocktake"))
        ]
        self._bought += self._ledger.step(day, pl.concat(rows))
        self._income += income

    def close_month(self, day: date) -> None:
        """Fill in the form of the month that ends on ``day``."""
        cost = self._opening + self._bought - self._ledger.value
        month = np.zeros_like(self._year)
        for line in np.unique(_LINE):
            month[:, line] = cost[:, line == _LINE].sum(axis=1)
        month[:, LINES.index("income")] = self._income
        month[:, LINES.index("utilities")] = self._income // 25
        month[:, LINES.index("management")] = self._income * 13 // 100
        month[:, LINES.index("finance")] = self._income // 800
        result = LINES.index("result")
        month[:, result] = 2 * month[:, 0] - month.sum(axis=1)
        self._year = month + (0 if day.month == 1 else self._year)
        self._done = (day, month, self._year.copy())
        self._opening, self._bought = self._ledger.value.copy(), np.zeros_like(self._bought)
        self._income = np.zeros_like(self._income)

    def stock_value(self) -> IntArray:
        """(C,) value of the pupils' stock by the records, cents."""
        return np.asarray(self._ledger.value.sum(axis=1), dtype=np.int64)

    def restate(self, c: IntArray, lines: dict[str, IntArray]) -> None:
        """Let canteens that keep books fill in lines of the closed month's form from them.

        Args:
            c: Canteens.
            lines: Line -> their sums, cents; ``other_materials`` is added to what the store says.
        """
        assert self._done is not None  # noqa: S101
        _, month, year = self._done
        before = month.copy()
        for line, cents in lines.items():
            month[c, LINES.index(line)] = cents + (
                month[c, LINES.index(line)] if line == "other_materials" else 0
            )
        result = LINES.index("result")
        month[c, result] = 0
        month[c, result] = 2 * month[c, 0] - month[c].sum(axis=1)
        year += month - before
        self._year += month - before

    def file(self, day: date) -> tuple[date, pl.DataFrame] | None:
        """Forms filed on a day: (last day of the month they speak about, lines)."""
        if self._done is None or not 5 <= day.day <= 14:
            return None
        about, month, year = self._done
        filing = 5 + (np.arange(self.city.canteens) * 7 + day.month) % 10
        c = np.flatnonzero(filing == day.day)
        if c.size == 0:
            return None
        line = np.tile(np.arange(len(LINES)), c.size)
        c = np.repeat(c, len(LINES))
        minutes = (day - about).days * 1440 + 9 * 60 + c % 50
        return about, pl.DataFrame(
            {
                "c": c,
                "line": line,
                "month": month[c, line],
                "ytd": year[c, line],
                "seq": line + 1,
                "minute": minutes,
            }
        )
