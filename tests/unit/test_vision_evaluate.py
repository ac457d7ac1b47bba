"""Average precision is COCO's: checked against values worked out by hand and against identities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_jobs.boxes import overlap, suppress
from vision_jobs.coco import distances, fingerprint, look_alikes
from vision_jobs.evaluate import average_precision, detection_ap, interval, match, recall_at, score_judged

SQUARE = np.array([[0.0, 0.0, 10.0, 10.0]])
FAR = np.array([[50.0, 50.0, 60.0, 60.0]])
NONE = np.zeros(1, bool)


def test_average_precision_is_the_mean_precision_at_the_positives() -> None:
    # ranks: right, wrong, right -> (1/1 + 2/3) / 2
    assert average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True])) == pytest.approx(5 / 6)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40).filter(
    lambda rows: any(right for _, right in rows)
))  # fmt: skip
def test_average_precision_knows_only_the_order(rows: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in rows]).round(3)
    positive = np.array([right for _, right in rows])
    value = average_precision(scores, positive)
    assert average_precision(scores * 0.5 + 0.1, positive) == pytest.approx(value)
    assert average_precision(scores[::-1], positive[::-1]) == pytest.approx(value)
    assert 0 < value <= 1
    assert average_precision(positive.astype(float), positive) == 1


def test_equal_scores_cannot_be_told_apart() -> None:
    assert average_precision(np.full(4, 0.5), np.array([True, True, False, False])) == pytest.approx(0.5)


def test_recall_at_a_precision_is_the_highest_reached_and_its_threshold_reaches_it() -> None:
    scores, positive = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, True, False, True, False])
    recall, threshold = recall_at(scores, positive, 0.75)
    assert (recall, threshold) == (1.0, 0.6)
    assert recall_at(scores, positive, 0.9) == (pytest.approx(2 / 3), 0.8)
    assert recall_at(scores, ~positive, 0.9) == (0.0, float("inf"))


def test_a_second_detection_of_one_box_is_wrong() -> None:
    found = np.repeat(SQUARE, 2, 0)
    told = match(found, np.array([0.9, 0.8]), SQUARE, NONE, 0.5)
    assert told.right.tolist() == [True, False]
    assert detection_ap([told]) == 1.0  # the double comes after every truth was found


def test_a_crowd_box_is_neither_right_nor_wrong() -> None:
    crowd = match(SQUARE, np.array([0.9]), np.concatenate([SQUARE, FAR]), np.array([True, False]), 0.5)
    assert crowd.ignored.tolist() == [True]
    hit = match(FAR, np.array([0.5]), FAR, NONE, 0.5)
    assert detection_ap([crowd, hit]) == pytest.approx(
        51 / 101
    )  # one of two found, and no false one before it


def test_a_missed_box_and_a_false_one_cost() -> None:
    missed = match(np.zeros((0, 4)), np.zeros(0), SQUARE, NONE, 0.5)
    wrong = match(FAR, np.array([0.9]), np.zeros((0, 4)), np.zeros(0, bool), 0.5)
    right = match(SQUARE, np.array([0.8]), SQUARE, NONE, 0.5)
    assert detection_ap([right]) == 1.0
    assert detection_ap([right, wrong]) == pytest.approx(0.5)
    assert detection_ap([right, missed]) == pytest.approx(51 / 101)
    assert detection_ap([wrong]) is None


@pytest.mark.parametrize(("shift", "at_least", "right"), [(0, 0.95, True), (5, 0.5, False), (3, 0.5, True)])
def test_a_match_needs_its_overlap(shift: float, at_least: float, right: bool) -> None:
    moved = SQUARE + np.array([shift, 0, shift, 0])
    assert match(moved, np.array([0.5]), SQUARE, NONE, at_least).right.tolist() == [right]


boxes = st.lists(st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 20)] * 2), min_size=1, max_size=12)


@settings(deadline=None)
@given(boxes)
def test_what_suppression_keeps_does_not_overlap_and_covers_what_it_drops(
    rows: list[tuple[int, ...]],
) -> None:
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in rows], float)
    scores = np.random.default_rng(0).random(len(rows))
    kept = suppress(corners, scores, 0.5)
    among = overlap(corners[kept], corners[kept]) - np.eye(len(kept))
    assert among.max(initial=0) < 0.5
    better = overlap(corners, corners[kept]) * (scores[:, None] <= scores[kept][None, :])
    assert (better.max(1) >= 0.5).all()


def test_the_interval_draws_whole_groups() -> None:
    scores = np.array([0.9, 0.1] * 20)
    positive = np.array([True, False] * 20)
    assert score_judged(scores, positive, np.arange(40)).low == 1.0
    one_recording = score_judged(scores, positive, np.zeros(40))
    assert (one_recording.low, one_recording.groups) == (None, 1)

    def share(chosen: np.ndarray) -> float:
        return float(chosen.mean())

    low, high = interval(share, np.arange(10))
    assert low is not None
    assert high is not None
    assert low < 4.5 < high


def test_pictures_that_look_alike_share_a_group() -> None:
    rng = np.random.default_rng(3)
    first, other = (rng.integers(0, 255, (32, 36, 3)).astype(np.uint8) for _ in range(2))
    lighter = np.clip(first.astype(int) + 9, 0, 255).astype(np.uint8)
    prints = np.array([fingerprint(one) for one in (first, other, lighter)], np.uint64)
    assert distances(prints, prints)[0, 1] > 8
    assert look_alikes(prints).tolist() == [0, 1, 0]
