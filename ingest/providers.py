"""The registered providers (``ingest/providers/*.yaml``).

Belongs here: who may deliver what, in which source's layouts. One file per provider; a further
provider needs no code.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ingest import layouts
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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str = Field(min_length=1)
    sources: Annotated[list[str], BeforeValidator(_listed)] = Field(validation_alias="source", min_length=1)
    counties: list[str]
    feeds: list[str] = Field(min_length=1)
    duties: list[str]
    on_tie: Literal["latest_arrival"]

    @model_validator(mode="after")
    def _known(self) -> Provider:
        unknown = set(self.feeds) - set(FEEDS)
        if unknown:
            raise ValueError(f"unknown feeds {sorted(unknown)}")
        if not set(self.duties) <= set(self.feeds):
            raise ValueError("a duty must be one of the feeds")
        if strange := set(self.sources) - set(layouts.load_all()):
            raise ValueError(f"unknown sources {sorted(strange)}")
        return self


@cache
def load_all() -> dict[str, Provider]:
    """Every provider by its code.

    Raises:
        Permanent: A provider file is wrong.
    """
    return dict(sorted((one.provider, one) for one in map(read, sorted(FOLDER.glob("*.yaml")))))


def read(path: Path) -> Provider:
    """One provider file.

    Raises:
        Permanent: It does not say what a provider file must say.
    """
    try:
        found = Provider.model_validate(yaml.safe_load(path.read_text("utf8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Permanent(f"{path} 不正确：{error}") from error
    if found.provider != path.stem:
        raise Permanent(f"{path}：provider 应与文件名相同（{path.stem}）")
    return found


def get(name: str) -> Provider:
    """A provider by its code.

    Raises:
        Permanent: There is none.
    """
    known = load_all()
    if name not in known:
        raise Permanent(f"未登记的提供方 {name}，已登记：{'、'.join(known)}")
    return known[name]
