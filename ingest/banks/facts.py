"""What a bank's table declares of itself before and after its lines.

Belongs here: keys and values of the preamble and the footer. Does not belong here: holding them against
the lines (``proof``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import polars as pl

from ingest.banks import cells, words
from ingest.banks.statement import Facts
from warehouse.errors import Refused

LOST_DIGITS: Final = re.compile(r"^\d(\.\d+)?E\+\d+$")
"""A number of which a workbook has kept the first digits only."""
_AMOUNT: Final = re.compile(r"^[¥]?([+-]?[\d,]+(?:\.\d{1,2}0*)?)元?$")
_COUNT: Final = re.compile(r"^(\d+)笔?(?:记录)?$")
_BOTH: Final = re.compile(r"^(\d+)笔[,，\s]*([\d,]+(?:\.\d{1,2})?)元?$")
_ACCOUNT: Final = re.compile(r"[\dA-Za-z][\d*A-Za-z@._-]{3,}\d|\S+@\S+")
_COUNT_ALL: Final = re.compile(r"共\s*(\d+)\s*[笔条]")
_KEY: Final = re.compile(r"(?:^|\s)((?:[^\s:：\d\[\]]\s*){2,20})[:：]")


def read(rows: Sequence[Sequence[str]]) -> Facts:
    """What the rows outside the table declare."""
    facts = Facts()
    for row in rows:
        filled = [cell.strip() for cell in row if cell.strip()]
        for place, cell in enumerate(filled):
            following = filled[place + 1] if place + 1 < len(filled) else ""
            for key, value in _pairs(cell, following):
                _note(
                    facts,
                    words.fact_of(words.normal(key)),
                    unicodedata.normalize("NFKC", value).strip("[] '\t"),
                )
            counted = _COUNT_ALL.search(cell)
            if counted is not None:
                facts.count_all = int(counted[1])
    return facts


def _pairs(cell: str, following: str) -> list[tuple[str, str]]:
    """Keys and values of a cell; a key alone has the next cell as its value."""
    pairs: list[tuple[str, str]] = []
    for line in cell.splitlines():
        keys = list(_KEY.finditer(line))
        ends = [*(key.start() for key in keys[1:]), len(line)]
        found = [(key[1], line[key.end() : end].strip()) for key, end in zip(keys, ends, strict=False)]
        pairs += found or [(line, "")]
    last = len(pairs) - 1
    return [(key, value or (following if place == last else "")) for place, (key, value) in enumerate(pairs)]


def _note(facts: Facts, fact: str | None, value: str) -> None:
    """Keep a declared fact that can be read."""
    if fact is None or not value:
        return
    both = _BOTH.match(value)
    amount, count = _AMOUNT.match(value), _COUNT.match(value)
    if fact == "unit":
        if "万" in value:
            raise Refused("unreadable", f"金额单位为{value[:10]}，请以元为单位重新导出")
    elif fact == "account":
        if LOST_DIGITS.match(value):
            raise Refused("unreadable", "账号以数字格式保存，末尾数字已丢失，请以文本格式重新导出")
        found = _ACCOUNT.search(value.replace(" ", ""))
        account = found[0] if found else None
        if account is not None and facts.account not in (None, account):
            raise Refused("unreadable", "文件中有不止一个本方账号，请按账号分别导出")
        facts.account = facts.account or account
    elif fact == "currency":
        facts.currency = value
    elif fact == "exported_at":
        facts.exported_at = _instant(value)
    elif fact.startswith("count_"):
        if count is not None:
            setattr(facts, fact, int(count[1]))
    elif both is not None:
        setattr(facts, fact, _cents(both[2]))
        setattr(facts, fact.replace("total_", "count_"), int(both[1]))
    elif amount is not None:
        setattr(facts, fact, _cents(amount[1]))


def _instant(value: str) -> str | None:
    frame = pl.DataFrame({"v": [value]}).select(day=cells.day("v"), time=cells.time("v"))
    day, time = frame.row(0)
    return None if day is None else f"{day} {time or '23:59:59'}"


def _cents(text: str) -> int:
    return int(Decimal(text.replace(",", "")) * 100)
