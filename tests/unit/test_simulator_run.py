"""A run of the synthetic city is a pure function of its arguments and refuses what cannot work."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from ingest.simulator import registry, simulate
from warehouse.errors import Permanent

START, END = date(2026, 9, 1), date(2026, 9, 14)


def _tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_arguments_give_the_same_bytes_whatever_the_threads_and_hash_seed(tmp_path: Path) -> None:
    simulate(tmp_path / "here", 3, START, END, 11)
    code = (
        "from datetime import date; from pathlib import Path; from ingest.simulator import simulate;"
        f"simulate(Path({str(tmp_path / 'there')!r}), 3, date(2026, 9, 1), date(2026, 9, 14), 11)"
    )
    root = str(Path(__file__).parents[2])
    environment = os.environ | {
        "PYTHONHASHSEED": "123",
        "POLARS_MAX_THREADS": "1",
        "PYTHONPATH": root,
        "TZ": "UTC",
    }
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert _tree(tmp_path / "here") == _tree(tmp_path / "there")


def test_accounts_change_nothing_else_in_the_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(tmp_path / "with", 3, START, END, 11)
    listed = registry.access_grants
    monkeypatch.setattr(registry, "access_grants", lambda city: listed(city).head(1))
    simulate(tmp_path / "without", 3, START, END, 11)
    trees = [_tree(tmp_path / name) for name in ("with", "without")]
    differing = {name for name in trees[0] if trees[0][name] != trees[1][name]}
    assert {name.split("/")[1] for name in differing} == {"supervisor"}


def test_another_seed_gives_another_city(tmp_path: Path) -> None:
    simulate(tmp_path / "a", 1, START, END, 1, frozenset())
    simulate(tmp_path / "b", 1, START, END, 2, frozenset())
    assert _tree(tmp_path / "a" / "landing") != _tree(tmp_path / "b" / "landing")


def test_an_unknown_fault_is_refused_with_the_list_of_valid_names(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="under_feeding"):
        simulate(tmp_path / "out", 1, START, END, 1, frozenset({"no_such_fault"}))


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(Permanent, match="不是空目录"):
        simulate(tmp_path, 1, START, END, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("canteens", "start", "end"),
    [(0, START, END), (1, END, START), (1, date(1999, 1, 1), date(1999, 2, 1))],
)
def test_impossible_arguments_are_refused(tmp_path: Path, canteens: int, start: date, end: date) -> None:
    with pytest.raises(Permanent):
        simulate(tmp_path / "out", canteens, start, end, 1)


def test_a_control_file_lists_exactly_the_files_of_its_folder(tmp_path: Path) -> None:
    simulate(tmp_path, 2, START, END, 5)
    folders = [path.parent for path in (tmp_path / "landing").glob("*/*/control.json")]
    assert folders
    for folder in folders:
        listed = json.loads((folder / "control.json").read_text(encoding="utf-8"))["files"]
        assert {entry["name"] for entry in listed} == {p.name for p in folder.iterdir()} - {"control.json"}


def test_progress_ends_at_the_number_of_days(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    simulate(tmp_path, 1, START, END, 1, frozenset(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (14, 14)


def test_a_range_without_open_days_gives_reference_data_and_no_meals(tmp_path: Path) -> None:
    simulate(tmp_path, 2, date(2026, 7, 20), date(2026, 8, 10), 1, frozenset())
    names = {path.name.split("_2")[0] for path in (tmp_path / "landing").rglob("*.csv")}
    assert {"org", "calendar", "supplier", "ingredient"} <= names
    assert not names & {"consumption", "purchase"}
