"""The suites find what a steward would want to know, and nothing in plausible data.

Every fault is planted in the delivery of a provider of its own, beside one provider without faults.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, NamedTuple

import polars as pl
import pytest

from expectations.evaluate import evaluate
from expectations.suites import SUITES, check_of
from warehouse.tables import EXPECTATION_RESULT, FEEDS, SILVER

DAY = dt.date(2026, 9, 8)
NIGHT = DAY + dt.timedelta(days=1)
TAKEN = dt.datetime(2026, 9, 7, 22, 30, tzinfo=dt.UTC)
"""Half past six in the morning of the day, in Shanghai."""
CLEAN = "clean"


class Fault(NamedTuple):
    """A defect of one feed, and the check that must see it."""

    feed: str
    name: str
    expectation: str
    column: str
    plant: Callable[[dict[str, Any], int], dict[str, Any]]


def every(n: int, **values: Any) -> Callable[[dict[str, Any], int], dict[str, Any]]:
    """Sets fields of every n-th row."""
    return lambda row, i: row | values if i % n == 0 else row


FAULTS = (
    Fault("purchase", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("purchase", "very_late", "between", "lag_days", every(1, biz_date=DAY - dt.timedelta(days=20))),
    Fault("purchase", "before_its_day", "between", "lag_days", every(2, biz_date=NIGHT + dt.timedelta(days=2))),
    Fault("purchase", "no_order", "not_null", "order_no", every(4, order_no=None)),
    Fault("purchase", "not_accepted", "not_null", "accepted_on", every(4, accepted_on=None)),
    Fault("purchase", "no_acceptor", "not_null", "acceptor_count", every(3, acceptor_count=None)),
    Fault("purchase", "slipped_point", "between", "unit_price", every(20, unit_price=48000)),
    Fault("purchase", "jin_as_kg", "between", "price_ratio", every(5, unit="斤")),
    Fault("purchase", "huge_quantity", "between", "accepted_qty", every(30, accepted_qty=90_000)),
    Fault("purchase", "huge_amount", "between", "amount_yuan", every(30, amount_yuan=900_000)),
    Fault("purchase", "slow_acceptance", "between", "acceptance_days", every(5, accepted_on=DAY + dt.timedelta(days=9))),
    Fault("purchase", "mostly_rejected", "between", "rejected_share", every(5, rejected_qty=9)),
    Fault("purchase", "stand_in_supplier", "between", "stand_in_supplier_share", every(9, supplier_uscc="无")),
    Fault("purchase", "round_prices", "between", "round_price_share", every(1, unit_price=5)),
    Fault("purchase", "one_supplier", "between", "largest_supplier_share", every(1, supplier_uscc="S1")),
    Fault("stock_move", "no_quantity", "between", "qty", every(20, qty=0)),
    Fault("stock_move", "vague_purpose", "in_set", "issue_purpose", every(2, purpose="other")),
    Fault("stock_move", "no_issues", "between", "issue_share", every(1, move_kind="issue_return")),
    Fault("stock_move", "many_losses", "between", "loss_share", every(3, move_kind="loss")),
    Fault("stock_move", "teachers_only", "between", "teacher_share", every(1, purpose="teacher_meal")),
    Fault("stocktake", "all_zero", "between", "zero_share", every(1, counted_qty=0)),
    Fault("stocktake", "odd_price", "between", "unit_price", every(9, unit_price=0.001)),
    Fault("meal_fee", "fen_for_yuan", "between", "amount_yuan", every(20, amount_yuan=30_000)),
    Fault("meal_fee", "cash", "in_set", "channel", every(1, channel="cash")),
    Fault("consumption", "cash", "in_set", "channel", every(9, channel="cash")),
    Fault("consumption", "many_portions", "between", "portions_each", every(20, portions=40)),
    Fault("consumption", "dear_meal", "between", "portion_price", every(20, amount_yuan=800)),
    Fault("consumption", "free_meals", "between", "free_share", every(9, amount_yuan=0)),
    Fault("consumption", "no_lunch", "between", "lunch_share", every(1, meal="dinner")),
    Fault("consumption", "half_a_file", "between", "rows_vs_recent", every(1)),
    Fault("consumption", "canteens_missing", "between", "canteens_vs_recent", every(1)),
    Fault("refund", "no_reason", "not_null", "reason", every(2, reason=None)),
    Fault("refund", "huge", "between", "amount_yuan", every(20, amount_yuan=5_000)),
    Fault("disclosure_line", "lines_missing", "between", "lines_per_form", every(1, line_code="income")),
    Fault("disclosure_line", "ytd_below_month", "between", "ytd_over_month", every(3, ytd_yuan=1)),
    Fault("disclosure_line", "not_month_end", "between", "days_to_month_end", every(9, biz_date=dt.date(2026, 8, 30))),
    Fault("org", "no_mode", "in_set", "canteen_mode", every(9, operating_mode=None)),
    Fault("org", "other_city", "matches", "division_code", every(30, division_code="430102")),
    Fault("calendar", "no_term", "in_set", "open_day_term", every(4, term_id=None)),
    Fault("supplier", "no_licence", "not_null", "licence_no", every(4, licence_no=None)),
    Fault("ingredient", "same_name", "unique", "ingredient_name", every(20, ingredient_name="大米")),
    Fault("provider_key", "unregistered", "in_set", "registered_code", every(9, target_code=None)),
    Fault("access_grant", "many_admins", "between", "admin_share", every(9, role_kind="admin")),
    Fault("price_reference", "slipped_price", "between", "unit_price", every(9, unit_price=4800)),
    Fault("price_reference", "wide_range", "between", "high_over_low", every(9, high_price=99)),
    Fault("price_reference", "old", "between", "days_from_arrival", every(9, valid_from=dt.date(2025, 1, 1))),
    Fault("quotation", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("quotation", "slipped_quote", "between", "unit_price", every(9, unit_price=4800)),
    Fault("quotation", "for_years", "between", "period_days", every(9, valid_to=dt.date(2030, 1, 1))),
    Fault("price_agreement", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("price_agreement", "half_price", "between", "discount_pct", every(9, discount_pct=86)),
    Fault("price_agreement", "nothing_agreed", "between", "none_share", every(1, discount_pct=0)),
    Fault("bank_line", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("bank_line", "very_late", "between", "lag_days", every(9, biz_date=dt.date(2026, 1, 1))),
    Fault("bank_line", "huge_amount", "between", "amount_yuan", every(30, amount_yuan=90_000_000)),
    Fault("bank_line", "overdrawn", "between", "balance_yuan", every(30, balance_yuan=-1)),
    Fault("bank_line", "nameless", "not_null", "counterparty_name", every(2, counterparty_name=None)),
    Fault("bank_line", "unproved", "between", "balance_proved_share", every(5, proof="explicit")),
    Fault("bank_line", "many_reversals", "between", "reversal_share", every(9, is_reversal=True)),
    Fault("bank_line", "round_amounts", "between", "round_amount_share", every(1, amount_yuan=500)),
    Fault("bank_account", "none_special", "between", "special_share", every(1, account_role="school")),
    Fault("bank_account", "no_bank", "not_null", "bank_name", every(3, bank_name=None)),
    Fault("flow_decision", "says_nothing", "matches", "reason", every(3, reason="无")),
    Fault("settlement", "slow_channel", "between", "days_to_settle", every(9, trade_date=DAY - dt.timedelta(days=20))),
    Fault("settlement", "dear_channel", "between", "fee_share", every(9, fee_yuan=50)),
    Fault("control_total", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("meal_leave", "very_late", "between", "lag_days", every(9, biz_date=DAY - dt.timedelta(days=20))),
    Fault("subsidy_roster", "odd_rate", "between", "rate_yuan", every(9, rate_yuan=500)),
    Fault("opening_balance", "beyond_a_canteen", "between", "amount_yuan", every(9, amount_yuan=50_000_000)),
    Fault("subsidy_roster", "whole_month", "between", "meal_days", every(9, meal_days=31)),
    Fault("fund_split", "huge", "between", "amount_yuan", every(30, amount_yuan=9_000_000)),
    Fault("invoice", "orderless", "not_null", "order_no", every(3, order_no=None)),
    Fault("invoice", "all_tax", "between", "tax_share", every(9, tax_yuan=100)),
    Fault("invoice", "many_red", "between", "red_share", every(3, is_red=True)),
    Fault("supplier_payment", "cash", "in_set", "payment_method", every(9, payment_method="cash")),
    Fault("supplier_payment", "no_invoice", "not_null", "invoice_no", every(3, invoice_no=None)),
    Fault("expense", "huge", "between", "amount_yuan", every(30, amount_yuan=9_000_000)),
    Fault("voucher_line", "no_summary", "not_null", "summary", every(9, summary=None)),
    Fault("voucher_line", "no_source", "between", "sourced_share", every(1, source_record_no=None)),
    Fault("handling", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("scale_reading", "late", "between", "lag_days", every(2, biz_date=DAY - dt.timedelta(days=5))),
    Fault("scale_reading", "unnamed", "in_set", "goods", every(9, item_name=None)),
    Fault("scale_reading", "no_order", "not_null", "order_no", every(3, order_no=None)),
    Fault("scale_reading", "grams", "between", "net_kg", every(9, net_kg=12_000)),
    Fault("scale_reading", "slow_report", "between", "report_minutes", every(5, reported_at=TAKEN + dt.timedelta(hours=3))),
    Fault("scale_reading", "never_tared", "between", "untared_share", every(1, tare_kg=0)),
    Fault("scale_reading", "one_scale", "between", "largest_device_share", every(1, device_id="D1")),
    Fault("morning_check", "odd_temp", "between", "forehead_temp", every(9, forehead_temp=42.9)),
    Fault("morning_check", "at_night", "between", "check_hour", every(5, checked_at=TAKEN + dt.timedelta(hours=16))),
    Fault("morning_check", "all_unfit", "between", "unfit_share", every(3, is_fit=False)),
    Fault("morning_check", "one_temp", "between", "same_temp_share", every(1, forehead_temp=36.5)),
    Fault("edge_event", "slow_report", "between", "report_minutes", every(5, reported_at=TAKEN + dt.timedelta(hours=3))),
    Fault("edge_event", "no_picture", "in_set", "picture", every(9, evidence_sha256=None)),
    Fault("edge_event", "covered", "between", "covered_share", every(3, event_kind="lens_covered")),
    Fault("withdrawal", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("camera", "no_code", "not_null", "gb_code", every(3, gb_code=None)),
    Fault("camera", "no_line", "not_null", "uplink_mbps", every(3, uplink_mbps=None)),
    Fault("camera_zone", "all_floor", "between", "floor_share", every(1, zone_kind="floor")),
    Fault("camera_status", "many_offline", "between", "offline_share", every(2, is_online=False)),
    Fault("camera_alarm", "repeated_number", "unique", "record_no", every(20, record_no="P1")),
    Fault("video_segment", "empty_files", "between", "size_bytes", every(9, size_bytes=0)),
    Fault("retained_sample", "small", "between", "weight_g", every(9, weight_g=100)),
    Fault("retained_sample", "warm", "between", "cabinet_temp_c", every(9, cabinet_temp_c=15)),
    Fault("meal_time", "at_night", "matches", "serve_from", every(9, serve_from="02:00")),
    Fault("menu_line", "weeks_late", "between", "lag_days", every(3, biz_date=DAY - dt.timedelta(days=30))),
    Fault("menu_line", "kilograms", "between", "grams_per_diner", every(20, grams_per_diner=0.05)),
    Fault("menu_line", "one_weight", "between", "same_weight_share", every(1, grams_per_diner=50)),
    Fault("menu_line", "a_line_a_day", "between", "foods_per_day", lambda row, i: row | {"canteen_id": f"C{i}"}),
    Fault("event_verdict", "nobody_knows", "between", "unclear_share", every(2, review_code="unclear")),
    Fault("map_shape", "another_city", "matches", "division_code", every(30, division_code="430102")),
)  # fmt: skip


def clean_row(feed: str, i: int) -> dict[str, Any]:
    """A plausible row of a feed."""
    fact = {"record_no": f"P{i}", "canteen_id": f"C{i % 5}", "biz_date": DAY}
    goods = fact | {"account_kind": "pupil", "ingredient_id": f"SC{i % 3}", "unit": "kg"}
    payer = fact | {"payer_kind": "pupil", "person_hash": "h", "channel": "card", "amount_yuan": 8.5}
    lines = (
        "income",
        "dishes",
        "rice_oil",
        "condiments",
        "other_materials",
        "utilities",
        "management",
        "finance",
        "result",
    )
    form = {
        "canteen_id": f"C{i // len(lines)}",
        "biz_date": dt.date(2026, 8, 31),
        "line_code": lines[i % len(lines)],
    }
    rows: dict[str, dict[str, Any]] = {
        "purchase": goods
        | {
            "order_no": f"O{i}",
            "supplier_uscc": f"S{i % 4}",
            "ordered_qty": 10,
            "accepted_qty": 10,
            "rejected_qty": 0,
        }
        | {"unit_price": 5.2 + i % 3 / 10, "amount_yuan": 52, "accepted_on": DAY, "acceptor_count": 2},
        "stock_move": goods | {"move_kind": "issue", "qty": 4.5, "purpose": "pupil_meal"},
        "stocktake": goods | {"counted_qty": 12.5, "unit_price": 5.2},
        "meal_fee": payer | {"amount_yuan": 300},
        "consumption": payer | {"meal": "lunch", "portions": 1, "subsidy_yuan": 0},
        "refund": payer | {"refund_kind": "meal", "reason": "请假"},
        "menu_line": fact
        | {"meal": "lunch", "dish_name": "清炒青椒", "ingredient_id": f"SC{i}"}
        | {"grams_per_diner": 20 + i, "edible_pct": 82},
        "disclosure_line": fact | form | {"month_yuan": 1000, "ytd_yuan": 7000, "operating_mode": "self"},
        "withdrawal": fact | {"withdrawn_feed": "purchase"},
        "scale_reading": fact
        | {"device_id": f"D{i % 5}", "measured_at": TAKEN, "reported_at": TAKEN, "item_name": "大白菜"}
        | {"order_no": f"O{i}", "gross_kg": 12.5, "tare_kg": 0.5, "net_kg": 12},
        "morning_check": fact
        | {"device_id": f"D{i % 5}", "checked_at": TAKEN, "reported_at": TAKEN}
        | {"forehead_temp": 36 + i % 10 / 10, "is_fit": True},
        "edge_event": fact
        | {"device_id": f"D{i % 5}", "event_at": TAKEN, "reported_at": TAKEN, "event_kind": "no_mask"}
        | {"evidence_sha256": "a" * 64},
        "camera": {"camera_id": f"K{i}", "canteen_id": "C1", "gb_code": f"{i:020}", "uplink_mbps": 2},
        "camera_zone": {
            "camera_id": f"K{i}",
            "zone_id": "z",
            "zone_kind": ("cutting", "floor", "stove")[i % 3],
        },
        "camera_status": fact | {"camera_id": "K", "seen_at": TAKEN, "is_online": True},
        "camera_alarm": fact | {"camera_id": "K", "alarm_at": TAKEN, "alarm_kind": "video_lost"},
        "video_segment": fact | {"camera_id": "K", "path": f"K/{i}.mp4", "size_bytes": 9_000},
        "retained_sample": fact | {"meal": "lunch", "weight_g": 130, "cabinet_temp_c": 4},
        "meal_time": {"canteen_id": f"C{i}", "meal": "lunch", "serve_from": "11:30"},
        "event_verdict": {"event_id": f"e{i}", "review_code": "true"},
        "bank_account": {"account_no": f"A{i}", "account_role": "special", "bank_name": "岳阳农商行"},
        "flow_decision": {"subject_id": f"D-{i}", "decision_code": "explained", "reason": "误付后已退回"},
        "settlement": fact
        | {"trade_date": DAY, "channel": "card", "gross_yuan": 1000, "fee_yuan": 3, "net_yuan": 997},
        "control_total": fact | {"controlled_feed": "purchase", "row_count": 3, "total_yuan": 100},
        "meal_leave": fact | {"payer_kind": "pupil", "person_hash": "h"},
        "subsidy_roster": fact | {"meal_days": 20, "rate_yuan": 5, "amount_yuan": 100},
        "opening_balance": fact | {"balance_kind": "bank", "amount_yuan": 100},
        "fund_split": fact | {"fund_kind": "subsidy", "amount_yuan": 3000},
        "invoice": fact
        | {"invoice_no": f"I{i}", "order_no": f"O{i}", "amount_yuan": 109, "tax_yuan": 9, "is_red": False},
        "supplier_payment": fact
        | {"payment_method": "bank", "invoice_no": f"I{i}", "amount_yuan": 109, "serial_no": "S"},
        "expense": fact | {"expense_kind": "wages", "money_direction": "out", "amount_yuan": 3000},
        "voucher_line": fact
        | {"voucher_no": f"V{i}", "line_no": 1, "summary": "付款", "source_record_no": f"P{i}"},
        "handling": fact | {"document_no": f"D{i}", "duty_step": "order", "person_hash": "h"},
        "price_reference": {"unit_price": 5, "low_price": 4, "high_price": 6, "valid_from": DAY},
        "quotation": {"record_no": f"P{i}", "unit_price": 5, "valid_from": DAY, "valid_to": NIGHT},
        "price_agreement": {"record_no": f"P{i}", "discount_pct": 14},
        "bank_line": {
            "record_no": f"P{i}",
            "account_no": "A",
            "biz_date": DAY,
            "direction": "out",
            "amount_yuan": 1288.06,
            "balance_yuan": 5000,
            "counterparty_name": "岳阳粮油公司",
            "is_reversal": False,
            "proof": "balance",
        },
        "org": {
            "org_id": f"O{i}",
            "parent_id": "S",
            "org_kind": "canteen",
            "org_name": "食堂",
            "division_code": "430602",
        }
        | {"operating_mode": "self", "pupils": 600},
        "calendar": {"org_id": "O", "biz_date": DAY, "is_open": True, "term_id": "2026-2027-1"},
        "supplier": {
            "supplier_uscc": f"S{i}",
            "supplier_name": "岳阳粮油公司",
            "licence_no": "JY1",
            "contact_phone": "***",
        },
        "ingredient": {
            "ingredient_id": f"SC{i}",
            "ingredient_name": f"食材{i}",
            "category": "grain",
            "base_unit": "kg",
        },
        "provider_key": {"entity": "canteen", "source_key": f"{i}", "target_code": "C1"},
        "access_grant": {
            "username": f"u{i}",
            "org_id": "430602",
            "role_kind": "supervisor",
            "valid_from": DAY,
        },
        "map_shape": {"division_code": "430602", "ring_json": "[]", "review_no": "S1", "reviewed_on": DAY},
    }
    return rows[feed]


def silver(feed: str) -> pl.DataFrame:
    """The feed's rows of all providers; 90 rows each."""
    rows = []
    for provider, plant in [
        (CLEAN, every(1)),
        *((fault.name, fault.plant) for fault in FAULTS if fault.feed == feed),
    ]:
        rows += [
            plant(clean_row(feed, i), i) | {"_provider": provider, "_arrival_date": NIGHT} for i in range(90)
        ]
    return typed(rows, FEEDS[feed].columns)


