"""People of a rendered kitchen: an articulated figure from a look and a pose.

Belongs here: the skeleton, clothes, head, hat and mask, drawn as a cut-out picture with the boxes that a labeller
would draw. Does not belong here: where people stand and what they do (``scene``, ``clips``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar

import cv2
import numpy as np

from vision_jobs.render.textures import Colour, Dice, Picture, noise
from vision_jobs.render.view import NEAR, Array, View

T = TypeVar("T")

_HEAD: Final = (0.078, 0.118, 0.096)
"""Half axes of a skull, metres: right, up, forward."""
_CLOTH: Final = noise(np.random.default_rng(7), 256, 256, 16) * 0.12 + 0.94
_FACING: Final = 0.12
"""Cosine between nose and camera from which a face counts as seen."""


@dataclass(frozen=True, slots=True)
class Look:
    """What somebody looks like, whatever they do. Colours are BGR.

    Attributes:
        height: Metres without a hat.
        build: Factor of the body's width.
        hair: bald, short, long or bun.
        coat: Colour of the upper body.
        pattern: plain, buttons, stripes or logo.
        apron: Its colour, or ``None``.
        short: Whether the sleeves are short.
        hat: toque, cap, brim, bouffant or kerchief: what is worn when a hat is worn.
        hat_height: Metres above the brow.
    """

    height: float
    build: float
    skin: Colour
    hair: str
    hair_colour: Colour
    coat: Colour
    pattern: str
    apron: Colour | None
    trousers: Colour
    short: bool
    gloves: Colour | None
    hat: str
    hat_colour: Colour
    hat_height: float
    mask_colour: Colour
    glasses: bool


@dataclass(frozen=True, slots=True)
class Pose:
    """Where somebody is and what they do.

    Attributes:
        x: Metres.
        z: Metres.
        facing: Degrees: 0 looks at the camera's wall, 180 at the back wall, 90 to greater x.
        action: stand, walk, work, carry, smoke, phone or bend.
        phase: Of the movement, 0 to 1.
        turn: Head to the left or right, degrees.
        nod: Head down, degrees.
        hat: Whether one is worn.
        mask: ``on``, ``chin`` or ``off``.
    """

    x: float
    z: float
    facing: float
    action: str = "stand"
    phase: float = 0.0
    turn: float = 0.0
    nod: float = 5.0
    hat: bool = True
    mask: str = "on"


Pixels = tuple[float, float, float, float]
"""left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class CutOut:
    """A drawn person.

    Attributes:
        left: Column of the picture's first pixel in the frame.
        top: Row.
        colour: BGR, already multiplied by ``alpha``.
        alpha: 0 to 255.
        depth: Metres from the camera.
        head: Box of the skull without a hat, pixels of the frame.
        face: Box of the face, ``None`` when it is turned away.
        mouth: Pixel of the cigarette's ember, or of the mouth.
    """

    left: int
    top: int
    colour: Picture
    alpha: Picture
    depth: float
    head: Pixels
    face: Pixels | None
    mouth: tuple[float, float]


