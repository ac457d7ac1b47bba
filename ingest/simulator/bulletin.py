"""The weekly bulletin of the bureau of commerce: prices of daily necessities as prose.

Belongs here: wording, figures and typing errors of the text (UTF-8, yuan per kilogram, change against the
week before). Does not belong here: when it arrives (``references``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.market import Market
from ingest.simulator.streams import stream

VEGETABLES: Final = (
    "大白菜",
    "圆白菜",
    "黄瓜",
    "冬瓜",
    "苦瓜",
    "西红柿",
    "辣椒",
    "青椒",
    "豆角",
    "茄子",
    "洋葱",
)
_PORK: Final = "猪五花肉"
# Names in the bulletin -> ingredient whose market they follow, factor.
_OTHERS: Final = {
    "水产品": {"草鱼": ("草鱼", 1.0), "雄鱼": ("鲢鱼", 1.35), "鲫鱼": ("鲫鱼", 1.0)},
    "禽蛋": {"白条鸡": ("白条鸭", 1.05), "鸡蛋": ("鸡蛋", 1.0)},
    "粮油": {
        "籼米": ("大米", 1.0),
        "面粉": ("面粉", 1.0),
        "菜籽油": ("菜籽油", 1.09),
        "大豆油": ("大豆油", 1.09),
    },
}
_VERBS: Final = ("上涨", "下降")


def name_of(monday: date) -> str:
    """File name of the bulletin about a week."""
    year, week, _ = monday.isocalendar()
    return f"bulletin-{year}-W{week:02d}.txt"


def text(seed: int, market: Market, monday: date, broken: bool) -> tuple[str, str]:
    """(the bulletin about the week from ``monday``, what is broken in it).

    A bulletin may carry typing errors that a reader sees through. In a broken one a list of names and its
    list of figures do not have the same length.
    """
    rng = stream(seed, "bulletin", monday.toordinal())
    week = _Week(market, monday)
    year, number, _ = monday.isocalendar()
    last = monday + timedelta(6)
    vegetables, note = _vegetables(week, rng, broken)
    lines = [
        f"{year}年第{number}周岳阳市生活必需品市场运行情况分析",
        "",
        f"据市商务局监测，{year}年第{number}周（{monday.month}月{monday.day}日—{last.month}月{last.day}日），"
        "全市生活必需品市场货源充足，供应平稳。主要商品价格情况如下：",
        f"一、{vegetables}",
        f"二、{_pork(week, rng)}",
    ]
    for numeral, (kind, items) in zip("三四五", _OTHERS.items(), strict=True):
        names = list(items)
        values = {name: week.price(base) * factor for name, (base, factor) in items.items()}
        changes = {name: week.change(base) for name, (base, _) in items.items()}
        lines.append(f"{numeral}、{kind}价格{_mood(changes)}。{_listed(names, values)}。{_moves(changes)}")
    return "\n".join(lines) + "\n", note


class _Week:
    """Shop prices of a week against the week before, rounded as they are printed."""

    def __init__(self, market: Market, monday: date) -> None:
        self._now, self._before = market.retail(monday), market.retail(monday - timedelta(7))
        self._bulk = market.wholesale(monday), market.wholesale(monday - timedelta(7))

    def price(self, name: str) -> float:
        return float(self._now[catalogue.NAMES.index(name)])

    def change(self, name: str) -> float:
        i = catalogue.NAMES.index(name)
        return float(self._now[i] / self._before[i] - 1) * 100

    def bulk(self, name: str) -> tuple[float, float]:
        i = catalogue.NAMES.index(name)
        return float(self._bulk[0][i]), float(self._bulk[0][i] / self._bulk[1][i] - 1) * 100


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _series(parts: list[str]) -> str:
    """「a、b和c」."""
    return parts[0] if len(parts) == 1 else "、".join(parts[:-1]) + "和" + parts[-1]


def _listed(names: list[str], values: dict[str, float]) -> str:
    figures = [f"{_number(values[name])}元/公斤" for name in names]
    each = "分别" if len(names) > 1 else ""
    return f"{_series(names)}零售均价{each}为{_series(figures)}"


def _mood(changes: dict[str, float]) -> str:
    mean = sum(changes.values()) / len(changes)
    return "总体平稳" if abs(mean) < 1 else ("稳中有升" if mean > 0 else "稳中有降")


def _moves(changes: dict[str, float], lost: str | None = None) -> str:
    """What rose, what fell, what stayed; the figure of ``lost`` is left out."""
    parts = []
    for verb, sign in zip(_VERBS, (1, -1), strict=True):
        names = [name for name, change in changes.items() if round(change * sign, 2) > 0]
        if names:
            figures = [f"{abs(changes[name]):.2f}%" for name in names if name != lost]
            parts.append(
                f"{_series(names)}价格环比{'分别' if len(names) > 1 else ''}{verb}{_series(figures)}"
            )
    still = [name for name, change in changes.items() if round(change, 2) == 0]
    if still:
        parts.append(f"{_series(still)}价格与上周持平")
    return "；".join(parts) + "。"


def _vegetables(week: _Week, rng: np.random.Generator, broken: bool) -> tuple[str, str]:
    values = {name: week.price(name) for name in VEGETABLES}
    changes = {name: week.change(name) for name in VEGETABLES}
    mean = sum(values.values()) / len(values)
    before = sum(values[name] / (1 + changes[name] / 100) for name in VEGETABLES) / len(values)
    verb = _VERBS[0 if mean >= before else 1]
    rising = [name for name in VEGETABLES if round(changes[name], 2) > 0]
    falling = [name for name in VEGETABLES if round(changes[name], 2) < 0]
    larger = rising if len(rising) >= len(falling) else falling
    lost = larger[int(rng.integers(len(larger)))] if broken else None
    listed = _listed(list(VEGETABLES), values)
    if not broken and rng.random() < 0.3:  # a forgotten comma between two names
        k = 1 + int(rng.integers(len(VEGETABLES) - 3))
        listed = listed.replace(f"{VEGETABLES[k]}、{VEGETABLES[k + 1]}", VEGETABLES[k] + VEGETABLES[k + 1], 1)
    return (
        f"蔬菜价格{_mood(changes)}。监测的{len(VEGETABLES)}种蔬菜零售均价为{_number(mean)}元/公斤，上周为{_number(before)}元/公斤，"
        f"环比{verb}{abs(mean / before - 1) * 100:.2f}%。其中，{listed}。{_moves(changes, lost)}",
        "" if lost is None else f"蔬菜涨跌名单与百分比个数不一致：缺{lost}的数字",
    )


def _pork(week: _Week, rng: np.random.Generator) -> str:
    price, change = week.price(_PORK), week.change(_PORK)
    bulk, bulk_change = week.bulk(_PORK)
    label = "批发价格" if rng.random() > 0.25 else "价格批。"
    return (
        f"猪肉价格{_mood({_PORK: change})}。猪肉{label}{_number(bulk)}元/公斤，环比{_VERBS[0 if bulk_change >= 0 else 1]}"
        f"{abs(bulk_change):.2f}%；零售价格{_number(price)}元/公斤，环比{_VERBS[0 if change >= 0 else 1]}{abs(change):.2f}%。"
    )
