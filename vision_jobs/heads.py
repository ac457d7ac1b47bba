"""The heads at work: which part of the frame each one looks at, and its calibrated judgement.

Belongs here: crops and batch inference. Does not belong here: training (``vision_jobs.train``), where the boxes
come from (``detect``), what follows from a score (``rules``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from vision_jobs.model import Box, Judgement
from vision_jobs.registry import Model
from vision_jobs.session import Session

KINDS: Final = ("no_hat", "no_mask", "smoking", "flame")
MIN_PIXELS: Final = {"no_hat": 32, "no_mask": 23, "smoking": 48, "flame": 24}
"""Shorter side of the crop below which nothing can be seen: the judgement is unknown."""
_BATCH: Final = 16

MEAN: Final = np.array([103.5, 116.3, 123.7], np.float32)
SPREAD: Final = np.array([57.4, 57.1, 58.4], np.float32)
"""ImageNet mean and standard deviation, BGR, of values 0 to 255."""


def region(kind: str, box: Box, height: int, width: int) -> tuple[int, int, int, int]:
    """The part of a frame that a head looks at.

    no_hat: the head's square at the top of the person box, extended upward by 0.4 of its height, since detectors cut
    off tall hats. no_mask: the face box with a margin. smoking: the upper body. flame: the zone.

    Args:
        kind: Kind of judgement.
        box: Person, face or zone box, as the kind needs it.
        height: Rows of the frame.
        width: Columns of the frame.

    Returns:
        x1, y1, x2, y2 in pixels within the frame; empty when the box lies outside it.
    """
    x1, y1, x2, y2 = box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height
    across, down, middle = x2 - x1, y2 - y1, (x1 + x2) / 2
    if kind == "no_hat":
        side = min(across, 1.11 * down)
        edges = (middle - 0.52 * side, y1 - 0.4 * side, middle + 0.52 * side, y1 + 0.72 * side)
    elif kind == "no_mask":
        edges = (x1 - 0.15 * across, y1 - 0.15 * down, x2 + 0.15 * across, y2 + 0.15 * down)
    elif kind == "smoking":
        tall = min(down, 1.25 * across)
        edges = (x1 - 0.08 * across, y1 - 0.08 * tall, x2 + 0.08 * across, y1 + 1.08 * tall)
    elif kind == "flame":
        edges = (x1, y1, x2, y2)
    else:
        raise ValueError(f"unknown kind of judgement: {kind}")
    left, top = max(0, int(edges[0])), max(0, int(edges[1]))
    return left, top, min(width, int(np.ceil(edges[2]))), min(height, int(np.ceil(edges[3])))


def cut(frame: np.ndarray, edges: tuple[int, int, int, int], side: int) -> np.ndarray | None:
    """A square uint8 BGR crop of the given side; None where the region is empty."""
    x1, y1, x2, y2 = edges
    if x2 - x1 < 2 or y2 - y1 < 2:
        return None
    shrinks = (x2 - x1) > side
    return cv2.resize(
        frame[y1:y2, x1:x2], (side, side), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )


def shown(kind: str, frame: np.ndarray, edges: tuple[int, int, int, int], side: int) -> np.ndarray | None:
    """The crop that a head judges; None where it is too small to see anything."""
    if min(edges[2] - edges[0], edges[3] - edges[1]) < MIN_PIXELS[kind]:
        return None
    return cut(frame, edges, side)


def normalised(crops: np.ndarray) -> np.ndarray:
    """Crops (n, side, side, 3) uint8 as network input (n, 3, side, side) float32."""
    return np.ascontiguousarray(((crops.astype(np.float32) - MEAN) / SPREAD).transpose(0, 3, 1, 2))


class Head:
    """One head: crops in, calibrated probabilities out (the calibration is part of the model file)."""

    def __init__(self, model: Model) -> None:
        self.kind = model.classes[0]
        self.side = model.side
        self.threshold = model.thresholds[self.kind]
        self._session = Session(model.path)

    def scores(self, crops: np.ndarray) -> np.ndarray:
        """Probabilities (n,) of crops (n, side, side, 3) uint8 BGR."""
        parts = [
            self._session.run(normalised(crops[at : at + _BATCH]))[0] for at in range(0, len(crops), _BATCH)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def judge(self, frame: np.ndarray, boxes: Sequence[Box]) -> list[Judgement]:
        """One judgement per box, in order; None where the crop is too small to see anything."""
        height, width = frame.shape[:2]
        crops, places = [], []
        for place, box in enumerate(boxes):
            crop = shown(self.kind, frame, region(self.kind, box, height, width), self.side)
            if crop is None:
                continue
            crops.append(crop)
            places.append(place)
        judged: list[Judgement] = [Judgement(self.kind, None)] * len(boxes)
        if crops:
            for place, score in zip(places, self.scores(np.stack(crops)), strict=True):
                judged[place] = Judgement(self.kind, float(score))
        return judged
