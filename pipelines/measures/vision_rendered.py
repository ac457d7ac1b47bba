"""Accuracy ``vision``, rendered part: films with a known truth through the whole chain, with the shipped models.

Belongs here: drawing scripts from a seed, what a supervisor should be told of them, and matching events with it. The
seed decides everything; no rule and no threshold may be tuned on a seed that is scored.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vision_jobs.model import Event, Eyes
    from vision_jobs.results import Result

Span = tuple[float, float]

_FILMS: Final = 20
_FILM_S: Final = 240
_STEAM_FILMS: Final = 24
_STEAM_S: Final = 300
_START: Final = dt.datetime(2026, 9, 1, 6, tzinfo=dt.timezone(dt.timedelta(hours=8)))
_LEAST_S: Final = {"no_hat": 30.0, "no_mask": 30.0, "smoking": 20.0, "flame_unattended": 120.0}
"""Seconds of a violation that the camera must have seen for a supervisor to be told; scripts stay clear of these."""


def measure(
    *, seed: int, progress: Callable[[str], None], eyes: Callable[[], Eyes] | None = None
) -> dict[str, tuple[float | None, int]]:
    """Precision and recall of events on rendered films, and events of films with nothing but steam.

    Args:
        seed: Of scripts, kitchens and people.
        progress: Told what is being done, and every event that is wrong or missing.
        eyes: Opens the models; the shipped ones unless said.

    Returns:
        Name of the measure -> value and number of cases.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-accuracy-") as folder:
        root = Path(folder)
        progress(f"渲染视频：{_FILMS} 段各 {_FILM_S} 秒")
        told = _judged(scripts(seed), seed, root / "films", eyes, progress)
        wanted, raised, right = 0, 0, 0
        for events, truth in told:
            expected = [(kind, span) for kind, spans in reportable(truth).items() for span in spans]
            found = [(event.kind, span_of(event, truth)) for event in events]
            pairs = matched(expected, found)
            wanted, raised, right = wanted + len(expected), raised + len(found), right + len(pairs)
            for text, left in (
                ("漏报", [one for i, one in enumerate(expected) if i not in {a for a, _ in pairs}]),
                ("误报", [one for j, one in enumerate(found) if j not in {b for _, b in pairs}]),
            ):
                for kind, (start, end) in left:
                    progress(f"{text} {truth['camera_id']} {kind} {start:.0f}–{end:.0f} 秒")
        progress(f"只有蒸汽：{_STEAM_FILMS} 段各 {_STEAM_S} 秒")
        steam = _judged(steam_scripts(seed), seed, root / "steam", eyes, progress)
        false = sum(len(events) for events, _ in steam)
    return {
        "rendered_precision": (round(right / raised, 4) if raised else None, raised),
        "rendered_recall": (round(right / wanted, 4) if wanted else None, wanted),
        "steam_events": (false, _STEAM_FILMS),
    }


def scripts(seed: int) -> list[dict[str, Any]]:
    """Clips of people at work: hats and masks off for long or for a moment, cigarettes, a flame left for more or less
    than two minutes, steam, the lights off, gaps of the camera."""
    dice = random.Random(f"rendered {seed}")  # noqa: S311 - reproducible, no secret
    return [_clip(dice, number, _FILM_S, _work(dice), large=number % 3 == 0) for number in range(_FILMS)]


def steam_scripts(seed: int) -> list[dict[str, Any]]:
    """Clips of empty kitchens in which only steam rises, on and off."""
    dice = random.Random(f"steam {seed}")  # noqa: S311 - reproducible, no secret
    clips = []
    for number in range(_STEAM_FILMS):
        script: list[dict[str, Any]] = []
        at = dice.uniform(0, 10)
        while at < _STEAM_S:
            script.append({"at": round(at, 1), "steam": len(script) % 2 == 0})
            at += dice.uniform(20, 120) if len(script) % 2 else dice.uniform(3, 20)
        clips.append(_clip(dice, number, _STEAM_S, script) | {"fps": 2, "width": 640, "height": 360})
    return clips


def reportable(truth: Mapping[str, Any]) -> dict[str, list[Span]]:
    """What a supervisor should be told of a film.

    A violation counts when the camera saw it for ``_LEAST_S`` (gaps and darkness show nothing). What one person, or
    one stove, does again within the cool-down is the same event; no film is longer than that.

    Args:
        truth: As ``vision_jobs.render`` writes it.

    Returns:
        Kind -> spans in seconds of the film, one per event.
    """
    blind = [tuple(span) for span in (*truth["gaps"], *truth["dark"])]
    found: dict[str, list[Span]] = {kind: [] for kind in _LEAST_S}
    for kind, least in _LEAST_S.items():
        by_whom: dict[str | None, list[Span]] = {}
        for one in truth["episodes"]:
            if one["kind"] == kind:
                by_whom.setdefault(one["id"], []).append((one["start_s"], one["end_s"]))
        for spans in by_whom.values():
            parts = _joined_over_gaps(spans, truth["gaps"])
            long = [part for part in parts if _seen(part, blind) >= least]
            if long:
                found[kind].append((long[0][0], long[-1][1]))
    return found


