"""What has been extracted from a provider's database: a small SQLite file in the data home.

Belongs here: the cursor of each table, what each canteen-day looked like when it was written, and the
file that is being put into landing. Every change is one durable transaction, so the ledger and the
landing folder agree after a kill at any point.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.connectors.queries import Unit

_SCHEMA: Final = """
create table if not exists cursor (layout text primary key, value text not null);
create table if not exists unit (
    layout text, day text, canteen text, summary text not null, digest text not null, feeds text not null,
    primary key (layout, day, canteen));
create table if not exists intent (file text primary key, draft text not null, units text not null);
create table if not exists clock (one integer primary key check (one = 1), last text not null);
"""


@dataclass(frozen=True)
class Written:
    """What a canteen-day looked like when it was last written.

    Attributes:
        summary: Count and sums that the database told (``queries.Questions.summaries``).
        digest: SHA-256 of its rows as texts.
        feeds: Feed -> (canteen, day) as that feed has them, for feeds that had rows.
    """

    summary: str
    digest: str
    feeds: dict[str, list[str]]


class Ledger:
    """The ledger of one provider."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma synchronous = full")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextlib.contextmanager
    def _together(self) -> Iterator[None]:
        self._database.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._database.execute("rollback")
            raise
        self._database.execute("commit")

    def now(self) -> dt.datetime:
        """The time of this extraction in Shanghai, to the second, later than that of any before."""
        zone = dt.timezone(dt.timedelta(hours=8))
        current = dt.datetime.now(zone).replace(microsecond=0, tzinfo=None)
        found = self._database.execute("select last from clock").fetchone()
        if found is not None:
            current = max(current, dt.datetime.fromisoformat(found[0]) + dt.timedelta(seconds=1))
        self._database.execute("insert or replace into clock values (1, ?)", [current.isoformat()])
        return current

    def cursor(self, layout: str) -> str | None:
        """How far a table has been read."""
        found = self._database.execute("select value from cursor where layout = ?", [layout]).fetchone()
        return None if found is None else str(found[0])

    def advance(self, layout: str, value: str) -> None:
        """Record how far a table has been read; all its files are in landing."""
        self._database.execute("insert or replace into cursor values (?, ?)", [layout, value])

    def units(self, layout: str) -> dict[Unit, Written]:
        """All canteen-days of a table as they were written."""
        rows = self._database.execute(
            "select day, canteen, summary, digest, feeds from unit where layout = ?", [layout]
        )
        return {
            Unit(day, canteen): Written(summary, digest, json.loads(feeds))
            for day, canteen, summary, digest, feeds in rows
        }

    def note(self, layout: str, units: Sequence[tuple[Unit, Written]]) -> None:
        """Record canteen-days whose rows turned out to be those already written."""
        with self._together():
            self._keep(layout, units)

    def intend(self, file: Path, draft: Path, layout: str, units: Sequence[tuple[Unit, Written]]) -> None:
        """Say that a finished draft is about to become a landing file."""
        listed = json.dumps([[layout, *unit, one.summary, one.digest, one.feeds] for unit, one in units])
        self._database.execute("insert into intent values (?, ?, ?)", [str(file), str(draft), listed])

    def confirm(self, file: Path) -> None:
        """Record that a file is in landing, and what its canteen-days look like."""
        (listed,) = self._database.execute("select units from intent where file = ?", [str(file)]).fetchone()
        with self._together():
            for layout, day, canteen, summary, digest, feeds in json.loads(listed):
                self._keep(layout, [(Unit(day, canteen), Written(summary, digest, feeds))])
            self._database.execute("delete from intent where file = ?", [str(file)])

    def settle(self) -> None:
        """After a kill: confirm the file that reached landing, forget the one that did not."""
        for file, draft in self._database.execute("select file, draft from intent").fetchall():
            if Path(file).exists():
                self.confirm(Path(file))
            else:
                self._database.execute("delete from intent where file = ?", [file])
                Path(draft).unlink(missing_ok=True)

    def _keep(self, layout: str, units: Sequence[tuple[Unit, Written]]) -> None:
        self._database.executemany(
            "insert or replace into unit values (?, ?, ?, ?, ?, ?)",
            [
                [layout, unit.day, unit.canteen, one.summary, one.digest, json.dumps(one.feeds)]
                for unit, one in units
            ],
        )
