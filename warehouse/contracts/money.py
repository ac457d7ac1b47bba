"""Contracts of the money feeds: accounts, settlements, invoices, payments, expenses, vouchers, duties.

Belongs here: what a canteen's money does outside the meal (``meals``) and the bank's own file (``bank``).
Persons are pseudonyms only.
"""

from __future__ import annotations

from typing import Final

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields

_CENT: Final = 100


def _cents(column: str) -> pl.Expr:
    return (pl.col(column) * _CENT).cast(pl.Int64)


class BankAccount(dy.Schema):
    """An account that an organisation has registered, from a day on.

    ``account_role`` says what may pass through it: only a ``special`` account may hold meal money.
    """

    account_no = fields.key()
    org_id = fields.key()
    account_role = fields.code(vocabulary.ACCOUNT_ROLES)
    account_name = fields.text()
    bank_name = fields.text()
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return pl.col("valid_to").is_null() | (pl.col("valid_from") <= pl.col("valid_to"))


class Settlement(dy.Schema):
    """What a payment channel pays over in one sum: the payments of ``trade_date``, less its own fee.

    ``biz_date`` is the day on which the channel says that it paid to ``account_no``.
    """

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    trade_date = fields.day()
    channel = fields.code(vocabulary.CHANNELS)
    account_no = fields.key()
    item_count = dy.Int64(nullable=False, min=0, max=10_000_000)
    gross_yuan = fields.yuan()
    fee_yuan = fields.yuan()
    net_yuan = fields.yuan()
    reported_at = fields.instant()

    @dy.rule()
    def net_adds_up(cls) -> pl.Expr:  # noqa: N805
        return _cents("gross_yuan") - _cents("fee_yuan") == _cents("net_yuan")

    @dy.rule()
    def settled_after_trade(cls) -> pl.Expr:  # noqa: N805
        return pl.col("trade_date") <= pl.col("biz_date")


class ControlTotal(dy.Schema):
    """What the source itself counts for a feed, a canteen and a day: rows and yuan."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    controlled_feed = fields.code(vocabulary.CONTROLLED_FEEDS)
    row_count = dy.Int64(nullable=False, min=0, max=10_000_000)
    total_yuan = fields.bank_yuan()
    reported_at = fields.instant()


class MealLeave(dy.Schema):
    """A person does not eat on a day; without ``meal`` at none of the day's meals."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    meal = fields.code(vocabulary.MEALS, nullable=True)
    payer_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    person_hash = fields.key()
    requested_at = fields.instant(nullable=True)
    reported_at = fields.instant()


class SubsidyRoster(dy.Schema):
    """A pupil's subsidy of a month: days taken times the daily rate. ``biz_date`` is the month's last day."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    person_hash = fields.key()
    meal_days = dy.Int64(nullable=False, min=0, max=31)
    rate_yuan = fields.yuan()
    amount_yuan = fields.yuan()
    reported_at = fields.instant()

    @dy.rule()
    def subsidy_matches(cls) -> pl.Expr:  # noqa: N805
        return pl.col("meal_days") * _cents("rate_yuan") == _cents("amount_yuan")


class OpeningBalance(dy.Schema):
    """What stood at the start of ``biz_date``, the first day whose records a canteen delivers.

    One row for each account, supplier owed (``payable``), stocked ingredient (``stock``) and kind of account holder
    (``prepaid``); ``account_kind`` tells pupils from teachers.
    """

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    balance_kind = fields.code(vocabulary.BALANCE_KINDS)
    account_kind = fields.code(vocabulary.ACCOUNT_KINDS)
    account_no = fields.text()
    supplier_uscc = fields.text()
    ingredient_id = fields.text()
    unit = dy.String(nullable=True)
    qty = fields.quantity(nullable=True)
    amount_yuan = fields.yuan()
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return pl.col("unit").is_null() | pl.col("unit").is_in(list(vocabulary.UNIT_FACTORS))

    @dy.rule()
    def balance_named(cls) -> pl.Expr:  # noqa: N805
        kind = pl.col("balance_kind")
        stocked = pl.col("ingredient_id").is_not_null() & (pl.col("qty") > 0).fill_null(value=False)
        return ((kind != "stock") | stocked) & ((kind != "payable") | pl.col("supplier_uscc").is_not_null())


class FundSplit(dy.Schema):
    """Money that the bureau passes on to a canteen's account."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    fund_kind = fields.code(vocabulary.FUND_KINDS)
    from_account_no = fields.key()
    to_account_no = fields.key()
    amount_yuan = fields.yuan()
    reported_at = fields.instant()


