"""A clip's script: who is where and does what at each second, and what is therefore true.

Belongs here: reading the script, positions over time, and the timeline written beside the clip. No drawing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np

from vision_jobs.model import Zone
from vision_jobs.render.kitchen import Kitchen
from vision_jobs.render.people import Pose
from warehouse.errors import Permanent

_SPEED: Final = 1.2
"""Metres per second of somebody walking."""
_DOOR: Final = (0.0, 0.3)
"""Where people come from: below the camera, out of sight."""
_TICK: Final = 0.1
"""Seconds between the instants at which places are compared with zones."""
_SWITCHES: Final = ("flame", "steam", "lights", "gap")
_WORN: Final = ("hat", "mask", "smoke")

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip asked for; see ``clips.render`` for the request."""

    name: str
    camera_id: str
    started_at: dt.datetime
    duration_s: float
    codec: str
    fps: float
    gop_s: float
    width: int
    height: int
    view: int
    noise: float
    script: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class Actor:
    """Somebody of the script.

    Attributes:
        name: As the script calls them.
        legs: Walks: start and end (seconds), from and to (x, z).
        present: When they are in the kitchen.
        worn: ``hat``, ``mask``, ``smoke`` -> list of (from second, on).
        turned: List of (from second, ``camera``, ``counter`` or ``any``).
    """

    name: str
    legs: list[tuple[float, float, tuple[float, float], tuple[float, float]]] = field(default_factory=list)
    present: list[Span] = field(default_factory=list)
    worn: dict[str, list[tuple[float, bool]]] = field(default_factory=dict)
    turned: list[tuple[float, str]] = field(default_factory=list)

    def place(self, at: float) -> tuple[float, float]:
        """Position in metres."""
        begun = [leg for leg in self.legs if leg[0] <= at]
        start, end, a, b = begun[-1] if begun else self.legs[0]
        share = 1.0 if at >= end or end <= start else (at - start) / (end - start)
        return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])

    def here(self, at: float) -> bool:
        """Whether they are in the kitchen."""
        return any(start <= at < end for start, end in self.present)

    def wears(self, what: str, at: float) -> bool:
        """State of hat, mask or cigarette."""
        return [on for since, on in self.worn[what] if since <= at][-1]

    def pose(self, at: float) -> Pose:
        """What they look like; instants are coarse where nothing walks, so that pictures repeat."""
        x, z = self.place(at)
        moving = [leg for leg in self.legs if leg[0] <= at < leg[1]]
        worn = {"hat": self.wears("hat", at), "mask": "on" if self.wears("mask", at) else "off"}
        if moving:
            _, _, a, b = moving[-1]
            facing = float(np.degrees(np.arctan2(b[0] - a[0], -(b[1] - a[1]))))
            return Pose(round(x, 3), round(z, 3), facing, "walk", round(at * 0.9 % 1, 3), **worn)  # type: ignore[arg-type]
        if self.wears("smoke", at):
            return Pose(x, z, 25.0, "smoke", int(at / 5 % 1 * 10) / 10, nod=0.0, **worn)  # type: ignore[arg-type]
        way = [how for since, how in self.turned if since <= at][-1]
        beat = (at + sum(map(ord, self.name)) * 1.7) % 13
        towards = way == "camera" or (way == "any" and beat >= 6)
        if not towards:
            return Pose(x, z, 180.0, "work", int(at / 1.6 % 1 * 8) / 8, **worn)  # type: ignore[arg-type]
        side = (
            (-35.0, 0.0, 30.0)[int(beat * 2) % 3] if way == "any" else (-15.0, 0.0, 15.0)[int(beat / 2) % 3]
        )
        return Pose(x, z, side, "stand", 0.0, turn=-side / 3, nod=8.0, **worn)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Play:
    """A script that was read.

    Attributes:
        actors: Everybody, by order of entry.
        switches: ``flame``, ``steam``, ``gap`` -> when on; ``dark`` -> when the lights are off.
    """

    actors: tuple[Actor, ...]
    switches: dict[str, tuple[Span, ...]]

    def on(self, switch: str, at: float) -> bool:
        """State of a switch."""
        return any(start <= at < end for start, end in self.switches[switch])


