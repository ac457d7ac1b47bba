"""The end of a month: income and expense are carried to the surplus, and the month takes no more lines.

Belongs here: the vouchers of month and year end, the rows of closed periods and their seals. Everything is a
function of its arguments.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import duckdb
import polars as pl

from pipelines.books import posting
from pipelines.books.events import CARRYING
from pipelines.books.reference import CARRIED, Reference
from pipelines.books.vouchers import Vouchers
from warehouse.errors import Permanent
from warehouse.tables import BOOK_PERIOD, POSTED_VOUCHER

_BOOKS: Final = ("canteen_id", "account_set")
_BALANCE: Final = pl.col("debit_yuan").sum() - pl.col("credit_yuan").sum()


@dataclass(frozen=True)
class Closing:
    """What closes a month.

    Attributes:
        vouchers: Vouchers of month end (and year end), checked.
        periods: Columns of ``BOOK_PERIOD``.
    """

    vouchers: Vouchers
    periods: pl.DataFrame


def last_due(as_of: dt.date, reference: Reference) -> str:
    """The last month that must be closed on a day (``deadlines.csv``)."""
    back = 1 if as_of.day >= reference.day_of_month("closing", as_of) else 2
    month = as_of.replace(day=1)
    for _ in range(back):
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return f"{month:%Y-%m}"


def plan(
    posted: pl.DataFrame,
    carried: pl.DataFrame,
    books: pl.DataFrame,
    closed: pl.DataFrame,
    reference: Reference,
    month: str,
    *,
    as_of: dt.date,
) -> Closing:
    """Close a month of some canteens.

    Args:
        posted: Lines of the month, columns of ``POSTED_VOUCHER``.
        carried: Lines of month and year end in the months of the same year before it.
        books: canteen_id, account_set: whose month is closed.
        closed: canteen_id, closed (last closed month).
        reference: Accounts and templates.
        month: ``YYYY-MM``.
        as_of: Day of the night.

    Raises:
        Permanent: The month is not over.
    """
    end = (dt.date.fromisoformat(f"{month}-01") + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    if end >= as_of:
        raise Permanent(f"{month} 尚未结束，不能结账：请在 {end} 之后再结")
    mine = posted.join(books, on=list(_BOOKS), how="semi")
    lines = [_month_end(mine, reference, end)]
    if end.month == 12:
        lines.append(_year_end(pl.concat([carried, mine, *lines]), reference, end))
    made = pl.concat(lines).join(books, on=list(_BOOKS), how="semi")
    last = mine.group_by("event_id").agg(last=pl.col("_version").max())
    versioned = made.join(last, on="event_id", how="left").with_columns(
        _version=pl.col("last").fill_null(0) + 1, _posted_on=pl.lit(as_of)
    )
    vouchers = Vouchers(posting.numbered(posting.with_month(versioned), mine), reference, closed)
    periods = _periods(pl.concat([mine, vouchers.lines]), books, end, as_of)
    return Closing(vouchers, periods)


def _month_end(posted: pl.DataFrame, reference: Reference, end: dt.date) -> pl.DataFrame:
    """Lines that bring the accounts of income and expense to nothing."""
    accounts = reference.accounts.select("account_set", "account_code", "account_class")
    moved = (
        posted.join(accounts, on=["account_set", "account_code"])
        .group_by(*_BOOKS, "account_class", "account_code")
        .agg(balance=_BALANCE)
        .filter(pl.col("balance") != 0)
        .sort(*_BOOKS, "account_code")
    )
    rules = reference.at(reference.templates, end).filter(event_kind="month_end")
    made = [_blank()]
    for rule in rules.iter_rows(named=True):
        debit_side = rule["debit_account"] in CARRIED
        named, surplus = (
            ("debit_account", "credit_account") if debit_side else ("credit_account", "debit_account")
        )
        parts = moved.filter(account_set=rule["account_set"], account_class=CARRIED[rule[named]])
        total = parts.group_by(_BOOKS, maintain_order=True).agg(
            balance=-pl.col("balance").sum(), account_code=pl.lit(rule[surplus])
        )
        both = pl.concat([parts.select(total.columns), total]).filter(pl.col("balance") != 0)
        made.append(_lines(both, rule, end, parts_on_debit=debit_side, surplus=rule[surplus]))
    return pl.concat(made)


def _lines(
    balances: pl.DataFrame, rule: dict[str, str], end: dt.date, *, parts_on_debit: bool, surplus: str
) -> pl.DataFrame:
    """Lines that take away balances, each on its template's side."""
    on_debit = (pl.col("account_code") != surplus) == pl.lit(parts_on_debit)
    nothing = pl.lit(0, pl.Decimal(18, 2))
    return _filled(
        balances.sort(*_BOOKS, ~on_debit, "account_code", maintain_order=True).with_columns(
            debit_yuan=pl.when(on_debit).then(-pl.col("balance")).otherwise(nothing),
            credit_yuan=pl.when(on_debit).then(nothing).otherwise(pl.col("balance")),
        ),
        rule,
        end,
    )


