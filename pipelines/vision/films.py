"""Recorded files handed to the video jobs, and their results as rows.

Belongs here: everything that imports ``vision_jobs``, inside functions, so that a night without video imports nothing
heavy. Does not belong here: which files are judged and what is kept (``pipelines.vision.step``).
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from warehouse.settings import Settings
from warehouse.tables import VIDEO_EVENT

if TYPE_CHECKING:
    from vision_jobs.results import Result
    from vision_jobs.segments import Entry

PROCESSES: Final = max(1, (os.cpu_count() or 2) // 2)
"""Half of the machine: each holds its models and one picture at a time."""


@dataclass(frozen=True)
class Film:
    """A row of the manifest whose file is there.

    Attributes:
        file: The file.
        started_at: UTC, aware.
        sha256: What the manifest says.
    """

    file: Path
    started_at: dt.datetime
    sha256: str


@dataclass(frozen=True)
class CameraDay:
    """The films of one camera on one business day.

    Attributes:
        camera_id: The camera.
        biz_date: The day.
        films: Its files.
        zones: ``(zone_id, zone_kind, polygon_json)`` of the zones that hold on the day.
    """

    camera_id: str
    biz_date: dt.date
    films: tuple[Film, ...]
    zones: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Found:
    """What the films of a camera-day said, as frames of plain columns.

    Attributes:
        judged: segment_sha256, segment_state, segment_reason, codec, duration_s, samples, person_minutes,
            model_version, config_version.
        presence: zone_id, minute_at, persons, segment_sha256.
        events: As ``silver.video_event`` but for where and when it is filed.
    """

    judged: pl.DataFrame
    presence: pl.DataFrame
    events: pl.DataFrame


Judge = Callable[[Settings, Sequence[CameraDay], Callable[[str], None]], list[Found]]
"""Films to findings, in the order of the camera-days given."""

JUDGED: Final = {
    "segment_sha256": pl.String(),
    "segment_state": pl.String(),
    "segment_reason": pl.String(),
    "codec": pl.String(),
    "duration_s": pl.Float64(),
    "samples": pl.Int64(),
    "person_minutes": pl.Int64(),
    "model_version": pl.String(),
    "config_version": pl.String(),
}
PRESENCE: Final = {
    "zone_id": pl.String(),
    "minute_at": pl.Datetime("us", "UTC"),
    "persons": pl.Int64(),
    "segment_sha256": pl.String(),
}
_OF_THE_CAMERA: Final = ("canteen_id", "biz_date", "camera_id", "biz_month")
EVENT: Final = {name: kind for name, kind in VIDEO_EVENT.items() if name not in _OF_THE_CAMERA}


def can_judge(settings: Settings) -> bool:
    """Whether a model that finds persons is registered."""
    from vision_jobs import registry

    return "person" in registry.active(settings.home)


def judge(settings: Settings, days: Sequence[CameraDay], progress: Callable[[str], None]) -> list[Found]:
    """Judge films with the models and rules of the data home.

    Args:
        settings: The data home; evidence goes below it.
        days: The work.
        progress: Told after each camera.

    Returns:
        One finding per camera-day, in the same order.
    """
    from vision_jobs import chain, detect, jobs, rules, segments
    from vision_jobs.decoder import Decoder
    from vision_jobs.gate import Gate
    from vision_jobs.model import Zone

    entries: list[list[Entry]] = []
    work: dict[str, chain.Camera] = {}
    with Decoder() as decoder:
        for n, day in enumerate(days):
            listed = [segments.Listed(day.camera_id, f.file, f.started_at, f.sha256) for f in day.films]
            entries.append(segments.inventory(listed, decoder))
            zones = tuple(
                Zone(zone, day.camera_id, kind, tuple((x, y) for x, y in json.loads(polygon)))
                for zone, kind, polygon in day.zones
            )
            usable = tuple(entry.segment for entry in entries[n] if entry.segment is not None)
            if usable:
                work[f"{day.camera_id}|{day.biz_date}"] = chain.Camera(day.camera_id, usable, zones)
    results: dict[frozenset[str], Result] = {}
    if work:
        kit = jobs.Kit(partial(detect.open_eyes, settings.home), rules.load(), settings.home, Decoder(), Gate)
        for result in jobs.run(
            list(work.values()), kit, processes=min(PROCESSES, len(work)), progress=progress
        ):
            results[_name(result.camera_id, (one.sha256 for one in result.segments))] = result
    return [
        _found(day, seen, results.get(_name(day.camera_id, (e.segment.sha256 for e in seen if e.segment))))
        for day, seen in zip(days, entries, strict=True)
    ]


def _name(camera_id: str, hashes: object) -> frozenset[str]:
    """A camera-day's result by its camera and files: results come in the order in which they get ready."""
    return frozenset([f"camera {camera_id}", *hashes])  # type: ignore[misc]


def _found(day: CameraDay, entries: Sequence[Entry], result: Result | None) -> Found:
    """A camera-day's rows: of each file what became of it, quarantined before decoding or judged by the chain."""
    states = {} if result is None else {one.sha256: one for one in result.segments}
    wanted = {film.file: film.sha256 for film in day.films}
    judged = []
    for entry in entries:
        segment, state = entry.segment, None
        if segment is not None:
            state = states[segment.sha256]
        judged.append(
            {
                "segment_sha256": wanted[entry.path],
                "segment_state": "quarantined" if state is None or state.state != "judged" else "judged",
                "segment_reason": entry.reason if state is None else state.reason,
                "codec": None if segment is None else segment.codec,
                "duration_s": None if segment is None else segment.duration_s,
                "samples": None if state is None else state.samples,
                "person_minutes": None if state is None else state.person_minutes,
                "model_version": None if state is None else state.model_version,
                "config_version": None if state is None else state.config_version,
            }
        )
    presence = [] if result is None else [asdict(one) for one in result.presence]
    shown = {} if result is None else {one.event_id: one for one in result.evidence}
    events = []
    for event in () if result is None else result.events:
        picture = shown.get(event.event_id)
        events.append(
            {
                **{name: value for name, value in asdict(event).items() if name in EVENT},
                "event_kind": event.kind,
                "box_json": None if event.box is None else json.dumps(asdict(event.box)),
                "evidence_sha256": None if picture is None else picture.evidence_sha256,
                "clip_sha256": None if picture is None else picture.clip_sha256,
            }
        )
    return Found(
        pl.DataFrame(judged, schema=JUDGED),
        pl.DataFrame([{name: one[name] for name in PRESENCE} for one in presence], schema=PRESENCE),
        pl.DataFrame([{name: one[name] for name in EVENT} for one in events], schema=EVENT),
    )
