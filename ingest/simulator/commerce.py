"""The bureau of commerce: the daily table of the wholesale market, with its decimal shifts.

Belongs here: rows, names, units and slips of the table (provider ``commerce``). Does not belong here: the
weekly bulletin (``bulletin``) and the market itself (``market``).
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.catalogue import KG, NON_FOOD
from ingest.simulator.market import WHOLESALE, Market
from ingest.simulator.streams import IntArray, stream

_ROWS: Final[IntArray] = np.flatnonzero(~NON_FOOD & (catalogue.BASE_UNIT == KG))
# How the market writes an item that is sold by another unit: in its name, whatever the unit column says.
_NAMES: Final = {
    "鸡蛋": "鸡蛋（斤）",
    "白条鸭": "白条鸭(斤)",
    "鹌鹑蛋": "鹌鹑蛋/斤",
    "虾仁": "虾仁（公斤）",
    "紫菜": "紫菜/公斤",
}
_BY_KG: Final = ("虾仁", "紫菜")
_ORIGINS: Final = ("湘", "鄂", "鲁", "滇", "粤", "")
_SHIFTED: Final = 0.5  # of the days have a row whose decimal point is wrong
_SPREAD: Final = 0.39  # of the day's price from the lowest to the highest, as on the real market


class Shift(NamedTuple):
    """A row whose decimal point is wrong: the ingredient, and ten or a tenth."""

    ingredient: int
    up: bool


def table(seed: int, market: Market, day: date, faulty: bool) -> tuple[pl.DataFrame, Shift | None]:
    """The table of a day, and the slip in it."""
    rng = stream(seed, "wholesale", day.toordinal())
    kilo = np.isin(np.array(catalogue.NAMES)[_ROWS], _BY_KG)
    yuan = WHOLESALE * catalogue.LIST_PRICE[_ROWS] * market.level(day)[_ROWS] * np.where(kilo, 1.0, 0.5)
    half = yuan * _SPREAD / 2 * rng.uniform(0.4, 1.6, _ROWS.size)
    low, high = (np.maximum(np.rint((yuan + sign * half) * 20), 1).astype(np.int64) * 5 for sign in (-1, 1))
    middle = (low + high) // 2  # cents
    shift: Shift | None = None
    row, up = int(rng.integers(_ROWS.size)), bool(rng.integers(2))
    if rng.random() < _SHIFTED and faulty:
        shift = Shift(int(_ROWS[row]), up)
        for column in (low, middle, high):
            column[row] = column[row] * 10 if up else max(1, column[row] // 10)
    names = [_NAMES.get(catalogue.NAMES[i], catalogue.NAMES[i]) for i in _ROWS.tolist()]
    frame = pl.DataFrame(
        {
            "品名": names,
            "最低价": [_yuan(v) for v in low.tolist()],
            "平均价": [_yuan(v) for v in middle.tolist()],
            "最高价": [_yuan(v) for v in high.tolist()],
            "规格": "普通",
            "产地": [_ORIGINS[k] for k in rng.integers(len(_ORIGINS), size=_ROWS.size).tolist()],
            "单位": "斤",
            "发布日期": f"{day:%Y-%m-%d}",
        }
    )
    return frame, shift


def _yuan(cents: int) -> str:
    """Yuan without trailing zeros, as the market prints them."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
