"""The night step of kitchen video with a judge that only counts: what is judged, what waits, what stays."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.vision import films, step
from pipelines.vision.expected import film_arrived
from pipelines.vision.films import CameraDay, Found
from warehouse import delta, settings
from warehouse.settings import Settings
from warehouse.tables import SILVER

DAY, NEXT = dt.date(2026, 9, 1), dt.date(2026, 9, 2)
AT = dt.datetime(2026, 9, 1, 1, tzinfo=dt.UTC)


class Judge:
    """Finds one person and one event in every film."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dt.date, tuple[str, ...]]] = []

    def __call__(
        self, _: Settings, days: Sequence[CameraDay], progress: Callable[[str], None]
    ) -> list[Found]:
        return [self._found(day) for day in days]

    def _found(self, day: CameraDay) -> Found:
        self.seen.append((day.camera_id, day.biz_date, tuple(film.file.name for film in day.films)))
        shas = [film.sha256 for film in day.films]
        states = {"segment_state": "judged", "codec": "h264", "duration_s": 20.0, "samples": 10}
        states |= {"person_minutes": 1, "model_version": "m1", "config_version": "r1", "segment_reason": None}
        event = {"zone_id": "z", "event_kind": "smoking", "started_at": AT, "ended_at": AT, "samples": 5}
        event |= {"positive": 4, "score": 0.9, "model_version": "m1", "config_version": "r1"}
        return Found(
            pl.DataFrame([{"segment_sha256": sha, **states} for sha in shas], schema=films.JUDGED),
            pl.DataFrame(
                [{"zone_id": "z", "minute_at": AT, "persons": 1, "segment_sha256": sha} for sha in shas],
                schema=films.PRESENCE,
            ),
            pl.DataFrame(
                [{**event, "event_id": sha[:32], "segment_sha256": sha} for sha in shas], schema=films.EVENT
            ),
        )


class Home:
    """A data home with one camera, and its video root."""

    def __init__(self, folder: Path) -> None:
        self.settings = settings.load(folder / "home")
        self.video = folder / "video"
        self.video.mkdir()
        self.judge = Judge()
        self.steps: list[str] = []
        self.write("camera", [{"camera_id": "K1", "canteen_id": "C1", "valid_from": DAY}])
        zone = {"camera_id": "K1", "zone_id": "z", "zone_kind": "cooking", "valid_from": DAY}
        self.write("camera_zone", [{**zone, "polygon_json": "[[0,0],[1,0],[1,1]]", "reported_at": AT}])

    def write(self, table: str, rows: list[dict[str, Any]], days: Sequence[dt.date] = ()) -> None:
        schema = SILVER[table]
        path = self.settings.table(f"silver.{table}")
        frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
        delta.replace(
            path,
            [frame],
            schema,
            period=delta.Period("biz_date", frozenset(days)) if days else None,
            partition="biz_month" if "biz_month" in schema else None,
            commit_id=f"{table}{delta.version(path)}",
            touched=[str(day) for day in days],
        )

    def manifest(self, day: dt.date, *names: str, camera: str = "K1") -> None:
        """The day's manifest; the file of a name has the name for its content."""
        row = {"camera_id": camera, "canteen_id": "C1", "biz_date": day, "biz_month": f"{day:%Y-%m}"}
        rows = [{**row, "path": name, "segment_sha256": sha(name), "started_at": AT} for name in names]
        self.write("video_segment", rows, [day])

    def film(self, *names: str) -> None:
        for name in names:
            (self.video / name).write_text(name)

    def night(self, **given: Any) -> dict[str, int]:
        self.judge.seen.clear()
        self.steps.clear()
        judged = {"judge": self.judge, "can_judge": lambda _: True, **given}
        return step.run(self.settings, self.video, lambda _: None, self.steps.append, **judged)

    def read(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        path = self.settings.table(f"silver.{table}")
        return delta.read(path, SILVER[table]).select(columns).sort(columns).rows()


def sha(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_night_without_a_manifest_does_nothing(home: Home) -> None:
    assert set(home.night().values()) == {0}
    assert not home.settings.table("silver.video_judged").exists()


def test_films_are_judged_once_and_missing_ones_when_they_come(home: Home) -> None:
    home.manifest(DAY, "a", "b")
    home.film("a")
    assert home.night() == {"films": 2, "films_judged": 1, "films_waiting": 1, "video_events": 1}
    assert home.steps == ["silver.video_presence", "silver.video_event", "silver.video_judged"]
    assert home.read("video_judged", "path", "segment_state", "segment_reason") == [
        ("a", "judged", None),
        ("b", "waiting", "missing"),
    ]
    assert home.read("video_presence", "canteen_id", "zone_kind", "persons") == [("C1", "cooking", 1)]
    assert not film_arrived(home.settings.home, home.video)
    version = delta.version(home.settings.table("silver.video_judged"))
    home.night()
    assert (home.judge.seen, home.steps) == ([], [])
    assert delta.version(home.settings.table("silver.video_judged")) == version
    home.film("b")
    assert film_arrived(home.settings.home, home.video)
    home.night()
    assert home.judge.seen == [("K1", DAY, ("a", "b"))]  # an event may run across the day's films
    assert len(home.read("video_event", "event_id")) == 2
    assert not film_arrived(home.settings.home, home.video)


def test_only_the_camera_day_with_something_new_is_judged_again(home: Home) -> None:
    home.manifest(DAY, "a")
    home.film("a", "b", "c")
    home.night()
    home.manifest(NEXT, "b")
    home.night()
    assert home.judge.seen == [("K1", NEXT, ("b",))]
    home.manifest(NEXT, "c")
    home.night()
    assert home.judge.seen == [("K1", NEXT, ("c",))]
    assert home.read("video_event", "biz_date", "segment_sha256") == [(DAY, sha("a")), (NEXT, sha("c"))]


def test_what_was_judged_stays_when_the_film_is_deleted(home: Home) -> None:
    home.manifest(DAY, "a")
    home.film("a", "b")
    home.night()
    (home.video / "a").unlink()
    home.manifest(DAY, "a", "b")
    home.night()
    assert home.judge.seen == [("K1", DAY, ("b",))]
    assert len(home.read("video_event", "event_id")) == 2
    home.night(again=True)
    assert len(home.read("video_event", "event_id")) == 2


def test_unknown_cameras_and_a_home_without_models_wait_with_a_reason(home: Home) -> None:
    home.manifest(DAY, "a", camera="K9")
    home.film("a", "b")
    home.night()
    assert home.read("video_judged", "segment_reason") == [("camera_unregistered",)]
    home.manifest(NEXT, "b")
    home.night(can_judge=lambda _: False)
    assert home.read("video_judged", "segment_reason") == [("camera_unregistered",), ("no_models",)]
    home.night()
    assert home.judge.seen == [("K1", NEXT, ("b",))]


@pytest.mark.parametrize("killed_after", step._TABLES[:2])
def test_a_kill_between_commits_is_repaired_by_running_again(
    home: Home, tmp_path: Path, killed_after: str
) -> None:
    def kill(name: str) -> None:
        if name == f"silver.{killed_after}":
            raise KeyboardInterrupt

    home.manifest(DAY, "a")
    home.film("a")
    with pytest.raises(KeyboardInterrupt):
        step.run(home.settings, home.video, lambda _: None, kill, judge=home.judge, can_judge=lambda _: True)
    home.night()
    assert [len(home.read(table, "segment_sha256")) for table in step._TABLES] == [1, 1, 1]
    home.night()
    assert home.judge.seen == []
