"""The registered providers (``ingest/providers/*.yaml``).

Belongs here: who may deliver what, in which source's layouts. One file per provider, here or in a data
home (``<home>/providers/*.yaml``); a further provider needs no code.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ingest import layouts
from ingest.connectors.declaration import EXTRACTED_AT, Database
from warehouse.errors import Permanent
from warehouse.tables import FEEDS

FOLDER: Final = Path(__file__).parent / "providers"


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


class Provider(BaseModel):
    """Who delivers data.

    Attributes:
        provider: Code, the name of the landing folder.
        label: Chinese name.
        sources: Whose layouts the files have (``ingest.layouts``), written ``source`` in YAML: one or a list.
        counties: Division codes it is responsible for; empty for the city.
        feeds: Feeds it may deliver.
        duties: Feeds that must arrive for each open day.
        on_tie: Which of two versions with the same reported time holds (DESIGN decision 10).
        database: Where its rows are read from, if not from files; ``feeds`` then names ``withdrawal`` too,
            and the source's layouts take ``_extracted_at`` for ``reported_at``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=1)
    sources: Annotated[list[str], BeforeValidator(_listed)] = Field(validation_alias="source", min_length=1)
    counties: list[str]
    feeds: list[str] = Field(min_length=1)
    duties: list[str]
    on_tie: Literal["latest_arrival"]
    database: Database | None = None

    @model_validator(mode="after")
    def _known(self) -> Provider:
        unknown = set(self.feeds) - set(FEEDS)
        if unknown:
            raise ValueError(f"unknown feeds {sorted(unknown)}")
        if not set(self.duties) <= set(self.feeds):
            raise ValueError("a duty must be one of the feeds")
        if self.database is not None and "withdrawal" not in self.feeds:
            raise ValueError("a provider with a database also delivers withdrawal")
        return self


def load_all(home: Path | None = None) -> dict[str, Provider]:
    """Every provider by its code.

    Args:
        home: A data home, whose own providers are known too.

    Raises:
        Permanent: A provider file is wrong, or two have the same code.
    """
    own = [] if home is None else sorted((home / "providers").glob("*.yaml"))
    if home is None or not own:
        return _given(FOLDER)
    return _with_own(FOLDER, home, tuple((path, path.stat().st_mtime_ns) for path in own))


@cache
def _given(folder: Path) -> dict[str, Provider]:
    """The providers of the product."""
    return _added({}, sorted(folder.glob("*.yaml")), None)


@cache
def _with_own(folder: Path, home: Path, own: tuple[tuple[Path, int], ...]) -> dict[str, Provider]:
    """The same with the providers of a data home; a file that was changed since is read again."""
    return _added(_given(folder), [path for path, _ in own], home)


def _added(given: dict[str, Provider], paths: list[Path], home: Path | None) -> dict[str, Provider]:
    known = dict(given)
    for path in paths:
        one = read(path, home)
        if one.provider in known:
            raise Permanent(f"{path}：提供方 {one.provider} 已有登记，请改用另一个代码")
        known[one.provider] = one
    return dict(sorted(known.items()))


def read(path: Path, home: Path | None = None) -> Provider:
    """One provider file.

    Args:
        path: The file.
        home: The data home, for its own sources.

    Raises:
        Permanent: It does not say what a provider file must say.
    """
    try:
        found = Provider.model_validate(yaml.safe_load(path.read_text("utf8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Permanent(f"{path} 不正确：{error}") from error
    if found.provider != path.stem:
        raise Permanent(f"{path}：provider 应与文件名相同（{path.stem}）")
    if strange := sorted(set(found.sources) - set(layouts.load_all(home))):
        raise Permanent(f"{path}：没有版式来源 {'、'.join(strange)}，请先在 sources 文件夹中定义")
    _check_tables(path, found, home)
    return found


def _check_tables(path: Path, provider: Provider, home: Path | None) -> None:
    """Every extracted table writes exactly the columns of its layout."""
    sources = layouts.load_all(home)
    known = {one.name: one for source in provider.sources for one in sources[source].tables}
    for table in provider.database.tables if provider.database is not None else ():
        if table.layout not in known:
            raise Permanent(f"{path}：版式来源 {'、'.join(provider.sources)} 没有版式 {table.layout}")
        differ = set(known[table.layout].columns) ^ {*table.columns, EXTRACTED_AT}
        if differ:
            raise Permanent(f"{path}：版式 {table.layout} 的列与导出的列不一致：{'、'.join(sorted(differ))}")


def get(name: str, home: Path | None = None) -> Provider:
    """A provider by its code.

    Args:
        name: The code.
        home: A data home, whose own providers are known too.

    Raises:
        Permanent: There is none.
    """
    known = load_all(home)
    if name not in known:
        raise Permanent(f"未登记的提供方 {name}，已登记：{'、'.join(known)}")
    return known[name]
