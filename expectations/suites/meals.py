"""Suites of meals and their money: fees, consumption, refunds, menus. No personal column is read."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import (
    ENOUGH_ROWS,
    Check,
    Suite,
    lag_days,
    number,
    on_time,
    own_record_numbers,
    share,
    volume,
)

_TEACHER_ROWS: Final = pl.col("payer_kind") == "teacher"
_CASHLESS: Final = ("card", "face", "mini_program", "batch")
_CHARGED: Final = number("amount_yuan") + number("subsidy_yuan")

MEAL_FEE: Final = Suite(
    "meal_fee",
    rows=(
        own_record_numbers(),
        on_time(3),
        Check("between", "amount_yuan", "单笔缴费在1—5000元之间", tolerated=0.01, low=1, high=5000),
        Check("in_set", "channel", "缴费以非现金渠道为主", tolerated=0.5, allowed=(*_CASHLESS, "bank")),
    ),
    derived={"lag_days": lag_days()},
    profile=(Check("between", "teacher_share", "教师缴费行不超过一半", low=0, high=0.5),),
    measures={"teacher_share": share(_TEACHER_ROWS)},
)

CONSUMPTION: Final = Suite(
    "consumption",
    rows=(
        own_record_numbers(),
        on_time(3),
        Check("in_set", "channel", "就餐消费不用现金和转账", tolerated=0.05, allowed=_CASHLESS),
        Check("between", "portions_each", "刷卡、刷脸每笔1—3份", tolerated=0.01, low=1, high=3),
        Check("between", "portion_price", "每份（含补助）0.5—50元", tolerated=0.02, low=0.5, high=50),
    ),
    derived={
        "lag_days": lag_days(),
        "portions_each": pl.when(pl.col("channel") != "batch").then(pl.col("portions")),
        "portion_price": pl.when((pl.col("portions") > 0) & (_CHARGED > 0)).then(
            _CHARGED / pl.col("portions")
        ),
    },
    profile=(
        *volume(),
        Check("between", "free_share", "既无扣费也无补助的行不超过5%", low=0, high=0.05),
        Check("between", "teacher_share", "教师消费行不超过一半", low=0, high=0.5),
        Check("between", "lunch_share", "午餐至少占两成", low=0.2, high=1),
    ),
    measures={
        "free_share": share(_CHARGED == 0),
        "teacher_share": share(_TEACHER_ROWS),
        "lunch_share": share(pl.col("meal") == "lunch"),
    },
    paced=True,
)

REFUND: Final = Suite(
    "refund",
    rows=(
        own_record_numbers(),
        on_time(3),
        Check("between", "amount_yuan", "单笔退费在0.01—2000元之间", tolerated=0.01, low=0.01, high=2000),
        Check("not_null", "reason", "应写明退费事由", tolerated=0.2),
    ),
    derived={"lag_days": lag_days()},
)

MENU_LINE: Final = Suite(
    "menu_line",
    rows=(
        own_record_numbers(),
        # A menu may come a week before it is cooked.
        Check("between", "lag_days", "供餐前14天至供餐后10天送达", tolerated=0.1, low=-14, high=10),
        Check("between", "grams_per_diner", "每人用量在0.1—500克之间", tolerated=0.01, low=0.1, high=500),
    ),
    derived={"lag_days": lag_days()},
    profile=(
        Check("between", "foods_per_day", "每食堂每日至少5行食材", low=5, high=1000),
        Check("between", "same_weight_share", "用量相同的行不超过六成（疑为照抄）", low=0, high=0.6),
    ),
    measures={
        "foods_per_day": pl.len() / pl.struct("canteen_id", "biz_date").n_unique(),
        "same_weight_share": pl.when(pl.len() >= ENOUGH_ROWS).then(
            number("grams_per_diner").unique_counts().max() / pl.len()
        ),
    },
)

SUITES: Final = (MEAL_FEE, CONSUMPTION, REFUND, MENU_LINE)
