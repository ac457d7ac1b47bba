"""Statements of a month as functions of posted lines: balances, income and expense, cash, stock, suppliers.

Belongs here: sums over lines, for all canteens at once. Does not belong here: public forms (``forms``), how a
statement is printed (``sheets``). Every function takes lines from the beginning of the books (or of what is
asked for) up to any day; lines after the month are left out.

A balance is positive on its account's own side: debit for assets and expenses, credit for the others.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from pipelines.books.events import CARRYING
from pipelines.books.reference import Reference

BOOKS: Final = ("canteen_id", "account_set")
_NET: Final = pl.col("debit_yuan") - pl.col("credit_yuan")
_RUNNING: Final = ~pl.col("event_kind").is_in(list(CARRYING))
_YUAN: Final = pl.Decimal(18, 2)


def in_month(month: str) -> pl.Expr:
    """Lines of a month."""
    return pl.col("biz_month") == month


def in_year(month: str) -> pl.Expr:
    """Lines from January to a month."""
    return pl.col("biz_month").is_between(pl.lit(f"{month[:4]}-01"), pl.lit(month))


def before(month: str) -> pl.Expr:
    """Lines before a month."""
    return pl.col("biz_month") < month


def month_end(month: str) -> dt.date:
    """Last day of a month."""
    return (dt.date.fromisoformat(f"{month}-01") + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(
        days=1
    )


def _total(value: pl.Expr, when: pl.Expr) -> pl.Expr:
    return value.filter(when).sum().cast(_YUAN)


def _own_side(value: str) -> pl.Expr:
    """A balance (debit less credit) seen from the account's own side."""
    debit_side = pl.col("account_class").is_in(["asset", "expense"])
    return pl.when(debit_side).then(pl.col(value)).otherwise(-pl.col(value)).cast(_YUAN).alias(value)


