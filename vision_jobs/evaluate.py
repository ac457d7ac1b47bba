"""How good models are on labelled pictures: average precision as COCO defines it, with intervals.

Belongs here: matching, precision-recall, bootstrap, and which model answers for which category. A box with iscrowd is
neither right nor wrong. Does not belong here: what counts as an event (``rules``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from vision_jobs.boxes import overlap
from vision_jobs.coco import Coco, Picture
from vision_jobs.detect import ModelEyes, open_detector
from vision_jobs.heads import region, shown
from vision_jobs.model import Box
from vision_jobs.registry import Model

IOU: Final = tuple(np.arange(0.5, 1.0, 0.05).round(2).tolist())
"""Overlaps of COCO's AP50:95."""

JUDGED: Final[Mapping[str, tuple[str, bool]]] = {
    "face_no_mask": ("no_mask", True),
    "face_mask": ("no_mask", False),
    "head_no_hat": ("no_hat", True),
    "head_hat": ("no_hat", False),
    "smoking_person": ("smoking", True),
    "fire": ("flame", True),
}
"""Category -> head that judges the given boxes, and whether the category is its violation."""
_AGAINST: Final[Mapping[str, tuple[str, ...]]] = {
    "no_mask": ("face_no_mask", "face_mask"),
    "no_hat": ("head_no_hat", "head_hat"),
    "smoking": ("smoking_person", "person"),
}
"""Categories whose boxes a head is asked about; for the flame it is whole pictures."""
_DETECTED: Final = ("person", "face", "head")
_DRAWS: Final = 500
_FLOOR: Final = 0.02
"""Score from which detections are ranked, so that average precision sees the whole curve."""


@dataclass(frozen=True, slots=True)
class Score:
    """A figure with what stands behind it.

    Attributes:
        ap: Average precision; None where there is nothing to find.
        low: Lower end of the 95 % interval, by bootstrap over groups.
        high: Upper end.
        n: Cases.
        positives: Of them, to be found.
        precision: At the threshold at work.
        recall: At the threshold at work.
        groups: Pictures, or sequences, drawn in the bootstrap.
    """

    ap: float | None
    low: float | None
    high: float | None
    n: int
    positives: int
    precision: float | None
    recall: float | None
    groups: int

    def figures(self) -> dict[str, Any]:
        """As a registry or a report keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Mean over the positives of the precision at their rank; equal scores share the last rank of their run.

    Args:
        scores: (n,).
        positive: (n,) bool.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, found = scores[order], np.cumsum(positive[order])
    last = np.searchsorted(-ranked, -ranked, side="right") - 1
    precision = found[last] / (last + 1)
    return float(precision[positive[order]].mean())


def recall_at(scores: np.ndarray, positive: np.ndarray, precision: float) -> tuple[float, float]:
    """Highest recall at a precision of at least so much, and the score from which it is reached.

    Returns:
        (0, infinity) when no threshold has the precision.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, found = scores[order], np.cumsum(positive[order])
    ends = np.append(ranked[1:] != ranked[:-1], True)
    good = ends & (found / np.arange(1, len(ranked) + 1) >= precision)
    if not good.any():
        return 0.0, float("inf")
    at = int(np.flatnonzero(good)[-1])
    return float(found[at] / positive.sum()), float(ranked[at])


