"""Films that a manifest names and that are not there yet.

Belongs here: the small file that says so, because the guard of a night must not open a table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from warehouse.manifest import write_durably


def expect(home: Path, paths: Sequence[str]) -> None:
    """Remember the films that the night missed, paths below the video root."""
    write_durably(_file(home), json.dumps(list(paths), ensure_ascii=False))


def film_arrived(home: Path, video: Path) -> bool:
    """Whether one of them is there now."""
    file = _file(home)
    return file.exists() and any((video / path).is_file() for path in json.loads(file.read_text("utf8")))


def _file(home: Path) -> Path:
    return home / "publish" / "expected_films.json"
