"""Silver rows to events of the three flows.

Belongs here: which rows of which feed are money on a canteen's accounts, under registered keys. Payments of persons
are added up for each canteen, day and account, so that no pseudonym reaches the flows; everything else is one event
a document. Does not belong here: comparing events (``pipelines.flows.weeks``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from pipelines.books import reference
from pipelines.books.sources import registered
from warehouse import delta, vocabulary
from warehouse.settings import Settings
from warehouse.tables import FLOW_EVENT, SILVER

Days = frozenset[dt.date]
EVENT: Final = [
    *("canteen_id", "biz_date", "event_id", "flow", "source_feed", "record_no", "account_no", "account_role"),
    *("direction", "amount_yuan", "kind", "party", "text", "ref", "_provider"),
]
"""Columns of ``silver.flow_event`` that say what happened; the others say what came of comparing it."""
FEEDS: Final = (
    "bank_line",
    "voucher_line",
    "settlement",
    "fund_split",
    "supplier_payment",
    "expense",
    "refund",
    "meal_fee",
)
REFERENCES: Final = {
    "provider_key": FEEDS,
    "org": ("bank_line",),
    "bank_account": ("bank_line",),
    "supplier": ("supplier_payment",),
}
"""Reference feeds, and the feeds whose events they may change."""
FLOWS: Final = {"bank_line": "bank", "voucher_line": "books"}
SETTLED_WITHIN: Final = dt.timedelta(days=10)
"""How near to a parent's transfer a settlement of transfers shows that they are settled in sums."""
_KINDS: Final = ("wages", "utilities", "bank_fee", "interest")
_DOCUMENTED: Final = ("settlement", "fund_split", "supplier_payment", "refund")


def read(settings: Settings, days: Mapping[str, Days | None]) -> pl.DataFrame:
    """Events of some days of each feed.

    Args:
        settings: The data home.
        days: Days by feed; ``None`` means every day.

    Returns:
        Columns of ``EVENT``, only of canteens that in the month delivered a bank statement or vouchers.
    """

    def silver(name: str, wanted: Days | None) -> pl.DataFrame:
        return delta.read(settings.table(f"silver.{name}"), SILVER[name], days=wanted)

    feeds = {name: silver(name, days[name]) for name in FEEDS}
    feeds |= {name: silver(name, None) for name in REFERENCES}
    paid = days["meal_fee"]
    feeds["settled_near"] = silver("settlement", None if paid is None else reach(paid, SETTLED_WITHIN))
    months = {f"{day:%Y-%m}" for one in days.values() for day in one or ()}
    known = present(settings, None if None in days.values() else months)
    month = pl.col("biz_date").dt.strftime("%Y-%m")
    return (
        of_feeds(feeds)
        .with_columns(biz_month=month)
        .join(known, on=["canteen_id", "biz_month"], how="semi")
        .select(EVENT)
    )


def reach(days: Days, span: dt.timedelta) -> Days:
    """The days, and those up to a span before or after each."""
    return frozenset(day + dt.timedelta(days=n) for day in days for n in range(-span.days, span.days + 1))


def in_months(file: delta.DataFile, months: set[str]) -> bool:
    """Whether a file of a table by month holds one of some months."""
    return any(f"{day:%Y-%m}" in months for day in (file.first, file.last) if day is not None)


def present(settings: Settings, months: set[str] | None) -> pl.DataFrame:
    """canteen_id, biz_month: who delivered a bank line or a voucher in a month.

    Of the others business alone is known; comparing it with nothing would call every payment missing.

    Args:
        settings: The data home.
        months: Only these months, all when ``None``.
    """

    def days_of(name: str, key: str) -> pl.DataFrame:
        files = delta.files(settings.table(f"silver.{name}"))
        held = [file for file in files if months is None or in_months(file, months)]
        return delta.read_files(held, SILVER[name], columns=[key, "biz_date", "_provider"]).unique()

    references = {
        name: delta.read(settings.table(f"silver.{name}"), SILVER[name])
        for name in ("provider_key", "org", "bank_account")
    }
    found = [
        registered(days_of("voucher_line", "canteen_id"), references["provider_key"]),
        _owned(days_of("bank_line", "account_no"), references),
    ]
    month = pl.col("biz_date").dt.strftime("%Y-%m")
    known = pl.concat([rows.select("canteen_id", biz_month=month) for rows in found]).unique()
    return known if months is None else known.filter(pl.col("biz_month").is_in(sorted(months)))


