"""The city's ingredient library and the units in which kitchens buy.

Belongs here: names, categories, base units, list prices, packs and how often a dish is on the menu.
Does not belong here: prices of a day (``market``) and what a canteen buys (``behaviour``).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ingest.simulator.streams import FloatArray, IntArray

# Units of rows, and thousandths of the base unit that one unit is worth.
UNITS: Final = ("kg", "斤", "L", "件", "个")
UNIT_MILLI: Final[IntArray] = np.array([1000, 500, 1000, 1000, 1000], dtype=np.int64)
KG, JIN, LITRE, BOX, PIECE = range(5)
_BASE: Final = {"kg": KG, "L": LITRE, "件": BOX, "个": PIECE}


class Category(NamedTuple):
    """How a category takes part in a day's menu."""

    code: str
    share: float  # of the day's food budget, on average
    chance: float  # that the category is on the menu
    dishes: int  # ingredients used when it is
    many: int  # the same in a large kitchen
    staple: bool  # kept in store, bought in bulk
    group: int  # kind of supplier that delivers it


CATEGORIES: Final = (
    Category("grain", 0.150, 1.0, 2, 2, True, 0),
    Category("oil", 0.060, 1.0, 1, 1, True, 0),
    Category("seasoning", 0.030, 1.0, 3, 3, True, 0),
    Category("meat", 0.340, 1.0, 2, 6, False, 1),
    Category("aquatic", 0.050, 0.35, 1, 2, False, 1),
    Category("eggs", 0.055, 0.6, 1, 1, False, 1),
    Category("vegetables", 0.190, 1.0, 4, 10, False, 2),
    Category("soy", 0.040, 0.7, 1, 3, False, 2),
    Category("fruit", 0.035, 0.4, 1, 2, False, 2),
    Category("milk", 0.046, 0.6, 1, 2, False, 3),
    Category("other_food", 0.004, 0.1, 1, 1, False, 3),
    Category("non_food", 0.0, 0.0, 0, 0, False, 3),
)
SUPPLIER_GROUPS: Final = ("粮油", "肉类水产", "蔬菜豆制品", "乳品百货")

