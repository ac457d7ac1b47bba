"""Results of the video jobs of one camera, and their small files.

Belongs here: the records that the night step turns into rows of ``silver.video_*``.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vision_jobs.model import Box, Event

State = Literal["judged", "quarantined", "duplicate"]


@dataclass(frozen=True, slots=True)
class SegmentState:
    """What became of one file.

    Attributes:
        sha256: The file.
        state: judged, quarantined, or duplicate (the same bytes came before in this run).
        reason: Code of the reason where it was not judged.
        message: The reason in words.
        samples: Samples taken.
        looked: Of them, seen by the models.
        person_minutes: Minutes with somebody in the picture.
        model_version: Version of the models.
        config_version: Version of the rules and zones.
    """

    sha256: str
    state: State
    reason: str | None
    message: str | None
    samples: int
    looked: int
    person_minutes: int
    model_version: str
    config_version: str


@dataclass(frozen=True, slots=True)
class Presence:
    """Who was in a zone in a minute. A minute without a sample has no row: it is unknown.

    Attributes:
        camera_id: The camera.
        zone_id: The zone.
        minute_at: Its start, UTC.
        persons: The most seen at once; None where no sample of the minute could be judged.
        activity: Share of its judged samples with somebody in the zone; None likewise.
        segment_sha256: File of the minute's first sample.
    """

    camera_id: str
    zone_id: str
    minute_at: dt.datetime
    persons: int | None
    activity: float | None
    segment_sha256: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows an event.

    Attributes:
        event_id: The event.
        evidence_sha256: Snapshot, ``<sha>.jpg`` below the evidence folder.
        clip_sha256: Clip, ``<sha>.mp4``.
    """

    event_id: str
    evidence_sha256: str
    clip_sha256: str


@dataclass(frozen=True, slots=True)
class Result:
    """All that was found of one camera.

    Attributes:
        camera_id: The camera.
        segments: Files, in the order of their start.
        events: Events, in the order of their start.
        presence: By zone and minute.
        evidence: Of the events; an event whose pictures could not be made again has none.
        idle: Kinds with a rule but without a model.
    """

    camera_id: str
    segments: tuple[SegmentState, ...]
    events: tuple[Event, ...]
    presence: tuple[Presence, ...]
    evidence: tuple[Evidence, ...]
    idle: tuple[str, ...]


def dumps(result: Result) -> str:
    """A result as JSON."""
    return json.dumps(asdict(result), default=_instant, ensure_ascii=False)


def loads(text: str) -> Result:
    """A result from JSON."""
    content = json.loads(text)
    return Result(
        camera_id=content["camera_id"],
        segments=tuple(SegmentState(**one) for one in content["segments"]),
        events=tuple(_event(one) for one in content["events"]),
        presence=tuple(
            Presence(**{**one, "minute_at": dt.datetime.fromisoformat(one["minute_at"])})
            for one in content["presence"]
        ),
        evidence=tuple(Evidence(**one) for one in content["evidence"]),
        idle=tuple(content["idle"]),
    )


def _event(one: Mapping[str, Any]) -> Event:
    box = one["box"]
    return Event(
        **{
            **one,
            "started_at": dt.datetime.fromisoformat(one["started_at"]),
            "ended_at": dt.datetime.fromisoformat(one["ended_at"]),
            "box": None if box is None else Box(**box),
        }
    )


def _instant(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
