"""Layouts: which columns a source's table has and which feeds its rows become.

Belongs here: the declarative form of a layout (``ingest/sources/<source>/*.yaml``), the layouts of
the standard pack, which follow from the contracts, and recognising a header. Does not belong here:
reading files, and what the columns mean to us (``warehouse.contracts``). A further platform is a
further folder of YAML, here or in a data home (``<home>/sources/<source>/*.yaml``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ingest import mapping
from ingest.masking import PERSON
from warehouse import vocabulary
from warehouse.errors import Permanent, Refused
from warehouse.tables import FEEDS

FOLDER: Final = Path(__file__).parent / "sources"
STANDARD: Final = "standard"
BANK: Final = "bank"
"""Bank files: their layouts are words and formats, not columns (``ingest.banks``)."""
RELEASE: Final = "release"
"""The standard pack as a steward's release holds it: with pseudonyms instead of person numbers."""


_LATER: Final = {"price_reference": ("change_pct",)}
"""Columns that the pack has gained; a file of before is still right."""


class Emit(BaseModel):
    """A feed made from rows of a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feed: str
    columns: dict[str, mapping.Column]
    where: mapping.Where | None = None

    @model_validator(mode="after")
    def _complete(self) -> Emit:
        if self.feed not in FEEDS:
            raise ValueError(f"unknown feed {self.feed!r}")
        wanted = set(FEEDS[self.feed].contract.columns())
        if set(self.columns) != wanted:
            raise ValueError(f"{self.feed}: columns differ from the contract: {set(self.columns) ^ wanted}")
        return self

    def select(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The feed's rows: text columns of the contract, then ``_row``."""
        chosen = rows if self.where is None else rows.filter(self.where.expression())
        order = FEEDS[self.feed].contract.columns()
        return chosen.select(*(self.columns[name].expression().alias(name) for name in order), "_row")


class Ignored(BaseModel):
    """Rows that are deliberately not taken, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    where: mapping.Where
    reason: str = Field(min_length=1)


class Received(BaseModel):
    """How a message of the inbox becomes a row of the layout (``ingest.inbox``).

    Attributes:
        path: Where it is posted; a message of MQTT names the layout in its topic.
        received: Column that takes the time at which the inbox took the message.
        hashes: Field with a picture in Base64 -> column that takes its SHA-256.
        drops: Fields that are never kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(pattern=r"^(/[A-Za-z0-9_]+)+$")
    received: str | None = None
    hashes: dict[str, str] = {}
    drops: list[str] = []


class Layout(BaseModel):
    """One table of a source.

    Attributes:
        name: Name within the source.
        columns: Header in the usual order; a file may have it in any order.
        feeds: What its rows become. The first feed stands for the table: it is emitted even when no
            row belongs to it.
        ignored: Rows that belong to no feed. All other rows must belong to one.
        labels: Other header of the same columns, same order.
        optional: Columns that a file may lack; they are blank then.
        inbox: How its rows may come as messages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    columns: list[str] = Field(min_length=1)
    feeds: list[Emit] = Field(min_length=1)
    ignored: list[Ignored] = []
    labels: list[str] | None = None
    optional: list[str] = []
    inbox: Received | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Layout:
        used = {name for emit in self.feeds for column in emit.columns.values() for name in column.sources()}
        used |= {emit.where.column for emit in self.feeds if emit.where is not None}
        used |= {ignored.where.column for ignored in self.ignored}
        if self.inbox is not None:
            used |= {*self.inbox.hashes.values(), *([self.inbox.received] if self.inbox.received else [])}
        if not used <= set(self.columns):
            raise ValueError(f"{self.name}: no such source columns {sorted(used - set(self.columns))}")
        if not set(self.optional) < set(self.columns):
            raise ValueError(f"{self.name}: an optional column must be one of several")
        for header in (self.columns, self.labels or self.columns):
            if len({normal(name) for name in header}) != len(self.columns):
                raise ValueError(f"{self.name}: a column stands twice in the header")
        return self

    def headers(self) -> list[list[str]]:
        """The headers that a file may have, in order of the columns."""
        return [self.columns] if self.labels is None else [self.columns, self.labels]

    def unfed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that belong to no feed and are not ignored."""
        if any(emit.where is None for emit in self.feeds):
            return rows.clear()
        conditions = [emit.where.expression() for emit in self.feeds if emit.where is not None]
        conditions += [ignored.where.expression() for ignored in self.ignored]
        return rows.filter(~pl.any_horizontal(conditions))


