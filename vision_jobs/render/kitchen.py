"""The still parts of a rendered kitchen: room, counters, stove, light, and the zones of its floor.

Belongs here: a layout from a seed, drawn once into a picture with a depth for every pixel, so that people and
flames can stand behind things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from vision_jobs.model import Zone
from vision_jobs.render import textures
from vision_jobs.render.textures import Colour, Dice, Picture
from vision_jobs.render.view import NEAR, Array, View

_COUNTER: Final = 0.82
"""Height of a counter, metres."""
_REACH: Final = 1.1
"""How far in front of its station a zone reaches, metres."""


@dataclass(frozen=True, slots=True)
class Station:
    """A place of work along a wall.

    Attributes:
        kind: Kind of the zone in front of it.
        left: Least x, metres.
        right: Greatest x.
        front: The z at which its front stands; one works at smaller z, facing it.
        back: Where it ends.
        height: Metres.
    """

    kind: str
    left: float
    right: float
    front: float
    back: float
    height: float

    @property
    def place(self) -> tuple[float, float]:
        """Where one stands to work here (x, z)."""
        return (self.left + self.right) / 2, self.front - 0.38


@dataclass(frozen=True, slots=True)
class Kitchen:
    """A kitchen seen by one camera.

    Attributes:
        view: The camera.
        picture: Empty and lit, BGR.
        depth: Metres along the camera's axis, float32, (height, width).
        light: Brightness at a place of the floor, by rows of z and columns of x (0.25 m), about 1.
        width: Room, metres.
        length: Room, metres.
        stations: Along the back wall.
        island: Blocks on the floor where nobody can stand (left, right, front, back).
        burners: Where flames stand, (n, 3), metres.
    """

    view: View
    picture: Picture
    depth: Array
    light: Array
    width: float
    length: float
    stations: tuple[Station, ...]
    island: tuple[tuple[float, float, float, float], ...]
    burners: Array

    def brightness(self, x: float, z: float) -> float:
        """Light that falls on somebody at a place."""
        row = int(np.clip(z / 0.25, 0, self.light.shape[0] - 1))
        column = int(np.clip((x + self.width / 2) / 0.25, 0, self.light.shape[1] - 1))
        return float(self.light[row, column])

    def free(self, x: float, z: float, margin: float = 0.3) -> bool:
        """Whether somebody can stand at a place."""
        if abs(x) > self.width / 2 - margin or not margin < z < self.length - margin:
            return False
        blocks = (*self.island, *((s.left, s.right, s.front, s.back) for s in self.stations))
        return all(not (a - margin < x < b + margin and c - margin < z < d + margin) for a, b, c, d in blocks)

    def station(self, kind: str) -> Station:
        """The station of a kind; ``stove_attendance`` and ``cooking`` mean the stove's."""
        wanted = "stove" if kind in {"stove_attendance", "cooking"} else kind
        return next(one for one in self.stations if one.kind == wanted)

    def zones(self, camera_id: str) -> list[Zone]:
        """The zones of this view as polygons normalised to the frame.

        Floor zones are strips of floor in front of a station (judged at the foot point); ``stove`` is the part of
        the picture where flames stand.
        """
        half = self.width / 2 - 0.05
        rectangles = [("floor", -half, half, 0.3, self.stations[0].front)]
        for one in self.stations:
            kinds = ("stove_attendance", "cooking") if one.kind == "stove" else (one.kind,)
            rectangles += [
                (kind, one.left - 0.15, one.right + 0.15, one.front - _REACH, one.front) for kind in kinds
            ]
        found = [(kind, _floor(a, b, c, d)) for kind, a, b, c, d in rectangles]
        stove = self.station("stove")
        hob = [(x, stove.height + y, stove.front + 0.1) for x in (stove.left, stove.right) for y in (0, 0.75)]
        corners = np.array([hob[0], hob[1], hob[3], hob[2]], np.float32)
        found.append(("stove", corners))
        size = np.array([self.view.width, self.view.height], np.float32)
        return [
            Zone(f"{camera_id}-{kind}", camera_id, kind, _polygon(self.view, corners, size)) for kind, corners in found
        ]  # fmt: skip


