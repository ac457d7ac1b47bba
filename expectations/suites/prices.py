"""Suites of the price feeds: dated references, quotations, agreed discounts."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import Check, Suite, number, own_record_numbers, share

_DAYS_FROM_ARRIVAL: Final = (pl.col("_arrival_date") - pl.col("valid_from")).dt.total_days()
_PERIOD_DAYS: Final = (pl.col("valid_to") - pl.col("valid_from")).dt.total_days()

PRICE_REFERENCE: Final = Suite(
    "price_reference",
    rows=(
        Check("between", "unit_price", "参考价在0.05—1000元之间", tolerated=0.01, low=0.05, high=1000),
        Check("between", "high_over_low", "最高价不超过最低价的3倍", tolerated=0.05, low=1, high=3),
        Check("between", "days_from_arrival", "生效后31天内送达", tolerated=0.05, low=-31, high=31),
    ),
    derived={
        "days_from_arrival": _DAYS_FROM_ARRIVAL,
        "high_over_low": pl.when(number("low_price") > 0).then(number("high_price") / number("low_price")),
    },
)

QUOTATION: Final = Suite(
    "quotation",
    rows=(
        own_record_numbers(),
        Check("between", "unit_price", "报价在0.05—1000元之间", tolerated=0.01, low=0.05, high=1000),
        Check("between", "period_days", "报价有效期不超过一个学期", tolerated=0.02, low=0, high=190),
    ),
    derived={"period_days": _PERIOD_DAYS},
)

PRICE_AGREEMENT: Final = Suite(
    "price_agreement",
    rows=(
        own_record_numbers(),
        Check("between", "discount_pct", "下浮率不超过40%", tolerated=0.02, low=0, high=40),
    ),
    profile=(Check("between", "none_share", "没有下浮的约定不超过一半", low=0, high=0.5),),
    measures={"none_share": share(number("discount_pct") == 0)},
)

SUITES: Final = (PRICE_REFERENCE, QUOTATION, PRICE_AGREEMENT)
