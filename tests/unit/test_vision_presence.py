"""Presence in the real films, held against what was seen by eye: the whole chain, with real decoding and models.

The spans were noted before any detector was run on the films.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
import real_data

from vision_jobs import chain, registry, rules
from vision_jobs.chain import Camera
from vision_jobs.decoder import Decoder
from vision_jobs.detect import ModelEyes, open_eyes
from vision_jobs.gate import Gate
from vision_jobs.model import Segment, Zone
from vision_jobs.results import Presence

START = dt.datetime(2026, 9, 1, 4, tzinfo=dt.UTC)
FLOOR = (Zone("floor", "c1", "floor", ((0, 0), (1, 0), (1, 1), (0, 1))),)
VISITS = ((6.6, 19.4), (23.1, 44.5), (50.6, 69.5), (75.0, 86.5), (92.6, 119.5), (123.8, 135.6))
"""one-by-one-person-detection: seconds in which a body is seen, by eye; six people, one at a time."""


def presence(name: str, eyes: ModelEyes, home: Path) -> list[Presence]:
    path = real_data.folder("vision", "videos") / name
    with Decoder() as decoder:
        told = decoder.probe(path)
        segment = Segment(
            "c1", path, registry.sha256_of(path), START, told.duration_s, told.codec, told.fps, told.gop_s,
            told.width, told.height,
        )  # fmt: skip
        camera = Camera("c1", (segment,), FLOOR)
        return list(chain.run(camera, eyes, rules.load(), home, decoder=decoder, gate=Gate).presence)


def share(spans: tuple[tuple[float, float], ...], minute: int) -> float:
    """Share of a minute's keyframes, every 2 s, that lie in a span."""
    at = np.arange(0, 139, 2.0)
    at = at[at // 60 == minute]
    return float(np.mean([any(start <= one <= end for start, end in spans) for one in at]))


def test_presence_by_an_open_detector_is_what_was_seen_by_eye(tmp_path: Path) -> None:
    registry.add(tmp_path, real_data.folder("vision", "models", "yolox_nano.onnx"), approved_by="test")
    eyes = open_eyes(tmp_path)
    visits = presence("one-by-one-person-detection.mp4", eyes, tmp_path)
    assert [one.minute_at for one in visits] == [START + dt.timedelta(minutes=k) for k in range(3)]
    assert [one.persons for one in visits] == [1, 1, 1]
    assert [one.activity for one in visits] == pytest.approx([share(VISITS, k) for k in range(3)], abs=0.05)
    aisle, workshop = (
        presence(f"{name}-detection.mp4", eyes, tmp_path) for name in ("store-aisle", "worker-zone")
    )
    assert [(one.persons, one.activity) for one in (*aisle, *workshop)] == [(3, 1.0), (1, 1.0)]


def test_presence_by_the_shipped_detector_is_what_was_seen_by_eye(tmp_path: Path) -> None:
    found = presence("one-by-one-person-detection.mp4", open_eyes(None), tmp_path)
    assert [one.persons for one in found] == [1, 1, 1]
    assert [one.activity for one in found] == pytest.approx([share(VISITS, k) for k in range(3)], abs=0.05)
