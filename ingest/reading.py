"""One content to one text frame per feed, written as Arrow files.

Belongs here: the way from bytes to frames: text, table, layout, cleansing, feeds, masking. Runs in
the child process. The result depends on the content, the provider and the layouts only, so it can be
made again from the vault at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.ipc

from ingest import bulletin, layouts, limits, rows, sheets, texts
from ingest.banks import reading as banks
from ingest.layouts import Layout
from ingest.masking import Masker
from warehouse.errors import Refused
from warehouse.tables import FEEDS

_WIDE: Final = "０１２３４５６７８９．－＋"
_NARROW: Final = "0123456789.-+"
_BLANKS: Final = " \t\r\n\f\v\u00a0\u3000\u200b\ufeff"
_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True)
class Reading:
    """What a content was found to be.

    Attributes:
        layout: ``<source>.<table>``.
        encoding: ``utf-8``, ``gb18030`` or ``workbook``.
        has_bom: Whether it began with a byte order mark.
        is_shuffled: Whether its columns stand in another order than the layout's.
        rows: Data rows.
        ignored: Rows that the layout leaves out on purpose.
        feeds: Rows per feed.
        notes: What a person should know although the content was taken.
        statements: Per account of a bank file what ``inspect`` shows of it.
    """

    layout: str
    encoding: str
    has_bom: bool
    is_shuffled: bool
    rows: int
    ignored: int
    feeds: dict[str, int]
    notes: list[str] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)


def read(
    path: Path,
    sources: Sequence[str],
    allowed: Sequence[str],
    masker: Masker,
    stem: Path,
    home: Path | None = None,
) -> dict[str, Any]:
    """Read a content and write ``<stem>.<feed>.arrow`` for each feed.

    A feed's frame has the text columns of its contract and ``_row``, the 1-based data row of the file;
    blank cells are null.

    Args:
        path: The unpacked content.
        sources: Sources whose layouts are looked for.
        allowed: Feeds that the provider may deliver.
        masker: Masks persons.
        stem: Where the frames go.
        home: The data home, for its own sources.

    Returns:
        ``Reading`` as a dictionary.

    Raises:
        Refused: The content is not understood; no frame is left behind.
    """
    columns = [source for source in sources if source != layouts.BANK]
    if not columns:
        return _bank_file(path, allowed, masker, stem)
    try:
        return _column_file(path, columns, allowed, masker, stem, home)
    except Refused as refused:
        if layouts.BANK not in sources:
            raise
        return _bank_file(path, allowed, masker, stem, otherwise=refused)


def _column_file(
    path: Path,
    sources: Sequence[str],
    allowed: Sequence[str],
    masker: Masker,
    stem: Path,
    home: Path | None,
) -> dict[str, Any]:
    """A table whose columns are those of a layout."""
    if sheets.is_workbook(path):
        text, table = None, sheets.open_table(path)
    else:
        text = texts.open_text(path)
        prose = bulletin.SOURCE in sources and bulletin.is_bulletin(text)
        table = bulletin.open_table(text) if prose else rows.open_table(text)
    match = layouts.recognise(table.header, sources, home)
    foreign = [emit.feed for emit in match.layout.feeds if emit.feed not in allowed]
    if foreign:
        raise Refused("wrong_provider", f"版式为 {match.layout.name}，该提供方未登记 {'、'.join(foreign)}")
    names = dict(zip(table.header, match.names, strict=True))
    frames = _Frames(match.layout, masker, stem)
    try:
        for frame in table.frames:
            blank = [pl.lit(None, pl.String).alias(name) for name in match.lacking]
            is_ascii = text is not None and text.is_ascii
            frames.add(_cleansed(frame.rename(names).with_columns(blank), is_ascii=is_ascii))
        feeds = frames.close()
    finally:
        frames.discard()
    return asdict(
        Reading(
            layout=f"{match.source}.{match.layout.name}",
            encoding=sheets.ENCODING if text is None else text.encoding,
            has_bom=text is not None and text.has_bom,
            is_shuffled=match.is_shuffled,
            rows=frames.rows,
            ignored=frames.ignored,
            feeds=feeds,
        )
    )


def _bank_file(
    path: Path, allowed: Sequence[str], masker: Masker, stem: Path, otherwise: Refused | None = None
) -> dict[str, Any]:
    """A bank file: proved lines to one frame.

    Args:
        otherwise: Why the content is no table of columns; raised where nothing resembles a bank file.
    """
    try:
        found = banks.read(path)
    except Refused as refused:
        if otherwise is not None and not banks.resembles(refused):
            raise otherwise from refused
        raise
    if banks.FEED not in allowed:
        raise Refused("wrong_provider", f"是银行流水，该提供方未登记 {banks.FEED}")
    draft = stem.with_name(f"{stem.name}.{banks.FEED}.tmp")
    table = masker.apply(found.frame).to_arrow(compat_level=pl.CompatLevel.oldest())
    with pa.ipc.new_file(str(draft), table.schema, options=_OPTIONS) as writer:
        writer.write_table(table)
    draft.rename(frame_path(stem, banks.FEED))
    return asdict(
        Reading(
            layout=found.layout,
            encoding=found.encoding,
            has_bom=found.has_bom,
            is_shuffled=False,
            rows=found.rows,
            ignored=found.ignored,
            feeds={banks.FEED: found.frame.height},
            notes=found.notes,
            statements=found.statements,
        )
    )


def _cleansed(frame: pl.DataFrame, *, is_ascii: bool) -> pl.DataFrame:
    """Outer blanks and full-width digits away; a blank cell is null."""
    cells = pl.all()
    if not is_ascii:
        cells = cells.str.replace_many(list(_WIDE), list(_NARROW))
    stripped = cells.str.strip_chars(None if is_ascii else _BLANKS)
    return frame.with_columns(pl.when(stripped != "").then(stripped))


class _Frames:
    """The Arrow files of one content, written under draft names and renamed at the end."""

    def __init__(self, layout: Layout, masker: Masker, stem: Path) -> None:
        self.rows = 0
        self.ignored = 0
        self._layout = layout
        self._masker = masker
        self._stem = stem
        self._counts = dict.fromkeys((emit.feed for emit in layout.feeds), 0)
        self._writers: dict[str, pa.ipc.RecordBatchFileWriter] = {}

    def add(self, frame: pl.DataFrame) -> None:
        """Take the next rows of the content."""
        numbered = frame.with_columns(_row=pl.int_range(self.rows + 1, self.rows + 1 + frame.height))
        self.rows += frame.height
        if self.rows > limits.ROWS:
            raise Refused("too_large", f"超过 {limits.ROWS} 行")
        unfed = self._layout.unfed(numbered)
        if unfed.height:
            raise Refused(
                "unknown_layout", f"第 {unfed['_row'][0]} 行不属于版式 {self._layout.name} 的任何一类记录"
            )
        fed = self._feed(numbered)
        self.ignored += numbered.height - fed

    def _feed(self, numbered: pl.DataFrame) -> int:
        """Write the rows of each feed; tells how many rows of the source were used."""
        used: list[pl.Series] = []
        for emit in self._layout.feeds:
            chosen = emit.select(numbered)
            used.append(chosen["_row"])
            if chosen.height:
                self._counts[emit.feed] += chosen.height
                self._write(emit.feed, self._masker.apply(chosen))
        return pl.concat(used).n_unique()

    def close(self) -> dict[str, int]:
        """Finish the files; the first feed has one even without rows."""
        first = self._layout.feeds[0].feed
        if first not in self._writers:
            columns = dict.fromkeys(FEEDS[first].contract.columns(), pl.String())
            self._write(first, pl.DataFrame(schema={**columns, "_row": pl.Int64()}))
        written = list(self._writers)
        for feed in written:
            self._writers.pop(feed).close()
            self._draft(feed).rename(frame_path(self._stem, feed))
        return {feed: self._counts[feed] for feed in written}

    def discard(self) -> None:
        """Leave no draft behind."""
        for feed, writer in self._writers.items():
            writer.close()
            self._draft(feed).unlink()

    def _write(self, feed: str, frame: pl.DataFrame) -> None:
        batch = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if feed not in self._writers:
            self._writers[feed] = pa.ipc.new_file(str(self._draft(feed)), batch.schema, options=_OPTIONS)
        self._writers[feed].write_table(batch)

    def _draft(self, feed: str) -> Path:
        return self._stem.with_name(f"{self._stem.name}.{feed}.tmp")


def frame_path(stem: Path, feed: str) -> Path:
    """Where the frame of a feed is written."""
    return stem.with_name(f"{stem.name}.{feed}.arrow")
