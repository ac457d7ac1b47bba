"""A small table of purchase prices with honest scatter, and ways to spoil it, for tests of the price tests.

Belongs here: making rows and writing them as a file. Does not belong here: any judgement of prices.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import random
from dataclasses import dataclass, field
from pathlib import Path

FIRST = dt.date(2026, 9, 1)
DAYS = [FIRST + dt.timedelta(n) for n in range(40) if (FIRST + dt.timedelta(n)).weekday() < 5]
HEADER = ("日期", "品名", "单位", "单价", "数量", "供应商", "食堂", "县区", "参考价", "报价", "限价")
_ITEMS = {f"菜{n}": 2.0 + 1.7 * n for n in range(12)}
ITEMS = list(_ITEMS)


@dataclass
class Row:
    """One purchase; prices in yuan per kg, unrounded."""

    day: dt.date
    item: str
    price: float
    qty: float
    supplier: str
    canteen: str
    quote: float | None = None
    limit: float | None = None
    unit: str = "公斤"

    def cells(self) -> list[object]:
        """The row as ``HEADER`` has it."""
        quote, limit = (None if x is None else f"{x:.2f}" for x in (self.quote, self.limit))
        reference = f"{_ITEMS[self.item] * 1.3:.2f}"
        return [self.day, self.item, self.unit, f"{self.price:.2f}", f"{self.qty:.1f}", self.supplier, self.canteen,
                "甲县", reference, quote, limit]  # fmt: skip


@dataclass
class PriceRows:
    """Rows of ten canteens and eight suppliers over forty days."""

    rows: list[Row] = field(default_factory=list)

    @staticmethod
    def honest(seed: int) -> PriceRows:
        """Canteens buy their own grades, suppliers differ a little, clerks haggle; nobody cheats."""
        dice = random.Random(seed)
        canteens = [f"食堂{n}" for n in range(10)]
        grade = {(c, i): dice.gauss(0, 0.06) for c in canteens for i in _ITEMS}
        suppliers = [f"供应商{n}" for n in range(8)]
        level = {s: dice.uniform(-0.03, 0.03) for s in suppliers}
        chosen = {c: suppliers[n % 8] for n, c in enumerate(canteens)}
        rows = []
        for day in DAYS:
            for canteen in canteens:
                for item in dice.sample(ITEMS, 5):
                    supplier = chosen[canteen]
                    log = grade[canteen, item] + level[supplier] + dice.gauss(0, 0.03)
                    rows.append(
                        Row(day, item, _ITEMS[item] * math.exp(log), dice.uniform(8, 30), supplier, canteen)
                    )
        return PriceRows(rows)

    def index(self, canteen: str, nth: int) -> int:
        """Position of a canteen's nth row."""
        return [n for n, row in enumerate(self.rows) if row.canteen == canteen][nth]

    def write(self, path: Path, columns: tuple[str, ...] = HEADER) -> Path:
        """The rows as CSV; row n stands on line n + 2."""
        with path.open("w", encoding="utf8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in self.rows:
                cells = dict(zip(HEADER, row.cells(), strict=True))
                writer.writerow([cells[name] for name in columns])
        return path


def line_of(index: int) -> str:
    """Line of the file on which a row stands, the header being line 1."""
    return str(index + 2)
