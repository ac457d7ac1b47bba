"""Rendered kitchens: what the pictures show is what is written beside them."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from vision_jobs import sample
from vision_jobs.model import Box, Detection
from vision_jobs.render import Attributes, render, stills, zones
from vision_jobs.render.clips import VIEWS
from warehouse.errors import Permanent

Still = tuple[np.ndarray, list[Detection], list[Attributes]]


def clip(out: Path, script: list[dict[str, Any]], **more: Any) -> tuple[Path, dict[str, Any]]:
    entry = {
        "camera_id": "cam-1",
        "started_at": "2026-09-01T06:00:00+08:00",
        "duration_s": 12,
        "fps": 5,
        "width": 320,
        "height": 180,
        "script": script,
    }
    (path,) = render({"seed": 1, "clips": [entry | more]}, out)
    return path, json.loads(path.with_suffix(".truth.json").read_text(encoding="utf8"))


def inside(inner: Box, outer: Box, slack: float = 0.03) -> bool:
    return (
        inner.x1 >= outer.x1 - slack
        and inner.x2 <= outer.x2 + slack
        and inner.y1 >= outer.y1 - slack
        and inner.y2 <= outer.y2 + slack
    )


def test_stills_are_the_same_for_a_seed_and_others_for_another() -> None:
    first, again, other = ([frame for frame, _, _ in stills(seed, 3)] for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.fixture(scope="module")
def drawn() -> list[Still]:
    return list(stills(11, 36))


def test_stills_vary_in_what_a_detector_must_learn(drawn: list[Still]) -> None:
    found = drawn
    people = [one for _, _, attributes in found for one in attributes]
    boxes = [d for _, detections, _ in found for d in detections]
    heights = [one["person"].y2 - one["person"].y1 for one in people]
    assert all(0 <= b.box.x1 < b.box.x2 <= 1 and 0 <= b.box.y1 < b.box.y2 <= 1 for b in boxes)
    assert {b.kind for b in boxes} == {"person", "head", "face", "flame"}
    assert min(heights) < 0.25
    assert max(heights) > 0.6
    assert any(not attributes for _, _, attributes in found)
    for value in ("hat", "mask", "smoking", "mask_on_chin"):
        assert {True, False} <= {one[value] for one in people}  # type: ignore[literal-required]
    for one in people:
        assert one["head"] is None or inside(one["head"], one["person"])
        assert one["face"] is None or (one["head"] is not None and inside(one["face"], one["head"]))
        assert (one["mask"] is None) == (one["face"] is None)


def test_every_second_person_smokes_where_smokers_are_wanted() -> None:
    drawn = stills(11, 24, width=320, height=180, smokers=True)
    smoke = [one["smoking"] for _, _, attributes in drawn for one in attributes]
    assert 0.3 < np.mean(smoke) < 0.7


def test_a_flame_box_is_warm_and_bright(drawn: list[Still]) -> None:
    warm = total = 0
    for frame, detections, _ in drawn:
        for one in detections:
            if one.kind == "flame":
                height, width = frame.shape[:2]
                part = frame[
                    int(one.box.y1 * height) : int(one.box.y2 * height) + 1,
                    int(one.box.x1 * width) : int(one.box.x2 * width) + 1,
                ]
                total += 1
                warm += int(part[..., 2].max()) > int(np.median(frame[..., 2])) + 25
    assert total > 5
    assert warm / total > 0.7


def test_a_clip_gives_the_same_bytes_again(tmp_path: Path) -> None:
    script = [{"at": 0, "enter": "p1"}, {"at": 3, "flame": True}, {"at": 4, "steam": True}]
    first, truth = clip(tmp_path / "a", script, duration_s=6)
    second, again = clip(tmp_path / "b", script, duration_s=6)
    assert first.relative_to(tmp_path / "a") == Path("cam-1/2026-09-01/060000.mp4")
    assert (first.read_bytes(), truth) == (second.read_bytes(), again)


def test_the_timeline_says_what_the_script_did(tmp_path: Path) -> None:
    script = [
        {"at": 0, "enter": "p1", "hat": True, "mask": False, "jump": True},
        {"at": 2, "flame": True},
        {"at": 4, "hat": "p1", "on": False},
        {"at": 6, "leave": "p1", "jump": True},
        {"at": 9, "gap": True},
        {"at": 10, "gap": False},
    ]
    path, truth = clip(tmp_path, script)
    spans = [(e["kind"], e["id"], e["start_s"], e["end_s"]) for e in truth["episodes"]]
    assert spans == [
        ("no_mask", "p1", 0.0, 6.0),
        ("no_hat", "p1", 4.0, 6.0),
        ("flame_unattended", None, 6.0, 9.0),
        ("flame_unattended", None, 10.0, 12.0),
    ]
    assert (truth["flame"], truth["gaps"]) == ([[2.0, 12.0]], [[9.0, 10.0]])
    attended = [p for p in truth["presence"] if p["zone_id"] == "cam-1-stove_attendance"]
    assert attended == [{"id": "p1", "zone_id": "cam-1-stove_attendance", "start_s": 0.0, "end_s": 6.0}]
    assert [p["at"] for p in truth["persons"]] == [0, 1, 2, 3, 4, 5]
    shown = [one.at for one in sample.window(path, 0, 12)]
    assert len(shown) == 55
    assert not [at for at in shown if 8.9 < at < 9.9]


def test_who_walks_in_is_in_the_zone_only_on_arrival(tmp_path: Path) -> None:
    _, truth = clip(tmp_path, [{"at": 1, "enter": "p1", "to": "cutting"}, {"at": 8, "leave": "p1"}])
    (there,) = [p for p in truth["presence"] if p["zone_id"] == "cam-1-cutting"]
    assert 3 < there["start_s"] < 6
    assert 8 < there["end_s"] < 10


def test_the_picture_shows_hat_flame_and_darkness(tmp_path: Path) -> None:
    script = [
        {"at": 0, "enter": "p1", "to": "cutting", "jump": True, "face": "camera"},
        {"at": 4, "hat": "p1", "on": False},
        {"at": 4, "flame": True},
        {"at": 8, "lights": False},
    ]
    path, truth = clip(tmp_path, script, width=640, height=360)
    pictures = {round(one.at): one.frame.astype(float) for one in sample.window(path, 0, 12, fps=1)}
    heads = {p["at"]: p["head"] for p in truth["persons"]}
    x1, y1, x2, _ = heads[2]
    above = (slice(max(int(y1 * 360) - 8, 0), int(y1 * 360) + 3), slice(int(x1 * 640), int(x2 * 640)))
    assert np.abs(pictures[2][above] - pictures[6][above]).mean() > 10
    stove = next(z for z in truth["zones"] if z["kind"] == "stove")["polygon"]
    mask = np.zeros((360, 640), np.uint8)
    cv2.fillPoly(mask, [(np.array(stove) * (640, 360)).astype(np.int32)], 1)
    red = {at: frame[..., 2][mask > 0].max() for at, frame in pictures.items()}
    assert red[6] > 235 > red[2]
    assert pictures[10].mean() < 16 < pictures[6].mean()


def test_codecs_and_snapshots_are_written_as_asked(tmp_path: Path) -> None:
    script = [{"at": 0, "enter": "p1", "jump": True}]
    for codec in ("h264", "hevc", "mpeg4"):
        path, truth = clip(tmp_path, script, codec=codec, name=f"x/{codec}", duration_s=4)
        assert (path.name, truth["codec"]) == (f"{codec}.mp4", codec)
        assert len(list(sample.keyframes(path))) == 2
    path, _ = clip(tmp_path, script, codec="jpeg")
    assert path.suffix == ".jpg"
    assert next(sample.keyframes(path)).frame.shape == (180, 320, 3)


@pytest.mark.parametrize("view", range(VIEWS))
def test_zones_of_a_standard_place_depend_on_nothing_else_and_can_be_seen(view: int) -> None:
    found = zones("cam-9", view)
    assert [zone.kind for zone in found] == [zone.kind for zone in zones("cam-8", view)]
    assert [zone.polygon for zone in found] == [zone.polygon for zone in zones("cam-8", view)]
    kinds = {"floor", "cutting", "stove_attendance", "cooking", "dishwashing", "sampling", "stove"}
    assert {zone.kind for zone in found} == kinds
    for zone in found:
        area = cv2.contourArea(np.array(zone.polygon, np.float32))
        assert area > 0.004, zone
        assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in zone.polygon)


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"started_at": "2026-09-01T06:00:00"}, "时区"),
        ({"codec": "vp9"}, "vp9"),
        ({"view": 9}, "view"),
        ({"name": "../x"}, "输出目录"),
        ({"script": [{"at": 0, "dance": "p1"}]}, "dance"),
        ({"script": [{"at": 0, "leave": "p1"}]}, "p1"),
    ],
)
def test_a_request_that_is_not_understood_says_what(tmp_path: Path, entry: dict[str, Any], says: str) -> None:
    with pytest.raises(Permanent, match=says):
        clip(tmp_path, entry.pop("script", []), **entry)
