"""Publications: one JSON file each, written last and with fsync, is the truth of what is published.

Belongs here: writing and reading manifests. Does not belong here: what is published.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from warehouse.settings import Settings


@dataclass(frozen=True)
class Manifest:
    """One publication.

    Attributes:
        number: Serial number, from 1.
        published_at: UTC instant, ISO text.
        first: First arrival date of the night or range.
        last: Last arrival date taken.
        as_of: Last business day with consumption.
        tables: Delta version of every silver and gold table.
        code: Hash of the product's code.
        serving: Name of the serving file.
        serving_sha256: Hash of the serving file.
    """

    number: int
    published_at: str
    first: str
    last: str
    as_of: str
    tables: dict[str, int]
    code: str
    serving: str
    serving_sha256: str


def numbers(settings: Settings) -> list[int]:
    """Numbers of all publications, oldest first."""
    return sorted(int(path.stem) for path in settings.publications.glob("[0-9]*.json"))


def read(settings: Settings, number: int) -> Manifest:
    """One publication by its number."""
    fields: dict[str, Any] = json.loads((settings.publications / f"{number}.json").read_text("utf8"))
    return Manifest(**fields)


def latest(settings: Settings) -> Manifest | None:
    """The newest publication, ``None`` before the first."""
    known = numbers(settings)
    return read(settings, known[-1]) if known else None


def write(settings: Settings, manifest: Manifest) -> None:
    """Write a manifest durably: content, then name, then folder."""
    write_durably(
        settings.publications / f"{manifest.number}.json",
        json.dumps(asdict(manifest), indent=1, sort_keys=True),
    )


def write_durably(path: Path, text: str) -> None:
    """Replace a small text file so that a power cut leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("w", encoding="utf8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
