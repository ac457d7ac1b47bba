"""Plain records that the vision modules hand to each other.

Belongs here: frozen dataclasses and the protocol between the chain and the models. Nothing else: no decoding,
no rule, no file access.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle normalised to the frame: 0 at the left and top edge, 1 at the right and bottom edge."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Detection:
    """One object found in a frame.

    Attributes:
        kind: ``person``, ``face``, ``head`` or ``flame``.
        box: Where it is.
        score: 0 to 1.
    """

    kind: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One decoded frame.

    Attributes:
        at: Seconds since the segment's start (presentation time).
        frame: uint8 BGR, (height, width, 3); at most 720 rows high for judging.
    """

    at: float
    frame: np.ndarray


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a head says of one crop.

    Attributes:
        kind: ``no_hat``, ``no_mask``, ``smoking`` or ``flame``.
        score: Calibrated probability of the violation; None where it cannot be judged (unknown).
    """

    kind: str
    score: float | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One recorded file of one camera.

    Attributes:
        camera_id: The camera.
        path: The file.
        sha256: Of the file's bytes.
        started_at: UTC, aware.
        duration_s: Seconds.
        codec: ``h264`` or ``hevc``.
        fps: Mean frames per second.
        gop_s: Seconds between keyframes, as measured.
        width: Pixels.
        height: Pixels.
    """

    camera_id: str
    path: Path
    sha256: str
    started_at: dt.datetime
    duration_s: float
    codec: str
    fps: float
    gop_s: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A named area of one camera's picture.

    Attributes:
        zone_id: The zone.
        camera_id: The camera.
        kind: cutting, cooking, stove, stove_attendance, sampling, dishwashing or floor.
        polygon: Corners (x, y), normalised to the frame.
    """

    zone_id: str
    camera_id: str
    kind: str
    polygon: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Event:
    """An episode of one violation.

    Attributes:
        event_id: sha256 of (camera, kind, zone, start, model and configuration version), hex, first 32.
        camera_id: The camera.
        zone_id: The zone, None where the rule knows none.
        kind: no_hat, no_mask, smoking, flame_unattended or a configured slot.
        started_at: UTC.
        ended_at: UTC.
        samples: Judged samples.
        positive: Of them, violating.
        score: Median score of the judged samples.
        box: Where it was seen best, None where no box belongs to it.
        segment_sha256: The segment in which it started.
        model_version: Version of the models that judged.
        config_version: Version of the rules.
    """

    event_id: str
    camera_id: str
    zone_id: str | None
    kind: str
    started_at: dt.datetime
    ended_at: dt.datetime
    samples: int
    positive: int
    score: float
    box: Box | None
    segment_sha256: str
    model_version: str
    config_version: str


class Eyes(Protocol):
    """The models as the chain sees them.

    Attributes:
        version: Hash over model files and thresholds.
        thresholds: Per kind of judgement, the score from which it is a violation.
    """

    version: str
    thresholds: Mapping[str, float]

    def detect(self, frame: np.ndarray) -> list[Detection]:
        """Persons, faces and heads of one frame (uint8 BGR)."""
        ...

    def judge(self, frame: np.ndarray, kind: str, boxes: Sequence[Box]) -> list[Judgement]:
        """One judgement per box: person boxes for no_hat and smoking, face boxes for no_mask, zone boxes for flame.

        The head makes its own crop (hat: the head region, extended upward by 0.4 of its height).
        """
        ...
