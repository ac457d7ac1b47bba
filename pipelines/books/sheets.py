"""Statements of one canteen (or of a city) as sheets: title, heading, columns, rows and the signatures below.

Belongs here: what stands on a printed page, in Chinese. Does not belong here: sums (``statements``, ``forms``), file
formats (``export``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import polars as pl

from pipelines.books import forms, statements
from pipelines.books.reference import Reference
from warehouse import vocabulary

Kind = Literal["text", "money", "quantity"]
_SIGNED: Final = ("制表：　　　　　　　　复核：　　　　　　　　单位负责人：",)
_SHOWN: Final = {
    "account_class": vocabulary.ACCOUNT_CLASSES,
    "event_kind": vocabulary.BOOK_EVENTS,
    "cost_kind": vocabulary.COST_KINDS,
    "account_set": vocabulary.ACCOUNT_SETS,
}


@dataclass(frozen=True)
class Sheet:
    """One printed table.

    Attributes:
        title: Title, in the middle.
        heading: Lines between title and table.
        columns: Labels and kinds of the columns.
        rows: Cells; ``None`` is printed as nothing.
        footer: Lines below the table.
    """

    title: str
    heading: tuple[str, ...]
    columns: tuple[tuple[str, Kind], ...]
    rows: list[tuple[Any, ...]]
    footer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """What stands on every sheet of a canteen.

    Attributes:
        unit: Name of the school and canteen.
        month: ``YYYY-MM``.
        mode: Operating mode, a code of ``vocabulary.OPERATING_MODES``.
    """

    unit: str
    month: str
    mode: str = "self"

    @property
    def spoken(self) -> str:
        """The month as a clerk writes it."""
        year, month = self.month.split("-")
        return f"{year}年{int(month)}月"

    @property
    def heading(self) -> tuple[str, ...]:
        """Name and month, in yuan."""
        return (f"单位：{self.unit}", f"期间：{self.spoken}　　　单位：元")


def disclosure(form: pl.DataFrame, page: Page, reference: Reference) -> Sheet:
    """The public form, as schools post it up.

    Args:
        form: Rows of ``forms.disclosure`` of one canteen, version ``PUBLIC``.
        page: Name, month and operating mode.
        reference: Holds the deadline.
    """
    shown = form.filter(
        (pl.col("line_code") != "off_form") | (pl.col("month_yuan") != 0) | (pl.col("ytd_yuan") != 0)
    )
    rows: list[tuple[Any, ...]] = shown.select("line_label", "month_yuan", "ytd_yuan").rows()
    if page.mode == "self":
        for label, other in (("", False), ("（含其他材料）", True)):
            shares = (
                forms.food_share(form, figures, with_other=other) for figures in ("month_yuan", "ytd_yuan")
            )
            rows.append((f"食材支出占伙食费收入的比例{label}（%）", *shares))
    due = forms.due("disclosure", page.month, reference)
    return Sheet(
        "学校食堂伙食费收支公示表",
        (*page.heading, f"食堂性质：{vocabulary.OPERATING_MODES[page.mode]}"),
        (("项目", "text"), ("本月金额", "money"), ("本年累计金额", "money")),
        rows,
        (*_SIGNED, f"本表于{due.year}年{due.month}月{due.day}日前公示"),
    )


def principal(lines: pl.DataFrame, reference: Reference, page: Page) -> list[Sheet]:
    """The statement for the principal: balance sheet and income and expense of one canteen.

    Args:
        lines: Posted lines of the canteen.
        reference: Accounts and deadlines.
        page: Name and month.
    """
    due = forms.due("principal", page.month, reference)
    footer = (*_SIGNED, f"本表于{due.year}年{due.month}月{due.day}日前报校长")
    balance = statements.balance_sheet(lines, reference, page.month)
    flows = statements.income_expense(lines, reference, page.month)
    yuan = pl.col("month_yuan", "ytd_yuan")
    result = flows.select(pl.when(account_class="income").then(yuan).otherwise(-yuan).sum())
    sheets = [
        _sheet("食堂资产负债表", balance, page, {
            "account_class": "类别", "account_name": "科目", "year_opening_yuan": "年初数", "closing_yuan": "期末数",
        }, footer),
        _sheet("食堂收支表", flows, page, {
            "account_class": "类别", "account_name": "科目", "month_yuan": "本月金额", "ytd_yuan": "本年累计金额",
        }, footer),
    ]  # fmt: skip
    sheets[0].rows.extend(_class_totals(balance))
    sheets[1].rows.append(("", "收支结余", *result.row(0)))
    return sheets


def _class_totals(balance: pl.DataFrame) -> list[tuple[Any, ...]]:
    """The two sums that must be equal."""
    columns = ("year_opening_yuan", "closing_yuan")
    assets, others = (
        balance.filter((pl.col("account_class") == "asset") == wanted).select(columns).sum().row(0)
        for wanted in (True, False)
    )
    return [("", "资产合计", *assets), ("", "负债和净资产合计", *others)]


def ledgers(lines: pl.DataFrame, reference: Reference, page: Page) -> list[Sheet]:
    """Trial balance, cash book, stock ledger and supplier ledger of one canteen.

    Args:
        lines: Posted lines of the canteen.
        reference: Accounts.
        page: Name and month.
    """
    cash = statements.cash_book(lines, reference, page.month).with_columns(
        number=pl.format("记-{}", pl.col("_voucher_no").cast(pl.String).str.zfill(4))
    )
    return [
        _sheet("科目余额表", statements.trial_balance(lines, reference, page.month), page, {
            "account_code": "科目编码", "account_name": "科目", "opening_yuan": "期初余额", "debit_yuan": "本月借方",
            "credit_yuan": "本月贷方", "ytd_debit_yuan": "本年借方", "ytd_credit_yuan": "本年贷方",
            "closing_yuan": "期末余额",
        }),
        _sheet("现金和银行存款日记账", cash, page, {
            "biz_date": "日期", "number": "凭证号", "account_name": "科目", "event_kind": "摘要",
            "source_record_no": "单据号", "debit_yuan": "收入", "credit_yuan": "支出", "balance_yuan": "余额",
        }),
        _sheet("库存分类账", statements.stock_ledger(lines, reference, page.month), page, {
            "account_name": "类别", "opening_yuan": "期初", "in_yuan": "入库", "out_yuan": "出库", "closing_yuan": "期末",
        }),
        _sheet("供应商往来账", statements.supplier_ledger(lines, reference, page.month), page, {
            "supplier_uscc": "供应商统一社会信用代码", "opening_yuan": "期初应付", "bought_yuan": "本月购入",
            "paid_yuan": "本月付款和退货", "closing_yuan": "期末应付",
        }),
    ]  # fmt: skip


def roll_up(lines: pl.DataFrame, reference: Reference, page: Page, names: dict[str, str]) -> Sheet:
    """Expenses of all schools by kind: a row for each canteen, a column for each kind, and the sum.

    Args:
        lines: Posted lines of all canteens.
        reference: Accounts and kinds.
        page: Name of the city or county, and the month.
        names: Canteen id to its name; the id stands where there is none.
    """
    spent = forms.roll_up(lines, reference, page.month)
    wide = spent.pivot("cost_kind", index="canteen_id", values="month_yuan").sort("canteen_id")
    kinds = [kind for kind in vocabulary.COST_KINDS if kind in wide.columns]
    summed = wide.select("canteen_id", pl.col(kinds).fill_null(0)).with_columns(
        total=pl.sum_horizontal(kinds)
    )
    rows = [(names.get(canteen, canteen), *figures) for canteen, *figures in summed.rows()]
    rows.append(("合计", *summed.select(pl.col(*kinds, "total").sum()).row(0)))
    columns: list[tuple[str, Kind]] = [
        ("食堂", "text"),
        *((vocabulary.COST_KINDS[kind], "money") for kind in kinds),
    ]
    return Sheet("学校食堂支出分类汇总表", page.heading, (*columns, ("合计", "money")), rows, _SIGNED)


def _sheet(
    title: str, frame: pl.DataFrame, page: Page, labels: dict[str, str], footer: tuple[str, ...] = _SIGNED
) -> Sheet:
    """A sheet with the labelled columns of a frame, codes in words."""
    worded = frame.with_columns(
        pl.col(name).replace(words) for name, words in _SHOWN.items() if name in frame.columns
    ).select(list(labels))
    columns = tuple((label, _kind(worded.schema[name])) for name, label in labels.items())
    return Sheet(title, page.heading, columns, worded.rows(), footer)


def _kind(dtype: pl.DataType) -> Kind:
    if not isinstance(dtype, pl.Decimal):
        return "text"
    return "money" if dtype.scale == 2 else "quantity"


def printed(cell: Any, kind: Kind) -> str:
    """A cell as text: money with two decimals and thousands, a zero as a dash."""
    if cell is None:
        return ""
    if kind == "text" or not isinstance(cell, Decimal):
        return str(cell)
    if cell == 0:
        return "—"
    return f"{cell:,.2f}" if kind == "money" else f"{cell:,.3f}"
