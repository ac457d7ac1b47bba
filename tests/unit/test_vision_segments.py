"""The inventory: which file was recorded by whom from when to when, and which second belongs to which file."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from kitchen_films import film, picture, seconds

from vision_jobs import segments
from vision_jobs.decoder import Decoder
from vision_jobs.render.files import snapshot
from vision_jobs.segments import Entry, Listed

SIX = dt.datetime(2026, 8, 31, 22, tzinfo=dt.UTC)
"""Six in the morning of 1 September in Shanghai."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as one:
        yield one


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("video")
    day = root / "cam-1" / "2026-09-01"
    film(day / "060000.mp4", seconds(20))
    film(day / "060015.mp4", seconds(20), gop_s=1)  # its first five seconds are known already
    film(day / "060005.mp4", seconds(4), gop_s=1)  # wholly inside the first
    film(day / "070000.mp4", seconds(5) + seconds(5, start=25.0))
    film(day / "2026 weird.mp4", seconds(4), gop_s=0.4)
    (day / "080000.mp4").write_bytes((day / "060000.mp4").read_bytes())
    (day / "090000.mp4").touch()
    (day / "060000.truth.json").write_text("{}")
    other = root / "cam-2" / "2026-09-01"
    other.mkdir(parents=True)
    snapshot(other / "061500.jpg", picture(1))
    (other / "250000.mp4").write_bytes((day / "060005.mp4").read_bytes()[:-300])
    return root


@pytest.fixture(scope="module")
def entries(root: Path, decoder: Decoder) -> dict[str, Entry]:
    found = segments.inventory(segments.tree(root), decoder)
    return {f"{one.camera_id}/{one.path.name}": one for one in found}


def test_every_file_of_the_tree_has_one_row_with_a_reason_or_a_segment(entries: dict[str, Entry]) -> None:
    assert {name: one.reason for name, one in entries.items()} == {
        "cam-1/060000.mp4": None,
        "cam-1/060005.mp4": "overlap",
        "cam-1/060015.mp4": None,
        "cam-1/070000.mp4": None,
        "cam-1/080000.mp4": "duplicate",
        "cam-1/090000.mp4": "empty",
        "cam-1/2026 weird.mp4": "bad_name",
        "cam-2/061500.jpg": None,
        "cam-2/250000.mp4": "bad_name",
    }
    assert all((one.segment is None) == (one.reason is not None) for one in entries.values())


def test_a_name_is_read_by_the_clock_of_shanghai(entries: dict[str, Entry]) -> None:
    first = entries["cam-1/060000.mp4"].segment
    assert first is not None
    assert (first.started_at, first.duration_s, first.codec, first.fps) == (SIX, 20.0, "h264", 5.0)
    assert segments.named_start(Path("cam/2026-02-30/060000.mp4")) is None
    assert segments.named_start(Path("cam/2026-02-28/6000.mp4")) is None


def test_a_second_that_two_files_cover_belongs_to_the_first(entries: dict[str, Entry]) -> None:
    later = entries["cam-1/060015.mp4"]
    assert (later.from_s, later.flags) == (5.0, ("overlap",))


def test_coverage_counts_each_second_once_and_no_gap(entries: dict[str, Entry]) -> None:
    mine = [one for one in entries.values() if one.camera_id == "cam-1"]
    # 35 seconds of the minute, without the ones of 06:00:15 to 06:00:20 twice.
    assert segments.coverage(mine, SIX, SIX + dt.timedelta(minutes=1)) == pytest.approx(35 / 60)
    seven = SIX + dt.timedelta(hours=1)
    gone = 25.0 - 4.8
    assert segments.coverage(mine, seven, seven + dt.timedelta(seconds=30)) == pytest.approx((30 - gone) / 30)
    assert segments.coverage([], SIX, seven) == 0


def test_bandwidth_is_bits_over_recorded_time(entries: dict[str, Entry]) -> None:
    judged = [one for one in entries.values() if one.segment is not None and one.camera_id == "cam-1"]
    found = segments.bandwidth(judged)
    assert found == {
        "cam-1": pytest.approx(sum(one.bytes for one in judged) * 8 / 1e6 / (20 + 20 + 9.8), rel=1e-3)
    }
    assert found["cam-1"] < segments.BANDWIDTH_MBIT_S


def test_a_manifest_names_what_is_missing_changed_or_known(root: Path, decoder: Decoder) -> None:
    path = root / "cam-1" / "2026-09-01" / "060000.mp4"
    other = root / "cam-1" / "2026-09-01" / "070000.mp4"
    listed = [
        Listed("cam-1", path, SIX, segments.sha256(path).upper()),
        Listed("cam-1", other, SIX + dt.timedelta(hours=1), "0" * 64),
        Listed("cam-1", root / "gone.mp4", SIX + dt.timedelta(hours=2), "1" * 64),
    ]
    assert [one.reason for one in segments.inventory(listed, decoder)] == [None, "changed", "missing"]
    again = segments.inventory(listed[:1], decoder, known={segments.sha256(path): "elsewhere.mp4"})
    assert [one.reason for one in again] == ["duplicate"]
    same = segments.inventory(listed[:1], decoder, known={segments.sha256(path): str(path)})
    assert [one.reason for one in same] == [None]
