"""What every test gets: keys in a folder of the test run, never in the user's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def keys_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("keys")
    before = os.environ.get("CANTEEN_KEYS")
    os.environ["CANTEEN_KEYS"] = str(folder)
    yield folder
    if before is None:
        del os.environ["CANTEEN_KEYS"]
    else:
        os.environ["CANTEEN_KEYS"] = before
