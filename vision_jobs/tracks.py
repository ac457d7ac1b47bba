"""Tracks: which boxes of one camera, sample after sample, are the same person.

Belongs here: the match of boxes by overlap and by distance (between two samples of two seconds people move further
than their own width). No identity beyond the film: no face and no look is compared.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from vision_jobs.rules import Tracking

_FAR: Final = np.inf
_ASPECT: Final = 16 / 9
"""Width over height of a camera's picture: boxes are normalised, distances are not."""


def follow(at: np.ndarray, boxes: np.ndarray, rule: Tracking) -> np.ndarray:
    """Number the persons of one camera.

    Args:
        at: Instants in milliseconds, ascending, (n,); boxes of one sample share theirs.
        boxes: x1, y1, x2, y2, normalised, (n, 4).
        rule: When two boxes are the same person.

    Returns:
        Number of the track of each box, from 0 in order of appearance, (n,).
    """
    tracks = np.full(len(at), -1)
    last = np.empty((0, 4))
    seen = np.empty(0)
    number = np.empty(0, dtype=int)
    count = 0
    instants, starts, sizes = np.unique(at, return_index=True, return_counts=True)
    for instant, start, end in zip(instants, starts, starts + sizes, strict=True):
        alive = instant - seen <= rule.gap_s * 1000
        last, seen, number = last[alive], seen[alive], number[alive]
        new = boxes[start:end]
        old = _match(last, (instant - seen) / 1000, new, rule)
        known = old >= 0
        found = np.empty(end - start, dtype=int)
        found[known] = number[old[known]]
        found[~known] = count + np.arange((~known).sum())
        count += int((~known).sum())
        tracks[start:end] = found
        rest = np.setdiff1d(np.arange(len(last)), old[known])
        last = np.concatenate([last[rest], new])
        seen = np.concatenate([seen[rest], np.full(len(new), float(instant))])
        number = np.concatenate([number[rest], found])
    return tracks


def _match(last: np.ndarray, age: np.ndarray, new: np.ndarray, rule: Tracking) -> np.ndarray:
    """Index of the old box for each new one, -1 for none; the best pairs first."""
    old = np.full(len(new), -1)
    if not len(last) or not len(new):
        return old
    cost = _cost(last, age, new, rule)
    for _ in range(min(len(last), len(new))):
        i, j = np.unravel_index(int(cost.argmin()), cost.shape)
        if cost[i, j] == _FAR:
            break
        old[j] = i
        cost[i, :] = _FAR
        cost[:, j] = _FAR
    return old


def _cost(last: np.ndarray, age: np.ndarray, new: np.ndarray, rule: Tracking) -> np.ndarray:
    """(old, new): below 0 where boxes overlap, else the distance in heights; infinite out of reach."""
    a, b = last[:, None, :], new[None, :, :]
    wide = np.clip(np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]), 0, None)
    high = np.clip(np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]), 0, None)
    common = wide * high
    iou = common / (_area(a) + _area(b) - common)
    height = np.maximum(a[..., 3] - a[..., 1], b[..., 3] - b[..., 1])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    distance = np.hypot(apart[..., 0] * _ASPECT, apart[..., 1]) / height
    near = distance <= rule.reach + rule.reach_per_s * age[:, None]
    return np.where(iou >= rule.iou, -iou, np.where(near, distance, _FAR))


def _area(boxes: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.clip(
        (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]), 1e-12, None
    )
    return found
