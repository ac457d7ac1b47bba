"""Contracts of meals and their money: fees, consumption, refunds, menus. Persons are pseudonyms only."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields


class MealFee(dy.Schema):
    """Money paid in advance. It is not income until it is eaten."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    payer_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    person_hash = fields.key()
    amount_yuan = fields.yuan()
    channel = fields.code(vocabulary.CHANNELS)
    reported_at = fields.instant()


class Consumption(dy.Schema):
    """A meal taken: what it cost the payer and what was subsidised."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    meal = fields.code(vocabulary.MEALS)
    payer_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    person_hash = fields.key()
    channel = fields.code(vocabulary.CHANNELS)
    portions = dy.Int64(nullable=False, min=0, max=10_000)
    amount_yuan = fields.yuan()
    subsidy_yuan = fields.yuan()
    reported_at = fields.instant()


class Refund(dy.Schema):
    """Money given back. ``meal``: a charged meal was not taken. ``balance``: unused advance money."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    payer_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    person_hash = fields.key()
    refund_kind = fields.code(vocabulary.REFUND_KINDS)
    amount_yuan = fields.yuan()
    reason = fields.text()
    reported_at = fields.instant()


class MenuLine(dy.Schema):
    """One ingredient of one dish of a meal: a line of the weekly menu with quantities.

    ``grams_per_diner`` is the raw weight of what one pupil's meal takes, never null: a menu without grams says
    nothing. It is the weight of the edible part where ``edible_pct`` says how much of the goods is eaten; a null
    ``edible_pct`` means that the weight is as purchased.
    """

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    meal = fields.code(vocabulary.MEALS)
    dish_name = dy.String(nullable=False, min_length=1, max_length=100)
    ingredient_id = fields.key()
    grams_per_diner = dy.Decimal(18, 3, nullable=False, min=0, max=2_000)
    edible_pct = dy.Int64(nullable=True, min=1, max=100)
    reported_at = fields.instant()

    @dy.rule()
    def grams_positive(cls) -> pl.Expr:  # noqa: N805
        return pl.col("grams_per_diner") > 0