def read(clip: Clip, kitchen: Kitchen) -> Play:
    """Read a script.

    Args:
        clip: The clip.
        kitchen: Where its stations are.

    Raises:
        Permanent: An entry is not understood.
    """
    actors: dict[str, Actor] = {}
    changes: dict[str, list[tuple[float, bool]]] = {switch: [] for switch in _SWITCHES}
    for entry in sorted(clip.script, key=lambda one: float(one["at"])):
        at = float(entry["at"])
        if switch := next((name for name in _SWITCHES if name in entry), None):
            changes[switch].append((at, bool(entry[switch])))
        elif "enter" in entry:
            actor = actors.setdefault(str(entry["enter"]), Actor(str(entry["enter"])))
            _enter(actor, entry, at, clip, kitchen)
        elif "leave" in entry:
            actor = _known(actors, entry["leave"], clip)
            gone = at if entry.get("jump") else _walk(actor, at, _DOOR)
            start, _ = actor.present.pop()
            actor.present.append((start, min(gone, clip.duration_s)))
        elif "go" in entry:
            actor = _known(actors, entry["go"], clip)
            _move(actor, entry, at, kitchen)
        elif what := next((name for name in _WORN if name in entry), None):
            _known(actors, entry[what], clip).worn[what].append((at, bool(entry["on"])))
        else:
            raise Permanent(f"渲染脚本 {clip.name} 第 {at:g} 秒的内容不认识：{sorted(set(entry) - {'at'})}")
    spans = {switch: _spans(changes[switch], clip.duration_s) for switch in ("flame", "steam", "gap")}
    spans["dark"] = _spans([(at, not on) for at, on in changes["lights"]], clip.duration_s)
    return Play(tuple(actors.values()), spans)


def truth(clip: Clip, play: Play, zones: Sequence[Zone], kitchen: Kitchen) -> dict[str, Any]:
    """What is true of a clip, seconds from its start; boxes are added by who draws.

    ``episodes`` are the bare violations, however short, cut at gaps of the camera: a rule's least duration is the
    reader's business. ``flame_unattended`` runs while a flame burns and nobody's feet are in ``stove_attendance``;
    ``no_hat``, ``no_mask`` and ``smoking`` run while such a person's feet are in the zone ``floor``.
    """
    ticks = np.arange(0, clip.duration_s, _TICK)
    gaps = play.switches["gap"]
    presence = []
    inside: dict[str, np.ndarray] = {}
    for zone in zones:
        if zone.kind == "stove":
            continue
        occupied = np.zeros(len(ticks), bool)
        for actor in play.actors:
            mine = _in_zone(actor, zone, ticks, kitchen)
            occupied |= mine
            presence += [
                {"id": actor.name, "zone_id": zone.zone_id, "start_s": a, "end_s": b} for a, b in _runs(mine)
            ]
        inside[zone.kind] = occupied
    burning = np.array([play.on("flame", at) for at in ticks], bool)
    lost = np.array([play.on("gap", at) for at in ticks], bool)
    stove = next(zone.zone_id for zone in zones if zone.kind == "stove")
    floor = next(zone for zone in zones if zone.kind == "floor")
    episodes: list[dict[str, Any]] = [
        {"kind": "flame_unattended", "zone_id": stove, "id": None, "start_s": a, "end_s": b}
        for a, b in _runs(burning & ~inside["stove_attendance"] & ~lost)
    ]
    for actor in play.actors:
        feet = _in_zone(actor, floor, ticks, kitchen) & ~lost
        for kind, what, bad in (
            ("no_hat", "hat", False),
            ("no_mask", "mask", False),
            ("smoking", "smoke", True),
        ):
            state = np.array([actor.here(at) and actor.wears(what, at) == bad for at in ticks], bool)
            episodes += [
                {"kind": kind, "zone_id": floor.zone_id, "id": actor.name, "start_s": a, "end_s": b}
                for a, b in _runs(feet & state)
            ]
    return {
        "name": clip.name,
        "camera_id": clip.camera_id,
        "started_at": clip.started_at.isoformat(),
        "duration_s": clip.duration_s,
        "codec": clip.codec,
        "fps": clip.fps,
        "gop_s": clip.gop_s,
        "width": clip.width,
        "height": clip.height,
        "zones": [{"zone_id": z.zone_id, "kind": z.kind, "polygon": z.polygon} for z in zones],
        "episodes": sorted(episodes, key=lambda one: (one["start_s"], one["kind"])),
        "presence": presence,
        "gaps": [list(span) for span in gaps],
        "flame": [list(span) for span in play.switches["flame"]],
        "steam": [list(span) for span in play.switches["steam"]],
        "dark": [list(span) for span in play.switches["dark"]],
        "hats": _states(play, "hat", clip.duration_s),
        "masks": _states(play, "mask", clip.duration_s),
        "smoking": _states(play, "smoke", clip.duration_s),
    }


