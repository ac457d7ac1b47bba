"""Contract of the bank feed: the lines of bank statements."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields


class BankLine(dy.Schema):
    """One movement on an account.

    ``direction`` is what it does to the balance and ``amount_yuan`` is never negative: the reversal of a
    payment is money in with ``is_reversal``. ``proof`` says what the direction rests on; a line whose
    direction is not proved is quarantined. ``booked_at`` is null where the bank gives a day only, and
    ``balance_yuan`` is the balance after the line. Names of persons are masked and accounts of others
    keep their last four digits.
    """

    record_no = fields.key()
    account_no = fields.key()
    biz_date = fields.day()
    booked_at = fields.instant(nullable=True)
    serial_no = fields.text()
    direction = fields.code(vocabulary.BANK_DIRECTIONS)
    amount_yuan = fields.bank_yuan()
    balance_yuan = fields.bank_yuan(nullable=True, negative=True)
    currency = fields.key()
    counterparty_name = fields.text()
    counterparty_account = fields.text()
    counterparty_bank = fields.text()
    summary = fields.text()
    purpose_text = fields.text()
    is_reversal = dy.Bool(nullable=False)
    proof = fields.code(vocabulary.BANK_PROOFS)
    reported_at = fields.instant()

    @dy.rule()
    def direction_proved(cls) -> pl.Expr:  # noqa: N805
        return pl.col("proof") != "unproved"

    @dy.rule()
    def in_yuan(cls) -> pl.Expr:  # noqa: N805
        return pl.col("currency") == "CNY"
