"""Contracts of the supply feeds: purchases with acceptance and rejects, stock moves, stock-takes."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields


def _unit_known() -> pl.Expr:
    return pl.col("unit").is_null() | pl.col("unit").is_in(list(vocabulary.UNIT_FACTORS))


def _not_in_future() -> pl.Expr:
    """The business day (Asia/Shanghai) is not after the day on which the row was reported."""
    return pl.col("biz_date") <= pl.col("reported_at").dt.convert_time_zone("Asia/Shanghai").dt.date()


def _milli(column: str) -> pl.Expr:
    """A quantity in thousandths, as a whole number."""
    return (pl.col(column) * 1_000).cast(pl.Int64)


class Purchase(dy.Schema):
    """One delivered (or only ordered) line.

    ``amount_yuan`` is the amount of what was accepted: accepted_qty x unit_price, to the cent.
    A line that was never accepted has no ``accepted_on`` and no accepted quantity. A null ``unit``
    means the unit of the provider's own product list. ``ordered_qty`` 0 means bought without an order.
    """

    record_no = fields.key()
    canteen_id = fields.key()
    account_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    biz_date = fields.day()
    order_no = fields.text()
    supplier_uscc = fields.key()
    ingredient_id = fields.key()
    spec = fields.text()
    unit = dy.String(nullable=True)
    ordered_qty = fields.quantity()
    accepted_qty = fields.quantity()
    rejected_qty = fields.quantity()
    unit_price = fields.price()
    amount_yuan = fields.yuan()
    accepted_on = fields.day(nullable=True)
    acceptor_count = dy.Int64(nullable=True, min=0, max=100)
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return _unit_known()

    @dy.rule()
    def not_in_future(cls) -> pl.Expr:  # noqa: N805
        return _not_in_future()

    @dy.rule()
    def amount_matches(cls) -> pl.Expr:  # noqa: N805
        # Whole numbers (milli-units x micro-yuan), so that no float decides; 0.01 yuan = 10^7.
        qty = _milli("accepted_qty").cast(pl.Int128)
        unit_price = (pl.col("unit_price") * 1_000_000).cast(pl.Int64).cast(pl.Int128)
        amount = (pl.col("amount_yuan") * 100).cast(pl.Int64).cast(pl.Int128) * 10_000_000
        return (qty * unit_price - amount).abs() <= 10_000_000

    @dy.rule()
    def accepted_within_ordered(cls) -> pl.Expr:  # noqa: N805
        # Half as much again and one unit: goods are weighed, and small orders come in whole packs. What
        # exceeds this is a slip (a lost decimal point); a smaller excess is a matter for a finding.
        came = _milli("accepted_qty") + _milli("rejected_qty")
        return (pl.col("ordered_qty") == 0) | (came * 2 <= _milli("ordered_qty") * 3 + 2_000)


class StockMove(dy.Schema):
    """Goods leaving or re-entering the store room. Entries are the accepted purchases."""

    record_no = fields.key()
    canteen_id = fields.key()
    account_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    biz_date = fields.day()
    ingredient_id = fields.key()
    move_kind = fields.code(vocabulary.MOVE_KINDS)
    qty = fields.quantity()
    unit = dy.String(nullable=True)
    amount_yuan = fields.yuan(nullable=True)
    purpose = fields.code(vocabulary.PURPOSES)
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return _unit_known()

    @dy.rule()
    def not_in_future(cls) -> pl.Expr:  # noqa: N805
        return _not_in_future()

    @dy.rule()
    def amount_required(cls) -> pl.Expr:  # noqa: N805
        return (pl.col("move_kind") != "supplier_return") | pl.col("amount_yuan").is_not_null()


class Stocktake(dy.Schema):
    """One counted item at the end of a day. ``unit_price`` values stock that was never bought here."""

    record_no = fields.key()
    canteen_id = fields.key()
    account_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    biz_date = fields.day()
    ingredient_id = fields.key()
    counted_qty = fields.quantity()
    unit = dy.String(nullable=True)
    unit_price = fields.price(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return _unit_known()

    @dy.rule()
    def not_in_future(cls) -> pl.Expr:  # noqa: N805
        return _not_in_future()
