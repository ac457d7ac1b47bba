"""The table of requirements agrees with the tests: a done row has a test that carries its id."""

import ast
import csv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATUSES = {"done", "planned", "upstream", "context"}


def table() -> list[dict[str, str]]:
    with (ROOT / "docs" / "requirements.csv").open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


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


def test_every_row_stands_once_with_a_known_status() -> None:
    rows = table()
    assert len({row["id"] for row in rows}) == len(rows) == 372
    assert {row["status"] for row in rows} <= STATUSES


def test_a_done_row_is_proved_by_a_test_that_carries_its_id() -> None:
    tests = marked()
    wrong = [
        row["id"]
        for row in table()
        if row["status"] == "done" and row["test"] not in tests.get(row["id"], set())
    ]
    assert wrong == []


def test_no_test_claims_a_row_that_is_not_done() -> None:
    done = {row["id"] for row in table() if row["status"] == "done"}
    assert set(marked()) - done == set()


def test_the_ids_are_those_of_the_mission() -> None:
    mission = ROOT.parent / "shared" / "reference" / "requirements.md"
    if mission.exists():
        ids = [
            line.split("|")[1].strip()
            for line in mission.read_text("utf8").splitlines()
            if line[:4] in ("| S0", "| S1", "| S2", "| S3", "| S4")
        ]
        assert [row["id"] for row in table()] == ids
