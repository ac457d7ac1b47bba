"""Changed canteen-days of a database, whole, into landing files.

Belongs here: the order of work. One snapshot per run; the touched canteen-days are found by the cursor
and by counts; pages of whole canteen-days are written one by one. A page is announced in the ledger,
renamed into landing, then confirmed, and the cursor moves last: a kill at any point loses and doubles
nothing, because the next run settles the announced file and skips what it finds unchanged.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import polars as pl

from ingest import layouts
from ingest.connectors import sessions
from ingest.connectors.declaration import EXTRACTED_AT, Extracted
from ingest.connectors.ledger import Ledger, Written
from ingest.connectors.queries import Questions, Unit, earlier
from ingest.landing import same_disk
from ingest.layouts import Layout
from ingest.providers import Provider
from warehouse.errors import Permanent, Transient
from warehouse.tables import FEEDS

OnStep = Callable[[str], None]
_GONE = ""
"""Digest of a canteen-day without rows."""


@dataclass
class Extraction:
    """What one run wrote.

    Attributes:
        files: Landing files.
        rows: Rows in them.
        units: Canteen-days that they hold whole.
        withdrawn: Canteen-days of a feed whose rows are all gone.
    """

    files: list[Path] = field(default_factory=list)
    rows: int = 0
    units: int = 0
    withdrawn: int = 0


def run(
    home: Path, provider: Provider, landing: Path, arrival: dt.date, on_step: OnStep = lambda _: None
) -> Extraction:
    """Extract what changed since the last run.

    Args:
        home: The data home.
        provider: A provider with a declared database.
        landing: The landing folder, on the file system of the data home.
        arrival: Day of arrival of the files.
        on_step: Told after each durable step; a test kills the process there.

    Raises:
        Transient: The database does not answer; what is written stays, run again.
        Permanent: The declaration does not fit the database, or none is given.
    """
    if provider.database is None:
        raise Permanent(f"{provider.provider} 的登记文件中没有 database，不能从数据库导出")
    folder = landing / provider.provider / arrival.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    same_disk(home, folder)
    ledger = Ledger(home / "extract" / f"{provider.provider}.sqlite")
    try:
        ledger.settle()
        work = _Work(home, provider, folder, ledger, on_step)
        with sessions.opened(provider.provider, provider.database) as session:
            for table in provider.database.tables:
                work.table(Questions(session, table), table)
        work.tidy()
    except OSError as error:
        raise Transient(
            f"导出 {provider.provider} 中断：{error}；排除故障后重新运行即可，不丢不重"
        ) from error
    finally:
        ledger.close()
    return work.done


class _Work:
    def __init__(self, home: Path, provider: Provider, folder: Path, ledger: Ledger, on_step: OnStep) -> None:
        self.done = Extraction()
        self._folder = folder
        self._ledger = ledger
        self._on_step = on_step
        self._pages = itertools.count(1)
        self._now = ledger.now()
        self._drafts = home / "extract" / "drafts"
        self._drafts.mkdir(exist_ok=True)
        self._page_rows = provider.database.page_rows if provider.database is not None else 0
        known = layouts.load_all(home)
        self._layouts = {one.name: one for source in provider.sources for one in known[source].tables}

    def table(self, questions: Questions, table: Extracted) -> None:
        """All changed canteen-days of one table."""
        layout = self._layouts[table.layout]
        held = self._ledger.units(table.layout)
        newest = questions.newest()
        summaries = questions.summaries()
        touched = self._touched(questions, table, held, summaries)
        for page in _pages(sorted(touched), summaries, self._page_rows):
            self._page(questions, table, layout, page, held, summaries)
        gone = sorted(unit for unit, one in held.items() if one.digest != _GONE and unit not in summaries)
        self._withdraw(table.layout, [pair for unit in gone for pair in held[unit].feeds.items()], gone)
        if newest is not None and newest != self._ledger.cursor(table.layout):
            self._ledger.advance(table.layout, newest)
            self._on_step("cursor")

    def _touched(
        self,
        questions: Questions,
        table: Extracted,
        held: dict[Unit, Written],
        summaries: dict[Unit, tuple[int, str]],
    ) -> set[Unit]:
        """Canteen-days that may have changed; those that have not are found out by their digest.

        A list is always looked at whole, and so is a table whose cursor was never committed: a change
        after a killed first run is told by nothing else.
        """
        since = self._ledger.cursor(table.layout)
        if table.day is None or (table.cursor is not None and since is None):
            return set(summaries)
        touched = {unit for unit, (_, text) in summaries.items() if _summary(held, unit) != text}
        if table.cursor is not None and since is not None:
            back = earlier(since, table.cursor.kind, table.cursor.overlap)
            touched |= questions.changed(back) & set(summaries)
        return touched

    def tidy(self) -> None:
        """Leave no draft behind."""
        for draft in self._drafts.glob(f"{self._folder.parent.name}*.csv"):
            draft.unlink()

    def _page(
        self,
        questions: Questions,
        table: Extracted,
        layout: Layout,
        page: Sequence[Unit],
        held: dict[Unit, Written],
        summaries: dict[Unit, tuple[int, str]],
    ) -> None:
        """One file of whole canteen-days; those whose rows are the written ones are left out."""
        same: list[tuple[Unit, Written]] = []
        new: dict[Unit, list[list[str]]] = {}
        digests: dict[Unit, str] = {}
        for unit, rows in _by_unit(questions.page(page)):
            digest = hashlib.sha256(repr(rows).encode()).hexdigest()
            one = held.get(unit)
            if one is not None and one.digest == digest:
                same.append((unit, Written(summaries[unit][1], digest, one.feeds)))
            else:
                new[unit], digests[unit] = rows, digest
        self._ledger.note(table.layout, same)
        if not new:
            return
        feeds = _feeds(layout, table, new)
        # What a feed lost altogether is withdrawn first: once the page is confirmed it is forgotten.
        emptied = [
            (feed, place)
            for unit in new
            if unit in held
            for feed, place in held[unit].feeds.items()
            if feed not in feeds[unit]
        ]
        self._withdraw(table.layout, emptied, [])
        draft = self._drafts / f"{self._folder.parent.name}.csv"
        with draft.open("w", encoding="utf8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*table.columns, EXTRACTED_AT])
            writer.writerows([*row, str(self._now)] for rows in new.values() for row in rows)
            _flush(file)
        written = [(unit, Written(summaries[unit][1], digests[unit], feeds[unit])) for unit in new]
        self._deliver(draft, table.layout, written)
        self.done.rows += sum(map(len, new.values()))
        self.done.units += len(new)

    def _withdraw(self, layout: str, lost: Sequence[tuple[str, Sequence[str]]], gone: Sequence[Unit]) -> None:
        """Say that feeds have no rows of some canteen-days any more.

        Args:
            layout: Layout of the table.
            lost: Feed, and its canteen and day.
            gone: Canteen-days of the table that have no rows at all.
        """
        forgotten = [(unit, Written("", _GONE, {})) for unit in gone]
        if not lost:
            self._ledger.note(layout, forgotten)
            return
        draft = self._drafts / f"{self._folder.parent.name}-withdrawal.csv"
        with draft.open("w", encoding="utf8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["record_no", "canteen_id", "biz_date", "withdrawn_feed", "reported_at"])
            for feed, (canteen, day) in lost:
                number = hashlib.sha256(f"{feed}|{canteen}|{day}|{self._now}".encode()).hexdigest()[:32]
                writer.writerow([number, canteen, day, feed, str(self._now)])
            _flush(file)
        self._deliver(draft, layout, forgotten, "withdrawal")
        self.done.withdrawn += len(lost)

    def _deliver(
        self, draft: Path, layout: str, units: Sequence[tuple[Unit, Written]], name: str | None = None
    ) -> None:
        """Announce, rename, confirm."""
        file = self._folder / f"{name or layout}-{self._now:%Y%m%d%H%M%S}-{next(self._pages):05}.csv"
        self._ledger.intend(file, draft, layout, units)
        self._on_step("announced")
        draft.rename(file)
        _sync(self._folder)
        self._on_step("landed")
        self._ledger.confirm(file)
        self._on_step("confirmed")
        self.done.files.append(file)


def _summary(held: dict[Unit, Written], unit: Unit) -> str | None:
    return held[unit].summary if unit in held else None


def _pages(
    units: Sequence[Unit], summaries: dict[Unit, tuple[int, str]], page_rows: int
) -> Iterator[list[Unit]]:
    """Whole canteen-days, so many that a page holds about ``page_rows`` rows."""
    page: list[Unit] = []
    rows = 0
    for unit in units:
        page.append(unit)
        rows += summaries[unit][0]
        if rows >= page_rows:
            yield page
            page, rows = [], 0
    if page:
        yield page


def _by_unit(rows: Iterable[tuple[Unit, list[str]]]) -> Iterator[tuple[Unit, list[list[str]]]]:
    for unit, group in itertools.groupby(rows, key=lambda pair: pair[0]):
        yield unit, [cells for _, cells in group]


def _feeds(
    layout: Layout, table: Extracted, units: dict[Unit, list[list[str]]]
) -> dict[Unit, dict[str, list[str]]]:
    """Per canteen-day the dated feeds that the layout makes of its rows, with canteen and day as they have them."""
    places = list(units)
    cells = [[*row, place] for place, unit in enumerate(places) for row in units[unit]]
    schema = {**dict.fromkeys(table.columns, pl.String()), "_row": pl.Int64()}
    frame = pl.DataFrame(cells, schema=schema, orient="row").with_columns(
        pl.col(pl.String).replace("", None), pl.lit("").alias(EXTRACTED_AT)
    )
    found: dict[Unit, dict[str, list[str]]] = {unit: {} for unit in places}
    for emit in layout.feeds:
        if FEEDS[emit.feed].dated and not FEEDS[emit.feed].by_message:
            chosen = emit.select(frame).unique(subset="_row").select("_row", "canteen_id", "biz_date")
            for place, canteen, day in chosen.iter_rows():
                found[places[place]][emit.feed] = [canteen or "", day or ""]
    return found


def _flush(file: TextIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
