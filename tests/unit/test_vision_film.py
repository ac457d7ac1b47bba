"""The chain over a rendered film in a real file, with eyes that read the film's truth; and how such films are scored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipelines.measures import vision_rendered
from vision_jobs import chain, rules, segments
from vision_jobs.chain import Camera
from vision_jobs.decoder import Decoder
from vision_jobs.gate import Gate
from vision_jobs.model import Box, Detection, Judgement, Sample
from vision_jobs.render import render, zones

FILM = {
    "camera_id": "c1",
    "started_at": "2026-09-01T06:00:00+08:00",
    "duration_s": 216,
    "fps": 2,
    "width": 320,
    "height": 180,
    "script": [
        {"at": 0, "enter": "cook", "to": "stove_attendance", "jump": True},
        {"at": 0, "enter": "helper", "to": "cutting", "jump": True, "face": "camera"},
        {"at": 2, "flame": True},
        {"at": 10, "hat": "helper", "on": False},
        {"at": 55, "hat": "helper", "on": True},
        {"at": 30, "leave": "cook", "jump": True},
        {"at": 80, "lights": False},
        {"at": 92, "lights": True},
        {"at": 100, "mask": "helper", "on": False},
        {"at": 150, "mask": "helper", "on": True},
        {"at": 120, "gap": True},
        {"at": 134, "gap": False},
        {"at": 160, "smoke": "helper", "on": True},
        {"at": 190, "smoke": "helper", "on": False},
        {"at": 200, "enter": "cook", "to": "stove_attendance", "jump": True},
    ],
}
"""170 s without the cook, of which 12 s are dark and 14 s are missing."""


class Reader:
    """Decodes, and says which second the frame in hand shows."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.at = 0.0

    def keyframes(self, path: Path, *, height: int = 720, every_s: float = 2.0) -> Iterator[Sample]:
        return self._told(self._decoder.keyframes(path, height=height, every_s=every_s))

    def window(
        self, path: Path, start_s: float, end_s: float, *, fps: float = 5.0, height: int = 720
    ) -> Iterator[Sample]:
        return self._told(self._decoder.window(path, start_s, end_s, fps=fps, height=height))

    def _told(self, samples: Iterator[Sample]) -> Iterator[Sample]:
        for sample in samples:
            self.at = sample.at
            yield sample


class Reading:
    """Eyes that know the truth of the second in hand."""

    version = "truth"

    def __init__(self, truth: dict[str, Any], reader: Reader) -> None:
        self.thresholds = {"no_hat": 0.5, "no_mask": 0.5, "smoking": 0.5, "flame": 0.5}
        self._truth = truth
        self._reader = reader

    def _here(self) -> list[dict[str, Any]]:
        second = int(self._reader.at)
        return [one for one in self._truth["persons"] if int(one["at"]) == second]

    def detect(self, frame: np.ndarray) -> list[Detection]:
        return [
            Detection(kind, Box(*one[kind]), 0.9)
            for one in self._here()
            for kind in ("person", "face")
            if one[kind] is not None
        ]

    def judge(self, frame: np.ndarray, kind: str, boxes: Sequence[Box]) -> list[Judgement]:
        if kind == "flame":
            burns = any(a <= self._reader.at < b for a, b in self._truth["flame"])
            return [Judgement(kind, float(burns)) for _ in boxes]
        what = {"no_hat": "hat", "no_mask": "mask", "smoking": "smoking"}[kind]
        found = []
        for box in boxes:
            corners = [box.x1, box.y1, box.x2, box.y2]
            (one,) = (one for one in self._here() if corners in (one["person"], one["face"]))
            found.append(Judgement(kind, float(one[what] == (kind == "smoking"))))
        return found


@pytest.mark.requirement("S0-22")
def test_a_rendered_film_raises_what_its_truth_says(tmp_path: Path) -> None:
    (path,) = render({"seed": 5, "clips": [FILM]}, tmp_path / "video")
    truth = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf8"))
    content = yaml.safe_load(rules.FILE.read_text(encoding="utf8"))
    for rule in content["people"].values():
        rule["crop_px"] = 3
    with Decoder() as decoder:
        (entry,) = segments.inventory(segments.tree(tmp_path / "video"), decoder)
        assert entry.segment is not None
        reader = Reader(decoder)
        result = chain.run(
            Camera("c1", (entry.segment,), tuple(zones("c1"))),
            Reading(truth, reader),
            rules.Rules(content, "test"),
            tmp_path / "home",
            decoder=reader,
            gate=Gate,
        )
    found = [(event.kind, vision_rendered.span_of(event, truth)) for event in result.events]
    expected = [(kind, span) for kind, spans in vision_rendered.reportable(truth).items() for span in spans]
    assert [kind for kind, _ in expected] == ["no_hat", "no_mask", "smoking", "flame_unattended"]
    assert len(found) == 4
    for i, j in vision_rendered.matched(expected, found):
        assert found[j][1] == pytest.approx(expected[i][1], abs=4), expected[i]
    assert len(vision_rendered.matched(expected, found)) == 4
    files = list((tmp_path / "home" / "evidence").glob("??/*"))
    assert sorted(p.suffix for p in files) == [".jpg"] * 4 + [".json"] * 8 + [".mp4"] * 4


def test_events_are_matched_one_to_one_by_kind_and_time() -> None:
    expected = [("no_hat", (10.0, 50.0)), ("no_hat", (60.0, 90.0)), ("smoking", (0.0, 9.0))]
    found = [("no_hat", (40.0, 70.0)), ("no_hat", (12.0, 30.0)), ("smoking", (9.5, 20.0))]
    assert vision_rendered.matched(expected, found) == [(0, 1), (1, 0)]
    assert vision_rendered.matched(expected, found[:1] * 3) == [(0, 0), (1, 1)]


def test_what_a_camera_could_not_see_is_not_expected() -> None:
    truth = {
        "episodes": [
            {"kind": "flame_unattended", "id": None, "start_s": 0, "end_s": 60},
            {"kind": "flame_unattended", "id": None, "start_s": 75, "end_s": 140},
            {"kind": "no_hat", "id": "a", "start_s": 0, "end_s": 35},
            {"kind": "no_hat", "id": "b", "start_s": 0, "end_s": 25},
        ],
        "gaps": [[60, 75]],
        "dark": [],
    }
    assert vision_rendered.reportable(truth)["flame_unattended"] == [(0, 140)]
    assert vision_rendered.reportable(truth)["no_hat"] == [(0, 35)]
    darker = vision_rendered.reportable(truth | {"dark": [[80, 90]]})
    assert darker["flame_unattended"] == []


def test_scripts_follow_the_seed() -> None:
    assert vision_rendered.scripts(1) == vision_rendered.scripts(1) != vision_rendered.scripts(2)
    assert {"steam"} == {key for clip in vision_rendered.steam_scripts(1) for one in clip["script"] for key in one} - {"at"}  # fmt: skip