# category: (name, base unit, list price in yuan per base unit, pack in base units)
_ITEMS: Final[dict[str, list[tuple[str, str, float, float]]]] = {
    "grain": [
        ("大米", "kg", 4.8, 25),
        ("面粉", "kg", 4.2, 25),
        ("面条", "kg", 6.2, 10),
        ("糯米", "kg", 6.8, 25),
        ("小米", "kg", 8.6, 10),
        ("玉米糁", "kg", 5.2, 10),
        ("米粉", "kg", 6.6, 10),
    ],
    "oil": [
        ("菜籽油", "L", 13.2, 20),
        ("大豆油", "L", 9.6, 20),
        ("茶籽调和油", "L", 17.5, 20),
        ("花生油", "L", 18.8, 20),
    ],
    "seasoning": [
        ("食盐", "kg", 3.2, 10),
        ("酱油", "L", 7.8, 10),
        ("食醋", "L", 5.9, 10),
        ("白糖", "kg", 7.6, 10),
        ("豆瓣酱", "kg", 11.5, 5),
        ("料酒", "L", 6.4, 10),
        ("味精", "kg", 16.0, 2),
        ("蚝油", "kg", 12.8, 5),
        ("干辣椒", "kg", 32.0, 1),
        ("八角", "kg", 58.0, 1),
        ("淀粉", "kg", 7.2, 5),
    ],
    "meat": [
        ("猪前腿肉", "kg", 24.0, 1),
        ("猪五花肉", "kg", 27.0, 1),
        ("猪排骨", "kg", 38.0, 1),
        ("牛肉", "kg", 72.0, 1),
        ("鸡腿", "kg", 16.5, 1),
        ("鸡胸肉", "kg", 17.8, 1),
        ("白条鸭", "kg", 19.5, 1),
        ("鸡翅", "kg", 29.0, 1),
        ("猪肝", "kg", 18.0, 1),
        ("腊肉", "kg", 46.0, 1),
    ],
    "aquatic": [
        ("草鱼", "kg", 16.8, 1),
        ("鲢鱼", "kg", 11.6, 1),
        ("鲫鱼", "kg", 19.0, 1),
        ("带鱼", "kg", 28.0, 1),
        ("虾仁", "kg", 52.0, 1),
        ("巴沙鱼片", "kg", 22.0, 1),
    ],
    "eggs": [("鸡蛋", "kg", 10.2, 1), ("鸭蛋", "kg", 13.6, 1), ("鹌鹑蛋", "kg", 17.5, 1)],
    "vegetables": [
        ("大白菜", "kg", 2.6, 1),
        ("圆白菜", "kg", 2.9, 1),
        ("黄瓜", "kg", 5.2, 1),
        ("冬瓜", "kg", 2.4, 1),
        ("苦瓜", "kg", 6.8, 1),
        ("西红柿", "kg", 6.0, 1),
        ("辣椒", "kg", 8.4, 1),
        ("青椒", "kg", 7.2, 1),
        ("豆角", "kg", 8.8, 1),
        ("茄子", "kg", 5.6, 1),
        ("洋葱", "kg", 3.4, 1),
        ("土豆", "kg", 3.6, 1),
        ("胡萝卜", "kg", 3.8, 1),
        ("白萝卜", "kg", 2.2, 1),
        ("莴笋", "kg", 5.0, 1),
        ("芹菜", "kg", 5.4, 1),
        ("菠菜", "kg", 7.6, 1),
        ("上海青", "kg", 4.8, 1),
        ("西兰花", "kg", 8.2, 1),
        ("莲藕", "kg", 8.0, 1),
    ],
    "soy": [
        ("老豆腐", "kg", 4.6, 1),
        ("豆腐干", "kg", 11.0, 1),
        ("千张", "kg", 12.5, 1),
        ("豆浆", "L", 3.8, 1),
    ],
    "fruit": [
        ("苹果", "kg", 8.2, 1),
        ("香蕉", "kg", 6.4, 1),
        ("柑橘", "kg", 6.0, 1),
        ("梨", "kg", 6.6, 1),
        ("西瓜", "kg", 4.4, 1),
    ],
    "milk": [("纯牛奶200毫升", "个", 2.3, 1), ("学生奶125毫升", "个", 1.7, 1), ("酸奶100克", "个", 1.9, 1)],
    "other_food": [
        ("馒头坯", "kg", 7.0, 1),
        ("银耳", "kg", 66.0, 1),
        ("红枣", "kg", 22.0, 1),
        ("紫菜", "kg", 48.0, 1),
        ("香菇干", "kg", 64.0, 1),
    ],
    "non_food": [
        ("洗洁精", "L", 6.2, 1),
        ("消毒液", "L", 5.4, 1),
        ("液化石油气", "kg", 7.9, 1),
        ("一次性手套", "件", 14.0, 1),
    ],
}