def interval(
    value: Callable[[np.ndarray], float | None], groups: np.ndarray, *, seed: int = 0
) -> tuple[float | None, float | None]:
    """95 % interval by drawing whole groups with replacement: frames of one recording are not independent.

    Args:
        value: Figure of the cases with the given indices; None where it is not defined.
        groups: (n,) group of each case.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    names, place = np.unique(groups, return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    drawn = []
    for _ in range(_DRAWS):
        chosen = np.concatenate([members[k] for k in rng.integers(0, len(names), len(names))])
        found = value(chosen)
        if found is not None:
            drawn.append(found)
    if len(names) < 2 or not drawn:
        return None, None
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def score_judged(
    scores: np.ndarray, positive: np.ndarray, groups: np.ndarray, *, threshold: float = 0.5
) -> Score:
    """Score judgements of given boxes.

    Args:
        scores: (n,) probability of the class.
        positive: (n,) bool, whether it is the class.
        groups: (n,) picture or sequence.
        threshold: From which a score counts.
    """
    total = int(positive.sum())
    counted = len(np.unique(groups))
    if not total:
        return Score(None, None, None, len(scores), 0, None, None, counted)

    def value(chosen: np.ndarray) -> float | None:
        return average_precision(scores[chosen], positive[chosen]) if positive[chosen].any() else None

    low, high = interval(value, groups)
    above = scores >= threshold
    precision = float(positive[above].mean()) if above.any() else None
    return Score(
        average_precision(scores, positive), low, high, len(scores), total, precision,
        float(above[positive].mean()), counted,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Matched:
    """Detections of one class in one picture, after matching at one overlap."""

    scores: np.ndarray
    right: np.ndarray
    ignored: np.ndarray
    truths: int


def match(
    found: np.ndarray, scores: np.ndarray, truth: np.ndarray, ignore: np.ndarray, at_least: float
) -> _Matched:
    """Match detections of one picture to its labelled boxes, best score first (COCO's rule).

    Args:
        found: (n, 4) corners.
        scores: (n,).
        truth: (m, 4) corners.
        ignore: (m,) bool; they may be matched many times, and what they match does not count.
        at_least: Overlap from which a pair matches.
    """
    order = np.argsort(-scores, kind="stable")
    pairs = overlap(found[order], truth, ignore=ignore) if len(truth) else np.zeros((len(order), 0))
    free = ~ignore
    right, ignored = np.zeros(len(order), bool), np.zeros(len(order), bool)
    for row, own in enumerate(pairs):
        good = np.where(free, own, -1.0)
        best = int(good.argmax()) if len(good) else -1
        if best >= 0 and good[best] >= at_least:
            right[row], free[best] = True, False
        else:
            ignored[row] = bool((own[ignore] >= at_least).any())
    return _Matched(scores[order], right, ignored, int((~ignore).sum()))


def detection_ap(matched: Sequence[_Matched]) -> float | None:
    """COCO's average precision at one overlap: precision interpolated at 101 recalls; None without truth."""
    truths = sum(one.truths for one in matched)
    if not truths:
        return None
    counts = np.concatenate([~one.ignored for one in matched])
    scores = np.concatenate([one.scores for one in matched])[counts]
    right = np.concatenate([one.right for one in matched])[counts]
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(right[order])
    precision = found / np.arange(1, len(found) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    at = np.searchsorted(found / truths, np.linspace(0, 1, 101), side="left")
    return float(envelope[np.minimum(at, len(found))].mean())


def score_detected(
    pictures: Sequence[Picture],
    detect: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    category: str,
    *,
    threshold: float,
) -> tuple[Score, float | None]:
    """Score a detector on labelled pictures.

    Args:
        pictures: Those labelled completely for the category.
        detect: Picture -> corners (n, 4) in pixels and scores (n,).
        category: To be found.
        threshold: From which a detection counts, for precision and recall.

    Returns:
        AP50 with its interval, and AP50:95.
    """
    by_overlap: dict[float, list[_Matched]] = {one: [] for one in IOU}
    for picture in pictures:
        truth = [one for one in picture.boxes if one.category == category]
        corners = np.array([one.corners for one in truth], float).reshape(-1, 4)
        ignore = np.array([one.ignore for one in truth], bool)
        found, scores = detect(picture.pixels())
        for at_least, kept in by_overlap.items():
            kept.append(match(found, scores, corners, ignore, at_least))
    groups = np.array([one.sequence + str(k) for k, one in enumerate(pictures)])
    score = score_matched(by_overlap[0.5], groups, threshold=threshold)
    wide = [detection_ap(kept) for kept in by_overlap.values()]
    return score, None if score.positives == 0 else float(np.mean([one for one in wide if one is not None]))


def score_matched(matched: Sequence[_Matched], groups: np.ndarray, *, threshold: float) -> Score:
    """Score detections that were matched with the truth.

    Args:
        matched: Of every picture.
        groups: Pictures that are drawn together for the interval, (n,).
        threshold: From which a detection counts, for precision and recall.
    """
    truths = sum(one.truths for one in matched)
    low, high = interval(lambda chosen: detection_ap([matched[k] for k in chosen]), groups)
    above = np.concatenate([(one.scores >= threshold) & ~one.ignored for one in matched])
    right = np.concatenate([one.right for one in matched])
    return Score(
        detection_ap(matched), low, high, int(above.sum()), truths,
        float(right[above].mean()) if above.any() else None,
        float((right & above).sum() / truths) if truths else None, len(matched),
    )  # fmt: skip


def given_crops(
    pictures: Sequence[Picture], kind: str, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a head is shown of labelled pictures.

    Head boxes are regions already (they hold the hat), face and person boxes get the head's own crop, and for the
    flame the whole picture stands for a zone. What is too small to judge is left out, as at work.

    Returns:
        Crops (n, side, side, 3), whether each is the violation (n,), index of its picture (n,).
    """
    crops, positive, of = [], [], []
    for place, picture in enumerate(pictures):
        asked = [one for one in picture.boxes if one.category in _AGAINST.get(kind, ()) and not one.ignore]
        if kind != "flame" and not asked:
            continue
        pixels = picture.pixels()
        height, width = pixels.shape[:2]
        if kind == "flame":
            places = [(0, 0, width, height)]
            labels = [any(one.category == "fire" for one in picture.boxes)]
        else:
            places = [_edges(kind, one.corners, height, width) for one in asked]
            labels = [JUDGED.get(one.category) == (kind, True) for one in asked]
        for edges, label in zip(places, labels, strict=True):
            crop = shown(kind, pixels, edges, side)
            if crop is not None:
                crops.append(crop)
                positive.append(label)
                of.append(place)
    shaped = np.stack(crops) if crops else np.zeros((0, side, side, 3), np.uint8)
    return shaped, np.array(positive, bool), np.array(of, int)


def _edges(
    kind: str, corners: tuple[float, float, float, float], height: int, width: int
) -> tuple[int, int, int, int]:
    x1, y1, x2, y2 = corners
    if kind == "no_hat":
        return max(0, int(x1)), max(0, int(y1)), min(width, int(x2)), min(height, int(y2))
    return region(kind, Box(x1 / width, y1 / height, x2 / width, y2 / height), height, width)


def score_set(eyes: ModelEyes, labelled: Coco) -> dict[str, Score]:
    """Score every category of an annotation file that a model at work answers for.

    Args:
        eyes: Models at work.
        labelled: The annotations.

    Returns:
        Category -> score; without average precision where no model answers or nothing is labelled.
    """
    present = {one.category for picture in labelled.pictures for one in picture.boxes}
    judged: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    answered: dict[str, Score] = {}
    for category in labelled.categories:
        nothing = Score(None, None, None, 0, 0, None, None, 0)
        answered[category] = nothing
        if category not in present:
            continue
        if category in _DETECTED and category in eyes.models:
            answered[category] = score_detector(eyes.models[category], labelled.pictures, category)
        elif category in JUDGED and JUDGED[category][0] in eyes.heads:
            kind, violation = JUDGED[category]
            head = eyes.heads[kind]
            if kind not in judged:
                crops, positive, of = given_crops(labelled.pictures, kind, head.side)
                judged[kind] = head.scores(crops), positive, of
            scores, positive, of = judged[kind]
            answered[category] = (
                score_judged(scores, positive, of, threshold=head.threshold)
                if violation
                else score_judged(1 - scores, ~positive, of, threshold=1 - head.threshold)
            )
    return answered


def score_detector(model: Model, pictures: Sequence[Picture], category: str) -> Score:
    """Score a detector's file on labelled pictures.

    Args:
        model: The detector; its threshold is that of precision and recall.
        pictures: Those labelled completely for the category.
        category: To be found.
    """
    detector = open_detector(replace(model, thresholds=dict.fromkeys(model.classes, _FLOOR)))

    def detect(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = pixels.shape[:2]
        found = [one for one in detector.find(pixels) if one.kind == category]
        corners = np.array([(one.box.x1, one.box.y1, one.box.x2, one.box.y2) for one in found], float)
        scores = np.array([one.score for one in found], float)
        return corners.reshape(-1, 4) * [width, height, width, height], scores

    return score_detected(pictures, detect, category, threshold=model.thresholds[category])[0]
