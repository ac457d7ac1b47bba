"""Price bulletins in prose: sentences to a table of quotes, pairing only what counts out.

Belongs here: what a bureau's weekly or daily text says about prices, as a table whose columns
``ingest/sources/bulletin`` maps to the feed. A sentence names items with their prices and then how
they changed ("A 3 元/公斤、B 4 元/公斤，分别上涨 1%、2%"). A list whose names, prices and changes differ in
number is not taken apart: it becomes one row that says what was seen, which the contract sends to
quarantine. Does not belong here: whether a price is right (``pipelines.prices``).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from ingest.rows import Table
from ingest.texts import Text
from warehouse import vocabulary
from warehouse.errors import Refused

SOURCE: Final = "bulletin"
COLUMNS: Final = ("记录号", "期别", "地点", "品名", "类别", "价格", "单位", "环比", "起始日", "发布时间")
_MOST_BYTES: Final = 1 << 20
_SEEN: Final = 300

_NUM: Final = r"\d+(?:\.\d+)?"
_UNIT: Final = r"公斤|千克|kg|斤|500克|公升|升|L|个|枚|桶|袋|盒|瓶"
_UNITS: Final = {"公斤": "公斤", "500克": "斤", "公升": "升"}
_AND: Final = r"(?:[、,]|(?<!调)和|及|与|以及)"
_PRICES: Final = re.compile(
    rf"(?P<list>{_NUM}(?:(?:元/(?:{_UNIT}))?{_AND}{_NUM}(?![\d.%年月日种吨头]))*)元/(?P<unit>{_UNIT})"
    rf"|每(?P<unit2>{_UNIT})(?P<one>{_NUM})元"
)
_UP: Final = "上涨|上升|上扬|增长|提高|涨"
_DOWN: Final = "下降|下跌|回落|下滑|降低|降|跌"
_FLAT: Final = "持平|相等"
_ITEM: Final = rf"(?:(?:小幅|大幅|略微|略|微|涨幅|降幅)?(?:{_UP}|{_DOWN})(?:了|约|为)?)?{_NUM}(?![\d.元年月日种吨头])%?|{_FLAT}"
_CHANGE: Final = re.compile(
    rf"(?P<how>分别|均|各|都)?(?=(?:小幅|大幅|略微|略|微)?(?:{_UP}|{_DOWN}|{_FLAT}))(?P<list>(?:{_ITEM})(?:{_AND}*(?:{_ITEM}))*)"
)
_ONE_CHANGE: Final = re.compile(rf"(?P<up>{_UP})|(?P<down>{_DOWN})|(?P<flat>{_FLAT})|(?P<number>{_NUM})")
_BETWEEN: Final = re.compile(
    r"[,、]*(?:(?:周?环比|较前一周|较上周|较前一日|比上周|比前一周|与上周相比|与前一周相比)[,、]*)*"
)
_LEAD_IN: Final = re.compile(
    r"^(?:其中|其间|分别|上周|本周|上星期|今日|当日|当前|目前|全市|我市|本市|全县|中心城区|岳阳市?|主要|重点|监测的?|的|[：:])+"
)
_KIND: Final = re.compile(
    r"(?P<kind>批发|零售)?(?P<form>(?:平均|指导|参考|市场|成交|销售)*(?:均价|价格|价)?)(?:分别)?(?:为|是|约|达|在)?$"
)
_KINDS: Final = ("批发", "零售")
_NAME: Final = re.compile(r"[\u4e00-\u9fff][\u4e00-\u9fffA-Za-z0-9()·/-]{0,19}")
_BASKET: Final = re.compile(r"\d*种?\S*蔬菜")
_PRICED_BRACKET: Final = re.compile(r"\(([^()]*元/[^()]*)\)")
_HEADING: Final = re.compile(r"^[一二三四五六七八九十]+[、.]")
_POINTS: Final = re.compile(r"样本点(?P<place>.{2,40}?)的?(?:监测|数据|均价|显示)")

_CITY: Final = re.compile(
    r"(?:省|^|[^\u4e00-\u9fff])(?P<city>(?!全市|我市|本市)[\u4e00-\u9fff]{2,4}?市)(?![场民区价面])"
)
_YEAR_WEEK: Final = re.compile(r"(?P<year>20\d\d)年第(?P<week>\d{1,2})周")
_SPAN: Final = re.compile(
    r"(?:(?P<year>20\d\d)年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})日?[-—–至~](?:(?P<month2>\d{1,2})月)?(?P<day2>\d{1,2})日"
)
_DAY: Final = re.compile(r"(?P<year>20\d\d)年(?P<month>\d{1,2})月(?P<day>\d{1,2})日")
_PUBLISHED: Final = re.compile(
    r"(?P<day>20\d\d-\d{1,2}-\d{1,2})(?P<time>\d{2}:\d{2}(?!\d))?(?::(?P<second>\d{2}))?"
)

KNOWN_NAMES: Final = [
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
]
"""Names that a list without commas may be cut into, if the cut is the only one."""


@dataclass(frozen=True)
class Quote:
    """One price as a sentence gives it.

    Attributes:
        name: Item.
        kind: ``批发`` or ``零售``; ``None`` when the text does not say.
        price: Digits as written.
        unit: Unit as written.
        place: Sample point, ``None`` for the city.
        change: Change on the week or day before in percent, ``None`` when not said.
    """

    name: str
    kind: str | None
    price: str
    unit: str
    place: str | None
    change: str | None = None


@dataclass(frozen=True)
class Unpaired:
    """A list that does not count out.

    Attributes:
        seen: What stands there and why it is not taken.
        place: Sample point, ``None`` for the city.
    """

    seen: str
    place: str | None


@dataclass(frozen=True)
class _Moves:
    """Changes of items whose prices stand elsewhere in the bulletin.

    Attributes:
        names: Items with wholesale or retail where said.
        values: Signed percentages.
        seen: The text.
        place: Sample point, ``None`` for the city.
    """

    names: list[tuple[str, str | None]]
    values: list[str]
    seen: str
    place: str | None


@dataclass
class _Block:
    """Quotes in a row that wait for their changes."""

    start: int
    quotes: list[Quote] = field(default_factory=list)
    doubt: str | None = None


def is_bulletin(text: Text) -> bool:
    """Whether a file is prose about prices: a sentence and at least one price with its unit."""
    if text.path.stat().st_size > _MOST_BYTES:
        return False
    content = _plain(text.path.read_text("utf-8-sig"))
    return "。" in content and _PRICES.search(content) is not None


def open_table(text: Text) -> Table:
    """The quotes of a bulletin as a table, one row per quote or unpaired list.

    Raises:
        Refused: ``unknown_layout``: it names no day, or two that contradict each other, or no price.
    """
    content = _plain(text.path.read_text("utf-8-sig"))
    term, first, last = _period(content)
    found = _told(list(_read(content)))
    if not any(isinstance(one, Quote) for one in found):
        raise Refused("unknown_layout", "通报正文中没有读到“品名＋价格＋元/公斤”这样的报价")
    city = _CITY.search(content)
    stated = None if city is None else city["city"].removeprefix("省")
    stamp = _published(content, last)
    rows = [
        _row(one, f"{first}:{number:03}", term, stated, str(first), stamp)
        for number, one in enumerate(found, 1)
    ]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    return Table(list(COLUMNS), iter([frame]))


def _row(
    one: Quote | Unpaired, record_no: str, term: str, city: str | None, first: str, stamp: str
) -> tuple[str | None, ...]:
    place = one.place if one.place is None or city is None else f"{city}{one.place}"
    where = place or city
    if isinstance(one, Unpaired):
        text = f"{vocabulary.UNPAIRED}{one.seen}"
        return (record_no, term, where, text, None, None, "公斤", None, first, stamp)
    unit = _UNITS.get(one.unit, one.unit)
    return (record_no, term, where, one.name, one.kind, one.price, unit, one.change, first, stamp)


def _plain(content: str) -> str:
    """Half-width signs, no blanks inside lines, no empty lines."""
    lines = (
        re.sub(r"[^\S\n]+", "", unicodedata.normalize("NFKC", line)).replace("\u200b", "")
        for line in content.splitlines()
    )
    return "\n".join(line for line in lines if line)


def _period(content: str) -> tuple[str, dt.date, dt.date]:
    """``周`` or ``日`` with the first and last day that the bulletin is about."""
    titled = _YEAR_WEEK.search(content)
    span = _SPAN.search(content)
    if span is None and titled is None:
        day = _DAY.search(content)
        if day is None:
            raise Refused("unknown_layout", "通报中没有“2026年第7周”或“2026年2月9日-15日”这样的日期")
        one = _date(day["year"], day["month"], day["day"])
        return "日", one, one
    if span is None:
        first = _week(titled["year"], titled["week"])  # type: ignore[index]
        return "周", first, first + dt.timedelta(6)
    monday = _week(titled["year"], titled["week"]) if titled else None
    year = span["year"] or (str(monday.year) if monday else _year_of(content))
    first = _date(year, span["month"], span["day"])
    last = _date(year, span["month2"] or span["month"], span["day2"])
    if last < first:  # 12月29日-1月4日
        last = last.replace(year=last.year + 1)
    if not dt.timedelta(1) <= last - first <= dt.timedelta(9):
        raise Refused("unknown_layout", f"日期 {first} 至 {last} 不是一周")
    if titled and monday and abs(monday - first) > dt.timedelta(3):
        raise Refused(
            "unknown_layout",
            f"标题是 {titled['year']} 年第 {titled['week']} 周，正文日期却从 {first} 起，请核对后重送",
        )
    return "周", first, last


def _year_of(content: str) -> str:
    year = re.search(r"20\d\d(?=[年-])", content)
    if year is None:
        raise Refused("unknown_layout", "通报中没有年份")
    return year.group()


def _date(year: str, month: str, day: str) -> dt.date:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError as error:
        raise Refused("unknown_layout", f"没有 {year} 年 {month} 月 {day} 日这一天") from error


def _week(year: str, week: str) -> dt.date:
    """Monday of a week; the first is the one that holds 1 January (so the bulletins count)."""
    start = dt.date(int(year), 1, 1)
    return start - dt.timedelta(start.weekday()) + dt.timedelta(7 * (int(week) - 1))


def _published(content: str, last: dt.date) -> str:
    """When it was published; the end of the last day where it does not say."""
    found = _PUBLISHED.search(content)
    if found is None:
        return f"{last} 23:59:59"
    year, month, day = found["day"].split("-")
    return f"{_date(year, month, day)} {found['time'] or '00:00'}:{found['second'] or '00'}"


def _told(read: list[Quote | Unpaired | _Moves]) -> list[Quote | Unpaired]:
    """Quotes and refusals, with each list of changes given to the quotes that it names."""
    found = [one for one in read if not isinstance(one, _Moves)]
    for moves in read:
        if isinstance(moves, _Moves):
            places = [_place_of(found, name, kind, moves.place) for name, kind in moves.names]
            if len(moves.values) != len(places):
                why = f"{len(places)} 个品名对 {len(moves.values)} 个涨跌幅"
                found.append(Unpaired(f"{moves.seen}（{why}）", moves.place))
            elif None in places or len(set(places)) < len(places):
                found.append(Unpaired(f"{moves.seen}（没有对应的价格）", moves.place))
            else:
                changes = dict(zip(places, moves.values, strict=True))
                found = [
                    replace(one, change=changes[place])
                    if isinstance(one, Quote) and place in changes
                    else one
                    for place, one in enumerate(found)
                ]
    return found


def _place_of(found: list[Quote | Unpaired], name: str, kind: str | None, place: str | None) -> int | None:
    """Where the only quote of an item stands that has no change yet."""
    fits = [
        number
        for number, one in enumerate(found)
        if isinstance(one, Quote) and (one.name, one.place, one.change) == (name, place, None)
        if kind in (None, one.kind)
    ]
    return fits[0] if len(fits) == 1 else None


def _read(content: str) -> Iterator[Quote | Unpaired | _Moves]:
    heading = lead_in = ""
    for line in content.split("\n"):
        if _HEADING.match(line):
            heading, lead_in = line, ""
        place: str | None = None
        for sentence in re.split(r"。", line):
            points = _POINTS.search(sentence)
            place = points["place"] if points else place
            yield from _sentence(sentence, place, (lead_in, heading))
        # "各品种零售价格如下：" governs the lines after it.
        if line.endswith(":"):
            lead_in = re.split(r"。", line)[-1]


def _sentence(
    sentence: str, place: str | None, before: tuple[str, str]
) -> Iterator[Quote | Unpaired | _Moves]:
    """What a sentence says; ``;`` and brackets part what belongs together."""
    container = ""
    for part, inside in _parts(sentence):
        contexts = (container, part, *before) if inside else (part, *before)
        for found in _part(part, place, contexts):
            if isinstance(found, Quote) and not inside:
                container = found.kind or ""
            yield found


def _parts(sentence: str) -> Iterator[tuple[str, bool]]:
    """Pieces between ``;``, and whether they stand in brackets that hold prices."""
    position = 0
    for bracket in _PRICED_BRACKET.finditer(sentence):
        yield from ((piece, False) for piece in sentence[position : bracket.start()].split(";"))
        yield from ((piece, True) for piece in bracket.group(1).split(";"))
        position = bracket.end()
    yield from ((piece, False) for piece in sentence[position:].split(";"))


def _part(part: str, place: str | None, contexts: tuple[str, ...]) -> Iterator[Quote | Unpaired | _Moves]:
    """Quotes up to a change form a block; the change says how each of them moved."""
    block = _Block(0)
    position = 0
    name: str | None = None
    for token in sorted([*_PRICES.finditer(part), *_CHANGE.finditer(part)], key=lambda found: found.start()):
        if token.start() < position:
            continue
        label = part[position : token.start()]
        if token.re is _CHANGE:
            waits = bool(block.quotes or block.doubt)
            if waits and _BETWEEN.fullmatch(label):
                yield from _settle(block, part[block.start : token.end()], token, place)
                block = _Block(token.end())
            elif waits:  # the change of something else, of a volume say
                yield from _settle(block, part[block.start : position], None, place)
                block = _Block(token.end())
            else:
                yield from _moves(label, token, place)
                block = _Block(token.end())
        else:
            quotes, doubt = _quotes(label, token, place, contexts, name)
            block.quotes += quotes
            block.doubt = block.doubt or doubt
            name = quotes[-1].name if quotes else name
        position = token.end()
    if block.quotes or block.doubt:
        yield from _settle(block, part[block.start : position], None, place)


def _settle(
    block: _Block, seen: str, change: re.Match[str] | None, place: str | None
) -> Iterator[Quote | Unpaired]:
    """The quotes with their changes, or one refusal of them all."""
    doubt = block.doubt
    moved: list[str | None] = [None] * len(block.quotes)
    if doubt is None and change is not None:
        values = _values(change["list"])
        if change["how"] in ("均", "各", "都") or len(block.quotes) == 1:
            doubt = None if len(values) == 1 else f"{len(block.quotes)} 个价格对 {len(values)} 个涨跌幅"
            moved = [values[0]] * len(block.quotes)
        elif change["how"] is None and len(values) == 1:
            doubt = f"{len(block.quotes)} 个价格只有 1 个涨跌幅，不知属于哪一个"
        elif len(values) != len(block.quotes):
            doubt = f"{len(block.quotes)} 个价格对 {len(values)} 个涨跌幅"
        else:
            moved = list(values)
    if doubt is not None:
        yield Unpaired(f"{seen[:_SEEN]}（{doubt}）", place)
        return
    for quote, value in zip(block.quotes, moved, strict=True):
        yield replace(quote, change=value)


def _moves(label: str, change: re.Match[str], place: str | None) -> Iterator[_Moves]:
    """``A、B价格分别上涨 1%、2%``: a list of foods without prices."""
    if change["how"] != "分别":
        return
    named = _named(_words(label))
    values = _values(change["list"])
    if len(named) < len(values):
        named = _cut(named, len(values))
    if any(name in KNOWN_NAMES for name, _ in named):
        yield _Moves(named, values, f"{_words(label)}{change.group()}"[:_SEEN], place)


def _words(label: str) -> str:
    """What stands before a figure, from the last comma on."""
    return re.split(r"[,:;。]", re.sub(r"^[,、]|^(?:和|及|与|以及)", "", label).rstrip(",:"))[-1]


def _named(words: str) -> list[tuple[str, str | None]]:
    """Names of a list, each with wholesale or retail where said."""
    pieces = [_LEAD_IN.sub("", piece) for piece in re.split(_AND, words)]
    return [(_KIND.sub("", piece), _KIND.search(piece)["kind"]) for piece in pieces]  # type: ignore[index]


def _values(changes: str) -> list[str]:
    """Signed percentages of a list; a direction holds until another is named."""
    sign = ""
    values = []
    for found in _ONE_CHANGE.finditer(changes):
        if found["flat"]:
            values.append("0")
        elif found["number"]:
            values.append(f"{sign}{found['number']}")
        else:
            sign = "-" if found["down"] else ""
    return values


def _quotes(
    label: str, token: re.Match[str], place: str | None, contexts: tuple[str, ...], previous: str | None
) -> tuple[list[Quote], str | None]:
    """The quotes of one price or list of prices after its label, and why they are in doubt."""
    prices = re.findall(_NUM, token["one"] or re.sub(rf"元/(?:{_UNIT})", "", token["list"]))
    unit = token["unit"] or token["unit2"]
    words = _words(label)
    named = _named(words)
    if len(named) < len(prices):
        named = _cut(named, len(prices))
    if len(named) != len(prices):
        return [], f"{len(named)} 个品名对 {len(prices)} 个价格"
    shared = named[-1][1] if all(kind is None for _, kind in named[:-1]) else None
    found: list[Quote] = []
    for (given, kind), price in zip(named, prices, strict=True):
        name = _item(given or previous or "")
        if name is None:
            return found, f"“{words[-20:]}”不是品名"
        found.append(Quote(name, kind or shared or _kind_of(contexts), price, unit, place))
        previous = name
    return found, None


def _cut(named: list[tuple[str, str | None]], wanted: int) -> list[tuple[str, str | None]]:
    """Names that were written together, taken apart where known names leave one way only."""
    apart = [(name, kind) for joined, kind in named for name in (_known(joined) or [joined])]
    return apart if len(apart) == wanted else named


def _known(joined: str) -> list[str]:
    """The only way to cut a text into known names, empty if there is none or more than one."""
    ways: list[list[list[str]]] = [[] for _ in range(len(joined) + 1)]
    ways[0].append([])
    for end in range(1, len(joined) + 1):
        ways[end] = [
            [*way, name]
            for name in KNOWN_NAMES
            if joined[:end].endswith(name)
            for way in ways[end - len(name)]
        ]
    return ways[-1][0] if len(ways[-1]) == 1 else []


def _item(name: str) -> str | None:
    """A name as the table has it; a basket of vegetables is told from any single one."""
    if _BASKET.fullmatch(name):
        return "蔬菜均价"
    return name if _NAME.fullmatch(name) else None


def _kind_of(contexts: tuple[str, ...]) -> str | None:
    """Wholesale or retail by the nearest text that names exactly one of them."""
    for context in contexts:
        kinds = [kind for kind in _KINDS if kind in context]
        if kinds:
            return kinds[0] if len(kinds) == 1 else None
    return None
