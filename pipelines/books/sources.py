"""Silver feeds to events of the books.

Belongs here: which rows of which feed are which event, under registered keys and in base units. Meals and
payments of persons become one event for each canteen, day, account and way of payment, so that no pseudonym
reaches the books; documents become one event each. Does not belong here: posting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Final

import polars as pl

from pipelines.books.events import EVENT
from warehouse import delta, vocabulary
from warehouse.settings import Settings
from warehouse.tables import SILVER

MONEY_FEEDS: Final = (
    "meal_fee",
    "consumption",
    "refund",
    "settlement",
    "fund_split",
    "supplier_payment",
    "expense",
    "opening_balance",
)
STOCK_FEEDS: Final = ("purchase", "stock_move", "opening_balance")
"""The feed of opening balances is in both: its rows about stock move stock, the others do not."""
_DIRECT: Final = ("cash", "bank")
"""Channels whose money is in the till or the account at once; the others settle later."""
_MILLION: Final = 1_000_000
_MOVES: Final = {
    "issue": "issue_to_kitchen",
    "issue_return": "issue_return",
    "supplier_return": "supplier_return",
    "loss": "loss",
}


def read(settings: Settings, *, days: Iterable[dt.date], stock_from: dt.date, last: dt.date) -> pl.DataFrame:
    """Events of silver: of money on some days, of stock from a day on.

    Args:
        settings: The data home.
        days: Days of the money feeds.
        stock_from: First day of a month, see ``Scope``.
        last: Last day of stock moves.

    Returns:
        Columns of ``EVENT``.
    """
    stock_days = pl.date_range(stock_from, last, eager=True).to_list() if stock_from <= last else []

    def silver(name: str, wanted: list[dt.date] | None) -> pl.DataFrame:
        return delta.read(settings.table(f"silver.{name}"), SILVER[name], days=wanted)

    money = {name: silver(name, list(days)) for name in MONEY_FEEDS}
    stock = {name: silver(name, stock_days) for name in STOCK_FEEDS}
    of_stock = pl.col("balance_kind") == "stock"
    begun = [money["opening_balance"].filter(~of_stock), stock["opening_balance"].filter(of_stock)]
    feeds = money | stock | {"opening_balance": pl.concat(begun)}
    feeds |= {name: silver(name, None) for name in ("provider_key", "ingredient")}
    return of_feeds(feeds)


def of_feeds(feeds: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Events of silver rows.

    Args:
        feeds: ``MONEY_FEEDS``, ``STOCK_FEEDS``, ``provider_key`` and ``ingredient``, with their silver columns.
    """
    makers: dict[str, Callable[[pl.DataFrame], list[pl.DataFrame]]] = {
        "meal_fee": _fees,
        "consumption": _meals,
        "refund": _refunds,
        "settlement": _settlements,
        "fund_split": _funds,
        "supplier_payment": _payments,
        "expense": _expenses,
    }
    keys = feeds["provider_key"]
    made = [part for name, make in makers.items() for part in make(registered(feeds[name], keys))]
    goods = {name: _in_base_units(registered(feeds[name], keys), feeds) for name in STOCK_FEEDS}
    made += [
        _purchases(goods["purchase"]),
        _stock_moves(goods["stock_move"]),
        _openings(goods["opening_balance"]),
    ]
    return pl.concat(made)


