"""Suites of kitchen video: cameras, their signs of life and films, samples, meal times, verdicts."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import Check, Suite, lag_days, on_time, own_record_numbers, share

_LAG: Final = {"lag_days": lag_days()}

CAMERA: Final = Suite(
    "camera",
    rows=(
        Check("not_null", "gb_code", "摄像头登记国标编码", tolerated=0.2),
        Check("not_null", "uplink_mbps", "登记上行带宽", tolerated=0.2),
    ),
)
CAMERA_ZONE: Final = Suite(
    "camera_zone",
    rows=(),
    profile=(Check("between", "floor_share", "地面区域不超过区域数的一半", low=0, high=0.5),),
    measures={"floor_share": share(pl.col("zone_kind") == "floor")},
)
CAMERA_STATUS: Final = Suite(
    "camera_status",
    rows=(own_record_numbers(), on_time(1)),
    derived=_LAG,
    profile=(Check("between", "offline_share", "报离线的不超过三成", low=0, high=0.3),),
    measures={"offline_share": share(~pl.col("is_online"))},
)
CAMERA_ALARM: Final = Suite("camera_alarm", rows=(own_record_numbers(), on_time(1)), derived=_LAG)
VIDEO_SEGMENT: Final = Suite(
    "video_segment",
    rows=(
        own_record_numbers(),
        on_time(1),
        Check("between", "size_bytes", "单个文件不超过8 GB", tolerated=0.01, low=1, high=8_000_000_000),
    ),
    derived=_LAG,
)
RETAINED_SAMPLE: Final = Suite(
    "retained_sample",
    rows=(
        own_record_numbers(),
        on_time(1),
        Check("between", "weight_g", "每份留样125克以上", tolerated=0.02, low=125, high=2_000),
        Check("between", "cabinet_temp_c", "留样柜温度在0—8℃之间", tolerated=0.05, low=0, high=8),
    ),
    derived=_LAG,
)
MEAL_TIME: Final = Suite(
    "meal_time",
    rows=(Check("matches", "serve_from", "开餐在5时至20时之间", pattern=r"^(?:0[5-9]|1\d|20):"),),
)
EVENT_VERDICT: Final = Suite(
    "event_verdict",
    rows=(),
    profile=(Check("between", "unclear_share", "“无法判断”不超过三成", low=0, high=0.3),),
    measures={"unclear_share": share(pl.col("review_code") == "unclear")},
)

SUITES: Final = (
    CAMERA,
    CAMERA_ZONE,
    CAMERA_STATUS,
    CAMERA_ALARM,
    VIDEO_SEGMENT,
    RETAINED_SAMPLE,
    MEAL_TIME,
    EVENT_VERDICT,
)
