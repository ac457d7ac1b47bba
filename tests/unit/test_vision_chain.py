"""The chain on films in memory: cut anywhere, twice, in any order; two passes; files that cannot be decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from kitchen_story import START, ZONES, Films, Person, Story, Truthful, segment, small

from vision_jobs import chain, jobs
from vision_jobs.chain import Camera
from vision_jobs.gate import Gate
from vision_jobs.model import Event, Sample, Segment
from vision_jobs.results import Result, dumps, loads


def run(story: Story, home: Path, *cuts: float, errs: int = 0, extra: Sequence[Segment] = ()) -> Result:
    edges = [0.0, *cuts, story.length_s]
    segments = [segment(a, b) for a, b in pairwise(edges)]
    camera = Camera("c1", (*segments[::-1], *extra), ZONES)
    return chain.run(camera, Truthful(story, errs), small(), home, decoder=Films(story), gate=Gate)


def seconds(event: Event) -> tuple[str, float, float]:
    return (event.kind, *((at - START).total_seconds() for at in (event.started_at, event.ended_at)))


COOKS = Story(
    900,
    people=(
        Person("cut", [(20, 400)], {"no_hat": [(60, 140)], "no_mask": [(200, 300)], "smoking": [(340, 380)]}),
        Person("near", [(10, 420), (600, 880)]),
    ),
    flame=[(30, 860)],
)
"""A hat off, a mask off, a cigarette; a flame left alone from 420 s to 600 s."""


@pytest.mark.requirement("S0-97")
def test_a_morning_in_a_kitchen(tmp_path: Path) -> None:
    result = run(COOKS, tmp_path)
    assert [seconds(event) for event in result.events] == [
        ("no_hat", 60, 138),
        ("no_mask", 200, 298),
        ("smoking", 340, pytest.approx(379, abs=1)),
        ("flame_unattended", 420, 598),
    ]
    assert [event.zone_id for event in result.events] == ["cut", "cut", "cut", "hob"]
    assert {one.event_id for one in result.evidence} == {event.event_id for event in result.events}
    assert result.idle == ("no_work_clothes",)
    (state,) = result.segments
    assert (state.state, state.samples) == ("judged", 450)
    assert loads(dumps(result)) == result


def test_presence_by_zone_and_minute_and_unknown_minutes(tmp_path: Path) -> None:
    story = Story(300, people=(Person("cut", [(0, 59)]),), dark=[(120, 180)], gaps=[(180, 245)])
    found = {(p.zone_id, p.minute_at.minute): p.persons for p in run(story, tmp_path).presence}
    assert [found.get(("cut", minute), "no row") for minute in range(5)] == [1, 0, None, "no row", 0]
    assert found["near", 0] == 0


@pytest.mark.parametrize("cuts", [(100,), (345, 350, 500), (60.0, 430.0, 599.0)])
def test_it_does_not_matter_where_a_film_is_cut_into_files(cuts: tuple[float, ...], tmp_path: Path) -> None:
    whole, parts = run(COOKS, tmp_path / "a"), run(COOKS, tmp_path / "b", *cuts)
    assert [seconds(e) for e in whole.events] == [seconds(e) for e in parts.events]
    assert [(e.event_id, e.samples, e.positive) for e in whole.events] == [
        (e.event_id, e.samples, e.positive) for e in parts.events
    ]
    assert [(p.zone_id, p.minute_at, p.persons) for p in whole.presence] == [
        (p.zone_id, p.minute_at, p.persons) for p in parts.presence
    ]


def test_duplicate_and_overlapping_files_count_once(tmp_path: Path) -> None:
    once = run(COOKS, tmp_path / "a", 300)
    again = run(COOKS, tmp_path / "b", 300, extra=[segment(0, 300), segment(200, 500)])
    assert [(e.event_id, e.samples) for e in once.events] == [(e.event_id, e.samples) for e in again.events]
    assert sorted(s.state for s in again.segments) == ["duplicate", "judged", "judged", "judged"]


def test_a_broken_file_is_quarantined_and_the_others_count(tmp_path: Path) -> None:
    result = run(COOKS, tmp_path, 300, extra=[segment(900, 960, "broken")])
    assert [(s.state, s.reason) for s in result.segments] == [("judged", None)] * 2 + [
        ("quarantined", "truncated")
    ]
    assert len(result.events) == 4


def test_nothing_is_done_again_for_the_same_file_models_and_rules(tmp_path: Path) -> None:
    films = Films(COOKS)
    camera = Camera("c1", (segment(0, 450),), ZONES)
    first = chain.run(camera, Truthful(COOKS), small(), tmp_path, decoder=films, gate=Gate)
    decoded = films.frames
    assert chain.run(camera, Truthful(COOKS), small(), tmp_path, decoder=films, gate=Gate) == first
    assert films.frames == decoded
    more = Camera("c1", (segment(0, 450), segment(450, 500)), ZONES)
    chain.run(more, Truthful(COOKS), small(), tmp_path, decoder=films, gate=Gate)
    assert films.frames - decoded < 25 + 4 * 52, "keyframes of the new file, and clips of evidence"
    other = Truthful(COOKS)
    other.version = "other"
    result = chain.run(camera, other, small(), tmp_path, decoder=films, gate=Gate)
    assert {e.model_version for e in result.events} == {"other"}
    assert not {e.event_id for e in result.events} & {e.event_id for e in first.events}


@pytest.mark.parametrize(("absent_s", "count"), [(119, 0), (121, 1)])
@pytest.mark.parametrize("left", [100.3, 101.7])
def test_an_absence_of_119_or_121_seconds_is_decided_by_a_closer_look(
    absent_s: int, count: int, left: float, tmp_path: Path
) -> None:
    back = left + absent_s
    story = Story(360, people=(Person("near", [(0, left), (back, 360)]),), flame=[(10, 360)])
    assert len(run(story, tmp_path).events) == count


def test_a_gap_of_the_camera_and_darkness_are_unknown(tmp_path: Path) -> None:
    person = (Person("near", [(0, 50)]),)
    assert len(run(Story(175, person, [(0, 175)]), tmp_path / "a").events) == 1
    assert run(Story(175, person, [(0, 175)], gaps=[(100, 115)]), tmp_path / "b").events == ()
    assert run(Story(175, person, [(0, 175)], dark=[(100, 115)]), tmp_path / "c").events == ()


def test_a_still_person_stays_seen_and_an_empty_kitchen_is_looked_at_seldom(tmp_path: Path) -> None:
    standing = run(Story(600, people=(Person("cut", [(0, 600)], {"no_hat": [(300, 600)]}),)), tmp_path / "a")
    assert [seconds(e) for e in standing.events] == [("no_hat", 300, 598)]
    assert standing.segments[0].looked == 300
    assert run(Story(600), tmp_path / "b").segments[0].looked == 20, "every half minute"


def test_what_looks_like_a_flame_but_never_flickers_is_none(tmp_path: Path, monkeypatch) -> None:
    story = Story(300, flame=[(0, 300)])
    assert len(run(story, tmp_path / "a").events) == 1
    still = Films.window
    monkeypatch.setattr(
        Films, "window", lambda self, *a, **k: (Sample(s.at, _frozen(s.frame)) for s in still(self, *a, **k))
    )
    assert run(story, tmp_path / "b").events == ()


def _frozen(frame: np.ndarray) -> np.ndarray:
    frame[20:30, 110:120] = (0, 90, 250)
    return frame


def test_a_smoking_keyframe_alone_is_no_event(tmp_path: Path) -> None:
    story = Story(300, people=(Person("cut", [(0, 300)], {"smoking": [(99.9, 100.1), (200, 202.1)]}),))
    assert run(story, tmp_path).events == ()


def test_a_head_that_errs_all_the_time_costs_few_closer_looks(tmp_path: Path) -> None:
    puffs = [(float(at), at + 2.1) for at in range(100, 3500, 20)]
    story = Story(3600, people=(Person("cut", [(0, 3600)], {"smoking": puffs}),))
    films = Films(story)
    camera = Camera("c1", (segment(0, 3600),), ZONES)
    result = chain.run(camera, Truthful(story), small(), tmp_path, decoder=films, gate=Gate)
    assert result.events == ()
    assert films.frames - 1800 <= 8 * 101


@pytest.mark.requirement("S0-94")
def test_snapshots_every_few_seconds_are_judged_like_a_film(tmp_path: Path) -> None:
    story = Story(100, people=(Person("cut", [(0, 100)], {"no_hat": [(20, 80)]}),))
    snapshots = [replace(segment(at, at + 4), duration_s=0.0) for at in range(0, 100, 4)]
    camera = Camera("c1", tuple(snapshots), ZONES)
    result = chain.run(camera, Truthful(story), small(), tmp_path, decoder=Snapshots(story), gate=Gate)
    assert [seconds(event) for event in result.events] == [("no_hat", 20, 76)]
    assert len(result.evidence) == 1


class Snapshots(Films):
    """One picture per file."""

    def keyframes(self, path: Path, *, height: int = 720, every_s: float = 2.0) -> Iterator[Sample]:
        return islice(super().keyframes(path, every_s=4), 1)


@pytest.mark.requirement("S0-98")
def test_a_kind_that_a_city_has_trained_is_judged_by_its_rule_alone(tmp_path: Path) -> None:
    story = Story(120, people=(Person("cut", [(0, 120)], {"no_work_clothes": [(30, 90)]}),))
    eyes = Truthful(story)
    eyes.thresholds["no_work_clothes"] = 0.5
    camera = Camera("c1", (segment(0, 120),), ZONES)
    result = chain.run(camera, eyes, small(), tmp_path, decoder=Films(story), gate=Gate)
    assert [seconds(event) for event in result.events] == [("no_work_clothes", 30, 88)]
    assert result.idle == ()


def test_heads_that_err_one_time_in_twenty_raise_the_same_events(tmp_path: Path) -> None:
    result = run(COOKS, tmp_path, errs=20)
    assert sorted(e.kind for e in result.events) == ["flame_unattended", "no_hat", "no_mask", "smoking"]
    for event, true in zip(sorted(seconds(e) for e in result.events), [(420, 600), (60, 140), (200, 300), (340, 380)], strict=True):  # fmt: skip
        assert event[1:] == pytest.approx(true, abs=20)


def test_cameras_in_parallel_and_a_process_that_dies(tmp_path: Path) -> None:
    story = Story(60, people=(Person("cut", [(0, 60)], {"no_hat": [(0, 60)]}),))
    kit = jobs.Kit(partial(Truthful, story), small(), tmp_path, Films(story), Gate)
    cameras = [Camera(f"c{i}", (segment(0, 60, "" if i else "fatal"),), ZONES) for i in range(3)]
    said: list[str] = []
    found = {r.camera_id: r for r in jobs.run(cameras, kit, processes=2, progress=said.append)}
    assert [len(found[c].events) for c in ("c0", "c1", "c2")] == [0, 1, 1]
    assert [(s.state, s.reason) for s in found["c0"].segments] == [("quarantined", "crash")]
    assert len(said) == 3
