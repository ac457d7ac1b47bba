"""Training pictures: single frames of ever new kitchens with the boxes of everybody in them.

Belongs here: what varies from picture to picture. The frames of clips come from ``clips``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypedDict

import cv2
import numpy as np

from vision_jobs.model import Box, Detection
from vision_jobs.render import effects, people
from vision_jobs.render.kitchen import Kitchen, build
from vision_jobs.render.scene import Billboard, Seen, compose, detections
from vision_jobs.render.textures import Dice, Picture
from vision_jobs.render.view import View

_PER_KITCHEN: Final = 6
_LEAST: Final = 0.035
"""Least height of a person's box, share of the frame."""
_STATIONS: Final = ("stove", "cutting", "dishwashing", "sampling")
_ACTIONS: Final = ("stand", "stand", "walk", "walk", "work", "work", "carry", "smoke", "phone", "bend")
"""What people do, each as likely."""


class Attributes(TypedDict):
    """What is true of one person of a picture.

    ``mask`` and ``mask_on_chin`` are ``None`` while no face is seen; ``head`` is the skull without a hat; ``share``
    is the visible share of the person.
    """

    person: Box
    head: Box | None
    face: Box | None
    hat: bool
    mask: bool | None
    mask_on_chin: bool | None
    smoking: bool
    share: float


def stills(
    seed: int, n: int, *, width: int = 640, height: int = 360, smokers: bool = False
) -> Iterator[tuple[Picture, list[Detection], list[Attributes]]]:
    """Draw ``n`` pictures.

    Args:
        seed: The same seed gives the same pictures.
        n: How many.
        width: Columns.
        height: Rows.
        smokers: Whether every second person smokes, and the smoke may be as thick as in clips.

    Yields:
        The frame (BGR, uint8), everything visible in it (person, head, face, flame; score 1), and the attributes of
        each person that has a box.
    """
    for number in range(n):
        if number % _PER_KITCHEN == 0:
            dice = np.random.default_rng([seed, number])
            kitchen = _kitchen(dice, width, height)
        yield _still(kitchen, np.random.default_rng([seed, number, 1]), smokers)


def _kitchen(dice: Dice, width: int, height: int) -> Kitchen:
    near = dice.random() < 0.35
    room, length = float(dice.uniform(4.2, 7.5)), float(dice.uniform(4.0, 7.5))
    view = View.looking(
        width,
        height,
        fov=float(dice.uniform(40, 65) if near else dice.uniform(60, 95)),
        eye=(float(dice.uniform(-0.3, 0.3)) * room, float(dice.uniform(1.6, 2.3) if near else dice.uniform(2.2, 3.0)), 0.1),
        yaw=float(dice.uniform(-22, 22)),
        pitch=float(dice.uniform(2, 16) if near else dice.uniform(14, 38)),
    )  # fmt: skip
    order = [str(kind) for kind in dice.permutation(_STATIONS)]
    return build(view, dice, width=room, length=length, order=order, island=bool(dice.random() < 0.45))


def _still(kitchen: Kitchen, dice: Dice, smokers: bool) -> tuple[Picture, list[Detection], list[Attributes]]:
    poses = _crowd(kitchen, dice, _ACTIONS + ("smoke",) * 8 if smokers else _ACTIONS)
    cuts, worn = [], []
    for pose in poses:
        cut = people.draw(kitchen.view, people.look(dice), pose, kitchen.brightness(pose.x, pose.z))
        if cut is not None:
            cuts.append(cut)
            worn.append(pose)
    boards = _burning(kitchen, dice) + _steaming(kitchen, dice)
    for pose in worn:
        if pose.action == "smoke" and (smokers or dice.random() < 0.6):
            boards += _smoke(dice, pose, thickest=0.9 if smokers else 0.5)
    frame, seen, fires = compose(kitchen, cuts, boards)
    seen = [_large(one) for one in seen]
    fires = [box for box in fires if box.y2 - box.y1 > _LEAST / 2]
    return _camera(frame, dice), detections(seen, fires), _attributes(seen, worn)


