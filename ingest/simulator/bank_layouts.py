"""Account statements as the online banks of companies export them.

Belongs here: preamble, header, columns, signs, order and format of each layout; the column names are facts
about the real exports. In all of them 借 means out of the account and 贷 into it. Does not belong here: what
moved on the account (``bank``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from ingest.simulator.workbook import Cell, xlsx

_CENT: Final = Decimal("0.01")


@dataclass(frozen=True)
class Entry:
    """One line of an account, amounts in cents.

    Attributes:
        into: Side on which it is booked: into the account or out of it.
        amount: Negative on a reversal, which takes an earlier line of the same side back.
        balance: After the line, as printed.
    """

    at: datetime
    into: bool
    amount: int
    balance: int
    other_name: str
    other_account: str
    note: str
    serial: str


@dataclass(frozen=True)
class Statement:
    """A month of an account as it is printed; ``totals``: (count, cents) out of and into the account."""

    number: str
    holder: str
    branch: str
    first: date
    last: date
    entries: Sequence[Entry]
    totals: tuple[tuple[int, int], tuple[int, int]]


def yuan(cents: int) -> Decimal:
    """Cents as yuan with two places."""
    return (Decimal(cents) * _CENT).quantize(_CENT)


def comma(cents: int) -> str:
    """Yuan as text with separators."""
    return f"{yuan(cents):,}"


@dataclass(frozen=True)
class Layout:
    """How a bank exports.

    Attributes:
        bank: Name of the bank.
        head: Makes the rows above the lines.
        line: Makes the row of a line.
        kind: ``xlsx`` or ``csv``.
        encoding: Of a csv.
        has_totals: Whether counts and sums stand in it.
        merged: Merged ranges of a workbook.
        newest_first: Order of the lines.
    """

    bank: str
    head: Callable[[Statement], list[list[Cell]]]
    line: Callable[[Statement, Entry], list[Cell]]
    kind: str = "xlsx"
    encoding: str = "utf-8"
    has_totals: bool = False
    merged: tuple[str, ...] = ()
    newest_first: bool = False


def _day(entry: Entry, pattern: str = "%Y-%m-%d") -> str:
    return entry.at.strftime(pattern)


def _icbc_head(s: Statement) -> list[list[Cell]]:
    header: list[Cell] = ["凭证号", "对方账号", "交易时间", "借贷标志", "对方单位", "对方行号", "用途", "摘要", "附言",
              "回单个性化信息", "余额", "转出金额", "转入金额", "本方账号"]  # fmt: skip
    return [["[HISTORYDETAIL]"], header]


def _icbc(s: Statement, e: Entry) -> list[Cell]:
    return [
        e.serial[-6:], e.other_account, _day(e, "%Y-%m-%d %H:%M:%S"), "贷" if e.into else "借", e.other_name, "",
        e.note, e.note, "", "", comma(e.balance), "" if e.into else comma(e.amount), comma(e.amount) if e.into else "",
        s.number,
    ]  # fmt: skip


def _bcm_head(s: Statement) -> list[list[Cell]]:
    header: list[Cell] = ["交易时间", "摘要", "凭证种类", "凭证号码", "企业业务编号", "发生额", "币种", "余额", "对方账号", "对方户名",
              "借贷标志", "卡号"]  # fmt: skip
    return [["查询账号:", s.number, "户  名:", s.holder], header]


def _bcm(s: Statement, e: Entry) -> list[Cell]:
    return [
        _day(e, "%Y-%m-%d %H:%M:%S"), e.note, "", "", e.serial, f"{yuan(e.amount)}", "人民币", f"{yuan(e.balance)}",
        e.other_account, e.other_name, "贷" if e.into else "借", "",
    ]  # fmt: skip


def _abc_head(s: Statement) -> list[list[Cell]]:
    header: list[Cell] = ["交易时间", "收入金额", "支出金额", "账户余额", "交易行名", "对方省市", "对方账号", "对方户名", "交易用途", "摘要",
              "会计日期"]  # fmt: skip
    title: list[Cell] = ["账户号", "", s.number, "", "", "账户名称", "", s.holder]
    return [["账户明细"], title, header]


def _abc(s: Statement, e: Entry) -> list[Cell]:
    return [
        _day(e, "%Y-%m-%d %H:%M:%S"), yuan(e.amount) if e.into else None, None if e.into else yuan(e.amount),
         yuan(e.balance), s.branch, "湖南省岳阳市", e.other_account, e.other_name, e.note, e.note, _day(e, "%Y%m%d"),
    ]  # fmt: skip


def _scrcb_head(s: Statement) -> list[list[Cell]]:
    out, into = s.totals
    preamble = (
        f"户名:{s.holder}\n账号：{s.number}\n开户行：{s.branch}\n币种：人民币\n单位：元\n查询时间：{s.last:%Y-%m-%d} 09:00:00\n"
        f"交易区间：{s.first:%Y-%m-%d}至{s.last:%Y-%m-%d}\n收入合计：{comma(into[1])}\n支出合计：{comma(out[1])}"
    )
    header: list[Cell] = ["交易日期", "交易时间", "收入/支出", "收入金额", "支出金额", "账户余额", "对方户名", "对方账号", "对方银行/机构",
              "交易流水号", "摘要"]  # fmt: skip
    return [["四川农信账户交易明细"], [preamble], header]


def _scrcb(s: Statement, e: Entry) -> list[Cell]:
    return [
        _day(e), _day(e, "%H:%M:%S"), "收入" if e.into else "支出", comma(e.amount) if e.into else "--",
        "--" if e.into else comma(e.amount), comma(e.balance), e.other_name, e.other_account, "", e.serial, e.note,
    ]  # fmt: skip


def _ccb_head(s: Statement) -> list[list[Cell]]:
    header: list[Cell] = ["记账日期", "交易时间", "凭证种类", "凭证号", "发生额/元", "", "余额/元", "钞汇标志", "对方户名", "对方账号",
              "摘要", "备注", "账户明细编号-交易流水号", "企业流水号", "本方账号", "本方账户名称", "本方账户开户机构"]  # fmt: skip
    second: list[Cell] = ["", "", "", "", "借方", "贷方"]
    preamble: list[list[Cell]] = [
        ["中国建设银行"], ["明细查询结果"], ["明细查询结果下载"], ["开户机构", s.branch, "币种", "人民币"],
        ["账　　号", s.number, "利　　率", "0.1%"], ["账户名称", s.holder, "账户状态", "正常"], [],
    ]  # fmt: skip
    return [*preamble, header, second]


def _ccb(s: Statement, e: Entry) -> list[Cell]:
    return [
        _day(e, "%Y%m%d"), _day(e, "%H:%M:%S"), "", "", " 0.00" if e.into else f" {comma(e.amount)}",
         f" {comma(e.amount)}" if e.into else " 0.00", f" {comma(e.balance)}", "钞户", f"{e.other_name}\t",
         f"{e.other_account}\t", e.note, "", f"{e.serial}\t", "", s.number, s.holder, s.branch,
    ]  # fmt: skip


def _cmbc_head(s: Statement) -> list[list[Cell]]:
    filters = (
        ("账户名称:", s.holder), ("账号:", s.number), ("开户机构:", s.branch), ("币种:", "人民币"),
        ("起始日期:", f"{s.first:%Y-%m-%d}"), ("截至日期:", f"{s.last:%Y-%m-%d}"), ("借贷标志:", "全部"),
        ("排序方式:", "倒序"), ("冲正流水:", "显示"), ("冲正金额:", ""), ("对方账号:", ""), ("对方单位名称:", ""),
        ("按发生额查:", ""), ("客户附言:", ""),
    )  # fmt: skip
    out, into = s.totals
    preamble: list[list[Cell]] = [[label, value] for label, value in filters]
    preamble += [[], ["借方累计笔数:", str(out[0]), "借方累计发生额:", comma(out[1])],
                 ["贷方累计笔数:", str(into[0]), "贷方累计发生额:", comma(into[1])]]  # fmt: skip
    header: list[Cell] = ["交易时间", "交易流水号", "借方发生额", "贷方发生额", "账户余额", "凭证号", "客户附言", "对方账号", "对方账号名称",
              "对方开户行"]  # fmt: skip
    return [*preamble, header]


def _cmbc(s: Statement, e: Entry) -> list[Cell]:
    return [
        _day(e, "%Y-%m-%d %H:%M:%S"), e.serial, None if e.into else yuan(e.amount), yuan(e.amount) if e.into else None,
         yuan(e.balance), "", e.note, e.other_account, e.other_name, "",
    ]  # fmt: skip


def _psbc_head(s: Statement) -> list[list[Cell]]:
    header: list[Cell] = ["交易日期", "交易时间", "支出金额", "收入金额", "余额", "对方账号", "对方户名", "对方行名", "用途", "附言", "摘要",
              "交易流水号"]  # fmt: skip
    out, into = s.totals
    preamble: list[list[Cell]] = [
        ["中国邮政储蓄银行账户交易明细"], ["账号", s.number, "户名", s.holder],
        ["收入总金额", yuan(into[1]), "支出总金额", yuan(out[1])],
        ["收入总笔数", Decimal(into[0]), "支出总笔数", Decimal(out[0])],
    ]  # fmt: skip
    return [*preamble, header]


def _psbc(s: Statement, e: Entry) -> list[Cell]:
    return [
        _day(e, "%Y%m%d"), _day(e, "%H%M%S"), Decimal(0) if e.into else yuan(e.amount),
         yuan(e.amount) if e.into else Decimal(0), yuan(e.balance), e.other_account, e.other_name, "", e.note, "", e.note,
        e.serial,
    ]  # fmt: skip


LAYOUTS: Final = {
    "icbc": Layout("工商银行", _icbc_head, _icbc, kind="csv", encoding="gb18030"),
    "bcm": Layout("交通银行", _bcm_head, _bcm, kind="csv", encoding="utf-8-sig"),
    "abc": Layout("农业银行", _abc_head, _abc, merged=("A1:K1", "A2:B2", "C2:E2", "F2:G2", "H2:K2")),
    "scrcb": Layout("四川农信", _scrcb_head, _scrcb, has_totals=True, merged=("A1:K1", "A2:K2")),
    "ccb": Layout("建设银行", _ccb_head, _ccb, merged=("A2:H2", "A3:H3", "E8:F8")),
    "cmbc": Layout("民生银行", _cmbc_head, _cmbc, has_totals=True, newest_first=True),
    "psbc": Layout("邮储银行", _psbc_head, _psbc, has_totals=True, merged=("A1:L1",)),
}


def export(layout: Layout, statement: Statement) -> bytes:
    """A statement as the bytes of a file."""
    entries = reversed(statement.entries) if layout.newest_first else statement.entries
    return _file(layout, layout.head(statement) + [layout.line(statement, entry) for entry in entries])


def export_many(layout: Layout, statements: Sequence[Statement]) -> bytes:
    """Several accounts in one file, one after the other, in a layout whose lines name the account."""
    lines = [layout.line(one, entry) for one in statements for entry in one.entries]
    return _file(layout, layout.head(statements[0]) + lines)


def _file(layout: Layout, rows: list[list[Cell]]) -> bytes:
    if layout.kind == "xlsx":
        return xlsx(rows, layout.merged)
    lines = (",".join(_quoted(value) for value in row) + "\r\n" for row in rows)
    return "".join(lines).encode(layout.encoding)


def _quoted(value: Cell) -> str:
    text = "" if value is None else str(value)
    return f'"{text}"' if "," in text else text