class Invoice(dy.Schema):
    """One line of a supplier's invoice. ``amount_yuan`` is what is owed, tax included; ``tax_yuan`` is part of it.

    ``order_no`` names the order; a red invoice (红字) is a line of its own with ``is_red``, never negative.
    """

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    invoice_no = fields.key()
    supplier_uscc = fields.key()
    order_no = fields.text()
    ingredient_id = fields.key()
    unit = dy.String(nullable=True)
    qty = fields.quantity()
    unit_price = fields.price()
    amount_yuan = fields.yuan()
    tax_yuan = fields.yuan()
    is_red = dy.Bool(nullable=False)
    reported_at = fields.instant()

    @dy.rule()
    def unit_known(cls) -> pl.Expr:  # noqa: N805
        return pl.col("unit").is_null() | pl.col("unit").is_in(list(vocabulary.UNIT_FACTORS))

    @dy.rule()
    def tax_within_amount(cls) -> pl.Expr:  # noqa: N805
        return _cents("tax_yuan") <= _cents("amount_yuan")


class SupplierPayment(dy.Schema):
    """What the school's books say was paid to a supplier. ``serial_no`` is the bank's, where it was noted."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    supplier_uscc = fields.key()
    invoice_no = fields.text()
    account_no = fields.text()
    payment_method = fields.code(vocabulary.PAYMENT_METHODS)
    amount_yuan = fields.yuan()
    serial_no = fields.text()
    purpose_text = fields.text()
    reported_at = fields.instant()


class Expense(dy.Schema):
    """What a canteen spends besides goods, or receives besides meals and subsidies (``money_direction``)."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    expense_kind = fields.code(vocabulary.EXPENSE_KINDS)
    money_direction = fields.code(vocabulary.BANK_DIRECTIONS)
    account_no = fields.text()
    counterparty_name = fields.text()
    payment_method = fields.code(vocabulary.PAYMENT_METHODS)
    amount_yuan = fields.yuan()
    purpose_text = fields.text()
    reported_at = fields.instant()


class VoucherLine(dy.Schema):
    """One line of a voucher that an upstream system posted.

    One side only; a red entry (红字) is negative on its side. ``source_feed`` and ``source_record_no``
    name the document behind the line, where the system keeps it.
    """

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    voucher_no = fields.key()
    line_no = dy.Int64(nullable=False, min=1, max=10_000)
    account_set = fields.code(vocabulary.ACCOUNT_SETS)
    account_code = fields.key()
    debit_yuan = fields.yuan(negative=True)
    credit_yuan = fields.yuan(negative=True)
    summary = fields.text()
    source_feed = fields.text()
    source_record_no = fields.text()
    reported_at = fields.instant()

    @dy.rule()
    def one_side(cls) -> pl.Expr:  # noqa: N805
        return (_cents("debit_yuan") == 0) != (_cents("credit_yuan") == 0)


class Handling(dy.Schema):
    """Who did which step of a document: the ground of the segregation of duties."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    document_no = fields.key()
    duty_step = fields.code(vocabulary.DUTY_STEPS)
    person_hash = fields.key()
    reported_at = fields.instant()


class FlowDecision(dy.Schema):
    """What a steward decided about a difference of the three flows, or about an event that is in none.

    ``account_code``, where given, is the account that stands against the bank: the next such line is coded like it.
    """

    subject_id = dy.String(nullable=False, min_length=1, max_length=200)
    decision_code = fields.code(vocabulary.FLOW_DECISIONS)
    account_code = fields.text()
    reason = fields.text(nullable=False)
    decided_by = fields.code(vocabulary.ROLE_KINDS)
    reported_at = fields.instant()
