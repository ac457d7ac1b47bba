"""One picture of a kitchen with its people, flames and steam, and the boxes of what can be seen in it.

Belongs here: putting things over each other by distance, and what of each is left to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from vision_jobs.model import Box, Detection
from vision_jobs.render.effects import Sheet, glow
from vision_jobs.render.kitchen import Kitchen
from vision_jobs.render.people import CutOut, Pixels
from vision_jobs.render.textures import Picture
from vision_jobs.render.view import NEAR

_SEEN: Final = 0.3
"""Share of a person that must be visible for a box."""
_HEAD_SEEN: Final = 0.55
"""Share of a head or face that must be visible for a box."""


@dataclass(frozen=True, slots=True)
class Billboard:
    """A flame or a puff standing upright in the room.

    Attributes:
        sheet: Its picture.
        place: Middle of its lower edge, metres.
        width: Metres.
        height: Metres.
        burning: Whether it is a flame.
    """

    sheet: Sheet
    place: tuple[float, float, float]
    width: float
    height: float
    burning: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of one person of the scene.

    Attributes:
        number: Index of the person among those given.
        share: Visible share, 0 to 1.
        person: Box of the visible part; ``None`` when too little is visible.
        head: Box of the skull without a hat, ``None`` when hidden.
        face: Box of the face, ``None`` when hidden or turned away.
    """

    number: int
    share: float
    person: Box | None
    head: Box | None
    face: Box | None


def compose(
    kitchen: Kitchen, people: Sequence[CutOut], billboards: Sequence[Billboard], *, boxes: bool = True
) -> tuple[Picture, list[Seen], list[Box]]:
    """Draw a scene.

    Args:
        kitchen: The room.
        people: Cut-outs.
        billboards: Flames and puffs.
        boxes: Whether the boxes are wanted, too.

    Returns:
        The picture (BGR), what is seen of each person, and the boxes of the visible flames.
    """
    view = kitchen.view
    frame = kitchen.picture.copy()
    owner = np.zeros(frame.shape[:2], np.uint8)
    things: list[tuple[float, int, int]] = [(cut.depth, 0, n) for n, cut in enumerate(people)]
    placed = [_placed(kitchen, board) for board in billboards]
    things += [(depth, 1, n) for n, (depth, _) in enumerate(placed)]
    burning: dict[int, Pixels] = {}
    for depth, kind, number in sorted(things, reverse=True):
        if kind == 0:
            cut = people[number]
            _over(frame, kitchen, cut.left, cut.top, Sheet(cut.colour, cut.alpha), depth, owner, number + 1)
            continue
        board, box = billboards[number], placed[number][1]
        if depth < NEAR or box[2] - box[0] < 1 or box[2] - box[0] > 4 * view.width:
            continue
        sheet = board.sheet.sized(int(box[2] - box[0]), int(box[3] - box[1]))
        if board.burning:
            width = box[2] - box[0]
            glow(frame, (box[0] + box[2]) / 2, box[3] - 0.3 * (box[3] - box[1]), width * 2.2, 0.8)
            burning[number] = box
        mark = (200 + number if number < 55 else 255) if board.burning else 0
        _over(frame, kitchen, int(box[0]), int(box[1]), sheet, depth, owner, mark)
    if not boxes:
        return frame, [], []
    seen = [_seen(owner, cut, number) for number, cut in enumerate(people)]
    fires = [_visible(owner, 200 + number, box) for number, box in burning.items()]
    return frame, seen, [box for box in fires if box is not None]


def detections(seen: Sequence[Seen], fires: Sequence[Box]) -> list[Detection]:
    """The boxes as a perfect detector would give them."""
    found = [
        Detection(kind, box, 1.0)
        for one in seen
        for kind, box in (("person", one.person), ("head", one.head), ("face", one.face))
        if box is not None
    ]
    return found + [Detection("flame", box, 1.0) for box in fires]


def _placed(kitchen: Kitchen, board: Billboard) -> tuple[float, Pixels]:
    pixels, depth = kitchen.view.project(np.array([board.place], np.float32))
    if depth[0] < NEAR:
        return 0.0, (0, 0, 0, 0)
    scale = kitchen.view.focal / float(depth[0])
    x, y = (float(v) for v in pixels[0])
    half = board.width * scale / 2
    return float(depth[0]), (x - half, y - board.height * scale, x + half, y)


def _over(
    frame: Picture,
    kitchen: Kitchen,
    left: int,
    top: int,
    sheet: Sheet,
    depth: float,
    owner: Picture,
    mark: int,
) -> None:
    """Lay a picture with transparency over the frame where nothing still stands nearer, in place."""
    height, width = frame.shape[:2]
    rows, columns = sheet.alpha.shape
    a, b, c, d = max(left, 0), max(top, 0), min(left + columns, width), min(top + rows, height)
    if a >= c or b >= d:
        return
    part = (slice(b - top, d - top), slice(a - left, c - left))
    near = kitchen.depth[b:d, a:c] < depth - 0.02
    alpha = sheet.alpha[part].copy()
    colour = sheet.colour[part].copy()
    alpha[near] = 0
    colour[near] = 0
    window = frame[b:d, a:c]
    rest = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
    window[:] = cv2.add(cv2.multiply(window, rest, scale=1 / 255), colour)
    if mark:
        owner[b:d, a:c][alpha > 100] = mark


def _seen(owner: Picture, cut: CutOut, number: int) -> Seen:
    whole = max(int((cut.alpha > 100).sum()), 1)
    rows, columns = cut.alpha.shape
    person = _visible(owner, number + 1, (cut.left, cut.top, cut.left + columns, cut.top + rows))
    share = (
        float(_window(owner, (cut.left, cut.top, cut.left + columns, cut.top + rows), number + 1).sum())
        / whole
    )
    if share < _SEEN or person is None:
        return Seen(number, share, None, None, None)
    head, face = (
        None if box is None or not _mostly(owner, box, number + 1) else _normal(owner, box)
        for box in (cut.head, cut.face)
    )
    return Seen(number, share, person, head, face if head is not None else None)


def _mostly(owner: Picture, box: Pixels, mark: int) -> bool:
    area = max((box[2] - box[0]) * (box[3] - box[1]), 1) * 0.78
    return float(_window(owner, box, mark).sum()) >= _HEAD_SEEN * area


def _window(owner: Picture, box: Pixels, mark: int) -> np.ndarray:
    x1, y1, x2, y2 = (max(int(v), 0) for v in box)
    return owner[y1:y2, x1:x2] == mark


def _visible(owner: Picture, mark: int, box: Pixels) -> Box | None:
    x1, y1 = (max(int(v), 0) for v in box[:2])
    mine = _window(owner, (x1, y1, box[2] + 1, box[3] + 1), mark)
    if mine.sum() < 12:
        return None
    rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
    return _normal(owner, (x1 + columns[0], y1 + rows[0], x1 + columns[-1] + 1, y1 + rows[-1] + 1))


def _normal(owner: Picture, box: Pixels) -> Box:
    height, width = owner.shape
    x1, y1, x2, y2 = (float(v) for v in box)
    return Box(max(x1, 0) / width, max(y1, 0) / height, min(x2, width) / width, min(y2, height) / height)
