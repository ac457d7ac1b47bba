"""Evidence: the snapshot and the short clip that show an event, and how long they are kept.

Belongs here: drawing, blurring, encoding, writing once under the hash of the content, purging. Every frame that
leaves here has its faces blurred unless the rules say otherwise; the originals are never copied.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from vision_jobs.facts import write
from vision_jobs.model import Box, Detection, Event, Eyes, Sample
from vision_jobs.results import Evidence
from vision_jobs.rules import EvidenceRule

_GRAIN: Final = 5
"""A blurred face keeps so many blocks across: too few to know anybody."""
_MARGIN: Final = 0.25
"""A blurred box is larger than what was found, on each side, as a share of it."""
_RED: Final = (40, 40, 230)
_SMALL: Final = 135
"""Rows of a small picture: enough to see who stands where, small enough for a page of them."""


def make(
    event: Event, samples: Iterable[Sample], at: float, eyes: Eyes, rule: EvidenceRule, folder: Path
) -> Evidence | None:
    """Write the snapshot and the clip of an event.

    Args:
        event: The event.
        samples: The film around it, in order, on the clock of ``at``.
        at: Instant of the snapshot, seconds.
        eyes: Finds the faces to blur.
        rule: Length, rate, height, blur.
        folder: ``<home>/evidence``.

    Returns:
        The hashes, None when no sample came.
    """
    snapshot: np.ndarray | None = None
    nearest = np.inf
    clip = _Clip(rule)
    for sample in (
        blurred(_within(samples, at, rule.clip_s), eyes) if rule.blur else _within(samples, at, rule.clip_s)
    ):
        if abs(sample.at - at) < nearest:
            nearest = abs(sample.at - at)
            snapshot = sample.frame.copy()
        clip.add(sample.frame)
    if snapshot is None:
        return None
    if event.box is not None:
        _draw(snapshot, event.box)
    picture = cv2.imencode(".jpg", snapshot, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    return Evidence(
        event.event_id,
        _keep(picture, "jpg", event, rule, folder),
        _keep(clip.close(), "mp4", event, rule, folder),
    )


def thumbnail(snapshot: Path) -> str | None:
    """A snapshot of evidence made small, as an HTML element that carries it; None where the file is no picture.

    Args:
        snapshot: JPEG that ``make`` wrote.
    """
    frame = cv2.imread(str(snapshot))
    if frame is None:
        return None
    height, width = frame.shape[:2]
    size = round(width * _SMALL / height), _SMALL
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    jpeg = base64.b64encode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()).decode()
    # A table measures its rows before a picture is there: its size is told.
    return f'<img alt="事件画面" width="{size[0]}" height="{size[1]}" src="data:image/jpeg;base64,{jpeg}">'


def blurred(samples: Iterable[Sample], eyes: Eyes) -> Iterator[Sample]:
    """Samples with their faces blurred, also where one was found only in the sample before or after.

    Holds three frames at a time.
    """
    waiting: list[tuple[Sample, list[Box]]] = []
    for sample in samples:
        waiting.append((sample, to_hide(eyes.detect(sample.frame))))
        if len(waiting) > 1:
            yield _blurred(waiting, -2)
        waiting = waiting[-2:]
    if waiting:
        yield _blurred(waiting, -1)


def to_hide(detections: Sequence[Detection]) -> list[Box]:
    """What shows who somebody is: faces; where a person's face was not found, the head; where that neither, the top
    of the body."""
    shown = [d.box for d in detections if d.kind == "face"]
    heads = [d.box for d in detections if d.kind == "head"]
    persons = [d.box for d in detections if d.kind == "person"]
    shown += [head for head in heads if not any(_covers(head, face) for face in shown)]
    for person in persons:
        top = Box(person.x1, person.y1, person.x2, person.y1 + 0.3 * (person.y2 - person.y1))
        if not any(_covers(top, box) for box in shown):
            shown.append(top)
    return shown


def purge(folder: Path, now: dt.datetime, *, held: Collection[str] = ()) -> list[str]:
    """Delete evidence whose days are over.

    Args:
        folder: ``<home>/evidence``.
        now: UTC, aware.
        held: Hashes to keep nevertheless, such as those of an open case.

    Returns:
        Hashes of the files deleted.
    """
    gone: list[str] = []
    for note in sorted(folder.glob("??/*.json")):
        if note.stem in held:
            continue
        content = json.loads(note.read_text(encoding="utf8"))
        if dt.datetime.fromisoformat(content["keep_until"]) <= now:
            note.with_suffix(f".{content['type']}").unlink(missing_ok=True)
            note.unlink()
            gone.append(note.stem)
    return gone


class _Clip:
    """Encodes frames as H.264, one at a time; equal frames give equal bytes."""

    def __init__(self, rule: EvidenceRule) -> None:
        self._rule = rule
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=Fraction(rule.fps).limit_denominator(1000))
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": "27", "preset": "veryfast"}
        self._stream.codec_context.thread_count = 1
        self._size: tuple[int, int] | None = None

    def add(self, frame: np.ndarray) -> None:
        if self._size is None:
            height, width = frame.shape[:2]
            scale = min(1.0, self._rule.height / height)
            self._size = round(width * scale / 2) * 2, round(height * scale / 2) * 2
            self._stream.width, self._stream.height = self._size
        small = cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(small, format="bgr24")))

    def close(self) -> bytes:
        self._container.mux(self._stream.encode())
        self._container.close()
        return self._file.getvalue()


def _within(samples: Iterable[Sample], at: float, length_s: float) -> Iterator[Sample]:
    """At most ``length_s`` of a film around an instant."""
    return (sample for sample in samples if at - length_s / 2 <= sample.at < at + length_s / 2)


def _keep(content: bytes, kind: str, event: Event, rule: EvidenceRule, folder: Path) -> str:
    sha = hashlib.sha256(content).hexdigest()
    path = folder / sha[:2] / f"{sha}.{kind}"
    if not path.exists():
        until = event.ended_at + dt.timedelta(days=rule.retention_days[event.kind])
        note = {
            "type": kind,
            "event_id": event.event_id,
            "event_kind": event.kind,
            "blurred": rule.blur,
            "keep_until": until.isoformat(),
        }
        write(path.with_suffix(".json"), json.dumps(note).encode())
        write(path, content)
    return sha


def _blurred(waiting: Sequence[tuple[Sample, list[Box]]], which: int) -> Sample:
    sample = waiting[which][0]
    frame = sample.frame.copy()
    for _, boxes in waiting:
        for box in boxes:
            _blur(frame, box)
    return Sample(sample.at, frame)


def _blur(frame: np.ndarray, box: Box) -> None:
    height, width = frame.shape[:2]
    dx, dy = _MARGIN * (box.x2 - box.x1), _MARGIN * (box.y2 - box.y1)
    x1, y1 = max(int((box.x1 - dx) * width), 0), max(int((box.y1 - dy) * height), 0)
    x2, y2 = min(int((box.x2 + dx) * width) + 1, width), min(int((box.y2 + dy) * height) + 1, height)
    if x1 >= x2 or y1 >= y2:
        return
    crop = frame[y1:y2, x1:x2]
    coarse = cv2.resize(crop, (_GRAIN, _GRAIN), interpolation=cv2.INTER_AREA)
    frame[y1:y2, x1:x2] = cv2.resize(coarse, (x2 - x1, y2 - y1), interpolation=cv2.INTER_LINEAR)


def _draw(frame: np.ndarray, box: Box) -> None:
    height, width = frame.shape[:2]
    corners = ((int(box.x1 * width), int(box.y1 * height)), (int(box.x2 * width), int(box.y2 * height)))
    cv2.rectangle(frame, *corners, _RED, max(2, height // 240))


def _covers(outer: Box, inner: Box) -> bool:
    x, y = (inner.x1 + inner.x2) / 2, (inner.y1 + inner.y2) / 2
    return outer.x1 <= x <= outer.x2 and outer.y1 <= y <= outer.y2
