"""Profiles, pace and sampling: pure functions, no Great Expectations."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from expectations import frames
from expectations.evaluate import portions
from expectations.suites import SUITES
from warehouse.tables import FEEDS, SILVER

FIRST = dt.date(2026, 9, 1)


def night(n: int) -> dt.date:
    return FIRST + dt.timedelta(days=n)


def consumption(rows: int, arrival: dt.date, repeated: int = 0) -> pl.DataFrame:
    """Rows of one night; the first ``repeated`` share the number of the last."""
    numbers = [f"r{i if i >= repeated else rows - 1}" for i in range(rows)]
    columns = FEEDS["consumption"].columns
    known = {
        "record_no": numbers,
        "biz_date": arrival,
        "_provider": "yunxi",
        "_arrival_date": arrival,
        "channel": "card",
    }
    known |= {"portions": 1, "amount_yuan": 8, "subsidy_yuan": 0, "meal": "lunch", "payer_kind": "pupil"}
    return (
        pl.DataFrame(known)
        .with_columns([pl.lit(None).alias(name) for name in columns if name not in known])
        .select(pl.col(name).cast(dtype) for name, dtype in columns.items())
    )


def deliveries(rows_by_night: dict[int, int]) -> pl.LazyFrame:
    rows = [
        {
            "feed": "consumption",
            "provider": "yunxi",
            "canteen_id": c,
            "biz_date": night(n),
            "_arrival_date": night(n),
            "rows_accepted": k,
        }
        for n, k in rows_by_night.items()
        for c in "ab"
    ]
    frame = pl.DataFrame(rows)
    return frame.with_columns(
        pl.lit(None).alias(c) for c in SILVER["delivery"] if c not in frame.columns
    ).lazy()


def test_pace_compares_with_the_median_of_earlier_nights() -> None:
    pace = frames.pace(deliveries({0: 100, 1: 90, 2: 110, 3: 100, 4: 100, 5: 40}), night(5)).row(
        0, named=True
    )
    assert pace["rows_vs_recent"] == pytest.approx(0.4)
    assert pace["canteens_vs_recent"] == 1


def test_pace_is_unknown_under_five_earlier_nights() -> None:
    pace = frames.pace(deliveries({0: 100, 1: 100, 5: 40}), night(5)).row(0, named=True)
    assert pace["rows_vs_recent"] is None


def test_pace_forgets_nights_older_than_thirty_days() -> None:
    pace = frames.pace(deliveries(dict.fromkeys(range(6), 100) | {40: 10}), night(40))
    assert pace.height == 0 or pace["rows_vs_recent"].to_list() == [None]


def test_a_night_of_few_rows_is_not_sampled() -> None:
    suite = SUITES["consumption"]
    rows = consumption(50, night(0)).lazy().select(suite.reads)
    steps = frames.sample_steps(frames.profile(suite, rows))
    assert frames.rows(suite, rows, steps).height == 50


def test_sampling_keeps_rows_of_one_number_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SAMPLE_ROWS", 100)
    suite = SUITES["consumption"]
    rows = consumption(1000, night(0), repeated=5).lazy().select(suite.reads)
    sampled = frames.rows(suite, rows, frames.sample_steps(frames.profile(suite, rows)))
    assert 50 < sampled.height < 200
    assert sampled.filter(pl.col("record_no") == "r999").height in (0, 6)


def test_a_feed_without_record_numbers_is_sampled_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SAMPLE_ROWS", 100)
    suite = SUITES["calendar"]
    schema = FEEDS["calendar"].columns
    days = pl.DataFrame(
        {"org_id": [f"O{n}" for n in range(1000)], "biz_date": night(0), "is_open": True, "_provider": "city"}
    )
    rows = days.with_columns([pl.lit(None).alias(c) for c in schema if c not in days.columns]).with_columns(
        _arrival_date=night(0)
    )
    read = rows.select(pl.col(c).cast(t) for c, t in schema.items()).lazy().select(suite.reads)
    assert 50 < frames.rows(suite, read, frames.sample_steps(frames.profile(suite, read))).height < 200


def test_a_night_is_sampled_alike_alone_and_in_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SAMPLE_ROWS", 100)
    suite = SUITES["consumption"]
    both = pl.concat([consumption(1000, night(0)), consumption(300, night(1))]).lazy().select(suite.reads)
    alone = both.filter(pl.col("_arrival_date") == night(1))
    in_range = frames.rows(suite, both, frames.sample_steps(frames.profile(suite, both)))
    by_itself = frames.rows(suite, alone, frames.sample_steps(frames.profile(suite, alone)))
    assert (
        in_range.filter(pl.col("_arrival_date") == night(1))
        .sort("record_no")
        .equals(by_itself.sort("record_no"))
    )


def test_portions_cover_every_night_once_and_stay_small() -> None:
    profiles = pl.DataFrame({"_arrival_date": [night(n) for n in range(12)], "rows": [90_000] * 12})
    found = list(portions(profiles))
    assert pl.concat(found)["_arrival_date"].to_list() == profiles["_arrival_date"].to_list()
    assert all(part["kept"].sum() <= 500_000 for part in found)
    assert len(found) > 1