def build(
    view: View, dice: Dice, *, width: float, length: float, order: Sequence[str], island: bool
) -> Kitchen:
    """Draw a kitchen.

    Args:
        view: The camera.
        dice: Palette, things that stand about, light.
        width: Room, metres; the middle of the camera's wall is x = 0.
        length: Room, metres.
        order: Kinds of the stations along the back wall, from the left.
        island: Whether a counter stands in the room.
    """
    front = length - 0.75
    parts = np.cumsum([0.0, *(1.5 if kind == "stove" else 1.0 for kind in order)])
    edges = -width / 2 + 0.1 + parts / parts[-1] * (width - 0.2)
    stations = tuple(
        Station(kind, float(a) + 0.05, float(b) - 0.05, front, length, 1.75 if kind == "sampling" else _COUNTER)
        for kind, a, b in zip(order, edges[:-1], edges[1:], strict=True)
    )  # fmt: skip
    blocks = _island(dice, width, length) if island else ()
    painter = _Painter(view)
    _room(painter, dice, width, length)
    for one in stations:
        _furnish(painter, dice, one)
    for a, b, c, d in blocks:
        painter.block((a, b), (0, _COUNTER), (c, d), textures.steel(dice))
        _clutter(painter, dice, (a, b), (c, d), _COUNTER)
    _side_walls(painter, dice, width, length)
    picture, light = _lit(painter, dice, width, length)
    stove = next(one for one in stations if one.kind == "stove")
    xs = np.linspace(stove.left, stove.right, 4)[1:3]
    burners = np.array([(x, stove.height + 0.05, stove.front + 0.3) for x in xs], np.float32)
    return Kitchen(view, picture, painter.depth, light, width, length, stations, blocks, burners)


