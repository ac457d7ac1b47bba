"""What every test gets: keys in a folder of the test run, never in the user's; and which tests go together.

A module stays on one worker, so that its city is made once; tests over the hand-written city share one
worker; a module may name further groups by ``xdist_group``. What is marked ``long`` starts first.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# Several workers share the cores: threads that wait for each other's small work only take time from them.
for name in ("POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "TOKIO_WORKER_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")


def pytest_configure(config: pytest.Config) -> None:
    """Parse dbt's project once for all workers and the processes that they start: dbt takes over what is unchanged."""
    if hasattr(config, "workerinput") or not config.getoption("numprocesses", default=None):
        return
    root = Path(__file__).resolve().parents[1]
    folder = Path(tempfile.mkdtemp(prefix="canteen-parsed-"))
    parse = (
        "from pathlib import Path; from pipelines.gold import build; build.parsed(Path(sys.argv[1]), 'night')"
    )
    environment = {**os.environ, "CANTEEN_BUILD": "build.duckdb", "CANTEEN_PINS": "none"}
    subprocess.run(
        [sys.executable, "-c", f"import sys; {parse}", str(folder / "build.duckdb")],
        cwd=root,
        env=environment,
        check=True,
    )
    os.environ["DBT_PARTIAL_PARSE_FILE_PATH"] = str(folder / "target" / "partial_parse.msgpack")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            module = getattr(item, "module", None)
            shared = hasattr(module, "pack_city")
            item.add_marker(pytest.mark.xdist_group("pack_city" if shared else item.path.stem))
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_collection_finish(session: pytest.Session) -> None:
    """On a worker the group stands at the end of each test's name; without it modules fall apart."""
    if session.config.getoption("loadgroup", default=False):
        lost = [item.nodeid for item in session.items if "@" not in item.nodeid]
        if lost:
            raise pytest.UsageError(
                f"tests are not grouped, as {lost[0]}: pytest and pytest-xdist do not fit"
            )


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
