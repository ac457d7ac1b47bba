"""Persons boxed by hand: the frames are those that were boxed, and detectors are scored on them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import real_data

from pipelines.measures import vision_persons
from vision_jobs import registry
from vision_jobs.boxes import overlap
from vision_jobs.coco import Labelled
from vision_jobs.evaluate import score_detector
from warehouse.errors import Permanent


def test_at_least_300_persons_are_boxed_each_in_its_frame_and_none_twice() -> None:
    told = json.loads(vision_persons.FILE.read_text(encoding="utf8"))
    persons = [one for one in told["annotations"] if not one["iscrowd"]]
    assert len(persons) >= 300
    assert len({(one["image_id"], *one["bbox"]) for one in told["annotations"]}) == len(told["annotations"])
    assert {one["image_id"] for one in told["annotations"]} <= {one["id"] for one in told["images"]}
    frames = [(one["file_name"], one.get("source")) for one in told["images"]]
    assert len(set(frames)) == len(frames)
    for number in {one["image_id"] for one in persons}:
        x, y, width, height = np.array([one["bbox"] for one in persons if one["image_id"] == number]).T
        corners = np.stack([x, y, x + width, y + height], 1).astype(float)
        assert (np.triu(overlap(corners, corners), 1) < 0.75).all()


def test_the_boxed_frames_are_found_and_every_box_lies_in_its_frame() -> None:
    given = vision_persons.pictures(real_data.folder("vision").parent)
    prints = set()
    for picture in given:
        pixels = picture.pixels()
        height, width = pixels.shape[:2]
        for box in picture.boxes:
            x1, y1, x2, y2 = box.corners
            assert 0 <= x1 < x2 <= width, picture.source
            assert 0 <= y1 < y2 <= height, picture.source
        prints.add(pixels.tobytes())
    assert len(prints) == len(given) >= 200


def test_another_file_than_the_boxed_one_is_refused(tmp_path: Path) -> None:
    told = json.loads(vision_persons.FILE.read_text(encoding="utf8"))
    first = tmp_path / told["images"][0]["file_name"]
    first.parent.mkdir(parents=True)
    first.write_bytes(b"another")
    with pytest.raises(Permanent, match="not the file that was boxed"):
        vision_persons.pictures(tmp_path)


def test_the_open_detector_finds_the_persons_of_the_short_films_and_moved_boxes_do_not_count() -> None:
    data = real_data.folder("vision").parent
    model = registry.described(data / "vision" / "models" / "yolox_nano.onnx")
    given = [one for one in vision_persons.pictures(data) if one.source.startswith("worker-zone")]
    score = score_detector(model, given, "person")
    assert (score.groups, score.positives) == (24, 24)
    assert score.ap is not None
    assert score.ap > 0.9
    moved = [replace(one, boxes=tuple(_moved(box) for box in one.boxes)) for one in given]
    assert score_detector(model, moved, "person").ap == 0


def test_a_detector_of_the_home_is_held_against_the_open_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = real_data.folder("vision").parent
    few = vision_persons.pictures(data)[::15]
    monkeypatch.setattr(vision_persons, "pictures", lambda data: few)
    told: list[str] = []
    found = vision_persons.measure(home=tmp_path, data=data, progress=told.append)
    assert set(found) == {"person_ap50", "person_ap50_yolox"}
    added = registry.add(tmp_path, data / "vision" / "models" / "person_192.onnx", approved_by="test")
    monkeypatch.delitem(registry.KNOWN, added.sha256)  # an open detector is nobody's local weights
    found = vision_persons.measure(home=tmp_path, data=data, progress=told.append)
    theirs = score_detector(added, few, "person").ap
    assert theirs is not None
    assert 0 < theirs < 1
    assert found["person_ap50_behind"][0] == pytest.approx(found["person_ap50_yolox"][0] - theirs, abs=1e-4)
    assert len(told) == 5


def _moved(box: Labelled) -> Labelled:
    x1, y1, x2, y2 = box.corners
    return replace(box, corners=(x1 + 150, y1, x2 + 150, y2))
