"""Decoding of recorded files: which frames come out, what a file is, and that no file costs more than itself."""

import copy
import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import kitchen_films
import numpy as np
import pytest
import real_data
from kitchen_films import film, seconds

from vision_jobs import limits
from vision_jobs.decoder import Decoder
from vision_jobs.render.files import snapshot
from warehouse.errors import Refused


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as one:
        yield one


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(tmp_path_factory.mktemp("film") / "usual.mp4", seconds(12))


def reason(decoder: Decoder, path: Path) -> str:
    with pytest.raises(Refused) as caught:
        decoder.probe(path)
    assert caught.value.code in limits.QUARANTINE
    return caught.value.code


@pytest.mark.parametrize("codec", ["h264", "hevc", "mpeg4"])
def test_a_file_is_described_as_it_was_written(decoder: Decoder, tmp_path: Path, codec: str) -> None:
    found = decoder.probe(film(tmp_path / "a.mp4", seconds(8), codec=codec))
    assert (found.codec, found.fps, found.gop_s, found.duration_s) == (codec, 5.0, 2.0, 8.0)
    assert (found.width, found.height, found.frames) == (kitchen_films.WIDTH, kitchen_films.HEIGHT, 40)
    assert (found.flags, found.gaps, found.usable_s) == ((), (), 8.0)


@pytest.mark.parametrize("gop_s", [0.4, 1.0, 2.0, 6.0, 60.0])
def test_samples_are_two_seconds_apart_whatever_the_distance_of_keyframes(
    decoder: Decoder, tmp_path: Path, gop_s: float
) -> None:
    path = film(tmp_path / "a.mp4", seconds(12), gop_s=gop_s)
    found = [sample.at for sample in decoder.keyframes(path)]
    assert found[:2] == pytest.approx([0.0, 2.0], abs=0.5)
    assert len(found) in {6, 7}
    assert ("long_gop" in decoder.probe(path).flags) == (gop_s > limits.LONG_GOP_SECONDS)


def test_a_sample_is_the_frame_of_its_instant(decoder: Decoder, usual: Path) -> None:
    for sample in decoder.keyframes(usual):
        wanted = kitchen_films.picture(round(sample.at * 5))
        assert sample.frame.shape == wanted.shape
        assert np.abs(sample.frame.astype(int) - wanted).mean() < 8


def test_samples_are_of_at_most_the_wanted_height_and_may_be_drawn_upon(
    decoder: Decoder, usual: Path
) -> None:
    sample = next(iter(decoder.keyframes(usual, height=48)))
    assert sample.frame.shape == (48, 80, 3)
    sample.frame[:] = 0


def test_a_window_gives_its_stretch_at_the_wanted_rate(decoder: Decoder, usual: Path) -> None:
    found = [sample.at for sample in decoder.window(usual, 3.0, 5.0, fps=5)]
    assert found == pytest.approx([3.0 + n / 5 for n in range(11)], abs=0.01)
    assert len(list(decoder.window(usual, 3.0, 5.0, fps=1))) == 3
    assert [s.at for s in decoder.window(usual, 11.5, 99.0)] == pytest.approx([11.6, 11.8], abs=0.01)