def _crowd(kitchen: Kitchen, dice: Dice, actions: Sequence[str]) -> list[people.Pose]:
    wanted = int(dice.choice([0, 1, 1, 2, 2, 3, 4, 5, 6]))
    poses: list[people.Pose] = []
    for _ in range(wanted * 4):
        if len(poses) == wanted:
            break
        x = float(dice.uniform(-0.5, 0.5)) * kitchen.width
        z = 0.8 + float(dice.random()) ** 1.35 * (kitchen.length - 1.6)  # near ones more often than by chance
        apart = all(np.hypot(x - other.x, z - other.z) > 0.45 for other in poses)
        if apart and kitchen.free(x, z):
            poses.append(
                people.Pose(
                    x,
                    z,
                    facing=float(dice.choice([dice.uniform(-180, 180), dice.normal(0, 40), dice.normal(180, 30)])),
                    action=str(dice.choice(actions)),
                    phase=float(dice.random()) if dice.random() < 0.7 else 0.0,
                    turn=float(dice.normal(0, 22)),
                    nod=float(dice.uniform(-8, 28)),
                    hat=bool(dice.random() < 0.55),
                    mask=str(dice.choice(["on", "on", "on", "off", "off", "chin"])),
                )
            )  # fmt: skip
    return poses


def _burning(kitchen: Kitchen, dice: Dice) -> list[Billboard]:
    boards = []
    for place in kitchen.burners:
        if dice.random() < 0.4:
            blue = dice.random() < 0.2
            width = float(dice.uniform(0.15, 0.6))
            tall = float(dice.uniform(0.08, 0.16) if blue else width * dice.uniform(0.8, 1.9))
            sheet = effects.flames(dice, blue=blue)[int(dice.integers(24))]
            boards.append(
                Billboard(
                    sheet, (float(place[0]), float(place[1]), float(place[2])), width, tall, burning=True
                )
            )
    return boards


def _steaming(kitchen: Kitchen, dice: Dice) -> list[Billboard]:
    if dice.random() > 0.25:
        return []
    x, y, z = (float(v) for v in kitchen.burners[int(dice.integers(len(kitchen.burners)))])
    boards = []
    for _ in range(int(dice.integers(3, 9))):
        rise = float(dice.uniform(0, 1.2))
        size = 0.35 + 0.6 * rise
        place = (x + float(dice.normal(0, 0.15)), y + rise, z - float(dice.uniform(0.05, 0.6)))
        boards.append(
            Billboard(effects.cloud(dice, thick=float(dice.uniform(0.3, 0.85))), place, size * 1.3, size)
        )
    return boards


def _smoke(dice: Dice, pose: people.Pose, *, thickest: float) -> list[Billboard]:
    boards = []
    for step in range(4):
        place = (pose.x + float(dice.normal(0, 0.06)), 1.5 + 0.12 * step, pose.z - 0.25)
        size = 0.1 + 0.07 * step
        boards.append(
            Billboard(effects.cloud(dice, thick=float(dice.uniform(0.15, thickest))), place, size, size * 1.2)
        )
    return boards


def _camera(frame: Picture, dice: Dice) -> Picture:
    """Light, lens, sensor and compression of one picture."""
    height, width = frame.shape[:2]
    kind = dice.random()
    gain = float(dice.uniform(0.28, 0.55)) if kind < 0.1 else float(dice.uniform(0.65, 1.35))
    cast = 1 + dice.normal(0, 0.05, 3)
    sensor = effects.Sensor(
        dice, width, height, noise_level=float(np.exp(dice.uniform(0, 1.9))), cast=cast.tolist(), grey=bool(dice.random() < 0.08)
    )  # fmt: skip
    if dice.random() < 0.35:
        frame = cv2.GaussianBlur(frame, (0, 0), float(dice.uniform(0.4, 1.6)) * width / 640)
    clock = f"2026-{dice.integers(1, 13):02d}-{dice.integers(1, 29):02d} {dice.integers(5, 20):02d}:{dice.integers(60):02d}:{dice.integers(60):02d}"
    seen = sensor.expose(frame, gain, clock if dice.random() < 0.5 else None)
    quality = int(dice.uniform(30, 95))
    return cv2.imdecode(cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def _large(one: Seen) -> Seen:
    if one.person is not None and one.person.y2 - one.person.y1 < _LEAST:
        return Seen(one.number, one.share, None, None, None)
    return one


def _attributes(seen: list[Seen], poses: list[people.Pose]) -> list[Attributes]:
    return [
        Attributes(
            person=one.person,
            head=one.head,
            face=one.face,
            hat=poses[one.number].hat,
            mask=None if one.face is None else poses[one.number].mask == "on",
            mask_on_chin=None if one.face is None else poses[one.number].mask == "chin",
            smoking=poses[one.number].action == "smoke",
            share=round(one.share, 3),
        )
        for one in seen
        if one.person is not None
    ]
