"""Suites of the device feeds: weighings, morning checks, edge events. No personal column is read."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import ENOUGH_ROWS, GIVEN, MISSING, Check, Suite, lag_days, number, on_time, share

_PROMPT: Final = "设备测得后10分钟内上报"


def _report_minutes(taken: str) -> pl.Expr:
    """Minutes from the device's time to the gateway's report."""
    return (pl.col("reported_at") - pl.col(taken)).dt.total_minutes()


def _largest_device() -> pl.Expr:
    """Share of the rows that a single device sent."""
    return pl.when(pl.len() >= ENOUGH_ROWS).then(pl.col("device_id").unique_counts().max() / pl.len())


def _goods() -> pl.Expr:
    """Whether the goods are named or coded."""
    known = pl.coalesce("item_name", "ingredient_id").is_not_null()
    return pl.when(known).then(pl.lit(GIVEN)).otherwise(pl.lit(MISSING))


SCALE_READING: Final = Suite(
    "scale_reading",
    rows=(
        on_time(1),
        Check("in_set", "goods", "应写明品名或食材编码", tolerated=0.02, allowed=(GIVEN,)),
        Check("not_null", "order_no", "称重应对应订单", tolerated=0.2),
        Check("between", "net_kg", "单次净重在0.05—300千克之间", tolerated=0.02, low=0.05, high=300),
        Check("between", "report_minutes", _PROMPT, tolerated=0.1, low=-5, high=10),
    ),
    derived={
        "lag_days": lag_days(),
        "goods": _goods(),
        "report_minutes": _report_minutes("measured_at"),
    },
    profile=(
        Check("between", "untared_share", "皮重为零的称重不超过六成", low=0, high=0.6),
        Check("between", "largest_device_share", "单台秤不超过该批行数的九成五", low=0, high=0.95),
    ),
    measures={
        "untared_share": share(number("tare_kg") == 0),
        "largest_device_share": _largest_device(),
    },
)

MORNING_CHECK: Final = Suite(
    "morning_check",
    rows=(
        on_time(1),
        Check("between", "forehead_temp", "额温在34—42℃之间", tolerated=0.01, low=34, high=42),
        Check("between", "check_hour", "晨检在4—10时进行", tolerated=0.1, low=4, high=10),
    ),
    derived={
        "lag_days": lag_days(),
        "check_hour": pl.col("checked_at").dt.convert_time_zone("Asia/Shanghai").dt.hour(),
    },
    profile=(
        Check("between", "unfit_share", "不适合上岗的不超过一成", low=0, high=0.1),
        Check("between", "same_temp_share", "同一额温的行不超过一半（疑为代检）", low=0, high=0.5),
    ),
    measures={
        "unfit_share": share(~pl.col("is_fit")),
        "same_temp_share": pl.when(pl.len() >= ENOUGH_ROWS).then(
            pl.col("forehead_temp").unique_counts().max() / pl.len()
        ),
    },
)

EDGE_EVENT: Final = Suite(
    "edge_event",
    rows=(
        on_time(1),
        Check("between", "report_minutes", _PROMPT, tolerated=0.1, low=-5, high=10),
        Check("in_set", "picture", "智能识别事件应有证据图片", tolerated=0.02, allowed=(GIVEN,)),
    ),
    derived={
        "lag_days": lag_days(),
        "report_minutes": _report_minutes("event_at"),
        "picture": pl.when(~pl.col("event_kind").is_in(["temperature", "humidity", "heartbeat"])).then(
            pl.when(pl.col("evidence_sha256").is_not_null()).then(pl.lit(GIVEN)).otherwise(pl.lit(MISSING))
        ),
    },
    profile=(Check("between", "covered_share", "镜头遮挡不超过事件的两成", low=0, high=0.2),),
    measures={"covered_share": share(pl.col("event_kind") == "lens_covered")},
)

SUITES: Final = (SCALE_READING, MORNING_CHECK, EDGE_EVENT)