def _named(rows: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    columns = ("account_set", "account_code", "account_name", "account_class", "role", "parent_code")
    return rows.join(reference.accounts.select(columns), on=["account_set", "account_code"], how="left")


def trial_balance(lines: pl.DataFrame, reference: Reference, month: str) -> pl.DataFrame:
    """Opening, movements of the month and of the year, and closing of every account that was ever used.

    Returns:
        canteen_id, account_set, account_code, account_name, account_class, opening_yuan, debit_yuan,
        credit_yuan, ytd_debit_yuan, ytd_credit_yuan, closing_yuan.
    """
    debit, credit = pl.col("debit_yuan"), pl.col("credit_yuan")
    sums = (
        lines.filter(pl.col("biz_month") <= month)
        .group_by(*BOOKS, "account_code")
        .agg(
            opening_yuan=_total(_NET, before(month)),
            debit_yuan=_total(debit, in_month(month)),
            credit_yuan=_total(credit, in_month(month)),
            ytd_debit_yuan=_total(debit, in_year(month)),
            ytd_credit_yuan=_total(credit, in_year(month)),
            closing_yuan=_NET.sum().cast(_YUAN),
        )
    )
    return (
        _named(sums, reference)
        .with_columns(_own_side("opening_yuan"), _own_side("closing_yuan"))
        .select(
            *BOOKS, "account_code", "account_name", "account_class", "opening_yuan", "debit_yuan", "credit_yuan",
            "ytd_debit_yuan", "ytd_credit_yuan", "closing_yuan",
        )
        .sort(*BOOKS, "account_code")
    )  # fmt: skip


def balance_sheet(lines: pl.DataFrame, reference: Reference, month: str) -> pl.DataFrame:
    """Assets, liabilities and net assets at the beginning of the year and at the end of the month.

    Income and expense that are not yet carried to the surplus stand in the line ``current``, so that assets
    equal liabilities and net assets on every day.

    Returns:
        canteen_id, account_set, account_class, account_code (first level, or ``current``), account_name,
        year_opening_yuan, closing_yuan.
    """
    heads = reference.accounts.filter(pl.col("parent_code") == "").select(
        "account_set", head="account_code", head_name="account_name"
    )
    running = pl.col("account_class").is_in(["income", "expense"])
    sums = (
        _named(lines.filter(pl.col("biz_month") <= month), reference)
        .with_columns(head=pl.col("account_code").str.slice(0, 4))
        .join(heads, on=["account_set", "head"], how="left")
        .with_columns(
            account_class=pl.when(running).then(pl.lit("net_asset")).otherwise("account_class"),
            account_code=pl.when(running).then(pl.lit("current")).otherwise("head"),
            account_name=pl.when(running).then(pl.lit("本期未结转盈余")).otherwise("head_name"),
        )
        .group_by(*BOOKS, "account_class", "account_code", "account_name")
        .agg(
            year_opening_yuan=_total(_NET, before(f"{month[:4]}-01")),
            closing_yuan=_NET.sum().cast(_YUAN),
        )
    )
    order = pl.col("account_class").replace_strict({"asset": 1, "liability": 2, "net_asset": 3})
    return (
        sums.with_columns(_own_side("year_opening_yuan"), _own_side("closing_yuan"))
        .sort(*BOOKS, order, "account_code")
        .select(
            *BOOKS, "account_class", "account_code", "account_name", "year_opening_yuan", "closing_yuan"
        )
    )  # fmt: skip


def income_expense(lines: pl.DataFrame, reference: Reference, month: str) -> pl.DataFrame:
    """Income and expense of the month and the year by account, before they are carried to the surplus.

    Returns:
        canteen_id, account_set, account_class, account_code, account_name, month_yuan, ytd_yuan.
    """
    sums = (
        lines.filter(in_year(month), _RUNNING)
        .group_by(*BOOKS, "account_code")
        .agg(month_yuan=_total(_NET, in_month(month)), ytd_yuan=_NET.sum().cast(_YUAN))
    )
    return (
        _named(sums, reference)
        .filter(pl.col("account_class").is_in(["income", "expense"]))
        .with_columns(_own_side("month_yuan"), _own_side("ytd_yuan"))
        .select(*BOOKS, "account_class", "account_code", "account_name", "month_yuan", "ytd_yuan")
        .sort(*BOOKS, pl.col("account_class") != "income", "account_code")
    )


def cash_book(lines: pl.DataFrame, reference: Reference, month: str) -> pl.DataFrame:
    """Every movement of cash and bank in the month, in the order of the vouchers, with the balance after it.

    Returns:
        canteen_id, account_set, account_code, account_name, biz_date, _voucher_no, event_kind,
        source_record_no, debit_yuan, credit_yuan, balance_yuan.
    """
    account = [*BOOKS, "account_code"]
    money = _named(lines.filter(pl.col("biz_month") <= month), reference).filter(
        pl.col("role").is_in(["cash", "bank"])
    )
    opening = money.filter(before(month)).group_by(account).agg(opening=_NET.sum().cast(_YUAN))
    return (
        money.filter(in_month(month))
        .sort(*account, "biz_date", "_voucher_no", "line_no")
        .join(opening, on=account, how="left", maintain_order="left")
        .with_columns(balance_yuan=(pl.col("opening").fill_null(0) + _NET.cum_sum().over(account)).cast(_YUAN))
        .select(
            *account, "account_name", "biz_date", "_voucher_no", "event_kind", "source_record_no", "debit_yuan",
            "credit_yuan", "balance_yuan",
        )
    )  # fmt: skip


def stock_ledger(
    lines: pl.DataFrame, reference: Reference, month: str, *, by_item: bool = False
) -> pl.DataFrame:
    """Stock by the seven classes: opening, in, out and closing of the month.

    Args:
        lines: Posted lines.
        reference: Accounts.
        month: ``YYYY-MM``.
        by_item: A row for each ingredient, with quantities; those of a class cannot be added up.

    Returns:
        canteen_id, account_set, account_code, account_name (, ingredient_id), opening_yuan, in_yuan,
        out_yuan, closing_yuan (, opening_qty, in_qty, out_qty, closing_qty).
    """
    parts = [*BOOKS, "account_code", "account_name", *(["ingredient_id"] if by_item else [])]
    stock = _named(lines.filter(pl.col("biz_month") <= month), reference).filter(pl.col("role") == "stock")
    on_debit = pl.col("debit_yuan") != 0
    yuan = {
        "opening_yuan": _total(_NET, before(month)),
        "in_yuan": _total(_NET, in_month(month) & on_debit),
        "out_yuan": _total(-_NET, in_month(month) & ~on_debit),
        "closing_yuan": _NET.sum().cast(_YUAN),
    }
    qty = {
        "opening_qty": pl.col("qty").filter(before(month)).sum(),
        "in_qty": pl.col("qty").filter(in_month(month) & on_debit).sum(),
        "out_qty": -pl.col("qty").filter(in_month(month) & ~on_debit).sum(),
        "closing_qty": pl.col("qty").sum(),
    }
    return stock.group_by(parts).agg(**yuan, **(qty if by_item else {})).sort(parts)


def supplier_ledger(lines: pl.DataFrame, reference: Reference, month: str) -> pl.DataFrame:
    """What each supplier is owed: opening, bought, paid (with goods sent back) and closing of the month.

    Returns:
        canteen_id, account_set, supplier_uscc, opening_yuan, bought_yuan, paid_yuan, closing_yuan.
    """
    return (
        _named(lines.filter(pl.col("biz_month") <= month), reference)
        .filter(pl.col("role") == "payable")
        .group_by(*BOOKS, "supplier_uscc")
        .agg(
            opening_yuan=_total(-_NET, before(month)),
            bought_yuan=_total(pl.col("credit_yuan"), in_month(month)),
            paid_yuan=_total(pl.col("debit_yuan"), in_month(month)),
            closing_yuan=-_NET.sum().cast(_YUAN),
        )
        .sort(*BOOKS, "supplier_uscc", nulls_last=True)
    )
