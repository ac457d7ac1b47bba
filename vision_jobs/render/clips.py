"""Clips of rendered kitchens: a request in, video files and what is true of them out.

Belongs here: drawing a script frame by frame into files. What a script means is in ``script``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final
from zoneinfo import ZoneInfo

import cv2
import numpy as np

from vision_jobs.model import Box, Zone
from vision_jobs.render import effects, people
from vision_jobs.render.files import Writer, snapshot
from vision_jobs.render.kitchen import Kitchen, build
from vision_jobs.render.scene import Billboard, compose
from vision_jobs.render.script import Actor, Clip, Play, read, truth
from vision_jobs.render.view import View
from warehouse.errors import Permanent

ZONE: Final = ZoneInfo("Asia/Shanghai")
_DARK: Final = 0.08
"""Light that is left when the lights are off."""
_PUFF_S: Final = 2.6
"""Life of a puff of steam."""
_CUTS: Final = 400
"""Drawn poses kept in memory."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Layout:
    """A standard place of a camera; the polygons of its zones depend on nothing else."""

    fov: float
    eye: tuple[float, float, float]
    yaw: float
    pitch: float
    width: float
    length: float
    order: tuple[str, ...]


_LAYOUTS: Final = (
    _Layout(70, (0.0, 2.6, 0.1), 0, 20, 6.0, 5.4, ("cutting", "stove", "dishwashing", "sampling")),
    _Layout(64, (-1.2, 2.5, 0.1), 12, 19, 5.2, 4.8, ("sampling", "dishwashing", "stove", "cutting")),
    _Layout(76, (1.0, 2.8, 0.1), -10, 23, 6.4, 5.6, ("stove", "cutting", "sampling", "dishwashing")),
    _Layout(58, (0.3, 2.4, 0.1), -3, 15, 4.8, 5.0, ("dishwashing", "stove", "cutting", "sampling")),
)
VIEWS: Final = len(_LAYOUTS)
"""Number of standard places of a camera."""


def zones(camera_id: str, view: int = 0) -> list[Zone]:
    """The zones of a camera at a standard place, for frames of 16:9.

    Args:
        camera_id: The camera.
        view: Number of the place, below ``VIEWS``.
    """
    return _kitchen("", view, 640, 360).zones(camera_id)


def render(
    request: dict[str, Any], out: Path, progress: Callable[[str], None] = lambda _: None
) -> list[Path]:
    """Draw the clips of a request.

    A request is ``{"seed": 1, "clips": [{"camera_id", "started_at" (ISO, with zone), "duration_s", "script", and as
    wanted "name", "codec" (h264, hevc, mpeg4, jpeg), "fps", "gop_s", "width", "height", "view", "noise" (grey levels)}]}``. Entries of a
    script, each with ``at`` in seconds:

    - ``{"enter": "p1", "hat": true, "mask": true, "smoke": false, "to": "cutting"}``: walks in to a station
      (``stove_attendance`` unless said); ``"jump": true`` stands there at once; ``"face"``: ``camera``, ``counter``
      or ``any`` (now and then, the default); ``"aside"``: metres to the right of the station's middle.
    - ``{"go": "p1", "to": "sampling"}`` and ``{"leave": "p1"}``, with ``jump`` as well.
    - ``{"hat": "p1", "on": false}``, and so for ``mask`` and ``smoke``.
    - ``{"flame": true}``, ``{"steam": true}``, ``{"lights": false}``, ``{"gap": true}`` (no frames) and back.

    The kitchen's palette and its people's looks follow from seed and camera; the same request gives the same bytes.

    Args:
        request: As above.
        out: Folder; a clip becomes ``<name>.mp4`` (``.jpg``: one frame at the start), by default named
            ``<camera_id>/<YYYY-MM-DD>/<HHMMSS>`` by Shanghai's clock, with ``<name>.truth.json`` beside it.
        progress: Told each finished clip.

    Returns:
        The files, in the request's order.

    Raises:
        Permanent: The request is not understood.
    """
    made = []
    for entry in request["clips"]:
        clip = _clip(entry)
        suffix = ".jpg" if clip.codec == "jpeg" else ".mp4"
        path = out / f"{clip.name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        _draw(clip, int(request.get("seed", 0)), path)
        made.append(path)
        progress(f"已渲染 {clip.name}（{clip.duration_s:g} 秒）")
    return made


