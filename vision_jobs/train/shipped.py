"""The models that come with the product, made again from open data and rendered kitchens.

Belongs here: what each shipped model learns from and is held against. Each part is kept in the work folder, so that an
interrupted run goes on. Frames of unclear rights are not among its inputs.

Run as ``python -m vision_jobs.train.shipped DATA WORK``: ``DATA`` is the folder of real data (with ``vision`` in it),
``WORK`` any folder. Writes ``vision_jobs/models``.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import safetensors.torch
import torch

from vision_jobs import card, coco, registry
from vision_jobs.coco import Picture
from vision_jobs.detect import CLASSES, Canteen, open_detector
from vision_jobs.evaluate import Score, given_crops, match, recall_at, score_judged, score_matched
from vision_jobs.heads import KINDS, Head
from vision_jobs.registry import KNOWN, Model, sha256_of
from vision_jobs.train import scenes
from vision_jobs.train.city import START, STARTS
from vision_jobs.train.coco_start import from_fastestdet
from vision_jobs.train.detector import CanteenNet, Scene, fit
from vision_jobs.train.develop import WANTED, develop
from vision_jobs.train.export import export_detector, export_head
from vision_jobs.train.heads import RECIPES, start, views
from vision_jobs.train.heads import fit as fit_head
from vision_jobs.unseen import score_unseen, unseen, write_seen

_SEED: Final = 101
_RENDERED: Final = 400
_TEST: Final = 120
_LARGE: Final = 640
"""Pictures as large as a camera's, from which the heads of ``_FROM_LARGE`` learn. Every second person smokes: in everyday
work few do, and of these fewer show their face."""
_FROM_LARGE: Final = ("no_hat",)
_ROUNDS: Final = (
    {"epochs": 14, "rate": 3e-3, "batch": 16, "grids": ((1, 1), (2, 1), (3, 2), (3, 2), (4, 3))},
    {"epochs": 10, "rate": 2e-3, "batch": 8, "grids": ((1, 1), (1, 1), (1, 1), (2, 1), (3, 2), (4, 3))},
)
"""How the detector is trained, each time with other parts of the same pictures."""
_PICTURES: Final = 520
"""Real pictures that the detector sees, about."""
_MEASURED: Final = 70
"""Real pictures over which the backbone's normalisation is measured, about."""
_REAL: Final = {"no_mask": "mask", "smoking": "smoking"}
_SHORTER: Final = {
    "no_hat": {"views": 3, "epochs": 10, "networks": 3, "zooms": (1.0,)},
    "flame": {"views": 2, "epochs": 8},
}
"""Rendered crops are many and alike: fewer passes do; and a shipped file is small and quick."""
_FINE: Final = 3
"""Rendered cooks who do not smoke, to each who does."""
_HELD: Final = 5
"""One of so many groups of look-alikes is held out of training."""
_LICENCE: Final = "own; early layers from dog-qiuqiu/FastestDet, BSD-3-Clause"


