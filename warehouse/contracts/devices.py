"""Contracts of the device feeds: weighings, morning checks, events of edge gateways.

Belongs here: what tells a fault of a device from a fact about a kitchen. A broken device or clock is
quarantined; what a sound device says (a fever, a smoker, a cabinet too warm) is kept, however bad.
Names, faces and pictures never reach these feeds: a picture is its SHA-256.
"""

from __future__ import annotations

from typing import Final

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.contracts import fields

CLOCK_AHEAD: Final = pl.duration(minutes=5)
"""How far a device's clock may run ahead of the gateway's."""
CLOCK_BEHIND: Final = pl.duration(hours=24)
"""How long a gateway may hold a message back: an older one comes from a clock that was reset."""
DIVISION_G: Final = 10
"""Coarsest division of a kitchen scale, in grams."""
FOREHEAD_C: Final = (32, 43)
"""Forehead of a living person, in degrees Celsius; a fever (37.3 and more) lies well inside."""
_PLAUSIBLE: Final = {"temperature": (-60, 200), "humidity": (0, 100)}
_WORD: Final = r"(?:[\p{Han}A-Za-z_]{1,16}\d{0,4}|\d{1,4})"
_WORDS: Final = rf"^{_WORD}(?:[,，、;；|]{_WORD})*$"


def _weight() -> dy.Decimal:
    """Kilograms as the scale says them; a missing or negative one has a rule of its own."""
    return dy.Decimal(18, 3, nullable=True, max=fields.MAX_QTY)


def _grams(column: str) -> pl.Expr:
    return (pl.col(column) * 1_000).cast(pl.Int64)


def _negative() -> pl.Expr:
    """Whether any of the three weights is below zero; a missing one is not."""
    weights = (pl.col(name).lt(0).fill_null(value=False) for name in ("gross_kg", "tare_kg", "net_kg"))
    return pl.any_horizontal(weights)


def _clock_right(taken: str) -> pl.Expr:
    """The device's time fits the time of the gateway that reported it."""
    lag = pl.col("reported_at") - pl.col(taken)
    return (lag >= -CLOCK_AHEAD) & (lag <= CLOCK_BEHIND)


class ScaleReading(dy.Schema):
    """One weighing. ``record_no`` is the message's own number; goods are named, coded, or both."""

    record_no = fields.key()
    device_id = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    measured_at = fields.instant()
    item_name = fields.text()
    ingredient_id = dy.String(nullable=True, max_length=64)
    gross_kg = _weight()
    tare_kg = _weight()
    net_kg = _weight()
    order_no = fields.text()
    reported_at = fields.instant()

    @dy.rule()
    def weight_given(cls) -> pl.Expr:  # noqa: N805
        return pl.col("gross_kg").is_not_null() & pl.col("net_kg").is_not_null()

    @dy.rule()
    def tare_given(cls) -> pl.Expr:  # noqa: N805
        return pl.col("tare_kg").is_not_null()

    @dy.rule()
    def weight_not_negative(cls) -> pl.Expr:  # noqa: N805
        return ~_negative()

    @dy.rule()
    def net_matches(cls) -> pl.Expr:  # noqa: N805
        # A negative weight is told as such only.
        difference = (_grams("gross_kg") - _grams("tare_kg") - _grams("net_kg")).abs()
        return difference.le(DIVISION_G).fill_null(value=True) | _negative()

    @dy.rule()
    def scale_clock_right(cls) -> pl.Expr:  # noqa: N805
        return _clock_right("measured_at")


class MorningCheck(dy.Schema):
    """The check of one person before duty. Findings of hands and health are code words with commas."""

    record_no = fields.key()
    device_id = fields.key()
    canteen_id = fields.key()
    biz_date = fields.day()
    checked_at = fields.instant()
    person_hash = fields.key()
    forehead_temp = dy.Decimal(18, 3, nullable=False)
    hand_codes = dy.String(nullable=True, regex=_WORDS, max_length=200)
    symptom_codes = dy.String(nullable=True, regex=_WORDS, max_length=200)
    is_fit = dy.Bool(nullable=False)
    reported_at = fields.instant()

    @dy.rule()
    def thermometer_plausible(cls) -> pl.Expr:  # noqa: N805
        low, high = FOREHEAD_C
        return pl.col("forehead_temp").is_between(low, high)

    @dy.rule()
    def check_clock_right(cls) -> pl.Expr:  # noqa: N805
        return _clock_right("checked_at")


class EdgeEvent(dy.Schema):
    """What an edge gateway reports: an AI event, a sensor's value, a sign of life.

    ``measure`` is in the unit of the kind: degrees Celsius, percent of humidity.
    """

    record_no = fields.key()
    device_id = fields.key()
    channel_no = dy.String(nullable=True, max_length=64)
    canteen_id = fields.key()
    biz_date = fields.day()
    event_at = fields.instant()
    event_kind = fields.code(vocabulary.EDGE_EVENTS)
    evidence_sha256 = dy.String(nullable=True, regex=r"^[0-9a-f]{64}$")
    measure = dy.Decimal(18, 3, nullable=True)
    low_threshold = dy.Decimal(18, 3, nullable=True)
    high_threshold = dy.Decimal(18, 3, nullable=True)
    reported_at = fields.instant()

    @dy.rule()
    def measure_given(cls) -> pl.Expr:  # noqa: N805
        return ~pl.col("event_kind").is_in(list(_PLAUSIBLE)) | pl.col("measure").is_not_null()

    @dy.rule()
    def sensor_plausible(cls) -> pl.Expr:  # noqa: N805
        broken = [
            (pl.col("event_kind") == kind) & ~pl.col("measure").is_between(low, high)
            for kind, (low, high) in _PLAUSIBLE.items()
        ]
        return ~pl.any_horizontal(broken)

    @dy.rule()
    def thresholds_ordered(cls) -> pl.Expr:  # noqa: N805
        return pl.col("low_threshold") <= pl.col("high_threshold")

    @dy.rule()
    def event_clock_right(cls) -> pl.Expr:  # noqa: N805
        return _clock_right("event_at")
