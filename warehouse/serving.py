"""The serving file: a read-only DuckDB snapshot behind a symlink.

Belongs here: opening it, swapping the link, removing old files. A reader never meets a writer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import duckdb

from warehouse.errors import Permanent
from warehouse.manifest import sync_folder
from warehouse.settings import Settings

KEEP: Final = 3
"""Serving files kept, so that a reader of an older one is not cut off."""


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open the published snapshot read-only, without any way to the outside.

    Raises:
        Permanent: Nothing has been published yet.
    """
    if not settings.serving.exists():
        raise Permanent(f"{settings.home} 尚无已发布的快照：请先运行 ./canteen nightly --date 日期")
    return duckdb.connect(
        str(settings.serving.resolve()),
        read_only=True,
        config={
            "enable_external_access": "false",
            "lock_configuration": "true",
            "autoload_known_extensions": "false",
        },
    )


def current(settings: Settings) -> Path | None:
    """The file that the link points to, ``None`` before the first publication."""
    return settings.serving.resolve() if settings.serving.is_symlink() else None


def swap(settings: Settings, name: str) -> None:
    """Point the link to a serving file, atomically."""
    folder = settings.serving.parent
    draft = folder / f".{settings.serving.name}.tmp"
    draft.unlink(missing_ok=True)
    os.symlink(name, draft)
    draft.replace(settings.serving)
    sync_folder(folder)


def prune(settings: Settings) -> None:
    """Remove all but the newest serving files."""
    files = sorted(
        settings.serving.parent.glob("snapshot-*.duckdb"), key=lambda path: int(path.stem.split("-")[1])
    )
    for path in files[:-KEEP]:
        path.unlink()
