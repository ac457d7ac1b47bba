"""Rules as configuration, zones at the foot point, tracks between samples two seconds apart, evidence."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
from pathlib import Path

import av
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vision_jobs import evidence, rules, tracks, zones
from vision_jobs.model import Box, Detection, Event, Sample, Zone
from warehouse.errors import Permanent

RULES = rules.load()
CONTENT = yaml.safe_load(rules.FILE.read_text(encoding="utf8"))
SQUARE = Zone("z", "c1", "cutting", ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.2, 0.6)))


def changed(*path: str, value: object) -> dict:
    content = copy.deepcopy(CONTENT)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


def test_the_version_follows_rules_and_zones_and_nothing_else() -> None:
    here = RULES.of("c1").version([SQUARE])
    assert here == rules.load().of("c2").version([SQUARE])
    assert here != RULES.general.version([])
    other = rules.Rules(changed("flame_unattended", "absent_s", value=90), "test")
    assert here != other.general.version([SQUARE])


def test_a_camera_changes_what_it_names_and_keeps_the_rest() -> None:
    own = rules.Rules(changed("cameras", value={"c1": {"people": {"no_hat": {"share": 0.8}}}}), "test")
    assert own.of("c1").people["no_hat"].share == 0.8
    assert own.of("c1").people["no_hat"].window_s == own.general.people["no_hat"].window_s
    assert own.of("c2") == own.general == RULES.general


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("flame_unattended", "absent_s"), -1),
        (("flame_unattended", "positives"), 6),
        (("people", "no_hat", "close_share"), 0.7),
        (("people", "no_hat", "zones"), ["roof"]),
        (("people", "no_hat", "shar"), 0.7),
        (("evidence", "clip_s"), 11),
        (("evidence", "retention_days"), {"no_hat": 30}),
        (("cameras",), {"c1": {"cool_down_s": "long"}}),
    ],
)
def test_a_wrong_entry_is_refused_by_its_name(path: tuple[str, ...], value: object) -> None:
    with pytest.raises(Permanent) as error:
        rules.Rules(changed(*path, value=value), "rules.yaml")
    assert path[0].removesuffix("s") in str(error.value)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_point_is_in_a_square_as_arithmetic_says(x: float, y: float) -> None:
    edges = {0.2, 0.6}
    if x not in edges and y not in edges:
        assert zones.inside(np.array([[x, y]]), SQUARE)[0] == (0.2 < x < 0.6 and 0.2 < y < 0.6)


def test_a_person_stands_where_the_feet_are_in_the_innermost_zone() -> None:
    whole = Zone("all", "c1", "floor", ((0, 0), (1, 0), (1, 1), (0, 1)))
    boxes = np.array([[0.3, 0.1, 0.5, 0.5], [0.3, 0.1, 0.5, 0.7], [0.9, 0.5, 1.0, 1.0]])
    assert zones.standing(boxes, [whole, SQUARE]).tolist() == [[True, True], [True, False], [True, False]]
    assert zones.innermost(boxes, [whole, SQUARE]).tolist() == [1, 0, 0]
    assert zones.innermost(boxes, []).tolist() == [-1, -1, -1]


def test_a_hollow_polygon_is_hollow() -> None:
    bent = Zone("l", "c1", "floor", ((0, 0), (1, 0), (1, 0.2), (0.2, 0.2), (0.2, 1), (0, 1)))
    zones.check(bent)
    assert zones.inside(np.array([[0.1, 0.9], [0.9, 0.1], [0.9, 0.9]]), bent).tolist() == [True, True, False]


@pytest.mark.parametrize(
    "polygon",
    [
        ((0, 0), (1, 1)),
        ((0, 0), (0.5, 0.5), (1, 1)),
        ((0, 0), (1, 0), (1.2, 1)),
        ((0, 0), (1, 1), (1, 0), (0, 0.8)),
    ],
)
def test_a_polygon_without_area_outside_or_crossing_itself_is_refused(polygon: tuple) -> None:
    with pytest.raises(Permanent, match="z of camera c1"):
        zones.check(Zone("z", "c1", "floor", polygon))


def test_zones_hold_on_their_days() -> None:
    old = zones.DatedZone(SQUARE, dt.date(2026, 1, 1), dt.date(2026, 6, 30))
    new = zones.DatedZone(Zone("z", "c1", "cutting", ((0, 0), (1, 0), (1, 1))), dt.date(2026, 7, 1))
    assert zones.on([new, old], dt.date(2026, 6, 30)) == [SQUARE]
    assert zones.on([new, old], dt.date(2026, 7, 1)) == [new.zone]
    assert zones.on([new, old], dt.date(2025, 7, 1)) == []
    with pytest.raises(Permanent, match="two polygons"):
        zones.on([new, zones.DatedZone(SQUARE, dt.date(2026, 1, 1))], dt.date(2026, 7, 1))


def walkers(
    *paths: list[tuple[float, float] | None], step_s: float = 2.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes of people whose middles follow paths, None where nobody is seen; instants, boxes, who."""
    found = [
        (i * step_s * 1000, [x - 0.04, y - 0.2, x + 0.04, y + 0.2], who)
        for i in range(max(map(len, paths)))
        for who, path in enumerate(paths)
        if i < len(path) and path[i] is not None
        for x, y in [path[i]]
    ]
    at, boxes, who = zip(*found, strict=True)
    return np.array(at, np.int64), np.array(boxes), np.array(who)


def same(tracks_: np.ndarray, who: np.ndarray) -> bool:
    """Whether two numberings part the boxes alike."""
    return len({*zip(tracks_.tolist(), who.tolist(), strict=True)}) == len({*tracks_}) == len({*who})