def _clip(entry: dict[str, Any]) -> Clip:
    started = dt.datetime.fromisoformat(str(entry["started_at"]))
    if started.tzinfo is None:
        raise Permanent(
            f"渲染请求的 started_at 没有时区：{entry['started_at']}；请写成 2026-09-01T06:00:00+08:00"
        )
    local = started.astimezone(ZONE)
    name = str(entry.get("name") or f"{entry['camera_id']}/{local:%Y-%m-%d}/{local:%H%M%S}")
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise Permanent(f"渲染请求的 name 越出输出目录：{name}")
    return Clip(
        name=name,
        camera_id=str(entry["camera_id"]),
        started_at=started.astimezone(dt.UTC),
        duration_s=float(entry["duration_s"]),
        codec=str(entry.get("codec", "h264")),
        fps=float(entry.get("fps", 10)),
        gop_s=float(entry.get("gop_s", 2)),
        width=int(entry.get("width", 640)),
        height=int(entry.get("height", 360)),
        view=int(entry.get("view", 0)),
        noise=float(entry.get("noise", 2)),
        script=tuple(entry.get("script", ())),
    )


def _dice(*parts: object) -> np.random.Generator:
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


@cache
def _kitchen(palette: str, view: int, width: int, height: int) -> Kitchen:
    layout = _LAYOUTS[view]
    camera = View.looking(width, height, fov=layout.fov, eye=layout.eye, yaw=layout.yaw, pitch=layout.pitch)
    return build(camera, _dice("kitchen", palette), width=layout.width, length=layout.length, order=layout.order, island=False)  # fmt: skip


def _draw(clip: Clip, seed: int, path: Path) -> None:
    if not 0 <= clip.view < VIEWS:
        raise Permanent(f"渲染请求的 view {clip.view} 不存在：可用 0 到 {VIEWS - 1}")
    kitchen = _kitchen(f"{seed}/{clip.camera_id}", clip.view, clip.width, clip.height)
    play = read(clip, kitchen)
    known = truth(clip, play, kitchen.zones(clip.camera_id), kitchen)
    stage = _Stage(kitchen, play, seed, clip)
    if clip.codec == "jpeg":
        snapshot(path, stage.picture(0.0))
    else:
        with Writer(path, codec=clip.codec, fps=clip.fps, gop_s=clip.gop_s, width=clip.width, height=clip.height) as file:  # fmt: skip
            returned = True
            for at in _instants(clip):
                if play.on("gap", at):
                    returned = True
                    continue
                file.add(stage.picture(at), at, key=returned)
                returned = False
    known["persons"] = stage.persons
    path.with_suffix(".truth.json").write_text(json.dumps(known, ensure_ascii=False), encoding="utf8")


def _instants(clip: Clip) -> Iterator[float]:
    return (number / clip.fps for number in range(round(clip.duration_s * clip.fps)))


