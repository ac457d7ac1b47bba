"""A vendor's delivery held against the feed pack, without loading anything.

Belongs here: ``./canteen conform``. The files go through the door itself (receipts, contracts, units)
in a data home that is thrown away afterwards, so no rule stands here twice; only what a delivery as a
whole can break is judged here: duties, keys across its files, units cut in two.
"""

from __future__ import annotations

import datetime as dt
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import landing, layouts, providers, receipts
from ingest.intake import Intake, Memory, stem_of
from ingest.landing import Folder
from ingest.providers import Provider
from ingest.reading import frame_path
from ingest.vault import Vault
from ingest.worker import Worker
from pipelines.silver import typing, units
from warehouse import catalog, vocabulary
from warehouse.errors import Permanent
from warehouse.tables import DELIVERY, FEEDS, Feed

SHOWN: Final = 100
"""At most so many rows are listed per file, rule and column; the counts are complete."""

_UNREGISTERED: Final = Provider(
    provider="vendor",
    label="未登记的提供方",
    source=layouts.STANDARD,
    counties=[],
    feeds=list(FEEDS),
    duties=[],
    on_tie="latest_arrival",
)
# Key column of a feed -> (registry feed, its column, kinds of keys in a provider's own key list).
_KEYS: Final = {
    "canteen_id": ("org", "org_id", ("canteen", "device")),
    "org_id": ("org", "org_id", ()),
    "parent_id": ("org", "org_id", ()),
    "supplier_uscc": ("supplier", "supplier_uscc", ("supplier",)),
    "ingredient_id": ("ingredient", "ingredient_id", ("ingredient",)),
}
_BROKEN: Final[dict[str, pl.DataType]] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "field": pl.String(),
    "rule": pl.String(),
    "text": pl.String(),
    "remedy": pl.String(),
}
_REFUSED_REMEDY: Final = "按提示更正后重新导出整个文件，再检查一次"


@dataclass(frozen=True)
class _Part:
    """One feed of one file that the door takes."""

    receipt: dict[str, Any]
    feed: Feed
    frame: Path
    registered: Path | None

    def load(self) -> pl.DataFrame:
        """Text columns of the contract and lineage; a file is named by its path."""
        lineage = {
            "_provider": self.receipt["provider"],
            "_file": self.receipt["path"],
            "_arrival_date": self.receipt["arrival_date"],
        }
        text = pl.read_ipc(self.frame).with_columns(pl.col("_row").cast(pl.Int64))
        return text.with_columns(pl.lit(value).alias(name) for name, value in lineage.items())

    def named(self, columns: tuple[str, ...]) -> str:
        """Columns of the contract under the names that they have in the file, joined by commas."""
        source, _, table = self.receipt["layout"].partition(".")
        (layout,) = (one for one in layouts.load_all(self.registered)[source].tables if one.name == table)
        (emit,) = (one for one in layout.feeds if one.feed == self.feed.name)
        return ",".join(",".join(emit.columns[name].sources()) or name for name in columns)


def check(root: Path, progress: Callable[[str], None], registered: Path | None = None) -> dict[str, Any]:
    """Check every file of a delivery.

    Args:
        root: Files as they would lie in ``landing/<provider>/<date>``, or any folder above such folders.
            A registered provider's folder is held against its registration, any other against the
            standard pack.
        progress: Told what is being done.
        registered: A data home, whose own providers and sources are known too; nothing is written there.

    Returns:
        ``conforms``; ``files``: per file ``file``, ``feeds``, ``rows``, ``conforms`` and the number of
        ``violations``; ``violations``: ``file``, ``row`` (1-based, header not counted), ``field`` (as
        the file names it), ``rule``, ``text``, ``remedy``. No values of the files are repeated.

    Raises:
        Permanent: There is no such folder, or no file in it.
        Transient: The machine failed.
    """
    if not root.is_dir():
        raise Permanent(f"{root} 不是文件夹，请核对路径")
    with tempfile.TemporaryDirectory(prefix="canteen-conform-") as folder:
        home = Path(folder)
        taken = _take(home, root.resolve(), progress, registered)
        if not taken:
            raise Permanent(f"{root} 中没有文件，请指定存放交付文件的文件夹")
        parts = [
            _Part(
                row, FEEDS[feed], frame_path(stem_of(home, row["provider"], row["file_id"]), feed), registered
            )
            for row in taken
            if row["status"] == "received"
            for feed in row["feeds"].split(",")
        ]
        broken = pl.concat([_refused(taken), *_contracts(parts, progress), _duties(taken, parts, registered)])
    return _report(taken, broken)