def test_people_who_walk_further_than_their_width_between_samples_keep_their_track() -> None:
    right = [(0.1 + 0.12 * i, 0.5) for i in range(7)]
    stays = [(0.5, 0.6)] * 7
    at, boxes, who = walkers(right[:3], [(0.9, 0.5)] * 7)
    assert same(tracks.follow(at, boxes, RULES.general.tracks), who)
    at, boxes, who = walkers(right)
    assert same(tracks.follow(at, boxes, RULES.general.tracks), who)
    at, boxes, who = walkers(stays, [(0.2, 0.6)] * 7)
    assert same(tracks.follow(at, boxes, RULES.general.tracks), who)


def test_a_track_lives_through_a_short_gap_and_not_through_a_long_one_nor_a_leap() -> None:
    rule = RULES.general.tracks
    place = (0.5, 0.5)
    at, boxes, _ = walkers([place, None, None, place, None, None, None, None, None, None, place])
    assert tracks.follow(at, boxes, rule).tolist() == [0, 0, 1]
    at, boxes, _ = walkers([(0.1, 0.5), (0.9, 0.5)])
    assert tracks.follow(at, boxes, rule).tolist() == [0, 1]
    assert len(tracks.follow(at[:0], boxes[:0], rule)) == 0


class Faces:
    """Finds the bright square, except in every third frame."""

    version, thresholds = "faces", {}

    def detect(self, frame: np.ndarray) -> list[Detection]:
        if frame[0, 0, 0] % 3 == 2:
            return []
        return [Detection("face", Box(0.4, 0.2, 0.5, 0.4), 0.9)]


def film(count: int) -> list[Sample]:
    dice = np.random.default_rng(1)
    face = dice.integers(0, 255, (72, 64, 3), dtype=np.uint8)
    frames = []
    for i in range(count):
        frame = np.full((360, 640, 3), 90, np.uint8)
        frame[72:144, 256:320] = face
        frame[0, 0, 0] = i
        frames.append(Sample(100 + i / 5, frame))
    return frames


EVENT = Event(
    "e1", "c1", "z", "no_hat",
    dt.datetime(2026, 9, 1, tzinfo=dt.UTC), dt.datetime(2026, 9, 1, 0, 1, tzinfo=dt.UTC),
    5, 5, 0.9, Box(0.3, 0.1, 0.7, 0.9), "0" * 64, "m", "c",
)  # fmt: skip


def test_evidence_is_a_snapshot_and_a_clip_of_ten_seconds_written_once_under_their_hashes(
    tmp_path: Path,
) -> None:
    found = evidence.make(EVENT, film(120), 110.0, Faces(), RULES.general.evidence, tmp_path)
    assert found is not None
    files = {p.name: p for p in tmp_path.glob("??/*") if p.suffix != ".json"}
    assert set(files) == {f"{found.evidence_sha256}.jpg", f"{found.clip_sha256}.mp4"}
    assert all(hashlib.sha256(p.read_bytes()).hexdigest() == p.stem for p in files.values())
    with av.open(str(files[f"{found.clip_sha256}.mp4"])) as clip:
        stream = clip.streams.video[0]
        assert (stream.frames, stream.height) == (50, 360)
        assert float(stream.duration * stream.time_base) <= 10
    times = {p: p.stat().st_mtime_ns for p in files.values()}
    assert evidence.make(EVENT, film(120), 110.0, Faces(), RULES.general.evidence, tmp_path) == found
    assert times == {p: p.stat().st_mtime_ns for p in files.values()}
    assert evidence.make(EVENT, [], 110.0, Faces(), RULES.general.evidence, tmp_path) is None


def test_faces_are_blurred_also_where_they_were_missed_in_one_frame() -> None:
    before, after = film(7), list(evidence.blurred(film(7), Faces()))
    assert [s.at for s in after] == [s.at for s in before]
    for one, other in zip(before, after, strict=True):
        detail = [np.abs(np.diff(s.frame[72:144, 256:320].astype(int), axis=1)).mean() for s in (one, other)]
        assert detail[1] < 0.1 * detail[0]


def test_a_head_or_the_top_of_the_body_is_hidden_where_no_face_was_found() -> None:
    person, head, face = Box(0.4, 0.2, 0.6, 0.9), Box(0.45, 0.2, 0.55, 0.3), Box(0.47, 0.22, 0.53, 0.28)
    found = lambda **boxes: evidence.to_hide([Detection(kind, box, 1.0) for kind, box in boxes.items()])  # noqa: E731
    assert found(person=person, head=head, face=face) == [face]
    assert found(person=person, head=head) == [head]
    (top,) = found(person=person)
    assert (top.x1, top.y1, top.x2) == (0.4, 0.2, 0.6)
    assert top.y2 < 0.45


def test_evidence_goes_when_its_days_are_over_unless_it_is_held(tmp_path: Path) -> None:
    found = evidence.make(EVENT, film(30), 103.0, Faces(), RULES.general.evidence, tmp_path)
    assert found is not None
    days = RULES.general.evidence.retention_days["no_hat"]
    over = EVENT.ended_at + dt.timedelta(days=days)
    assert evidence.purge(tmp_path, over - dt.timedelta(seconds=1)) == []
    assert evidence.purge(tmp_path, over, held={found.clip_sha256}) == [found.evidence_sha256]
    assert [p.suffix for p in sorted(tmp_path.glob("??/*"))] == [".json", ".mp4"]
    assert evidence.purge(tmp_path, over) == [found.clip_sha256]
    assert not list(tmp_path.glob("??/*"))
