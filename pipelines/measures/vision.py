"""Accuracy ``vision``: heads on given pictures, detectors on boxed frames, and the whole chain on rendered films.

Belongs here: which pictures each head is held against, and the order of the measures. Scoring stands in
``vision_jobs.evaluate``; the boxed frames in ``vision_persons``, the rendered films in ``vision_rendered``.

Never scored: a picture that the shipped head was trained on or that looks like one of those. The chef hat is measured on
a head trained on the spot, each recording's scene held out in turn, since no such picture may be part of the product.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from pipelines.measures.table import measure

_HATS: Final = "vision_rights_unclear/annotations/chefhat_train.json"
_NAMES: Final = (
    "no_mask_ap", "chef_hat_ap", "chef_hat_recall_p90", "smoking_ap", "flame_ap", "rendered_precision",
    "rendered_recall", "steam_events", "person_ap50", "person_ap50_yolox", "person_ap50_behind",
)  # fmt: skip
_BURNING: Final = "屏幕录制有帽子_000240.jpg"
"""The one frame of a kitchen in which a flame is seen."""
_SETS: Final = {"no_mask": "mask", "smoking": "smoking", "flame": "fire"}


def accuracy(
    *, seed: int, progress: Callable[[str], None], home: Path, data: Path | None = None
) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        seed: Seed of the training on the spot and of the rendered films.
        progress: Told what is being done, and figures that have no bar.
        home: Data home, where the figures of the training on the spot are kept.
        data: Folder of real data; without it only the rendered films are measured.
    """
    from pipelines.measures import vision_persons, vision_rendered

    found: dict[str, tuple[float | None, int]] = dict.fromkeys(_NAMES, (None, 0))
    if data is not None:
        found |= _given(data, progress)
        found |= _hats(data, seed, home, progress)
        found |= vision_persons.measure(home=home, data=data, progress=progress)

    found |= vision_rendered.measure(seed=seed, progress=progress)
    return [measure("vision", name, *found[name]) for name in _NAMES]


def _given(data: Path, progress: Callable[[str], None]) -> dict[str, tuple[float | None, int]]:
    """Shipped heads on the given pictures that they have not seen."""
    from vision_jobs import coco
    from vision_jobs.detect import ModelEyes
    from vision_jobs.registry import active
    from vision_jobs.unseen import score_unseen

    eyes = ModelEyes(active(None))
    found: dict[str, tuple[float | None, int]] = {}
    for kind, file in _SETS.items():
        if kind not in eyes.heads:
            progress(f"{kind}：没有随产品发布的模型，未测")
            continue
        labelled = coco.read(data / "vision", data / "vision" / "annotations" / f"{file}.json")
        kitchens = () if kind != "flame" else _kitchens(data)
        score = score_unseen(eyes.heads[kind], labelled.pictures, kitchens)
        progress(
            f"{kind}：AP {_text(score.ap)}（95% 区间 {_text(score.low)}–{_text(score.high)}），"
            f"{score.n} 例，其中违规 {score.positives}；阈值处精确率 {_text(score.precision)}，召回率 {_text(score.recall)}"
        )
        found[f"{kind}_ap"] = (_rounded(score.ap), score.n)
    return found


def _kitchens(data: Path) -> tuple[Any, ...]:
    """Frames of kitchens; their halves are taken as zones without a flame."""
    from vision_jobs import coco

    pictures = coco.read(data / "vision_rights_unclear", data / _HATS).pictures
    return tuple(one for one in pictures if not one.source.endswith(_BURNING))


def _hats(
    data: Path, seed: int, home: Path, progress: Callable[[str], None]
) -> dict[str, tuple[float | None, int]]:
    """Chef hats by a head trained on the spot; its figures are kept in the home, its weights are not."""
    from vision_jobs import coco
    from vision_jobs.registry import sha256_of
    from vision_jobs.train import city

    source = Path(city.__file__).parent
    told = [sha256_of(data / _HATS), seed, *(sha256_of(one) for one in sorted(source.glob("*.py")))]
    kept = home / "scratch" / "vision" / f"hats-{hashlib.sha256(repr(told).encode()).hexdigest()[:16]}.json"
    if kept.exists():
        figures = json.loads(kept.read_text(encoding="utf8"))
    else:
        progress("厨师帽：现场训练，逐段留出")
        done = city.held_out(
            coco.read(data / "vision_rights_unclear", data / _HATS),
            "no_hat",
            seed=seed,
            progress=progress,
        )[0]
        figures = done.held_out.figures() | {"recall_at_wanted": done.recall_at_wanted}
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(figures), encoding="utf8")
    progress(
        f"no_hat：95% 区间 {_text(figures['low'])}–{_text(figures['high'])}，{figures['groups']} 段，"
        f"{figures['n']} 例，其中无帽 {figures['positives']}"
    )
    return {
        "chef_hat_ap": (_rounded(figures["ap"]), figures["n"]),
        "chef_hat_recall_p90": (_rounded(figures["recall_at_wanted"]), figures["positives"]),
    }


def _text(value: float | None) -> str:
    return "无" if value is None else f"{value:.3f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
