"""Bank templates filled with lines whose truth is known.

Belongs here: what each header word of the given templates is filled with, and the ways of filling. It
shares nothing with the reader: the words here are those of the templates, written down by hand.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import openpyxl

OPENING = 500_000_00
ACCOUNT = "8111201012800123456"
OWNER = "样例县示范学校食堂"


@dataclass(frozen=True)
class Line:
    """One true movement; cents, positive is money in."""

    day: str
    time: str
    effect: int
    balance: int
    name: str
    account: str
    summary: str
    serial: str
    is_reversal: bool = False
    column: int = 0
    """Side of the column that it is written in: 1 in, -1 out, 0 that of its effect."""

    @property
    def side(self) -> int:
        return self.column or (1 if self.effect > 0 else -1)

    @property
    def written(self) -> int:
        """The amount in its column: negative where it stands in the other side's column."""
        return self.effect * self.side


def lines(seed: int = 7, count: int = 14) -> list[Line]:
    """Lines over some days, with two that share an instant and several equal amounts."""
    draw = random.Random(seed)
    balance, made = OPENING, []
    for number in range(count):
        day = dt.date(2026, 9, 1) + dt.timedelta(days=number // 4)
        minute = 10 + number if number % 4 != 2 else 9 + number
        effect = draw.choice([-1, -1, 1]) * draw.choice(
            [100_000, 2_350, 1_288_06, draw.randint(1, 9_999_999)]
        )
        balance += effect
        made.append(
            Line(
                str(day),
                f"10:{minute:02d}:30",
                effect,
                balance,
                draw.choice(["湘北粮油贸易有限公司", "王小明", "样例县教育局", "鲜达农产品配送中心"]),
                f"62220210011{draw.randint(10_000_000, 99_999_999)}",
                draw.choice(["货款", "伙食费", "9月菜款合计", "转账"]),
                f"S{number:06d}",
            )
        )
    return made


def rebalanced(changed: list[Line]) -> list[Line]:
    """The lines with the balances that their effects lead to."""
    balance, made = OPENING, []
    for line in changed:
        balance += line.effect
        made.append(replace(line, balance=balance))
    return made


@dataclass
class Style:
    """How a template is filled."""

    descending: bool = False
    as_text: bool = False
    negative_out: bool = False
    zero_other: bool = False
    padded: bool = False
    declared: dict[str, Any] = field(default_factory=dict)


def _amount(cents: int, style: Style) -> Any:
    text = f"{cents / 100:,.2f}"
    if style.padded:
        return f"  {text}\u3000\t"
    return text if style.as_text else cents / 100


def _of_side(line: Line, side: int, style: Style) -> Any:
    if line.side != side:
        return _amount(0, style) if style.zero_other else None
    return _amount(-line.written if style.negative_out and side < 0 else line.written, style)


def _text(value: str, style: Style) -> str:
    return f" {value}\u3000\t" if style.padded else value


Cell = Callable[[Line, Style], Any]
_CELLS: dict[str, Cell] = {
    **dict.fromkeys(
        ["收入金额", "转入金额", "贷方", "贷方金额", "贷方发生额"], lambda line, s: _of_side(line, 1, s)
    ),
    **dict.fromkeys(
        ["支出金额", "转出金额", "借方", "借方金额", "借方发生额"], lambda line, s: _of_side(line, -1, s)
    ),
    "发生额": lambda line, s: _amount(-line.written if s.negative_out and line.side < 0 else line.written, s),
    "借贷标志": lambda line, s: _text("贷" if line.side > 0 else "借", s),
    "收入/支出": lambda line, s: _text("收入" if line.side > 0 else "支出", s),
    **dict.fromkeys(["账户余额", "余额", "余额/元"], lambda line, s: _amount(line.balance, s)),
    **dict.fromkeys(["交易日期", "记账日期", "会计日期", "起息日"], lambda line, s: _text(line.day, s)),
    "交易日": lambda line, s: line.day.replace("-", ""),
    "交易时间": lambda line, s: _text(f"{line.day} {line.time}", s),
    **dict.fromkeys(
        ["对方户名", "对方单位", "收(付)方名称", "对方账号名称"], lambda line, s: _text(line.name, s)
    ),
    **dict.fromkeys(["对方账号", "收(付)方账号"], lambda line, s: _text(line.account, s)),
    "摘要": lambda line, s: _text(line.summary, s),
    "业务摘要": lambda line, s: _text(line.summary, s),
    "客户附言": lambda line, s: _text(line.summary, s),
    **dict.fromkeys(["交易流水号", "流水号", "账户明细编号-交易流水号"], lambda line, s: line.serial),
    "本方账号": lambda line, s: ACCOUNT,
    "币种": lambda line, s: "人民币",
}
_FACTS: dict[str, Callable[[list[Line], Style], Any]] = {
    **dict.fromkeys(["账号", "账户号", "查询账号", "银行账号"], lambda all_, s: ACCOUNT),
    **dict.fromkeys(["户名", "账户名称", "公司名称"], lambda all_, s: OWNER),
    **dict.fromkeys(["币种", "账户币种"], lambda all_, s: "人民币"),
    **dict.fromkeys(
        ["收入总金额", "累计贷金额", "贷方累计发生额", "收入合计"], lambda all_, s: _sum(all_, 1)
    ),
    **dict.fromkeys(
        ["支出总金额", "累计借金额", "借方累计发生额", "支出合计"], lambda all_, s: _sum(all_, -1)
    ),
    **dict.fromkeys(["收入总笔数", "累计贷总笔数", "贷方累计笔数"], lambda all_, s: _count(all_, 1)),
    **dict.fromkeys(["支出总笔数", "累计借总笔数", "借方累计笔数"], lambda all_, s: _count(all_, -1)),
    "对账单初期余额": lambda all_, s: f"{(all_[0].balance - all_[0].effect) / 100:.2f}",
    "对账单余额": lambda all_, s: f"{all_[-1].balance / 100:.2f}",
    "记录条数": lambda all_, s: len(all_),
}

_NAMED = ("账号", "账户号", "查询账号", "银行账号", "户名", "账户名称", "公司名称", "币种", "账户币种")
"""Facts that do not depend on the lines."""


def _sum(all_: list[Line], side: int) -> str:
    return f"{sum(line.written for line in all_ if line.side == side) / 100:.2f}"


def _count(all_: list[Line], side: int) -> int:
    return sum(line.side == side for line in all_)


def _plain(word: Any) -> str:
    return "".join(str(word or "").split()).strip(":：")


class Template:
    """One given template."""

    def __init__(self, path: Path) -> None:
        self.path = path
        book = openpyxl.load_workbook(path)
        sheet = book.worksheets[0]
        grid = [[_plain(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        self.header = max(range(len(grid)), key=lambda at: sum(word in _CELLS for word in grid[at]))
        self.first = self.header + 1
        self.words = grid[self.header]
        if self.first < len(grid) and any(word in _CELLS for word in grid[self.first]):
            self.words = [low or high for low, high in zip(grid[self.first], self.words, strict=True)]
            self.first += 1

    def filled(
        self, lines_: list[Line], style: Style | None = None, declared_of: list[Line] | None = None
    ) -> openpyxl.Workbook:
        """The template with lines and with the facts of its preamble.

        Args:
            lines_: Lines in the order in which the account was moved.
            style: How they are written.
            declared_of: Lines that the preamble counts, those of the file by default; none leaves totals out.
        """
        style = style or Style()
        book = openpyxl.load_workbook(self.path)
        sheet = book.worksheets[0]
        self._facts(sheet, declared_of if declared_of is not None else lines_, style)
        ordered = lines_[::-1] if style.descending else lines_
        for place, line in enumerate(ordered):
            for column, word in enumerate(self.words):
                if word in _CELLS:
                    sheet.cell(self.first + 1 + place, column + 1).value = _CELLS[word](line, style)
        return book

    def _facts(self, sheet: Any, all_: list[Line], style: Style) -> None:
        for row in sheet.iter_rows(min_row=1, max_row=self.header):
            for cell in row:
                if not isinstance(cell.value, str):
                    continue
                if "\n" in cell.value:
                    parts = [part.strip() for part in cell.value.splitlines()]
                    cell.value = "\n".join(f"{part}{self._fact(part, all_, style)}" for part in parts)
                    continue
                value = self._fact(cell.value, all_, style)
                if value != "":
                    self._beside(sheet, cell).value = value

    def _fact(self, key: str, all_: list[Line], style: Style) -> Any:
        plain = _plain(key)
        if plain in style.declared:
            return style.declared[plain]
        if plain not in _FACTS or (not all_ and plain not in _NAMED):
            return ""
        return _FACTS[plain](all_, style)

    def _beside(self, sheet: Any, cell: Any) -> Any:
        """The next cell that is no part of a merged one."""
        column = cell.column + 1
        while isinstance(sheet.cell(cell.row, column), openpyxl.cell.cell.MergedCell):
            column += 1
        return sheet.cell(cell.row, column)

    def column(self, *words: str) -> int:
        """1-based column of the first word that the template has."""
        return next(self.words.index(word) + 1 for word in words if word in self.words)


def as_text(book: openpyxl.Workbook, delimiter: str, encoding: str) -> bytes:
    """The first sheet as a text file, every cell with a trailing tab where commas separate."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    for row in book.worksheets[0].iter_rows(values_only=True):
        cells = ["" if cell is None else str(cell) for cell in row]
        writer.writerow(
            [f"{cell}\t" if cell and delimiter == "," else cell.replace("\t", "") for cell in cells]
        )
    return out.getvalue().encode(encoding)