def _year_end(lines: pl.DataFrame, reference: Reference, end: dt.date) -> pl.DataFrame:
    """Lines that carry the year's surplus on, in account sets that have a template for it."""
    made = [_blank()]
    for rule in reference.at(reference.templates, end).filter(event_kind="year_end").iter_rows(named=True):
        year = (
            lines.filter(account_set=rule["account_set"], account_code=rule["debit_account"])
            .group_by(_BOOKS, maintain_order=True)
            .agg(balance=_BALANCE)
            .filter(pl.col("balance") != 0)
        )
        both = pl.concat(
            [
                year.with_columns(account_code=pl.lit(rule["debit_account"])),
                year.with_columns(-pl.col("balance"), account_code=pl.lit(rule["credit_account"])),
            ]
        )
        made.append(_lines(both, rule, end, parts_on_debit=True, surplus=rule["credit_account"]))
    return pl.concat(made)


def _blank() -> pl.DataFrame:
    return pl.DataFrame(schema=POSTED_VOUCHER)


def _filled(lines: pl.DataFrame, rule: dict[str, str], end: dt.date) -> pl.DataFrame:
    """The ledger's columns for lines of month and year end."""
    kind, detail = rule["event_kind"], rule["detail_kind"]
    name = pl.concat_str(pl.lit(kind), pl.lit(detail), *_BOOKS, pl.lit(f"{end:%Y-%m}"), separator="|")
    known = lines.with_columns(
        name.alias("event_id"),
        pl.lit(end).alias("biz_date"),
        pl.lit(end).alias("event_date"),
        pl.lit(kind).alias("event_kind"),
        pl.lit(detail).alias("detail_kind"),
        pl.lit("").alias("account_kind"),
        pl.lit("").alias("content_hash"),
        pl.lit(value=False).alias("is_red"),
        pl.lit(rule["template_id"]).alias("template_id"),
        line_no=pl.int_range(1, pl.len() + 1).over(_BOOKS),
    )
    empty = [
        pl.lit(None, dtype).alias(name) for name, dtype in POSTED_VOUCHER.items() if name not in known.columns
    ]
    return known.with_columns(empty).select(
        pl.col(name).cast(dtype) for name, dtype in POSTED_VOUCHER.items()
    )


def _periods(lines: pl.DataFrame, books: pl.DataFrame, end: dt.date, as_of: dt.date) -> pl.DataFrame:
    """One row for each canteen, also where nothing happened."""
    return (
        books.join(sealed(lines), on=list(_BOOKS), how="left")
        .with_columns(
            pl.col("voucher_count", "line_count", "debit_yuan").fill_null(0),
            pl.col("seal").fill_null("0"),
            biz_date=pl.lit(end),
            biz_month=pl.lit(f"{end:%Y-%m}"),
            _closed_on=pl.lit(as_of),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in BOOK_PERIOD.items())
    )


def sealed(lines: pl.DataFrame) -> pl.DataFrame:
    """Counts and seal of the lines of each canteen, account set and month.

    Args:
        lines: Columns of ``POSTED_VOUCHER``.

    Returns:
        canteen_id, account_set, biz_month, voucher_count, line_count, debit_yuan, seal; the seal does not
        depend on the order of lines.
    """
    text = ", ".join(f"coalesce(cast({name} as varchar), chr(1))" for name in POSTED_VOUCHER)
    with duckdb.connect() as connection:
        connection.register("lines", lines.select(list(POSTED_VOUCHER)).to_arrow())
        return connection.execute(
            "select canteen_id, account_set, biz_month, count(*) filter (line_no = 1) as voucher_count, "  # noqa: S608 - our own column names
            "count(*) as line_count, cast(sum(debit_yuan) as decimal(18, 2)) as debit_yuan, "
            f"cast(sum(cast(md5_number_lower(concat_ws(chr(31), {text})) as hugeint)) as varchar) as seal "
            "from lines group by all"
        ).pl()


def carrying(lines: pl.DataFrame) -> pl.DataFrame:
    """The lines of month and year end."""
    return lines.filter(pl.col("event_kind").is_in(list(CARRYING)))
