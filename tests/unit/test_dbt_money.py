"""What the money of a canteen reveals: each scheme found once, an honest city gives none, nights equal the range."""

from __future__ import annotations

import copy
import datetime as dt
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import lake
import money_city as city_of
import polars as pl
import pytest

from pipelines.books import forms, reference
from warehouse.tables import POSTED_VOUCHER
from warehouse.vocabulary import MONEY_NODES

TABLES = ["gold.money_finding", "gold.mart_meal_account", "gold.mart_settlement", "gold.mart_red_line"]
SHOWN = [*TABLES, "cockpit.money_flow", "cockpit.book_form"]


@pytest.fixture(scope="module")
def honest() -> lake.Lake:
    return city_of.honest_city()


@pytest.fixture(scope="module")
def planted(honest: lake.Lake) -> tuple[lake.Lake, set[tuple[str, str]]]:
    city = copy.deepcopy(honest)
    expected = city_of.plant(city)
    city_of.flows(city)
    post(city)
    city_of.settle(city)
    return city, expected


def post(city: lake.Lake) -> None:
    """September in C1's books: pupils' meals, dishes, a teacher's meal that is on no line; and the end of the month."""
    for kind, account, debit, credit in (
        ("meal", "410101", 0, 1000),
        ("meal", "410102", 0, 50),
        ("issue", "51010102", 400, 0),
        ("issue", "1302", 0, 400),
        ("month_end", "410101", 1000, 0),
    ):
        city.add(
            "posted_voucher", canteen_id="C1", account_set="canteen", biz_date=city_of.OPEN[3], event_kind=kind,
            account_code=account, debit_yuan=Decimal(debit), credit_yuan=Decimal(credit),
        )  # fmt: skip


