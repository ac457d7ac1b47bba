"""The chain: recorded files of one camera go in, events with evidence, presence and the state of each file come out.

Belongs here: the order of the steps, the two passes, and what makes a run idempotent: everything is kept by (hash of
the file, version of the models, version of the rules and zones), so that the same three do nothing again. Each step
itself stands in its own module.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from vision_jobs import events, evidence, facts, results, tracks
from vision_jobs import zones as areas
from vision_jobs.events import Episode, Judged, Watched
from vision_jobs.facts import LOOKED, LOST, STILL, Facts
from vision_jobs.model import Event, Eyes, Sample, Segment, Zone
from vision_jobs.results import Evidence, Presence, Result, SegmentState
from vision_jobs.rules import CameraRules, Rules
from vision_jobs.watch import Gate, Watcher
from warehouse.errors import CanteenError, Refused, Transient

_MINUTE: Final = 60_000
_FLAME: Final = "flame_unattended"


@dataclass(frozen=True, slots=True)
class Camera:
    """The work of one camera, usually of one day.

    Attributes:
        camera_id: The camera.
        segments: Recorded files; their order does not matter.
        zones: Zones that hold on that day.
    """

    camera_id: str
    segments: tuple[Segment, ...]
    zones: tuple[Zone, ...]


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


def run(
    camera: Camera, eyes: Eyes, rules: Rules, home: Path, *, decoder: Decoder, gate: Callable[[], Gate]
) -> Result:
    """Judge the films of one camera.

    Args:
        camera: Its files and zones.
        eyes: The models.
        rules: The rules of all cameras.
        home: Data home: evidence goes to ``evidence``, what can be made again to ``scratch/vision``.
        decoder: Where samples come from.
        gate: Makes the motion gate of one file.

    Returns:
        The result. A file that cannot be decoded is in it as quarantined, with the reason, and the others count.

    Raises:
        Transient: Something outside failed (a full disk); the same run later may work.
    """
    work = _Work(camera, eyes, rules.of(camera.camera_id), home, decoder, gate)
    kept = home / "scratch" / "vision" / "results" / f"{work.key}.json"
    if kept.exists():
        return results.loads(kept.read_text(encoding="utf8"))
    result = work.result()
    facts.write(kept, results.dumps(result).encode())
    return result


@dataclass(frozen=True, slots=True)
class _Scene:
    """Facts, and the track of each person: -1 for one that was seen too seldom to be more than noise."""

    facts: Facts
    who: np.ndarray


class _Work:
    """One run over one camera."""

    def __init__(
        self,
        camera: Camera,
        eyes: Eyes,
        rules: CameraRules,
        home: Path,
        decoder: Decoder,
        gate: Callable[[], Gate],
    ) -> None:
        self._camera = camera.camera_id
        self._zones = sorted(camera.zones, key=lambda zone: zone.zone_id)
        self._eyes = eyes
        self._rules = rules
        self._home = home
        self._decoder = decoder
        self._gate = gate
        self._watcher = Watcher(eyes, rules, self._zones)
        self._config = rules.version(self._zones)
        self._given = sorted(camera.segments, key=lambda s: (s.started_at, s.sha256))
        self._judged: list[tuple[Segment, int, int]] = []
        self._trouble: dict[str, str] = {}
        content = [
            self._camera,
            [(s.sha256, s.started_at.isoformat()) for s in self._given],
            eyes.version,
            self._config,
        ]
        self.key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]

    def result(self) -> Result:
        states, parts = self._first_pass()
        if not parts:
            return Result(self._camera, tuple(states), (), (), (), self._idle())
        seen = self._scene(facts.in_turn(parts))
        episodes = self._of_persons(seen) + self._of_flames(seen)
        found = sorted(
            (self._event(kind, zone, episode) for kind, zone, episode in episodes),
            key=lambda one: (one[0].started_at, one[0].kind, one[0].zone_id or ""),
        )
        shown = [self._evidence(event, best) for event, best in found]
        return Result(
            camera_id=self._camera,
            segments=tuple(self._with_trouble(states)),
            events=tuple(event for event, _ in found),
            presence=tuple(self._presence(seen)),
            evidence=tuple(one for one in shown if one is not None),
            idle=self._idle(),
        )

    # First pass

    def _first_pass(self) -> tuple[list[SegmentState], list[Facts]]:
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

    # Second pass

    def _closer(self, start: int, end: int, kinds: Sequence[str], *, persons: bool) -> list[Facts]:
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

    def _film(self, start: int, end: int) -> Iterator[Sample]:
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

    # Persons

    def _of_persons(self, seen: _Scene) -> list[tuple[str, Zone, Episode]]:
        found: list[tuple[str, Zone, Episode]] = []
        for kind in self._watcher.kinds:
            rule, threshold = self._rules.people[kind], self._eyes.thresholds[kind]
            bursts = self._confirm(kind, seen) if rule.burst else []
            full = self._scene(facts.refined(seen.facts, bursts)) if bursts else seen
            zones = self._zones_of(kind)
            episodes = events.person_episodes(
                self._persons(kind, full), rule, threshold, self._rules.sampling.gap_s
            )
            found += [
                (kind, zones[one.zone], one) for one in events.merged(episodes, self._rules.cool_down_s)
            ]
        return found

    def _confirm(self, kind: str, seen: _Scene) -> list[Facts]:
        """Closer looks around the candidates of a kind: none within a cool-down, and ever later after each that did not
        confirm, so that a head that errs costs little."""
        rule, threshold = self._rules.people[kind], self._eyes.thresholds[kind]
        around = round(self._rules.burst.around_s * 1000)
        bursts: list[Facts] = []
        rest: dict[int, float] = {}
        vain: dict[int, int] = {}
        for at, _, zone in events.candidates(
            self._persons(kind, seen), threshold, self._rules.burst.around_s
        ):
            if at < rest.get(zone, -np.inf):
                continue
            looks = self._closer(at - around, at + around, (kind,), persons=True)
            bursts += looks
            near = self._scene(facts.refined(seen.facts.within(at - around, at + around), looks))
            confirmed = events.person_episodes(
                self._persons(kind, near), rule, threshold, self._rules.sampling.gap_s
            )
            vain[zone] = 0 if confirmed else vain.get(zone, 0) + 1
            again = self._rules.burst.again_s * 2 ** (vain[zone] - 1)
            rest[zone] = at + 1000 * (
                self._rules.cool_down_s if confirmed else min(again, self._rules.cool_down_s)
            )
        return bursts

    def _persons(self, kind: str, seen: _Scene) -> Judged:
        zone = areas.innermost(seen.facts.person_box, self._zones_of(kind))
        return Judged(
            at=seen.facts.person_at,
            track=seen.who,
            score=seen.facts.person_score[:, self._watcher.kinds.index(kind)],
            zone=np.where(seen.who >= 0, zone, -1),
            box=seen.facts.person_box,
        )

    def _zones_of(self, kind: str) -> list[Zone]:
        return [zone for zone in self._zones if zone.kind in self._rules.people[kind].zones]

    # Flames

    def _of_flames(self, seen: _Scene) -> list[tuple[str, Zone, Episode]]:
        if "flame" not in self._eyes.thresholds:
            return []
        found: list[tuple[str, Zone, Episode]] = []
        for index, stove in enumerate(self._watcher.stoves):
            attendance = areas.attendance(stove, self._zones)
            if attendance is None:
                continue
            episodes, doubts = self._unattended(seen, index, attendance)
            if doubts:
                spans = np.concatenate([doubt.spans for doubt in doubts])
                looks = [
                    look
                    for start, end in spans.tolist()
                    for look in self._closer(start, end, ("flame",), persons=True)
                ]
                episodes, _ = self._unattended(
                    self._scene(facts.refined(seen.facts, looks)), index, attendance
                )
            true = [one for one in episodes if self._flickers(one, index)]
            found += [(_FLAME, stove, one) for one in events.merged(true, self._rules.cool_down_s)]
        return found

    def _unattended(
        self, seen: _Scene, index: int, attendance: Zone
    ) -> tuple[list[Episode], list[events.Doubt]]:
        found = seen.facts
        known = found.sample_state != LOST
        at = found.sample_at[known]
        flame = np.where(found.sample_state[known] == STILL, 0.0, np.nan)
        rows = found.flame_zone == index
        flame[np.searchsorted(at, found.flame_at[rows])] = found.flame_score[rows]
        there = areas.inside(areas.feet(found.person_box), attendance) & (seen.who >= 0)
        present = events.present(at, found.person_at[there], seen.who[there], self._rules.tracks.gap_s)
        return events.unattended(
            Watched(at, flame, present),
            self._rules.flame_unattended,
            self._eyes.thresholds["flame"],
            self._rules.sampling.gap_s,
        )

    def _flickers(self, episode: Episode, index: int) -> bool:
        """Whether pictures close to each other confirm a flame: most show it, and it moves as lamps and pots do not."""
        rule = self._rules.flame_unattended
        half = round(self._rules.burst.around_s * 500)
        looks = self._closer(episode.best - half, episode.best + half, ("flame",), persons=False)
        scores = np.concatenate(
            [np.empty(0), *(look.flame_score[look.flame_zone == index] for look in looks)]
        )
        if not len(scores):
            return False
        shows = (np.nan_to_num(scores, nan=-1.0) >= self._eyes.thresholds["flame"]).mean()
        return bool(shows >= rule.burst_share and max(look.flicker[index] for look in looks) >= rule.flicker)

    # What comes out

    def _scene(self, seen: Facts) -> _Scene:
        rule = self._rules.tracks
        found = tracks.follow(seen.person_at, seen.person_box, rule)
        often = np.bincount(found, minlength=1) >= rule.samples
        return _Scene(seen, np.where(often[found], found, -1))

    def _event(self, kind: str, zone: Zone, episode: Episode) -> tuple[Event, int]:
        started = _instant(episode.start)
        key = [self._camera, kind, zone.zone_id, started.isoformat(), self._eyes.version, self._config]
        return (
            Event(
                event_id=hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32],
                camera_id=self._camera,
                zone_id=zone.zone_id,
                kind=kind,
                started_at=started,
                ended_at=_instant(episode.end),
                samples=len(episode.scores),
                positive=episode.positive,
                score=round(float(np.median(episode.scores)), 4),
                box=areas.around(zone) if kind == _FLAME else episode.box,
                segment_sha256=self._segment_at(episode.start),
                model_version=self._eyes.version,
                config_version=self._config,
            ),
            episode.best,
        )

    def _evidence(self, event: Event, best: int) -> Evidence | None:
        rule = self._rules.evidence
        half = round(rule.clip_s * 500)
        try:
            return evidence.make(
                event,
                self._film(best - half, best + half),
                best / 1000,
                self._eyes,
                rule,
                self._home / "evidence",
            )
        except Transient:
            raise
        except CanteenError as error:
            self._trouble[self._segment_at(best)] = str(error)
            return None

    def _presence(self, scene: _Scene) -> list[Presence]:
        seen = scene.facts
        minutes, first = np.unique(seen.sample_at // _MINUTE, return_index=True)
        known = seen.sample_state != LOST
        judged = np.add.reduceat(known, first)
        real = scene.who >= 0
        place = np.searchsorted(seen.sample_at, seen.person_at[real])
        standing = areas.standing(seen.person_box[real], self._zones)
        found: list[Presence] = []
        for column, zone in enumerate(self._zones):
            count = np.bincount(place[standing[:, column]], minlength=len(known))
            most = np.maximum.reduceat(count, first)
            busy = np.add.reduceat(count > 0, first)
            found += [
                Presence(
                    camera_id=self._camera,
                    zone_id=zone.zone_id,
                    minute_at=_instant(int(minute) * _MINUTE),
                    persons=int(high) if some else None,
                    activity=round(int(active) / int(some), 4) if some else None,
                    segment_sha256=self._segment_at(int(start)),
                )
                for minute, high, active, some, start in zip(
                    minutes, most, busy, judged, seen.sample_at[first], strict=True
                )
            ]
        return found

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
            model_version=self._eyes.version,
            config_version=self._config,
        )

    def _person_minutes(self, part: Facts) -> int:
        return len(np.unique(part.person_at[self._scene(part).who >= 0] // _MINUTE))

    def _with_trouble(self, states: Sequence[SegmentState]) -> Iterator[SegmentState]:
        """States, with what the second pass could not decode as message."""
        for state in states:
            message = self._trouble.get(state.sha256) if state.state == "judged" else None
            yield replace(state, message=message) if message else state

    def _idle(self) -> tuple[str, ...]:
        return (*self._watcher.idle, *(() if "flame" in self._eyes.thresholds else (_FLAME,)))

    def _segment_at(self, at: int) -> str:
        return next(
            (s.sha256 for s, start, end in self._judged if start <= at <= end), self._judged[0][0].sha256
        )

    def _cached(self, segment: Segment, name: str, make: Callable[[], Facts]) -> Facts:
        sha = segment.sha256
        folder = self._home / "scratch" / "vision" / "facts" / sha[:2]
        path = folder / f"{sha}-{self._eyes.version[:16]}-{self._config}-{name}.npz"
        if path.exists():
            return facts.load(path)
        found = make()
        facts.save(found, path)
        return found


def _milliseconds(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)


def _instant(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at // 1000, dt.UTC) + dt.timedelta(milliseconds=at % 1000)