def typed(rows: list[dict[str, Any]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Rows as a frame with a table's columns; what a row leaves out is null."""
    frame = pl.DataFrame(rows, infer_schema_length=None)
    empty = [pl.lit(None).alias(name) for name in schema if name not in frame.columns]
    return frame.with_columns(empty).select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def deliveries() -> pl.DataFrame:
    """Ten usual nights of every consumption provider, then the night itself."""
    rows = []
    for provider in (CLEAN, *(fault.name for fault in FAULTS if fault.feed == "consumption")):
        for ago in range(11):
            today = ago == 0
            count = 45 if today and provider == "half_a_file" else 100
            canteens = 2 if today and provider == "canteens_missing" else 5
            rows += [
                {
                    "feed": "consumption",
                    "provider": provider,
                    "canteen_id": f"C{n}",
                    "rows_accepted": count,
                    "unit_key": f"{n}",
                }
                | {"biz_date": DAY - dt.timedelta(days=ago), "_arrival_date": NIGHT - dt.timedelta(days=ago)}
                for n in range(canteens)
            ]
    return typed(rows, SILVER["delivery"])


@pytest.fixture(scope="module")
def results() -> pl.DataFrame:
    tables = {feed: silver(feed) for feed in SUITES} | {"delivery": deliveries()}

    def read(table: str, first: dt.date, last: dt.date) -> pl.LazyFrame:
        return tables[table].lazy().filter(pl.col("_arrival_date").is_between(first, last))

    return evaluate(read, NIGHT, NIGHT, site=None, progress=lambda _: None)


@pytest.mark.requirement("S0-136")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.feed}-{fault.name}")
def test_a_planted_fault_fails_its_check_for_its_provider_only(fault: Fault, results: pl.DataFrame) -> None:
    check = (pl.col("expectation") == fault.expectation) & (pl.col("column_name") == fault.column)
    scored = results.filter((pl.col("feed") == fault.feed) & check)
    by_provider = dict(scored.select("provider", "success").iter_rows())
    assert by_provider[fault.name] is False
    assert by_provider[CLEAN] is True


def test_plausible_data_fail_nothing(results: pl.DataFrame) -> None:
    assert results.filter((pl.col("provider") == CLEAN) & ~pl.col("success")).to_dicts() == []


def test_results_have_the_columns_of_the_silver_table(results: pl.DataFrame) -> None:
    assert dict(results.schema) == EXPECTATION_RESULT


def test_counts_and_examples_are_those_of_the_provider(results: pl.DataFrame) -> None:
    row = results.filter(
        (pl.col("provider") == "slipped_point") & (pl.col("column_name") == "unit_price")
    ).row(0, named=True)
    assert (row["checked"], row["unexpected"], row["observed"]) == (90, 5, "48000")


def test_a_check_without_values_has_no_result(results: pl.DataFrame) -> None:
    """Volume needs five earlier nights; without them nothing is shown green."""
    purchase = results.filter((pl.col("feed") == "purchase") & (pl.col("column_name") == "rows_vs_recent"))
    assert purchase.height == 0


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_a_suite_reads_columns_of_its_table_and_no_personal_one(suite: Any) -> None:
    personal = {"person_hash", "counterparty_account"}
    assert set(suite.reads) <= set(FEEDS[suite.feed].columns) - personal
    keys = [(check.kind, check.column) for check in (*suite.rows, *suite.profile)]
    assert len(keys) == len(set(keys))
    assert all(check_of(suite.feed, *key).label for key in keys)


def test_every_feed_has_a_suite() -> None:
    assert set(SUITES) == set(FEEDS)
