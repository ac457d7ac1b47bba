"""Which messages the inbox takes from whom, told to its process as JSON.

Belongs here: deriving routes from the registered providers and layouts, and reading them back. The
derivation imports the layouts when it is called, in the process that starts the inbox.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Route:
    """A layout that a provider may send as messages.

    Attributes:
        provider: Who sends.
        layout: The layout, last part of an MQTT topic.
        path: HTTP path.
        columns: Fields that are kept, in the order of the layout.
        received: Column for the time of receipt, empty for none.
        hashes: Field with a picture in Base64 -> column for its SHA-256.
        drops: Fields that are never kept.
    """

    provider: str
    layout: str
    path: str
    columns: list[str]
    received: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    drops: list[str] = field(default_factory=list)


def derive(home: Path) -> list[Route]:
    """Routes of every registered provider whose source has layouts for messages."""
    from ingest import layouts, providers

    sources = layouts.load_all(home)
    return [
        Route(
            provider.provider,
            layout.name,
            layout.inbox.path,
            layout.columns,
            layout.inbox.received or "",
            layout.inbox.hashes,
            layout.inbox.drops,
        )
        for provider in providers.load_all(home).values()
        for source in provider.sources
        for layout in sources[source].tables
        if layout.inbox is not None
    ]


def write(path: Path, routes: list[Route]) -> None:
    """Write routes for the process that listens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps([asdict(one) for one in routes], ensure_ascii=False), "utf8")
    draft.replace(path)


def read(path: Path) -> list[Route]:
    """Routes as they were written."""
    return [Route(**one) for one in json.loads(path.read_text("utf8"))]