def look(dice: Dice) -> Look:
    """Somebody at random: mostly white coats and white hats, as in canteens."""
    white = _near(dice, (238, 238, 236), 8)
    coats = [
        white,
        white,
        white,
        (150, 150, 150),
        (120, 70, 40),
        (45, 42, 40),
        (40, 40, 160),
        (190, 200, 160),
        (70, 110, 60),
    ]
    hats = [white, white, white, white, (45, 42, 40), (130, 80, 40), (40, 40, 170), (220, 200, 170)]
    aprons = [
        None,
        None,
        None,
        (45, 42, 40),
        (120, 70, 35),
        (40, 40, 150),
        (60, 110, 60),
        (60, 90, 130),
        white,
    ]
    tone = float(dice.uniform(0.62, 1.0))
    hair = [
        (28, 26, 26),
        (28, 26, 26),
        (28, 26, 26),
        (40, 48, 62),
        (120, 120, 122),
        (205, 205, 205),
        (50, 70, 110),
    ]
    return Look(
        height=float(dice.normal(1.67, 0.07)),
        build=float(dice.uniform(0.88, 1.25)),
        skin=_near(dice, (150 * tone, 182 * tone, 222 * tone), 6),
        hair=str(dice.choice(["short", "short", "short", "bald", "long", "bun"])),
        hair_colour=_near(dice, _pick(dice, hair), 8),
        coat=_near(dice, _pick(dice, coats), 10),
        pattern=str(dice.choice(["plain", "buttons", "buttons", "stripes", "logo"])),
        apron=_pick(dice, aprons),
        trousers=_near(dice, _pick(dice, [(50, 46, 44), (90, 80, 75), (110, 70, 45), (200, 200, 198)]), 10),
        short=bool(dice.random() < 0.3),
        gloves=_pick(dice, [None, None, None, (225, 225, 225), (190, 120, 50), (60, 180, 235)]),
        hat=str(dice.choice(["toque", "toque", "cap", "cap", "brim", "bouffant", "kerchief"])),
        hat_colour=_near(dice, _pick(dice, hats), 8),
        hat_height=float(dice.uniform(0.12, 0.3)),
        mask_colour=_near(dice, _pick(dice, [(215, 180, 120), (215, 190, 140), (235, 235, 232), (240, 240, 240), (45, 42, 42)]), 8),
        glasses=bool(dice.random() < 0.2),
    )  # fmt: skip


def draw(view: View, who: Look, pose: Pose, light: float = 1.0) -> CutOut | None:
    """Draw somebody.

    Args:
        view: The camera.
        who: The look.
        pose: The pose.
        light: Brightness at the place.

    Returns:
        ``None`` when the person is outside the frame or right under the camera.
    """
    body = _Body(who, pose)
    bones, depths = view.project(
        np.concatenate([body.points(), body.skull + np.array([[0, who.hat_height, 0]], np.float32)])
    )
    if depths.min() < NEAR * 2:
        return None
    margin = 0.2 * view.focal / float(depths.min())
    low, high = bones.min(axis=0) - margin, bones.max(axis=0) + margin
    left, top = int(np.floor(low[0])), int(np.floor(low[1]))
    right, bottom = int(np.ceil(high[0])), int(np.ceil(high[1]))
    if right <= 0 or bottom <= 0 or left >= view.width or top >= view.height:
        return None
    scale = 2 if bottom - top < 320 else 1
    canvas = _Canvas(view, left, top, right - left, bottom - top, scale, hash((who.height, who.build)))
    parts = _parts(canvas, body, who, pose)
    for _, paint in sorted(parts, key=lambda part: -part[0]):
        paint()
    head, face, mouth = canvas.marks
    colour, alpha = canvas.finished(light)
    return CutOut(
        left,
        top,
        colour,
        alpha,
        float(view.project(np.array([[pose.x, 0.9, pose.z]], np.float32))[1][0]),
        head,
        face,
        mouth,
    )


