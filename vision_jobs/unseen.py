"""What a shipped head was trained on, so that it is never scored on that.

Belongs here: fingerprints of training pictures beside the shipped models, and scoring on all other pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from vision_jobs import registry
from vision_jobs.coco import Picture, fingerprint, seen_before
from vision_jobs.evaluate import Score, given_crops, score_judged
from vision_jobs.heads import Head, cut


def write_seen(kind: str, pictures: Iterable[Picture], folder: Path = registry.SHIPPED) -> None:
    """Keep the fingerprints of the pictures that a head is trained on."""
    lines = sorted(f"{fingerprint(one.pixels()):016x}" for one in pictures)
    (folder / f"{kind}.seen").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def read_seen(kind: str, folder: Path = registry.SHIPPED) -> np.ndarray:
    """Fingerprints (n,) uint64 of the pictures that a head was trained on."""
    lines = (folder / f"{kind}.seen").read_text(encoding="ascii").split()
    return np.array([int(line, 16) for line in lines], np.uint64)


def unseen(kind: str, pictures: Sequence[Picture], folder: Path = registry.SHIPPED) -> list[Picture]:
    """Pictures that the shipped head was not trained on and that look like none of those."""
    prints = np.array([fingerprint(one.pixels()) for one in pictures], np.uint64)
    known = seen_before(prints, read_seen(kind, folder))
    return [one for one, before in zip(pictures, known, strict=True) if not before]


def score_unseen(
    head: Head,
    pictures: Sequence[Picture],
    negatives: Sequence[Picture] = (),
    folder: Path = registry.SHIPPED,
) -> Score:
    """Score a shipped head on labelled pictures that it has not seen.

    Args:
        head: The shipped head.
        pictures: Labelled pictures.
        negatives: Pictures without the violation; each half of one stands for a zone.
        folder: Where the fingerprints stand.
    """
    fresh = unseen(head.kind, pictures, folder)
    crops, positive, groups = given_crops(fresh, head.kind, head.side)
    scores = head.scores(crops)
    if negatives:
        halves, of = _halves(negatives, head.side)
        scores = np.concatenate([scores, head.scores(halves)])
        positive = np.concatenate([positive, np.zeros(len(halves), bool)])
        groups = np.concatenate([groups, of + len(fresh)])
    return score_judged(scores, positive, groups, threshold=head.threshold)


def _halves(pictures: Sequence[Picture], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Left and right half of each picture (2n, side, side, 3), and its index (2n,)."""
    crops = []
    for one in pictures:
        pixels = one.pixels()
        height, width = pixels.shape[:2]
        for edges in ((0, 0, width // 2, height), (width // 2, 0, width, height)):
            crop = cut(pixels, edges, side)
            if crop is not None:
                crops.append(crop)
    return np.stack(crops), np.repeat(np.arange(len(pictures)), 2)
