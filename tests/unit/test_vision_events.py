"""Event rules: seconds, three values, hysteresis, gaps, cool-down, and absences of 119 and 121 s."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_jobs import events, rules
from vision_jobs.events import Episode, Judged, Watched

RULES = rules.load().general
HAT = RULES.people["no_hat"]
FLAME = RULES.flame_unattended
GAP = RULES.sampling.gap_s
THRESHOLD = 0.5
BAD, FINE, UNKNOWN = 0.9, 0.1, np.nan
VALUES = {"v": BAD, "f": FINE, "u": UNKNOWN}


def judged(text: str, *, step_s: float = 2, start_s: float = 0, track: int = 0) -> Judged:
    """One person: v violation, f fine, u unknown, - not seen."""
    at = np.array([round(1000 * (start_s + i * step_s)) for i, c in enumerate(text) if c != "-"], np.int64)
    score = np.array([VALUES[c] for c in text if c != "-"])
    n = len(at)
    return Judged(at, np.full(n, track), score, np.zeros(n, int), np.tile([0.4, 0.2, 0.5, 0.8], (n, 1)))


def rows(one: Judged, which: np.ndarray) -> Judged:
    return Judged(*(getattr(one, name)[which] for name in ("at", "track", "score", "zone", "box")))


def spans(found: list[Episode]) -> list[tuple[float, float]]:
    return [(e.start / 1000, e.end / 1000) for e in found]


def episodes(one: Judged) -> list[tuple[float, float]]:
    return spans(events.person_episodes(one, HAT, THRESHOLD, GAP))


def test_a_person_without_a_hat_is_one_event_from_the_first_to_the_last_violation() -> None:
    assert episodes(judged("ffff" + "v" * 20 + "f" * 20)) == [(8, 46)]


@pytest.mark.requirement("S0-95")
def test_five_samples_seventy_percent_and_ten_seconds_in_the_zone() -> None:
    assert episodes(judged("vvvv")) == []
    assert episodes(judged("vvvvv")) == [], "five samples, but only eight seconds in the zone"
    assert episodes(judged("vvvvvv")) == [(0, 10)]
    assert episodes(judged("fvvfvv")) == [], "four of six"
    assert episodes(judged("vvvfvvv")) == [(0, 12)]


def test_who_leaves_the_zone_begins_a_new_stay() -> None:
    assert episodes(judged("vvv------vvv")) == []
    outside = judged("vvvvvvvv")
    outside.zone[:] = -1
    assert episodes(outside) == []


def test_flutter_inside_the_hysteresis_neither_closes_nor_opens_again() -> None:
    assert len(episodes(judged("v" * 10 + "fv" * 20))) == 1
    assert episodes(judged("fv" * 30)) == [], "half of the samples never open it"


def test_it_closes_when_fine_and_opens_again_as_another_episode() -> None:
    found = episodes(judged("v" * 10 + "f" * 20 + "v" * 15))
    assert found == [(0, 18), (60, 88)]


def test_silence_closes_it() -> None:
    pause = int(HAT.close_s / 2)
    assert len(episodes(judged("v" * 8 + "u" * (pause - 2) + "v" * 8))) == 1
    assert len(episodes(judged("v" * 8 + "u" * (pause + 1) + "v" * 8))) == 2


@pytest.mark.parametrize(("pause_s", "count"), [(899, 1), (900, 2), (901, 2)])
def test_cool_down_of_fifteen_minutes(pause_s: int, count: int) -> None:
    first, second = judged("v" * 10), judged("v" * 10, start_s=18 + pause_s, track=1)
    both = [e for one in (first, second) for e in events.person_episodes(one, HAT, THRESHOLD, GAP)]
    merged = events.merged(both, RULES.cool_down_s)
    assert len(merged) == count
    assert sum(e.positive for e in merged) == 20
    assert merged[-1].end == 1000 * (18 + pause_s + 18)


def test_cool_down_knows_zones() -> None:
    one, other = judged("v" * 10), judged("v" * 10, start_s=60, track=1)
    other.zone[:] = 1
    both = [e for x in (one, other) for e in events.person_episodes(x, HAT, THRESHOLD, GAP)]
    assert len(events.merged(both, RULES.cool_down_s)) == 2


@settings(max_examples=60, deadline=None)
@given(st.text("fu-", max_size=80))
def test_no_event_from_unknown_and_fine_alone(text: str) -> None:
    assert episodes(judged(text)) == []


@settings(max_examples=100, deadline=None)
@given(st.text("vfu-", max_size=80), st.randoms(use_true_random=False))
def test_order_and_repetition_of_rows_change_nothing(text: str, random) -> None:
    one = judged(text)
    shuffled = [*range(len(one.at)), *range(len(one.at))]
    random.shuffle(shuffled)
    again = rows(one, np.array(shuffled, dtype=int))
    before, after = (events.person_episodes(x, HAT, THRESHOLD, GAP) for x in (one, again))
    assert spans(before) == spans(after)
    assert [len(e.scores) for e in before] == [len(e.scores) for e in after]


@settings(max_examples=100, deadline=None)
@given(st.text("vvvfu-", max_size=100))
def test_episodes_are_true_stretches(text: str) -> None:
    one = judged(text)
    bad = set(one.at[one.score == BAD].tolist())
    found = events.person_episodes(one, HAT, THRESHOLD, GAP)
    for before, after in itertools.pairwise(found):
        assert before.end < after.start
    for e in found:
        assert e.start in bad
        assert e.end in bad
        assert e.positive == len([t for t in bad if e.start <= t <= e.end]) >= HAT.positives


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(14, 40), min_size=1, max_size=4),
    st.integers(20, 40),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_one_event_per_episode_with_a_head_that_errs_now_and_then(
    lengths: list[int], pause: int, noise: int, random
) -> None:
    """Planted episodes with single wrong samples, far apart: as many come out as went in, each overlapping its own."""
    text, planted = "f" * 10, []
    for length in lengths:
        planted.append((2 * len(text), 2 * (len(text) + length - 1)))
        text += "v" * length + "f" * pause
    wrong = random.sample(range(0, len(text), 12), min(noise, len(text) // 12))
    text = "".join({"v": "f", "f": "v"}[c] if i in wrong else c for i, c in enumerate(text))
    found = episodes(judged(text))
    assert len(found) == len(planted)
    assert all(a <= end and start <= b for (a, b), (start, end) in zip(found, planted, strict=True))


def stove(
    absent_s: float,
    *,
    step_s: float = 1,
    gap: tuple[float, float] | None = None,
    phase_s: float = 0.0,
    flame: float = BAD,
) -> Watched:
    """A flame all the time; somebody stands there, leaves at 60 s for so long, and stands there again for a minute."""
    at = np.arange(phase_s, 120 + absent_s, step_s)
    if gap:
        at = at[(at <= gap[0]) | (at >= gap[1])]
    here = (at < 60) | (at >= 60 + absent_s)
    return Watched(np.round(at * 1000).astype(np.int64), np.full(len(at), flame), here)


def unattended(watched: Watched) -> list[tuple[float, float]]:
    return spans(events.unattended(watched, FLAME, THRESHOLD, GAP)[0])


@pytest.mark.requirement("S0-96")
@pytest.mark.parametrize("step_s", [0.2, 1])
def test_absence_of_119_seconds_is_fine_and_of_121_an_event(step_s: float) -> None:
    assert unattended(stove(119, step_s=step_s)) == []
    assert unattended(stove(121, step_s=step_s)) == [(60, 181 - step_s)]


@pytest.mark.parametrize("phase_s", [0.1, 0.7, 1.3, 1.9])
@pytest.mark.parametrize("absent_s", [119, 121])
def test_keyframes_of_two_seconds_leave_a_doubt_that_a_closer_look_decides(
    absent_s: int, phase_s: float
) -> None:
    coarse = stove(absent_s, step_s=2, phase_s=phase_s)
    found, doubts = events.unattended(coarse, FLAME, THRESHOLD, GAP)
    if found:
        assert absent_s == 121
        return
    fine = stove(absent_s, step_s=0.2)
    close = np.zeros(len(fine.at), bool)
    for start, end in np.concatenate([d.spans for d in doubts]).tolist() if doubts else []:
        close |= (fine.at >= start) & (fine.at <= end)
    joined = Watched(
        *(np.concatenate([getattr(coarse, n), getattr(fine, n)[close]]) for n in ("at", "flame", "present"))
    )
    assert len(unattended(joined)) == (absent_s == 121)


def test_presence_of_five_seconds_starts_the_clock_anew_and_shorter_does_not() -> None:
    def visited(seconds: int) -> Watched:
        one = stove(200)
        one.present[(one.at >= 140_000) & (one.at <= 140_000 + seconds * 1000)] = True
        return one

    assert unattended(visited(5)) == [], "80 s and 114 s"
    assert len(unattended(visited(4))) == 1


def test_a_gap_of_the_camera_stops_the_clock() -> None:
    assert unattended(stove(125, gap=(100, 110))) == [(60, 184)], "ten seconds are no gap"
    assert unattended(stove(125, gap=(100, 111))) == [], "eleven are: 113 s were seen"
    assert unattended(stove(133, gap=(100, 111))) == [(60, 192)], "the clock goes on after it"
    long = FLAME.forget_s
    assert len(unattended(stove(long + 130, gap=(100, 100 + long)))) == 1
    assert unattended(stove(long + 130, gap=(100, 101 + long))) == [], "forgotten: 40 s and 89 s"


def test_a_flame_that_nobody_sees_is_unknown_and_one_that_is_off_is_fine() -> None:
    assert unattended(stove(300, flame=UNKNOWN)) == []
    assert unattended(stove(300, flame=FINE)) == []
    blinking = stove(300, step_s=2)
    blinking.flame[::5] = FINE
    assert len(unattended(blinking)) == 1
    off = stove(230)
    off.flame[(off.at >= 150_000) & (off.at < 172_000)] = FINE
    assert unattended(off) == [], "turned off for 22 s: 90 s and 118 s"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([BAD, FINE, UNKNOWN]), st.booleans(), st.integers(1, 60)), max_size=20
    ),
    st.randoms(use_true_random=False),
)
def test_flames_order_and_repetition_change_nothing_and_no_event_without_proof(stretches, random) -> None:
    flame = np.concatenate([np.empty(0), *(np.full(n, f) for f, _, n in stretches)])
    here = np.concatenate([np.empty(0, bool), *(np.full(n, p) for _, p, n in stretches)])
    one = Watched(np.arange(len(flame), dtype=np.int64) * 2000, flame, here)
    order = np.array(random.sample([*range(len(flame))] * 2, 2 * len(flame)), dtype=int)
    again = Watched(one.at[order], one.flame[order], one.present[order])
    assert unattended(one) == unattended(again)
    for start, end in unattended(one):
        inside = (one.at >= start * 1000) & (one.at <= end * 1000)
        assert (
            ~here[inside] & (np.nan_to_num(flame[inside], nan=0) >= THRESHOLD)
        ).sum() * 2 >= FLAME.absent_s / 2


def test_somebody_missed_between_two_sightings_is_present() -> None:
    at = np.arange(0, 20_000, 2000)
    found = events.present(at, np.array([4000, 8000, 8000, 18_000]), np.array([1, 1, 2, 2]), 8.0)
    assert found.tolist() == [False, False, True, True, True, False, False, False, False, True]


def test_candidates_are_two_violations_of_a_track_close_to_each_other() -> None:
    one = judged("fvffvffffvvf")
    assert [at for at, _, _ in events.candidates(one, THRESHOLD, 4)] == [20_000]
    assert [at for at, _, _ in events.candidates(one, THRESHOLD, 10)] == [8000, 18_000, 20_000]
