"""Units of replacement: the newest file wins, in whatever order files were taken."""

import datetime as dt
import itertools

import polars as pl
import pytest
from rows import GOOD

from pipelines.silver import units
from pipelines.silver.typing import check
from warehouse.tables import FEEDS

FEED = FEEDS["purchase"]


def delivered(file: str, arrival: int, *rows: dict[str, str]) -> units.Delivered:
    lineage = {"_provider": "p", "_file": file, "_arrival_date": dt.date(2026, 9, arrival)}
    frame = pl.DataFrame([{**GOOD, **row, **lineage, "_row": i + 1} for i, row in enumerate(rows)])
    checked = check(FEED, frame)
    return units.deliver(FEED, checked.accepted, checked.rejected)


def states(*files: units.Delivered) -> dict[str, str]:
    resolved = units.resolve(pl.concat([file.units for file in files]))
    return dict(resolved.select("_file", "state").iter_rows())


FIRST = {"reported_at": "2026-09-01 18:00:00"}
LATER = {"reported_at": "2026-09-03 09:00:00", "accepted_qty": "9", "amount_yuan": "22.50"}


def test_a_correction_supersedes_and_a_repeat_is_a_duplicate() -> None:
    files = [
        delivered("a", 1, FIRST),
        delivered("b", 3, LATER),
        delivered("c", 2, {**LATER, "reported_at": "2026-09-02 09:00:00"}),
    ]
    expected = {"a": "superseded", "b": "current", "c": "duplicate"}
    for order in itertools.permutations(files):
        assert states(*order) == expected


def test_a_tie_on_reported_time_goes_to_the_later_arrival() -> None:
    changed = {**FIRST, "accepted_qty": "8", "amount_yuan": "20"}
    assert states(delivered("a", 2, FIRST), delivered("b", 1, changed)) == {"a": "current", "b": "superseded"}


def test_repeated_rows_in_a_file_count_once_and_contradicting_ones_are_quarantined() -> None:
    file = delivered("a", 1, {}, {}, {"record_no": "r2"}, {"record_no": "r2", "spec": "袋"})
    assert file.rows["record_no"].to_list() == ["r1"]
    assert file.rejected["rules"].to_list() == ["conflict", "conflict"]
    unit = file.units.row(0, named=True)
    assert (unit["rows_accepted"], unit["rows_quarantined"], unit["rows_duplicate"]) == (1, 2, 1)


@pytest.mark.parametrize("bad", [{"biz_date": "2026-13-01"}, {"unit": "箩"}, {"canteen_id": ""}])
def test_every_row_of_a_file_is_accounted_for(bad: dict[str, str]) -> None:
    file = delivered("a", 1, {}, {"record_no": "r2"}, {"record_no": "r3", **bad})
    total = (
        file.units.select(pl.sum("rows_accepted", "rows_quarantined", "rows_duplicate"))
        .sum_horizontal()
        .item()
    )
    assert total == 3
