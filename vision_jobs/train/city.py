"""A head trained on a city's own labelled pictures, and its registration.

Belongs here: from a COCO file to a registered model. The figures are of pictures held out by recording, and the model at
work is scored on the same pictures, so that promotion compares like with like.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from vision_jobs import coco, registry
from vision_jobs.evaluate import given_crops, score_judged
from vision_jobs.heads import Head
from vision_jobs.registry import Model
from vision_jobs.train.develop import Developed, develop
from vision_jobs.train.export import export_head
from vision_jobs.train.heads import RECIPES, Recipe
from warehouse.errors import Permanent

START: Final = registry.SHIPPED / "start.safetensors"
"""Backbone weights that heads start from: BSD-3, see docs/explanation/vision_models.md."""
STARTS: Final = {"no_hat": registry.SHIPPED / "start-no_hat.safetensors"}
"""Instead, where a start knows drawn cases of the kind: a city's own pictures show few scenes."""
_FOLDS: Final = 6
"""More than a shipped head has, since each scene held out is a large part of a city's pictures."""
_LEAST: Final = 20
"""Cases of each side below which no head is trained."""


def held_out(
    labelled: coco.Coco,
    kind: str,
    *,
    seed: int,
    recipe: Recipe | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[Developed, np.ndarray, np.ndarray, np.ndarray]:
    """Train a head on labelled pictures, with figures of pictures held out by recording.

    Returns:
        The head; its crops, labels and groups.

    Raises:
        Permanent: Too few cases, or all of one class in one recording.
    """
    chosen = recipe or RECIPES[kind]
    crops, positive, of = given_crops(labelled.pictures, kind, chosen.side)
    groups = coco.takes(labelled.pictures)[of] if len(of) else of
    for side in (positive, ~positive):
        if side.sum() < _LEAST or len(np.unique(groups[side])) < 2:
            raise Permanent(
                f"{kind}: {int(side.sum())} cases of one class in {len(np.unique(groups[side]))} recordings; "
                f"label at least {_LEAST} in two recordings of each class"
            )
    done = develop(
        crops, positive.astype(int), groups, chosen, seed=seed, backbone=STARTS.get(kind, START), count=_FOLDS,
        progress=progress,
    )  # fmt: skip
    return done, crops, positive, groups


def train(
    home: Path,
    images: Path,
    file: Path,
    kind: str,
    *,
    approved_by: str,
    seed: int,
    progress: Callable[[str], None],
) -> Model:
    """Train a head for a home and register it.

    Args:
        home: Data home.
        images: Folder of the pictures.
        file: COCO annotations.
        kind: Kind of judgement.
        approved_by: Who lets it judge.
        seed: Of every random choice.
        progress: Told what is being done.

    Raises:
        Permanent: Unknown kind, too few cases, or the head is worse than the one at work.
    """
    if kind not in RECIPES:
        raise Permanent(f"unknown head {kind}; known are {', '.join(RECIPES)}")
    done, crops, positive, groups = held_out(coco.read(images, file), kind, seed=seed, progress=progress)
    told = hashlib.sha256(crops.tobytes() + positive.tobytes()).hexdigest()
    made = home / "scratch" / "vision" / f"{kind}-{told[:12]}.onnx"
    export_head(done.heads, RECIPES[kind], done.calibration, made)
    test_set = f"held out of {told[:12]}"
    model = Model(
        name=f"{kind}-city", version=told[:12], path=made, sha256=registry.sha256_of(made), format="head",
        classes=(kind,), side=crops.shape[1], thresholds={kind: done.threshold}, licence="own",
        data_sha256=told, metrics={test_set: {kind: done.held_out.figures()}}, approved_by=approved_by,
    )  # fmt: skip
    at_work = registry.active(home).get(kind)
    before = {}
    if at_work is not None:
        head = Head(at_work)
        own = given_crops(coco.read(images, file).pictures, kind, head.side)[0]
        figures = score_judged(head.scores(own), positive, groups, threshold=head.threshold).figures()
        before = {kind: replace(at_work, metrics={test_set: {kind: figures}})}
    return registry.promote(home, model, before)
