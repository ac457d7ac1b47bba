"""The bench of kitchen video runs, says its names, and its recording and load are what it claims."""

from pathlib import Path

from pipelines.measures import table, vision_bench
from vision_jobs.decoder import Decoder
from vision_jobs.peer import decode_keyframes
from vision_jobs.render.files import repeated

from kitchen_films import film, picture, seconds  # isort: skip

NAMES = {"camera_hours", "camera_hours_gated", "decode_share", "peak_gb", "two_process_speedup"}


def test_the_quick_bench_gives_its_measures_and_judges_none() -> None:
    told: list[str] = []
    found = {one["name"]: one for one in vision_bench.bench(quick=True, progress=told.append)}
    assert set(found) == NAMES <= set(table.names("vision"))
    assert all(one["value"] > 0 and one["bar"] is one["holds"] is None for one in found.values())


def test_a_repeated_film_is_as_long_as_it_says_and_shows_the_same(tmp_path: Path) -> None:
    base = film(tmp_path / "base.mp4", seconds(4))
    long = repeated(base, tmp_path / "long.mp4", 3)
    with Decoder() as decoder:
        found = decoder.probe(long)
        assert (found.duration_s, found.gop_s, found.frames, found.flags) == (12.0, 2.0, 60, ())
        shown = list(decoder.keyframes(long))
    assert [round(one.at, 3) for one in shown] == [0, 2, 4, 6, 8, 10]
    assert (shown[1].frame == shown[3].frame).all()
    assert abs(shown[4].frame.astype(int) - picture(0)).mean() < 8
    assert decode_keyframes(long, rows=None) == decode_keyframes(long, rows=48) == 6


def test_half_the_load_is_gated_in_blocks() -> None:
    load = vision_bench.Load(gated=True)
    gate = vision_bench.StatedGate(load)
    eyes = vision_bench.StatedEyes(load, models=False)
    moved, seen = [], []
    for number in range(300):
        moved.append(gate.look(picture(number)).moved)
        seen.append(len(eyes.detect(picture(number))))
    assert sum(moved) == 150
    assert {(m, n) for m, n in zip(moved, seen, strict=True)} == {(True, 5), (False, 0)}
