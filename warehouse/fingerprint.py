"""Hashes of code and of landing folders, cheap enough for the no-change guard.

Belongs here: what must be equal for a night to have nothing to do. Imports the standard library only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from warehouse.settings import ROOT

PRODUCT: Final = ("warehouse", "ingest", "pipelines", "dbt_project", "expectations")
_SUFFIXES: Final = (".py", ".sql", ".yml", ".yaml", ".csv")
_SKIPPED: Final = frozenset({"target", "logs", "__pycache__", "simulator"})


def code_hash(*folders: str) -> str:
    """SHA-256 over the product's code in the given top-level folders."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in _code_files(ROOT / folder):
            digest.update(str(path.relative_to(ROOT)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _code_files(folder: Path) -> Iterator[Path]:
    for root, dirs, names in os.walk(folder):
        dirs[:] = sorted(name for name in dirs if name not in _SKIPPED)
        yield from (Path(root) / name for name in sorted(names) if name.endswith(_SUFFIXES))


def landing_hash(landing: Path, last: dt.date) -> str:
    """SHA-256 over names, sizes and times of everything that arrived up to a day."""
    digest = hashlib.sha256()
    limit = last.isoformat()
    for provider in sorted(os.scandir(landing), key=lambda entry: entry.name):
        if not provider.is_dir(follow_symlinks=False):
            continue
        for arrival in sorted(os.scandir(provider), key=lambda entry: entry.name):
            if arrival.name > limit or not arrival.is_dir(follow_symlinks=False):
                continue
            for file in sorted(os.scandir(arrival), key=lambda entry: entry.name):
                seen = file.stat(follow_symlinks=False)
                digest.update(
                    f"{provider.name}/{arrival.name}/{file.name}|{seen.st_size}|{seen.st_mtime_ns}\n".encode()
                )
    return digest.hexdigest()


def registration_hash(home: Path) -> str:
    """SHA-256 over the providers and sources that a data home adds to the product's own."""
    digest = hashlib.sha256()
    for folder in ("providers", "sources"):
        for path in _code_files(home / folder):
            digest.update(f"{path.relative_to(home)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def declares_database(home: Path) -> bool:
    """Whether any provider's rows are read from a database."""
    files = (*(ROOT / "ingest" / "providers").glob("*.yaml"), *(home / "providers").glob("*.yaml"))
    return any(path.read_text("utf8").find("\ndatabase:") >= 0 for path in files)
