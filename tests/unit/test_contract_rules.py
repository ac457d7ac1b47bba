"""Rules and their words: every rule of a contract has a text, columns to look at, and a row that breaks it."""

import datetime as dt

import polars as pl
import pytest
from rows import GOOD

from pipelines.silver.typing import check
from warehouse import vocabulary
from warehouse.contracts import ROW_RULES
from warehouse.tables import CONFLICT, FEEDS

DOOR_RULES = {"dtype", "enum", CONFLICT}
"""Rules of the door itself: text that is no value of its column, a code outside its list, two contents."""


def rules(feed: str) -> set[str]:
    """Rules of a feed's contract, as quarantined rows name them."""
    contract = FEEDS[feed].contract
    columns = contract.columns()
    empty = pl.DataFrame(schema={name: column.dtype for name, column in columns.items()})
    return set(contract.filter(empty, cast=False)[1].details().columns) - set(columns)


def row_rules(feed: str) -> set[str]:
    return {rule for rule in rules(feed) if "|" not in rule}


def test_every_rule_has_a_text_and_every_text_a_rule() -> None:
    used = {rule.rpartition("|")[2] for feed in FEEDS for rule in rules(feed)}
    assert used | DOOR_RULES == set(vocabulary.RULES)


def test_every_rule_over_a_row_names_columns_of_its_contract() -> None:
    assert {rule for feed in FEEDS for rule in row_rules(feed)} == set(ROW_RULES)
    for feed in FEEDS.values():
        for rule in [*row_rules(feed.name), CONFLICT]:
            named = feed.columns_of(rule)
            assert named, (feed.name, rule)
            assert set(named) <= set(feed.contract.columns()), (feed.name, rule)


def text_rows(feed: str, *rows: dict[str, str]) -> pl.DataFrame:
    lineage = {"_provider": "p", "_file": "f", "_arrival_date": dt.date(2026, 9, 1)}
    blank = dict.fromkeys(FEEDS[feed].contract.columns())
    return pl.DataFrame([{**blank, **row, **lineage, "_row": i + 1} for i, row in enumerate(rows)],
                        schema_overrides=dict.fromkeys(blank, pl.String))  # fmt: skip


MOVE = {"record_no": "m1", "canteen_id": "c1", "account_kind": "pupil", "biz_date": "2026-09-01"} | {
    "ingredient_id": "i1", "move_kind": "supplier_return", "qty": "1", "purpose": "other",
    "amount_yuan": "1", "reported_at": "2026-09-01 18:00:00"}  # fmt: skip
ORG = {"org_id": "o1", "org_kind": "school", "org_name": "甲", "division_code": "430602", "subsidised": "0"} | {
    "valid_from": "2026-01-01", "reported_at": "2026-01-01 08:00:00"}  # fmt: skip


@pytest.mark.parametrize(
    ("feed", "row", "change", "rule", "fields"),
    [
        ("purchase", GOOD, {"unit": "箩"}, "unit_known", "unit"),
        ("purchase", GOOD, {"biz_date": "2026-09-02"}, "not_in_future", "biz_date,reported_at"),
        (
            "purchase",
            GOOD,
            {"amount_yuan": "25.02"},
            "amount_matches",
            "accepted_qty,amount_yuan,unit_price",
        ),
        (
            "purchase",
            GOOD,
            {"ordered_qty": "1.0"},
            "accepted_within_ordered",
            "accepted_qty,ordered_qty,rejected_qty",
        ),
        ("stock_move", MOVE, {"amount_yuan": ""}, "amount_required", "amount_yuan"),
        ("org", ORG, {"valid_to": "2025-12-31"}, "period_ordered", "valid_from,valid_to"),
        ("purchase", GOOD, {"account_kind": "狗"}, "account_kind|enum", "account_kind"),
    ],
)
def test_a_broken_rule_names_its_columns(
    feed: str, row: dict[str, str], change: dict[str, str], rule: str, fields: str
) -> None:
    checked = check(FEEDS[feed], text_rows(feed, row, {**row, **change}))
    assert checked.accepted["_row"].to_list() == [1]
    assert checked.rejected.select("rules", "fields").rows() == [(rule, fields)]


@pytest.mark.parametrize(
    ("ordered", "accepted", "rejected", "kept"),
    [
        ("10", "10", "0", True),
        ("10", "16", "0", True),  # half as much again and one unit
        ("10", "16.001", "0", False),
        ("10", "10", "6.001", False),
        ("0.5", "1", "0.75", True),
        ("0", "300", "0", True),  # bought without an order
        ("30.5", "305", "0", False),  # a lost decimal point
        ("20", "0", "0", True),
    ],
)
def test_accepted_and_rejected_may_exceed_the_order_by_half_and_one_unit(
    ordered: str, accepted: str, rejected: str, kept: bool
) -> None:
    qty = {"ordered_qty": ordered, "accepted_qty": accepted, "rejected_qty": rejected}
    row = {**GOOD, **qty, "unit_price": "0", "amount_yuan": "0"}
    assert (check(FEEDS["purchase"], text_rows("purchase", row)).accepted.height == 1) is kept


@pytest.mark.requirement("S0-69")
@pytest.mark.parametrize(
    ("grams", "edible", "rules"),
    [
        ("60", "82", []),
        ("60", "", []),  # as purchased
        ("", "82", ["grams_per_diner|nullability"]),
        ("0", "82", ["grams_positive"]),
        ("少许", "82", ["grams_per_diner|dtype"]),
        ("60", "0", ["edible_pct|min"]),
        ("60", "101", ["edible_pct|max"]),
    ],
)
def test_a_menu_line_without_grams_is_rejected(grams: str, edible: str, rules: list[str]) -> None:
    row = {"record_no": "u1", "canteen_id": "c1", "biz_date": "2026-09-04", "meal": "午餐", "dish_name": "清炒青椒"} | {
        "ingredient_id": "i1", "reported_at": "2026-08-30 18:00:00"}  # fmt: skip
    checked = check(
        FEEDS["menu_line"], text_rows("menu_line", {**row, "grams_per_diner": grams, "edible_pct": edible})
    )
    assert checked.rejected["rules"].to_list() == rules


@pytest.mark.requirement("S4-52")
@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("幼儿园", "kindergarten"),
        ("小学", "primary"),
        ("初中", "junior"),
        ("高中", "senior"),
        ("中职", "vocational"),
        ("高等院校", "higher"),
        ("higher", "higher"),
    ],
)
def test_every_kind_of_school_has_a_code(written: str, code: str) -> None:
    checked = check(FEEDS["org"], text_rows("org", {**ORG, "stage": written}))
    assert checked.accepted["stage"].to_list() == [code]


@pytest.mark.requirement("S4-52")
def test_a_kind_of_school_outside_the_list_is_rejected() -> None:
    checked = check(FEEDS["org"], text_rows("org", {**ORG, "stage": "培训机构"}))
    assert checked.rejected.select("rules", "fields").rows() == [("stage|enum", "stage")]