def _enter(actor: Actor, entry: dict[str, Any], at: float, clip: Clip, kitchen: Kitchen) -> None:
    actor.present.append((at, clip.duration_s))
    for what, usual in (("hat", True), ("mask", True), ("smoke", False)):
        actor.worn.setdefault(what, []).append((at, bool(entry.get(what, usual))))
    actor.turned.append((at, "any"))
    actor.legs.append((at, at, _DOOR, _DOOR))
    _move(actor, {"to": "stove_attendance"} | entry, at, kitchen)


def _move(actor: Actor, entry: dict[str, Any], at: float, kitchen: Kitchen) -> None:
    place = kitchen.station(str(entry["to"])).place if entry["to"] != "floor" else (0.6, kitchen.length * 0.5)
    goal = (place[0] + float(entry.get("aside", 0.0)), place[1])
    if entry.get("jump"):
        actor.legs.append((at, at, goal, goal))
    else:
        _walk(actor, at, goal)
    actor.turned.append((at, str(entry.get("face", "any"))))


def _walk(actor: Actor, at: float, goal: tuple[float, float]) -> float:
    start = actor.place(at)
    arrives = at + float(np.hypot(goal[0] - start[0], goal[1] - start[1])) / _SPEED
    actor.legs.append((at, arrives, start, goal))
    return arrives


def _known(actors: dict[str, Actor], name: Any, clip: Clip) -> Actor:
    if name not in actors:
        raise Permanent(f"渲染脚本 {clip.name} 提到尚未进入的人 {name}：请先写 enter")
    return actors[name]


def _in_zone(actor: Actor, zone: Zone, ticks: np.ndarray, kitchen: Kitchen) -> np.ndarray:
    import cv2

    size = np.array([kitchen.view.width, kitchen.view.height])
    polygon = (np.array(zone.polygon) * size).astype(np.float32)
    places = np.array([(*actor.place(at),) for at in ticks], np.float32)
    feet = np.stack([places[:, 0], np.zeros(len(places), np.float32), places[:, 1]], axis=1)
    pixels, depth = kitchen.view.project(feet)
    near = [d > 0.2 and cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for (x, y), d in zip(pixels, depth, strict=True)]  # fmt: skip
    return np.array(near, bool) & np.array([actor.here(at) for at in ticks], bool)


def _runs(state: np.ndarray) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], state, [False]]).astype(np.int8)))
    return [(round(float(a) * _TICK, 3), round(float(b) * _TICK, 3)) for a, b in zip(edges[::2], edges[1::2], strict=True)]  # fmt: skip


def _spans(changes: list[tuple[float, bool]], end: float) -> tuple[Span, ...]:
    """When a switch that starts off is on."""
    made: list[Span] = []
    since: float | None = None
    for at, on in [*changes, (end, False)]:
        if on and since is None:
            since = at
        elif not on and since is not None:
            made.append((since, at))
            since = None
    return tuple(made)


def _states(play: Play, what: str, end: float) -> list[dict[str, Any]]:
    made = []
    for actor in play.actors:
        for start, leaves in actor.present:
            known = actor.worn[what]
            edges = sorted({start, leaves, *(at for at, _ in known if start < at < leaves)})
            for a, b in pairwise(edges):
                made.append(
                    {"id": actor.name, "on": actor.wears(what, a), "start_s": a, "end_s": min(b, end)}
                )
    return made
