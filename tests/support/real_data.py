"""Where the real data lies that some tests read; it is never copied into the project."""

import os
from pathlib import Path

import pytest

from warehouse.settings import ROOT


def root() -> Path | None:
    """The folder of CANTEEN_TEST_DATA, else shared/data beside the checkout or one level above."""
    given = os.environ.get("CANTEEN_TEST_DATA")
    candidates = [Path(given)] if given else [ROOT.parent / "shared/data", ROOT.parent.parent / "shared/data"]
    return next((folder for folder in candidates if folder.is_dir()), None)


def folder(*parts: str) -> Path:
    """A folder or file of the real data; without it the test is skipped and says so."""
    base = root()
    found = None if base is None else base.joinpath(*parts)
    if found is None or not found.exists():
        pytest.skip(f"real data not found ({'/'.join(parts)}); set CANTEEN_TEST_DATA")
    return found
