"""Footage: the recorded files of one camera, watched once whole and again where something must be seen closer.

Belongs here: decoding and watching files, what of it is kept by hash, and the state of each file. Does not belong here:
what is a violation (``chain``, ``events``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from vision_jobs import facts, results, tracks
from vision_jobs.facts import LOOKED, Facts
from vision_jobs.model import Sample, Segment
from vision_jobs.results import SegmentState
from vision_jobs.rules import CameraRules, Tracking
from vision_jobs.watch import Gate, Watcher
from warehouse.errors import CanteenError, Refused, Transient

MINUTE: Final = 60_000


class Decoder(Protocol):
    """Where samples of a file come from."""

    def keyframes(self, path: Path, *, height: int = 720, every_s: float = 2.0) -> Iterator[Sample]:
        """The first pass."""
        ...

    def window(
        self, path: Path, start_s: float, end_s: float, *, fps: float = 5.0, height: int = 720
    ) -> Iterator[Sample]:
        """The second pass."""
        ...


@dataclass(frozen=True, slots=True)
class Scene:
    """Facts, and the track of each person: -1 for one that was seen too seldom to be more than noise."""

    facts: Facts
    who: np.ndarray


def followed(seen: Facts, rule: Tracking) -> Scene:
    """Follow the persons of the facts."""
    found = tracks.follow(seen.person_at, seen.person_box, rule)
    often = np.bincount(found, minlength=1) >= rule.samples
    return Scene(seen, np.where(often[found], found, -1))


class Footage:
    """The files of one camera as one clock of milliseconds since the epoch."""

    def __init__(
        self,
        segments: Sequence[Segment],
        watcher: Watcher,
        rules: CameraRules,
        versions: tuple[str, str],
        home: Path,
        decoder: Decoder,
        gate: Callable[[], Gate],
    ) -> None:
        self._given = segments
        self._watcher = watcher
        self._rules = rules
        self._models, self._config = versions
        self._home = home
        self._decoder = decoder
        self._gate = gate
        self._judged: list[tuple[Segment, int, int]] = []
        self._trouble: dict[str, str] = {}

    def first_pass(self) -> tuple[list[SegmentState], list[Facts]]:
        """Watch every file once: the state of each, and the facts of those that can be judged."""
        states: list[SegmentState] = []
        parts: list[Facts] = []
        taken: set[str] = set()
        for segment in self._given:
            if segment.sha256 in taken:
                states.append(self._state(segment, "duplicate", "duplicate", "the same bytes came before"))
                continue
            taken.add(segment.sha256)
            try:
                part = self._cached(segment, "all", lambda s=segment: self._watched(s))  # type: ignore[misc]
            except Transient:
                raise
            except CanteenError as error:
                reason = error.code if isinstance(error, Refused) else "unreadable"
                states.append(self._state(segment, "quarantined", reason, str(error)))
                continue
            if not len(part.sample_at):
                states.append(
                    self._state(segment, "quarantined", "unreadable", "no picture could be decoded")
                )
                continue
            start = _milliseconds(segment.started_at)
            part = part.shifted(start)
            self._judged.append((segment, start, int(part.sample_at.max(initial=start))))
            parts.append(part)
            states.append(self._state(segment, "judged", None, None, part))
        return states, parts

    def _watched(self, segment: Segment) -> Facts:
        samples = self._decoder.keyframes(segment.path, every_s=self._rules.sampling.every_s)
        return self._watcher.watch(samples, self._gate())

    def closer(self, start: int, end: int, kinds: Sequence[str], *, persons: bool) -> list[Facts]:
        """Facts of a stretch at the second pass's rate, from every file that holds some of it."""
        found: list[Facts] = []
        for segment, began, low, high in self._parts(start, end):
            name = f"{low}-{high}-{'+'.join(kinds)}{'-persons' if persons else ''}"
            try:
                part = self._cached(
                    segment,
                    name,
                    lambda s=segment, a=low, b=high: self._watcher.look_closer(  # type: ignore[misc]
                        self._window(s, a, b, self._rules.burst.fps), kinds, persons=persons
                    ),
                )
            except Transient:
                raise
            except CanteenError as error:
                self._trouble[segment.sha256] = str(error)
                continue
            found.append(part.shifted(began))
        return found

    def film(self, start: int, end: int) -> Iterator[Sample]:
        """Samples of a stretch for evidence, on the clock of the epoch, no instant twice."""
        covered = -np.inf
        for segment, began, low, high in self._parts(start, end):
            for sample in self._window(segment, low, high, self._rules.evidence.fps):
                at = began / 1000 + sample.at
                if at > covered:
                    covered = at
                    yield Sample(at, sample.frame)

    def _parts(self, start: int, end: int) -> Iterator[tuple[Segment, int, int, int]]:
        """Files that hold some of a stretch: file, its start, and from when to when in it, in milliseconds."""
        for segment, began, last in self._judged:
            length = max(round(segment.duration_s * 1000), last - began)
            low, high = max(start - began, 0), min(end - began, length)
            if low <= high:
                yield segment, began, low, high

    def _window(self, segment: Segment, low: int, high: int, fps: float) -> Iterator[Sample]:
        if segment.duration_s == 0:  # a snapshot
            return self._decoder.keyframes(segment.path)
        return self._decoder.window(segment.path, low / 1000, high / 1000, fps=fps)

    def with_trouble(self, states: Sequence[SegmentState]) -> Iterator[SegmentState]:
        """States, with what the second pass could not decode as message."""
        for state in states:
            message = self._trouble.get(state.sha256) if state.state == "judged" else None
            yield replace(state, message=message) if message else state

    def segment_at(self, at: int) -> str:
        """Hash of the file that holds an instant."""
        return next(
            (s.sha256 for s, start, end in self._judged if start <= at <= end), self._judged[0][0].sha256
        )

    def failed_at(self, at: int, error: CanteenError) -> None:
        """Note that the file of an instant could not be decoded again."""
        self._trouble[self.segment_at(at)] = str(error)

    def _state(
        self,
        segment: Segment,
        state: results.State,
        reason: str | None,
        message: str | None,
        part: Facts | None = None,
    ) -> SegmentState:
        return SegmentState(
            sha256=segment.sha256,
            state=state,
            reason=reason,
            message=message,
            samples=0 if part is None else len(part.sample_at),
            looked=0 if part is None else int((part.sample_state == LOOKED).sum()),
            person_minutes=0 if part is None else self._person_minutes(part),
            model_version=self._models,
            config_version=self._config,
        )

    def _person_minutes(self, part: Facts) -> int:
        return len(np.unique(part.person_at[followed(part, self._rules.tracks).who >= 0] // MINUTE))

    def _cached(self, segment: Segment, name: str, make: Callable[[], Facts]) -> Facts:
        sha = segment.sha256
        folder = self._home / "scratch" / "vision" / "facts" / sha[:2]
        path = folder / f"{sha}-{self._models[:16]}-{self._config}-{name}.npz"
        if path.exists():
            return facts.load(path)
        found = make()
        facts.save(found, path)
        return found


def _milliseconds(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)
