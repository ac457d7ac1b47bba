"""Training material from rendered kitchens and from pictures labelled by open detectors.

Belongs here: crops and frames as the networks take them, with what is true of each. Does not belong here: drawing
(``vision_jobs.render``), training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from vision_jobs.detect import CLASSES, Detector
from vision_jobs.heads import region, shown
from vision_jobs.model import Box, Detection
from vision_jobs.render.stills import Attributes, stills
from vision_jobs.train.detector import Scene

ROWS: Final = 384
SIDE: Final = 640
"""Rows and columns of the detector's frames: a face of 20 pixels in a film of 960 columns still covers two cells."""
Grids = tuple[tuple[int, int], ...]
"""Columns and rows of real pictures in one frame, each as likely: they are close-ups, and a kitchen camera sees people
small."""
_LEAST: Final = 0.5
"""Visible share of a person from which its attributes can be judged."""


@dataclass(frozen=True, slots=True)
class Crops:
    """Crops of one head.

    Attributes:
        crops: (n, side, side, 3) uint8 BGR.
        labels: (n,) 1 for the violation.
        groups: (n,) picture that each was cut from.
    """

    crops: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


def rendered(
    seed: int,
    count: int,
    sides: dict[str, int],
    *,
    view: int,
    width: int = 960,
    height: int = 540,
    smokers: bool = False,
) -> tuple[list[Scene], dict[str, Crops]]:
    """Frames for the detector and crops for the heads from rendered kitchens.

    Args:
        seed: Of the pictures.
        count: Pictures.
        sides: Input side per kind of judgement.
        view: Seed of the detector's part of each picture.
        width: Columns of a picture.
        height: Rows of a picture.
        smokers: Whether every second person smokes.
    """
    parts, shakes = np.random.default_rng(view), np.random.default_rng(seed)
    scenes: list[Scene] = []
    kept: dict[str, list[tuple[np.ndarray, int, int]]] = {kind: [] for kind in sides}
    pictures = stills(seed, count, width=width, height=height, smokers=smokers)
    for number, (frame, found, people) in enumerate(pictures):
        scenes.append(scene(frame, found, CLASSES, parts))
        for kind, box, label in _judged(frame, found, people, shakes):
            edges = region(kind, box, height, width)
            crop = shown(kind, frame, edges, sides[kind])
            if crop is not None:
                kept[kind].append((crop, label, number))
    return scenes, {kind: _together(rows, sides[kind]) for kind, rows in kept.items()}


def _together(rows: Sequence[tuple[np.ndarray, int, int]], side: int) -> Crops:
    crops = np.stack([one[0] for one in rows]) if rows else np.zeros((0, side, side, 3), np.uint8)
    return Crops(crops, np.array([one[1] for one in rows], int), np.array([one[2] for one in rows], int))


def _judged(
    frame: np.ndarray, found: Sequence[Detection], people: Sequence[Attributes], rng: np.random.Generator
) -> Iterator[tuple[str, Box, int]]:
    """Kind, box as the head gets it, and whether it is the violation."""
    for one in people:
        if one["share"] < _LEAST:
            continue
        person = _shaken(one["person"], rng)
        if one["head"] is not None:
            yield "no_hat", person, int(not one["hat"])
        if one["face"] is not None and one["mask"] is not None:
            yield "no_mask", _shaken(one["face"], rng), int(not one["mask"] or bool(one["mask_on_chin"]))
        # From behind nothing tells a smoker from anybody else.
        if one["face"] is not None or not one["smoking"]:
            yield "smoking", person, int(one["smoking"])
    fires = [one.box for one in found if one.kind == "flame"]
    for fire in fires:
        yield "flame", _around(fire, rng), 1
    for _ in range(2):
        size = rng.uniform(0.1, 0.4)
        x, y = rng.uniform(0, 1 - size), rng.uniform(0, 1 - size)
        zone = Box(x, y, x + size, y + size)
        if not any(_meets(zone, fire) for fire in fires):
            yield "flame", zone, 0


def _shaken(box: Box, rng: np.random.Generator) -> Box:
    """The box as a detector might give it."""
    width, height = box.x2 - box.x1, box.y2 - box.y1
    a, b, c, d = rng.normal(0, 0.05, 4)
    return Box(box.x1 + a * width, box.y1 + b * height, box.x2 + c * width, box.y2 + d * height)


def _around(box: Box, rng: np.random.Generator) -> Box:
    """A zone that holds the box."""
    width, height = box.x2 - box.x1, box.y2 - box.y1
    left, right = rng.uniform(0.1, 2.5, 2) * width
    up, down = rng.uniform(0.1, 1.5, 2) * height
    return Box(
        max(0.0, box.x1 - left), max(0.0, box.y1 - up), min(1.0, box.x2 + right), min(1.0, box.y2 + down)
    )


def _meets(first: Box, second: Box) -> bool:
    return first.x1 < second.x2 and second.x1 < first.x2 and first.y1 < second.y2 and second.y1 < first.y2


