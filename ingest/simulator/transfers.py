"""Movements of money of the canteens that keep books: what a document, the bank and the books say of each.

Belongs here: the columns that every movement has, and the days between document, bank and posting. Does not
belong here: why money moves (``receipts``, ``payables``, ``outlays``). Days are numbers from the city's first
day on, amounts cents.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator.streams import IntArray
from ingest.simulator.working_days import WorkingDays

IN, OUT = 0, 1
SPECIAL, SCHOOL = 0, 1
"""Accounts: the canteen's own, and the school's other one."""
_FAR: Final = 4  # days over which nobody waits: the bank books, and the accountant posts, on the day itself

SCHEMA: Final[dict[str, pl.DataType]] = {
    "kind": pl.String(), "c": pl.Int64(), "into": pl.Int64(), "cents": pl.Int64(), "fee": pl.Int64(),
    "doc_day": pl.Int64(), "bank_day": pl.Int64(), "post_day": pl.Int64(), "account": pl.Int64(),
    "doc_account": pl.Int64(), "other": pl.String(), "other_account": pl.String(), "note": pl.String(),
    "record_no": pl.String(), "code": pl.String(), "summary": pl.String(), "source_feed": pl.String(),
    "in_docs": pl.Boolean(), "in_bank": pl.Boolean(), "in_books": pl.Boolean(), "trade_day": pl.Int64(),
    "channel": pl.Int64(), "count": pl.Int64(), "supplier": pl.Int64(), "invoice_no": pl.String(),
    "detail": pl.String(), "noted": pl.Boolean(),
}  # fmt: skip
"""Columns of a movement.

``cents`` is what moves, ``fee`` what a channel kept back of the gross sum; ``account`` is where the bank's line
lies and ``doc_account`` what the document says; ``code`` is the account that is booked against the bank's;
``detail`` the kind of fund or expense; ``noted`` whether a document quotes the bank's serial number.
"""
_DEFAULT: Final[dict[str, Any]] = {
    "fee": 0, "account": SPECIAL, "doc_account": SPECIAL, "in_docs": True, "in_bank": True, "in_books": True,
    "noted": False,
}  # fmt: skip


def made(frame: pl.DataFrame, **constants: Any) -> pl.DataFrame:
    """Movements from a frame that has some of the columns; constants and defaults fill in the others."""
    given = {**_DEFAULT, **constants}
    columns = [
        pl.col(name).cast(dtype)
        if name in frame.columns
        else pl.lit(given.get(name), dtype=dtype).alias(name)
        for name, dtype in SCHEMA.items()
    ]
    return frame.select(columns)


def later(days: WorkingDays, day: IntArray, chances: tuple[float, ...], rng: np.random.Generator) -> IntArray:
    """Some working days later; the day itself where that would be too far."""
    found = days.after(day, rng.choice(len(chances), day.size, p=chances))
    return np.where(found - day > _FAR, day, found)