class _Painter:
    """Draws rectangles in space into a picture with depths."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.picture = np.full((view.height, view.width, 3), 60, np.uint8)
        self.depth = np.full((view.height, view.width), np.inf, np.float32)

    def sheet(
        self,
        origin: Sequence[float],
        a: Sequence[float],
        b: Sequence[float],
        texture: Picture,
        shade: float = 1,
    ) -> None:
        """A textured parallelogram with sides ``a`` (texture columns) and ``b`` (texture rows) at ``origin``."""
        o, a_, b_ = (np.array(v, np.float32) for v in (origin, a, b))
        pixels, depth = self.view.project(np.stack([o, o + a_, o + b_, o + a_ + b_]))
        if (depth < NEAR).all():
            return
        left, top, right, bottom = 0, 0, self.view.width, self.view.height
        if (depth > NEAR).all():
            low, high = pixels.min(axis=0), pixels.max(axis=0) + 1
            left, top = max(int(low[0]), 0), max(int(low[1]), 0)
            right, bottom = min(int(high[0]) + 1, right), min(int(high[1]) + 1, bottom)
        if left >= right or top >= bottom:
            return
        normal = np.cross(a_, b_)
        start = self.view.eye - o
        along = self.view.rays(left, top, right, bottom) @ np.stack(
            [normal, a_ / (a_ @ a_), b_ / (b_ @ b_)], axis=1
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            t = -(start @ normal) / along[..., 0]
            s = start @ a_ / (a_ @ a_) + t * along[..., 1]
            r = start @ b_ / (b_ @ b_) + t * along[..., 2]
            window = self.depth[top:bottom, left:right]
            seen = (t > NEAR) & (t < window) & (s >= 0) & (s < 1) & (r >= 0) & (r < 1)
        rows, columns = texture.shape[:2]
        u = np.where(seen, s, 0).astype(np.float32) * (columns - 1)
        v = np.where(seen, r, 0).astype(np.float32) * (rows - 1)
        colour = cv2.remap(texture, u, v, cv2.INTER_LINEAR)
        if shade != 1:
            colour = cv2.convertScaleAbs(colour, alpha=shade)
        self.picture[top:bottom, left:right][seen] = colour[seen]
        window[seen] = t[seen]

    def block(
        self,
        x: tuple[float, float],
        y: tuple[float, float],
        z: tuple[float, float],
        texture: Picture,
        *,
        top: Picture | None = None,
    ) -> None:
        """A box standing along the axes."""
        (x0, x1), (y0, y1), (z0, z1) = x, y, z
        wide, high, deep = (x1 - x0, 0, 0), (0, y0 - y1, 0), (0, 0, z1 - z0)
        self.sheet((x0, y1, z0), deep[::1], wide, texture if top is None else top, 1.08)
        self.sheet((x0, y1, z0), wide, high, texture, 0.86)
        self.sheet((x0, y1, z0), deep, high, texture, 0.72)
        self.sheet((x1, y1, z0), deep, high, texture, 0.78)

    def tube(
        self, centre: Sequence[float], radius: float, height: float, colour: Colour, inside: Colour
    ) -> None:
        """A standing cylinder (pot, bowl, bottle), drawn flat in the picture."""
        x, y, z = centre
        turn = np.linspace(0, 2 * np.pi, 20, endpoint=False, dtype=np.float32)
        ring = np.stack([x + radius * np.cos(turn), np.full_like(turn, y), z + radius * np.sin(turn)], axis=1)
        low, depth = self.view.project(ring)
        high, _ = self.view.project(ring + np.array([0, height, 0], np.float32))
        if (depth < NEAR).any():
            return
        near = float(depth.min())
        for points, paint in ((np.concatenate([low, high]), colour), (high, inside)):
            mask = np.zeros(self.depth.shape, np.uint8)
            cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.int32)), 255)
            seen = (mask > 0) & (self.depth > near)
            self.picture[seen] = np.clip(paint, 0, 255)
            self.depth[seen] = near


def _room(painter: _Painter, dice: Dice, width: float, length: float) -> None:
    half, height = width / 2, float(painter.view.eye[1] + dice.uniform(0.2, 0.7))
    tone = float(dice.uniform(150, 235))
    wall_colour = tuple(float(c) for c in tone + dice.normal(0, 6, 3))
    floor_colour = tuple(
        float(c) for c in dice.uniform(70, 170) + dice.normal(0, 10, 3) + np.array([-6, 0, 10])
    )
    step = float(dice.choice([0.3, 0.4, 0.6, 0.8]))
    count = lambda metres: max(int(metres / step), 2)  # noqa: E731
    wall = lambda metres: textures.tiles(dice, wall_colour, count(metres), count(height), 0.86)  # noqa: E731
    painter.sheet(
        (-half, 0, 0),
        (width, 0, 0),
        (0, 0, length),
        textures.tiles(dice, floor_colour, count(width), count(length)),
    )
    painter.sheet((-half, height, length), (width, 0, 0), (0, -height, 0), wall(width), 0.92)
    for x in (-half, half):
        painter.sheet((x, height, 0), (0, 0, length), (0, -height, 0), wall(length), 0.84)
    painter.sheet(
        (-half, height, 0), (width, 0, 0), (0, 0, length), textures.flat(dice, (205, 205, 205)), 0.8
    )
    for _ in range(int(dice.integers(1, 5))):
        x, y = float(dice.uniform(-half, half - 0.6)), float(dice.uniform(1.5, 2.2))
        painter.sheet((x, y + 0.4, length - 0.02), (0.35, 0, 0), (0, -0.45, 0), textures.sign(dice))
    if dice.random() < 0.4:
        x = float(dice.uniform(-half, half - 1.2))
        painter.sheet(
            (x, 2.5, length - 0.015), (1.2, 0, 0), (0, -0.9, 0), textures.flat(dice, (250, 245, 235), 4)
        )


def _furnish(painter: _Painter, dice: Dice, one: Station) -> None:
    x, z = (one.left, one.right), (one.front, one.back)
    if one.kind == "sampling":
        painter.block(x, (0, one.height), z, textures.steel(dice, float(dice.uniform(150, 215))))
        middle = (one.left + one.right) / 2
        painter.sheet(
            (middle - 0.02, 1.7, one.front - 0.01),
            (0.04, 0, 0),
            (0, -1.6, 0),
            textures.flat(dice, (60, 60, 60)),
        )
        return
    board = textures.wood(dice, (110, 160, 200)) if one.kind == "cutting" and dice.random() < 0.4 else None
    painter.block(x, (0, one.height), z, textures.steel(dice, float(dice.uniform(120, 190))), top=board)
    if one.kind == "stove":
        painter.block(
            (one.left - 0.1, one.right + 0.1),
            (2.0, 2.45),
            (one.front - 0.1, one.back),
            textures.steel(dice, 190),
        )
        for share in (1 / 3, 2 / 3):
            centre = (one.left + share * (one.right - one.left), one.height, one.front + 0.33)
            painter.tube(centre, 0.24, 0.04, (45, 45, 48), (30, 30, 32))
            painter.tube(
                (centre[0], centre[1] + 0.05, centre[2]),
                float(dice.uniform(0.2, 0.3)),
                0.08,
                (80, 80, 84),
                (50, 52, 60),
            )
        return
    if one.kind == "dishwashing":
        painter.sheet(
            (one.left + 0.1, one.height + 0.005, one.front + 0.12),
            (one.right - one.left - 0.2, 0, 0),
            (0, 0, 0.45),
            textures.flat(dice, (95, 92, 88)),
        )
    _clutter(painter, dice, x, z, one.height)


def _clutter(painter: _Painter, dice: Dice, x: tuple[float, float], z: tuple[float, float], y: float) -> None:
    """Pots, bowls, bottles, boards and vegetables on a counter, far ones first."""
    places = sorted(
        dice.uniform(
            (x[0] + 0.12, z[0] + 0.1), (x[1] - 0.12, z[1] - 0.1), (int(dice.integers(2, 8)), 2)
        ).tolist(),
        key=lambda p: -p[1],
    )
    for px, pz in places:
        kind = dice.integers(0, 5)
        colour = tuple(float(c) for c in dice.uniform(30, 245, 3))
        grey = float(dice.uniform(110, 230))
        if kind == 0:
            painter.tube(
                (px, y, pz),
                float(dice.uniform(0.08, 0.16)),
                float(dice.uniform(0.06, 0.22)),
                (grey, grey, grey),
                (grey * 0.6,) * 3,
            )
        elif kind == 1:
            painter.tube((px, y, pz), 0.04, float(dice.uniform(0.15, 0.3)), colour, (40, 40, 40))
        elif kind == 2:
            painter.tube((px, y, pz), float(dice.uniform(0.1, 0.16)), 0.07, (235, 235, 238), colour)
        elif kind == 3:
            size = float(dice.uniform(0.15, 0.3))
            painter.block(
                (px - size / 2, px + size / 2),
                (y, y + size * 0.5),
                (pz - 0.1, pz + 0.1),
                textures.flat(dice, colour),
            )
        else:
            for _ in range(6):
                dx, dz = dice.uniform(-0.12, 0.12, 2)
                painter.tube((px + dx, y, pz + dz * 0.5), 0.035, 0.05, colour, tuple(c * 1.1 for c in colour))


def _island(dice: Dice, width: float, length: float) -> tuple[tuple[float, float, float, float], ...]:
    middle = float(dice.uniform(-0.6, 0.6))
    reach = float(dice.uniform(0.6, 1.1))
    front = float(dice.uniform(0.42, 0.5)) * length
    return (
        (max(middle - reach, -width / 2 + 0.9), min(middle + reach, width / 2 - 0.9), front, front + 0.65),
    )


def _side_walls(painter: _Painter, dice: Dice, width: float, length: float) -> None:
    """Shelves, cupboards and dark doors along the sides."""
    for side in (-1, 1):
        z = float(dice.uniform(1.2, 2.0))
        while z < length - 2.2:
            deep = float(dice.uniform(0.6, 1.3))
            edge = side * width / 2
            x = (edge, edge + 0.45) if side < 0 else (edge - 0.45, edge)
            kind = dice.integers(0, 4)
            if kind == 0:
                painter.block(
                    x,
                    (0, float(dice.uniform(1.5, 2.0))),
                    (z, z + deep),
                    textures.steel(dice, float(dice.uniform(110, 220))),
                )
            elif kind == 1:
                for y in (0.4, 0.9, 1.4):
                    painter.block(x, (y, y + 0.04), (z, z + deep), textures.steel(dice))
                    _clutter(painter, dice, x, (z, z + deep), y + 0.04)
            elif kind == 2:
                painter.block(x, (0, _COUNTER), (z, z + deep), textures.steel(dice, 150))
                _clutter(painter, dice, x, (z, z + deep), _COUNTER)
            z += deep + float(dice.uniform(0.1, 0.8))


def _lit(painter: _Painter, dice: Dice, width: float, length: float) -> tuple[Picture, Array]:
    """The picture under the ceiling's lamps, and the light at places of the floor."""
    view = painter.view
    lamps = np.array([(x * width, 2.7, z * length) for x in (-0.25, 0.25) for z in (0.35, 0.8)], np.float32)
    lamps += dice.normal(0, 0.3, lamps.shape).astype(np.float32) * [1, 0.1, 1]
    power = dice.uniform(0.5, 1.3, len(lamps)).astype(np.float32)
    depth = np.where(np.isfinite(painter.depth), painter.depth, 6.0)
    small = cv2.resize(depth, (view.width // 4, view.height // 4), interpolation=cv2.INTER_NEAREST)
    rays = view.rays(0, 0, view.width, view.height)[2::4, 2::4][: small.shape[0], : small.shape[1]]
    points = view.eye + rays * small[..., None]
    lit = cv2.resize(_lamps(points, lamps, power), (view.width, view.height))
    picture = np.clip(painter.picture * lit[..., None], 0, 255).astype(np.uint8)
    xs, zs = np.arange(-width / 2, width / 2 + 0.25, 0.25), np.arange(0, length + 0.25, 0.25)
    floor = np.stack(np.broadcast_arrays(xs[None, :], np.float32(1.3), zs[:, None]), axis=2).astype(
        np.float32
    )
    return picture, _lamps(floor, lamps, power)


def _lamps(points: Array, lamps: Array, power: Array) -> Array:
    square = ((points[..., None, :] - lamps) ** 2).sum(axis=-1)
    return np.clip(0.45 + (power * 1.1 / (1.2 + square)).sum(axis=-1), 0.4, 1.3).astype(np.float32)


def _floor(left: float, right: float, front: float, back: float) -> Array:
    return np.array([(left, 0, front), (left, 0, back), (right, 0, back), (right, 0, front)], np.float32)


def _polygon(view: View, corners: Array, size: Array) -> tuple[tuple[float, float], ...]:
    """A polygon in space, cut at the camera's near plane and at the frame, normalised."""
    seen = (corners - view.eye) @ view.axes.T
    seen = _cut(seen, np.array([0, 0, 1, -2 * NEAR], np.float32))
    flat = view.focal * seen[:, :2] / seen[:, 2:] / size + 0.5
    flat = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    for plane in ((1, 0, 0, 0), (-1, 0, 0, 1), (0, 1, 0, 0), (0, -1, 0, 1)):
        flat = _cut(flat, np.array(plane, np.float32))
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y, _ in flat)


def _cut(points: Array, plane: Array) -> Array:
    """Sutherland-Hodgman: the part of a polygon where ``plane`` is positive."""
    side = points @ plane[:3] + plane[3]
    kept = []
    for i in range(len(points)):
        j = (i + 1) % len(points)
        if side[i] >= 0:
            kept.append(points[i])
        if (side[i] >= 0) != (side[j] >= 0):
            kept.append(points[i] + (points[j] - points[i]) * side[i] / (side[i] - side[j]))
    return np.array(kept, np.float32).reshape(-1, 3)
