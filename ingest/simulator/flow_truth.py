"""What bank, documents and books truly disagree on, by canteen and month.

Belongs here: reckoning it from the planted movements of money. Shares no code with what compares the flows. Does not
belong here: what it means for a verdict (``truth``) and the transactions of ``flows``.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.transfers import SPECIAL
from ingest.simulator.working_days import dates

SCHEMA: Final = {"c": pl.Int64(), "month": pl.Date(), "cents": pl.Int64()}
_FLOWS: Final = ("bank", "doc", "post")
_NO_DOCUMENT: Final = ("bank_fee", "interest")  # what the bank takes or gives by itself


def reckoned(life: date, moved: pl.DataFrame, lost: pl.DataFrame, first: int, last: int) -> pl.DataFrame:
    """Money of which bank, documents or books did not tell, or that went through another account.

    Money that one of them tells of in parts, that was reversed at once, or that came late, is no disagreement.

    Args:
        life: Day 0.
        moved: Movements, columns of ``transfers.SCHEMA``.
        lost: ``c``, ``first``, ``last``: days of a canteen's special account whose lines never came.
        first: First day that is delivered.
        last: Last day that is delivered.

    Returns:
        Columns of ``SCHEMA``; a row for each canteen and month in which all three told of some money. ``month`` is
        its first day.
    """
    rows = moved.with_row_index("n")
    unseen = rows.join(lost, on="c").filter(
        pl.col("account") == SPECIAL, pl.col("bank_day").is_between("first", "last")
    )
    tells = {
        "bank": pl.col("in_bank") & ~pl.col("n").is_in(unseen["n"].implode()),
        # Balances are paid out together; their documents are the single refunds of the canteens' own systems.
        "doc": pl.col("in_docs") | (pl.col("kind") == "refund"),
        "post": pl.col("in_books"),
    }
    day = {
        name: pl.when(tell & pl.col(f"{name}_day").is_between(first, last)).then(f"{name}_day")
        for name, tell in tells.items()
    }
    needless = pl.col("detail").is_in(_NO_DOCUMENT).fill_null(value=False)
    told = rows.select("c", "cents", "account", needless=needless, **day)
    told = told.with_columns(day=pl.min_horizontal(_FLOWS)).filter(pl.col("day").is_not_null())
    lacking = pl.any_horizontal(
        pl.col("bank", "post").is_null(), pl.col("doc").is_null() & ~pl.col("needless")
    )
    apart = _months(life, told.filter(lacking | (pl.col("account") != SPECIAL)), "day")
    known = [_months(life, told.filter(pl.col(name).is_not_null()), name) for name in _FLOWS]
    whole = known[0].select("c", "month").unique()
    for flow in known[1:]:
        whole = whole.join(flow, on=["c", "month"], how="semi")
    return (
        whole.join(apart.group_by("c", "month").agg(pl.sum("cents")), on=["c", "month"], how="left")
        .select("c", "month", pl.col("cents").fill_null(0))
        .sort("c", "month")
    )


def _months(life: date, rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Rows with the first day of the month of a day."""
    on = pl.Series("month", dates(life, rows[column].to_numpy().astype(np.int64))).cast(pl.Date)
    return rows.with_columns(on.dt.truncate("1mo"))