def registered(rows: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Rows under the registered ids of canteens and suppliers."""
    for entity, column in (("canteen", "canteen_id"), ("supplier", "supplier_uscc")):
        if column in rows.columns:
            known = keys.filter(pl.col("entity") == entity, pl.col("target_code").is_not_null()).select(
                "_provider", "target_code", pl.col("source_key").alias(column)
            )
            rows = rows.join(known, on=["_provider", column], how="left").with_columns(
                pl.coalesce("target_code", column).alias(column)
            )
            rows = rows.drop("target_code")
    return rows


def _in_base_units(rows: pl.DataFrame, feeds: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows under registered ingredients, with ``category`` and the factor to the base unit in millionths."""
    library = feeds["ingredient"]
    named = library.group_by("ingredient_name").agg(named=pl.col("ingredient_id").min())
    own = (
        feeds["provider_key"]
        .filter(pl.col("entity") == "ingredient")
        .join(named, left_on="name", right_on="ingredient_name", how="left")
        .select(
            "_provider",
            ingredient_id="source_key",
            target=pl.coalesce("target_code", "named"),
            own_unit="unit",
        )
    )
    factors = pl.DataFrame(
        [(unit, int(factor * _MILLION)) for unit, factor in vocabulary.UNIT_FACTORS.items()],
        {"unit": pl.String, "millionths": pl.Int64},
        orient="row",
    )
    return (
        rows.join(own, on=["_provider", "ingredient_id"], how="left")
        .with_columns(ingredient_id=pl.coalesce("target", "ingredient_id"))
        .join(
            library.select("ingredient_id", "category", "base_unit").unique("ingredient_id"),
            on="ingredient_id",
            how="left",
        )
        .with_columns(unit=pl.coalesce("unit", "own_unit", "base_unit"))
        .join(factors, on="unit", how="left")
        .with_columns(pl.col("millionths").fill_null(_MILLION))
    )


def _based(column: str) -> pl.Expr:
    """A quantity in base units, rounded half up to the thousandth."""
    product = (pl.col(column) * 1000).cast(pl.Int128) * pl.col("millionths")
    milli = (product * 2 + _MILLION) // (2 * _MILLION)
    return (milli.cast(pl.Decimal(38, 3)) / 1000).cast(pl.Decimal(18, 3))


def _summed(rows: pl.DataFrame, kind: str, amount: str, detail: str = "") -> pl.DataFrame:
    """One event for each canteen, day, account and way of payment."""
    by = ["canteen_id", "biz_date", "account_kind", "payment_method", "detail_kind"]
    shaped = rows.with_columns(account_kind="payer_kind") if "payer_kind" in rows.columns else rows
    filled = [
        pl.lit(value).alias(name)
        for name, value in (("payment_method", ""), ("detail_kind", detail))
        if name not in rows.columns
    ]
    sums = shaped.with_columns(filled).group_by(by).agg(amount_yuan=pl.col(amount).sum())
    name = pl.concat_str(pl.lit(kind), *(pl.col(one).cast(pl.String) for one in by), separator="|")
    return _events(sums, kind, name)


def _single(rows: pl.DataFrame, feed: str, kind: str, amount: str) -> pl.DataFrame:
    """One event for each document."""
    name = pl.concat_str(pl.lit(kind), "_provider", "canteen_id", "record_no", separator="|")
    shaped = rows.with_columns(amount_yuan=amount, source_feed=pl.lit(feed), source_record_no="record_no")
    return _events(shaped, kind, name)


def _events(rows: pl.DataFrame, kind: str, name: pl.Expr) -> pl.DataFrame:
    made = rows.with_columns(name.alias("event_id"), event_kind=pl.lit(kind))
    defaults = {"account_kind": "pupil", "detail_kind": "", "payment_method": ""}
    empty = [
        pl.lit(defaults.get(name), dtype).alias(name)
        for name, dtype in EVENT.items()
        if name not in made.columns
    ]
    return made.with_columns(empty).select(pl.col(name).cast(dtype) for name, dtype in EVENT.items())


def _paid(method: str) -> pl.Expr:
    return pl.when(pl.col(method) == "cash").then(pl.lit("cash")).otherwise(pl.lit(""))


def _fees(rows: pl.DataFrame) -> list[pl.DataFrame]:
    way = pl.when(pl.col("channel").is_in(list(_DIRECT))).then(_paid("channel")).otherwise(pl.lit("transit"))
    return [_summed(rows.with_columns(payment_method=way), "fee_prepaid", "amount_yuan")]


def _meals(rows: pl.DataFrame) -> list[pl.DataFrame]:
    return [
        _summed(rows, "meals_consumed", "amount_yuan"),
        _summed(rows.filter(pl.col("subsidy_yuan") != 0), "subsidy_used", "subsidy_yuan"),
    ]


def _refunds(rows: pl.DataFrame) -> list[pl.DataFrame]:
    detail = pl.when(pl.col("refund_kind") == "meal").then(pl.lit("meal")).otherwise(pl.lit(""))
    return [_summed(rows.with_columns(detail_kind=detail), "refund", "amount_yuan")]


def _settlements(rows: pl.DataFrame) -> list[pl.DataFrame]:
    later = rows.filter(~pl.col("channel").is_in(list(_DIRECT)))
    return [
        _single(later, "settlement", "channel_settled", "net_yuan"),
        _single(later, "settlement", "channel_fee", "fee_yuan"),
    ]


def _funds(rows: pl.DataFrame) -> list[pl.DataFrame]:
    subsidy = pl.col("fund_kind") == "subsidy"
    return [
        _single(rows.filter(subsidy), "fund_split", "subsidy_received", "amount_yuan"),
        _single(
            rows.filter(~subsidy).with_columns(detail_kind="fund_kind"),
            "fund_split",
            "fund_split",
            "amount_yuan",
        ),
    ]


def _payments(rows: pl.DataFrame) -> list[pl.DataFrame]:
    paid = rows.with_columns(payment_method=_paid("payment_method"))
    return [_single(paid, "supplier_payment", "supplier_paid", "amount_yuan")]


def _expenses(rows: pl.DataFrame) -> list[pl.DataFrame]:
    paid = rows.with_columns(payment_method=_paid("payment_method"), detail_kind="expense_kind")
    kind, out = pl.col("expense_kind"), pl.col("money_direction") == "out"
    own = {("wages", True), ("utilities", True), ("bank_fee", True), ("interest", False)}
    special = pl.any_horizontal(*((kind == name) & (out if is_out else ~out) for name, is_out in own))
    plain = paid.with_columns(detail_kind=pl.lit(""))
    return [
        _single(plain.filter(out & (kind == "wages")), "expense", "wages_accrued", "amount_yuan"),
        _single(plain.filter(out & (kind == "wages")), "expense", "wages_paid", "amount_yuan"),
        _single(plain.filter(out & (kind == "utilities")), "expense", "utilities", "amount_yuan"),
        _single(plain.filter(out & (kind == "bank_fee")), "expense", "bank_fee", "amount_yuan"),
        _single(plain.filter(~out & (kind == "interest")), "expense", "bank_interest", "amount_yuan"),
        _single(paid.filter(out & ~special), "expense", "expense", "amount_yuan"),
        _single(paid.filter(~out & ~special), "expense", "receipt", "amount_yuan"),
    ]


def _purchases(rows: pl.DataFrame) -> pl.DataFrame:
    taken = rows.filter(pl.col("accepted_on").is_not_null(), pl.col("accepted_qty") > 0)
    return _single(
        taken.with_columns(qty=_based("accepted_qty")), "purchase", "goods_accepted", "amount_yuan"
    ).filter(pl.col("qty") > 0)


def _openings(rows: pl.DataFrame) -> pl.DataFrame:
    of_stock = pl.col("balance_kind") == "stock"
    found = rows.filter(pl.col("amount_yuan") != 0).with_columns(
        qty=pl.when(of_stock).then(_based("qty")),
        ingredient_id=pl.when(of_stock).then("ingredient_id"),
        detail_kind="balance_kind",
    )
    return _single(found, "opening_balance", "opening", "amount_yuan")


def _stock_moves(rows: pl.DataFrame) -> pl.DataFrame:
    moved = rows.with_columns(qty=_based("qty"), detail_kind="purpose")
    parts = [
        _single(moved.filter(pl.col("move_kind") == move), "stock_move", kind, "amount_yuan")
        for move, kind in _MOVES.items()
    ]
    return pl.concat(parts).filter(pl.col("qty") > 0)