def main() -> None:
    """Make every model."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    data, work = Path(sys.argv[1]), Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    _detector(data, work)
    for kind in ("no_hat", "no_mask", "flame", "smoking"):
        _head(kind, data, work)
        _score(kind, data, work)
    _hats_start(work)
    card.write()


def _say(line: str) -> None:
    print(f"[{time.process_time():7.1f}s] {line}", flush=True)


def _rendered(
    work: Path, name: str, seed: int, count: int, view: int
) -> tuple[list[Scene], dict[str, scenes.Crops]]:
    file = work / f"{name}.npz"
    if not file.exists():
        sides = {kind: RECIPES[kind].side for kind in KINDS}
        made = scenes.rendered(seed, count, sides, view=view, width=768, height=432)
        scenes.save(file, *made)
        _say(f"rendered {count} pictures: {name}")
    return scenes.load(file)


def _crops(kind: str, work: Path) -> scenes.Crops:
    """Rendered crops that a head learns from."""
    if kind not in _FROM_LARGE:
        return _rendered(work, "train", _SEED, _RENDERED, _SEED)[1][kind]
    file = work / "smokers.npz"
    if not file.exists():
        sides, seed = {one: RECIPES[one].side for one in KINDS}, _SEED + 202
        _, crops = scenes.rendered(seed, _LARGE, sides, view=seed, smokers=True)
        scenes.save(file, [], crops)
        _say(f"rendered {_LARGE} pictures: smokers")
    return scenes.load(file)[1][kind]


def _alike(pictures: Sequence[Picture]) -> np.ndarray:
    """Group (n,) of each picture: the first that looks like it."""
    return coco.look_alikes(np.array([coco.fingerprint(one.pixels()) for one in pictures], np.uint64))


def _parts(pictures: tuple[Picture, ...]) -> tuple[list[Picture], list[Picture]]:
    """Pictures to train on, and those held out; look-alikes stay together."""
    groups = _alike(pictures)
    held = np.array([hashlib.sha256(pictures[k].source.encode()).digest()[0] % _HELD == 0 for k in groups])
    return [p for p, h in zip(pictures, held, strict=True) if not h], [
        p for p, h in zip(pictures, held, strict=True) if h
    ]


def _labelled(data: Path, name: str) -> tuple[Picture, ...]:
    return coco.read(data / "vision", data / "vision" / "annotations" / f"{name}.json").pictures


def _head(kind: str, data: Path, work: Path) -> None:
    done = work / f"{kind}.done"
    if done.exists():
        return
    recipe = replace(RECIPES[kind], **_SHORTER.get(kind, {}))
    crops = _crops(kind, work)
    if kind == "smoking":
        crops = evened(crops)
    shown, labels, groups = crops.crops, crops.labels, crops.groups
    learnt: list[Picture] = []
    if kind in _REAL:
        learnt = _parts(_labelled(data, _REAL[kind]))[0]
        real, positive, of = given_crops(learnt, kind, recipe.side)
        shown, labels = np.concatenate([real, shown]), np.concatenate([positive.astype(int), labels])
        groups = np.concatenate([_alike(learnt)[of], groups + len(learnt)])
    elif kind == "flame":
        # Pictures of people show no open flame: what is warm and bright there is something else.
        learnt = [one for name in _REAL.values() for one in _parts(_labelled(data, name))[0][::4]]
        real = given_crops(learnt, kind, recipe.side)[0]
        shown, labels = np.concatenate([real, shown]), np.concatenate([np.zeros(len(real), int), labels])
        groups = np.concatenate([np.arange(len(learnt)), groups + len(learnt)])
    _say(f"{kind}: {len(shown)} crops, {labels.mean():.2f} violating")
    found = develop(
        shown, labels, groups, recipe, seed=_SEED, backbone=_persons_known(data, work), progress=_say
    )
    for name, rows in (("pictures", groups < len(learnt)), ("rendered", groups >= len(learnt))):
        if rows.any():
            held = score_judged(
                found.scores[rows], labels[rows].astype(bool), groups[rows], threshold=found.threshold
            )
            _say(f"{kind} held out, {name}: {held.figures()}")
    write_seen(kind, learnt)
    path = registry.SHIPPED / f"{kind}.onnx"
    export_head(found.heads, recipe, found.calibration, path)
    told = hashlib.sha256(np.ascontiguousarray(shown).tobytes() + labels.tobytes()).hexdigest()
    model = Model(
        name=kind, version="1", path=path, sha256=sha256_of(path), format="head", classes=(kind,), side=recipe.side,
        thresholds={kind: found.threshold}, licence=_LICENCE, data_sha256=told, approved_by="product",
        experimental=kind == "no_hat",
    )  # fmt: skip
    _register(model, {})
    done.touch()


def evened(crops: scenes.Crops) -> scenes.Crops:
    """Every violation, and ``_FINE`` times as many others: else a head learns that no drawn cook ever smokes."""
    others = np.flatnonzero(crops.labels == 0)
    wanted = min(len(others), _FINE * int(crops.labels.sum()))
    chosen = np.random.default_rng(_SEED).choice(others, wanted, replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(crops.labels), chosen]))
    return scenes.Crops(crops.crops[kept], crops.labels[kept], crops.groups[kept])


def _hats_start(work: Path) -> None:
    """Weights that know drawn hats, for a city's own hat head to start from."""
    recipe = replace(RECIPES["no_hat"], **_SHORTER["no_hat"])
    crops = _rendered(work, "train", _SEED, _RENDERED, _SEED)[1]["no_hat"]
    network = start(START, seed=_SEED)
    seen = views(network, crops.crops, recipe, seed=_SEED)
    fitted = fit_head(network, seen, crops.labels, recipe, seed=_SEED)
    safetensors.torch.save_file(fitted.backbone.state_dict(), STARTS["no_hat"])


def _score(kind: str, data: Path, work: Path) -> None:
    """Figures of a registered head on what it has not seen."""
    model = registry.active(None)[kind]
    figures = {"rendered kitchens": _on_rendered(model, work)}
    if kind in _REAL:
        test_set = f"{_REAL[kind]}, pictures not trained on"
        figures[test_set] = score_unseen(Head(model), _labelled(data, _REAL[kind]))
    elif kind == "flame":
        figures["fire, all 34"] = score_unseen(
            Head(model), [*_labelled(data, "fire"), *unseen("flame", _labelled(data, "mask"))[::4]]
        )
    _register(model, {name: {kind: one.figures()} for name, one in figures.items()})
    for name, one in figures.items():
        _say(f"{kind} on {name}: {one.figures()}")


def _on_rendered(model: Model, work: Path) -> Score:
    kind = model.classes[0]
    crops = _rendered(work, "test", _SEED + 101, _TEST, _SEED + 101)[1][kind]
    scores = Head(model).scores(crops.crops)
    return score_judged(scores, crops.labels.astype(bool), crops.groups, threshold=model.thresholds[kind])


