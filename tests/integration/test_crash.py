"""SIGKILL right after every durable step of a night; running again gives the undisturbed content.

Steps: an original is kept, receipts, every silver commit, the end of dbt, every gold commit, the
serving file, the manifest, the swap. The step log of the killed process shows where the kill fell.
What comes after the first gold commit is killed in a home that a kill right there left behind: the disk is
the same as in one process, and dbt need not run for each of these steps.
"""

import datetime as dt
import shutil
from pathlib import Path

import city
import duckdb
import killing
import pytest

from warehouse import manifest, settings
from warehouse.settings import Settings

pytestmark = pytest.mark.long
BEFORE = city.END - dt.timedelta(days=1)


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city.simulate(tmp_path_factory.mktemp("city"), canteens=3)


@pytest.fixture(scope="module")
def base(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home up to the night before."""
    return city.run(tmp_path_factory.mktemp("base") / "home", landing, BEFORE).home


@pytest.fixture(scope="module")
def undisturbed(
    landing: Path, base: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[str], dict[str, str]]:
    home = clone(base, tmp_path_factory.mktemp("undisturbed"))
    steps, code = killing.night(home, landing, city.END)
    assert code == 0
    return steps, city.content_hash(settings.load(home))


def clone(base: Path, folder: Path) -> Path:
    """A copy of a data home that keeps its identity, so that its keys fit."""
    target = folder / "home"
    shutil.copytree(base, target, symlinks=True)
    return target


def snapshot(home: Settings) -> int:
    """What a reader sees now: it opens, and its number is that of a written manifest."""
    with duckdb.connect(str(home.serving.resolve()), read_only=True) as reader:
        number = reader.execute("select snapshot_id from cockpit.snapshot").fetchall()[0][0]
        assert reader.execute("select count(*) from gold.mart_red_line").fetchall()[0][0] > 0
    assert number in manifest.numbers(home)
    return int(number)


def kill_points(steps: list[str]) -> list[int]:
    """Every step once; of the many originals only the first and the last."""
    kept = [i for i, step in enumerate(steps) if step == "kept"]
    return [i for i, step in enumerate(steps) if step != "kept" or i in (kept[0], kept[-1])]


@pytest.mark.requirement("S0-124")
def test_a_kill_after_any_step_is_repaired_by_running_again(
    landing: Path, base: Path, undisturbed: tuple[list[str], dict[str, str]], tmp_path: Path
) -> None:
    steps, expected = undisturbed
    for expected_step in (
        "kept",
        "bronze.receipt",
        "silver.consumption",
        "silver.delivery",
        "dbt",
        "alerts",
        "gold.mart_red_line",
        "serving",
        "manifest",
        "swap",
    ):
        assert expected_step in steps
    built_by = next(n for n, step in enumerate(steps) if step.startswith("gold.")) + 1
    before = snapshot(settings.load(base))
    built = clone(base, tmp_path / "built")
    kill(built, landing, steps[:built_by])
    for point in kill_points(steps):
        done = 0 if point < built_by else built_by
        home = clone(built if done else base, tmp_path / str(point))
        kill(home, landing, steps[done : point + 1])
        assert snapshot(settings.load(home)) in (before, before + 1)
        _, code = killing.night(home, landing, city.END)
        assert code == 0
        opened = settings.load(home)
        assert city.content_hash(opened) == expected, f"content differs after a kill at {steps[point]}"
        assert snapshot(opened) == before + 1
        shutil.rmtree(home)


def kill(home: Path, landing: Path, steps: list[str]) -> None:
    """Kill a night right after the last of the steps that it takes."""
    reached, code = killing.night(home, landing, city.END, kill_after=len(steps) - 1)
    assert (code, reached) == (-9, steps), f"the kill did not fall after {steps[-1]}"
