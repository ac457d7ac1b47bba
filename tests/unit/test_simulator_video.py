"""The simulated video platform says what it planted, and nothing where nobody asked for cameras."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from ingest import simulator
from pipelines.vision import drawing
from warehouse.vocabulary import LABELS

FIRST, LAST = dt.date(2026, 9, 7), dt.date(2026, 9, 9)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("city") / "out"
    simulator.simulate(out, 3, FIRST, LAST, 5, cameras=2)
    return out


def delivered(city: Path, feed: str) -> pl.DataFrame:
    """Every row of a feed, columns by their English names."""
    names = {label: name for name, label in LABELS.items()}
    files = sorted(city.glob(f"landing/video/*/{feed}_2*.csv"))
    frame = pl.concat([pl.read_csv(file, infer_schema=False) for file in files])
    return frame.rename({column: names[column] for column in frame.columns})


def planted(city: Path, kind: str) -> dict[str, object]:
    truth = pl.read_parquet(city / "truth" / "video_faults.parquet")
    return truth.filter(pl.col("kind") == kind).row(0, named=True)


def test_only_the_planted_meal_has_no_sample(city: Path) -> None:
    fault = planted(city, "sample_not_kept")
    kept = delivered(city, "retained_sample").select("canteen_id", "biz_date", "meal").unique()
    meals = delivered(city, "meal_time").select("canteen_id", "meal")
    open_days = kept.select("canteen_id", "biz_date").unique()
    missing = open_days.join(meals, on="canteen_id").join(
        kept, on=["canteen_id", "biz_date", "meal"], how="anti"
    )
    assert missing.rows() == [(fault["canteen_id"], str(fault["biz_date"]), "lunch")]


def test_only_the_planted_camera_is_silent_for_six_hours(city: Path) -> None:
    fault = planted(city, "camera_offline")
    seen = delivered(city, "camera_status").with_columns(pl.col("seen_at").str.to_datetime())
    gaps = seen.sort("camera_id", "seen_at").with_columns(
        gap=pl.col("seen_at").diff().over("camera_id", "biz_date").dt.total_minutes()
    )
    long = gaps.filter(pl.col("gap") > 300).select("camera_id", "biz_date")
    assert long.rows() == [(fault["camera_id"], str(fault["biz_date"]))]


def test_only_the_planted_canteen_lacks_a_zone(city: Path) -> None:
    cameras = delivered(city, "camera").select("camera_id", "canteen_id")
    zones = delivered(city, "camera_zone").join(cameras, on="camera_id")
    shown = {c: set(part["zone_kind"]) for (c,), part in zones.group_by("canteen_id")}
    lacking = [c for c, kinds in shown.items() if "dishwashing" not in kinds]
    assert lacking == [planted(city, "zone_uncovered")["canteen_id"]]
    assert len(shown) == 2


def test_nobody_is_named_and_verdicts_are_about_delivered_events(city: Path, tmp_path: Path) -> None:
    files = [*city.glob("landing/video/*/*.csv")]
    heads = set().union(*(file.read_text("utf8").splitlines()[0].split(",") for file in files))
    assert not {"person_no", "person_hash", LABELS["person_no"], LABELS["person_hash"]} & heads
    said = delivered(city, "event_verdict")["event_id"]
    assert set(said) <= set(delivered(city, "edge_event")["record_no"])


def test_without_cameras_there_is_no_platform(tmp_path: Path) -> None:
    simulator.simulate(tmp_path / "out", 1, FIRST, FIRST, 5)
    assert not (tmp_path / "out" / "landing" / "video").exists()
    assert not (tmp_path / "out" / "clips.json").exists()


def test_drawn_clips_come_with_a_manifest_of_what_they_are(city: Path, tmp_path: Path) -> None:
    asked = json.loads((city / "clips.json").read_text("utf8"))
    small = {"duration_s": 1, "width": 160, "height": 90, "codec": "h264"}
    asked["clips"] = [{**clip, **small} for clip in asked["clips"]]
    request = tmp_path / "clips.json"
    request.write_text(json.dumps(asked), "utf8")
    assert drawing.draw(request, tmp_path / "video", tmp_path / "landing", lambda _: None) == 2
    (file,) = (tmp_path / "landing" / "video" / str(LAST)).iterdir()
    rows = pl.read_csv(file, infer_schema=False)
    assert rows["camera_id"].to_list() == [clip["camera_id"] for clip in asked["clips"]]
    for path, sha in rows.select("path", "segment_sha256").iter_rows():
        assert hashlib.sha256((tmp_path / "video" / path).read_bytes()).hexdigest() == sha
