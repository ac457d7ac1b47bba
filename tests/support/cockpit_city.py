"""A small simulated city for tests that need the real cockpit.

Belongs here: making the city, and saying loudly why there is no server on a machine. Does not belong here: starting
the server (``pipelines.measures.served``), and what is asked of it.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import shutil
import warnings
from pathlib import Path

import pytest

from ingest import simulator
from pipelines import cockpit, night
from pipelines.vision import drawing
from warehouse import settings
from warehouse.settings import Settings

FIRST = dt.date(2026, 9, 14)
LAST = dt.date(2026, 10, 15)
CANTEENS = 24
SEED = 1


def city(
    root: Path,
    canteens: int = CANTEENS,
    first: dt.date = FIRST,
    books: float = 0.0,
    cameras: int = 0,
    films: int = 0,
) -> Settings:
    """The data home of a published city with every planted fault.

    Args:
        root: Empty folder.
        canteens: Number of canteens.
        first: First day of the simulation; the last is always the same.
        books: Share of the canteens that keep books.
        cameras: Number of canteens whose kitchens are filmed.
        films: Number of their films that are drawn.
    """
    simulator.simulate(root / "out", canteens, first, LAST, SEED, books=books, cameras=cameras)
    home = settings.load(root / "home")
    if films:
        request = root / "out" / "clips.json"
        asked = json.loads(request.read_text("utf8"))
        request.write_text(json.dumps(asked | {"clips": asked["clips"][:films]}), "utf8")
        drawing.draw(request, root / "out" / "video", root / "out" / "landing", lambda _: None)
    night.run(night.Night(home, root / "out" / "landing", first, LAST), lambda _: None)
    shutil.rmtree(root / "out")
    return home


def skip_without_server() -> None:
    """Skip, and say so where it cannot be overlooked, without the server's environment."""
    if not cockpit.PYTHON.exists():
        skip_loudly(f"{cockpit.PYTHON.parents[1].name} is missing: ./canteen serve makes it from its lock")


def skip_loudly(reason: str) -> None:
    """Skip with a warning in the summary of the run, because nobody reads a lone 's'."""
    _warn_once(reason)
    pytest.skip(reason)


@functools.cache
def _warn_once(reason: str) -> None:
    warnings.warn(f"the cockpit is NOT TESTED here: {reason}", stacklevel=2)
