"""Suites of the supply feeds: purchases, stock moves, stock-takes."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import (
    Check,
    Suite,
    base_factor,
    lag_days,
    number,
    on_time,
    own_record_numbers,
    share,
    volume,
)

# What clerks type where they know no supplier.
_STAND_IN: Final = r"(?i)^(0+|9+|x+|[-/.*\s]+|无|暂无|未知|其他|其它|散户|个人|null|none|n/?a|test.*)$"
_SAME_GOODS: Final = ("_arrival_date", "ingredient_id")


def _price_ratio() -> pl.Expr:
    """Price per base unit over the ingredient's median of the night, all providers; null under five lines.

    A jin booked as a kilogram shows as 0.5 or 2, a slipped decimal point as 0.1 or 10.
    """
    price = number("unit_price") / base_factor()
    middle = price.median().over(_SAME_GOODS)
    return pl.when((pl.len().over(_SAME_GOODS) >= 5) & (middle > 0)).then(price / middle)


PURCHASE: Final = Suite(
    "purchase",
    rows=(
        own_record_numbers(),
        on_time(3),
        Check("not_null", "order_no", "订单号应填写", tolerated=0.1),
        Check("not_null", "accepted_on", "到货应有验收日期", tolerated=0.1),
        Check("not_null", "acceptor_count", "应填写验收人数", tolerated=0.2),
        Check("between", "unit_price", "单价在0.05—1000元之间", tolerated=0.01, low=0.05, high=1000),
        Check(
            "between",
            "price_ratio",
            "折合千克后的单价为当晚同种食材中位数的0.6—1.7倍",
            tolerated=0.05,
            low=0.6,
            high=1.7,
        ),
        Check("between", "accepted_qty", "单行验收数量不超过5000", tolerated=0.001, low=0, high=5000),
        Check("between", "amount_yuan", "单行金额不超过10万元", tolerated=0.001, low=0, high=100_000),
        Check("between", "acceptance_days", "到货后2天内验收", tolerated=0.05, low=0, high=2),
        Check("between", "rejected_share", "拒收不超过订货的一半", tolerated=0.05, low=0, high=0.5),
    ),
    derived={
        "lag_days": lag_days(),
        "price_ratio": _price_ratio(),
        "acceptance_days": (pl.col("accepted_on") - pl.col("biz_date")).dt.total_days(),
        "rejected_share": pl.when(number("ordered_qty") > 0).then(
            number("rejected_qty") / number("ordered_qty")
        ),
    },
    profile=(
        *volume(),
        Check("between", "stand_in_supplier_share", "以“无”“0000”等代替供应商的行不超过2%", low=0, high=0.02),
        Check("between", "round_price_share", "整数单价的行不超过八成（疑为随意填写）", low=0, high=0.8),
        Check("between", "largest_supplier_share", "单个供应商不超过该批行数的九成五", low=0, high=0.95),
    ),
    measures={
        "stand_in_supplier_share": share(pl.col("supplier_uscc").str.contains(_STAND_IN)),
        "round_price_share": share(number("unit_price") % 1 == 0),
        "largest_supplier_share": pl.when(pl.len() >= 20).then(
            pl.col("supplier_uscc").unique_counts().max() / pl.len()
        ),
    },
    paced=True,
)

STOCK_MOVE: Final = Suite(
    "stock_move",
    rows=(
        own_record_numbers(),
        on_time(3),
        Check("between", "qty", "数量在0.001—5000之间", tolerated=0.01, low=0.001, high=5000),
        Check(
            "in_set",
            "issue_purpose",
            "领用应写明学生餐或教师餐",
            tolerated=0.2,
            allowed=("pupil_meal", "teacher_meal"),
        ),
    ),
    derived={
        "lag_days": lag_days(),
        "issue_purpose": pl.when(pl.col("move_kind") == "issue").then(pl.col("purpose")),
    },
    profile=(
        *volume(),
        Check("between", "issue_share", "领用出库占出入库行数的六成以上", low=0.6, high=1),
        Check("between", "loss_share", "报损行不超过一成", low=0, high=0.1),
        Check("between", "teacher_share", "教师餐领用行不超过一半", low=0, high=0.5),
    ),
    measures={
        "issue_share": share(pl.col("move_kind") == "issue"),
        "loss_share": share(pl.col("move_kind") == "loss"),
        "teacher_share": share(pl.col("purpose") == "teacher_meal"),
    },
    paced=True,
)

STOCKTAKE: Final = Suite(
    "stocktake",
    rows=(
        own_record_numbers(),
        on_time(5),
        Check("between", "counted_qty", "盘点数量不超过2万", tolerated=0.001, low=0, high=20_000),
        Check("between", "unit_price", "填写的单价在0.05—1000元之间", tolerated=0.01, low=0.05, high=1000),
    ),
    derived={"lag_days": lag_days()},
    profile=(
        Check("between", "zero_share", "盘点为零的行不超过六成", low=0, high=0.6),
        Check("between", "items_per_count", "每次盘点至少3种食材", low=3, high=1000),
    ),
    measures={
        "zero_share": share(number("counted_qty") == 0),
        "items_per_count": pl.len() / pl.struct("canteen_id", "biz_date").n_unique(),
    },
)

SUITES: Final = (PURCHASE, STOCK_MOVE, STOCKTAKE)