class _Body:
    """Joints in metres, in world axes."""

    def __init__(self, who: Look, pose: Pose) -> None:
        a = np.radians(pose.facing)
        self.forward = np.array([np.sin(a), 0, -np.cos(a)], np.float32)
        self.right = np.array([-np.cos(a), 0, -np.sin(a)], np.float32)
        self.size = who.height / 1.7
        self.place = np.array([pose.x, 0, pose.z], np.float32)
        lean = {"work": 14, "bend": 48, "carry": 4}.get(pose.action, 2 if pose.action != "walk" else 5)
        self._lean = np.radians(lean)
        swing = np.sin(2 * np.pi * pose.phase)
        at, over = self._at, self._over
        stride = 0.26 * swing if pose.action == "walk" else 0.02 * swing
        lift = 0.06 * abs(np.cos(2 * np.pi * pose.phase)) if pose.action == "walk" else 0.0
        self.hips = at(0, 0.92, 0)
        self.legs = []
        for side, step in ((-1, stride), (1, -stride)):
            knee = at(side * 0.1, 0.5, step * 0.6 + 0.03)
            ankle = at(side * 0.1, 0.09 + (lift if step < 0 else 0), step)
            self.legs.append((at(side * 0.09, 0.92, 0), knee, ankle, at(side * 0.11, 0.04, step + 0.15)))
        self.arms = []
        for side in (-1, 1):
            shoulder = over(side * 0.185 * who.build, 1.39, 0)
            elbow, wrist = self._arm(side, pose, swing, who.build)
            self.arms.append((shoulder, elbow, wrist))
        self.neck = over(0, 1.44, 0.01)
        self.skull = over(0, 1.585, 0.035)
        yaw, nod = (
            np.radians(pose.turn),
            np.radians(pose.nod + (20 if pose.action in {"work", "bend"} else 0)),
        )
        ahead = self.forward * np.cos(yaw) + self.right * np.sin(yaw)
        self.head_right = self.right * np.cos(yaw) - self.forward * np.sin(yaw)
        upright = np.array([0, 1, 0], np.float32)
        self.head_forward = ahead * np.cos(nod) - upright * np.sin(nod)
        self.head_up = upright * np.cos(nod) + ahead * np.sin(nod)

    def _arm(self, side: int, pose: Pose, swing: float, build: float) -> tuple[Array, Array]:
        over = self._over
        out = 0.24 * build
        smoking = pose.action in {"smoke", "phone"} and side == 1
        if smoking:
            to_mouth = 0.5 + 0.5 * np.cos(2 * np.pi * pose.phase)
            if pose.action == "phone":
                return over(0.3, 1.2, 0.14), over(0.13, 1.55, 0.06)
            low, high = over(0.24, 1.12, 0.3), over(0.05, 1.5, 0.17)
            return over(0.29, 1.17, 0.12), low + (high - low) * min(to_mouth * 1.3, 1)
        if pose.action == "work":
            return over(side * out, 1.13, 0.1), over(
                side * (0.12 + 0.03 * swing), 1.04 + 0.05 * swing * side, 0.36
            )
        if pose.action == "carry":
            return over(side * out, 1.14, 0.06), over(side * 0.19, 1.13, 0.36)
        if pose.action == "bend":
            return over(side * out, 1.1, 0.16), over(side * 0.2, 0.86 + 0.04 * swing, 0.28)
        reach = (0.2 if pose.action == "walk" else 0.02) * swing * side
        return over(side * (out + 0.02), 1.12, reach * 0.5), over(side * (out + 0.03), 0.87, 0.05 + reach)

    def _at(self, right: float, up: float, forward: float) -> Array:
        return (
            self.place
            + self.size * (right * self.right + forward * self.forward)
            + np.array([0, up * self.size, 0])
        ).astype(np.float32)

    def _over(self, right: float, up: float, forward: float) -> Array:
        """A point of the upper body, leant forward about the hips."""
        high = up - 0.92
        s, c = np.sin(self._lean), np.cos(self._lean)
        return self._at(right, 0.92 + high * c - forward * s, forward * c + high * s)

    def ring(
        self, up: float, across: float, deep: float, low: float = 0, high: float = 360, count: int = 18
    ) -> Array:
        """Points around the trunk; angles count from the front, to the right."""
        turn = np.radians(np.linspace(low, high, count, endpoint=high - low < 359))
        return np.stack([self._over(across * np.sin(t), up, deep * np.cos(t)) for t in turn])

    def crown(
        self, up: float, radius: float, low: float = 0, high: float = 360, forward: float = 0.0
    ) -> Array:
        """Points around the skull's axis, ``up`` above its centre."""
        t = np.radians(np.linspace(low, high, 18))[:, None]
        flat = np.sin(t) * self.head_right + np.cos(t) * self.head_forward * 1.12
        made = self.skull + self.size * (radius * flat + up * self.head_up + forward * self.head_forward)
        return made.astype(np.float32)

    def points(self) -> Array:
        return np.stack([p for limb in (*self.legs, *self.arms) for p in limb] + [self.neck, self.skull])


