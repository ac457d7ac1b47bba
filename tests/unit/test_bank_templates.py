"""Every given corporate template, filled in 24 ways, is read right or refused loudly.

A way is ``read`` (every line must be taken, with its true sign, amount, day and balance) or ``safe``
(what is taken must be true; the rest quarantined or the file refused).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import polars as pl
import pytest
import real_data
from bank_templates import ACCOUNT, Line, Style, Template, as_text, lines, rebalanced

from ingest.banks import reading
from warehouse.errors import Refused

TEMPLATES = (
    "工商银行",
    "建设银行",
    "农业银行",
    "交通银行",
    "招商银行",
    "民生银行",
    "邮储银行",
    "农村商业银行-四川",
)


class Filled(NamedTuple):
    """A file and the lines that it really holds, by row of the file's order in time."""

    content: openpyxl.Workbook | bytes
    truth: list[Line]


LINES = lines()


def plain(t: Template) -> Filled:
    return Filled(t.filled(LINES), LINES)


def amounts_as_text(t: Template) -> Filled:
    return Filled(t.filled(LINES, Style(as_text=True)), LINES)


def descending(t: Template) -> Filled:
    return Filled(t.filled(LINES, Style(descending=True)), LINES)


def padded_cells(t: Template) -> Filled:
    return Filled(t.filled(LINES, Style(padded=True)), LINES)


def zero_in_the_other_column(t: Template) -> Filled:
    return Filled(t.filled(LINES, Style(zero_other=True)), LINES)


def outflows_below_zero(t: Template) -> Filled:
    return Filled(t.filled(LINES, Style(negative_out=True)), LINES)


def one_instant_in_any_order(t: Template) -> Filled:
    """Two lines of one instant stand the other way round than the balance runs."""
    at = next(n for n in range(1, len(LINES)) if LINES[n].time == LINES[n - 1].time)
    return Filled(t.filled([*LINES[: at - 1], LINES[at], LINES[at - 1], *LINES[at + 1 :]]), LINES)


def reversal_as_negative(t: Template) -> Filled:
    """A payment is reversed by a negative amount in its own column."""
    out = next(n for n, line in enumerate(LINES) if line.effect < 0 and n > 1)
    back = replace(
        LINES[out], effect=-LINES[out].effect, column=-1, is_reversal=True, summary="冲正", serial="R1"
    )
    truth = rebalanced([*LINES[: out + 1], back, *LINES[out + 1 :]])
    return Filled(t.filled(truth), truth)


def reversal_in_the_other_column(t: Template) -> Filled:
    out = next(n for n, line in enumerate(LINES) if line.effect < 0 and n > 1)
    back = replace(LINES[out], effect=-LINES[out].effect, is_reversal=True, summary="冲正", serial="R1")
    truth = rebalanced([*LINES[: out + 1], back, *LINES[out + 1 :]])
    return Filled(t.filled(truth), truth)


def reversal_by_red_mark(t: Template) -> Filled:
    """A payment is reversed by a positive amount in its own column, red only by its summary."""
    out = next(n for n, line in enumerate(LINES) if line.effect < 0 and n > 1)
    back = replace(LINES[out], effect=-LINES[out].effect, is_reversal=True, summary="红字冲账", serial="R1")
    truth = rebalanced([*LINES[: out + 1], back, *LINES[out + 1 :]])
    wrong = [replace(line, effect=-line.effect) if line.serial == "R1" else line for line in truth]
    return Filled(t.filled(wrong, declared_of=[]), truth)


def reversal_first(t: Template) -> Filled:
    """The first line is a reversal, and nothing before it can prove that."""
    first = replace(LINES[0], effect=abs(LINES[0].effect), column=-1, is_reversal=True, summary="冲正")
    truth = rebalanced([first, *LINES[1:]])
    return Filled(t.filled(truth, declared_of=[]), truth)


def one_line_is_missing(t: Template) -> Filled:
    rest = [*LINES[:5], *LINES[6:]]
    return Filled(t.filled(rest), rest)


def one_amount_in_the_wrong_column(t: Template) -> Filled:
    wrong = [replace(line, effect=-line.effect) if n == 6 else line for n, line in enumerate(LINES)]
    return Filled(t.filled(wrong, declared_of=[]), LINES)


def all_signs_turned(t: Template) -> Filled:
    wrong = [replace(line, effect=-line.effect) for line in LINES]
    return Filled(t.filled(wrong, declared_of=[]), LINES)


def one_balance_is_wrong(t: Template) -> Filled:
    wrong = [replace(line, balance=line.balance + 1) if n == 7 else line for n, line in enumerate(LINES)]
    return Filled(t.filled(wrong), LINES)


