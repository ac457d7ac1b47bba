"""Event rules: from time-stamped judgements to episodes.

Belongs here: pure functions over columns of samples. They know three values (violation, fine, unknown), count in
seconds and never in frames, and give the same answer whatever the order of the rows, however often a row comes and
wherever a film was cut into files. No file, no model, no picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from vision_jobs.model import Box
from vision_jobs.rules import FlameRule, PersonRule


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule reads of persons: columns of equal length, one row per person and sample.

    Attributes:
        at: Instant, milliseconds.
        track: Number of the person's track.
        score: Of the violation; NaN where it could not be judged (unknown).
        zone: Index of the zone of the rule in which the person stands, -1 for none.
        box: x1, y1, x2, y2, (n, 4).
    """

    at: np.ndarray
    track: np.ndarray
    score: np.ndarray
    zone: np.ndarray
    box: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """A stretch of violation.

    Attributes:
        zone: Index of the zone, -1 for none.
        start: First violating sample, milliseconds.
        end: Last violating sample.
        best: Sample with the highest score.
        box: Of the person at that sample, None where the rule judges no person.
        scores: Of the judged samples between start and end.
        positive: How many of them violate.
    """

    zone: int
    start: int
    end: int
    best: int
    box: Box | None
    scores: np.ndarray
    positive: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What the flame rule reads of one stove: columns of equal length, one row per sample that says something.

    Attributes:
        at: Instant, milliseconds.
        flame: Score of a flame in the zone; NaN where it could not be judged.
        present: Whether somebody stands in the attendance zone.
    """

    at: np.ndarray
    flame: np.ndarray
    present: np.ndarray


@dataclass(frozen=True, slots=True)
class Doubt:
    """An absence that may have lasted long enough: between which samples somebody came or went.

    Attributes:
        spans: (n, 2) milliseconds; a closer look at them decides.
    """

    spans: np.ndarray


def person_episodes(judged: Judged, rule: PersonRule, threshold: float, gap_s: float) -> list[Episode]:
    """Episodes of a rule that is judged on tracks.

    Args:
        judged: Samples of one camera.
        rule: The rule.
        threshold: Score from which a sample violates.
        gap_s: Somebody who is not seen in the zones for longer begins a new stay.

    Returns:
        Episodes by track and start. A person's episodes never overlap.
    """
    order = np.lexsort((judged.zone, judged.score, judged.at, judged.track))  # unknown last
    order = order[judged.zone[order] >= 0]
    at, track = judged.at[order], judged.track[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(at) != 0) | (np.diff(track) != 0)
    order = order[first]
    starts = np.flatnonzero(np.diff(judged.track[order], prepend=np.nan) != 0)
    found: list[Episode] = []
    for rows in np.split(order, starts[1:]) if len(order) else []:
        one = Judged(*(getattr(judged, name)[rows] for name in ("at", "track", "score", "zone", "box")))
        found += _of_track(one, rule, threshold, gap_s)
    return found


def candidates(judged: Judged, threshold: float, gap_s: float) -> list[tuple[int, int, int]]:
    """Where a second look may confirm a violation: (instant, track, zone) of each violating sample next to another.

    A single violating keyframe is noise; two of a track within ``gap_s`` are worth the decoding.
    """
    rows = np.flatnonzero((judged.zone >= 0) & (np.nan_to_num(judged.score, nan=-1.0) >= threshold))
    rows = rows[np.lexsort((judged.at[rows], judged.track[rows]))]
    at, track = judged.at[rows], judged.track[rows]
    near = (np.diff(track) == 0) & (np.diff(at) > 0) & (np.diff(at) <= gap_s * 1000)
    chosen = rows[1:][near]
    return sorted((int(judged.at[i]), int(judged.track[i]), int(judged.zone[i])) for i in chosen)


def merged(episodes: Iterable[Episode], cool_down_s: float) -> list[Episode]:
    """One episode per zone and cool-down: what begins sooner after the end of another belongs to it."""
    found: list[Episode] = []
    for episode in sorted(episodes, key=lambda e: (e.zone, e.start, e.end, e.best)):
        before = found[-1] if found else None
        if before is None or before.zone != episode.zone or episode.start - before.end >= cool_down_s * 1000:
            found.append(episode)
            continue
        better = _highest(episode) > _highest(before)
        found[-1] = replace(
            before,
            end=max(before.end, episode.end),
            best=episode.best if better else before.best,
            box=episode.box if better else before.box,
            scores=np.concatenate([before.scores, episode.scores]),
            positive=before.positive + episode.positive,
        )
    return sorted(found, key=lambda e: (e.start, e.zone))


def unattended(
    watched: Watched, rule: FlameRule, threshold: float, gap_s: float
) -> tuple[list[Episode], list[Doubt]]:
    """Flames that nobody attended for ``absent_s``, and absences that a closer look must decide.

    Only time between two samples that both show a flame and nobody is counted, so an absence is never longer than
    what was seen; a silence of the camera beyond ``gap_s`` stops the clock without setting it back.

    Args:
        watched: Samples of one stove.
        rule: The rule.
        threshold: Score from which a sample shows a flame.
        gap_s: A longer silence of the camera is unknown.
    """
    at, flame, present = _instants(watched)
    if len(at) < 2:
        return [], []
    on = burning(at, flame, rule, threshold)
    pauses = np.diff(at)
    seen = pauses <= gap_s * 1000
    off = ~on & ~np.isnan(flame)
    anew = _long(at, present, seen, rule.present_s) | _long(at, off, seen, rule.off_s)
    begins = anew & ~np.append(False, anew[:-1])
    begins[1:] |= pauses > rule.forget_s * 1000
    spell = np.cumsum(begins)
    alone = on & ~present
    both = alone[:-1] & alone[1:] & seen
    edge = (alone[:-1] ^ alone[1:]) & seen
    proven = np.bincount(spell[:-1], np.where(both, pauses, 0), minlength=spell[-1] + 1)
    possible = np.bincount(spell[:-1], np.where(both | edge, pauses, 0), minlength=spell[-1] + 1)
    wanted = rule.absent_s * 1000
    episodes = [
        _flame_episode(at, flame, np.flatnonzero((spell == one) & alone), threshold)
        for one in np.flatnonzero(proven >= wanted)
    ]
    doubts = [
        Doubt(np.stack([at[:-1][rows], at[1:][rows]], axis=1))
        for one in np.flatnonzero((proven < wanted) & (possible >= wanted))
        for rows in [np.flatnonzero(edge & (spell[:-1] == one))]
    ]
    return episodes, doubts


def burning(at: np.ndarray, flame: np.ndarray, rule: FlameRule, threshold: float) -> np.ndarray:
    """At which samples a flame is on: within some run of ``of`` judged samples, ``positives`` of which show it."""
    on = np.zeros(len(at), dtype=bool)
    rows = np.flatnonzero(~np.isnan(flame))
    if len(rows) < rule.of:
        return on
    shows = flame[rows] >= threshold
    windows = np.lib.stride_tricks.sliding_window_view(shows, rule.of)
    times = at[rows]
    enough = (windows.sum(axis=1) >= rule.positives) & (
        times[rule.of - 1 :] - times[: len(windows)] <= rule.window_s * 1000
    )
    start = np.flatnonzero(enough)
    low = rows[start + windows[start].argmax(axis=1)]
    high = rows[start + rule.of - 1 - windows[start][:, ::-1].argmax(axis=1)]
    change = np.zeros(len(at) + 1, dtype=int)
    np.add.at(change, low, 1)
    np.add.at(change, high + 1, -1)
    return np.cumsum(change)[:-1] > 0


def present(at: np.ndarray, seen_at: np.ndarray, track: np.ndarray, gap_s: float) -> np.ndarray:
    """At which samples somebody is there, where a track is not lost between two sightings close to each other.

    Args:
        at: Instants of the samples, milliseconds, ascending.
        seen_at: Instants at which somebody was seen there.
        track: Who.
        gap_s: Two sightings of a track no further apart hold for the time between them.
    """
    order = np.lexsort((seen_at, track))
    times, who = seen_at[order], track[order]
    start, end = times, times.copy()
    joined = (np.diff(who) == 0) & (np.diff(times) <= gap_s * 1000)
    end[:-1][joined] = times[1:][joined]
    change = np.zeros(len(at) + 1, dtype=int)
    np.add.at(change, np.searchsorted(at, start, "left"), 1)
    np.add.at(change, np.searchsorted(at, end, "right"), -1)
    return np.cumsum(change)[:-1] > 0


def _of_track(one: Judged, rule: PersonRule, threshold: float, gap_s: float) -> list[Episode]:
    at, score, zone, box = one.at, one.score, one.zone, one.box
    stay = np.maximum.accumulate(np.where(np.diff(at, prepend=-np.inf) > gap_s * 1000, np.arange(len(at)), 0))
    dwell = at - at[stay]
    rows = np.flatnonzero(~np.isnan(score))
    if len(rows) < rule.samples:
        return []
    at, score, zone, box, dwell = at[rows], score[rows], zone[rows], box[rows], dwell[rows]
    violates = score >= threshold
    low = np.searchsorted(at, at - rule.window_s * 1000, "right")
    total = np.concatenate([[0], np.cumsum(violates)])
    judged = np.arange(1, len(at) + 1) - low
    positive = total[1:] - total[low]
    share = positive / judged
    opens = (
        violates
        & (judged >= rule.samples)
        & (positive >= rule.positives)
        & (share >= rule.share)
        & (dwell >= rule.dwell_s * 1000)
    )
    silent = np.diff(at, prepend=at[0]) > rule.close_s * 1000
    closes = (share < rule.close_share) | silent
    state = _latched(opens, closes & ~opens)
    begins = state & (silent | ~np.append(False, state[:-1]))
    ends = np.flatnonzero(state & np.append(begins[1:] | ~state[1:], True))
    found: list[Episode] = []
    free = 0
    for opened, closed in zip(np.flatnonzero(begins), ends, strict=True):
        members = np.arange(max(low[opened], free), closed + 1)
        members = members[np.flatnonzero(violates[members])[0] : np.flatnonzero(violates[members])[-1] + 1]
        free = int(members[-1]) + 1
        best = members[score[members].argmax()]
        zones, times = np.unique(zone[members[violates[members]]], return_counts=True)
        found.append(
            Episode(
                zone=int(zones[times.argmax()]),
                start=int(at[members[0]]),
                end=int(at[members[-1]]),
                best=int(at[best]),
                box=Box(*box[best].tolist()),
                scores=score[members],
                positive=int(violates[members].sum()),
            )
        )
    return found


def _latched(opens: np.ndarray, closes: np.ndarray) -> np.ndarray:
    """State of a latch that the last of ``opens`` and ``closes`` has set."""
    i = np.arange(len(opens))
    opened = np.maximum.accumulate(np.where(opens, i, -1))
    closed = np.maximum.accumulate(np.where(closes, i, -1))
    result: np.ndarray = opened > closed
    return result


def _long(at: np.ndarray, true: np.ndarray, seen: np.ndarray, least_s: float) -> np.ndarray:
    """Samples of unbroken runs of ``true`` that last at least ``least_s``; a silence of the camera breaks a run."""
    breaks = np.append(True, (true[1:] != true[:-1]) | ~seen)
    starts = np.flatnonzero(breaks)
    ends = np.append(starts[1:], len(at)) - 1
    long = true[starts] & (at[ends] - at[starts] >= least_s * 1000)
    result: np.ndarray = np.repeat(long, ends - starts + 1)
    return result


def _instants(watched: Watched) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns by instant, each once: a flame or a person that any row of an instant shows is there."""
    order = np.argsort(watched.at, kind="stable")
    at = watched.at[order]
    starts = np.flatnonzero(np.diff(at, prepend=at[:1] - 1))
    if not len(starts):
        return at, watched.flame, watched.present
    return (
        at[starts],
        np.fmax.reduceat(watched.flame[order], starts),
        np.logical_or.reduceat(watched.present[order], starts),
    )


def _flame_episode(at: np.ndarray, flame: np.ndarray, alone: np.ndarray, threshold: float) -> Episode:
    span = np.arange(alone[0], alone[-1] + 1)
    rows = span[~np.isnan(flame[span])]
    return Episode(
        zone=-1,
        start=int(at[span[0]]),
        end=int(at[span[-1]]),
        best=int(at[alone[len(alone) // 2]]),
        box=None,
        scores=flame[rows],
        positive=int((flame[rows] >= threshold).sum()),
    )


def _highest(episode: Episode) -> float:
    return float(np.max(episode.scores))
