"""Arithmetic of boxes: overlap and non-maximum suppression, vectorised.

Belongs here: pure functions on arrays of corners (x1, y1, x2, y2).
"""

from __future__ import annotations

import numpy as np


def overlap(first: np.ndarray, second: np.ndarray, *, ignore: np.ndarray | None = None) -> np.ndarray:
    """Intersection over union of every pair.

    Args:
        first: (n, 4) corners.
        second: (m, 4) corners.
        ignore: (m,) bool; for these the intersection is divided by the area of the first box (COCO's iscrowd).

    Returns:
        (n, m), 0 to 1.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.clip(high - low, 0, None).prod(2)
    own, other = area(first)[:, None], area(second)[None, :]
    whole = own + other - both
    if ignore is not None:
        whole = np.where(ignore[None, :], own, whole)
    return both / np.maximum(whole, 1e-12)


def area(boxes: np.ndarray) -> np.ndarray:
    """Areas (n,) of corners (n, 4)."""
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1)


def suppress(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Indices of the boxes that stay, best first: none overlaps a better one by the limit or more."""
    order = np.argsort(-scores, kind="stable")
    pairs = overlap(boxes[order], boxes[order])
    kept: list[int] = []
    for at in range(len(order)):
        if not kept or pairs[at, kept].max() < limit:
            kept.append(at)
    return order[kept]
