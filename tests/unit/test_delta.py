"""Delta access: one idempotent commit replaces exactly a period."""

import datetime as dt
import shutil
from pathlib import Path

import polars as pl
from deltalake import write_deltalake

from warehouse import delta

SCHEMA = {"name": pl.String(), "biz_date": pl.Date(), "biz_month": pl.String()}
DAYS = [dt.date(2026, 9, 28) + dt.timedelta(i) for i in range(6)]


def rows(days: list[dt.date | None], name: str) -> pl.DataFrame:
    months = [day.strftime("%Y-%m") if day else "0000-00" for day in days]
    return pl.DataFrame({"name": [name] * len(days), "biz_date": days, "biz_month": months}, schema=SCHEMA)


def write(
    path: Path, commit_id: str, days: list[dt.date], frame: pl.DataFrame, *, undated: bool = False
) -> bool:
    return delta.replace(
        path,
        [frame],
        SCHEMA,
        period=delta.Period("biz_date", frozenset(days), undated),
        partition="biz_month",
        commit_id=commit_id,
        touched=[str(day) for day in days],
    )


def test_a_period_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, "1", DAYS, rows([*DAYS, None], "old"), undated=True)
    write(tmp_path, "2", DAYS[1:3], rows(DAYS[2:3], "new"))
    held = delta.read(tmp_path, SCHEMA).sort("biz_date", nulls_last=True)
    assert held["biz_date"].to_list() == [DAYS[0], *DAYS[2:], None]
    assert held["name"].to_list() == ["old", "new", "old", "old", "old", "old"]


def test_the_same_commit_again_makes_no_version(tmp_path: Path) -> None:
    assert write(tmp_path, "1", DAYS, rows(list(DAYS), "a"))
    assert not write(tmp_path, "1", DAYS, rows(list(DAYS), "a"))
    assert delta.version(tmp_path) == 0


def test_touched_days_since_a_version(tmp_path: Path) -> None:
    write(tmp_path, "1", DAYS[:1], rows(DAYS[:1], "a"))
    write(tmp_path, "2", DAYS[1:3], rows(DAYS[1:3], "a"))
    assert delta.touched_since(tmp_path, 0) == {str(day) for day in DAYS[1:3]}
    assert delta.touched_since(tmp_path, 1) == frozenset()
    assert delta.touched_since(tmp_path, None) is None


def test_touched_days_of_a_table_that_is_new(tmp_path: Path) -> None:
    assert delta.touched_since(tmp_path, delta.BEFORE_FIRST) == frozenset()
    write(tmp_path, "1", DAYS[:1], rows(DAYS[:1], "a"))
    write(tmp_path, "2", DAYS[1:3], rows(DAYS[1:3], "a"))
    assert delta.touched_since(tmp_path, delta.BEFORE_FIRST) == {str(day) for day in DAYS[:3]}
    (tmp_path / "_delta_log" / f"{0:020}.json").unlink()  # as the clean-up of old logs does
    assert delta.touched_since(tmp_path, delta.BEFORE_FIRST) is None


def test_compaction_keeps_content(tmp_path: Path) -> None:
    for i, day in enumerate(DAYS):
        write(tmp_path, str(i), [day], rows([day], "a"))
    before = delta.read(tmp_path, SCHEMA).sort("biz_date")
    delta.compact(tmp_path, frozenset({"2026-10"}))
    assert len(delta.files(tmp_path)) == 1 + 3
    assert delta.read(tmp_path, SCHEMA).sort("biz_date").equals(before)


def test_a_fact_is_found_behind_many_commits_of_maintenance(tmp_path: Path) -> None:
    delta.replace(
        tmp_path, [rows(DAYS[:1], "a")], SCHEMA, period=None, partition=None, commit_id="a", facts={"x": "1"}
    )
    for number in range(25):
        delta.append(tmp_path, rows(DAYS[:1], "b"), SCHEMA, commit_id=f"later {number}")
    assert delta.fact(tmp_path, "x") == "1"


def test_commits_of_other_processes_are_seen(tmp_path: Path) -> None:
    write(tmp_path, "1", DAYS[:1], rows(DAYS[:1], "a"))
    assert len(delta.files(tmp_path)) == 1
    other = rows(DAYS[1:2], "b").to_arrow(compat_level=pl.CompatLevel.oldest())
    write_deltalake(str(tmp_path), other, mode="append", partition_by=["biz_month"])
    assert delta.read(tmp_path, SCHEMA)["name"].sort().to_list() == ["a", "b"]
    write(tmp_path, "2", DAYS[:1], rows(DAYS[:1], "c"))
    assert delta.read(tmp_path, SCHEMA)["name"].sort().to_list() == ["b", "c"]
    assert delta.read(tmp_path, SCHEMA, at=0)["name"].to_list() == ["a"]


def test_a_table_that_was_deleted_and_written_anew_is_not_mistaken_for_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "table"
    write(path, "1", DAYS[:1], rows(DAYS[:1], "old"))
    assert delta.read(path, SCHEMA)["name"].to_list() == ["old"]
    shutil.rmtree(path)
    assert delta.read(path, SCHEMA).height == 0
    write(path, "1", DAYS[:1], rows(DAYS[:1], "new"))
    assert delta.read(path, SCHEMA)["name"].to_list() == ["new"]