class _Canvas:
    """A picture with transparency in which parts are painted over each other."""

    def __init__(
        self, view: View, left: int, top: int, width: int, height: int, scale: int, seed: int
    ) -> None:
        self.view, self.scale, self.size = view, scale, (width, height)
        self.origin = np.array([left, top], np.float32)
        self.colour = np.zeros((height * scale, width * scale, 3), np.float32)
        self.alpha = np.zeros((height * scale, width * scale), np.uint8)
        self.seed = seed % 97
        self.marks: tuple[Pixels, Pixels | None, tuple[float, float]] = ((0, 0, 0, 0), None, (0, 0))

    def pixels(self, points: Array) -> Array:
        return (self.view.project(points)[0] - self.origin) * self.scale

    def depth(self, point: Array) -> float:
        return float(self.view.project(point[None])[1][0])

    def scale_at(self, point: Array) -> float:
        """Pixels of the canvas per metre."""
        return self.view.focal * self.scale / self.depth(point)

    def hull(self, points: Array, colour: Colour, *, round_: float = 0.3) -> None:
        """Fill the convex hull of points in space, shaded like something round."""
        self.fill(cv2.convexHull(np.rint(self.pixels(points)).astype(np.int32)), colour, round_)

    def limb(self, a: Array, b: Array, thick: float, thin: float, colour: Colour) -> None:
        """A tapered limb with round ends."""
        (p, q), r, s = self.pixels(np.stack([a, b])), thick * self.scale_at(a), thin * self.scale_at(b)
        turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        self.fill(
            cv2.convexHull(np.rint(np.concatenate([p + r * circle, q + s * circle])).astype(np.int32)),
            colour,
            0.32,
        )

    def fill(self, polygon: np.ndarray, colour: Colour, round_: float) -> None:
        x, y, w, h = cv2.boundingRect(polygon)
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + w, self.alpha.shape[1]), min(y + h, self.alpha.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillConvexPoly(mask, polygon - np.array([x0, y0]), 255)
        inside = mask > 0
        across = (np.arange(x0, x1, dtype=np.float32) - x) / max(w, 1) - 0.42
        rows, columns = (
            (np.arange(y0, y1) * 2 // self.scale + self.seed) % 256,
            (np.arange(x0, x1) * 2 // self.scale) % 256,
        )
        shade = _CLOTH[rows[:, None], columns[None, :]] * (1.04 - round_ * 4 * across**2)[None, :]
        self.colour[y0:y1, x0:x1][inside] = (shade[..., None] * np.asarray(colour, np.float32))[inside]
        self.alpha[y0:y1, x0:x1][inside] = 255

    def finished(self, light: float) -> tuple[Picture, Picture]:
        shown = np.clip(self.colour * light, 0, 255).astype(np.uint8)
        if self.scale == 1:
            return shown, self.alpha
        return tuple(cv2.resize(p, self.size, interpolation=cv2.INTER_AREA) for p in (shown, self.alpha))  # type: ignore[return-value]


Part = tuple[float, Callable[[], None]]


def _parts(canvas: _Canvas, body: _Body, who: Look, pose: Pose) -> list[Part]:
    """What is painted, with the depth that orders it."""
    trunk = canvas.depth(body.ring(1.2, 0, 0, count=2)[0])
    parts: list[Part] = [
        (trunk + 1, lambda: _legs(canvas, body, who)),
        (trunk, lambda: _trunk(canvas, body, who)),
    ]
    for number, arm in enumerate(body.arms):
        middle = (canvas.depth(arm[0]) + canvas.depth(arm[1]) + canvas.depth(arm[2])) / 3
        parts.append((middle, lambda arm=arm, number=number: _arm(canvas, who, pose, arm, number)))
    skull = canvas.depth(body.skull)
    parts.append((min(skull, trunk - 0.01), lambda: _head(canvas, body, who, pose)))
    if pose.action == "carry":
        between = (body.arms[0][2] + body.arms[1][2]) / 2
        parts.append((canvas.depth(between), lambda: _tray(canvas, body, between)))
    if pose.action in {"smoke", "phone"}:
        hand = body.arms[1][2]
        parts.append((canvas.depth(hand) - 0.05, lambda: _held(canvas, body, pose, hand)))
    return parts


def _legs(canvas: _Canvas, body: _Body, who: Look) -> None:
    for hip, knee, ankle, toe in sorted(body.legs, key=lambda leg: -canvas.depth(leg[1])):
        canvas.limb(ankle, toe, 0.05, 0.045, (40, 40, 42))
        canvas.limb(knee, ankle, 0.075 * body.size, 0.055 * body.size, who.trousers)
        canvas.limb(hip, knee, 0.1 * body.size * who.build, 0.075 * body.size, who.trousers)


def _trunk(canvas: _Canvas, body: _Body, who: Look) -> None:
    wide = who.build
    rings = [
        (1.43, 0.1, 0.07),
        (1.36, 0.2, 0.105),
        (1.2, 0.185, 0.125),
        (1.02, 0.165, 0.12),
        (0.88, 0.185, 0.135),
        (0.76, 0.19, 0.14),
    ]
    loops = [body.ring(up, a * wide, d * wide) for up, a, d in rings]
    skin_neck = body.neck + np.array([0, 0.05, 0], np.float32)
    canvas.limb(body.neck, skin_neck, 0.058, 0.055, _dim(who.skin, 0.8))
    for upper, lower in zip(loops[:-1][::-1], loops[1:][::-1], strict=True):
        canvas.hull(np.concatenate([upper, lower]), who.coat)
    towards = float(body.forward @ (canvas.view.eye - body.hips))
    if who.pattern == "stripes":
        for upper in np.arange(0.8, 1.38, 0.085):
            canvas.hull(
                np.concatenate(
                    [
                        body.ring(upper, 0.185 * wide, 0.125 * wide),
                        body.ring(upper + 0.03, 0.185 * wide, 0.125 * wide),
                    ]
                ),
                _dim(who.coat, 0.6),
                round_=0.2,
            )
    if towards > 0:
        if who.apron is not None:
            chest, skirt = (
                body.ring(1.3, 0.13 * wide, 0.13 * wide, -55, 55, 8),
                body.ring(0.62, 0.2 * wide, 0.16 * wide, -80, 80, 8),
            )
            canvas.hull(np.concatenate([chest, skirt]), who.apron, round_=0.2)
        elif who.pattern == "buttons":
            dot = max(0.012 * canvas.scale_at(body.hips), 0.8)
            for up in (1.3, 1.18, 1.06, 0.94):
                for side in (-25, 25):
                    point = canvas.pixels(body.ring(up, 0.18 * wide, 0.13 * wide, side, side + 1, 2)[:1])[0]
                    cv2.circle(
                        canvas.colour, tuple(int(v) for v in point), int(dot), _dim(who.coat, 0.45), -1
                    )
        elif who.pattern == "logo":
            canvas.hull(
                np.concatenate([body.ring(up, 0.18 * wide, 0.13 * wide, 20, 45, 3) for up in (1.22, 1.28)]),
                (60, 60, 190),
            )
        collar = np.concatenate(
            [body.ring(1.44, 0.09, 0.08, -60, 60, 5), body.ring(1.36, 0.02, 0.13, -10, 10, 2)]
        )
        canvas.hull(collar, _dim(who.coat, 0.88) if who.pattern != "plain" else _dim(who.skin, 0.85))
    elif who.apron is not None:
        for up in (1.02,):
            canvas.hull(
                np.concatenate(
                    [
                        body.ring(up, 0.17 * wide, 0.125 * wide),
                        body.ring(up + 0.03, 0.17 * wide, 0.125 * wide),
                    ]
                ),
                who.apron,
                round_=0.2,
            )


def _arm(canvas: _Canvas, who: Look, pose: Pose, arm: tuple[Array, Array, Array], number: int) -> None:
    shoulder, elbow, wrist = arm
    sleeve = who.skin if who.short else who.coat
    hand = wrist + (wrist - elbow) * np.float32(0.28)
    canvas.limb(wrist, hand, 0.036, 0.04, who.skin if who.gloves is None else who.gloves)
    canvas.limb(elbow, wrist, 0.05, 0.038, _dim(sleeve, 0.97))
    canvas.limb(shoulder, elbow, 0.068 * who.build, 0.055, _dim(who.coat, 0.94))


def _tray(canvas: _Canvas, body: _Body, centre: Array) -> None:
    corners = [centre + body.right * r + body.forward * f for r in (-0.24, 0.24) for f in (-0.08, 0.2)]
    low = np.stack(corners).astype(np.float32)
    canvas.hull(np.concatenate([low, low + np.array([0, 0.09, 0], np.float32)]), (150, 150, 152), round_=0.2)


def _held(canvas: _Canvas, body: _Body, pose: Pose, hand: Array) -> None:
    """A cigarette between mouth and fingers, or a telephone."""
    if pose.action == "phone":
        ends = [
            hand + np.array([0, y, 0], np.float32) + body.forward * f for y in (0, 0.14) for f in (0.0, 0.04)
        ]
        canvas.hull(np.stack(ends).astype(np.float32), (35, 33, 32))
        return
    tip = (
        hand
        + body.forward * np.float32(0.09)
        + body.right * np.float32(-0.02)
        + np.array([0, 0.03, 0], np.float32)
    )
    start = hand + body.forward * np.float32(0.02)
    a, b = canvas.pixels(np.stack([start, tip]))
    thick = max(int(0.012 * canvas.scale_at(hand)), 1)
    cv2.line(canvas.colour, _point(a), _point(b), (235, 235, 240), thick)
    cv2.line(canvas.alpha, _point(a), _point(b), 255, thick)
    cv2.circle(canvas.colour, _point(b), thick, (60, 120, 255), -1)
    cv2.circle(canvas.alpha, _point(b), thick, 255, -1)
    head, face, _ = canvas.marks
    ember = b / canvas.scale + canvas.origin
    canvas.marks = (head, face, (float(ember[0]), float(ember[1])))


def _head(canvas: _Canvas, body: _Body, who: Look, pose: Pose) -> None:
    """Skull, face, hair, mask and hat; notes the boxes of head and face.

    The skull is an ellipsoid: each pixel inside its outline knows which way that spot looks, and so whether it is
    face, hair or mask.
    """
    eye = body.skull - canvas.view.eye
    sight = eye / np.linalg.norm(eye)
    across = canvas.view.axes[0] - sight * (canvas.view.axes[0] @ sight)
    across /= np.linalg.norm(across)
    upward = -canvas.view.axes[1] + sight * (canvas.view.axes[1] @ sight)
    upward /= np.linalg.norm(upward)
    metre = canvas.scale_at(body.skull)
    side = float(abs(body.head_forward @ across))
    rx = (_HEAD[0] * (1 - side) + _HEAD[2] * side) * metre * body.size
    steep = float(abs(body.head_up @ sight))
    ry = (_HEAD[1] * (1 - steep) + _HEAD[2] * steep) * metre * body.size
    cx, cy = canvas.pixels(body.skull[None])[0]
    x0, y0, x1, y1 = int(cx - rx - 1), int(cy - ry - 1), int(cx + rx + 2), int(cy + ry + 2)
    u, v = np.meshgrid((np.arange(x0, x1) + 0.5 - cx) / rx, (np.arange(y0, y1) + 0.5 - cy) / ry)
    inside = u**2 + v**2 < 1
    towards = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    spot = u[..., None] * across - v[..., None] * upward - towards[..., None] * sight
    r, up, f = spot @ body.head_right, spot @ body.head_up, spot @ body.head_forward
    if who.hair in {"long", "bun"} and not (pose.hat and who.hat == "bouffant"):
        _behind(canvas, body, who)
    skin = np.asarray(who.skin, np.float32)
    colour = np.broadcast_to(skin, (*u.shape, 3)).copy()

    def paint(where: np.ndarray, tone: Colour) -> None:
        colour[where] = tone

    front = f > 0.1
    paint(
        front & (np.abs(up + 0.12 + 0.2 * np.abs(r)) < 0.17) & (np.abs(r) < 0.16), _dim(who.skin, 0.92)
    )  # nose
    paint(front & (np.abs(np.abs(r) - 0.34) < 0.13) & (np.abs(up - 0.1) < 0.055), (45, 40, 40))  # eyes
    paint(
        front & (np.abs(np.abs(r) - 0.35) < 0.18) & (np.abs(up - 0.26) < 0.04), _dim(who.hair_colour, 0.9)
    )  # brows
    paint(front & (np.abs(r) < 0.24) & (np.abs(up + 0.52) < 0.05), (95, 95, 165))  # mouth
    if who.glasses:
        rim = np.abs(np.hypot(np.abs(r) - 0.34, up - 0.1) - 0.2) < 0.05
        paint(front & rim, (40, 40, 40))
    if who.hair != "bald":
        paint(
            (up > 0.52 - 0.12 * (np.abs(r) < 0.3)) | ((f < -0.05) & (up > -0.55)) | ((f < 0.12) & (up > 0.0)),
            who.hair_colour,
        )
    if pose.mask != "off":
        rim, base = (0.0, -0.95) if pose.mask == "on" else (-0.62, -1.1)
        cover = (f > 0.05) & (up < rim + 0.1 * (1 - np.abs(r))) & (up > base) & (np.abs(r) < 0.93)
        paint(cover, who.mask_colour)
        paint(cover & (np.abs(np.mod(up * 6, 1) - 0.5) < 0.08), _dim(who.mask_colour, 0.9))
        paint(
            (f <= 0.05) & (f > -0.2) & (np.abs(up + 0.08 + rim) < 0.035), _dim(who.mask_colour, 0.95)
        )  # strap
    if pose.hat and who.hat == "kerchief":
        paint((up > 0.36) | ((f < -0.1) & (up > -0.2)), who.hat_colour)
    glow = 0.72 + 0.3 * np.clip(0.25 * u * -1 + 0.7 * towards - 0.45 * v, -0.4, 1)
    shown = colour * glow[..., None]
    face = inside & (f > 0.15) & (up < 0.62) & (up > -0.98)
    _paste(canvas, shown, inside, x0, y0)
    for ear in (-1, 1):
        point = body.skull + body.size * (body.head_right * ear * _HEAD[0])
        if who.hair != "long" and float(body.head_right * ear @ -sight) > 0.15:
            canvas.limb(
                point + 0.02 * body.head_up, point - 0.02 * body.head_up, 0.016, 0.014, _dim(who.skin, 0.85)
            )
    if pose.hat:
        _hat(canvas, body, who)
    head_box = _frame_box(canvas, (cx - rx, cy - ry, cx + rx, cy + ry))
    seen = None
    if float(body.head_forward @ -sight) > _FACING and face.any():
        rows, columns = np.flatnonzero(face.any(axis=1)), np.flatnonzero(face.any(axis=0))
        seen = _frame_box(canvas, (x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1))
    mouth = (
        canvas.pixels((body.skull + body.head_forward * _HEAD[2] - body.head_up * 0.06)[None])[0]
        / canvas.scale
        + canvas.origin
    )
    canvas.marks = (head_box, seen, (float(mouth[0]), float(mouth[1])))


def _behind(canvas: _Canvas, body: _Body, who: Look) -> None:
    back = body.skull - body.head_forward * np.float32(0.06)
    if who.hair == "long":
        away = float(body.head_forward @ (canvas.view.eye - body.skull)) < 0
        long = 0.24 if away else 0.1  # seen from the front it hangs behind the shoulders
        canvas.limb(back, back - np.array([0, long, 0], np.float32), 0.09, 0.075, who.hair_colour)
    else:
        knot = back - body.head_forward * np.float32(0.05) + body.head_up * np.float32(0.06)
        canvas.limb(knot, knot + body.head_up * np.float32(0.02), 0.05, 0.045, who.hair_colour)


def _hat(canvas: _Canvas, body: _Body, who: Look) -> None:
    tall = who.hat_height
    shapes = {
        "toque": [
            (0.05, 0.086),
            (0.05 + tall * 0.45, 0.088),
            (0.05 + tall * 0.7, 0.12),
            (0.05 + tall * 0.92, 0.125),
            (0.05 + tall, 0.1),
        ],
        "cap": [(0.05, 0.087), (0.13, 0.094), (0.15, 0.08)],
        "brim": [(0.045, 0.088), (0.11, 0.086), (0.14, 0.06)],
        "bouffant": [(0.0, 0.097), (0.05, 0.115), (0.1, 0.112), (0.14, 0.07)],
        "kerchief": [(0.06, 0.085), (0.11, 0.065)],
    }
    rings = [body.crown(up, radius) for up, radius in shapes[who.hat]]
    for lower, upper in pairwise(rings):
        canvas.hull(np.concatenate([lower, upper]), who.hat_colour, round_=0.22)
    if who.hat == "toque":
        band = body.crown(0.05, 0.089), body.crown(0.085, 0.089)
        canvas.hull(np.concatenate(band), _dim(who.hat_colour, 0.9), round_=0.25)
    if who.hat == "brim":
        peak = np.concatenate([body.crown(0.045, 0.088, -70, 70), body.crown(0.035, 0.088, -50, 50, 0.07)])
        canvas.hull(peak, _dim(who.hat_colour, 0.8), round_=0.1)


def _paste(canvas: _Canvas, shown: Array, inside: np.ndarray, x0: int, y0: int) -> None:
    rows, columns = canvas.alpha.shape
    a, b = max(x0, 0), max(y0, 0)
    c, d = min(x0 + inside.shape[1], columns), min(y0 + inside.shape[0], rows)
    if a >= c or b >= d:
        return
    mask = inside[b - y0 : d - y0, a - x0 : c - x0]
    canvas.colour[b:d, a:c][mask] = shown[b - y0 : d - y0, a - x0 : c - x0][mask]
    canvas.alpha[b:d, a:c][mask] = 255


def _frame_box(canvas: _Canvas, box: Pixels) -> Pixels:
    x, y = canvas.origin
    s = canvas.scale
    return (box[0] / s + float(x), box[1] / s + float(y), box[2] / s + float(x), box[3] / s + float(y))


def _point(values: Array) -> tuple[int, int]:
    return round(float(values[0])), round(float(values[1]))


def _dim(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def _near(dice: Dice, colour: Colour, spread: float) -> Colour:
    made = np.clip(np.asarray(colour) + dice.normal(0, spread, 3) * 0.6 + dice.normal(0, spread), 8, 250)
    return float(made[0]), float(made[1]), float(made[2])


def _pick(dice: Dice, values: list[T]) -> T:
    return values[int(dice.integers(len(values)))]