def _take(
    home: Path, root: Path, progress: Callable[[str], None], registered: Path | None
) -> list[dict[str, Any]]:
    """Receipts of all files; their paths are relative to the root."""
    rows: list[dict[str, Any]] = []
    # Nothing is kept, so the keys may be any.
    vault = Vault(home / "vault", secrets.token_bytes(32))
    with Worker(secrets.token_bytes(32), home=registered) as worker:
        memory = Memory.of(receipts.frame([]))
        intake = Intake(
            home,
            vault,
            worker,
            memory,
            skips_seen=False,
            provider_of=lambda name: _provider(name, registered),
        )
        for folder in _folders(root, root):
            rows += intake.take(folder)
            progress(f"检查 {folder.path.removeprefix('./')}")
    return [{**row, "path": row["path"].removeprefix("./")} for row in rows]


def _provider(name: str, registered: Path | None) -> Provider:
    return providers.load_all(registered).get(name, _UNREGISTERED)


def _folders(root: Path, directory: Path) -> Iterator[Folder]:
    """Every folder that holds files, as the door would take it."""
    items = sorted(directory.iterdir())
    below = [item for item in items if item.is_dir() and not item.is_symlink()]
    if len(below) < len(items):
        place = f"./{directory.relative_to(root)}".removesuffix("/.")
        try:
            arrival, name = dt.date.fromisoformat(directory.name), directory.parent.name
        except ValueError:
            arrival, name = dt.date.min, directory.name
        yield landing.folder(directory, name, arrival, place)
        return
    for item in below:
        yield from _folders(root, item)


def _refused(taken: list[dict[str, Any]]) -> pl.DataFrame:
    """Files that the door refuses whole, or that were announced and are not there."""
    rows = [
        {
            "file": row["path"],
            "rule": row["refusal_code"],
            "text": row["message"],
            "remedy": _REFUSED_REMEDY,
        }
        for row in taken
        if row["status"] in ("refused", "missing")
    ]
    return pl.DataFrame(rows, schema=_BROKEN)


def _contracts(parts: list[_Part], progress: Callable[[str], None]) -> Iterator[pl.DataFrame]:
    """What rows break, file by file, and then units that two files hold."""
    registered = _Registered(parts)
    described = [pl.DataFrame(schema=DELIVERY)]
    for number, part in enumerate(parts, 1):
        text = part.load()
        if number % 250 == 0:
            progress(f"检查内容 {number}/{len(parts)}")
        if text.height == 0:
            continue
        checked = typing.check(part.feed, text)
        delivered = units.deliver(part.feed, checked.accepted, checked.rejected)
        described.append(delivered.units)
        rules = delivered.rejected.select(row="_row", name=pl.col("rules").str.split(",")).explode("name")
        yield _in_words(part, rules)
        for column in (name for name in _KEYS if name in text.columns):
            stray = registered.stray(part, text, column)
            yield _in_words(part, stray.with_columns(name=pl.lit(f"{column}|key_registered")))
    yield _split_units(pl.concat(described))


def _in_words(part: _Part, rules: pl.DataFrame) -> pl.DataFrame:
    """(row, name of the rule) with the columns and texts of the rule."""
    words = [
        {"name": name, "rule": name.rpartition("|")[2], **_words(part, name)}
        for name in rules["name"].unique().to_list()
    ]
    texts = pl.DataFrame(words, schema=dict.fromkeys(("name", "rule", "field", "text", "remedy"), pl.String))
    return rules.join(texts, on="name").with_columns(file=pl.lit(part.receipt["path"])).select(*_BROKEN)


