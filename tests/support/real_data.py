"""Where the real data lie that tests may read beside the project; none of it is copied into it."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def folder(*parts: str) -> Path:
    """A folder of the real data; the test is skipped, and says so, where there is none.

    Args:
        parts: Path below ``data``: ``CANTEEN_TEST_DATA``, else ``../shared/data`` beside the checkout.
    """
    given = os.environ.get("CANTEEN_TEST_DATA")
    places = [Path(given)] if given else [_ROOT.parent / "shared/data", _ROOT.parents[1] / "shared/data"]
    for place in places:
        if (found := place.joinpath(*parts)).exists():
            return found
    pytest.skip(f"no real data {'/'.join(parts)} in {' or '.join(map(str, places))}; set CANTEEN_TEST_DATA")
