"""Contracts of the price feeds: dated references, suppliers' quotations, agreed discounts."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields


def _period_ordered() -> pl.Expr:
    return pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("valid_from"))


def _unit_known() -> pl.Expr:
    return pl.col("unit").is_in(list(vocabulary.UNIT_FACTORS))


class PriceReference(dy.Schema):
    """What an item costs somewhere from a day on: a bulletin, a market's table, a tender, a set limit.

    Without ``valid_to`` it holds until the same source says another price. ``confidence`` is that of the
    source. A source's day is replaced as a whole by a newer file. ``change_pct`` is what the source itself
    says the price did since its last one; a file may lack the column.
    """

    record_no = fields.key()
    source_code = fields.key()
    price_kind = fields.code(vocabulary.PRICE_KINDS)
    place = fields.text(nullable=False)
    item_name = fields.text(nullable=False)
    spec = fields.text()
    unit = dy.String(nullable=False)
    unit_price = fields.price()
    low_price = fields.price(nullable=True)
    high_price = fields.price(nullable=True)
    change_pct = dy.Decimal(18, 2, nullable=True, min=-100, max=10_000)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    confidence = fields.code(vocabulary.SOURCE_CONFIDENCES)
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return _unit_known() | pl.col("unit").is_in(vocabulary.PACK_UNITS)

    @dy.rule()
    def pair_complete(cls) -> pl.Expr:  # noqa: N805
        return ~pl.col("item_name").str.starts_with(vocabulary.UNPAIRED)

    @dy.rule()
    def price_positive(cls) -> pl.Expr:  # noqa: N805
        return pl.col("unit_price") > 0

    @dy.rule()
    def price_within_range(cls) -> pl.Expr:  # noqa: N805
        low = pl.col("low_price").is_null() | (pl.col("low_price") <= pl.col("unit_price"))
        high = pl.col("high_price").is_null() | (pl.col("high_price") >= pl.col("unit_price"))
        return low & high

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return _period_ordered()


class Quotation(dy.Schema):
    """What a supplier offers an ingredient for, to an organisation and all below it, between two days."""

    record_no = fields.key()
    supplier_uscc = fields.key()
    org_id = fields.key()
    ingredient_id = fields.key()
    spec = fields.text()
    unit = dy.String(nullable=False)
    unit_price = fields.price()
    valid_from = fields.day()
    valid_to = fields.day()
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return _unit_known()

    @dy.rule()
    def price_positive(cls) -> pl.Expr:  # noqa: N805
        return pl.col("unit_price") > 0

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return _period_ordered()


class PriceAgreement(dy.Schema):
    """A discount on a kind of reference price that a supplier agreed with an organisation.

    Without ``category`` it is for all food.
    """

    record_no = fields.key()
    supplier_uscc = fields.key()
    org_id = fields.key()
    category = fields.code(vocabulary.FOOD_CATEGORIES, nullable=True)
    price_kind = fields.code(vocabulary.PRICE_KINDS)
    discount_pct = dy.Decimal(18, 2, nullable=False, min=0, max=100)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return _period_ordered()