@pytest.fixture(scope="module")
def whole(planted: tuple[lake.Lake, set[tuple[str, str]]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("money")
    lake.build(folder, planted[0], city_of.FIRST, city_of.LAST, SHOWN, checked=True)
    return folder


def test_an_honest_city_gives_no_finding(honest: lake.Lake, tmp_path: Path) -> None:
    lake.build(tmp_path, honest, city_of.FIRST, city_of.LAST, TABLES, checked=True)
    assert lake.query(tmp_path, "select kind, canteen_id, text_zh from gold.money_finding").rows() == []


@pytest.mark.requirement("S0-66", "S0-78", "S0-139", "S1-31", "S0-68")
def test_each_scheme_is_found_once_and_nothing_else(
    planted: tuple[lake.Lake, set[tuple[str, str]]], whole: Path
) -> None:
    found = lake.query(whole, "select kind, canteen_id from gold.money_finding").rows()
    assert sorted(found) == sorted(planted[1])


@pytest.mark.requirement("S0-63")
def test_what_is_owed_for_leave_is_the_meals_that_were_charged(whole: Path) -> None:
    """Half a day of leave is one meal; leave of a meal or a day that was not charged is owed nothing."""
    row = lake.query(
        whole,
        "select leave_charges, expected_refund_yuan from gold.mart_meal_account "
        "where canteen_id = 'C1' and account_kind = 'pupil' and month_start = date '2026-09-01'",
    ).rows()
    assert row == [(1, city_of.MEAL)]


@pytest.mark.requirement("S0-63")
def test_a_refund_beyond_what_was_charged_names_its_sum(whole: Path) -> None:
    rows = lake.query(
        whole,
        "select canteen_id, biz_date, amount_yuan, observed, expected from gold.money_finding "
        "where kind = 'refund_over_charge' order by 1",
    ).rows()
    charged = city_of.MEAL * len(city_of.OPEN)
    assert rows == [
        ("C2", city_of.LAST, city_of.MEAL, city_of.MEAL, 0),
        ("C4", city_of.LAST, charged, charged * 2, charged),
    ]


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


@pytest.mark.requirement("S0-61", "S0-67")
def test_balances_and_open_payments_are_sums_since_the_first_day(whole: Path) -> None:
    """The opening balance, and what moved since: given back for leave is the pupils' again."""
    meals, fees = len(city_of.OPEN) * city_of.PUPILS * city_of.MEAL, len(city_of.OPEN) * city_of.FEE
    given_back = 3 * city_of.MEAL
    account = lake.query(
        whole,
        "select balance_yuan, idle_accounts from gold.mart_meal_account "
        "where canteen_id = 'C1' and month_start = date '2026-10-01'",
    ).rows()
    assert account == [(city_of.HELD + fees - meals + given_back, 0)]
    owed = lake.query(
        whole,
        "select opening_yuan, open_yuan from gold.mart_settlement where canteen_id = 'C1' order by month_start",
    ).rows()
    last_week = 50 * sum(city_of.GOODS.values())  # bought on 28 September and paid in October
    assert owed == [(city_of.OWED, city_of.OWED + last_week), (0, city_of.OWED)]
    unpaid = lake.query(
        whole,
        "select open_yuan, over_lines from gold.mart_settlement where canteen_id = 'C4' order by month_start",
    ).rows()
    assert unpaid == [(Decimal("4390.00"), 1), (Decimal("-260.00"), 0)]


def edges(whole: Path, canteen: str) -> dict[tuple[str, str], Decimal]:
    found = lake.query(
        whole,
        "select from_label, to_label, amount_yuan from cockpit.money_flow "
        f"where canteen_id = '{canteen}' and period_label = '2026-09'",
    )
    return {(start, end): amount for start, end, amount in found.rows()}


def test_what_enters_a_step_of_the_flow_picture_leaves_it(whole: Path) -> None:
    lost = lake.query(
        whole,
        "with e as (select canteen_id, period_rank, from_label as node, -amount_yuan as yuan from cockpit.money_flow "
        "union all select canteen_id, period_rank, to_label, amount_yuan from cockpit.money_flow) "
        "select * from (select canteen_id, period_rank, node, sum(yuan) as lost from e group by all "
        "having min(yuan) < 0 and max(yuan) > 0) where lost <> 0",
    )
    assert lost.is_empty(), lost
    drawn = edges(whole, "C1")
    paid_in = lake.query(
        whole,
        "select sum(paid_in_yuan) from gold.mart_meal_account where canteen_id = 'C1' "
        "and month_start = date '2026-09-01'",
    ).item()
    assert sum(amount for (start, _), amount in drawn.items() if start == MONEY_NODES["parents"]) == paid_in


def test_the_flow_picture_names_what_is_late_unknown_or_not_delivered(whole: Path) -> None:
    def of(canteen: str, *names: str) -> list[Any]:
        drawn = edges(whole, canteen)
        return [drawn.get((MONEY_NODES[start], MONEY_NODES[end])) for start, end in pairwise(names)]

    assert of("C1", "parents", "unsettled", "account")[0] > 0
    assert of("C1", "payment", "bank", "books") == [city_of.PAID] * 2
    assert of("C0", "payment", "not_in_bank", "books") == [city_of.PAID] * 2
    assert of("C3", "payment", "bank", "books_not_delivered") == [city_of.PAID] * 2
    unknown, never = (
        of("C4", "payment", "bank_not_delivered", "books_not_delivered"),
        of("C4", "payment", "not_by_bank"),
    )
    assert unknown[0] == unknown[1] > 0
    assert never == [None]
    assert of("C0", "income", "use_open")[0] > 0
    assert of("C0", "income", "surplus_kept") == [None]


def test_the_form_in_the_cockpit_is_the_printed_one_and_a_month_without_books_has_none(
    planted: tuple[lake.Lake, set[tuple[str, str]]], whole: Path
) -> None:
    posted = pl.DataFrame(planted[0].rows["posted_voucher"], schema=POSTED_VOUCHER)
    printed = forms.disclosure(posted, reference.load(), "2026-09")
    columns = ["line_label", "month_yuan", "ytd_yuan"]

    def shown(period: str) -> pl.DataFrame:
        return lake.query(
            whole,
            f"select {', '.join(columns)} from cockpit.book_form where period_label = '{period}' order by line_no",
        )

    assert shown("2026-09").rows() == printed.select(columns).rows()
    assert shown("2026-10（本月至今）")["month_yuan"].null_count() == printed.height
    assert shown("2026-10（本月至今）")["ytd_yuan"].to_list() == printed["ytd_yuan"].to_list()


@pytest.mark.requirement("S0-86")
def test_order_acceptance_invoice_and_payment_meet_in_the_settlement_list(whole: Path) -> None:
    """Delivered in part and sent back are no differences; a dearer price and a part invoice are, each on its line."""
    row = lake.query(
        whole,
        "select ordered_yuan, accepted_yuan, rejected_yuan, invoiced_yuan, paid_yuan, open_yuan, price_lines, part_lines, "
        "over_lines, unaccepted_lines from gold.mart_settlement "
        f"where supplier_id = 'SUP-{city_of.OTHER}' and month_start = date '2026-09-01'",
    ).rows()
    accepted, invoiced = 60 * 5 + 40 * 26 + 50 * 12 + 50 * 10, 60 * 5 + 40 * 26 + 50 * 13 + 20 * 10
    ordered = 100 * 5 + 50 * 26 + 50 * 12 + 50 * 10
    assert row == [(ordered, accepted, 10 * 26, invoiced, 300, accepted - 300, 1, 1, 0, 0)]
    lines = lake.query(
        whole,
        "select order_no, difference from intermediate.int_invoice_line "
        f"where supplier_id = 'SUP-{city_of.OTHER}' order by 1",
    ).rows()
    assert lines == [
        ("back", "equal"),
        ("dearer", "price_change"),
        ("later", "part_invoiced"),
        ("part", "equal"),
    ]


def test_nights_give_the_content_of_the_range(
    planted: tuple[lake.Lake, set[tuple[str, str]]], whole: Path, tmp_path: Path
) -> None:
    start = city_of.FIRST
    for end in (dt.date(2026, 9, 25), dt.date(2026, 10, 6), dt.date(2026, 10, 21), city_of.LAST):
        lake.build(tmp_path, planted[0], start, end, SHOWN, checked=end == city_of.LAST)
        start = end + dt.timedelta(1)
    assert lake.content(tmp_path, SHOWN) == lake.content(whole, SHOWN)