def _words(part: _Part, name: str) -> dict[str, str]:
    column, _, rule = name.rpartition("|")
    what, remedy = (vocabulary.RULES | vocabulary.DELIVERY_RULES)[rule]
    field = part.named(part.feed.columns_of(name))
    return {"field": field, "text": f"{shown(field)}{what}" if column else what, "remedy": remedy}


def shown(field: str) -> str:
    """Columns of a file in Chinese."""
    return "、".join(catalog.label(one) for one in field.split(","))


class _Registered:
    """Keys that the delivery itself registers."""

    def __init__(self, parts: list[_Part]) -> None:
        self._codes = {
            (feed, column): _column([part for part in parts if part.feed.name == feed], column)
            for feed, column, _ in _KEYS.values()
        }
        own = [part.load() for part in parts if part.feed.name == "provider_key"]
        self._own = pl.concat(own) if own else None

    def stray(self, part: _Part, text: pl.DataFrame, column: str) -> pl.DataFrame:
        """Rows (``row``) whose key is registered nowhere in the delivery; none if no such keys came."""
        feed, target, entities = _KEYS[column]
        known = self._codes[feed, target]
        if self._own is not None and entities:
            mine = (pl.col("_provider") == part.receipt["provider"]) & pl.col("entity").is_in(entities)
            known = pl.concat([known, self._own.filter(mine)["source_key"]])
        if known.len() == 0:
            return pl.DataFrame(schema={"row": pl.Int64})
        return text.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(known)).select(row="_row")


def _column(parts: list[_Part], column: str) -> pl.Series:
    frames = [pl.read_ipc(part.frame, columns=[column]) for part in parts]
    return pl.concat([pl.DataFrame(schema={column: pl.String}), *frames])[column].drop_nulls().unique()


def _split_units(described: pl.DataFrame) -> pl.DataFrame:
    """Units of which another file of the same arrival would hold another content."""
    unit = ["feed", "provider", "unit_key", "_arrival_date"]
    resolved = units.resolve(described)
    lost = resolved.filter(pl.col("state") == "superseded").join(
        resolved.filter(pl.col("state") == "current"), on=unit, how="semi"
    )
    fields = {feed.name: ",".join(feed.unit) for feed in FEEDS.values()}
    what, remedy = vocabulary.DELIVERY_RULES["unit_split"]
    return lost.select(
        file="_file",
        row=pl.lit(None, pl.Int64),
        field=pl.col("feed").replace_strict(fields, return_dtype=pl.String),
        rule=pl.lit("unit_split"),
        text=pl.lit(what),
        remedy=pl.lit(remedy),
    )


def _duties(taken: list[dict[str, Any]], parts: list[_Part], registered: Path | None) -> pl.DataFrame:
    """Feeds that a registered provider owes beside those that it delivered.

    A delivery without any of its duties (forms, corrections) owes nothing. What a refused file held is
    not known, so a provider with one is judged once it is repaired.
    """
    what, remedy = vocabulary.DELIVERY_RULES["required_feed"]
    unknown = {row["provider"] for row in taken if row["status"] in ("refused", "missing")}
    delivered: dict[str, set[str]] = {}
    for part in parts:
        delivered.setdefault(part.receipt["provider"], set()).add(part.feed.name)
    rows = [
        {
            "file": name,
            "rule": "required_feed",
            "text": f"{what}：{FEEDS[feed].label}（{feed}）",
            "remedy": remedy,
        }
        for name, feeds in sorted(delivered.items())
        for feed in _provider(name, registered).duties
        if name not in unknown and feeds & set(_provider(name, registered).duties) and feed not in feeds
    ]
    return pl.DataFrame(rows, schema=_BROKEN)


def _report(taken: list[dict[str, Any]], broken: pl.DataFrame) -> dict[str, Any]:
    counts = dict(broken.group_by("file").len().iter_rows())
    files = [
        {
            "file": row["path"],
            "feeds": row["feeds"],
            "rows": row["rows_in"],
            "conforms": row["path"] not in counts,
            "violations": counts.get(row["path"], 0),
        }
        for row in taken
    ]
    listed = broken.sort("file", "row", "field", "rule").filter(
        pl.int_range(pl.len()).over("file", "field", "rule") < SHOWN
    )
    return {"conforms": broken.height == 0, "files": files, "violations": listed.to_dicts()}