def _detector(data: Path, work: Path) -> None:
    if (work / "detector.done").exists():
        return
    torch.manual_seed(_SEED)
    network = CanteenNet()
    network.backbone.start_from(_persons_known(data, work))
    told = hashlib.sha256()
    for number, how in enumerate(_ROUNDS):
        view, name = _SEED + number, "train" if not number else f"train-{number}"
        pictures = _rendered(work, name, _SEED, _RENDERED, view)[0] + _real_scenes(data, how["grids"], view)
        _say(f"detector: {len(pictures)} pictures")
        for one in pictures:
            told.update(one.frame.tobytes())
        network = fit(
            network, pictures, epochs=how["epochs"], rate=how["rate"], batch=how["batch"], seed=view,
            keep=work / f"detector-{number}.pt", progress=_say,
        )  # fmt: skip
    path = registry.SHIPPED / "canteen.onnx"
    export_detector(network, path)
    safetensors.torch.save_file(network.backbone.state_dict(), START)
    model = Model(
        name="canteen", version="1", path=path, sha256=sha256_of(path), format="canteen", classes=CLASSES,
        side=scenes.SIDE, thresholds=dict.fromkeys(CLASSES, 0.05), licence=_LICENCE,
        data_sha256=told.hexdigest(), approved_by="product",
    )  # fmt: skip
    figures, thresholds = _detected(model, _rendered(work, "test", _SEED + 101, _TEST, _SEED + 101)[0])
    _register(replace(model, thresholds=thresholds), {"rendered kitchens": figures})
    _say(f"detector: {figures}, thresholds {thresholds}")
    (work / "detector.done").touch()


def _persons_known(data: Path, work: Path) -> Path:
    """Where every network starts: backbone weights trained on COCO."""
    file = work / "start.safetensors"
    if not file.exists():
        pictures = [one for name in _REAL.values() for one in _parts(_labelled(data, name))[0]]
        few = [cv2.resize(one.pixels(), (192, 192)) for one in pictures[:: len(pictures) // _MEASURED]]
        backbone = from_fastestdet(data / "vision" / "models" / "FastestDet.onnx", np.stack(few))
        safetensors.torch.save_file(backbone.state_dict(), file)
    return file


def _real_scenes(data: Path, grids: scenes.Grids, view: int) -> list[Scene]:
    """Real pictures with the boxes of the open detectors."""
    models = {
        row["name"]: Model(version="1", path=data / "vision" / "models" / file, sha256=digest, **row)
        for digest, row in KNOWN.items()
        for file in (f"{row['name']}.onnx", f"{row['name']}_n_dynamic.onnx")
        if (data / "vision" / "models" / file).is_file()
    }
    persons, faces = open_detector(models["yolox_nano"]), open_detector(models["yunet"])
    learnt = [one for name in _REAL.values() for one in _parts(_labelled(data, name))[0]]
    pictures = [one.pixels for one in learnt[:: len(learnt) // _PICTURES]]
    return scenes.pseudo_labelled(pictures, (("person", persons), ("face", faces)), grids, seed=view)


def _detected(model: Model, test: list[Scene]) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """AP50 per class on rendered pictures never trained on, and the thresholds."""
    detector = Canteen(model)
    figures, thresholds = {}, {}
    seen = [detector.find(one.frame) for one in test]
    for kind in CLASSES:
        matched = []
        for one, found in zip(test, seen, strict=True):
            rows, columns = one.frame.shape[:2]
            own = [each for each in found if each.kind == kind]
            corners = np.array([(b.x1, b.y1, b.x2, b.y2) for b in (each.box for each in own)], float)
            scores = np.array([each.score for each in own], float)
            truth = one.boxes[kind]
            matched.append(
                match(
                    corners.reshape(-1, 4) * [columns, rows, columns, rows],
                    scores,
                    truth,
                    np.zeros(len(truth), bool),
                    0.5,
                )
            )
        scores = np.concatenate([one.scores for one in matched])
        right = np.concatenate([one.right for one in matched])
        truths = sum(one.truths for one in matched)
        thresholds[kind] = _THRESHOLD[kind](scores, right, truths)
        scored = score_matched(matched, np.arange(len(test)), threshold=thresholds[kind])
        figures[kind] = scored.figures()
    return figures, thresholds


def _sure(scores: np.ndarray, right: np.ndarray, _truths: int) -> float:
    """Lowest score with precision 0.9: who is seen counts as present, and nothing judges that again."""
    return recall_at(scores, right, WANTED)[1]


def _balanced(scores: np.ndarray, right: np.ndarray, truths: int) -> float:
    """Score from which F1 is highest: heads judge again what is found."""
    order = np.argsort(-scores, kind="stable")
    f1 = 2 * np.cumsum(right[order]) / (np.arange(1, len(order) + 1) + truths)
    return float(scores[order][int(f1.argmax())])


_THRESHOLD: Final = {"person": _sure, "face": _balanced, "head": _balanced}


def _register(model: Model, metrics: dict[str, dict[str, dict[str, float]]]) -> None:
    others = [one for one in registry.read(registry.SHIPPED) if one.name != model.name]
    registry.write(
        registry.SHIPPED, sorted([*others, replace(model, metrics=metrics)], key=lambda one: one.name)
    )


if __name__ == "__main__":
    main()
