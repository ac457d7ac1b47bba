"""Training learns what is planted, keeps groups apart, and writes files that say the same as the network."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (the vision extra); inference does not")

from vision_jobs import coco  # noqa: E402
from vision_jobs.boxes import overlap  # noqa: E402
from vision_jobs.detect import CLASSES, Canteen  # noqa: E402
from vision_jobs.heads import Head as Judge  # noqa: E402
from vision_jobs.heads import normalised  # noqa: E402
from vision_jobs.model import Box  # noqa: E402
from vision_jobs.registry import Model, sha256_of  # noqa: E402
from vision_jobs.train import scenes, shipped  # noqa: E402
from vision_jobs.train.backbone import Backbone  # noqa: E402
from vision_jobs.train.city import START, STARTS, held_out, train  # noqa: E402
from vision_jobs.train.coco_start import from_fastestdet  # noqa: E402
from vision_jobs.train.detector import CanteenNet, centres, targets  # noqa: E402
from vision_jobs.train.develop import develop, folds  # noqa: E402
from vision_jobs.train.export import export_detector, export_head  # noqa: E402
from vision_jobs.train.heads import RECIPES, logits, platt  # noqa: E402
from warehouse.errors import Permanent  # noqa: E402

QUICK = replace(RECIPES["no_hat"], side=64, views=1, epochs=8, networks=2)


def planted(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Crops with noise; a violation has a dark top, the rest a bright one."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(int)
    crops = rng.integers(60, 190, (n, 64, 64, 3))
    crops[:, :24] += np.where(labels == 1, -50, 50)[:, None, None, None]
    return crops.clip(0, 255).astype(np.uint8), labels


def test_a_head_learns_and_its_file_says_the_same_as_the_network(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    crops, labels = planted(96, 1)
    done = develop(crops, labels, np.arange(96) // 3, QUICK, seed=1, backbone=START, count=2)
    assert len(done.heads) == QUICK.networks
    assert done.held_out.ap is not None
    assert done.held_out.ap > 0.95
    path = tmp_path / "head.onnx"
    export_head(done.heads, QUICK, done.calibration, path)
    model = Model("h", "1", path, sha256_of(path), "head", ("no_hat",), 64, {"no_hat": done.threshold}, "own")
    fresh, truth = planted(20, 2)
    told = Judge(model).scores(fresh)
    scale, offset = done.calibration
    assert told == pytest.approx(
        1 / (1 + np.exp(-(scale * logits(done.heads, fresh, QUICK.zooms) + offset))), abs=1e-4
    )
    assert ((told >= done.threshold) == truth.astype(bool)).mean() > 0.9


def test_platt_gives_back_the_probabilities_that_were_planted() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, 20_000)
    labels = (rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * scores - 1)))).astype(int)
    assert platt(scores, labels) == (pytest.approx(0.5, abs=0.05), pytest.approx(-1, abs=0.06))


@pytest.mark.parametrize("seed", range(5))
def test_folds_keep_groups_whole_and_hold_both_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 20, 200)
    labels = (rng.random(20) < 0.5)[groups].astype(int)  # as in recordings, a group has one class
    of = folds(groups, labels, 3, seed=seed)
    for group in np.unique(groups):
        assert len(set(of[groups == group])) == 1
    for fold in range(3):
        assert {0, 1} == set(labels[of == fold])


def test_a_city_starts_from_weights_of_the_same_backbone() -> None:
    for file in (START, *STARTS.values()):
        Backbone().start_from(file)


def test_who_smokes_unseen_from_behind_teaches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = np.full((180, 320, 3), 90, np.uint8)
    box = Box(0.3, 0.2, 0.7, 0.9)
    people = [
        {
            "person": box, "head": None, "face": box if faces else None, "hat": True, "mask": None,
            "mask_on_chin": None, "smoking": smokes, "share": 1.0,
        }
        for smokes in (True, False)
        for faces in (True, False)
    ]  # fmt: skip
    monkeypatch.setattr(scenes, "stills", lambda *_, **__: iter([(frame, [], people)]))
    sides = dict.fromkeys(RECIPES, 64)
    made = scenes.rendered(1, 1, sides, view=1, width=320, height=180)[1]["smoking"]
    assert made.labels.tolist() == [1, 0, 0]


def test_drawn_smokers_are_not_lost_among_those_who_do_not_smoke() -> None:
    labels = (np.arange(60) % 12 == 0).astype(int)
    crops = np.zeros((60, 8, 8, 3), np.uint8) + labels[:, None, None, None].astype(np.uint8)
    kept = shipped.evened(scenes.Crops(crops, labels, np.arange(60)))
    assert (kept.labels.sum(), len(kept.labels)) == (5, 20)
    assert (kept.crops[:, 0, 0, 0] == kept.labels).all()
    assert (kept.labels == labels[kept.groups]).all()


def test_every_box_has_a_cell_that_answers_and_small_ones_go_first() -> None:
    middles, strides = centres(224, 384)
    boxes = torch.tensor([[10.0, 10, 18, 20], [40, 20, 130, 210], [50, 24, 66, 44], [0, 0, 384, 224]])
    answers, sides = targets(boxes, middles, strides)
    low, high = middles - sides[:, :2], middles + sides[:, 2:]
    regained = torch.cat((low, high), 1)[answers].numpy()
    best = overlap(boxes.numpy(), regained).max(1)
    assert (best > 0.99).all()
    assert not targets(torch.zeros(0, 4), middles, strides)[0].any()


def test_the_detectors_file_takes_frames_of_any_size(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "d.onnx"
    export_detector(CanteenNet().eval(), path)
    model = Model(
        "d", "1", path, sha256_of(path), "canteen", CLASSES, 384, dict.fromkeys(CLASSES, 0.001), "own"
    )
    eyes = Canteen(model)
    for shape in ((90, 160), (480, 270), (360, 640)):
        found = eyes.find(np.full((*shape, 3), 90, np.uint8))
        assert {one.kind for one in found} == set(CLASSES)


def test_a_file_of_folded_layers_becomes_a_backbone_that_says_the_same_and_can_be_trained(
    tmp_path: Path,
) -> None:
    torch.manual_seed(3)
    origin = Backbone().train()
    with torch.no_grad():
        origin(torch.rand(8, 3, 96, 96))  # so that there is something to fold
    file = tmp_path / "folded.onnx"
    torch.onnx.export(origin.eval(), (torch.rand(1, 3, 96, 96),), str(file), dynamo=False)
    pictures = np.random.default_rng(0).integers(0, 255, (6, 192, 192, 3)).astype(np.uint8)
    found = from_fastestdet(file, pictures)
    crops = torch.from_numpy(normalised(pictures))
    with torch.no_grad():
        wanted = origin.early(torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255))
        inside = (..., slice(8, 16), slice(8, 16))  # the edge of a picture is black there and grey here
        assert found.early(crops)[inside] == pytest.approx(wanted[inside], abs=1e-3)
        told = found(crops)[2]
        assert found.train()(crops)[2] == pytest.approx(told, abs=1e-2)
    torch.onnx.export(CanteenNet().eval().tower, (torch.rand(1, 64, 8, 8),), str(file), dynamo=False)
    with pytest.raises(Permanent, match="not FastestDet"):
        from_fastestdet(file, pictures)


def test_weights_that_are_no_plain_tensors_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.pth"
    torch.save(CanteenNet(), file)
    with pytest.raises(Permanent, match=r"w\.pth"):
        Backbone().start_from(file)


def test_a_city_trains_a_head_that_is_registered_with_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RECIPES, "no_mask", replace(QUICK, epochs=4))
    monkeypatch.setattr("vision_jobs.registry.SHIPPED", tmp_path / "none")
    file = city_set(tmp_path, 48)
    made = train(
        tmp_path / "home", tmp_path, file, "no_mask", approved_by="李四", seed=1, progress=lambda _: None
    )
    ((test_set, figures),) = made.metrics.items()
    assert test_set.startswith("held out of")
    assert figures["no_mask"]["n"] == 48
    assert made.approved_by == "李四"
    with pytest.raises(Permanent, match="label at least"):
        held_out(coco.Coco(coco.read(tmp_path, file).pictures[:10], ()), "no_mask", seed=1)
    with pytest.raises(Permanent, match="unknown head shoes"):
        train(tmp_path, tmp_path, file, "shoes", approved_by="李四", seed=1, progress=lambda _: None)


def city_set(base: Path, n: int) -> Path:
    """Pictures of one face each, in recordings of three frames."""
    import json

    crops, labels = planted(n, 3)
    for number, crop in enumerate(crops):
        tinted = np.clip(crop.astype(int) + np.random.default_rng(number // 2).integers(-60, 60, 3), 0, 255)
        cv2.imwrite(str(base / f"rec{chr(97 + number // 2 % 26)}_{number}.png"), tinted.astype(np.uint8))
    names = {one.stem.rpartition("_")[2]: one.name for one in base.glob("rec*.png")}
    told = {
        "images": [{"id": k, "file_name": names[str(k)]} for k in range(n)],
        "categories": [{"id": 1, "name": "face_no_mask"}, {"id": 2, "name": "face_mask"}],
        "annotations": [
            {"image_id": k, "category_id": 1 if labels[k] else 2, "bbox": [8, 8, 48, 48]} for k in range(n)
        ],
    }
    file = base / "city.json"
    file.write_text(json.dumps(told))
    return file
