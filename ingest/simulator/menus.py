"""Weekly menus with quantities: what each dish of a meal takes per pupil, as the school writes it down.

Belongs here: menus of what was truly cooked for pupils, with the errors of those who write them, and which
schools and weeks have any. Does not belong here: what is cooked (``kitchen``, ``behaviour``) and how menus are
delivered (``menu_post``). A menu never follows a false count or a false purchase: it is written in the kitchen.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.city import MEALS, City
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, running_number, stream

_NEVER: Final = 0.2  # of the canteens deliver no menus
_FORGOTTEN: Final = 0.04  # of a canteen's weeks
_LEFT_OUT: Final = 0.01  # of the lines
_HABIT: Final = 0.06  # scatter of a canteen's own error in a category, for good
_LINE: Final = 0.15  # scatter of a line's error
_WASTE: Final = (0.02, 0.08)  # of what a kitchen draws is in no recipe
_MEAL_SHARE: Final = np.array([0.15, 0.50, 0.35])  # in which meal an ingredient of one dish is cooked
# Cooked for every meal; all others go into one dish of the day.
_EVERY_MEAL: Final = np.isin(
    catalogue.CATEGORY, [k for k, c in enumerate(catalogue.CATEGORIES) if c.code in ("grain", "oil", "seasoning")]
)  # fmt: skip
_PIECE_GRAMS: Final = {"纯牛奶200毫升": 206, "学生奶125毫升": 129, "酸奶100克": 100}
# Edible part in percent, after the food composition table; 100 where nothing is thrown away.
_EDIBLE: Final = {
    "猪排骨": 72, "鸡腿": 69, "白条鸭": 68, "鸡翅": 69, "草鱼": 58, "鲢鱼": 61, "鲫鱼": 54, "带鱼": 76, "鸡蛋": 88, "鸭蛋": 87,
    "鹌鹑蛋": 86, "大白菜": 87, "圆白菜": 86, "黄瓜": 92, "冬瓜": 80, "苦瓜": 81, "西红柿": 97, "辣椒": 84, "青椒": 82, "豆角": 96,
    "茄子": 93, "洋葱": 90, "土豆": 94, "胡萝卜": 96, "白萝卜": 95, "莴笋": 62, "芹菜": 66, "菠菜": 89, "上海青": 87, "西兰花": 83,
    "莲藕": 88, "苹果": 76, "香蕉": 59, "柑橘": 77, "梨": 82, "西瓜": 56,
}  # fmt: skip
_DISH: Final = {
    "grain": "主食", "oil": "烹调用油", "seasoning": "调味", "meat": "红烧{}", "aquatic": "清蒸{}", "eggs": "{}羹",
    "vegetables": "清炒{}", "soy": "家常{}", "fruit": "水果：{}", "milk": "{}", "other_food": "{}", "non_food": "{}",
}  # fmt: skip
_OIL_GRAMS: Final = 920  # of a litre
_LIQUID_GRAMS: Final = 1_030


def _unit_grams() -> FloatArray:
    """(I,) grams of a base unit."""
    litre = np.where(
        catalogue.CATEGORY[catalogue.category("oil")[0]] == catalogue.CATEGORY, _OIL_GRAMS, _LIQUID_GRAMS
    )
    piece = np.array([_PIECE_GRAMS.get(name, 0) for name in catalogue.NAMES])
    by_unit = {catalogue.LITRE: litre, catalogue.PIECE: piece}
    out = np.full(catalogue.COUNT, 1_000.0)
    for unit, grams in by_unit.items():
        out = np.where(unit == catalogue.BASE_UNIT, grams, out)
    return out


_UNIT_GRAMS: Final = _unit_grams()
_EDIBLE_PCT: Final[IntArray] = np.array([_EDIBLE.get(name, 100) for name in catalogue.NAMES], dtype=np.int64)
DISHES: Final = [
    _DISH[catalogue.CATEGORIES[k].code].format(name)
    for name, k in zip(catalogue.NAMES, catalogue.CATEGORY.tolist(), strict=True)
]


class Menus:
    """The menus of all canteens."""

    def __init__(self, city: City) -> None:
        rng = stream(city.seed, "menus")
        self.city = city
        self._writes = rng.random(city.canteens) >= _NEVER
        self._net = rng.random(city.canteens) < 0.5  # weighs the edible part
        waste = rng.uniform(*_WASTE, city.canteens)
        habit = rng.lognormal(0, _HABIT, (city.canteens, len(catalogue.CATEGORIES)))
        self._told = (habit / (1 + waste)[:, None])[:, catalogue.CATEGORY]  # of what is drawn

    def day(self, day: date, cooked: IntArray, consumption: pl.DataFrame) -> pl.DataFrame:
        """Lines of a day's menus, whether they come or not.

        Args:
            day: The day.
            cooked: (C, I) what was truly cooked for pupils, thousandths of the base unit.
            consumption: Who truly ate, as ``meals.Hall`` gives it.
        """
        city = self.city
        rng = stream(city.seed, "menus", day.toordinal())
        pupils = ~city.person_teacher[consumption["person"].to_numpy()]
        diners = np.zeros((city.canteens, len(MEALS)), dtype=np.int64)
        np.add.at(diners, (consumption["c"].to_numpy()[pupils], consumption["meal"].to_numpy()[pupils]), 1)
        draw = np.log(_MEAL_SHARE) + rng.gumbel(size=(city.canteens, catalogue.COUNT, len(MEALS)))
        chosen = np.argmax(np.where(diners[:, None, :] > 0, draw, -np.inf), axis=2)
        error = rng.lognormal(0, _LINE, cooked.shape)
        there = rng.random(cooked.shape) >= _LEFT_OUT
        week = self._sent(day)
        in_meal = (chosen[:, :, None] == np.arange(len(MEALS))) | _EVERY_MEAL[None, :, None]
        listed = in_meal & ((cooked > 0) & there & week[:, None])[:, :, None] & (diners > 0)[:, None, :]
        c, meal, i = np.nonzero(listed.transpose(0, 2, 1))
        eaters = np.where(_EVERY_MEAL[i], diners.sum(axis=1)[c], diners[c, meal])
        grams = cooked[c, i] / 1_000 * _UNIT_GRAMS[i] / eaters * self._told[c, i] * error[c, i]
        net = self._net[c] & (_EDIBLE_PCT[i] < 100)
        grams = np.where(net, grams * _EDIBLE_PCT[i] / 100, grams)
        return pl.DataFrame(
            {
                "c": c, "i": i, "meal": meal, "grams": np.maximum(np.rint(grams * 10), 1).astype(np.int64) * 100,
                "edible": _EDIBLE_PCT[i], "net": net, "seq": running_number(c), "minute": np.full_like(c, 16 * 60),
            }
        ).with_columns(pl.when("net").then("edible").alias("edible"))  # fmt: skip

    def _sent(self, day: date) -> BoolArray:
        """(C,) canteens whose menus of a day's week come."""
        monday = day - timedelta(day.weekday())
        forgotten = stream(self.city.seed, "menu-weeks", monday.toordinal()).random(self.city.canteens)
        return np.asarray(self._writes & (forgotten >= _FORGOTTEN))
