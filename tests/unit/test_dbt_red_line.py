"""The models against an independent Decimal reckoning, and the same content by every way of running."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from pathlib import Path

import lake as support
import pytest
from random_city import DUTIES, NON_FOOD, random_city
from red_line_oracle import City, judge, periods

FIRST = dt.date(2025, 12, 3)
DAYS = 75
LAST = FIRST + dt.timedelta(DAYS - 1)
GOLD = [
    "gold.fct_stock_ledger",
    "gold.fct_stock_month",
    "gold.fct_canteen_day",
    "gold.mart_red_line",
    "gold.red_line_finding",
    "gold.mart_stock_now",
    "gold.mart_delivery_gap",
    "gold.mart_supplier_share",
    "gold.mart_supplier_choice",
]


@pytest.fixture(scope="module")
def city() -> support.Lake:
    return random_city(11, FIRST, DAYS)


@pytest.fixture(scope="module")
def whole(city: support.Lake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    support.build(folder, city, FIRST, LAST)
    return folder


@pytest.mark.requirement("S0-46", "S0-43")
def test_ledger_equals_the_decimal_reckoning(city: support.Lake, whole: Path) -> None:
    found = support.query(
        whole,
        "select canteen_id, ingredient_id, biz_date, opening_kg, book_kg, closing_kg, price_yuan, value_yuan"
        " from gold.fct_stock_ledger where account_kind = 'pupil' and ingredient_id <> 'soap'",
    ).rows()
    expected = [
        (canteen, ingredient, day, row.opening, row.book, row.closing, row.price, row.value)
        for (canteen, ingredient), rows in City(city.rows, NON_FOOD).ledger.items()
        for day, row in rows.items()
    ]
    assert sorted(found) == sorted(expected)


@pytest.mark.requirement("S0-20")
def test_verdicts_equal_the_decimal_reckoning(city: support.Lake, whole: Path) -> None:
    reckoned = City(city.rows, NON_FOOD)
    orgs = {row["org_id"]: row for row in city.rows["org"] if row["org_kind"] == "canteen"}
    expected = []
    for canteen, org in orgs.items():
        for n in range(DAYS):
            day = FIRST + dt.timedelta(n)
            if day < org["valid_from"]:
                continue
            for kind, (start, end) in periods(day, org["valid_from"], ("2026A", FIRST)).items():
                cost, income = reckoned.cost(canteen, start, end), reckoned.income(canteen, start, end)
                threshold = Decimal(75 if org["operating_mode"] == "self" else 70)
                reasons = reckoned.reasons(canteen, start, end, DUTIES)
                verdict = judge(cost, income, threshold, Decimal(2), reasons)
                expected.append(
                    (canteen, kind, start, end, cost, income, threshold, verdict, ",".join(reasons))
                )
    found = support.query(
        whole,
        "select canteen_id, period_kind, period_start, period_end, cost_yuan, income_yuan, threshold, verdict,"
        " unknown_reasons from gold.mart_red_line where definition = 'consumed'",
    ).rows()
    assert sorted(found) == sorted(expected)


def test_nights_give_the_content_of_the_range(city: support.Lake, whole: Path, tmp_path: Path) -> None:
    start = FIRST
    for step in (28, 1, 1, 3, 20, 9, 13):
        end = start + dt.timedelta(step - 1)
        support.build(tmp_path, city, start, end, GOLD, checked=end == LAST)
        start = end + dt.timedelta(1)
    assert end == LAST
    assert support.content(tmp_path, GOLD) == support.content(whole, GOLD)


def test_late_corrected_and_vanished_rows_give_the_content_of_a_rebuild(
    city: support.Lake, whole: Path, tmp_path: Path
) -> None:
    early = copy.deepcopy(city)
    lost, wrong, extra = FIRST + dt.timedelta(20), FIRST + dt.timedelta(33), FIRST + dt.timedelta(50)
    for feed in ("purchase", "stock_move", "stocktake", "consumption", "refund"):
        early.rows[feed] = [row for row in early.rows[feed] if row["biz_date"] != lost]
    early.buy("C0", wrong, "pork", 100, 9)
    early.count("C1", extra, "rice", 500)
    early.eat("C2", extra, 77)
    support.build(tmp_path, early, FIRST, LAST, GOLD)
    assert support.content(tmp_path, GOLD) != support.content(whole, GOLD)
    touched = [extra.isoformat(), wrong.isoformat()]
    mended = copy.deepcopy(city)
    for feed in ("purchase", "stock_move", "stocktake", "consumption", "refund"):
        mended.rows[feed] = [row for row in mended.rows[feed] if row["biz_date"] != lost]
    support.build(tmp_path, mended, wrong, LAST, GOLD, touched_dates=touched)
    support.build(tmp_path, city, lost, LAST, GOLD, checked=True, touched_dates=[lost.isoformat()])
    assert support.content(tmp_path, GOLD) == support.content(whole, GOLD)
