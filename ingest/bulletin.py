"""Price bulletins in prose: a bureau's weekly or daily text as a table of quotes.

Belongs here: which file is one, its days and place, and the table whose columns ``ingest/sources/bulletin``
maps to the feed. A list that does not count out becomes one row that says what was seen, which the contract
sends to quarantine. Does not belong here: how sentences are read (``bulletin_clauses``), names
(``bulletin_names``) and pairing (``bulletin_pairs``); whether a price is right (``pipelines.prices``).
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Final

import polars as pl

from ingest import bulletin_clauses
from ingest.bulletin_pairs import Quote, Unpaired
from ingest.rows import Table
from ingest.texts import Text
from warehouse import vocabulary
from warehouse.errors import Refused

SOURCE: Final = "bulletin"
COLUMNS: Final = ("记录号", "期别", "地点", "品名", "类别", "价格", "单位", "环比", "起始日", "发布时间")
_MOST_BYTES: Final = 1 << 20

_UNITS: Final = {"公斤": "公斤", "500克": "斤", "公升": "升"}
# After "第37周" or "9日" as after a sign that is no letter; "周口市" keeps its first character.
_CITY: Final = re.compile(
    r"(?:\d[年月日周期]|省|^|[^\u4e00-\u9fff])(?:本周|上周|今日|当日|据)?(?P<city>(?!.{0,2}[全我本]市)[\u4e00-\u9fff]{2,4}?市)(?![场民区价面])"
)
_YEAR_WEEK: Final = re.compile(r"(?P<year>20\d\d)年第(?P<week>\d{1,2})周")
_SPAN: Final = re.compile(
    r"(?:(?P<year>20\d\d)年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})日?[-—–至~](?:(?P<month2>\d{1,2})月)?(?P<day2>\d{1,2})日"
)
_DAY: Final = re.compile(r"(?P<year>20\d\d)年(?P<month>\d{1,2})月(?P<day>\d{1,2})日")
_PUBLISHED: Final = re.compile(
    r"(?P<day>20\d\d-\d{1,2}-\d{1,2})(?P<time>\d{2}:\d{2}(?!\d))?(?::(?P<second>\d{2}))?"
)


def is_bulletin(text: Text) -> bool:
    """Whether a file is prose about prices: a sentence and at least one price with its unit."""
    if text.path.stat().st_size > _MOST_BYTES:
        return False
    content = _plain(text.path.read_text("utf-8-sig"))
    return "。" in content and bulletin_clauses.PRICES.search(content) is not None


def open_table(text: Text) -> Table:
    """The quotes of a bulletin as a table, one row per quote or unpaired list.

    Raises:
        Refused: ``unknown_layout``: it names no day, or two that contradict each other, or no price.
    """
    content = _plain(text.path.read_text("utf-8-sig"))
    term, first, last = _period(content)
    found = bulletin_clauses.read(content)
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
    # Some count from the week that holds 1 January, some by ISO 8601: the days say which week it is.
    if titled and min(abs(one - first) for one in (monday, _iso_week(titled))) > dt.timedelta(3):  # type: ignore[operator]
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


def _iso_week(titled: re.Match[str]) -> dt.date:
    """Monday of the titled week by ISO 8601, whose first week holds 4 January."""
    start = dt.date(int(titled["year"]), 1, 4)
    return start - dt.timedelta(start.weekday()) + dt.timedelta(7 * (int(titled["week"]) - 1))


def _published(content: str, last: dt.date) -> str:
    """When it was published; the end of the last day where it does not say."""
    found = _PUBLISHED.search(content)
    if found is None:
        return f"{last} 23:59:59"
    year, month, day = found["day"].split("-")
    return f"{_date(year, month, day)} {found['time'] or '00:00'}:{found['second'] or '00'}"
