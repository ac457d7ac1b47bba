"""The eyes of the chain: detectors of persons, faces and heads, and the heads that judge them.

Belongs here: reading the output of each detector format, and ``open_eyes``. Does not belong here: what a head looks at
(``heads``), which model is at work (``registry``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np

from vision_jobs import registry
from vision_jobs.boxes import suppress
from vision_jobs.heads import KINDS, Head
from vision_jobs.model import Box, Detection, Judgement
from vision_jobs.registry import Model
from vision_jobs.session import Session
from warehouse.errors import Permanent

CLASSES: Final = ("person", "face", "head")
"""What our detector finds, in the order of its output."""
_STRIDES: Final = (8, 16, 32)
_OVERLAP: Final = 0.5
_MOST: Final = 100
"""Detections of one class per frame at most."""


class Detector(Protocol):
    """A detector: frame in, detections of its classes out."""

    def find(self, frame: np.ndarray) -> list[Detection]:
        """Detections above the registered thresholds, best first per class."""
        ...


def letterbox(frame: np.ndarray, side: int, fill: int) -> tuple[np.ndarray, float]:
    """The frame shrunk into the top left corner of a square.

    Returns:
        float32 (1, 3, side, side) with values 0 to 255 BGR, and pixels of the square per pixel of the frame.
    """
    height, width = frame.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.full((side, side, 3), fill, np.float32)
    square[: size[1], : size[0]] = small
    return np.ascontiguousarray(square.transpose(2, 0, 1)[None]), scale


def _cells(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Column and row (n, 2) and stride (n, 1) of every cell of the three grids."""
    places, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: height // stride, : width // stride]
        places.append(np.stack([columns, rows], -1).reshape(-1, 2))
        strides.append(np.full((len(places[-1]), 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _kept(
    kind: str, boxes: np.ndarray, scores: np.ndarray, threshold: float, frame: np.ndarray
) -> list[Detection]:
    """Detections of one class: above the threshold, suppressed, clipped to the frame.

    Args:
        kind: Class.
        boxes: (n, 4) corners in pixels of the frame.
        scores: (n,).
        threshold: From which a detection counts.
        frame: For its size.
    """
    height, width = frame.shape[:2]
    above = np.flatnonzero(scores >= threshold)
    above = above[np.argsort(-scores[above], kind="stable")[: 4 * _MOST]]
    stay = above[suppress(boxes[above], scores[above], _OVERLAP)][:_MOST]
    corners = np.clip(boxes[stay] / [width, height, width, height], 0, 1)
    return [
        Detection(kind, Box(*map(float, corner)), float(min(1.0, score)))
        for corner, score in zip(corners, scores[stay], strict=True)
    ]


class Yolox:
    """A YOLOX file (Ge et al. 2021): one output (1, cells, 5 + classes); its first class is the person."""

    def __init__(self, model: Model) -> None:
        self._model, self._session = model, Session(model.path)
        self._places, self._strides = _cells(model.side, model.side)

    def find(self, frame: np.ndarray) -> list[Detection]:
        """Persons."""
        square, scale = letterbox(frame, self._model.side, 114)
        found = self._session.run(square)[0][0]
        middle = (found[:, :2] + self._places) * self._strides
        size = np.exp(found[:, 2:4]) * self._strides
        boxes = np.concatenate([middle - size / 2, middle + size / 2], 1) / scale
        return _kept("person", boxes, found[:, 4] * found[:, 5], self._model.thresholds["person"], frame)


class YuNet:
    """A YuNet file (Wu et al. 2023): per stride class, objectness and box relative to the cell's corner."""

    def __init__(self, model: Model) -> None:
        self._model, self._session = model, Session(model.path)
        self._places, self._strides = _cells(model.side, model.side)

    def find(self, frame: np.ndarray) -> list[Detection]:
        """Faces."""
        square, scale = letterbox(frame, self._model.side, 0)
        named = dict(zip(self._session.outputs, self._session.run(square), strict=True))
        classes, objects, told = (
            np.concatenate([named[f"{part}_{stride}"][0] for stride in _STRIDES])
            for part in ("cls", "obj", "bbox")
        )
        scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        middle = (self._places + told[:, :2]) * self._strides
        size = np.exp(told[:, 2:4]) * self._strides
        boxes = np.concatenate([middle - size / 2, middle + size / 2], 1) / scale
        return _kept("face", boxes, scores, self._model.thresholds["face"], frame)


class Canteen:
    """Our detector: one output (1, cells, classes * 5): distances to the four sides in pixels and a probability."""

    def __init__(self, model: Model) -> None:
        self._model, self._session = model, Session(model.path)

    def find(self, frame: np.ndarray) -> list[Detection]:
        """Persons, faces and heads."""
        square, scale = letterbox(frame, self._model.side, 114)
        rows = -(-round(frame.shape[0] * scale) // 32) * 32
        columns = -(-round(frame.shape[1] * scale) // 32) * 32
        found = self._session.run(square[:, :, :rows, :columns])[0][0].reshape(-1, len(CLASSES), 5)
        places, strides = _cells(rows, columns)
        middle = (places + 0.5) * strides
        return [
            one
            for at, kind in enumerate(CLASSES)
            for one in _kept(
                kind,
                np.concatenate([middle - found[:, at, :2], middle + found[:, at, 2:4]], 1) / scale,
                found[:, at, 4],
                self._model.thresholds[kind],
                frame,
            )
        ]


_READERS: Final[Mapping[str, type[Yolox] | type[YuNet] | type[Canteen]]] = {
    "yolox": Yolox,
    "yunet": YuNet,
    "canteen": Canteen,
}


def open_detector(model: Model) -> Detector:
    """Open a registered detector.

    Raises:
        Permanent: The registered format is not a detector's.
    """
    if model.format not in _READERS:
        raise Permanent(f"model {model.name}: format {model.format} is no detector's")
    return _READERS[model.format](registry.checked(model))


class ModelEyes:
    """Detectors and heads as the chain sees them (``vision_jobs.model.Eyes``).

    Attributes:
        version: Hash over the files and thresholds of the models at work, 16 hex digits.
        thresholds: Per kind of judgement.
        models: Model at work per class.
        heads: Head per kind of judgement.
        experimental: Kinds whose head is a trial.
    """

    def __init__(self, models: Mapping[str, Model]) -> None:
        """Args:
        models: Model at work per class, as ``registry.active`` gives them.
        """
        told = sorted((kind, one.sha256, one.thresholds[kind]) for kind, one in models.items())
        self.version = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
        self.models = dict(models)
        self.heads = {kind: Head(models[kind]) for kind in KINDS if kind in models}
        self.thresholds: Mapping[str, float] = {kind: one.threshold for kind, one in self.heads.items()}
        self.experimental = frozenset(kind for kind in self.heads if models[kind].experimental)
        used: dict[str, tuple[Model, set[str]]] = {}
        for kind, one in models.items():
            if kind not in KINDS:
                used.setdefault(one.sha256, (one, set()))[1].add(kind)
        self._detectors = [(open_detector(one), kinds) for one, kinds in used.values()]

    def detect(self, frame: np.ndarray) -> list[Detection]:
        """Persons, faces and heads of one frame (uint8 BGR)."""
        return [
            one for detector, kinds in self._detectors for one in detector.find(frame) if one.kind in kinds
        ]

    def judge(self, frame: np.ndarray, kind: str, boxes: Sequence[Box]) -> list[Judgement]:
        """One judgement per box, in order; unknown for every box where no head for the kind is registered."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind of judgement: {kind}")
        if kind not in self.heads:
            return [Judgement(kind, None)] * len(boxes)
        return self.heads[kind].judge(frame, boxes)


def open_eyes(home: Path | None, *, only: Iterable[str] = ()) -> ModelEyes:
    """The models at work in a home.

    Args:
        home: Data home; None for the shipped models alone.
        only: Names of models; when given, only these are used.

    Raises:
        Permanent: A file is not the registered one, or nothing detects persons.
    """
    models = registry.active(home, only=only)
    if "person" not in models:
        raise Permanent("no registered model detects persons; add one with `canteen vision models add FILE`")
    return ModelEyes(models)