class _Stage:
    """Draws the frames of one clip in order; notes everybody's boxes once a second in ``persons``."""

    def __init__(self, kitchen: Kitchen, play: Play, seed: int, clip: Clip) -> None:
        self._light = kitchen
        dark = cv2.convertScaleAbs(kitchen.picture, alpha=_DARK)
        self._dark = dataclasses.replace(kitchen, picture=dark)
        self._play = play
        self._start = clip.started_at.astimezone(ZONE)
        dice = _dice("clip", seed, clip.camera_id, clip.name)
        self._looks = {a.name: people.look(_dice("look", seed, clip.camera_id, a.name)) for a in play.actors}
        self._flames = [effects.flames(dice) for _ in kitchen.burners]
        self._clouds = [effects.cloud(dice, thick=0.9) for _ in range(6)]
        self._sensor = effects.Sensor(dice, clip.width, clip.height, noise_level=clip.noise)
        self._cuts: dict[tuple[str, people.Pose, bool], people.CutOut | None] = {}
        self._next_boxes = 0.0
        self.persons: list[dict[str, Any]] = []

    def picture(self, at: float) -> np.ndarray:
        """The frame at a second of the clip."""
        dark = self._play.on("dark", at)
        kitchen = self._dark if dark else self._light
        shown = [
            (actor, cut)
            for actor in self._play.actors
            if actor.here(at) and (cut := self._cut(actor, at, dark)) is not None
        ]
        wanted = at >= self._next_boxes - 1e-6
        boards = [*self._burning(at), *self._steaming(at), *self._smoking(at)]
        frame, seen, _ = compose(kitchen, [cut for _, cut in shown], boards, boxes=wanted)
        if wanted:
            self._next_boxes = np.floor(at + 1e-6) + 1.0
            for one in seen:
                actor = shown[one.number][0]
                if one.person is not None:
                    self.persons.append(_noted(actor, at, one.person, one.head, one.face))
        clock = (self._start + dt.timedelta(seconds=int(at))).strftime("%Y-%m-%d %H:%M:%S")
        return self._sensor.expose(frame, 1.0, clock)

    def _cut(self, actor: Actor, at: float, dark: bool) -> people.CutOut | None:
        pose = actor.pose(at)
        key = (actor.name, pose, dark)
        if key not in self._cuts:
            if len(self._cuts) >= _CUTS:
                self._cuts.clear()
            light = self._light.brightness(pose.x, pose.z) * (_DARK if dark else 1.0)
            self._cuts[key] = people.draw(self._light.view, self._looks[actor.name], pose, light)
        return self._cuts[key]

    def _burning(self, at: float) -> list[Billboard]:
        if not self._play.on("flame", at):
            return []
        number = int(at * 12)
        return [
            Billboard(loop[(number + 7 * k) % len(loop)], _at(place), 0.36, 0.42, burning=True)
            for k, (loop, place) in enumerate(zip(self._flames, self._light.burners, strict=True))
        ][:1]

    def _steaming(self, at: float) -> list[Billboard]:
        x, y, z = _at(self._light.burners[-1])
        boards = []
        for start, end in self._play.switches["steam"]:
            for number in range(
                int(max(at - start - _PUFF_S, 0) / 0.3), int((min(at, end) - start) / 0.3) + 1
            ):
                age = at - start - number * 0.3
                if 0 <= age < _PUFF_S and start <= at:
                    size = 0.4 + 0.4 * age
                    fade = self._clouds[number % 6].sized(64, 64)
                    weight = 1 - age / _PUFF_S
                    sheet = effects.Sheet(cv2.convertScaleAbs(fade.colour, alpha=weight), cv2.convertScaleAbs(fade.alpha, alpha=weight))  # fmt: skip
                    boards.append(
                        Billboard(
                            sheet,
                            (x + 0.1 * np.sin(number * 2.1), y + 0.42 * age, z - 0.1),
                            size * 1.25,
                            size,
                        )
                    )
        return boards

    def _smoking(self, at: float) -> list[Billboard]:
        boards = []
        for actor in self._play.actors:
            if actor.here(at) and actor.wears("smoke", at):
                x, z = actor.place(at)
                for step in range(3):
                    age = (at * 0.7 + step / 3) % 1
                    size = 0.06 + 0.16 * age
                    boards.append(
                        Billboard(self._clouds[step], (x - 0.05, 1.5 + 0.35 * age, z - 0.25), size, size)
                    )
        return boards


def _noted(actor: Actor, at: float, person: Box, head: Box | None, face: Box | None) -> dict[str, Any]:
    return {
        "at": round(at, 3),
        "id": actor.name,
        "person": _corners(person),
        "head": None if head is None else _corners(head),
        "face": None if face is None else _corners(face),
        "hat": actor.wears("hat", at),
        "mask": actor.wears("mask", at),
        "smoking": actor.wears("smoke", at),
    }


def _corners(box: Box) -> list[float]:
    return [round(v, 4) for v in (box.x1, box.y1, box.x2, box.y2)]


def _at(place: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    return float(place[0]), float(place[1]), float(place[2])
