"""Which silver rows are which events of the books."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import lake
import polars as pl
import pytest
from book_events import Books

from pipelines.books import ledger, sources
from pipelines.books.events import Scope
from warehouse import delta
from warehouse.settings import Settings
from warehouse.tables import SILVER

D = Decimal
DAY = dt.date(2026, 9, 3)
END = dt.date(2026, 9, 30)
NAMES = [*sources.MONEY_FEEDS, *sources.STOCK_FEEDS, "provider_key", "ingredient"]
USCC = "91430600MA4L0000X0"


@pytest.fixture
def silver() -> lake.Lake:
    made = lake.Lake()
    made.ingredient("I1", "grain")
    keys = [
        ("canteen", "k-1", "C1", None),
        ("supplier", "s-1", USCC, None),
        ("ingredient", "p-1", "I1", "斤"),
    ]
    for entity, source_key, target, unit in keys:
        row = {
            "_provider": "county",
            "entity": entity,
            "source_key": source_key,
            "target_code": target,
            "unit": unit,
        }
        made.rows["provider_key"].append({**dict.fromkeys(SILVER["provider_key"]), **row})
    return made


def events(silver: lake.Lake) -> pl.DataFrame:
    return sources.of_feeds({name: pl.DataFrame(silver.rows[name], schema=SILVER[name]) for name in NAMES})


def shown(silver: lake.Lake, *columns: str) -> list[tuple[Any, ...]]:
    return events(silver).sort("event_kind", "event_id").select("event_kind", *columns).rows()


def test_meals_of_persons_become_one_event_for_each_account(silver: lake.Lake) -> None:
    for person, kind, amount, subsidy in (
        ("a", "pupil", 10, 5),
        ("b", "pupil", 10, 5),
        ("c", "teacher", 12, 0),
    ):
        silver.add(
            "consumption", canteen_id="k-1", biz_date=DAY, payer_kind=kind, person_hash=person,
            amount_yuan=D(amount), subsidy_yuan=D(subsidy),
        )  # fmt: skip
    assert shown(silver, "canteen_id", "account_kind", "amount_yuan") == [
        ("meals_consumed", "C1", "pupil", D(20)),
        ("meals_consumed", "C1", "teacher", D(12)),
        ("subsidy_used", "C1", "pupil", D(10)),
    ]
    assert not any(value == "a" for row in events(silver).rows() for value in row)


def test_a_fee_waits_in_transit_until_its_channel_settles(silver: lake.Lake) -> None:
    for channel in ("cash", "bank", "card", "face"):
        silver.add(
            "meal_fee", canteen_id="C1", biz_date=DAY, payer_kind="pupil", person_hash="p", channel=channel,
            amount_yuan=D(100),
        )  # fmt: skip
    for channel in ("card", "bank"):
        silver.add(
            "settlement", canteen_id="C1", biz_date=DAY, trade_date=DAY, channel=channel, account_no="1",
            item_count=1, gross_yuan=D(200), fee_yuan=D(1), net_yuan=D(199),
        )  # fmt: skip
    assert shown(silver, "payment_method", "amount_yuan") == [
        ("channel_fee", "", D(1)),
        ("channel_settled", "", D(199)),
        ("fee_prepaid", "cash", D(100)),
        ("fee_prepaid", "transit", D(200)),
        ("fee_prepaid", "", D(100)),
    ]


def test_goods_come_under_registered_keys_and_in_base_units(silver: lake.Lake) -> None:
    silver.buy("k-1", DAY, "p-1", D(10), D(3), unit=None, supplier_uscc="s-1")
    silver.buy("k-1", DAY, "I1", D(10), D(3), accepted_on=None, accepted_qty=D(0))
    silver.move("k-1", DAY, "p-1", D(3), unit="千克", purpose="teacher_meal")
    silver.move("k-1", DAY, "I1", D(1), move_kind="supplier_return", amount_yuan=D(3))
    silver.move("k-1", DAY, "I1", D(1), move_kind="loss")
    columns = (
        "canteen_id",
        "detail_kind",
        "ingredient_id",
        "category",
        "qty",
        "amount_yuan",
        "supplier_uscc",
    )
    assert shown(silver, *columns) == [
        ("goods_accepted", "C1", "", "I1", "grain", D(5), D(30), USCC),
        ("issue_to_kitchen", "C1", "teacher_meal", "I1", "grain", D(3), None, None),
        ("loss", "C1", "pupil_meal", "I1", "grain", D(1), None, None),
        ("supplier_return", "C1", "pupil_meal", "I1", "grain", D(1), D(3), None),
    ]


def test_expenses_are_events_of_their_kinds(silver: lake.Lake) -> None:
    for kind, direction in (
        ("wages", "out"), ("utilities", "out"), ("bank_fee", "out"), ("interest", "in"), ("management", "out"),
        ("transfer", "in"), ("wages", "in"),
    ):  # fmt: skip
        silver.add(
            "expense", canteen_id="C1", biz_date=DAY, expense_kind=kind, money_direction=direction,
            payment_method="cash" if kind == "utilities" else "bank", amount_yuan=D(7),
        )  # fmt: skip
    assert shown(silver, "detail_kind", "payment_method") == [
        ("bank_fee", "", ""),
        ("bank_interest", "", ""),
        ("expense", "management", ""),
        ("receipt", "transfer", ""),
        ("receipt", "wages", ""),
        ("utilities", "", "cash"),
        ("wages_accrued", "", ""),
        ("wages_paid", "", ""),
    ]


def test_payments_refunds_and_funds_are_events(silver: lake.Lake) -> None:
    silver.add(
        "supplier_payment",
        canteen_id="C1",
        biz_date=DAY,
        supplier_uscc="s-1",
        payment_method="bank",
        amount_yuan=D(9),
    )
    for kind in ("meal", "balance"):
        silver.add("refund", canteen_id="C1", biz_date=DAY, refund_kind=kind, amount_yuan=D(2))
    for kind in ("subsidy", "meal_money", "allocation"):
        silver.add(
            "fund_split", canteen_id="C1", biz_date=DAY, fund_kind=kind, from_account_no="a", to_account_no="b",
            amount_yuan=D(50),
        )  # fmt: skip
    assert shown(silver, "detail_kind", "supplier_uscc", "amount_yuan") == [
        ("fund_split", "meal_money", None, D(50)),
        ("fund_split", "allocation", None, D(50)),
        ("refund", "", None, D(2)),
        ("refund", "meal", None, D(2)),
        ("subsidy_received", "", None, D(50)),
        ("supplier_paid", "", USCC, D(9)),
    ]


def test_what_stood_before_the_first_day_opens_the_books(silver: lake.Lake, tmp_path: Path) -> None:
    """Every kind of balance meets the surplus; stock comes in its base unit and is what the first issue takes."""
    for kind, amount, more in (
        ("bank", 100, {"account_no": "6222"}),
        ("stock", 30, {"ingredient_id": "p-1", "qty": D(20)}),
        ("payable", 45, {"supplier_uscc": "s-1"}),
        ("prepaid", 60, {}),
        ("prepaid", 5, {"account_kind": "teacher"}),
    ):
        silver.add(
            "opening_balance",
            **{"canteen_id": "k-1", "biz_date": DAY, "balance_kind": kind, "account_kind": "pupil",
               "amount_yuan": D(amount), **more},
        )  # fmt: skip
    silver.move("k-1", DAY, "p-1", D(8), unit=None)
    books = Books(tmp_path, {"C1": "batch"})
    write(books.settings, silver)
    scope = Scope(frozenset({DAY}), DAY.replace(day=1))
    found = sources.read(books.settings, days=[DAY], stock_from=DAY.replace(day=1), last=END)
    counts = ledger.post(books.settings, found, as_of=DAY, scope=scope, books=books.reference)
    sums = books.lines.group_by("account_code").agg(
        balance=pl.col("debit_yuan").sum() - pl.col("credit_yuan").sum()
    )
    assert counts["beyond_stock"] == 0
    assert dict(sums.rows()) == {
        "1002": D(100), "120101": D(18), "51010101": D(12), "2101": D(-45), "216101": D(-60), "216102": D(-5),
        "3101": D(-20),
    }  # fmt: skip


def test_a_lake_is_read_posted_and_closed(silver: lake.Lake, tmp_path: Path) -> None:
    silver.buy("k-1", DAY, "p-1", D(10), D(3), unit=None)
    silver.move("k-1", DAY, "p-1", D(4), unit=None)
    silver.add(
        "consumption",
        canteen_id="k-1",
        biz_date=DAY,
        payer_kind="pupil",
        amount_yuan=D(20),
        subsidy_yuan=D(0),
    )
    books = Books(tmp_path, {"C1": "weighted_average"})
    write(books.settings, silver)
    after = END + dt.timedelta(5)
    scope = Scope(frozenset({DAY}), DAY.replace(day=1))
    found = sources.read(books.settings, days=[DAY], stock_from=DAY.replace(day=1), last=END)
    ledger.post(books.settings, found, as_of=after, scope=scope, books=books.reference)
    ledger.close(books.settings, "2026-09", as_of=after, books=books.reference)
    sums = books.lines.group_by("account_code").agg(
        balance=pl.col("debit_yuan").sum() - pl.col("credit_yuan").sum()
    )
    assert dict(sums.filter(pl.col("balance") != 0).rows()) == {
        "120101": D(18), "2101": D(-30), "216101": D(20), "3101": D(-8),
    }  # fmt: skip


def write(settings: Settings, silver: lake.Lake) -> None:
    for name in NAMES:
        delta.replace(
            settings.table(f"silver.{name}"),
            [pl.DataFrame(silver.rows[name], schema=SILVER[name])],
            SILVER[name],
            period=None,
            partition=None,
            commit_id=name,
        )
