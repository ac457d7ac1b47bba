"""Rows of the mission about the verdict: golden canteens, dated rules, drill, teachers apart.

All on the hand-written city of ``pack_city``, as published after its last night.
"""

import csv
import datetime as dt
from decimal import Decimal

import duckdb
import pack_city
import polars as pl
import pytest
from pack_city import AS_OF, GOLDEN, OPEN, City

from pipelines import analyst, hashing
from warehouse.settings import ROOT

MONTH_TO_DATE = "definition = 'consumed' and period_kind = 'month_to_date'"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return pack_city.three_nights(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def provincial_rule(made: City, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """What an analyst sees who adds one provincial row, 80 % for a school's own canteens from 7 September."""
    seed = ROOT / "dbt_project" / "seeds" / "ref_threshold.csv"
    with seed.open(encoding="utf8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["threshold_id"] == "RL-SELF")
    row |= {"threshold_id": "HN", "province": "430000", "value": "80", "valid_from": "2026-09-07"}
    path = tmp_path_factory.mktemp("rule") / "thresholds.csv"
    with path.open("w", encoding="utf8", newline="") as file:
        csv.DictWriter(file, list(row)).writeheader()
        csv.DictWriter(file, list(row)).writerow(row)
    before = hashing.content(made.home)["hash"]
    changed = analyst.whatif(made.home, path, user="li")
    with duckdb.connect(str(made.home.home / "analyst" / "li" / "build.duckdb"), read_only=True) as own:
        verdicts = own.execute("from li_gold.mart_red_line").pl()
    assert hashing.content(made.home)["hash"] == before
    return {"changed": changed, "verdicts": verdicts}


@pytest.mark.requirement("S0-20")
@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [
        ("7499", "red"),
        ("7500", "yellow"),
        ("7501", "yellow"),
        ("6999", "red"),
        ("7000", "yellow"),
        ("7001", "yellow"),
    ],
)
def test_files_of_a_golden_canteen_give_its_colour(made: City, ratio: str, verdict: str) -> None:
    ((cost, income, threshold, found),) = made.rows(
        "select cost_yuan, income_yuan, threshold, verdict from gold.mart_red_line "
        f"where canteen_id = 'G{ratio}' and {MONTH_TO_DATE} and period_end = '{AS_OF}'"
    )
    assert cost * 10_000 == income * Decimal(ratio)
    assert (threshold, found) == (75 if GOLDEN[ratio] == "self" else 70, verdict)


@pytest.mark.requirement("S0-20", "S1-53")
def test_every_part_of_the_ratio_is_shown_and_adds_up(made: City) -> None:
    """A1: 400 opening + 3760 bought - 20 returned - 540 closing, over 4700 eaten - 40 refunded."""
    parts = made.rows(
        "select opening_stock_yuan, purchases_yuan, returns_yuan, closing_stock_yuan, cost_yuan, "
        "consumption_yuan, subsidy_yuan, refund_yuan, income_yuan, round(ratio, 4) from gold.mart_red_line "
        f"where canteen_id = 'A1' and {MONTH_TO_DATE} and period_end = '{AS_OF}'"
    )
    expected = ["400", "3760", "20", "540", "3600", "4700", "0", "40", "4660"]
    assert [list(map(Decimal, expected)), 0.7725] == [list(parts[0][:-1]), parts[0][-1]]


@pytest.mark.requirement("S0-04")
def test_a_provincial_rule_overrides_the_national_one_in_its_scope(
    provincial_rule: dict[str, pl.DataFrame],
) -> None:
    latest = provincial_rule["verdicts"].filter(
        (pl.col("period_end") == AS_OF)
        & (pl.col("period_kind") == "month_to_date")
        & (pl.col("definition") == "consumed")
    )
    rule = dict(latest.select("canteen_id", "threshold_id").iter_rows())
    assert (rule["A1"], rule["P1"], rule["B2"]) == ("HN", "HN", "RL-CONTRACTED")
    changed = provincial_rule["changed"].filter(pl.col("period_kind") == "month_to_date")
    assert set(changed["canteen_id"]) == {"A1", "G7500", "G7501", "P1"}
    (a1,) = changed.filter(pl.col("canteen_id") == "A1").iter_rows(named=True)
    assert (a1["verdict_before"], a1["verdict_after"]) == ("green", "red")


@pytest.mark.requirement("S0-144")
def test_a_rule_that_changes_on_a_day_changes_verdicts_from_that_day_only(
    made: City, provincial_rule: dict[str, pl.DataFrame]
) -> None:
    after = provincial_rule["verdicts"].filter(pl.col("definition") == "consumed")
    before = made.after[-1]["verdicts"].filter(pl.col("definition") == "consumed")
    key = ["canteen_id", "period_kind", "period_end"]
    pairs = before.join(after, on=key, suffix="_after")
    assert pairs.height == before.height
    moved = pairs.filter(pl.col("threshold") != pl.col("threshold_after"))
    assert moved["period_end"].min() == dt.date(2026, 9, 7)


@pytest.mark.requirement("S0-144")
def test_a_canteen_is_judged_by_what_it_was_registered_as_on_the_day(made: City) -> None:
    """B1 is contracted up to 6 September and the school's own from the 7th."""
    judged = made.rows(
        f"select period_end, threshold from gold.mart_red_line where canteen_id = 'B1' and {MONTH_TO_DATE}"
    )
    assert {day: int(limit) for day, limit in judged} == {
        dt.date(2026, 9, day): 70 if day < 7 else 75 for day in range(1, 9)
    }


@pytest.mark.requirement("S0-59")
def test_no_row_mixes_holders_and_teachers_stay_out_of_the_ratio(made: City) -> None:
    for table, column in (("purchase", "account_kind"), ("consumption", "payer_kind")):
        kinds = made.rows(f"select distinct {column} from silver.{table} order by 1")
        assert kinds == [("pupil",), ("teacher",)]
    teachers = made.rows(
        "select sum(teacher_cost_yuan), sum(teacher_income_yuan) from gold.fct_canteen_day "
        "where canteen_id = 'A1'"
    )
    assert teachers == [(Decimal(300), Decimal(200))]
    assert made.one(
        "select sum(value_yuan) + sum(in_yuan) from gold.fct_stock_ledger where account_kind = 'teacher'"
    ) == Decimal(300)
    assert made.one("select sum(cost_yuan) from gold.fct_canteen_day where canteen_id = 'A1'") == 3600


@pytest.mark.requirement("S0-19")
def test_children_add_up_to_their_parent_from_record_to_city(made: City) -> None:
    at = f"from cockpit.red_line where {MONTH_TO_DATE} and period_end = '{AS_OF}'"
    city = made.rows(f"select sum(cost_yuan), sum(income_yuan) {at}")[0]
    for level in ("county_code", "school_id", "canteen_id"):
        groups = made.rows(f"select {level}, sum(cost_yuan), sum(income_yuan) {at} group by 1")
        assert len(groups) == {"county_code": 3, "school_id": 5, "canteen_id": 11}[level]
        assert (sum(row[1] for row in groups), sum(row[2] for row in groups)) == city
    days = made.rows("select sum(cost_yuan), sum(income_yuan) from gold.fct_canteen_day")[0]
    eaten = made.one(
        "select sum(amount_yuan + subsidy_yuan) from silver.consumption where payer_kind = 'pupil'"
    )
    back = made.one("select sum(amount_yuan) from silver.refund where payer_kind = 'pupil'")
    assert days == city
    assert eaten - back == city[1]


@pytest.mark.requirement("S0-14")
def test_a_view_filtered_by_mode_and_stage_equals_the_registry(made: City) -> None:
    shown = made.rows(
        "select count(*), sum(cost_yuan), sum(income_yuan) from cockpit.red_line "
        "where operating_mode = 'contracted' and stage = 'junior' "
        f"and {MONTH_TO_DATE} and period_end = '{AS_OF}'"
    )
    counted = made.rows(
        "select count(distinct d.canteen_id), sum(d.cost_yuan), sum(d.income_yuan) "
        "from gold.fct_canteen_day as d where d.canteen_id in (select org_id from silver.org "
        "where stage = 'junior' and operating_mode = 'contracted' and org_id not in "
        "(select org_id from silver.org where operating_mode = 'self'))"
    )
    assert shown == counted == [(1, Decimal(4320), Decimal(6000))]


@pytest.mark.requirement("S0-10")
def test_each_canteen_month_has_its_figures_of_completeness_timeliness_and_compliance(made: City) -> None:
    rows = made.rows(
        "select canteen_id, income_days, supplied_days, open_days, period_end - last_stocktake_date, "
        f"quarantined_rows, verdict from gold.mart_red_line where {MONTH_TO_DATE} and period_end = '{AS_OF}'"
    )
    figures = {row[0]: row[1:] for row in rows}
    assert len(figures) == len(rows) == 11
    assert figures["A1"] == (6, 6, 6, 8, 0, "green")
    assert figures["A2"] == (6, 6, 6, 1, 6, "unknown")


@pytest.mark.requirement("S4-04", "S4-11")
def test_counts_of_the_base_register_reconcile(made: City) -> None:
    current = f"from gold.dim_canteen where '{AS_OF}' between valid_from and valid_to"
    registered = made.one("select count(distinct org_id) from silver.org where org_kind = 'canteen'")
    for kind in ("county_code", "stage", "operating_mode"):
        assert sum(row[1] for row in made.rows(f"select {kind}, count(*) {current} group by 1")) == registered
    stages = dict(made.rows(f"select stage, count(*) {current} group by 1"))
    assert stages == {"kindergarten": 1, "primary": 2, "junior": 2, "senior": 6}
    assert made.one(f"select sum(pupils) {current}") == 100 * registered


@pytest.mark.requirement("S1-42")
def test_all_canteens_together_are_the_citys_virtual_warehouse(made: City) -> None:
    shelf = made.rows(
        "select ingredient_id, sum(closing_kg), sum(value_yuan) from cockpit.stock "
        "where account_kind = 'pupil' and category <> 'non_food' group by 1 order by 1"
    )
    stock = {item: (kg, yuan) for item, kg, yuan in shelf}
    # 135 kg of A1 at 4.00, 60 of A2, 10 at 5.00 in each of the eight others that keep rice.
    assert stock["rice"] == (Decimal(275), Decimal(1180))
    assert sum(yuan for _, yuan in stock.values()) == made.one(
        f"select sum(stock_value_yuan) from gold.fct_canteen_day where biz_date = '{AS_OF}'"
    )


@pytest.mark.requirement("S0-20")
def test_closed_days_neither_count_nor_break_a_period(made: City) -> None:
    open_days = dict(made.rows("select biz_date, max(open_day) from gold.fct_canteen_day group by 1"))
    assert {day for day, is_open in open_days.items() if is_open} == set(OPEN)
    assert not set(pack_city.CLOSED) & {
        row[0] for row in made.rows("select biz_date from gold.mart_delivery_gap")
    }
