"""The measure of the books runs, says its name, and its business is of the size that it claims."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.measures import books, table


@pytest.mark.parametrize("canteens", [3])
def test_a_canteen_has_about_thirty_lines_a_day(canteens: int) -> None:
    made = books.made(canteens, seed=5)
    assert made["event_id"].is_unique().all()
    assert made["canteen_id"].n_unique() == canteens
    lines = 2 * made.height / canteens / made["biz_date"].n_unique()
    assert 28 <= lines <= 36
    assert made.filter(pl.col("event_kind") == "issue_to_kitchen")["amount_yuan"].is_null().all()


def test_the_measure_has_its_name_and_no_verdict_when_quick() -> None:
    told: list[str] = []
    (one,) = books.bench(quick=True, progress=told.append)
    assert one["name"] in table.names("finance")
    assert (one["bar"], one["holds"], one["n"]) == (None, None, 30)
    assert 0 < one["value"] < 60
    assert any("内存峰值" in line for line in told)
