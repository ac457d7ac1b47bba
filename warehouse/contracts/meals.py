"""Contracts of the meal-money feeds: fees, consumption, refunds. Persons are pseudonyms only."""

from __future__ import annotations

import dataframely as dy

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
