"""Accuracy ``vision``: how well detectors find persons on frames boxed by hand, ours beside an open one.

Belongs here: the frames of ``persons_by_hand.json``, and which detectors are held against them. The boxes were drawn by
eye before any detector was run on these frames; whoever trains a detector leaves the frames out. Scoring stands in
``vision_jobs.evaluate``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np

from vision_jobs import coco, probe, registry
from vision_jobs.coco import Picture
from vision_jobs.evaluate import Score, score_detector
from vision_jobs.registry import Model
from warehouse.errors import Permanent

FILE: Final = Path(__file__).with_name("persons_by_hand.json")
_FILM: Final = ".mp4"
_OPEN: Final = "vision/models/yolox_nano.onnx"
_PARTS: Final = {"影片": True, "厨房画面": False}


@dataclass(frozen=True, slots=True)
class _Frame(Picture):
    """A frame of a film, decoded."""

    decoded: np.ndarray

    def pixels(self) -> np.ndarray:
        return self.decoded


def measure(
    *, home: Path, data: Path, progress: Callable[[str], None]
) -> dict[str, tuple[float | None, int]]:
    """Average precision at an overlap of 0.5 of the shipped detector and of the open one, and how far local weights
    stay behind it.

    Args:
        home: Data home; a detector trained there is measured too.
        data: Folder of real data.
        progress: Told the interval of each, and the figures of films and kitchens apart.

    Returns:
        Name -> value and persons to be found; no value for local weights where the home has none.
    """
    given = pictures(data)
    shipped = registry.active(None)["person"]
    local = registry.active(home)["person"]
    ours = scored(shipped, given, progress)
    open_one = scored(registry.described(data / _OPEN), given, progress)
    found = {
        "person_ap50": (_rounded(ours.ap), ours.positives),
        "person_ap50_yolox": (_rounded(open_one.ap), open_one.positives),
    }
    if local.sha256 == shipped.sha256 or local.sha256 in registry.KNOWN:
        return found
    theirs = scored(local, given, progress)
    behind = None if theirs.ap is None or open_one.ap is None else open_one.ap - theirs.ap
    return found | {"person_ap50_behind": (_rounded(behind), theirs.positives)}


def scored(model: Model, given: Collection[Picture], progress: Callable[[str], None]) -> Score:
    """Score one detector on all frames, and tell the figures of films and kitchens apart."""
    whole = score_detector(model, list(given), "person")
    parts = {
        name: score_detector(model, [one for one in given if isinstance(one, _Frame) == film], "person")
        for name, film in _PARTS.items()
    }
    told = "；".join(f"{name} {_figures(score)}" for name, score in {"全部": whole, **parts}.items())
    progress(f"person，{model.name}：AP50 {told}")
    return whole


def pictures(data: Path) -> list[Picture]:
    """The boxed frames.

    Args:
        data: Folder of real data.

    Raises:
        Permanent: A file is missing or not the one that was boxed.
    """
    told = json.loads(FILE.read_text(encoding="utf8"))
    for name, digest in {one["file_name"]: one["sha256"] for one in told["images"]}.items():
        path = data / name
        if not path.is_file() or registry.sha256_of(path) != digest:
            raise Permanent(f"{path} is missing or not the file that was boxed; fetch it again")
    found: list[Picture] = []
    for path, group in groupby(coco.read(data, FILE).pictures, key=lambda one: one.path):
        wanted = list(group)
        found += _frames(path, wanted) if path.suffix == _FILM else wanted
    return found


def _frames(path: Path, wanted: list[Picture]) -> list[Picture]:
    with probe.opened(path) as container:
        numbers = {one.frame for one in wanted}
        shown = enumerate(container.decode(probe.video(container)))
        decoded = {at: frame.to_ndarray(format="bgr24") for at, frame in shown if at in numbers}
    return [_Frame(one.path, one.source, one.tags, one.boxes, decoded[one.frame]) for one in wanted]


def _figures(score: Score) -> str:
    values = (score.ap, score.low, score.high, score.precision, score.recall)
    ap, low, high, precision, recall = ("无" if one is None else f"{one:.3f}" for one in values)
    return (
        f"{ap}（95% 区间 {low}–{high}，{score.positives} 人，{score.groups} 帧，"
        f"阈值处精确率 {precision}，召回率 {recall}）"
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
