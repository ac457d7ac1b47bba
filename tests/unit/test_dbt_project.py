"""The dbt project's own unit tests, its budget of nodes, and its Chinese descriptions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import lake
import pytest

DAY = dt.date(2026, 3, 2)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """Folder of a first night, and how many nodes dbt ran for it."""
    folder = tmp_path_factory.mktemp("project")
    city = lake.Lake()
    city.canteen()
    city.eat("C1", DAY, 10)
    return folder, len(lake.build(folder, city, DAY, DAY))


@pytest.fixture(scope="module")
def built(night: tuple[Path, int]) -> Path:
    return night[0]


@pytest.mark.requirement("S0-04")
def test_unit_tests_of_the_project_pass(built: Path) -> None:
    results = lake.run_dbt(
        built,
        built / "silver" / "pins.json",
        ["test", "--select", "resource_type:unit_test"],
        from_date=str(DAY),
        to_date=str(DAY),
    )
    assert len(results) == 10


def test_a_night_stays_within_its_budget_of_nodes(night: tuple[Path, int]) -> None:
    assert night[1] <= 114


@pytest.mark.requirement("S0-06")
def test_every_published_column_is_described_in_chinese(built: Path) -> None:
    described = {
        (node.schema, node.name, column.name): column.description
        for node in (*lake.project_nodes(), *lake.project_sources())
        for column in node.columns.values()
    }
    published = lake.query(
        built,
        "select table_schema, table_name, column_name from information_schema.columns"
        " where table_schema in ('gold', 'cockpit')",
    ).rows()
    assert [key for key in published if not any("一" <= c <= "鿿" for c in described.get(key, ""))] == []


def test_a_window_that_would_leave_a_hole_is_refused(built: Path) -> None:
    later = DAY + dt.timedelta(3)
    with pytest.raises(AssertionError, match="would leave a hole"):
        lake.run_dbt(
            built,
            built / "silver" / "pins.json",
            ["run", "--select", "fct_canteen_day"],
            from_date=str(later),
            to_date=str(later),
        )


def test_an_analyst_builds_behind_a_prefix_and_leaves_gold_alone(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANTEEN_ANALYST", "li")
    before = lake.content(built, ["gold.mart_red_line"])
    lake.run_dbt(
        built,
        built / "silver" / "pins.json",
        ["build", "--select", "+mart_red_line", "--indirect-selection", "empty"],
        target="analyst",
        from_date=str(DAY),
        to_date=str(DAY),
    )
    assert lake.query(built, "select count(*) from li_gold.mart_red_line").item() > 0
    assert lake.content(built, ["gold.mart_red_line"]) == before
