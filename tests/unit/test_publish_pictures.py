"""Small pictures of kitchen events: made of evidence that is there, gone when it is purged."""

import base64
import re
from pathlib import Path

import cv2
import duckdb
import numpy as np
import pytest

from pipelines.publish import pictures

FILE = "evidence/ab/ab12.jpg"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("create schema cockpit_store")
    opened.execute(
        "create table cockpit_store.video_event (event_id varchar, evidence_file varchar, picture varchar)"
    )
    opened.execute(
        f"insert into cockpit_store.video_event values ('own', '{FILE}', null), ('gateway', null, null), "
        "('purged', 'evidence/cd/cd34.jpg', 'a picture'), ('broken', 'evidence/ef/ef56.jpg', null)"
    )
    return opened


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Evidence of one event, and a file that is no picture."""
    for name in (FILE, "evidence/ef/ef56.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[:, 640:] = (0, 0, 255)
    cv2.imwrite(str(tmp_path / FILE), frame)
    (tmp_path / "evidence/ef/ef56.jpg").write_bytes(b"no picture")
    return tmp_path


def shown(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return dict(connection.execute("select event_id, picture from cockpit_store.video_event").fetchall())


def test_an_event_with_evidence_gets_it_made_small(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    pictures.fill(connection, home)
    found = re.fullmatch(
        r'<img alt="事件画面" width="240" height="135" src="data:image/jpeg;base64,([A-Za-z0-9+/=]+)">',
        shown(connection)["own"] or "",
    )
    assert found
    small = cv2.imdecode(np.frombuffer(base64.b64decode(found[1]), np.uint8), cv2.IMREAD_COLOR)
    assert small.shape == (135, 240, 3)
    assert small[60, 200].tolist() == pytest.approx([0, 0, 255], abs=6)
    assert small[60, 40].tolist() == pytest.approx([0, 0, 0], abs=6)


def test_nothing_is_shown_of_what_is_not_there(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    pictures.fill(connection, home)
    assert {event for event, picture in shown(connection).items() if picture} == {"own"}


def test_a_picture_goes_with_its_evidence(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    pictures.fill(connection, home)
    (home / FILE).unlink()
    pictures.fill(connection, home)
    assert not any(shown(connection).values())


def test_what_is_shown_already_is_not_made_again(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    connection.execute("update cockpit_store.video_event set picture = 'made before' where event_id = 'own'")
    pictures.fill(connection, home)
    assert shown(connection)["own"] == "made before"