def test_a_gap_of_the_camera_is_told_and_no_sample_lies_in_it(decoder: Decoder, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", seconds(4) + seconds(4, start=20.0))
    found = decoder.probe(path)
    assert (found.flags, found.gaps, found.duration_s) == (("gap",), ((3.8, 20.0),), 24.0)
    assert not [s.at for s in decoder.keyframes(path) if 3.9 < s.at < 19.9]


def test_after_a_jump_of_the_clock_nothing_is_judged(decoder: Decoder, tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", seconds(4) + seconds(4, start=5000.0))
    found = decoder.probe(path)
    assert (found.flags, found.usable_s) == (("clock_jump",), 4.0)
    assert max(s.at for s in decoder.keyframes(path)) < 4


def test_a_changing_frame_rate_is_told(decoder: Decoder, tmp_path: Path) -> None:
    times = [float(t) for t in np.cumsum([0.1, 0.4] * 15)]
    assert decoder.probe(film(tmp_path / "a.mp4", times)).flags == ("variable_rate",)


def test_a_snapshot_is_one_sample(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    snapshot(path, kitchen_films.picture(3))
    assert decoder.probe(path).codec == "mjpeg"
    (sample,) = decoder.keyframes(path)
    assert (sample.at, sample.frame.shape) == (0.0, (kitchen_films.HEIGHT, kitchen_films.WIDTH, 3))


def test_every_kind_of_bad_file_has_its_reason(decoder: Decoder, tmp_path: Path, usual: Path) -> None:
    whole = usual.read_bytes()
    jpeg = tmp_path / "good.jpg"
    snapshot(jpeg, kitchen_films.picture(0))
    contents = {
        ("empty", "a.mp4"): b"",
        ("wrong_extension", "b.mp4"): jpeg.read_bytes(),
        ("wrong_extension", "c.jpg"): whole,
        ("wrong_extension", "d.mp4"): b"time,camera\n1,2\n",
        ("wrong_extension", "e.mp4"): b"\x89PNG\r\n\x1a\n" + bytes(64),
        ("unreadable", "f.mp4"): b"\x87\x03" * 500,
        ("truncated", "g.mp4"): whole[: len(whole) // 2],
        ("truncated", "h.mp4"): whole[:40],
        ("unreadable", "i.jpg"): jpeg.read_bytes()[:30],
        # A playlist that would have the decoder read another file.
        ("wrong_extension", "j.mp4"): b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n",
    }
    for (wanted, name), content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert (name, reason(decoder, tmp_path / name)) == (name, wanted)


def test_a_film_of_one_instant_has_no_duration(decoder: Decoder, tmp_path: Path) -> None:
    assert reason(decoder, film(tmp_path / "a.mp4", [0.0])) == "zero_duration"


def test_8k_is_refused_before_a_picture_is_decoded(decoder: Decoder, tmp_path: Path) -> None:
    snapshot(tmp_path / "a.jpg", np.zeros((4320, 7680, 3), np.uint8))
    assert reason(decoder, tmp_path / "a.jpg") == "too_large"
    path = film(tmp_path / "a.mp4", [0.0], codec="mpeg4", width=7680, height=4320)
    assert reason(decoder, path) == "too_large"
    with pytest.raises(Refused, match="4096"):
        next(decoder.keyframes(path))


def test_sound_alone_is_no_film(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    assert reason(decoder, path) == "no_video"


def test_a_codec_that_nobody_asked_for_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((72, 64), np.uint8), format="yuv420p")
            for packet in stream.encode(frame.reformat(format="yuvj420p")):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    assert reason(decoder, path) == "codec_unsupported"


def test_a_child_that_dies_costs_one_file(usual: Path) -> None:
    with Decoder() as decoder:
        samples = decoder.keyframes(usual)
        next(samples)
        assert decoder.process_id is not None
        os.kill(decoder.process_id, signal.SIGKILL)
        with pytest.raises(Refused) as caught:
            list(samples)
        assert caught.value.code == "crash"
        assert len(list(decoder.keyframes(usual))) == 6


def test_a_child_that_says_nothing_is_ended(usual: Path) -> None:
    with Decoder(wall_seconds=0.3) as decoder:
        samples = decoder.keyframes(usual)
        next(samples)
        process = decoder.process_id
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        with pytest.raises(Refused) as caught:
            list(samples)
        assert caught.value.code == "timeout"
        assert not Path(f"/proc/{process}").exists()


def test_the_child_is_limited_and_sees_no_secrets(usual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANTEEN_SECRET", "x")
    with Decoder() as decoder:
        decoder.probe(usual)
        process = Path(f"/proc/{decoder.process_id}")
        held = {
            line[:26].strip(): line[26:].split()[0] for line in (process / "limits").read_text().splitlines()
        }
        assert int(held["Max address space"]) == limits.MEMORY_BYTES
        assert int(held["Max file size"]) == int(held["Max core file size"]) == 0
        assert int(held["Max cpu time"]) <= limits.CPU_SECONDS + 5
        assert b"CANTEEN_SECRET" not in (process / "environ").read_bytes()


def test_a_stream_left_early_or_overtaken_ends(decoder: Decoder, usual: Path) -> None:
    first = decoder.keyframes(usual)
    next(first)
    assert len(list(decoder.window(usual, 0, 1))) == 6
    with pytest.raises(RuntimeError, match="one stream at a time"):
        next(first)
    for _ in decoder.keyframes(usual):
        break
    assert len(list(decoder.keyframes(usual))) == 6


def test_a_decoder_travels_to_another_process_without_its_child(decoder: Decoder, usual: Path) -> None:
    decoder.probe(usual)
    with copy.copy(decoder) as other:  # by the same way as pickling
        assert other.process_id is None
        assert len(list(other.keyframes(usual))) == 6


def test_mutated_files_never_end_the_job(decoder: Decoder, tmp_path: Path) -> None:
    """CANTEEN_FUZZ_FILES=500 tries as many as the requirement names."""
    count = int(os.environ.get("CANTEEN_FUZZ_FILES", "45"))
    still = tmp_path / "clean.jpg"
    snapshot(still, kitchen_films.picture(0))
    films = [film(tmp_path / f"{c}.mp4", seconds(4), codec=c) for c in ("h264", "hevc")]
    clean = [(path.read_bytes(), path.suffix) for path in (*films, still)]
    dice = random.Random(5)
    outcomes = []
    for number in range(count):
        content, suffix = clean[number % len(clean)]
        outcomes.append(outcome(decoder, mutated(content, dice), tmp_path / f"{number}{suffix}"))
    assert set(outcomes) <= {"judged", *limits.QUARANTINE}
    assert {"judged", "truncated"} < set(outcomes)


def outcome(decoder: Decoder, content: bytes, path: Path) -> str:
    """What becomes of a file; anything but a refusal ends the test."""
    path.write_bytes(content)
    try:
        decoder.probe(path)
        samples = [*decoder.keyframes(path), *decoder.window(path, 0.0, 1.0)]
    except Refused as error:
        return error.code
    assert all(sample.frame.ndim == 3 and sample.at >= 0 for sample in samples)
    return "judged"


def mutated(content: bytes, dice: random.Random) -> bytes:
    """A file damaged as transfers and disks damage them: bytes changed, cut out, doubled, cut off."""
    made = bytearray(content)
    kind = dice.randrange(5)
    if kind == 4:
        return bytes(made[: dice.randrange(1, len(made))])
    start = dice.randrange(len(made))
    length = dice.choice([1, 4, 64, 1024])
    if kind == 0:
        made[start : start + length] = dice.randbytes(len(made[start : start + length]))
    elif kind == 1:
        del made[start : start + length]
    elif kind == 2:
        made[start:start] = made[start : start + length]
    else:
        for _ in range(length):
            made[dice.randrange(len(made))] ^= 1 << dice.randrange(8)
    return bytes(made)


def test_the_real_films_are_read(decoder: Decoder) -> None:
    folder = real_data.folder("vision", "videos")
    found = {path.name: decoder.probe(path) for path in sorted(folder.glob("*.mp4"))}
    assert len(found) == 4
    assert {one.codec for one in found.values()} == {"h264"}
    long = folder / "one-by-one-person-detection.mp4"
    assert len(list(decoder.keyframes(long))) == 70
