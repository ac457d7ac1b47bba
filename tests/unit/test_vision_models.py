"""What the models are shown, how open detectors are read, and what is shipped."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from real_data import folder

from vision_jobs import coco, registry
from vision_jobs.boxes import overlap
from vision_jobs.detect import open_detector
from vision_jobs.evaluate import JUDGED, given_crops
from vision_jobs.heads import KINDS, cut, region
from vision_jobs.model import Box, Detection
from vision_jobs.registry import KNOWN, Model
from warehouse.errors import Permanent

PERSON = Box(0.4, 0.3, 0.6, 0.9)


def corners(found: list[Detection], height: int, width: int) -> np.ndarray:
    rows = [(one.box.x1, one.box.y1, one.box.x2, one.box.y2) for one in found]
    return np.array(rows, float).reshape(-1, 4) * [width, height, width, height]


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_lies_in_the_frame_and_moves_with_its_box(kind: str) -> None:
    first = region(kind, PERSON, 500, 1000)
    moved = region(kind, Box(0.5, 0.4, 0.7, 1.0), 500, 1000)
    assert moved[0] - first[0] == 100
    assert moved[1] - first[1] == 50
    edge = region(kind, Box(-0.2, -0.2, 1.2, 1.2), 500, 1000)
    assert min(edge) >= 0
    assert edge[2] <= 1000
    assert edge[3] <= 500
    outside = region(kind, Box(1.3, 1.3, 1.5, 1.5), 500, 1000)
    assert cut(np.zeros((500, 1000, 3), np.uint8), outside, 64) is None


def test_the_hat_region_reaches_above_the_person_by_two_fifths_of_the_head() -> None:
    x1, y1, x2, y2 = region("no_hat", PERSON, 1000, 1000)
    assert (x2 - x1, 300 - y1) == (pytest.approx(208, abs=2), pytest.approx(80, abs=1))
    assert y2 - 300 == pytest.approx(0.72 * 200, abs=1)


def test_the_hat_region_is_the_one_that_the_labels_of_real_frames_use() -> None:
    base = folder("vision_rights_unclear")
    labelled = coco.read(base, base / "annotations" / "chefhat_train.json")
    nearest = []
    for picture in labelled.pictures[::4]:
        persons = [one.corners for one in picture.boxes if one.category == "person"]
        height, width = picture.pixels().shape[:2]
        ours = np.array(
            [region("no_hat", Box(a / width, b / height, c / width, d / height), height, width) for a, b, c, d in persons],
            float,
        )  # fmt: skip
        truth = [one.corners for one in picture.boxes if one.category.startswith("head_")]
        if truth:
            nearest += overlap(np.array(truth), ours).max(1).tolist()
    assert len(nearest) > 40
    assert np.median(nearest) > 0.97
    assert np.mean(np.array(nearest) > 0.9) > 0.85  # a few were drawn for a person box that is not listed


def test_yolox_finds_the_person_whom_the_labels_of_the_same_file_name() -> None:
    eyes = open_detector(known("yolox_nano.onnx"))
    base = folder("vision")
    pictures = coco.read(base, base / "annotations" / "smoking.json").pictures[::90]
    best = []
    for picture in pictures:
        pixels = picture.pixels()
        truth = np.array([one.corners for one in picture.boxes])
        if len(truth):
            best.append(overlap(truth, corners(eyes.find(pixels), *pixels.shape[:2])).max())
    assert len(best) >= 9
    assert np.median(best) > 0.97


def test_yunet_finds_faces_that_people_boxed() -> None:
    eyes = open_detector(known("yunet_n_dynamic.onnx"))
    base = folder("vision")
    pictures = coco.read(base, base / "annotations" / "mask.json").pictures[::40]
    found = []
    for picture in pictures:
        pixels = picture.pixels()
        truth = np.array([one.corners for one in picture.boxes])
        large = truth[truth[:, 3] - truth[:, 1] >= 24]
        boxes = corners(eyes.find(pixels), *pixels.shape[:2])
        if len(large) and len(boxes):
            found += (overlap(large, boxes).max(1) > 0.4).tolist()
    assert len(found) > 20
    assert np.mean(found) > 0.85


def known(name: str) -> Model:
    path = folder("vision", "models", name)
    digest = registry.sha256_of(path)
    return Model(version="1", path=path, sha256=digest, **KNOWN[digest])


def test_coco_files_are_read_whole_or_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 60, 3), 90, np.uint8))
    text = (
        '{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 2, "name": "face_no_mask"}],'
        ' "annotations": [{"image_id": 1, "category_id": 2, "bbox": [10, 5, 20, 30], "iscrowd": 1},'
        ' {"image_id": 1, "category_id": 2, "bbox": [1, 2, 30, 30]}]}'
    )
    file = tmp_path / "coco.json"
    file.write_text(text)
    (picture,) = coco.read(tmp_path, file).pictures
    assert [(one.corners, one.ignore) for one in picture.boxes] == [
        ((10, 5, 30, 35), True),
        ((1, 2, 31, 32), False),
    ]
    crops, positive, of = given_crops([picture], "no_mask", 32)
    assert (crops.shape, positive.tolist(), of.tolist()) == (
        (1, 32, 32, 3),
        [True],
        [0],
    )  # the crowd is left out
    for harm in (
        text.replace("a.png", "../a.png"),
        text.replace('"bbox"', '"box"'),
        "{",
        text.replace(": 2", ": 7", 1),
    ):
        file.write_text(harm)
        with pytest.raises(Permanent, match=r"coco\.json"):
            coco.read(tmp_path, file)


def test_frames_of_one_scene_stand_on_one_side_and_scenes_that_end_do_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    hues = [20, 20, 90, 20, 150, 150]  # the third is a shot in between; then another scene
    pictures = []
    for number, hue in enumerate(hues):
        pixels = rng.integers(0, 255, (90, 160, 3)).astype(np.uint8)
        pixels[..., 0] = hue
        path = tmp_path / f"film_{number:03d}.png"
        cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_HSV2BGR))
        pictures.append(coco.Picture(path, path.name, (), ()))
    groups = coco.takes(pictures)
    assert len(set(groups[:4])) == 1
    assert len(set(groups[4:])) == 1
    assert groups[0] != groups[4]


def test_every_category_that_a_head_answers_for_names_a_head() -> None:
    assert {kind for kind, _ in JUDGED.values()} == set(KINDS)
