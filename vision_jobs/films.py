"""Single films, judged by hand: files that no camera registry knows.

Belongs here: making cameras and zones of plain files for the chain. The nightly work on registered cameras stands in the
pipelines.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from vision_jobs import jobs, rules
from vision_jobs import zones as areas
from vision_jobs.chain import Camera
from vision_jobs.decoder import Decoder
from vision_jobs.detect import open_eyes
from vision_jobs.gate import Gate
from vision_jobs.model import Zone
from vision_jobs.segments import Entry, Listed, inventory
from warehouse.errors import Permanent

_START: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Of every film: times are told from the file's beginning."""
_WHOLE: Final = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def run(
    home: Path, files: Sequence[Path], *, zones: Path | None, processes: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Judge films with the models at work in a home.

    Args:
        home: Data home, for evidence and for its models.
        files: The films, each a camera of its own.
        zones: JSON list of zones with zone_id, kind and polygon; None: the whole picture is a cooking zone.
        processes: How many films at once.
        progress: Told what is being done.

    Returns:
        ``files`` with their state and ``events`` with seconds from the file's beginning.

    Raises:
        Permanent: No file, or the zones are not understood.
    """
    if not files:
        raise Permanent("no film given: ./canteen vision run VIDEO...")
    listed = [Listed(f"film-{number}", file, _START) for number, file in enumerate(files, 1)]
    with Decoder() as decoder:
        entries = inventory(listed, decoder)
    ready = [one for one in entries if one.segment is not None]
    cameras = [
        Camera(one.camera_id, (one.segment,), _zones(one.camera_id, zones)) for one in ready if one.segment
    ]
    kit = jobs.Kit(partial(open_eyes, home), rules.load(), home, Decoder(), Gate)
    results = {one.camera_id: one for one in jobs.run(cameras, kit, processes=processes, progress=progress)}
    events = [
        {
            "file": str(entry.path), "kind": event.kind, "zone_id": event.zone_id,
            "start_s": _seconds(event.started_at), "end_s": _seconds(event.ended_at), "samples": event.samples,
            "positive": event.positive, "score": round(event.score, 4), "event_id": event.event_id,
        }
        for entry in ready
        for event in results[entry.camera_id].events
    ]  # fmt: skip
    return {"files": [_state(one, results) for one in entries], "events": events}


def _state(entry: Entry, results: dict[str, Any]) -> dict[str, Any]:
    if entry.segment is None:
        return {"file": str(entry.path), "state": "quarantined", "message": entry.reason}
    state = results[entry.camera_id].segments[0]
    return {
        "file": str(entry.path), "state": state.state, "message": state.message, "samples": state.samples,
        "person_minutes": state.person_minutes,
    }  # fmt: skip


def _seconds(at: dt.datetime) -> float:
    return round((at - _START).total_seconds(), 1)


def _zones(camera_id: str, file: Path | None) -> tuple[Zone, ...]:
    if file is None:
        return (Zone("whole", camera_id, "cooking", _WHOLE),)
    try:
        rows = json.loads(file.read_text(encoding="utf8"))
        made = tuple(
            Zone(
                str(row["zone_id"]),
                camera_id,
                str(row["kind"]),
                tuple((float(x), float(y)) for x, y in row["polygon"]),
            )
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Permanent(
            f"{file}: no list of zones ({error!r}); each needs zone_id, kind and polygon"
        ) from error
    for one in made:
        areas.check(one)
    return made