def one_balance_is_masked(t: Template) -> Filled:
    made = t.filled(LINES)
    made.worksheets[0].cell(t.first + 4, t.column("账户余额", "余额", "余额/元")).value = "***"
    return Filled(made, LINES)


def blank_rows_and_repeated_header(t: Template) -> Filled:
    """A page break: a blank row and the header once more."""
    made = t.filled(LINES)
    sheet = made.worksheets[0]
    sheet.insert_rows(t.first + 6, 2 + t.first - t.header)
    for n in range(t.first - t.header):
        for column in range(1, len(t.words) + 1):
            sheet.cell(t.first + 7 + n, column).value = sheet.cell(t.header + 1 + n, column).value
    return Filled(made, LINES)


def long_preamble(t: Template) -> Filled:
    made = t.filled(LINES)
    sheet = made.worksheets[0]
    merged = list(sheet.merged_cells.ranges)
    for one in merged:
        sheet.unmerge_cells(str(one))
    sheet.insert_rows(1, 30)
    sheet["A1"], sheet["A2"], sheet["A3"] = (
        "样例县财政国库集中支付",
        "打印机构：样例县支行",
        "说明：本表金额以账面为准",
    )
    return Filled(made, LINES)


def merged_days(t: Template) -> Filled:
    """The day is merged over all lines of the day."""
    made = t.filled(LINES)
    sheet = made.worksheets[0]
    column = t.column("交易日期", "记账日期", "交易日", "交易时间")
    if t.words[column - 1] == "交易时间":  # a time cannot be shared, a counterparty can
        column = t.column("对方户名", "对方单位", "对方账号名称")
        truth = [replace(line, name=LINES[n // 4 * 4].name) for n, line in enumerate(LINES)]
    else:
        truth = LINES
    for start in range(0, len(LINES), 4):
        end = min(start + 4, len(LINES))
        sheet.merge_cells(
            start_row=t.first + 1 + start, end_row=t.first + end, start_column=column, end_column=column
        )
    return Filled(made, truth)


def merged_amounts(t: Template) -> Filled:
    """Two lines share one merged amount."""
    made = t.filled(LINES)
    column = t.column("收入金额", "转入金额", "贷方", "贷方金额", "贷方发生额", "发生额")
    made.worksheets[0].merge_cells(
        start_row=t.first + 2, end_row=t.first + 3, start_column=column, end_column=column
    )
    return Filled(made, LINES)


def _with_footer(t: Template, *, wrong: bool) -> openpyxl.Workbook:
    """A row of totals and a remark over merged cells."""
    made = t.filled(LINES)
    sheet = made.worksheets[0]
    row = t.first + len(LINES) + 2
    sheet.cell(row, 1).value = "人民币合计"
    sums = {side: sum(line.written for line in LINES if line.side == side) for side in (1, -1)}
    for side, words in (
        (1, ("收入金额", "转入金额", "贷方", "贷方金额", "贷方发生额")),
        (-1, ("支出金额", "转出金额", "借方", "借方金额", "借方发生额")),
    ):
        if any(word in t.words for word in words):
            sheet.cell(row, t.column(*words)).value = f"{(sums[side] + 100 * wrong) / 100:,.2f}"
        else:
            sheet.cell(row, t.column("发生额")).value = (sums[1] + sums[-1] + 100 * wrong) / 100
    sheet.cell(row + 1, 1).value = "以上数据仅供参考，具体内容请以柜台为准。"
    sheet.merge_cells(start_row=row + 1, end_row=row + 1, start_column=1, end_column=8)
    return made


def totals_in_the_footer(t: Template) -> Filled:
    return Filled(_with_footer(t, wrong=False), LINES)


def totals_that_contradict(t: Template) -> Filled:
    return Filled(_with_footer(t, wrong=True), LINES)


def _counted(t: Template, count: int) -> openpyxl.Workbook:
    made = t.filled(LINES)
    made.worksheets[0].cell(t.first + len(LINES) + 1, 1).value = f"共{count}笔记录"
    return made


def counted_footer(t: Template) -> Filled:
    return Filled(_counted(t, len(LINES)), LINES)


def count_that_contradicts(t: Template) -> Filled:
    return Filled(_counted(t, len(LINES) + 1), LINES)


def gbk_tabs(t: Template) -> Filled:
    return Filled(as_text(t.filled(LINES, Style(as_text=True)), "\t", "gb18030"), LINES)


def gbk_commas_and_trailing_tabs(t: Template) -> Filled:
    return Filled(as_text(t.filled(LINES, Style(as_text=True)), ",", "gb18030"), LINES)


def utf8_with_bom(t: Template) -> Filled:
    return Filled(as_text(t.filled(LINES, Style(as_text=True)), ",", "utf-8-sig"), LINES)


def both_columns_filled(t: Template) -> Filled:
    """A line has money in and money out at once (or, with one column, a mark that is none)."""
    made = t.filled(LINES, declared_of=[])
    sheet = made.worksheets[0]
    if "发生额" in t.words:
        sheet.cell(t.first + 4, t.column("借贷标志")).value = "?"
    else:
        for words in (
            ("收入金额", "转入金额", "贷方", "贷方金额", "贷方发生额"),
            ("支出金额", "转出金额", "借方", "借方金额", "借方发生额"),
        ):
            sheet.cell(t.first + 4, t.column(*words)).value = 100
    return Filled(made, LINES)


Way = Callable[[Template], Filled]
READ: tuple[Way, ...] = (
    plain,
    amounts_as_text,
    descending,
    padded_cells,
    zero_in_the_other_column,
    outflows_below_zero,
    one_instant_in_any_order,
    reversal_as_negative,
    reversal_in_the_other_column,
    reversal_by_red_mark,
    blank_rows_and_repeated_header,
    long_preamble,
    merged_days,
    totals_in_the_footer,
    counted_footer,
    gbk_tabs,
    gbk_commas_and_trailing_tabs,
    utf8_with_bom,
)
SAFE: tuple[Way, ...] = (reversal_first, one_line_is_missing)
REFUSED: tuple[Way, ...] = (
    one_amount_in_the_wrong_column,
    all_signs_turned,
    one_balance_is_wrong,
    one_balance_is_masked,
    merged_amounts,
    totals_that_contradict,
    count_that_contradicts,
    both_columns_filled,
)


@pytest.fixture(scope="module")
def templates() -> dict[str, Template]:
    root = real_data.folder("tabular", "B_no_licence_stated", "bank_cn_corporate_templates")
    found = {f"{path.parent.name}/{path.stem}": Template(path) for path in sorted(root.rglob("*.xlsx"))}
    assert {name.split("/")[0] for name in found} == set(TEMPLATES)
    return found


def read(filled: Filled, folder: Path) -> pl.DataFrame:
    path = folder / "original"
    if isinstance(filled.content, bytes):
        path.write_bytes(filled.content)
    else:
        filled.content.save(path)
    return reading.read(path).frame


def taken(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows that the contract would let pass, in the order of the balance."""
    return frame.filter((pl.col("proof") != "unproved") & pl.col("direction").is_not_null()).to_dicts()


def as_row(line: Line) -> dict[str, Any]:
    return {
        "biz_date": line.day,
        "booked_at": f"{line.day} {line.time}",
        "direction": "in" if line.effect > 0 else "out",
        "amount_yuan": f"{abs(line.effect) / 100:.2f}",
        "balance_yuan": f"{line.balance / 100:.2f}",
        "counterparty_name": line.name,
        "counterparty_account": line.account,
        "is_reversal": str(int(line.is_reversal)),
    }


def same(row: dict[str, Any], line: Line) -> bool:
    return all(row[name] == value for name, value in as_row(line).items())


@pytest.mark.requirement("S0-79")
@pytest.mark.parametrize("way", READ, ids=lambda way: way.__name__)
def test_read_right(way: Way, templates: dict[str, Template], tmp_path: Path) -> None:
    for name, template in templates.items():
        filled = way(template)
        rows = taken(read(filled, tmp_path))
        assert len(rows) == len(filled.truth), name
        for row, line in zip(rows, filled.truth, strict=True):
            assert {key: row[key] for key in as_row(line)} == as_row(line), name
            if "无账号" not in name:
                assert row["account_no"] == ACCOUNT, name


@pytest.mark.parametrize("way", SAFE, ids=lambda way: way.__name__)
def test_never_a_wrong_sign(way: Way, templates: dict[str, Template], tmp_path: Path) -> None:
    for name, template in templates.items():
        filled = way(template)
        rows: list[dict[str, Any]] = []
        with contextlib.suppress(Refused):
            rows = taken(read(filled, tmp_path))
        assert all(any(same(row, line) for line in filled.truth) for row in rows), name
        assert len(rows) < len(filled.truth) or way is reversal_first, name


@pytest.mark.parametrize("way", REFUSED, ids=lambda way: way.__name__)
def test_refused_loudly(way: Way, templates: dict[str, Template], tmp_path: Path) -> None:
    for name, template in templates.items():
        with pytest.raises(Refused) as caught:
            read(way(template), tmp_path)
        assert caught.value.code in ("unproved", "unreadable"), name
        assert len(str(caught.value)) < 300, name
