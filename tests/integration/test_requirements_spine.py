"""Rows of the mission that the spine answers, shown on one simulated city with every fault."""

import datetime as dt
from decimal import Decimal
from pathlib import Path

import city
import polars as pl
import pytest

from ingest.receipts import RECEIPT
from pipelines import scoring
from pipelines.querying import select
from warehouse import delta, vocabulary
from warehouse.settings import Settings
from warehouse.tables import DELIVERY, FEEDS


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    root = tmp_path_factory.mktemp("mission")
    return city.run(root / "home", city.simulate(root / "city", canteens=12), city.END)


def test_every_rule_row_names_its_source_and_confidence(home: Settings) -> None:
    rules = select(home, "select source, confidence, valid_from from gold.ref_threshold")
    assert rules.height > 0
    assert rules.null_count().sum_horizontal().item() == 0
    assert set(rules["confidence"]) <= {"S", "A", "B", "C", "D"}


@pytest.mark.requirement("S4-04")
def test_every_registered_canteen_has_its_school_and_county(home: Settings) -> None:
    registered = select(home, "select org_id from silver.org where org_kind = 'canteen'")
    known = select(home, "select canteen_id, school_id, county_code, county_name from gold.dim_canteen")
    assert set(known["canteen_id"]) == set(registered["org_id"])
    assert known.null_count().sum_horizontal().item() == 0
    per_county = known.group_by("county_code").len()["len"].sum()
    assert per_county == known.height


@pytest.mark.requirement("S0-07")
def test_two_platforms_with_different_schemas_land_in_the_same_tables(home: Settings) -> None:
    for table in ("purchase", "stock_move", "stocktake"):
        providers = set(select(home, f"select distinct _provider from silver.{table}")["_provider"])
        assert "pingjiang" in providers
        assert len(providers) > 1
    judged = select(
        home,
        "select count(*) from gold.mart_red_line m join gold.dim_canteen c on m.canteen_id = c.canteen_id where c.county_code = '430626' and m.cost_yuan > 0",
    )
    assert judged.item() > 0


@pytest.mark.requirement("S0-14", "S0-19")
def test_a_filtered_view_adds_up_to_the_rows_below_it(home: Settings) -> None:
    whole = select(
        home, "select sum(cost_yuan) as cost, sum(income_yuan) as income from gold.fct_canteen_day"
    ).row(0)
    parts = select(
        home,
        "select c.county_code, c.stage, c.operating_mode, sum(d.cost_yuan) as cost, sum(d.income_yuan) as income "
        "from gold.fct_canteen_day d join gold.dim_canteen c on d.canteen_id = c.canteen_id "
        "and d.biz_date between c.valid_from and c.valid_to group by all",
    )
    assert (parts["cost"].sum(), parts["income"].sum()) == whole


@pytest.mark.requirement("S0-59")
def test_teachers_money_and_food_stay_out_of_the_pupils_ratio(home: Settings) -> None:
    pupils = select(
        home, "select sum(amount_yuan + subsidy_yuan) from silver.consumption where payer_kind = 'pupil'"
    ).item()
    back = select(
        home, "select sum(amount_yuan) from silver.refund where payer_kind = 'pupil' and refund_kind = 'meal'"
    ).item()
    days = select(
        home,
        "select sum(income_yuan) as income, sum(teacher_income_yuan) as teachers from gold.fct_canteen_day",
    ).row(0)
    assert days[0] == pupils - (back or 0)
    assert days[1] > 0


@pytest.mark.requirement("S0-60")
def test_a_file_that_misses_its_control_total_is_refused_and_a_late_one_fills_in(home: Settings) -> None:
    receipts = delta.read(home.table("bronze.receipt"), RECEIPT)
    refused = receipts.filter(pl.col("refusal_code") == "truncated")
    assert refused.height > 0
    delivery = delta.read(home.table("silver.delivery"), DELIVERY)
    assert delivery.filter(pl.col("_file").is_in(refused["file_id"].drop_nulls().to_list())).height == 0
    late = delivery.filter(
        (pl.col("_arrival_date") > pl.col("biz_date"))
        & (pl.col("state") == "current")
        & (pl.col("feed") == "purchase")
    )
    assert late.height > 0


@pytest.mark.requirement("S0-64")
def test_no_float_holds_money_or_quantity(home: Settings) -> None:
    exact = [
        dtype
        for feed in FEEDS.values()
        for name, dtype in feed.business_columns.items()
        if name.endswith(("_yuan", "_qty")) or name in ("qty", "unit_price")
    ]
    assert len(exact) > 10
    assert all(isinstance(dtype, pl.Decimal) for dtype in exact)
    gold = select(
        home,
        "select data_type from duckdb_columns() where schema_name = 'gold' and (column_name like '%yuan' or column_name like '%kg')",
    )
    assert gold.height > 10
    assert gold["data_type"].str.starts_with("DECIMAL").all()


