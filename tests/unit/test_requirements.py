"""The table of requirements agrees with the mission and with the tests."""

import ast
import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATUSES = {"done", "planned", "upstream", "context"}
ROWS_PER_SOURCE = {"S0": 144, "S1": 66, "S2": 42, "S3": 48, "S4": 72}


def table() -> list[dict[str, str]]:
    with (ROOT / "docs" / "requirements.csv").open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def done() -> list[dict[str, str]]:
    return [row for row in table() if row["status"] == "done"]


def marked() -> dict[str, set[str]]:
    """Requirement id -> ``path::test`` that carries it."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.parse(path.read_text("utf8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and getattr(mark.func, "attr", "") == "requirement":
                    for argument in mark.args:
                        found.setdefault(ast.literal_eval(argument), set()).add(
                            f"{path.relative_to(ROOT)}::{node.name}"
                        )
    return found


def test_every_row_of_each_source_stands_once_and_in_order() -> None:
    expected = [
        f"{source}-{number:02d}" for source, rows in ROWS_PER_SOURCE.items() for number in range(1, rows + 1)
    ]
    assert [row["id"] for row in table()] == expected


def test_every_row_has_a_known_status_and_says_what_it_means() -> None:
    assert {row["status"] for row in table()} == STATUSES
    assert [row["id"] for row in table() if not row["meaning"]] == []


def test_the_ids_are_those_of_the_mission() -> None:
    mission = ROOT.parent / "shared" / "reference" / "requirements.md"
    if not mission.exists():
        pytest.skip("../shared is not beside the repository: only the table itself is checked")
    lines = mission.read_text("utf8").splitlines()
    ids = [
        line.split("|")[1].strip()
        for line in lines
        if line[:4] in {f"| {source}" for source in ROWS_PER_SOURCE}
    ]
    assert [row["id"] for row in table()] == ids


@pytest.mark.requirement("S0-01")
def test_a_done_row_is_proved_by_a_test_that_carries_its_id() -> None:
    tests = marked()
    assert [row["id"] for row in done() if row["test"] not in tests.get(row["id"], set())] == []


@pytest.mark.requirement("S0-01")
def test_every_row_of_the_specification_is_mapped() -> None:
    """A done row names module and table; a planned row of the main source names where it will live."""
    assert [row["id"] for row in done() if not row["table"] or not (ROOT / row["module"]).exists()] == []
    main = [row for row in table() if row["id"].startswith("S0-") and row["status"] == "planned"]
    assert [row["id"] for row in main if not row["module"]] == []


def test_at_least_sixty_rows_are_done() -> None:
    assert len(done()) >= 60


def test_no_test_claims_a_row_that_is_not_done() -> None:
    assert set(marked()) - {row["id"] for row in done()} == set()
