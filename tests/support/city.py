"""A small simulated city and the quick way to run nights over it (no scoring, no orchestrator)."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from ingest import simulator
from pipelines import hashing, night
from warehouse import serving, settings
from warehouse.settings import Settings

START = dt.date(2026, 9, 24)
END = dt.date(2026, 10, 13)
SILVER_STEPS = (night.receive, night.silver)
CONTENT_STEPS = (*SILVER_STEPS, night.gold, night.publish)


def simulate(
    out: Path,
    canteens: int = 4,
    seed: int = 7,
    start: dt.date = START,
    end: dt.date = END,
    faults=None,
    books: float = 0.0,
    cameras: int = 0,
) -> Path:
    """A city's landing folder."""
    simulator.simulate(out, canteens, start, end, seed, faults, books=books, cameras=cameras)
    return out / "landing"


def run(
    home: Path,
    landing: Path,
    last: dt.date,
    first: dt.date | None = None,
    on_step: Callable[[str], None] | None = None,
    force: bool = False,
    steps: Iterable[Callable] = CONTENT_STEPS,
) -> Settings:
    """One night, every step but the scoring, or only some steps."""
    opened = settings.load(home)
    work = night.Night(opened, landing, first or last, last, force, on_step or (lambda _: None))
    for step in steps:
        step(work, lambda _: None)
    return opened


def content_hash(opened: Settings) -> dict:
    """Hash of each content table, and of each table that the cockpit shows but those about arrival.

    The day of an alert is about arrival too.
    """
    gold = {name: found["hash"] for name, found in hashing.content(opened)["tables"].items()}
    with serving.connect(opened) as connection:
        shown = connection.execute(
            "select table_name, string_agg(column_name, ', ' order by column_index) from duckdb_columns() "
            "where schema_name = 'cockpit_store' and table_name not in ('delivery', 'refused_file') "
            "and column_name <> 'raised_on' group by table_name"
        ).fetchall()
        return gold | {
            f"cockpit.{name}": connection.execute(
                f"select count(*), sum(cast(hash(t) as hugeint)) from (select {columns} from cockpit_store.{name}) as t"
            ).fetchone()
            for name, columns in shown
        }


def copy(files: Iterable[Path], source: Path, target: Path) -> None:
    """Deliver files into another landing folder under the same names."""
    for file in files:
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)


def arrivals(landing: Path, last: dt.date = END) -> list[dt.date]:
    """Days on which anything arrived, up to a day."""
    days = {dt.date.fromisoformat(folder.name) for folder in landing.glob("*/*")}
    return sorted(day for day in days if day <= last)
