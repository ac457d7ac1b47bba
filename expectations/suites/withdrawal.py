"""Suite of withdrawals."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import Check, Suite, own_record_numbers

WITHDRAWAL: Final = Suite(
    "withdrawal",
    rows=(own_record_numbers(),),
    profile=(Check("between", "canteen_days", "一次撤销不超过200个食堂日", low=0, high=200),),
    measures={"canteen_days": pl.struct("canteen_id", "biz_date").n_unique().cast(pl.Float64)},
)

SUITES: Final = (WITHDRAWAL,)
