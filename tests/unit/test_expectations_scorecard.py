"""The scorecard's model and the page that shows it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from expectations import page, scorecard
from expectations.lake import RECEIPT
from warehouse.tables import DELIVERY, EXPECTATION_RESULT, PROVIDER, QUARANTINE

NIGHT = dt.date(2026, 9, 9)
EVIL = "<script>alert('x')</script>"


def frame(schema: dict[str, pl.DataType], *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def delivery(
    file: str, state: str, accepted: int, quarantined: int = 0, duplicate: int = 0
) -> dict[str, Any]:
    return {
        "provider": "yunxi", "feed": "purchase", "_file": file, "_arrival_date": NIGHT, "state": state,
        "rows_accepted": accepted, "rows_quarantined": quarantined, "rows_duplicate": duplicate,
    }  # fmt: skip


def result(
    column: str, success: bool, night: dt.date = NIGHT, expectation: str = "between", observed: str = "0.2"
) -> dict[str, Any]:
    return {
        "provider": "yunxi", "feed": "purchase", "expectation": expectation, "column_name": column, "success": success,
        "observed": observed, "checked": 10, "unexpected": 0 if success else 4, "_arrival_date": night,
    }  # fmt: skip


def build(**tables: pl.DataFrame) -> scorecard.Scorecard:
    given = {
        "results": frame(EXPECTATION_RESULT),
        "delivery": frame(DELIVERY),
        "quarantine": frame(QUARANTINE),
        "receipts": frame(RECEIPT),
        "providers": frame(
            PROVIDER, {"provider": "yunxi", "label": "云溪区", "feed": "purchase", "is_duty": True}
        ),
    }
    return scorecard.build(NIGHT, NIGHT, **(given | tables))


def card(**tables: pl.DataFrame) -> scorecard.Card:
    (provider,) = build(**tables).providers
    (found,) = provider.cards
    return found


def test_rows_in_are_accepted_quarantined_duplicate_and_superseded() -> None:
    units = [
        delivery("a", "current", 90, 6, 4),
        delivery("a", "superseded", 30),
        delivery("b", "duplicate", 20),
    ]
    found = card(delivery=frame(DELIVERY, *units))
    assert (found.files, found.accepted, found.quarantined, found.duplicate, found.superseded) == (
        2,
        90,
        6,
        24,
        30,
    )
    assert found.acceptance == Decimal("96.0")


def test_acceptance_is_rounded_down_so_that_100_means_all() -> None:
    assert card(delivery=frame(DELIVERY, delivery("a", "current", 99_999, 1))).acceptance == Decimal("99.9")


def test_worst_rules_come_first_with_a_remedy() -> None:
    broken = [
        {"provider": "yunxi", "feed": "purchase", "rules": rules}
        for rules in ("unit_price|min,amount_matches", "unit_price|min")
    ]
    rules = card(quarantine=frame(QUARANTINE, *broken)).rules
    assert [(line.field, line.rows) for line in rules] == [("单价", 2), ("金额（元）、验收数量、单价", 1)]
    assert "核对数量" in rules[0].remedy


def test_a_rule_without_a_text_is_named() -> None:
    broken = frame(QUARANTINE, {"provider": "yunxi", "feed": "purchase", "rules": "spec|no_such_rule"})
    assert "no_such_rule" in card(quarantine=broken).rules[0].what


def test_expectations_are_summed_over_nights_and_failing_ones_come_first() -> None:
    nights = [NIGHT, NIGHT + dt.timedelta(days=1)]
    rows = [result("unit_price", True, night) for night in nights] + [
        result("price_ratio", False, nights[0], observed="0.5"),
        result("price_ratio", True, nights[1]),
    ]
    found = card(results=frame(EXPECTATION_RESULT, *rows))
    first = found.checks[0]
    assert (first.passed, first.nights, first.failed, first.checked, first.unexpected, first.observed) == (
        False,
        2,
        1,
        20,
        4,
        "0.5",
    )
    assert "中位数" in first.label
    assert found.score == Decimal(75)


def test_a_duty_without_any_delivery_is_overdue() -> None:
    assert card().overdue
    assert "应送未送" in page.render(build())


def test_an_unregistered_provider_is_shown_too() -> None:
    row = delivery("a", "current", 1) | {"provider": "stranger"}
    assert [provider.name for provider in build(delivery=frame(DELIVERY, row)).providers] == [
        "stranger",
        "yunxi",
    ]


@pytest.mark.requirement("S0-136")
def test_the_page_says_which_file_was_refused_and_why() -> None:
    common = {"provider": "yunxi", "arrival_date": NIGHT, "status": "refused"}
    told = common | {"path": "采购.csv", "refusal_code": "truncated", "message": "文件不完整：清单为9行"}
    untold = common | {"path": "就餐.csv", "refusal_code": "empty"}
    text = page.render(build(receipts=frame(RECEIPT, told, untold)))
    assert all(part in text for part in ("采购.csv", "清单为9行", "就餐.csv", "文件为空"))


def test_files_that_came_again_are_counted() -> None:
    again = {"provider": "yunxi", "arrival_date": NIGHT, "status": "duplicate", "path": "采购-副本.csv"}
    assert build(receipts=frame(RECEIPT, again)).providers[0].repeated_files == 1


def test_nothing_from_a_provider_becomes_markup() -> None:
    text = page.render(
        build(
            results=frame(EXPECTATION_RESULT, result("unit_price", False, observed=EVIL)),
            quarantine=frame(
                QUARANTINE, {"provider": "yunxi", "feed": "purchase", "rules": f"{EVIL}|{EVIL}"}
            ),
            receipts=frame(
                RECEIPT,
                {
                    "provider": f'"{EVIL}',
                    "path": EVIL,
                    "arrival_date": NIGHT,
                    "status": "refused",
                    "message": EVIL,
                },
            ),
            providers=frame(
                PROVIDER, {"provider": "yunxi", "label": EVIL, "feed": "purchase", "is_duty": True}
            ),
        )
    )
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 5


def test_the_page_is_self_contained_and_prints() -> None:
    text = page.render(build())
    assert "http" not in text.replace("http-equiv", "")
    assert "@media print" in text
    assert 'lang="zh-CN"' in text
