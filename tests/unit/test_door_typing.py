"""The contract at the door: text in, typed rows out, every bad row named with its rule."""

import datetime as dt

import polars as pl
import pytest
from rows import GOOD

from pipelines.silver.typing import check
from warehouse.tables import FEEDS


def purchases(*changes: dict[str, str]) -> pl.DataFrame:
    lineage = {"_provider": "p", "_file": "f", "_arrival_date": dt.date(2026, 9, 1)}
    return pl.DataFrame([{**GOOD, **change, **lineage, "_row": i + 1} for i, change in enumerate(changes)])


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"amount_yuan": "25.02"}, "amount_matches"),
        ({"biz_date": "2026-02-30"}, "biz_date|dtype"),
        ({"unit": "箩"}, "unit_known"),
        ({"account_kind": "狗"}, "account_kind|enum"),
        ({"record_no": ""}, "record_no|nullability"),
        ({"accepted_qty": "-10", "amount_yuan": "0"}, "accepted_qty|min"),
        ({"unit_price": "2.5元"}, "unit_price|dtype"),
        ({"amount_yuan": "25.001"}, "amount_yuan|dtype"),
        ({"biz_date": "2026-09-02"}, "not_in_future"),
    ],
)
def test_a_row_that_breaks_a_rule_is_rejected_with_the_rules_name(change: dict[str, str], rule: str) -> None:
    checked = check(FEEDS["purchase"], purchases({}, change))
    assert checked.accepted["_row"].to_list() == [1]
    assert checked.rejected["_row"].to_list() == [2]
    assert rule in checked.rejected["rules"][0].split(",")


@pytest.mark.parametrize(
    "change",
    [
        {"account_kind": "学生账"},
        {"biz_date": "2026/9/1"},
        {"biz_date": "20260901"},
        {"amount_yuan": "25"},
        {"accepted_qty": "10.000000"},
        {"unit": ""},
        {"unit_price": "2.501", "amount_yuan": "25.01"},
        {"unit_price": "1000", "accepted_qty": "1.5", "amount_yuan": "1,500.00"},
    ],
)
def test_what_a_clerk_may_write_is_accepted(change: dict[str, str]) -> None:
    checked = check(FEEDS["purchase"], purchases(change))
    assert checked.rejected.height == 0
    assert checked.accepted["biz_date"].to_list() == [dt.date(2026, 9, 1)]


def test_reported_time_is_kept_as_utc() -> None:
    checked = check(FEEDS["purchase"], purchases({}))
    assert checked.accepted["reported_at"][0] == dt.datetime(2026, 9, 1, 10, tzinfo=dt.UTC)


@pytest.mark.requirement("S0-30")
def test_supplier_codes_are_checked_by_their_check_character() -> None:
    row = {
        "supplier_name": "甲",
        "contact_name": "",
        "contact_phone": "",
        "licence_no": "",
        "valid_from": "2026-01-01",
        "valid_to": "",
        "reported_at": "2026-01-01 00:00:00",
        "_provider": "city",
        "_file": "f",
        "_arrival_date": dt.date(2026, 1, 1),
    }
    # 91350100M000100Y43 is the example in GB 32100-2015.
    codes = ["91350100M000100Y43", "91350100M000100Y44", "91350100M000100Y4", "91350100I000100Y43"]
    frame = pl.DataFrame([{**row, "supplier_uscc": code, "_row": i} for i, code in enumerate(codes)])
    checked = check(FEEDS["supplier"], frame)
    assert checked.accepted["supplier_uscc"].to_list() == codes[:1]
    assert set(checked.rejected["rules"]) == {"uscc_checksum"}


def test_the_rejected_row_is_kept_as_it_came() -> None:
    rejected = check(FEEDS["purchase"], purchases({"unit": "箩"})).rejected
    assert '"unit": "箩"' in rejected["row_json"][0]
    assert rejected["fields"][0] == "unit"