class Source(BaseModel):
    """All layouts of a source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    label: str
    tables: list[Layout]

    @model_validator(mode="after")
    def _distinct(self) -> Source:
        headers = [frozenset(map(normal, header)) for table in self.tables for header in table.headers()]
        if len(set(headers)) != len(headers):
            raise ValueError(f"{self.source}: two tables have the same header")
        return self


def normal(name: str) -> str:
    """A header cell without width variants and blanks."""
    return unicodedata.normalize("NFKC", name).strip()


def load_all(home: Path | None = None) -> dict[str, Source]:
    """Every source by its name.

    Args:
        home: A data home, whose own sources are known too.

    Raises:
        Permanent: A source file is wrong, or two have the same name.
    """
    own = [] if home is None else sorted((home / "sources").glob("*/*.yaml"))
    return (
        _with_own(FOLDER, tuple((path, path.stat().st_mtime_ns) for path in own)) if own else _given(FOLDER)
    )


@cache
def _given(folder: Path) -> dict[str, Source]:
    """The standard pack and the sources of the product."""
    bank = Source(source=BANK, label="银行对账单", tables=[])
    return _added([_standard(STANDARD), _standard(RELEASE), bank], sorted(folder.glob("*/*.yaml")))


@cache
def _with_own(folder: Path, own: tuple[tuple[Path, int], ...]) -> dict[str, Source]:
    """The same with the sources of a data home; a file that was changed since is read again."""
    return _added(list(_given(folder).values()), [path for path, _ in own])


def _added(sources: list[Source], paths: list[Path]) -> dict[str, Source]:
    known = {source.source: source for source in sources}
    for path in paths:
        source = read(path)
        if source.source in known:
            raise Permanent(f"{path}：版式来源 {source.source} 已有定义，请改用另一个名称")
        known[source.source] = source
    return known


def read(path: Path) -> Source:
    """One source file.

    Raises:
        Permanent: It does not say what a source file must say.
    """
    try:
        found = Source.model_validate(yaml.safe_load(path.read_text("utf8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Permanent(f"{path} 不正确：{error}") from error
    if found.source != path.parent.name:
        raise Permanent(f"{path}：source 应与文件夹名相同（{path.parent.name}）")
    return found


def _standard(source: str) -> Source:
    """The standard pack: a feed's own columns, by name or by Chinese label."""
    tables = []
    for feed in FEEDS.values():
        named = {
            name: "person_no" if name == PERSON and source == STANDARD else name
            for name in feed.contract.columns()
        }
        columns = list(named.values())
        emit = Emit(
            feed=feed.name,
            columns={name: mapping.Column.model_validate({"from": given}) for name, given in named.items()},
        )
        labels = [vocabulary.LABELS[name] for name in columns]
        optional = [name for name in columns if name in _LATER.get(feed.name, ())]
        tables.append(Layout(name=feed.name, columns=columns, feeds=[emit], labels=labels, optional=optional))
    return Source(source=source, label="标准数据包", tables=tables)


class Match(BaseModel):
    """A recognised header.

    Attributes:
        source: Source of the layout.
        layout: The layout.
        names: The layout's column for each column of the file, in the file's order.
    """

    source: str
    layout: Layout
    names: list[str]

    @property
    def is_shuffled(self) -> bool:
        """Whether the file has the columns in another order than the layout."""
        return self.names != [name for name in self.layout.columns if name in self.names]

    @property
    def lacking(self) -> list[str]:
        """Columns of the layout that the file may lack and does."""
        return [name for name in self.layout.columns if name not in self.names]


def recognise(header: Sequence[str], sources: Sequence[str], home: Path | None = None) -> Match:
    """The layout whose header has exactly these columns.

    Args:
        header: Column names as they stand in the file.
        sources: Sources to look in, in this order.
        home: The data home, for its own sources.

    Raises:
        Refused: ``unknown_layout``, with what is missing and what is too much.
    """
    given = [normal(name) for name in header]
    known = load_all(home)
    candidates = [(source, layout) for source in sources for layout in known[source].tables]
    if len(set(given)) == len(given):
        for source, layout in candidates:
            for written in layout.headers():
                names = {normal(name): column for name, column in zip(written, layout.columns, strict=True)}
                lacking = {names[name] for name in set(names) - set(given)}
                if set(given) <= set(names) and lacking <= set(layout.optional):
                    return Match(source=source, layout=layout, names=[names[name] for name in given])
    raise Refused("unknown_layout", _nearest(given, [layout for _, layout in candidates]))


def _nearest(given: list[str], layouts: list[Layout]) -> str:
    """What differs from the nearest layout. A header unlike all may be data, so it is not repeated."""
    if len(set(given)) != len(given):
        return "表头中有重复的列名"
    headers = [
        (layout, [normal(name) for name in header]) for layout in layouts for header in layout.headers()
    ]
    layout, nearest = max(
        headers, key=lambda pair: len(set(pair[1]) & set(given)) / len(set(pair[1]) | set(given))
    )
    if len(set(nearest) & set(given)) * 2 < len(nearest):
        return "表头与任何版式都不相近，请确认首行是列名、分隔符是逗号"
    may_lack = {normal(name) for name in layout.optional}
    missing = "、".join(name for name in nearest if name not in given and name not in may_lack)
    extra = "、".join(re.sub(r"\d", "#", name[:20]) for name in given if name not in nearest)
    parts = [f"缺少列 {missing}" if missing else "", f"多出列 {extra}" if extra else ""]
    return f"最接近的版式是 {layout.name}，" + "，".join(part for part in parts if part)
