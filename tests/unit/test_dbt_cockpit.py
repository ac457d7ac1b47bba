"""The cockpit's bounded windows hold the same rows whether a history came at once or bit by bit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import lake
import pytest

FIRST = dt.date(2026, 3, 2)
DAYS = [FIRST + dt.timedelta(n) for n in range(110)]
LAST = DAYS[-1]
SUPPLIER = "91430600MA4L0000X0"
TABLES = [
    "cockpit.canteen_period",
    "cockpit.county_period",
    "cockpit.colour_day",
    "cockpit.ratio_day",
    "cockpit.canteen_day",
    "cockpit.document",
    "cockpit.finding",
    "cockpit.gap",
    "cockpit.delivery",
    "cockpit.access_grant",
    "cockpit.price_clue",
    "cockpit.price_index",
    "cockpit.price_line",
    "cockpit.price_supplier",
    "cockpit.name_gap",
    "cockpit.refused_file",
]


def deliver(city: lake.Lake, days: list[dt.date]) -> None:
    """Every third day a purchase, eaten the same day; a count on the last day of each month."""
    for day in days:
        city.eat("C1", day, 100 + day.day)
        if day.toordinal() % 3 == 0:
            city.buy("C1", day, "rice", 20, 4)
            city.move("C1", day, "rice", 20)
        if (day + dt.timedelta(1)).day == 1:
            city.count("C1", day, "rice", 0, 4)


def name_supplier(city: lake.Lake) -> None:
    city.add("supplier", supplier_uscc=SUPPLIER, supplier_name="甲粮油", valid_from=FIRST)


@pytest.fixture
def city() -> lake.Lake:
    made = lake.Lake()
    made.canteen("C1", valid_from=FIRST)
    made.ingredient("rice", "grain")
    made.open_days(DAYS)
    for provider, feed in (("county", "purchase"), ("county", "stock_move")):
        made.add("provider", provider=provider, county_code="430602", feed=feed)
    return made


def shown(folder: Path) -> dict[str, list[tuple]]:
    return lake.content(folder, TABLES)


def test_bit_by_bit_equals_at_once_and_old_days_are_dropped(city: lake.Lake, tmp_path: Path) -> None:
    """A record of 40 days ago comes late, after its day was shown, and a supplier gets its name last."""
    late = DAYS[70]
    steps = [DAYS[:45], DAYS[45:80], DAYS[80:109], DAYS[109:]]
    for days in steps[:2]:
        deliver(city, days)
        lake.build(tmp_path / "bits", city, days[0], days[-1], TABLES)
    deliver(city, steps[2])
    city.buy("C1", late, "rice", 5, 4)
    lake.build(tmp_path / "bits", city, late, steps[2][-1], TABLES)
    deliver(city, steps[3])
    name_supplier(city)
    lake.build(tmp_path / "bits", city, LAST, LAST, TABLES, checked=True, names_changed=True)
    lake.build(tmp_path / "once", city, FIRST, LAST, TABLES, checked=True)
    assert shown(tmp_path / "bits") == shown(tmp_path / "once")
    (document,) = lake.query(
        tmp_path / "bits",
        "select min(biz_date), max(biz_date), count(supplier_name), count(*) filter (record_kind = '采购验收') "
        "from cockpit.document",
    ).rows()
    assert LAST - dt.timedelta(34) <= document[0] <= LAST - dt.timedelta(32)
    assert document[2] == document[3] > 0
    lines = lake.query(
        tmp_path / "bits", "select count(*), min(biz_date), count(supplier_name) from cockpit.price_line"
    ).row(0)
    assert lines == (document[3], document[0], document[3])
    days = lake.query(tmp_path / "bits", "select min(biz_date), count(*) from cockpit.canteen_day").row(0)
    assert days == (LAST - dt.timedelta(61), 62)


def test_a_name_that_comes_later_reaches_only_records_that_are_computed_again(
    city: lake.Lake, tmp_path: Path
) -> None:
    """Why a run is told that names changed: without it, recent records would stay without a name."""
    deliver(city, DAYS[:10])
    lake.build(tmp_path, city, FIRST, DAYS[9], ["cockpit.document"])
    name_supplier(city)
    named = "select count(supplier_name) from cockpit.document"
    lake.build(tmp_path, city, DAYS[9], DAYS[9], ["cockpit.document"])
    assert lake.query(tmp_path, named).item() < 3
    lake.build(tmp_path, city, DAYS[9], DAYS[9], ["cockpit.document"], names_changed=True)
    assert lake.query(tmp_path, named).item() >= 3


def test_periods_stand_in_order_and_months_without_days_are_left_out(city: lake.Lake, tmp_path: Path) -> None:
    deliver(city, DAYS)
    lake.build(tmp_path, city, FIRST, LAST, ["cockpit.canteen_period"])
    periods = lake.query(
        tmp_path,
        "select distinct period_rank, period_label from cockpit.canteen_period where definition = 'consumed' order by 1",
    ).rows()
    assert periods == [
        (0, "2026-06（本月至今）"),
        (1, "2026-05"),
        (2, "2026-04"),
        (3, "2026-03"),
        (7, "近30天"),
        (8, "本学期"),
        (9, "本年"),
    ]


def test_a_closed_canteen_is_not_shown_after_its_last_day(city: lake.Lake, tmp_path: Path) -> None:
    city.canteen("C2", valid_from=FIRST, valid_to=DAYS[3])
    deliver(city, DAYS[:6])
    lake.build(tmp_path, city, FIRST, DAYS[5], ["cockpit.colour_day", "cockpit.canteen_period"])
    counts = dict(
        lake.query(tmp_path, "select biz_date, sum(canteens)::int from cockpit.colour_day group by 1").rows()
    )
    assert (counts[DAYS[3]], counts[DAYS[4]]) == (2, 1)
    assert lake.query(tmp_path, "select distinct canteen_id from cockpit.canteen_period").rows() == [("C1",)]


def test_grants_follow_the_tree_and_its_dates(city: lake.Lake, tmp_path: Path) -> None:
    def grant(username: str, org_id: str, role_kind: str = "supervisor", **values: object) -> None:
        given = {"display_name": username, "valid_from": dt.date(2026, 1, 1), **values}
        city.add("access_grant", username=username, org_id=org_id, role_kind=role_kind, **given)

    city.canteen("C3", valid_from=FIRST, valid_to=DAYS[3])
    grant("city", "CITY", department="education")
    grant("county", "430602", valid_to=DAYS[2])
    grant("school", "S-C1")
    grant("canteen", "C3")
    grant("nowhere", "S-X")
    grant("steward", "CITY", "steward")
    grant("steward_of_a_county", "430602", "steward")
    grant("analyst", "430602", "analyst")
    lake.build(tmp_path, city, FIRST, DAYS[4], ["cockpit.access_grant"])
    found = lake.query(
        tmp_path,
        "select username, tier, department, county_code, school_id, valid_from, valid_to from cockpit.access_grant "
        "order by 1",
    ).rows()
    since, forever = dt.date(2026, 1, 1), dt.date(9999, 12, 31)
    assert found == [
        ("analyst", "analyst", None, "430602", None, since, forever),
        ("canteen", "school", None, None, "S-C3", FIRST, DAYS[3]),
        ("city", "city", "education", None, None, since, forever),
        ("county", "county", None, "430602", None, since, DAYS[2]),
        ("school", "school", None, None, "S-C1", since, forever),
        ("steward", "steward", None, None, None, since, forever),
    ]