def matched(expected: Sequence[tuple[str, Span]], found: Sequence[tuple[str, Span]]) -> list[tuple[int, int]]:
    """Pairs of expected and found events of the same kind that overlap in time, each in one pair, longest overlap first."""
    overlaps = sorted(
        (
            (min(a[1], b[1]) - max(a[0], b[0]), i, j)
            for i, (kind, a) in enumerate(expected)
            for j, (other, b) in enumerate(found)
            if kind == other and max(a[0], b[0]) <= min(a[1], b[1])
        ),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    pairs: dict[int, int] = {}
    for _, i, j in overlaps:
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return sorted(pairs.items())


def _work(dice: random.Random) -> list[dict[str, Any]]:
    """One film's script: a cook, and somebody at each of the other stations."""
    left = dice.uniform(40, 60)
    away = dice.choice([dice.uniform(30, 95), dice.uniform(138, 160)])
    script: list[dict[str, Any]] = [
        {"at": 0, "enter": "cook", "to": "stove_attendance"},
        {"at": dice.uniform(8, 20), "flame": True},
        {"at": left, "leave": "cook"},
        {"at": left + away, "enter": "cook", "to": "stove_attendance"},
    ]
    stations = ["cutting", "sampling"]
    dice.shuffle(stations)
    bare = ["hat", "smoke"]
    dice.shuffle(bare)
    # No mask is needed where dishes are washed.
    for kind, station in zip(["mask", *bare], [*stations, "dishwashing"], strict=True):
        enters = dice.uniform(0, 15)
        script.append({"at": enters, "enter": kind, "to": station})
        lasts = dice.choice([0.0, dice.uniform(3, 6), dice.uniform(60, 110), dice.uniform(60, 110)])
        if kind == "smoke" and 0 < lasts < 10:
            continue  # a puff of a few seconds may or may not be told
        if lasts:
            begins = dice.uniform(enters + 15, _FILM_S - lasts - 10)
            off = kind != "smoke"
            script += [
                {"at": begins, kind: kind, "on": not off},
                {"at": begins + lasts, kind: kind, "on": off},
            ]
    if dice.random() < 0.5:
        script += _switched(dice, "steam", 20, 100, on=True)
    if dice.random() < 0.3:
        script += _switched(dice, "lights", 12, 20, on=False)
    elif dice.random() < 0.4:
        script += _switched(dice, "gap", 12, 20, on=True)
    return [entry | {"at": round(entry["at"], 1)} for entry in script]


def _switched(dice: random.Random, what: str, least: float, most: float, *, on: bool) -> list[dict[str, Any]]:
    lasts = dice.uniform(least, most)
    begins = dice.uniform(10, _FILM_S - lasts - 10)
    return [{"at": begins, what: on}, {"at": begins + lasts, what: not on}]


def _clip(
    dice: random.Random, number: int, length: float, script: list[dict[str, Any]], *, large: bool = False
) -> dict[str, Any]:
    return {
        "camera_id": f"film-{number:02d}",
        "started_at": _START.isoformat(),
        "duration_s": length,
        "codec": "hevc" if dice.random() < 0.25 else "h264",
        "fps": 3,
        "gop_s": 2,
        "width": 1280 if large else 960,
        "height": 720 if large else 540,
        "view": dice.randrange(4),
        "script": script,
    }


def _judged(
    clips: Sequence[dict[str, Any]],
    seed: int,
    root: Path,
    eyes: Callable[[], Eyes] | None,
    progress: Callable[[str], None],
) -> Iterable[tuple[tuple[Event, ...], dict[str, Any]]]:
    """Events and truth of each clip, in the order of the clips."""
    from vision_jobs import jobs, rules, segments
    from vision_jobs.chain import Camera
    from vision_jobs.decoder import Decoder
    from vision_jobs.gate import Gate
    from vision_jobs.render import zones

    processes = os.cpu_count() or 1
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        requests = [{"seed": seed, "clips": [clip]} for clip in clips]
        list(pool.map(_draw, requests, [root] * len(clips)))
    with Decoder() as decoder:
        entries = segments.inventory(segments.tree(root), decoder)
    views = {clip["camera_id"]: clip["view"] for clip in clips}
    cameras = [
        Camera(one.camera_id, (one.segment,), tuple(zones(one.camera_id, views[one.camera_id])))
        for one in entries
        if one.segment is not None
    ]
    kit = jobs.Kit(eyes or _shipped, rules.load(), root.with_name(f"{root.name}-home"), Decoder(), Gate)
    results: dict[str, Result] = {
        one.camera_id: one for one in jobs.run(cameras, kit, processes=processes, progress=progress)
    }
    paths = {one.camera_id: one.path for one in entries}
    return [
        (
            results[camera].events,
            json.loads(paths[camera].with_suffix(".truth.json").read_text(encoding="utf8")),
        )
        for camera in views
    ]


def _shipped() -> Eyes:
    from vision_jobs.detect import open_eyes

    return open_eyes(None)


def _draw(request: dict[str, Any], root: Path) -> None:
    from vision_jobs.render import render

    render(request, root)


def span_of(event: Event, truth: Mapping[str, Any]) -> Span:
    """When an event was, in seconds of the film."""
    start = dt.datetime.fromisoformat(truth["started_at"])
    return ((event.started_at - start).total_seconds(), (event.ended_at - start).total_seconds())


def _joined_over_gaps(spans: Iterable[Span], gaps: Iterable[Sequence[float]]) -> list[Span]:
    """Spans that only a gap of the camera parts are one."""
    edges = [(start, end) for start, end in gaps]
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and any(abs(joined[-1][1] - a) < 0.2 and abs(start - b) < 0.2 for a, b in edges):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _seen(span: Span, blind: Iterable[Sequence[float]]) -> float:
    start, end = span
    return end - start - sum(max(min(end, b) - max(start, a), 0.0) for a, b in blind)
