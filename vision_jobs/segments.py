"""The inventory of recorded files: who recorded what from when to when, and which of them can be judged.

Belongs here: finding files in a folder tree or a manifest, their hash, stream and time, duplicates and overlaps,
and what of the wanted time they cover. A file that cannot be judged keeps its row, with a reason of
``limits.QUARANTINE``; nothing here raises because of a file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from vision_jobs.model import Segment
from vision_jobs.probe import Probe
from warehouse.errors import Refused

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""The zone of the cameras' clocks."""
BANDWIDTH_MBIT_S: Final = 0.5
"""Least uplink of a camera (reference/rules.md: 每路摄像头分配上传带宽不低于 0.5M)."""
_NAME: Final = re.compile(r"(?P<time>\d{6})\.(?:mp4|jpe?g)", re.IGNORECASE)
_BLOCK: Final = 1 << 20
_TOUCHES_S: Final = 0.5
"""Segments of a camera may overlap so much; its clock is not finer."""


class Prober(Protocol):
    """Whoever reads a file's packets: ``decoder.Decoder``."""

    def probe(self, path: Path) -> Probe:
        """What the file is."""
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that is claimed to be a recording.

    Attributes:
        camera_id: The camera.
        path: The file.
        started_at: UTC; ``None`` when nothing says it.
        sha256: What the manifest says; ``None`` without one.
    """

    camera_id: str
    path: Path
    started_at: dt.datetime | None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the inventory.

    Attributes:
        camera_id: The camera.
        path: The file.
        started_at: UTC; ``None`` when nothing says it.
        bytes: Size; 0 when it is missing.
        sha256: Of the content; ``None`` when it is missing.
        segment: What can be judged; ``None`` when nothing can.
        reason: Why not: a code of ``limits.QUARANTINE``.
        flags: Codes of ``limits.FLAGS``.
        from_s: Seconds of the segment that an earlier file of the camera already covers.
        gaps: Seconds (start, end) without frames.
    """

    camera_id: str
    path: Path
    started_at: dt.datetime | None
    bytes: int
    sha256: str | None
    segment: Segment | None = None
    reason: str | None = None
    flags: tuple[str, ...] = ()
    from_s: float = 0.0
    gaps: tuple[tuple[float, float], ...] = ()


def tree(root: Path) -> list[Listed]:
    """The files of ``<root>/<camera_id>/<YYYY-MM-DD>/<HHMMSS>.mp4`` or ``.jpg``, ordered by path.

    Every other regular file three levels deep is listed without a start, so that it is not lost silently; hidden
    files and ``.json`` beside the recordings are not recordings.
    """
    found = sorted(p for p in root.glob("*/*/*") if p.is_file() and not p.name.startswith("."))
    return [
        Listed(path.parent.parent.name, path, named_start(path))
        for path in found
        if path.suffix.lower() != ".json"
    ]


def named_start(path: Path) -> dt.datetime | None:
    """The start that a path says, by the cameras' clock; UTC. ``None`` when it says none."""
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    time = match["time"]
    try:
        local = dt.datetime.fromisoformat(f"{path.parent.name}T{time[:2]}:{time[2:4]}:{time[4:]}")
    except ValueError:
        return None
    return local.replace(tzinfo=ZONE).astimezone(dt.UTC)


def inventory(
    listed: Iterable[Listed], prober: Prober, known: Mapping[str, str] | None = None
) -> list[Entry]:
    """Look at every file.

    Args:
        listed: From ``tree`` or a manifest.
        prober: Reads packets in a limited child.
        known: sha256 of files taken before -> their path; the same content elsewhere is a duplicate.

    Returns:
        One entry per file, by camera, start and path. Of files with the same content the first stays; a stretch of
        time that two files of a camera cover is judged in the earlier one.
    """
    seen = dict(known or {})
    entries = []
    for one in sorted(listed, key=_order):
        entry = _looked_at(one, prober, seen)
        if entry.sha256 is not None:
            seen.setdefault(entry.sha256, str(entry.path))
        entries.append(entry)
    return _parted(entries)


def coverage(entries: Collection[Entry], start: dt.datetime, end: dt.datetime) -> float:
    """Share of a stretch of time that one camera's recordings cover, gaps left out.

    Args:
        entries: Of one camera.
        start: Aware.
        end: Aware, later.
    """
    whole = (end - start).total_seconds()
    covered = 0.0
    for one in entries:
        if one.segment is None:
            continue
        offset = (one.segment.started_at - start).total_seconds()
        covered += _within(offset + one.from_s, offset + one.segment.duration_s, whole)
        covered -= sum(_within(offset + max(a, one.from_s), offset + b, whole) for a, b in one.gaps)
    return covered / whole


def bandwidth(entries: Iterable[Entry]) -> dict[str, float]:
    """Mbit/s of each camera over its recorded time, to be held against ``BANDWIDTH_MBIT_S``."""
    bits: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for one in entries:
        if one.segment is not None and one.segment.duration_s > 0:
            bits[one.camera_id] = bits.get(one.camera_id, 0.0) + 8 * one.bytes
            recorded = one.segment.duration_s - sum(b - a for a, b in one.gaps)
            seconds[one.camera_id] = seconds.get(one.camera_id, 0.0) + recorded
    return {camera: bits[camera] / 1e6 / seconds[camera] for camera in sorted(bits)}


def sha256(path: Path) -> str:
    """Hash of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _order(one: Listed) -> tuple[str, bool, dt.datetime, str]:
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return one.camera_id, one.started_at is None, one.started_at or never, str(one.path)


def _looked_at(one: Listed, prober: Prober, seen: Mapping[str, str]) -> Entry:
    if not one.path.is_file():
        return Entry(one.camera_id, one.path, one.started_at, 0, None, reason="missing")
    size = one.path.stat().st_size
    digest = sha256(one.path)
    entry = Entry(one.camera_id, one.path, one.started_at, size, digest)
    if size == 0:
        return replace(entry, reason="empty")
    if one.sha256 is not None and one.sha256.lower() != digest:
        return replace(entry, reason="changed")
    if seen.get(digest, str(one.path)) != str(one.path):
        return replace(entry, reason="duplicate")
    if one.started_at is None:
        return replace(entry, reason="bad_name")
    try:
        found = prober.probe(one.path)
    except Refused as error:
        return replace(entry, reason=error.code)
    segment = Segment(
        camera_id=one.camera_id,
        path=one.path,
        sha256=digest,
        started_at=one.started_at,
        duration_s=found.usable_s,
        codec=found.codec,
        fps=found.fps,
        gop_s=found.gop_s,
        width=found.width,
        height=found.height,
    )
    return replace(entry, segment=segment, flags=found.flags, gaps=found.gaps)


def _parted(entries: list[Entry]) -> list[Entry]:
    """Give every second of a camera to one file: the one that started first."""
    made = []
    covered: dict[str, dt.datetime] = {}
    for one in entries:
        if one.segment is None or one.started_at is None or one.segment.duration_s == 0:
            made.append(one)
            continue
        end = one.started_at + dt.timedelta(seconds=one.segment.duration_s)
        before = covered.get(one.camera_id, one.started_at)
        over = (before - one.started_at).total_seconds()
        covered[one.camera_id] = max(before, end)
        if over >= one.segment.duration_s:
            made.append(replace(one, segment=None, reason="overlap"))
        elif over > _TOUCHES_S:
            made.append(replace(one, from_s=over, flags=(*one.flags, "overlap")))
        else:
            made.append(one)
    return made


def _within(start: float, end: float, whole: float) -> float:
    return max(min(end, whole) - max(start, 0.0), 0.0)
