"""What every bank file is read to before it becomes rows of the feed.

Belongs here: the statement (one account of one file), the facts it declares, and the columns of its
lines. Money is in whole cents. Does not belong here: how a format is read, and whether the signs are
right (``ingest.banks.proof``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

import polars as pl

Semantics = Literal["standard", "explicit", "ledger", "bare"]
"""What the direction rests on: the definition of an international format; words that say in or out;
借/贷 and signs, which banks use from either point of view and which therefore need proof; or bare amounts,
of which nothing but the balance can say whether a sign is missing."""

TEXTS: Final = ("serial_no", "counterparty_name", "counterparty_account", "counterparty_bank", "summary", "purpose_text")  # fmt: skip

LINES: Final[dict[str, pl.DataType]] = {
    "_row": pl.Int64(),
    "line": pl.Int64(),
    "account_no": pl.String(),
    "currency": pl.String(),
    "day": pl.String(),
    "time": pl.String(),
    "value": pl.Int64(),
    "side": pl.Int64(),
    "balance": pl.Int64(),
    "is_flagged": pl.Boolean(),
    **dict.fromkeys(TEXTS, pl.String()),
}
"""Columns of a statement's lines, in the file's order.

``_row`` is the 1-based data row, ``line`` its line in the file or sheet, ``day`` a date (``2026-09-01``), ``time`` a time of day or null,
``value`` the amount as it stands in the file (cents, may be negative), ``side`` 1 for in, -1 for out and
null where the file does not say, ``balance`` the balance after the line, ``is_flagged`` whether the file
calls it a reversal.
"""


@dataclass
class Facts:
    """What a file says of itself beside its lines; money in cents."""

    account: str | None = None
    currency: str | None = None
    opening: int | None = None
    closing: int | None = None
    total_in: int | None = None
    total_out: int | None = None
    total_credit: int | None = None
    total_debit: int | None = None
    count_in: int | None = None
    count_out: int | None = None
    count_credit: int | None = None
    count_debit: int | None = None
    count_all: int | None = None
    total_all: int | None = None
    exported_at: str | None = None


@dataclass
class Statement:
    """One account of one file.

    Attributes:
        layout: Name of the layout or format.
        label: Chinese name.
        lines: Columns of ``LINES``.
        facts: What the file declares.
        semantics: What the direction rests on.
        is_reviewed: Whether the layout was reviewed (``layouts.yaml``) or is a standard.
        is_edited: Whether contradictions are told instead of refused.
        has_balance: Whether lines carry a balance.
        notes: What a person should know.
        ignored: Rows that are no movement of money yet (pending entries).
    """

    layout: str
    label: str
    lines: pl.DataFrame
    facts: Facts
    semantics: Semantics
    is_reviewed: bool
    is_edited: bool = False
    has_balance: bool = True
    notes: list[str] = field(default_factory=list)
    ignored: int = 0


def yuan(cents: int | None) -> str:
    """Cents as text, ``—`` where there are none."""
    return "—" if cents is None else str(Decimal(cents).scaleb(-2))