@pytest.mark.requirement("S0-124", "S0-126")
def test_from_nothing_to_published_with_every_row_accounted_for(home: Settings) -> None:
    receipts = delta.read(home.table("bronze.receipt"), RECEIPT)
    delivery = delta.read(home.table("silver.delivery"), DELIVERY)
    assert home.serving.exists()
    assert delivery["rows_quarantined"].sum() > 0
    assert scoring.conserved(receipts, delivery)
    lost = delivery.with_columns(rows_accepted=pl.col("rows_accepted") - 1)
    assert not scoring.conserved(receipts, lost)


@pytest.mark.requirement("S0-127")
def test_weights_in_jin_become_kilograms(home: Settings) -> None:
    assert (vocabulary.UNIT_FACTORS["斤"], vocabulary.UNIT_FACTORS["两"]) == (Decimal("0.5"), Decimal("0.05"))
    jin = select(
        home,
        "select canteen_id, biz_date, account_kind, ingredient_id, sum(accepted_qty) as jin from silver.purchase where unit = '斤' and accepted_on is not null group by all",
    )
    whole = select(
        home,
        "select canteen_id, biz_date, account_kind, ingredient_id, count(distinct unit) as units from silver.purchase group by all",
    ).filter(pl.col("units") == 1)
    ledger = select(
        home, "select canteen_id, biz_date, account_kind, ingredient_id, in_kg from gold.fct_stock_ledger"
    )
    keys = ["canteen_id", "biz_date", "account_kind", "ingredient_id"]
    pairs = jin.join(whole, on=keys).join(ledger, on=keys)
    assert pairs.height > 0
    assert ((pairs["jin"] * Decimal("0.5") - pairs["in_kg"]).abs() <= Decimal("0.001")).all()


@pytest.mark.requirement("S1-19")
def test_rejected_goods_enter_neither_stock_nor_cost(home: Settings) -> None:
    rejected = select(home, "select sum(rejected_qty) from silver.purchase").item()
    bought = select(home, "select sum(amount_yuan) from silver.purchase where accepted_on is not null").item()
    booked = select(home, "select sum(in_yuan) from gold.fct_stock_ledger").item()
    assert rejected > 0
    assert booked == bought


def test_only_weights_that_can_be_read_enter(home: Settings) -> None:
    negative = select(home, "select count(*) from silver.stock_move where qty < 0").item()
    waiting = select(home, "select rules from silver.quarantine where state = 'open'")
    assert negative == 0
    assert waiting.height > 0


def test_every_open_day_counts_towards_coverage(home: Settings) -> None:
    mart = select(
        home,
        "select open_days, income_days, supplied_days, verdict, unknown_reasons from gold.mart_red_line where definition = 'consumed'",
    )
    assert (mart["income_days"] <= mart["open_days"]).all()
    gaps = mart.filter(pl.col("income_days") * 100 < pl.col("open_days") * 98)
    assert gaps.height > 0
    assert set(gaps["verdict"]) == {"unknown"}


@pytest.mark.requirement("S4-63")
def test_the_repository_holds_no_telephone_number() -> None:
    root = Path(__file__).resolve().parents[2]
    pattern = r"(?:^|[^0-9A-Za-z])1[3-9]\d{9}(?:[^0-9A-Za-z]|$)"
    found = [
        str(path.relative_to(root))
        for folder in ("warehouse", "ingest", "pipelines", "dbt_project", "expectations", "docs")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".yml", ".yaml", ".csv", ".md"}
        and "target" not in path.parts
        and pl.Series(path.read_text("utf8").splitlines(), dtype=pl.String).str.contains(pattern).any()
    ]
    assert found == []


def test_advance_payments_are_no_income_until_eaten(home: Settings) -> None:
    paid = select(home, "select sum(amount_yuan) from silver.meal_fee").item()
    with_fees = select(home, "select sum(income_yuan) from gold.fct_canteen_day").item()
    eaten = select(
        home, "select sum(amount_yuan + subsidy_yuan) from silver.consumption where payer_kind = 'pupil'"
    ).item()
    assert paid > 0
    assert with_fees <= eaten


def test_the_as_of_day_is_the_last_day_with_meals(home: Settings) -> None:
    as_of = select(home, "select as_of from cockpit.snapshot").item()
    assert as_of == select(home, "select max(biz_date) from silver.consumption").item()
    assert as_of <= city.END < as_of + dt.timedelta(days=5)
