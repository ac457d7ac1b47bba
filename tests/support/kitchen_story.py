"""Films in memory for tests of the chain: stories, a decoder that shows them, and eyes that know them."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from vision_jobs import rules
from vision_jobs.model import Box, Detection, Judgement, Sample, Segment, Zone
from warehouse.errors import Refused

START = dt.datetime(2026, 9, 1, 2, tzinfo=dt.UTC)
ZONES = (
    Zone("cut", "c1", "cutting", ((0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (0.0, 1.0))),
    Zone("near", "c1", "stove_attendance", ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0))),
    Zone("hob", "c1", "stove", ((0.6, 0.1), (0.9, 0.1), (0.9, 0.4), (0.6, 0.4))),
)
PLACES = {"cut": Box(0.2, 0.3, 0.3, 0.9), "near": Box(0.7, 0.3, 0.8, 0.9)}
Spans = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Person:
    """Where somebody is, and when they violate; seconds since the film's start."""

    place: str
    here: Spans
    bad: dict[str, Spans] = field(default_factory=dict)


@dataclass(frozen=True)
class Story:
    """What is true of a film."""

    length_s: float
    people: tuple[Person, ...] = ()
    flame: Spans = ()
    gaps: Spans = ()
    dark: Spans = ()


def within(at: float, spans: Spans) -> bool:
    return any(start <= at < end for start, end in spans)


class Films:
    """Decodes stories: a frame holds its instant, the path its stretch of the story. Counts what it hands out."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.frames = 0

    def keyframes(self, path: Path, *, height: int = 720, every_s: float = 2.0) -> Iterator[Sample]:
        return self._samples(path, 0, np.inf, every_s)

    def window(
        self, path: Path, start_s: float, end_s: float, *, fps: float = 5.0, height: int = 720
    ) -> Iterator[Sample]:
        return self._samples(path, start_s, end_s, 1 / fps)

    def _samples(self, path: Path, low: float, high: float, step: float) -> Iterator[Sample]:
        if path.name.startswith("broken"):
            raise Refused("truncated", "the file ends early")
        if path.name.startswith("fatal"):
            os._exit(1)
        start, end = (float(part) for part in path.stem.removeprefix("again").split("_"))
        for i in range(int(np.ceil(start / step - 1e-9)), int(np.ceil(end / step - 1e-9))):
            at = round(i * step, 3)
            if low - 1e-6 <= at - start <= high + 1e-6 and not within(at, self.story.gaps):
                self.frames += 1
                yield Sample(at - start, picture(at, self.story))


def picture(at: float, story: Story) -> np.ndarray:
    frame = np.full((90, 160, 3), 0 if within(at, story.dark) else 120, np.uint8)
    if within(at, story.flame):
        frame[20:30, 110:120] = (0, 90 + int(at * 5) % 2 * 60, 250)
    frame[0, :4, 0] = np.frombuffer(round(at * 1000).to_bytes(4, "big"), np.uint8)
    return frame


class Truthful:
    """Eyes that know the story; every n-th answer of a head is wrong where ``errs`` says so."""

    version = "truth"

    def __init__(self, story: Story, errs: int = 0) -> None:
        self.thresholds = {"no_hat": 0.5, "no_mask": 0.5, "smoking": 0.5, "flame": 0.5}
        self._story = story
        self._errs = errs
        self._dice = np.random.default_rng(1)

    def detect(self, frame: np.ndarray) -> list[Detection]:
        found = []
        for one in self._there(frame):
            box = PLACES[one.place]
            found.append(Detection("person", box, 0.9))
            found.append(Detection("face", Box(box.x1 + 0.02, box.y1, box.x2 - 0.02, box.y1 + 0.1), 0.9))
        return found

    def judge(self, frame: np.ndarray, kind: str, boxes: Sequence[Box]) -> list[Judgement]:
        at = instant(frame)
        if kind == "flame":
            return [Judgement(kind, self._say(within(at, self._story.flame))) for _ in boxes]
        found = []
        for box in boxes:
            x = (box.x1 + box.x2) / 2
            (who,) = (p for p in self._there(frame) if PLACES[p.place].x1 <= x <= PLACES[p.place].x2)
            found.append(Judgement(kind, self._say(within(at, who.bad.get(kind, ())))))
        return found

    def _there(self, frame: np.ndarray) -> list[Person]:
        return [p for p in self._story.people if within(instant(frame), p.here)]

    def _say(self, bad: bool) -> float:
        if self._errs and self._dice.random() < 1 / self._errs:
            bad = not bad
        return 0.9 if bad else 0.1


def instant(frame: np.ndarray) -> float:
    return int.from_bytes(frame[0, :4, 0].tobytes(), "big") / 1000


def small() -> rules.Rules:
    """The shipped rules for pictures of 90 rows."""
    content = yaml.safe_load(rules.FILE.read_text(encoding="utf8"))
    for rule in content["people"].values():
        rule["crop_px"] = 4
    return rules.Rules(content, "test")


def segment(start: float, end: float, name: str = "") -> Segment:
    path = Path(f"{name}{start:g}_{end:g}.mp4")
    at = START + dt.timedelta(seconds=start)
    sha = hashlib.sha256(path.name.encode()).hexdigest()
    return Segment("c1", path, sha, at, end - start, "h264", 10.0, 2.0, 160, 90)