def of_feeds(feeds: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Events of silver rows.

    Args:
        feeds: ``FEEDS`` and ``REFERENCES``, with their silver columns, and ``settled_near``: settlements about
            the days of ``meal_fee``.
    """
    keys = feeds["provider_key"]
    made: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
        "bank_line": lambda rows: _bank(rows, feeds),
        "voucher_line": _books,
        "settlement": _settlements,
        "fund_split": _funds,
        "supplier_payment": lambda rows: _payments(rows, feeds["supplier"]),
        "expense": _expenses,
        "refund": _refunds,
        "meal_fee": lambda rows: _fees(rows, registered(feeds["settled_near"], keys)),
    }
    parts = [
        _events(make(feeds[name] if name == "bank_line" else registered(feeds[name], keys)), name)
        for name, make in made.items()
    ]
    return pl.concat(parts)


def _events(rows: pl.DataFrame, feed: str) -> pl.DataFrame:
    """Columns of ``EVENT``, with the event's name; rows without money are none."""
    day = pl.col("biz_date").dt.strftime("%Y%m%d")
    owner = "account_no" if feed == "bank_line" else "canteen_id"
    made = rows.filter(pl.col("amount_yuan") > 0).with_columns(
        flow=pl.lit(FLOWS.get(feed, "business")),
        source_feed=pl.lit(feed),
        event_id=pl.concat_str(pl.lit(feed), "_provider", owner, day, "record_no", separator=":"),
    )
    empty = [pl.lit(None, FLOW_EVENT[name]).alias(name) for name in EVENT if name not in made.columns]
    return made.with_columns(empty).select(pl.col(name).cast(FLOW_EVENT[name]) for name in EVENT)


def _said(*columns: str) -> pl.Expr:
    """What stands in several columns, as one text; null where all are empty."""
    text = pl.concat_str(columns, separator=" ", ignore_nulls=True).str.strip_chars()
    return pl.when(text.str.len_chars() > 0).then(text)


def _owned(lines: pl.DataFrame, references: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Bank lines with ``canteen_id`` and ``account_role``; lines on accounts of no canteen are left out.

    An account is a canteen's if it is registered to it, or to a school that has no other canteen.
    """
    accounts = references["bank_account"].select(
        "account_no", "account_role", "org_id", "valid_from", until=pl.col("valid_to")
    )
    canteens = (
        references["org"]
        .filter(pl.col("org_kind") == "canteen")
        .select("org_id", "parent_id")
        .unique("org_id")
    )
    single = canteens.filter(pl.len().over("parent_id") == 1).select(org_id="parent_id", canteen_id="org_id")
    direct = canteens.select("org_id", canteen_id="org_id")
    owners = accounts.join(pl.concat([direct, single]), on="org_id")
    return (
        lines.join(owners, on="account_no")
        .filter(
            pl.col("biz_date") >= pl.col("valid_from"),
            pl.col("until").is_null() | (pl.col("biz_date") <= pl.col("until")),
        )
        .sort("account_no", "biz_date", "valid_from", "canteen_id")
        .unique(lines.columns, keep="last", maintain_order=True)
    )


def _bank(lines: pl.DataFrame, references: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    reversal = pl.when("is_reversal").then(pl.lit("冲正"))
    return _owned(lines.with_columns(reversal=reversal), references).with_columns(
        party="counterparty_name", text=_said("summary", "purpose_text", "reversal"), ref="serial_no"
    )


def _books(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines of upstream vouchers on the bank accounts of the chart; a red entry moves the money back."""
    bank = (
        reference.load().accounts.filter(pl.col("role") == "bank").select("account_set", head="account_code")
    )
    net = pl.col("debit_yuan") - pl.col("credit_yuan")
    known = pl.col("source_feed").is_in(list(_DOCUMENTED))
    return (
        lines.join(bank.unique(), on="account_set")
        .filter(pl.col("account_code").str.starts_with(pl.col("head")))
        .with_columns(
            direction=pl.when(net > 0).then(pl.lit("in")).otherwise(pl.lit("out")),
            amount_yuan=net.abs(),
            text="summary",
            ref="source_record_no",
            kind=pl.when(known).then("source_feed"),
        )
    )


def _settlements(rows: pl.DataFrame) -> pl.DataFrame:
    channel = pl.col("channel").replace(vocabulary.CHANNELS)
    return rows.with_columns(
        direction=pl.lit("in"),
        amount_yuan="net_yuan",
        kind=pl.lit("settlement"),
        text=pl.format("收{}餐费结算{}", channel, pl.col("trade_date").dt.strftime("%m%d")),
        ref="record_no",
    )


def _funds(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        direction=pl.lit("in"),
        account_no="to_account_no",
        kind=pl.lit("fund_split"),
        text=pl.col("fund_kind").replace(vocabulary.FUND_KINDS),
        ref="record_no",
    )


def _payments(rows: pl.DataFrame, suppliers: pl.DataFrame) -> pl.DataFrame:
    names = suppliers.sort("valid_from", "supplier_name").unique(
        "supplier_uscc", keep="last", maintain_order=True
    )
    return (
        rows.filter(pl.col("payment_method") == "bank")
        .join(names.select("supplier_uscc", party="supplier_name"), on="supplier_uscc", how="left")
        .with_columns(
            direction=pl.lit("out"),
            kind=pl.lit("supplier_payment"),
            text=_said("purpose_text", "invoice_no", "serial_no"),
            ref="record_no",
        )
    )


def _expenses(rows: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("expense_kind").is_in(list(_KINDS))
    return rows.filter(pl.col("payment_method") == "bank").with_columns(
        direction="money_direction",
        kind=pl.when(known).then("expense_kind").otherwise(pl.lit("other")),
        party="counterparty_name",
        text="purpose_text",
        ref="record_no",
    )


def _refunds(rows: pl.DataFrame) -> pl.DataFrame:
    """Balances paid out; a meal that was taken back stays on the person's account."""
    paid = _summed(rows.filter(pl.col("refund_kind") == "balance"))
    return paid.with_columns(
        direction=pl.lit("out"), kind=pl.lit("refund"), text=pl.format("退餐费余额 {}笔", "persons")
    )


def _fees(rows: pl.DataFrame, settlements: pl.DataFrame) -> pl.DataFrame:
    """Parents' transfers, unless about that time settlements stand for them."""
    near = pl.date_ranges(pl.col("biz_date") - SETTLED_WITHIN, pl.col("biz_date") + SETTLED_WITHIN)
    settled = (
        settlements.filter(pl.col("channel") == "bank")
        .select("canteen_id", "biz_date")
        .unique()
        .select("canteen_id", biz_date=near)
        .explode("biz_date")
        .unique()
    )
    direct = rows.filter(pl.col("channel") == "bank").join(settled, on=["canteen_id", "biz_date"], how="anti")
    return _summed(direct).with_columns(
        direction=pl.lit("in"), kind=pl.lit("settlement"), text=pl.format("收银行餐费 {}笔", "persons")
    )


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    """One row for each provider, canteen, day and account; ``record_no`` is the account's kind."""
    return rows.group_by("_provider", "canteen_id", "biz_date", record_no="payer_kind").agg(
        pl.col("amount_yuan").sum().cast(pl.Decimal(18, 2)), persons=pl.len()
    )
