"""From labelled crops to a head that may be registered: folds, calibration, threshold, figures.

Belongs here: what is held out from what. Cases of one group (a recording, or pictures that look alike) never stand on
both sides. Does not belong here: the loop (``heads``), the registry's rules (``vision_jobs.registry``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from vision_jobs.evaluate import Score, recall_at, score_judged
from vision_jobs.train.backbone import Head
from vision_jobs.train.heads import Recipe, fit, logits, platt, start, views

WANTED: Final = 0.9
"""Precision on cases not trained on at which the threshold is set."""


@dataclass(frozen=True, slots=True)
class Developed:
    """A trained head and what is known of it.

    Attributes:
        heads: Fitted on every case; the mean of their logits judges.
        calibration: Scale and offset of a logit, fitted on scores of cases held out in turn.
        threshold: Probability from which the precision on held-out cases is as wanted.
        scores: (n,) calibrated probabilities of the cases, each by as many heads that saw none of its group.
        held_out: Figures of these scores.
        recall_at_wanted: Recall at the wanted precision.
    """

    heads: tuple[Head, ...]
    calibration: tuple[float, float]
    threshold: float
    scores: np.ndarray
    held_out: Score
    recall_at_wanted: float


def folds(groups: np.ndarray, labels: np.ndarray, count: int, *, seed: int) -> np.ndarray:
    """Fold (n,) of each case: whole groups, largest first, to the fold that lacks its class most.

    Args:
        groups: (n,) group of each case.
        labels: (n,) 0 or 1.
        count: Number of folds.
        seed: Of the order among groups of one size.
    """
    names, place = np.unique(groups, return_inverse=True)
    ones = np.bincount(place, labels, len(names))
    sizes = np.bincount(place, minlength=len(names))
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    filled = np.zeros((count, 2))
    of = np.zeros(len(names), int)
    for group in order:
        own = np.array([sizes[group] - ones[group], ones[group]])
        of[group] = int(np.argmin(filled @ own))
        filled[of[group]] += own
    return of[place]


def develop(
    crops: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    backbone: Path | None,
    count: int = 3,
    progress: Callable[[str], None] = lambda _: None,
) -> Developed:
    """Train heads on everything, with figures of as many heads of the same kind for each fold held out in turn.

    Args:
        crops: (n, side, side, 3) uint8 BGR.
        labels: (n,) 1 for the violation, 0 for fine.
        groups: (n,) recording, or group of look-alikes, of each case.
        recipe: How to train.
        seed: Of every random choice.
        backbone: Backbone weights to start from; None for random ones.
        count: Number of folds.
        progress: Told what is being done.
    """
    network = start(backbone, seed=seed)
    seen = views(network, crops, recipe, seed=seed)
    of = folds(groups, labels, count, seed=seed)
    told = np.zeros(len(crops))

    def together(chosen: np.ndarray) -> tuple[Head, ...]:
        return tuple(
            fit(network, seen[chosen], labels[chosen], recipe, seed=seed + number)
            for number in range(recipe.networks)
        )

    for fold in range(count):
        held = of == fold
        told[held] = logits(together(~held), crops[held], recipe.zooms)
        progress(f"第 {fold + 1}/{count} 折，留出 {int(held.sum())} 例")
    heads = together(np.ones(len(crops), bool))
    calibration = platt(told, labels)
    scores = 1 / (1 + np.exp(-(calibration[0] * told + calibration[1])))
    recall, threshold = recall_at(scores, labels.astype(bool), WANTED)
    threshold = min(threshold, 0.99)
    return Developed(
        heads, calibration, threshold, scores,
        score_judged(scores, labels.astype(bool), groups, threshold=threshold), recall,
    )  # fmt: skip
