"""Contracts of kitchen video and the records that it is held against.

Belongs here: the registry of cameras and their zones, what a video platform says about them (GB/T 28181: catalogue,
keep-alive, alarm), the manifest of recorded files, retained samples, meal times, and what people say of an event.
A film never enters: a row of the manifest names its file below the video root. Nobody is named.
"""

from __future__ import annotations

from typing import Final

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields

_SHARE: Final = r"(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)"
_POLYGON: Final = rf"^\[(?:\[{_SHARE}, ?{_SHARE}\](?:, ?)?){{3,64}}\]$"
_SHA256: Final = r"^[0-9a-f]{64}$"
_CLOCK: Final = r"^(?:[01]\d|2[0-3]):[0-5]\d$"


def _period_ordered() -> pl.Expr:
    return pl.col("valid_to").is_null() | (pl.col("valid_to") >= pl.col("valid_from"))


class Camera(dy.Schema):
    """A camera of a canteen's kitchen. ``gb_code`` is its 20 digits in GB/T 28181, ``uplink_mbps`` its line."""

    camera_id = fields.key()
    canteen_id = fields.key()
    camera_name = fields.text(nullable=False)
    gb_code = dy.String(nullable=True, regex=r"^\d{20}$")
    uplink_mbps = dy.Decimal(18, 3, nullable=True, min=0, max=100_000)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return _period_ordered()


class CameraZone(dy.Schema):
    """A named area of a camera's picture: corners ``[[x,y],...]`` from the top left, in shares of the picture."""

    camera_id = fields.key()
    zone_id = fields.key()
    zone_kind = fields.code(vocabulary.ZONE_KINDS)
    polygon_json = dy.String(nullable=False, regex=_POLYGON, max_length=2_000)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return _period_ordered()


class CameraStatus(dy.Schema):
    """What the platform knew of a camera at an instant: a keep-alive, or its state in the catalogue."""

    record_no = fields.key()
    camera_id = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    seen_at = fields.instant()
    status_source = fields.code(vocabulary.CAMERA_STATUS_SOURCES)
    is_online = dy.Bool(nullable=False)
    reported_at = fields.instant()


class CameraAlarm(dy.Schema):
    """An alarm that a camera or its recorder raised itself."""

    record_no = fields.key()
    camera_id = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    alarm_at = fields.instant()
    alarm_kind = fields.code(vocabulary.CAMERA_ALARMS)
    reported_at = fields.instant()


class VideoSegment(dy.Schema):
    """A recorded file of a camera. ``path`` lies below the video root, with ``/`` between folders."""

    record_no = fields.key()
    camera_id = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    path = dy.String(nullable=False, min_length=1, max_length=500, regex=r"^[^/\\:][^\\:]*$")
    started_at = fields.instant()
    segment_sha256 = dy.String(nullable=False, regex=_SHA256)
    size_bytes = dy.Int64(nullable=False, min=0)
    reported_at = fields.instant()

    @dy.rule()
    def path_inside(cls) -> pl.Expr:  # noqa: N805
        return ~pl.col("path").str.contains(r"(?:^|/)\.\.?(?:/|$)")


class RetainedSample(dy.Schema):
    """A dish of a meal that was kept: how much, from when, until when; not by whom."""

    record_no = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    meal = fields.code(vocabulary.MEALS)
    dish_name = fields.text(nullable=False)
    weight_g = fields.quantity()
    put_at = fields.instant()
    removed_at = fields.instant(nullable=True)
    cabinet_no = fields.text()
    cabinet_temp_c = dy.Decimal(18, 3, nullable=True, min=-60, max=60)
    reported_at = fields.instant()

    @dy.rule()
    def removed_after_put(cls) -> pl.Expr:  # noqa: N805
        return pl.col("removed_at").is_null() | (pl.col("removed_at") >= pl.col("put_at"))


class MealTime(dy.Schema):
    """When a canteen cooks and serves a meal, as HH:MM of local time."""

    canteen_id = fields.key()
    meal = fields.code(vocabulary.MEALS)
    cook_from = dy.String(nullable=False, regex=_CLOCK)
    serve_from = dy.String(nullable=False, regex=_CLOCK)
    serve_to = dy.String(nullable=False, regex=_CLOCK)
    valid_from = fields.day()
    valid_to = fields.day(nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def period_ordered(cls) -> pl.Expr:  # noqa: N805
        return _period_ordered()

    @dy.rule()
    def meal_times_ordered(cls) -> pl.Expr:  # noqa: N805
        return (pl.col("cook_from") <= pl.col("serve_from")) & (pl.col("serve_from") < pl.col("serve_to"))


class EventVerdict(dy.Schema):
    """What a person who looked at the evidence says of an event of ours or of a gateway.

    ``event_id`` is that of ``silver.video_event``, or a gateway's own number; ``reviewed_by`` is a role.
    """

    event_id = fields.key()
    event_date = fields.day()
    review_code = fields.code(vocabulary.EVENT_REVIEWS)
    reviewed_by = fields.code(vocabulary.ROLE_KINDS)
    reported_at = fields.instant()