# name -> specifications as they are written, with their price against the first (the usual one).
_SPECS: Final[dict[str, list[tuple[str, float]]]] = {
    "大米": [("25kg/袋 籼米", 1.0), ("10kg/袋 籼米", 1.06), ("25kg/袋 优质晚籼", 1.18)],
    "面粉": [("25kg/袋 特一粉", 1.0), ("25kg/袋 标准粉", 0.9)],
    "面条": [("挂面 10kg/箱", 1.0), ("碱水面 散装", 0.84)],
    "糯米": [("25kg/袋", 1.0)],
    "米粉": [("干 10kg/箱", 1.0), ("鲜湿 散装", 0.62)],
    "菜籽油": [("20L/桶 一级", 1.0), ("20L/桶 四级", 0.91), ("5L×4桶/箱 一级", 1.08)],
    "大豆油": [("20L/桶 一级", 1.0), ("20L/桶 三级", 0.94)],
    "茶籽调和油": [("5L×4桶/箱", 1.0)],
    "酱油": [("10L/桶 酿造", 1.0), ("500ml×12瓶/箱 酿造", 1.25)],
    "食醋": [("10L/桶", 1.0), ("500ml×12瓶/箱", 1.22)],
    "干辣椒": [("一级", 1.0), ("二级", 0.78)],
    "猪前腿肉": [("去皮去骨", 1.0), ("带皮带骨", 0.82), ("冷冻 去骨", 0.76)],
    "猪五花肉": [("带皮", 1.0), ("去皮 精选", 1.14)],
    "猪排骨": [("混合排", 1.0), ("肋排", 1.22)],
    "牛肉": [("鲜", 1.0), ("冷冻", 0.78)],
    "鸡腿": [("冷冻 10kg/箱", 1.0), ("鲜 散装", 1.18)],
    "鸡胸肉": [("冷冻 10kg/箱", 1.0), ("鲜 散装", 1.15)],
    "鸡翅": [("翅中 冷冻", 1.0), ("翅根 冷冻", 0.62)],
    "草鱼": [("1.5-2.5kg/条", 1.0), ("2.5kg以上/条", 1.12)],
    "带鱼": [("冷冻 中段", 1.0), ("冷冻 整条", 0.8)],
    "虾仁": [("冷冻 41-50", 1.0), ("冷冻 71-90", 0.8)],
    "鸡蛋": [("散装", 1.0), ("30枚/板 ≥50g", 1.09)],
    "大白菜": [("一级", 1.0), ("二级", 0.8)],
    "黄瓜": [("一级", 1.0), ("二级", 0.82)],
    "苦瓜": [("一级", 1.0), ("二级", 0.84)],
    "西红柿": [("一级", 1.0), ("二级", 0.8)],
    "辣椒": [("一级", 1.0), ("二级", 0.82)],
    "青椒": [("一级", 1.0), ("二级", 0.82)],
    "豆角": [("一级", 1.0), ("二级", 0.84)],
    "茄子": [("一级", 1.0), ("二级", 0.82)],
    "土豆": [("一级", 1.0), ("二级", 0.8), ("净菜 去皮", 1.32)],
    "胡萝卜": [("一级", 1.0), ("净菜 去皮", 1.3)],
    "菠菜": [("一级", 1.0), ("净菜", 1.28)],
    "西兰花": [("一级", 1.0), ("二级", 0.84)],
    "莲藕": [("一级", 1.0), ("净菜 去皮", 1.25)],
    "苹果": [("70-80mm", 1.0), ("80mm以上", 1.2)],
    "香蕉": [("一级", 1.0)],
    "香菇干": [("一级", 1.0), ("二级", 0.8)],
}

_FLAT: Final = [(k, item) for k, cat in enumerate(CATEGORIES) for item in _ITEMS[cat.code]]

COUNT: Final = len(_FLAT)
NAMES: Final = [item[0] for _, item in _FLAT]
IDS: Final = [f"SC{n:04d}" for n in range(1, COUNT + 1)]
BASE_UNITS: Final = [item[1] for _, item in _FLAT]
CATEGORY: Final[IntArray] = np.array([k for k, _ in _FLAT], dtype=np.int64)
BASE_UNIT: Final[IntArray] = np.array([_BASE[item[1]] for _, item in _FLAT], dtype=np.int64)
LIST_PRICE: Final[FloatArray] = np.array([item[2] for _, item in _FLAT])
PACK_MILLI: Final[IntArray] = np.array([round(item[3] * 1000) for _, item in _FLAT], dtype=np.int64)
GROUP: Final[IntArray] = np.array([CATEGORIES[k].group for k, _ in _FLAT], dtype=np.int64)
STAPLE = np.array([CATEGORIES[k].staple for k, _ in _FLAT])
NON_FOOD = np.array([CATEGORIES[k].code == "non_food" for k, _ in _FLAT])
FRESH = ~STAPLE & ~NON_FOOD
BLOCKS: Final = [np.flatnonzero(k == CATEGORY) for k in range(len(CATEGORIES))]

# Goods: an ingredient in one of its specifications. Those of an ingredient stand side by side, the usual one first.
_GOODS: Final = [
    (i, text, factor) for i, name in enumerate(NAMES) for text, factor in _SPECS.get(name, [(None, 1.0)])
]
GOODS_ITEM: Final[IntArray] = np.array([i for i, _, _ in _GOODS], dtype=np.int64)
GOODS_SPEC: Final[list[str | None]] = [text for _, text, _ in _GOODS]
GOODS_PRICE: Final[FloatArray] = np.array([factor for _, _, factor in _GOODS]) * LIST_PRICE[GOODS_ITEM]
FIRST_GOODS: Final[IntArray] = np.searchsorted(GOODS_ITEM, np.arange(COUNT)).astype(np.int64)
GOODS_OF: Final[IntArray] = np.bincount(GOODS_ITEM, minlength=COUNT).astype(np.int64)


def category(code: str) -> IntArray:
    """Positions of the ingredients of a category."""
    return np.asarray(BLOCKS[[c.code for c in CATEGORIES].index(code)], dtype=np.int64)
