"""Watching: samples of a film go in, facts come out.

Belongs here: when the models look (the motion gate saves work and is never the only trigger), which crops they judge,
and what the picture itself says (too dark, the light jumped, a flame flickers). What the facts mean stands in
``events``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import numpy as np

from vision_jobs import zones as areas
from vision_jobs.facts import LOOKED, LOST, STILL, Facts, empty
from vision_jobs.model import Box, Detection, Eyes, Sample, Zone
from vision_jobs.rules import CameraRules

_WARM_RED: Final = 120
_WARM_STEP: Final = 40
"""A pixel is warm where red is at least so bright, and so much brighter than blue."""


class Change(Protocol):
    """What a motion gate says of a sample against those before it."""

    moved: bool
    jumped: bool


class Gate(Protocol):
    """A motion gate: told every sample of a film in turn."""

    def look(self, frame: np.ndarray) -> Change:
        """How the picture changed: something moved; the light jumped (more than 80 % of the picture changed)."""
        ...


class Watcher:
    """Looks at the samples of one camera.

    Attributes:
        kinds: Kinds judged on persons, in the order of the columns of the facts.
        stoves: Stove zones, in the order of their index in the facts.
        idle: Kinds that have a rule but no model.
    """

    def __init__(self, eyes: Eyes, rules: CameraRules, zones: Sequence[Zone]) -> None:
        self.kinds = tuple(sorted(kind for kind in rules.people if kind in eyes.thresholds))
        self.idle = tuple(sorted(kind for kind in rules.people if kind not in eyes.thresholds))
        self.stoves = tuple(sorted((z for z in zones if z.kind == "stove"), key=lambda z: z.zone_id))
        self._stove_boxes = [areas.around(zone) for zone in self.stoves]
        self._zones = {k: [z for z in zones if z.kind in rules.people[k].zones] for k in self.kinds}
        self._eyes = eyes
        self._rules = rules

    def watch(self, samples: Iterable[Sample], gate: Gate) -> Facts:
        """First pass: facts of one film; instants count from its start.

        Args:
            samples: Of the film, in order; each is let go before the next is taken.
            gate: Of this film.
        """
        record = _Record()
        looked = person = flame = -np.inf
        forced, keep, burns = (
            1000 * seconds
            for seconds in (
                self._rules.sampling.forced_s,
                self._rules.tracks.gap_s,
                self._rules.flame_unattended.off_s,
            )
        )
        for sample in samples:
            at = round(sample.at * 1000)
            change = gate.look(sample.frame)
            if change.jumped or self._dark(sample.frame):
                record.sample(at, LOST)
                continue
            awake = change.moved or at - looked >= forced or at - person <= keep or at - flame <= burns
            if not awake:
                record.sample(at, STILL)
                continue
            record.sample(at, LOOKED)
            looked = at
            if self._look(sample.frame, at, record, self.kinds):
                person = at
            if self._flames(sample.frame, at, record):
                flame = at
        return record.facts(len(self.kinds), np.full(len(self.stoves), np.nan))

    def look_closer(self, samples: Iterable[Sample], kinds: Sequence[str], *, persons: bool) -> Facts:
        """Second pass: facts of every sample of a short stretch.

        Args:
            samples: Of the stretch, in order.
            kinds: What to judge: kinds of ``self.kinds``, and ``flame``.
            persons: Whether persons are looked for.
        """
        record = _Record()
        flicker = _Flicker(self._stove_boxes if "flame" in kinds else [])
        for sample in samples:
            at = round(sample.at * 1000)
            if self._dark(sample.frame):
                record.sample(at, LOST)
                continue
            record.sample(at, LOOKED)
            if persons:
                self._look(sample.frame, at, record, kinds)
            if "flame" in kinds:
                self._flames(sample.frame, at, record)
                flicker.add(sample.frame)
        return record.facts(
            len(self.kinds), flicker.means() if "flame" in kinds else np.full(len(self.stoves), np.nan)
        )

    def _dark(self, frame: np.ndarray) -> bool:
        return float(frame[::8, ::8].mean()) < self._rules.sampling.dark

    def _look(self, frame: np.ndarray, at: int, record: _Record, kinds: Sequence[str]) -> bool:
        detections = self._eyes.detect(frame)
        persons = [d.box for d in detections if d.kind == "person"]
        if not persons:
            return False
        boxes = np.array([(b.x1, b.y1, b.x2, b.y2) for b in persons])
        faces = _faces(persons, [d for d in detections if d.kind == "face"])
        scores = np.full((len(persons), len(self.kinds)), np.nan)
        for column, kind in enumerate(self.kinds):
            if kind not in kinds:
                continue
            rule = self._rules.people[kind]
            inside = areas.standing(boxes, self._zones[kind]).any(axis=1)
            crops = {
                row: box
                for row in np.flatnonzero(inside).tolist()
                if (box := persons[row] if rule.crop == "person" else faces[row]) is not None
                and _pixels(box, frame) >= rule.crop_px
            }
            if not crops:
                continue
            judged = self._eyes.judge(frame, kind, list(crops.values()))
            scores[list(crops), column] = [np.nan if j.score is None else j.score for j in judged]
        record.persons(at, boxes, scores)
        return True

    def _flames(self, frame: np.ndarray, at: int, record: _Record) -> bool:
        if not self.stoves or "flame" not in self._eyes.thresholds:
            return False
        judged = self._eyes.judge(frame, "flame", self._stove_boxes)
        scores = np.array([np.nan if j.score is None else j.score for j in judged])
        record.flames(at, scores)
        return bool((np.nan_to_num(scores, nan=-1.0) >= self._eyes.thresholds["flame"]).any())


class _Record:
    """Rows in the making."""

    def __init__(self) -> None:
        self._samples: list[tuple[int, int]] = []
        self._persons: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._flames: list[tuple[int, np.ndarray]] = []

    def sample(self, at: int, state: int) -> None:
        self._samples.append((at, state))

    def persons(self, at: int, boxes: np.ndarray, scores: np.ndarray) -> None:
        self._persons.append((at, boxes, scores))

    def flames(self, at: int, scores: np.ndarray) -> None:
        self._flames.append((at, scores))

    def facts(self, kinds: int, flicker: np.ndarray) -> Facts:
        none = empty(kinds, len(flicker))
        samples = np.array(self._samples, dtype=np.int64).reshape(-1, 2)
        counts = [len(boxes) for _, boxes, _ in self._persons]
        stoves = len(flicker)
        return Facts(
            sample_at=samples[:, 0],
            sample_state=samples[:, 1].astype(np.int8),
            person_at=np.repeat(np.array([at for at, _, _ in self._persons], dtype=np.int64), counts),
            person_box=np.concatenate([none.person_box, *(boxes for _, boxes, _ in self._persons)]),
            person_score=np.concatenate([none.person_score, *(scores for _, _, scores in self._persons)]),
            flame_at=np.repeat(np.array([at for at, _ in self._flames], dtype=np.int64), stoves),
            flame_zone=np.tile(np.arange(stoves), len(self._flames)),
            flame_score=np.concatenate([none.flame_score, *(scores for _, scores in self._flames)]),
            flicker=flicker,
        )


class _Flicker:
    """How much the warm pixels of boxes change from one picture to the next."""

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = boxes
        self._last: list[np.ndarray | None] = [None] * len(boxes)
        self._changes: list[list[float]] = [[] for _ in boxes]

    def add(self, frame: np.ndarray) -> None:
        for i, box in enumerate(self._boxes):
            crop = cut(frame, box).astype(np.int16)
            last, self._last[i] = self._last[i], crop
            if last is None:
                continue
            warm = _warm(crop) | _warm(last)
            change = np.abs(crop - last).mean(axis=2)
            self._changes[i].append(float(change[warm].mean()) if warm.any() else 0.0)

    def means(self) -> np.ndarray:
        return np.array([np.mean(changes) if changes else np.nan for changes in self._changes])


def cut(frame: np.ndarray, box: Box) -> np.ndarray:
    """The pixels of a box, at least one."""
    height, width = frame.shape[:2]
    x1, y1 = min(max(int(box.x1 * width), 0), width - 1), min(max(int(box.y1 * height), 0), height - 1)
    x2, y2 = max(round(box.x2 * width), x1 + 1), max(round(box.y2 * height), y1 + 1)
    return frame[y1:y2, x1:x2]


def _warm(crop: np.ndarray) -> np.ndarray:
    found: np.ndarray = (crop[..., 2] >= _WARM_RED) & (crop[..., 2] - crop[..., 0] >= _WARM_STEP)
    return found


def _pixels(box: Box, frame: np.ndarray) -> float:
    """Length of a crop's shorter side."""
    height, width = frame.shape[:2]
    return float(min((box.x2 - box.x1) * width, (box.y2 - box.y1) * height))


def _faces(persons: Sequence[Box], faces: Sequence[Detection]) -> list[Box | None]:
    """The face of each person: the most certain one whose middle lies in the upper half of the person's box."""
    found: list[Box | None] = [None] * len(persons)
    for face in sorted(faces, key=lambda d: d.score, reverse=True):
        x, y = (face.box.x1 + face.box.x2) / 2, (face.box.y1 + face.box.y2) / 2
        owners = [
            (abs(x - (p.x1 + p.x2) / 2), i)
            for i, p in enumerate(persons)
            if found[i] is None and p.x1 <= x <= p.x2 and p.y1 - 0.1 * (p.y2 - p.y1) <= y <= (p.y1 + p.y2) / 2
        ]
        if owners:
            found[min(owners)[1]] = face.box
    return found
