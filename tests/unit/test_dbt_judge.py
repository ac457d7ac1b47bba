"""The judgement alone: 100,000 generated cases against a plain Decimal reckoning, and the boundaries."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import duckdb
import lake
import polars as pl
import pytest
from red_line_oracle import judge

MONEY, PERCENT = pl.Decimal(18, 2), pl.Decimal(18, 6)
END = dt.date(2026, 6, 30)
SCHEMA: dict[str, Any] = {
    "definition": pl.String(),
    "cost_yuan": MONEY,
    "income_yuan": MONEY,
    "threshold": PERCENT,
    "yellow_band": PERCENT,
    "has_form": pl.Boolean(),
    "open_days": pl.Int64(),
    "income_days": pl.Int64(),
    "supplied_days": pl.Int64(),
    "first_stocktake_date": pl.Date(),
    "last_stocktake_date": pl.Date(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "quarantined_rows": pl.Int64(),
    "total_rows": pl.Int64(),
    "income_coverage_min_pct": PERCENT,
    "supply_coverage_min_pct": PERCENT,
    "stocktake_max_age_days": PERCENT,
    "quarantine_max_pct": PERCENT,
    "flow_closed": pl.Boolean(),
    "unexplained_yuan": MONEY,
    "flow_unexplained_pct": PERCENT,
}
SOUND: dict[str, Any] = {
    "definition": "consumed",
    "cost_yuan": Decimal("800.00"),
    "income_yuan": Decimal("1000.00"),
    "threshold": Decimal(75),
    "yellow_band": Decimal(2),
    "has_form": True,
    "open_days": 20,
    "income_days": 20,
    "supplied_days": 20,
    "first_stocktake_date": dt.date(2026, 1, 1),
    "last_stocktake_date": END,
    "period_start": dt.date(2026, 6, 1),
    "period_end": END,
    "quarantined_rows": 0,
    "total_rows": 100,
    "income_coverage_min_pct": Decimal(98),
    "supply_coverage_min_pct": Decimal(98),
    "stocktake_max_age_days": Decimal(35),
    "quarantine_max_pct": Decimal(2),
    "flow_closed": True,
    "unexplained_yuan": Decimal("0.00"),
    "flow_unexplained_pct": Decimal(2),
}


@pytest.fixture(scope="module")
def sql(tmp_path_factory: pytest.TempPathFactory) -> str:
    return lake.judge_sql(tmp_path_factory.mktemp("judge"), "cases")


def judged(sql: str, rows: list[dict[str, Any]]) -> list[tuple[str, str | None, str]]:
    cases = pl.DataFrame(rows, schema=SCHEMA).with_row_index("n")
    with duckdb.connect() as connection:
        connection.register("cases", cases.to_arrow())
        return connection.sql(
            f"select verdict, unknown_reason, unknown_reasons from ({sql}) order by n"
        ).fetchall()


@pytest.mark.requirement("S0-20")
@pytest.mark.parametrize(
    ("threshold", "cost", "verdict"),
    [
        (70, "69990.00", "red"),
        (70, "70000.00", "yellow"),
        (70, "70010.00", "yellow"),
        (75, "74990.00", "red"),
        (75, "74995.00", "red"),
        (75, "75000.00", "yellow"),
        (75, "75010.00", "yellow"),
        (75, "76999.99", "yellow"),
        (75, "77000.00", "green"),
    ],
)
def test_boundaries_are_judged_without_rounding(sql: str, threshold: int, cost: str, verdict: str) -> None:
    row = SOUND | {
        "income_yuan": Decimal(100_000),
        "cost_yuan": Decimal(cost),
        "threshold": Decimal(threshold),
    }
    assert judged(sql, [row]) == [(verdict, None, "")]


def test_100_000_cases_equal_the_decimal_reckoning(sql: str) -> None:
    dice = random.Random(20260901)
    rows = [_case(dice) for _ in range(100_000)]
    expected = []
    for row in rows:
        reasons = _reasons(row)
        verdict = judge(
            row["cost_yuan"] or Decimal(0),
            row["income_yuan"] or Decimal(0),
            row["threshold"] or Decimal(0),
            row["yellow_band"] or Decimal(0),
            reasons,
        )
        expected.append((verdict, reasons[0] if reasons else None, ",".join(reasons)))
    assert judged(sql, rows) == expected
    seen = Counter(verdict for verdict, _, _ in expected)
    assert min(seen[verdict] for verdict in ("red", "yellow", "green", "unknown")) > 1000
    first = Counter(reason for _, reason, _ in expected if reason)
    assert set(first) >= {
        "no_income",
        "threshold_missing",
        "income_incomplete",
        "inputs_missing",
        "opening_stock_missing",
        "stocktake_stale",
        "quarantine_high",
        "flows_not_reconciled",
    }
    assert any("form_missing" in reasons for _, _, reasons in expected)


def _case(dice: random.Random) -> dict[str, Any]:
    rare = lambda: dice.random() < 0.03  # noqa: E731
    row = dict(SOUND)
    row["definition"] = dice.choice(["consumed", "consumed", "form_without_other", "form_with_other"])
    income = Decimal(dice.randrange(1, 10 ** dice.randrange(2, 11))) / 100
    row["threshold"] = None if rare() else dice.choice([Decimal(70), Decimal(75), Decimal("72.5")])
    near = (row["threshold"] or Decimal(75)) + dice.choice([0, 0, 2, dice.randrange(-9, 9)])
    edge = (income * near / 100).quantize(Decimal("0.01"))
    row["cost_yuan"] = edge + Decimal(dice.choice([-1, 0, 0, 1, dice.randrange(-500, 500)])) / 100
    row["income_yuan"] = dice.choice([Decimal(0), -income, None]) if rare() else income
    if row["definition"] != "consumed" and rare():
        row |= {"has_form": False, "cost_yuan": None, "income_yuan": None}
    row["yellow_band"] = None if rare() else Decimal(2)
    row["open_days"] = dice.choice([0, 1, 49, 50, 51, 100])
    for part in ("income_days", "supplied_days"):
        row[part] = max(0, row["open_days"] - dice.choice([0, 0, 0, 0, 1, 1, 2]))
    row["first_stocktake_date"] = dice.choice(
        [dt.date(2026, 1, 1)] * 9 + [None, dt.date(2026, 5, 31), dt.date(2026, 6, 1)]
    )
    row["last_stocktake_date"] = (
        None if row["first_stocktake_date"] is None else END - dt.timedelta(dice.choice([0, 1, 34, 35, 36]))
    )
    row["total_rows"] = dice.choice([0, 50, 100, 1000])
    row["quarantined_rows"] = min(row["total_rows"], dice.choice([0, 0, 0, 1, 2, 3, 20, 21]))
    limit = (max(income, Decimal(0)) * 2 / 100).quantize(Decimal("0.01"))
    row["flow_closed"] = dice.random() < 0.5
    row["unexplained_yuan"] = dice.choice([None, Decimal(0), limit, limit, limit + Decimal("0.01"), income])
    row["flow_unexplained_pct"] = None if rare() else Decimal(2)
    return row


def _reasons(row: dict[str, Any]) -> list[str]:
    consumed = row["definition"] == "consumed"
    last = row["last_stocktake_date"]
    first = row["first_stocktake_date"]
    tests = {
        "no_income": row["income_yuan"] is None or row["income_yuan"] <= 0,
        "threshold_missing": row["threshold"] is None
        or row["yellow_band"] is None
        or (row["flow_closed"] and row["flow_unexplained_pct"] is None),
        "form_missing": not consumed and not row["has_form"],
        "income_incomplete": consumed and row["income_days"] * 100 < row["open_days"] * 98,
        "inputs_missing": consumed and row["supplied_days"] * 100 < row["open_days"] * 98,
        "opening_stock_missing": consumed and (first is None or first >= row["period_start"]),
        "stocktake_stale": consumed and last is not None and (row["period_end"] - last).days > 35,
        "quarantine_high": consumed and row["quarantined_rows"] * 100 > row["total_rows"] * 2,
        "flows_not_reconciled": row["flow_closed"]
        and None not in (row["unexplained_yuan"], row["flow_unexplained_pct"])
        and row["unexplained_yuan"] * 100 > max(row["income_yuan"] or Decimal(0), Decimal(0)) * 2,
    }
    return [reason for reason, holds in tests.items() if holds]
