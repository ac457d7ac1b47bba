"""The simulator's own reckoning of the stock ledger, in whole numbers.

Belongs here: docs/explanation/red_line.md, section "Stock ledger", over (canteen, ingredient) arrays.
Quantities are thousandths of the base unit, prices millionths of a yuan, values cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ingest.simulator import catalogue, goods
from ingest.simulator.catalogue import NON_FOOD, UNIT_MILLI
from ingest.simulator.streams import BoolArray, IntArray, half_up

PURCHASE, STOCK_MOVE, STOCKTAKE = range(3)
NOT_COUNTED = -1
# Columns of ``entries``: net purchases (of returns), what left the store, what was counted.
ENTRY = ("c", "i", "feed", "account", "net_qty", "net_amount", "out", "counted", "count_price", "supplier")


def _entry(frame: pl.DataFrame, feed: int, **columns: IntArray) -> pl.DataFrame:
    blank = np.zeros(frame.height, dtype=np.int64)
    base = {"net_qty": blank, "net_amount": blank, "out": blank, "counted": blank + NOT_COUNTED,
            "count_price": blank, "supplier": blank - 1}  # fmt: skip
    head = {name: frame[name].cast(pl.Int64) for name in ("c", "i", "account")}
    return pl.DataFrame(head | {"feed": blank + feed} | base | columns).select(ENTRY)


def _base(frame: pl.DataFrame, column: str) -> IntArray:
    return half_up(frame[column].to_numpy() * UNIT_MILLI[frame["unit"].to_numpy()], 1000)


def entries(feed: int, frame: pl.DataFrame) -> pl.DataFrame:
    """What records of a supply feed say, in base units: one row per record, columns ``ENTRY``."""
    if feed == PURCHASE:
        accepted = frame["is_accepted"].to_numpy()
        return _entry(frame, feed, net_qty=_base(frame, "accepted") * accepted,
                      net_amount=frame["amount"].to_numpy() * accepted, supplier=frame["supplier"].to_numpy())  # fmt: skip
    if feed == STOCK_MOVE:
        quantity, kind = _base(frame, "qty"), frame["kind"].to_numpy()
        back = kind == goods.SUPPLIER_RETURN
        sign = np.where(kind == goods.ISSUE_RETURN, -1, 1) * ~back
        return _entry(frame, feed, net_qty=-quantity * back, out=quantity * sign,
                      net_amount=-frame["amount"].fill_null(0).to_numpy() * back)  # fmt: skip
    price = half_up(frame["price"].fill_null(0).to_numpy() * 1000, UNIT_MILLI[frame["unit"].to_numpy()])
    return _entry(frame, feed, counted=_base(frame, "qty"), count_price=price)


@dataclass
class Ledger:
    """Stock of every (canteen, ingredient), stepped through the days that have entries."""

    canteens: int

    def __post_init__(self) -> None:
        shape = (self.canteens, catalogue.COUNT)
        self.closing: IntArray = np.zeros(shape, dtype=np.int64)
        self.value: IntArray = np.zeros(shape, dtype=np.int64)
        self.price: IntArray = np.zeros(shape, dtype=np.int64)
        self._quantity: IntArray = np.zeros(shape, dtype=np.int64)  # Q of the month to date
        self._amount: IntArray = np.zeros(shape, dtype=np.int64)  # V of the month to date
        self._seen: BoolArray = np.zeros(shape, dtype=bool)
        self._month: tuple[int, int] | None = None

    def step(self, day: date, rows: pl.DataFrame) -> IntArray:
        """Take one day's entries; returns (C, I) net purchases of the day in cents."""
        if self._month != (day.year, day.month):
            self._month = (day.year, day.month)
            self._quantity, self._amount = np.maximum(self.closing, 0), self.value.copy()
        rows = rows.filter(
            (pl.col("account") == goods.PUPIL) & ~pl.col("i").is_in(np.flatnonzero(NON_FOOD).tolist())
        )
        cells = (rows["c"].to_numpy(), rows["i"].to_numpy())
        sums = {n: np.zeros_like(self.closing) for n in ("net_qty", "net_amount", "out")}
        for name, total in sums.items():
            np.add.at(total, cells, rows[name].to_numpy())
        active = np.zeros_like(self._seen)
        active[cells] = True
        counted = np.full_like(self.closing, NOT_COUNTED)
        given = np.zeros_like(self.closing)
        sheet = rows.filter(pl.col("feed") == STOCKTAKE)
        at = (sheet["c"].to_numpy(), sheet["i"].to_numpy())
        counted[at], given[at] = sheet["counted"].to_numpy(), sheet["count_price"].to_numpy()

        held = counted != NOT_COUNTED
        opening = held & ~self._seen & active
        self.closing = np.where(held, counted, self.closing + sums["net_qty"] - sums["out"])
        self._quantity += np.where(opening, 0, sums["net_qty"])
        self._amount += np.where(opening, 0, sums["net_amount"])
        priced = active & (self._quantity > 0) & (self._amount > 0)
        ratio = half_up(self._amount * 10_000_000, np.maximum(self._quantity, 1))
        self.price = np.where(opening, given, np.where(priced, ratio, self.price))
        worth = half_up(np.maximum(self.closing, 0) * self.price, 10_000_000)
        self.value = np.where(active, worth, self.value)
        self._quantity = np.where(opening, np.maximum(counted, 0), self._quantity)
        self._amount = np.where(opening, self.value, self._amount)
        self._seen |= active
        return sums["net_amount"]
