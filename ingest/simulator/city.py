"""The registry of the synthetic city: units, schools, canteens, suppliers and their fixed habits.

Belongs here: everything about the city that does not change from day to day. Canteens are sorted by
provider, so that a provider's canteens are one slice of every array.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, stream

# division code, name, kind, provider, weight by number of schools
UNITS: Final = (
    ("430602", "岳阳楼区", "county", "yueyanglou", 15),
    ("430626", "平江县", "county", "pingjiang", 16),
    ("430623", "华容县", "county", "huarong", 11),
    ("430681", "汨罗市", "county", "miluo", 11),
    ("430624", "湘阴县", "county", "xiangyin", 11),
    ("430621", "岳阳县", "county", "yueyangxian", 11),
    ("430682", "临湘市", "county", "linxiang", 8),
    ("430603", "云溪区", "county", "yunxi", 4),
    ("430611", "君山区", "county", "junshan", 5),
    ("430691", "岳阳经济技术开发区", "management_area", "jingkai", 4),
    ("430671", "屈原管理区", "management_area", "quyuan", 2),
    ("430692", "南湖新区", "management_area", "nanhu", 2),
)
PROVIDERS: Final = tuple(unit[3] for unit in UNITS)
PINGJIANG: Final = PROVIDERS.index("pingjiang")
STAGES: Final = ("kindergarten", "primary", "junior", "senior", "vocational")
MODES: Final = ("self", "contracted", "offsite")
MEALS: Final = ("breakfast", "lunch", "dinner")
MEAL_CHANCE: Final[FloatArray] = np.array([0.90, 0.985, 0.88])  # of those who are at school
ATTENDANCE: Final = 0.965
_STAGE_SHARE: Final = (0.25, 0.40, 0.20, 0.10, 0.05)
_STAGE_PUPILS: Final = (190, 390, 550, 900, 700)
# price of breakfast, lunch, dinner in cents by stage (a kindergarten's third meal is a snack)
_PRICES: Final[IntArray] = np.array(
    [[300, 800, 300], [400, 950, 0], [500, 1000, 800], [550, 1100, 900], [550, 1100, 900]], dtype=np.int64
)
_STAGE_NAMES: Final = ("中心幼儿园", "中心小学", "初级中学", "高级中学", "职业技术学校")
_SITES: Final = (
    "城关",
    "东风",
    "长江",
    "洞庭",
    "金鹗",
    "新港",
    "桃林",
    "白杨",
    "石塘",
    "荷塘",
    "松杨",
    "鹤龙",
    "荣湾",
    "平桥",
    "青山",
)
_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORG_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
PER_GROUP: Final = 3  # suppliers of each kind in a county
_LARGE: Final = 600  # pupils of a canteen that cooks many dishes
_USUAL_SPEC: Final = 0.6  # of the canteens buy an ingredient in its usual specification
_FULL_WIDTH: Final = 0.1


def credit_code(division: str, number: int) -> str:
    """A valid unified social credit code (GB 32100-2015, with an organisation code after GB 11714)."""
    body = f"{number:08d}"
    check = 11 - sum(int(ch) * w for ch, w in zip(body, _ORG_WEIGHTS, strict=True)) % 11
    first = f"91{division}{body}{'0123456789X0'[check]}"
    total = sum(_ALPHABET.index(ch) * pow(3, n, 31) for n, ch in enumerate(first))
    return first + _ALPHABET[(31 - total % 31) % 31]


@dataclass(frozen=True)
class City:
    """The registry as arrays; C canteens, I ingredients, S suppliers, N persons.

    Attributes:
        provider: Position in ``PROVIDERS`` of each canteen, ascending.
        prices: (C, 3) full price of a pupil's meal in cents; 0 where the meal is not served.
        subsidy: (C, 3) part of it that the subsidy pays, cents.
        teacher_prices: (C, 3) cents.
        ratio: Food cost over income that an honest kitchen aims at.
        quality: (C, I) price level of a canteen's own bargain and transport.
        goods: (C, I) position in ``catalogue.GOODS_SPEC`` of the specification that it buys.
        spelling: (C,) whether it writes specifications as a full-width keyboard does.
        unit: (C, I) position in ``catalogue.UNITS`` of the unit in which it buys.
        menu: (C, I) whether the canteen ever uses the ingredient.
        suppliers: (C, group, 2) first and second supplier.
        person_canteen: (N,) canteen of each person; pupils of a canteen stand before its teachers.
    """

    seed: int
    life: date
    provider: IntArray
    canteen_ids: list[str]
    school_ids: list[str]
    school_of: IntArray
    school_names: list[str]
    stage: IntArray
    mode: IntArray
    subsidised: BoolArray
    pupils: IntArray
    teachers: IntArray
    prices: IntArray
    subsidy: IntArray
    teacher_prices: IntArray
    ratio: FloatArray
    quality: FloatArray
    goods: IntArray
    spelling: IntArray
    unit: IntArray
    menu: BoolArray
    suppliers: IntArray
    supplier_codes: list[str]
    supplier_names: list[str]
    supplier_level: FloatArray
    channel: IntArray
    person_canteen: IntArray
    person_teacher: BoolArray
    person_nos: list[str]

    @property
    def canteens(self) -> int:
        """Number of canteens."""
        return len(self.canteen_ids)

    @cached_property
    def threshold(self) -> IntArray:
        """Percent by operating mode: the default of the definition."""
        return np.where(self.mode == 0, 75, 70).astype(np.int64)

    @cached_property
    def daily_income(self) -> FloatArray:
        """Expected pupil income of an open day, cents."""
        return np.asarray(
            ATTENDANCE * self.pupils * (self.prices * MEAL_CHANCE).sum(axis=1), dtype=np.float64
        )

    @cached_property
    def large(self) -> BoolArray:
        """(C,) canteens that cook many dishes a day."""
        return np.asarray(self.pupils >= _LARGE)

    @cached_property
    def main_oil(self) -> IntArray:
        """(C,) the oil that each canteen cooks with."""
        oils = catalogue.category("oil")
        level = np.where(self.menu[:, oils], self.quality[:, oils], np.inf)
        return np.asarray(oils[np.argmin(level, axis=1)], dtype=np.int64)

    def slice_of(self, provider: int) -> tuple[int, int]:
        """First and one past the last canteen of a provider."""
        low, high = np.searchsorted(self.provider, [provider, provider + 1])
        return int(low), int(high)


def _share_out(canteens: int) -> IntArray:
    """Canteens per reporting unit: one each as far as they go, the rest by weight."""
    weights = np.array([unit[4] for unit in UNITS], dtype=np.float64)
    count = np.zeros(len(UNITS), dtype=np.int64)
    count[: min(canteens, len(UNITS))] = 1
    spare = canteens - int(count.sum())
    exact = spare * weights / weights.sum()
    count += exact.astype(np.int64)
    rest = canteens - int(count.sum())
    count[np.argsort(-(exact % 1), kind="stable")[:rest]] += 1
    return count


def _goods(seed: int, provider: IntArray) -> IntArray:
    """(C, I) the specification that each canteen buys; Pingjiang's product list knows only the usual one."""
    draw = stream(seed, "specifications").random((provider.size, catalogue.COUNT))
    others = catalogue.GOODS_OF - 1
    other = 1 + np.floor((draw - _USUAL_SPEC) / (1 - _USUAL_SPEC) * others).astype(np.int64)
    usual = (draw < _USUAL_SPEC) | (others == 0) | (provider == PINGJIANG)[:, None]
    return np.asarray(catalogue.FIRST_GOODS + np.where(usual, 0, other), dtype=np.int64)


