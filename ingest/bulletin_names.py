"""Names of a bulletin: cut out of a list, told apart where they were written together.

Belongs here: which foods are known by name, and what a list before a price or a change names. Does not
belong here: the sentences (``bulletin_clauses``), what is paired with what (``bulletin_pairs``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

AND: Final = r"(?:[、,]|(?<!调)和|及|与|以及)"
VERSUS: Final = r"(?:周?环比|(?:较|比|与|同)(?:前一周|上一?周|上期|前一日|昨日|前日)(?:相比)?)"
"""Against the week or day before."""

_LEAD_IN: Final = re.compile(
    rf"^(?:其中|其间|分别|{VERSUS}|上周|本周|上星期|今日|当日|当前|目前|全市|我市|本市|全县|中心城区|岳阳市?|主要|重点|监测的?|的|[：:])+"
)
_KIND: Final = re.compile(
    r"(?P<kind>批发|零售)?(?P<form>(?:平均|指导|参考|市场|成交|销售)*(?:均价|价格|价)?)(?:分别)?(?:为|是|约|达|在)?$"
)
_LONGEST: Final = 20
_NAME: Final = re.compile(rf"[\u4e00-\u9fff][\u4e00-\u9fffA-Za-z0-9()·/-]{{0,{_LONGEST - 1}}}")
_OTHER_TIME: Final = re.compile(r"(?:去年|上年|上月|年初|[上前]一?周|上期|前一日|昨日|前日)(?:同期)?")
_BASKET: Final = re.compile(r"\d*种?\S*蔬菜")
_BASKET_NAME: Final = "蔬菜均价"

KNOWN_NAMES: Final = frozenset(
    {
        "大白菜",
        "圆白菜",
        "小白菜",
        "黄瓜",
        "冬瓜",
        "苦瓜",
        "西红柿",
        "辣椒",
        "青椒",
        "豆角",
        "茄子",
        "洋葱",
        "土豆",
        "胡萝卜",
        "白萝卜",
        "油麦菜",
        "芹菜",
        "菠菜",
        "莴笋",
        "猪肉",
        "牛肉",
        "羊肉",
        "草鱼",
        "雄鱼",
        "鲫鱼",
        "鲢鱼",
        "肉鸡",
        "肉鸭",
        "白条鸡",
        "白条鸭",
        "鸡蛋",
        "鸭蛋",
        "大米",
        "面粉",
        "菜籽油",
        "大豆油",
        "花生油",
        "调和油",
    }
)
"""Names that a list without commas may be cut into, if the cut is the only one."""


@dataclass(frozen=True)
class Named:
    """What a list names.

    Attributes:
        name: As the table has it; empty where only the price is named ("零售价格").
        kind: ``批发`` or ``零售`` where said.
        priced: Whether a word for price stands with it.
    """

    name: str
    kind: str | None
    priced: bool


def words(label: str) -> str:
    """What stands before a figure, from the last comma on."""
    return re.split(r"[,:;。]", re.sub(r"^[,、]|^(?:和|及|与|以及)", "", label).rstrip(",:"))[-1]


def named(listed: str, known: frozenset[str]) -> list[Named]:
    """Names of a list in order; wholesale or retail said once at its end holds for all of it."""
    found = []
    for piece in re.split(AND, listed):
        bare = _LEAD_IN.sub("", piece)
        said = _KIND.search(bare)
        name = bare[: said.start()] if said else bare
        kind, priced = (said["kind"], bool(said["kind"] or said["form"])) if said else (None, False)
        apart = [] if name in known else cut(name, known)
        found += [Named(_item(one), kind, priced) for one in apart or [name]]
    if all(one.kind is None for one in found[:-1]):
        return [Named(one.name, found[-1].kind, one.priced) for one in found]
    return found


def _item(name: str) -> str:
    """A name as the table has it; a basket of vegetables is told from any single one."""
    return _BASKET_NAME if _BASKET.fullmatch(name) else name


def is_name(name: str) -> bool:
    """Whether it can be the name of a food: Chinese, and not a time."""
    return _NAME.fullmatch(name) is not None and _OTHER_TIME.fullmatch(name) is None


def cut(joined: str, known: frozenset[str]) -> list[str]:
    """The only way to cut a text into several known names, empty if there is none or more than one."""
    ways: list[list[list[str]]] = [[[]]]
    for end in range(1, len(joined) + 1):
        found = [
            [*way, joined[start:end]]
            for start in range(max(0, end - _LONGEST), end)
            if joined[start:end] in known and end - start < len(joined)
            for way in ways[start]
        ]
        ways.append(found[:2])  # two are enough to know that it is not the only one
    return ways[-1][0] if joined and len(ways[-1]) == 1 else []


def learned(said: set[str]) -> frozenset[str]:
    """The known names with those that a bulletin says itself, less any that is several of them in one."""
    known = KNOWN_NAMES | said
    return frozenset(name for name in known if name in KNOWN_NAMES or not cut(name, known))
