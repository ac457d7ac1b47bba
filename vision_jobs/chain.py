"""The chain: recorded files of one camera go in, events with evidence, presence and the state of each file come out.

Belongs here: the order of the steps, and what makes a run idempotent: everything is kept by (hash of
the file, version of the models, version of the rules and zones), so that the same three do nothing again. Each step
itself stands in its own module.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from vision_jobs import events, evidence, facts, results
from vision_jobs import zones as areas
from vision_jobs.events import Episode, Judged, Watched
from vision_jobs.facts import LOST, STILL, Facts
from vision_jobs.footage import MINUTE, Decoder, Footage, Scene, followed
from vision_jobs.model import Event, Eyes, Segment, Zone
from vision_jobs.results import Evidence, Presence, Result
from vision_jobs.rules import CameraRules, Rules
from vision_jobs.watch import Gate, Watcher
from warehouse.errors import CanteenError, Transient

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
        self._watcher = Watcher(eyes, rules, self._zones)
        self._config = rules.version(self._zones)
        given = sorted(camera.segments, key=lambda s: (s.started_at, s.sha256))
        versions = (eyes.version, self._config)
        self._footage = Footage(given, self._watcher, rules, versions, home, decoder, gate)
        content = [
            self._camera,
            [(s.sha256, s.started_at.isoformat()) for s in given],
            eyes.version,
            self._config,
        ]
        self.key = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]

    def result(self) -> Result:
        states, parts = self._footage.first_pass()
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
            segments=tuple(self._footage.with_trouble(states)),
            events=tuple(event for event, _ in found),
            presence=tuple(self._presence(seen)),
            evidence=tuple(one for one in shown if one is not None),
            idle=self._idle(),
        )

    def _scene(self, seen: Facts) -> Scene:
        return followed(seen, self._rules.tracks)

    # Persons

    def _of_persons(self, seen: Scene) -> list[tuple[str, Zone, Episode]]:
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

    def _confirm(self, kind: str, seen: Scene) -> list[Facts]:
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
            looks = self._footage.closer(at - around, at + around, (kind,), persons=True)
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

    def _persons(self, kind: str, seen: Scene) -> Judged:
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

    def _of_flames(self, seen: Scene) -> list[tuple[str, Zone, Episode]]:
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
                    for look in self._footage.closer(start, end, ("flame",), persons=True)
                ]
                episodes, _ = self._unattended(
                    self._scene(facts.refined(seen.facts, looks)), index, attendance
                )
            true = [one for one in episodes if self._flickers(one, index)]
            found += [(_FLAME, stove, one) for one in events.merged(true, self._rules.cool_down_s)]
        return found

    def _unattended(
        self, seen: Scene, index: int, attendance: Zone
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
        looks = self._footage.closer(episode.best - half, episode.best + half, ("flame",), persons=False)
        scores = np.concatenate(
            [np.empty(0), *(look.flame_score[look.flame_zone == index] for look in looks)]
        )
        if not len(scores):
            return False
        shows = (np.nan_to_num(scores, nan=-1.0) >= self._eyes.thresholds["flame"]).mean()
        return bool(shows >= rule.burst_share and max(look.flicker[index] for look in looks) >= rule.flicker)

    # What comes out

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
                segment_sha256=self._footage.segment_at(episode.start),
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
                self._footage.film(best - half, best + half),
                best / 1000,
                self._eyes,
                rule,
                self._home / "evidence",
            )
        except Transient:
            raise
        except CanteenError as error:
            self._footage.failed_at(best, error)
            return None

    def _presence(self, scene: Scene) -> list[Presence]:
        seen = scene.facts
        minutes, first = np.unique(seen.sample_at // MINUTE, return_index=True)
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
                    minute_at=_instant(int(minute) * MINUTE),
                    persons=int(high) if some else None,
                    activity=round(int(active) / int(some), 4) if some else None,
                    segment_sha256=self._footage.segment_at(int(start)),
                )
                for minute, high, active, some, start in zip(
                    minutes, most, busy, judged, seen.sample_at[first], strict=True
                )
            ]
        return found

    def _idle(self) -> tuple[str, ...]:
        return (*self._watcher.idle, *(() if "flame" in self._eyes.thresholds else (_FLAME,)))


def _instant(at: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at // 1000, dt.UTC) + dt.timedelta(milliseconds=at % 1000)