def build(canteens: int, life: date, seed: int) -> City:
    """The city of a seed; the same for every range of days."""
    rng = stream(seed, "city")
    n, items = canteens, catalogue.COUNT
    provider = np.repeat(np.arange(len(UNITS)), _share_out(n))
    quota = np.searchsorted(np.cumsum(_STAGE_SHARE)[:-1], (np.arange(n) + 0.5) / n, side="right")
    stage = rng.permutation(quota)
    school_of = np.arange(n)
    second = (rng.random(n) < 0.06) & (provider != PINGJIANG)
    for c in np.flatnonzero(second):  # a second canteen of the school before it
        if c > 0 and provider[c] == provider[c - 1] and school_of[c - 1] == c - 1:
            school_of[c], stage[c] = c - 1, stage[c - 1]
    pupils = np.clip(np.array(_STAGE_PUPILS)[stage] * rng.lognormal(0, 0.35, n), 30, 3000).astype(np.int64)
    mode = np.searchsorted([0.74, 0.92], rng.random(n), side="right")
    subsidised = (rng.random(n) < 0.3) & (stage >= 1) & (stage <= 2) & (mode == 0)
    prices = np.where(_PRICES[stage] > 0, _PRICES[stage] + 10 * rng.integers(-4, 9, (n, 3)), 0)
    subsidy = np.zeros((n, 3), dtype=np.int64)
    subsidy[:, 1] = np.where(subsidised, 500, 0)
    served = prices > 0
    teacher_prices = np.where(served, np.array([600, 1500, 1200]), 0)
    teacher_prices[:, 2] = 0  # teachers eat dinner at home
    threshold = np.where(mode == 0, 0.75, 0.70)
    margin = np.where(rng.random(n) < 0.12, rng.uniform(0.011, 0.018, n), rng.uniform(0.03, 0.13, n))

    divisions = [UNITS[p][0] for p in provider]
    school_ids = [f"{divisions[s]}S{s + 1:04d}" for s in school_of]
    sites = rng.permutation(n)
    names = [
        f"{UNITS[provider[s]][1]}{_SITES[sites[s] % len(_SITES)]}{sites[s] // len(_SITES) + 1}号{_STAGE_NAMES[stage[s]]}"
        for s in school_of
    ]
    canteen_ids = [f"{sid}C{1 if school_of[c] == c else 2}" for c, sid in enumerate(school_ids)]

    unit = np.broadcast_to(catalogue.BASE_UNIT, (n, items)).copy()
    by_jin = (rng.random((n, 1)) < 0.25) & (rng.random((n, items)) < 0.7)
    unit[by_jin & (unit == catalogue.KG)] = catalogue.JIN
    menu = rng.random((n, items)) < 0.8
    for block in catalogue.BLOCKS:  # the first two of each category are used everywhere
        menu[:, block[:2]] = True
    menu[:, catalogue.category("other_food")[2:]] = False
    menu[:, catalogue.category("non_food")] = True

    groups = len(catalogue.SUPPLIER_GROUPS)
    pool = np.arange(groups * PER_GROUP).reshape(groups, PER_GROUP)
    pick = np.argsort(rng.random((n, groups, PER_GROUP)), axis=2)[:, :, :2]
    suppliers = np.take_along_axis(np.broadcast_to(pool, (n, groups, PER_GROUP)), pick, axis=2)
    suppliers = suppliers + (provider * groups * PER_GROUP)[:, None, None]
    numbers = 10_000_000 + rng.choice(89_999_999, len(UNITS) * groups * PER_GROUP, replace=False)
    codes, supplier_names = [], []
    for s, number in enumerate(numbers):
        code, name = UNITS[s // (groups * PER_GROUP)][:2]
        codes.append(credit_code(code if code < "430690" and code != "430671" else "430600", int(number)))
        kind = catalogue.SUPPLIER_GROUPS[s // PER_GROUP % groups]
        supplier_names.append(f"{name}{['兴旺', '诚信', '惠民'][s % PER_GROUP]}{kind}配送有限公司")

    teachers = np.round(pupils * 0.08).astype(np.int64) + 2
    heads = np.stack([pupils, teachers], axis=1).ravel()
    person_canteen = np.repeat(np.repeat(np.arange(n), 2), heads)
    person_teacher = np.repeat(np.tile([False, True], n), heads)
    within = np.arange(heads.sum()) - np.repeat(np.cumsum(heads) - heads, heads) + 1
    person_nos = [
        f"{canteen_ids[c]}{'T' if t else 'S'}{w:05d}"
        for c, t, w in zip(person_canteen.tolist(), person_teacher.tolist(), within.tolist(), strict=True)
    ]
    return City(
        seed=seed, life=life, provider=provider, canteen_ids=canteen_ids, school_ids=school_ids, school_of=school_of,
        school_names=names, stage=stage, mode=mode, subsidised=subsidised, pupils=pupils, teachers=teachers,
        prices=prices, subsidy=subsidy, teacher_prices=teacher_prices, ratio=np.minimum(threshold + margin, 0.93),
        quality=rng.lognormal(0, 0.03, (n, items)) * rng.lognormal(0, 0.015, (n, 1)), unit=unit, menu=menu,
        goods=_goods(seed, provider), spelling=(stream(seed, "spelling").random(n) < _FULL_WIDTH).astype(np.int64),
        suppliers=suppliers, supplier_codes=codes, supplier_names=supplier_names,
        supplier_level=rng.lognormal(0, 0.025, len(codes)), channel=rng.choice(4, n, p=[0.55, 0.25, 0.1, 0.1]),
        person_canteen=person_canteen, person_teacher=person_teacher, person_nos=person_nos,
    )  # fmt: skip