def scene(
    frame: np.ndarray,
    found: Sequence[Detection],
    known: Sequence[str],
    rng: np.random.Generator,
    *,
    rows: int = ROWS,
    columns: int = SIDE,
) -> Scene:
    """A frame for the detector: a random part of the picture, at a random size in the corner of the network's frame.

    Args:
        frame: uint8 BGR.
        found: What is in it.
        known: Classes that are labelled completely.
        rng: Of the part and the size.
        rows: Of the network's frame.
        columns: Of the network's frame.
    """
    height, width = frame.shape[:2]
    share = rng.choice([1.0, rng.uniform(0.5, 1.0)])
    left, top = rng.uniform(0, 1 - share, 2) * [width, height]
    x1, y1, x2, y2 = int(left), int(top), int(left + share * width), int(top + share * height)
    part = frame[y1:y2, x1:x2]
    scale = min(columns / part.shape[1], rows / part.shape[0])
    scale *= rng.choice([1.0, rng.uniform(0.5, 1.0)], p=[0.7, 0.3])
    size = max(1, int(part.shape[1] * scale)), max(1, int(part.shape[0] * scale))
    padded = np.full((rows, columns, 3), 114, np.uint8)
    padded[: size[1], : size[0]] = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        padded = (padded.astype(np.float32) * rng.uniform(0.7, 1.25)).clip(0, 255).astype(np.uint8)
    boxes = {
        kind: _moved([one.box for one in found if one.kind == kind], frame, (x1, y1), scale, size)
        for kind in known
    }
    return Scene(padded, boxes, tuple(known))


def _moved(
    boxes: Sequence[Box], frame: np.ndarray, corner: tuple[int, int], scale: float, size: tuple[int, int]
) -> np.ndarray:
    """Corners (k, 4) in the part; boxes that lie mostly outside it are left out."""
    height, width = frame.shape[:2]
    whole = np.array([(b.x1 * width, b.y1 * height, b.x2 * width, b.y2 * height) for b in boxes], float)
    whole = (whole.reshape(-1, 4) - [*corner, *corner]) * scale
    inside = np.clip(whole, 0, [*size, *size])
    shares = np.clip(inside[:, 2:] - inside[:, :2], 0, None).prod(1) / np.maximum(
        (whole[:, 2:] - whole[:, :2]).prod(1), 1e-6
    )
    return inside[(shares > 0.4) & ((inside[:, 2:] - inside[:, :2]).min(1) > 2)]


def pseudo_labelled(
    pictures: Sequence[Callable[[], np.ndarray]],
    teachers: Sequence[tuple[str, Detector]],
    grids: Grids,
    *,
    seed: int,
) -> list[Scene]:
    """Frames of one or several real pictures side by side, with the boxes that open detectors find in them.

    Args:
        pictures: Each gives its pixels.
        teachers: Class and the detector that labels it.
        grids: How many stand side by side.
        seed: Of the random parts.
    """
    rng = np.random.default_rng(seed)
    known = [kind for kind, _ in teachers]
    left, scenes = [pictures[k] for k in rng.permutation(len(pictures))], []
    while left:
        across, down = grids[int(rng.integers(len(grids)))]
        parts, left = left[: across * down], left[across * down :]
        rows, columns = ROWS // down, SIDE // across
        frame = np.full((ROWS, SIDE, 3), 114, np.uint8)
        boxes: dict[str, list[np.ndarray]] = {kind: [] for kind in known}
        for place, pixels in enumerate(parts):
            shot = pixels()
            found = [one for kind, teacher in teachers for one in teacher.find(shot) if one.kind == kind]
            part = scene(shot, found, known, rng, rows=rows, columns=columns)
            y, x = place // across * rows, place % across * columns
            frame[y : y + rows, x : x + columns] = part.frame
            for kind in known:
                boxes[kind].append(part.boxes[kind] + [x, y, x, y])
        scenes.append(Scene(frame, {kind: np.concatenate(one) for kind, one in boxes.items()}, tuple(known)))
    return scenes


def save(file: Path, scenes: Sequence[Scene], crops: dict[str, Crops]) -> None:
    """Keep rendered material as one file of plain arrays."""
    rows = [
        (at, CLASSES.index(kind), *corners)
        for at, one in enumerate(scenes)
        for kind, boxes in one.boxes.items()
        for corners in boxes
    ]
    parts = {f"{kind}.{name}": getattr(one, name) for kind, one in crops.items() for name in one.__slots__}
    frames = np.array([one.frame for one in scenes], np.uint8)
    made = file.with_suffix(".new.npz")
    np.savez(made, frames=frames, boxes=np.array(rows, np.float32).reshape(-1, 6), **parts)
    made.replace(file)


def load(file: Path) -> tuple[list[Scene], dict[str, Crops]]:
    """What ``save`` kept."""
    with np.load(file) as kept:
        parts = {name: kept[name] for name in kept.files}
    boxes = parts["boxes"]
    scenes = [
        Scene(
            frame,
            {
                kind: boxes[(boxes[:, 0] == at) & (boxes[:, 1] == k), 2:].astype(float)
                for k, kind in enumerate(CLASSES)
            },
            CLASSES,
        )
        for at, frame in enumerate(parts["frames"])
    ]
    kinds = sorted({name.partition(".")[0] for name in parts if "." in name})
    return scenes, {kind: Crops(*(parts[f"{kind}.{name}"] for name in Crops.__slots__)) for kind in kinds}
