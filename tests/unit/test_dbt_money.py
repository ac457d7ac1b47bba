"""What the money of a canteen reveals: each scheme found once, an honest city gives none, nights equal the range."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from pathlib import Path

import lake
import money_city as city_of
import pytest

TABLES = ["gold.money_finding", "gold.mart_meal_account", "gold.mart_settlement", "gold.mart_red_line"]


@pytest.fixture(scope="module")
def honest() -> lake.Lake:
    return city_of.honest_city()


@pytest.fixture(scope="module")
def planted(honest: lake.Lake) -> tuple[lake.Lake, set[tuple[str, str]]]:
    city = copy.deepcopy(honest)
    expected = city_of.plant(city)
    city_of.flows(city)
    return city, expected


@pytest.fixture(scope="module")
def whole(planted: tuple[lake.Lake, set[tuple[str, str]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("money")
    lake.build(folder, planted[0], city_of.FIRST, city_of.LAST, TABLES, checked=True)
    return folder


def test_an_honest_city_gives_no_finding(honest: lake.Lake, tmp_path: Path) -> None:
    lake.build(tmp_path, honest, city_of.FIRST, city_of.LAST, TABLES, checked=True)
    assert lake.query(tmp_path, "select kind, canteen_id, text_zh from gold.money_finding").rows() == []


@pytest.mark.requirement("S0-66", "S0-78", "S0-139", "S1-31")
def test_each_scheme_is_found_once_and_nothing_else(
    planted: tuple[lake.Lake, set[tuple[str, str]]], whole: Path
) -> None:
    found = lake.query(whole, "select kind, canteen_id from gold.money_finding").rows()
    assert sorted(found) == sorted(planted[1])


def test_a_canteen_without_books_has_no_rows_and_its_flows_are_not_delivered(whole: Path) -> None:
    for table in TABLES[:3]:
        assert lake.query(whole, f"select 1 from {table} where canteen_id = 'BARE'").is_empty()
    states = lake.query(
        whole, "select distinct reconciliation from gold.mart_red_line where canteen_id = 'BARE'"
    )
    assert states.rows() == [("not_delivered",)]


def test_a_closed_month_stands_or_falls_with_its_flows(whole: Path) -> None:
    rows = lake.query(
        whole,
        "select canteen_id, reconciliation, unknown_reasons like '%flows_not_reconciled%' from gold.mart_red_line "
        "where definition = 'consumed' and period_kind = 'month' and period_end = date '2026-09-30' "
        "and canteen_id in ('C0', 'C1', 'C2', 'C3', 'C4') order by 1",
    ).rows()
    assert rows == [
        ("C0", "broken", True),
        ("C1", "reconciled", False),
        ("C2", "reconciled", False),
        ("C3", "not_delivered", False),
        ("C4", "not_delivered", False),
    ]


def test_balances_and_open_payments_are_sums_since_the_first_day(whole: Path) -> None:
    meals, fees = len(city_of.OPEN) * city_of.PUPILS * city_of.MEAL, len(city_of.OPEN) * city_of.FEE
    account = lake.query(
        whole,
        "select balance_yuan, idle_accounts from gold.mart_meal_account "
        "where canteen_id = 'C1' and month_start = date '2026-10-01'",
    ).rows()
    assert account == [(fees - meals, 0)]
    unpaid = lake.query(
        whole,
        "select open_yuan, over_lines from gold.mart_settlement where canteen_id = 'C4' order by month_start",
    ).rows()
    assert unpaid == [(Decimal("4390.00"), 1), (Decimal("-260.00"), 0)]


def test_nights_give_the_content_of_the_range(
    planted: tuple[lake.Lake, set[tuple[str, str]]], whole: Path, tmp_path: Path
) -> None:
    start = city_of.FIRST
    for end in (dt.date(2026, 9, 25), dt.date(2026, 10, 6), dt.date(2026, 10, 21), city_of.LAST):
        lake.build(tmp_path, planted[0], start, end, TABLES, checked=end == city_of.LAST)
        start = end + dt.timedelta(1)
    assert lake.content(tmp_path, TABLES) == lake.content(whole, TABLES)
