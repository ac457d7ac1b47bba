"""The content does not depend on how the same files were taken (DESIGN decision 4)."""

import random
import shutil
from pathlib import Path

import city
import pytest

from warehouse import serving, settings
from warehouse.settings import Settings

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city.simulate(tmp_path_factory.mktemp("city"))


@pytest.fixture(scope="module")
def ranged(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Everything in one range run."""
    return city.run(tmp_path_factory.mktemp("range") / "home", landing, city.END)


@pytest.fixture(scope="module")
def expected(ranged: Settings) -> dict[str, str]:
    return city.content_hash(ranged)


@pytest.fixture
def copied(ranged: Settings, tmp_path: Path) -> Settings:
    """A copy of the data home after the range."""
    return settings.load(Path(shutil.copytree(ranged.home, tmp_path / "home", symlinks=True)))


def test_night_by_night_equals_the_range(landing: Path, expected: dict[str, str], tmp_path: Path) -> None:
    """The first night takes six days at once, the others one each, over a month's end and a holiday."""
    for day in city.arrivals(landing)[5:]:
        home = city.run(tmp_path / "home", landing, day)
    assert city.content_hash(home) == expected


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=pytest.mark.xdist_group(f"orders {seed % 2}")) for seed in range(20)],
)
def test_arrivals_in_another_order_give_the_same_content(
    landing: Path, expected: dict[str, str], tmp_path: Path, seed: int
) -> None:
    """A night ends after the first part: for every fourth order whole, for the others with silver."""
    files = sorted(path for path in landing.rglob("*") if path.is_file() and path.name != "control.json")
    controls = list(landing.rglob("control.json"))
    random.Random(seed).shuffle(files)
    part = tmp_path / "landing"
    cut = random.Random(seed).randrange(1, len(files))
    city.copy(controls, landing, part)
    city.copy(files[:cut], landing, part)
    city.run(
        tmp_path / "home", part, city.END, steps=city.CONTENT_STEPS if seed % 4 == 0 else city.SILVER_STEPS
    )
    city.copy(files[cut:], landing, part)
    assert city.content_hash(city.run(tmp_path / "home", part, city.END)) == expected


def test_a_deleted_build_file_changes_nothing(
    landing: Path, expected: dict[str, str], tmp_path: Path
) -> None:
    half = city.START + (city.END - city.START) // 2
    home = city.run(tmp_path / "home", landing, half)
    home.build.unlink()
    assert city.content_hash(city.run(tmp_path / "home", landing, city.END)) == expected


def test_rebuilding_from_the_vault_alone_changes_nothing(
    landing: Path, expected: dict[str, str], copied: Settings
) -> None:
    for folder in ("silver", "gold", "build", "serving", "publish", "scratch"):
        shutil.rmtree(copied.home / folder)
    assert city.content_hash(city.run(copied.home, landing, city.END)) == expected


def test_a_file_put_late_into_an_old_folder_is_counted_there(
    landing: Path, copied: Settings, tmp_path: Path
) -> None:
    """It is about no business day: the arrival date alone says what must be scored again."""
    part = Path(shutil.copytree(landing, tmp_path / "landing"))
    first = city.arrivals(part)[0]
    lines = (
        (part / "city" / str(first) / f"supplier_{first:%Y%m%d}.csv").read_bytes().splitlines(keepends=True)
    )
    (part / "city" / str(first) / "supplier_late.csv").write_bytes(b"".join(lines[:2]))
    city.run(copied.home, part, city.END)
    with serving.connect(copied) as connection:
        found = connection.execute(
            "select files from gold.mart_quality where provider = 'city' and feed = 'supplier' and arrival_date = ?",
            [first],
        ).fetchall()
    assert found == [(2,)]
