"""Accuracy ``redline``: the public form, the judgement against an oracle, whole cities against truth.

Belongs here: making the inputs, running the product on them, comparing. The oracle is plain Decimal
arithmetic on docs/explanation/red_line.md and shares nothing with the models.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from ingest import simulator
from pipelines import night, scoring
from pipelines.gold import build
from pipelines.measures.table import measure
from pipelines.querying import select
from warehouse import settings
from warehouse.settings import Settings

# Public form of a contracted canteen, Tongling 2025-11 (rules.md 1.3), month / year to date.
FORM: Final = {
    "income": ("218259.58", "701081.27"),
    "dishes": ("122081.52", "343907.39"),
    "rice_oil": ("21666", "63684"),
    "condiments": ("4887", "16518"),
    "other_materials": ("11240", "48246.50"),
    "utilities": ("3012", "9673.50"),
    "management": ("62179.50", "226016.11"),
    "finance": ("255.86", "491.16"),
    "result": ("-7062.30", "-7455.39"),
}
_FORM_DAY: Final = dt.date(2025, 11, 30)
_CASES: Final = 100_000
_STEPS: Final = (night.receive, night.silver, night.gold, night.publish)


def run(*, seed: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        seed: Seed of the generated cases and cities.
        progress: Told what is being done.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-accuracy-") as folder:
        root = Path(folder)
        progress("公开公示表")
        measures = form_measures(root / "form")
        progress(f"判定与独立核算比对：{_CASES} 例")
        measures.append(
            measure("redline", "oracle_wrong", oracle_wrong(root / "form" / "home", _CASES, seed), _CASES)
        )
        progress("模拟城市：全部故障")
        n, wrong = verdicts_wrong(root / "city", seed)
        measures.append(measure("redline", "verdicts_wrong", wrong, n))
        progress("模拟城市：无故障")
        n, share = clean_unknown_share(root / "clean", seed)
        measures.append(measure("redline", "clean_unknown_share", share, n))
    return measures


def form_measures(root: Path) -> list[dict[str, Any]]:
    """The public form through the whole chain, in percent to two decimals."""
    home = deliver_form(root)
    mart = select(
        home,
        "select definition, period_kind, cost_yuan, income_yuan from gold.mart_red_line where definition <> 'consumed' and cost_yuan is not null",
    )
    found: list[dict[str, Any]] = []
    for definition in ("form_without_other", "form_with_other"):
        for kind in ("month", "ytd"):
            row = mart.filter((pl.col("definition") == definition) & (pl.col("period_kind") == kind)).row(
                0, named=True
            )
            percent = (row["cost_yuan"] * 100 / row["income_yuan"]).quantize(Decimal("0.01"))
            found.append(measure("redline", f"{definition}_{kind}", float(percent), 1))
    order = [
        "form_without_other_month",
        "form_with_other_month",
        "form_without_other_ytd",
        "form_with_other_ytd",
    ]
    return sorted(found, key=lambda item: order.index(item["name"]))


def deliver_form(root: Path) -> Settings:
    """A landing folder with one canteen, its form and one served meal, taken in one night."""
    stamp = "2025-12-10 09:00:00"
    orgs = [
        ["430600", "", "city", "岳阳市", "430600", "", "", "0", "", "2025-01-01", "", stamp],
        ["430602", "430600", "county", "岳阳楼区", "430602", "", "", "0", "", "2025-01-01", "", stamp],
        [
            "S1",
            "430602",
            "school",
            "样例学校",
            "430602",
            "primary",
            "contracted",
            "0",
            "",
            "2025-01-01",
            "",
            stamp,
        ],
        [
            "C1",
            "S1",
            "canteen",
            "样例学校食堂",
            "430602",
            "primary",
            "contracted",
            "0",
            "300",
            "2025-01-01",
            "",
            stamp,
        ],
    ]
    header = "org_id,parent_id,org_kind,org_name,division_code,stage,operating_mode,subsidised,pupils,valid_from,valid_to,reported_at"
    _write(root, "city", "org.csv", header, orgs)
    _write(
        root,
        "city",
        "calendar.csv",
        "org_id,biz_date,is_open,term_id,reason,reported_at",
        [["430600", str(_FORM_DAY), "1", "2025-2026-1", "", stamp]],
    )
    lines = [
        [f"F-{code}", "C1", str(_FORM_DAY), "contracted", code, month, ytd, stamp]
        for code, (month, ytd) in FORM.items()
    ]
    _write(
        root,
        "yueyanglou",
        "form.csv",
        "record_no,canteen_id,biz_date,operating_mode,line_code,month_yuan,ytd_yuan,reported_at",
        lines,
    )
    meals = [["M1", "C1", str(_FORM_DAY), "lunch", "pupil", "P1", "card", "1", "10.00", "0", stamp]]
    header = "record_no,canteen_id,biz_date,meal,payer_kind,person_no,channel,portions,amount_yuan,subsidy_yuan,reported_at"
    _write(root, "yueyanglou", "meals.csv", header, meals)
    return take(root, dt.date(2025, 12, 10))


def _write(root: Path, provider: str, name: str, header: str, rows: list[list[str]]) -> None:
    folder = root / "landing" / provider / "2025-12-10"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([header, *(",".join(row) for row in rows)]) + "\n", "utf8")


def take(root: Path, last: dt.date) -> Settings:
    """Run one night over ``root/landing`` into ``root/home``, without scoring and orchestration."""
    home = settings.load(root / "home")
    work = night.Night(home, root / "landing", last, last)
    for step in _STEPS:
        step(work, lambda _: None)
    return home


def verdicts_wrong(root: Path, seed: int) -> tuple[int, int]:
    """Verdicts that differ from the truth of a city with every fault: (verdicts, wrong)."""
    end = dt.date(2026, 10, 31)
    simulator.simulate(root, 24, dt.date(2026, 9, 1), end, seed)
    found = scoring.score(take(root, end), root / "truth")["verdicts"]
    return found["n"], found["n"] - found["right"]


def clean_unknown_share(root: Path, seed: int) -> tuple[int, float]:
    """Share of unknown verdicts in a city without faults, at the last day and month ends.

    Periods without any open day have nothing to judge and are left out.
    """
    end = dt.date(2026, 10, 31)
    simulator.simulate(root, 60, dt.date(2026, 9, 1), end, seed, frozenset())
    home = take(root, end)
    verdicts = select(
        home,
        "select verdict from gold.mart_red_line where definition = 'consumed' and open_days > 0 "
        "and (period_kind = 'month' or period_end = (select max(biz_date) from gold.fct_canteen_day))",
    )["verdict"]
    return len(verdicts), round((verdicts == "unknown").mean() or 0.0, 4)


def oracle_wrong(folder: Path, cases: int, seed: int) -> int:
    """Generated cases in which the judgement differs from the oracle.

    Args:
        folder: Existing data home whose build folder serves as a workshop.
        cases: Number of cases.
        seed: Seed of the cases.
    """
    frame = pl.DataFrame(judge_cases(cases, seed), schema=_CASE_SCHEMA)
    expected = [oracle(row) for row in frame.iter_rows(named=True)]
    home = settings.load(folder)
    target = folder / "oracle" / "build.duckdb"
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(target)) as connection:
        connection.register("frame", frame.to_arrow())
        connection.execute("create or replace table cases as select * from frame")
    window = {"from_date": "2026-01-01", "to_date": "2026-12-31", "judge_relation": "cases"}
    pins = home.build.parent / "pins.json"
    manifest = build.run(
        home,
        ["compile", "--select", "judge_cases", "--vars", json.dumps(window)],
        build=target,
        pins=pins,
        target="night",
    )
    compiled = next(node.compiled_code for node in manifest.nodes.values() if node.name == "judge_cases")
    with duckdb.connect(str(target), read_only=True) as connection:
        judged = connection.execute(
            f"select verdict, unknown_reason, unknown_reasons from ({compiled}) order by case_no"
        ).fetchall()
    return sum(
        1 for got, want in zip(judged, expected, strict=True) if (got[0], got[1], got[2] or "") != want
    )


_CASE_SCHEMA: Final[dict[str, Any]] = {
    "case_no": pl.Int64,
    "definition": pl.String,
    "cost_yuan": pl.Decimal(18, 2),
    "income_yuan": pl.Decimal(18, 2),
    "threshold": pl.Decimal(18, 6),
    "yellow_band": pl.Decimal(18, 6),
    "has_form": pl.Boolean,
    "open_days": pl.Int64,
    "income_days": pl.Int64,
    "supplied_days": pl.Int64,
    "first_stocktake_date": pl.Date,
    "last_stocktake_date": pl.Date,
    "period_start": pl.Date,
    "period_end": pl.Date,
    "quarantined_rows": pl.Int64,
    "total_rows": pl.Int64,
    "income_coverage_min_pct": pl.Decimal(18, 6),
    "supply_coverage_min_pct": pl.Decimal(18, 6),
    "stocktake_max_age_days": pl.Decimal(18, 6),
    "quarantine_max_pct": pl.Decimal(18, 6),
    "flow_closed": pl.Boolean,
    "unexplained_yuan": pl.Decimal(18, 2),
    "flow_unexplained_pct": pl.Decimal(18, 6),
}


def judge_cases(count: int, seed: int) -> list[dict[str, Any]]:
    """Cases crowded around every boundary: ratios at the line and the band, limits, missing inputs."""
    rng = random.Random(seed)  # noqa: S311
    return [_case(rng, number) for number in range(count)]


def _case(rng: random.Random, number: int) -> dict[str, Any]:
    income = rng.choice(
        [
            None,
            Decimal(0),
            Decimal("-0.01"),
            Decimal("0.01"),
            *(Decimal(rng.randrange(1, 10**9)) / 100 for _ in range(16)),
        ]
    )
    threshold = rng.choice([None, *[Decimal(t) for t in (65, 70, 72, 75) for _ in range(5)], Decimal("74.5")])
    aim = (threshold or Decimal(70)) + rng.choice(
        [
            Decimal(0),
            Decimal(2),
            Decimal("-0.005"),
            Decimal("-0.01"),
            Decimal("0.01"),
            Decimal(rng.randrange(-4000, 4000)) / 100,
        ]
    )
    cost = ((income or Decimal(100)) * aim / 100).quantize(Decimal("0.01")) + Decimal(
        rng.randrange(-1, 2)
    ) / 100
    start = dt.date(2026, rng.randrange(1, 13), 1)
    end = start + dt.timedelta(days=rng.randrange(0, 120))
    days = rng.choice([0, 1, 21, 22, 49, 50, 100, rng.randrange(0, 250)])
    short = rng.choice([0, 0, 0, 0, 1, 2, days // 50, days])
    total = rng.choice([0, 50, 100, 1000, rng.randrange(0, 5000)])
    limits = [None, None] if rng.random() < 0.03 else [Decimal(98), Decimal(35)]
    return {
        "case_no": number,
        "definition": rng.choice(
            ["consumed", "consumed", "consumed", "form_without_other", "form_with_other"]
        ),
        "cost_yuan": rng.choice([cost, cost, cost, cost, Decimal("-5.00"), Decimal(0)]),
        "income_yuan": income,
        "threshold": threshold,
        "yellow_band": Decimal(2),
        "has_form": rng.random() < 0.9,
        "open_days": days,
        "income_days": max(days - short, 0),
        "supplied_days": max(days - rng.choice([0, 0, 0, 1, days // 50]), 0),
        "first_stocktake_date": rng.choice([None, start, *[start - dt.timedelta(days=1)] * 8]),
        "last_stocktake_date": end - dt.timedelta(days=rng.choice([0, 1, 34, 35, 35, 36, 60])),
        "period_start": start,
        "period_end": end,
        "quarantined_rows": rng.choice([0, 0, 0, total // 50, total // 50 + 1]),
        "total_rows": total,
        "income_coverage_min_pct": limits[0],
        "supply_coverage_min_pct": Decimal(98),
        "stocktake_max_age_days": limits[1],
        "quarantine_max_pct": Decimal(2),
        "flow_closed": rng.random() < 0.5,
        "unexplained_yuan": rng.choice([None, Decimal(0), *_near_limit(income)]),
        "flow_unexplained_pct": None if rng.random() < 0.03 else Decimal(2),
    }


def _near_limit(income: Decimal | None) -> list[Decimal]:
    """Unexplained differences of 2 % of the income, to the cent, and one cent to both sides."""
    limit = (max(income or Decimal(0), Decimal(0)) * 2 / 100).quantize(Decimal("0.01"))
    return [max(limit + Decimal(cents) / 100, Decimal(0)) for cents in (-1, 0, 0, 1)]


def oracle(case: dict[str, Any]) -> tuple[str, str | None, str]:
    """Verdict, first reason and all reasons of a case, by the definition's text."""
    reasons = []
    income, consumed = case["income_yuan"], case["definition"] == "consumed"
    if income is None or income <= 0:
        reasons.append("no_income")
    needed = ["threshold", "yellow_band"]
    if consumed:
        needed += [
            "income_coverage_min_pct",
            "supply_coverage_min_pct",
            "stocktake_max_age_days",
            "quarantine_max_pct",
        ]
    if case["flow_closed"]:
        needed += ["flow_unexplained_pct"]
    if any(case[name] is None for name in needed):
        reasons.append("threshold_missing")
    if not consumed and not case["has_form"]:
        reasons.append("form_missing")
    if consumed:
        reasons += _consumed_reasons(case)
    if case["flow_closed"] and _unexplained(case):
        reasons.append("flows_not_reconciled")
    if reasons:
        return "unknown", reasons[0], ",".join(reasons)
    hundredfold = case["cost_yuan"] * 100
    if hundredfold < income * case["threshold"]:
        return "red", None, ""
    if hundredfold < income * (case["threshold"] + case["yellow_band"]):
        return "yellow", None, ""
    return "green", None, ""


def _unexplained(case: dict[str, Any]) -> bool:
    open_yuan, percent = case["unexplained_yuan"], case["flow_unexplained_pct"]
    if open_yuan is None or percent is None:
        return False
    return bool(open_yuan * 100 > max(case["income_yuan"] or Decimal(0), Decimal(0)) * percent)


def _consumed_reasons(case: dict[str, Any]) -> list[str]:
    reasons = []
    coverage, age = case["income_coverage_min_pct"], case["stocktake_max_age_days"]
    if coverage is not None and case["income_days"] * 100 < case["open_days"] * coverage:
        reasons.append("income_incomplete")
    if case["supplied_days"] * 100 < case["open_days"] * case["supply_coverage_min_pct"]:
        reasons.append("inputs_missing")
    first = case["first_stocktake_date"]
    if first is None or first > case["period_start"] - dt.timedelta(days=1):
        reasons.append("opening_stock_missing")
    if age is not None and (case["period_end"] - case["last_stocktake_date"]).days > age:
        reasons.append("stocktake_stale")
    if case["quarantined_rows"] * 100 > case["total_rows"] * case["quarantine_max_pct"]:
        reasons.append("quarantine_high")
    return reasons
