"""Suite of the bank feed."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import Check, Suite, lag_days, number, own_record_numbers, share

BANK_LINE: Final = Suite(
    "bank_line",
    rows=(
        own_record_numbers(),
        Check("between", "lag_days", "记账后35天内送达", tolerated=0.05, low=0, high=35),
        Check("between", "amount_yuan", "单笔不超过500万元", tolerated=0.01, low=0.01, high=5_000_000),
        Check("between", "balance_yuan", "账户没有透支", low=0),
        Check("not_null", "counterparty_name", "对方户名已填", tolerated=0.3),
    ),
    derived={"lag_days": lag_days()},
    profile=(
        Check("between", "balance_proved_share", "九成以上的流水由余额证明方向", low=0.9, high=1),
        Check("between", "reversal_share", "冲正不超过2%", low=0, high=0.02),
        Check("between", "round_amount_share", "整百金额的支出不超过八成", low=0, high=0.8),
    ),
    measures={
        "balance_proved_share": share(pl.col("proof").is_in(["balance", "statement"])),
        "reversal_share": share(pl.col("is_reversal")),
        "round_amount_share": share(number("amount_yuan") % 100 == 0, pl.col("direction") == "out"),
    },
)

SUITES: Final = (BANK_LINE,)
