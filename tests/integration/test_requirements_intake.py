"""Rows of the mission about what comes in: two platforms, cut and late files, doubles, errors in words.

All on the hand-written city of ``pack_city``: some tests compare what was seen after two of its nights.
"""

from decimal import Decimal

import pack_city
import polars as pl
import pytest
from pack_city import OPEN, PERSON, PHONE, City

from ingest.receipts import RECEIPT
from pipelines import accounting, hashing, stewardship
from warehouse import delta, manifest
from warehouse.tables import SILVER


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return pack_city.three_nights(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def receipts(made: City) -> pl.DataFrame:
    return delta.read(made.home.table("bronze.receipt"), RECEIPT)


def income(made: City, night: int, canteen: str, day: int) -> Decimal:
    days = made.after[night]["days"]
    return days.filter((pl.col("canteen_id") == canteen) & (pl.col("biz_date") == OPEN[day]))["income_yuan"][
        0
    ]


@pytest.mark.requirement("S0-07", "S0-138", "S4-66")
def test_platforms_of_three_makes_land_in_the_same_tables_and_are_judged_alike(
    made: City, receipts: pl.DataFrame
) -> None:
    makes = receipts.filter(pl.col("provider").is_in(["yueyanglou", "yunxi", "pingjiang"]))
    layouts = makes.group_by("provider").agg(pl.col("layout").str.split(".").list.first().unique())
    assert {row[0]: row[1] for row in layouts.iter_rows()}["pingjiang"] == ["supervisor"]
    assert "gb18030" in set(receipts.filter(pl.col("provider") == "yunxi")["encoding"])
    for table in ("purchase", "stock_move", "stocktake"):
        assert {row[0] for row in made.rows(f"select distinct _provider from silver.{table}")} == {
            "yueyanglou",
            "yunxi",
            "pingjiang",
        }
    colours = made.rows(
        "select c.county_code, m.verdict from gold.mart_red_line as m join gold.dim_canteen as c "
        "using (canteen_id) where m.canteen_id in ('A1', 'B2', 'P1') and m.period_kind = 'month_to_date' "
        f"and m.period_end = '{pack_city.AS_OF}' order by 1"
    )
    assert colours == [("430602", "green"), ("430603", "green"), ("430626", "green")]


@pytest.mark.requirement("S0-124")
def test_a_night_from_nothing_runs_every_asset_to_a_publication(made: City) -> None:
    assert list(made.first_night["steps"]) == ["receipts", "silver", "quality", "gold", "published"]
    assert made.first_night["steps"]["quality"] == {"failed": 0}
    assert made.first_night["steps"]["published"]["number"] == 1
    assert manifest.numbers(made.home) == [1, 2, 3]


@pytest.mark.requirement("S1-50")
def test_a_night_needs_no_network(made: City) -> None:
    if not made.cut_off:
        pytest.skip("this machine gives no network namespace (unshare -rn): run where it does")
    assert made.first_night["changed"] is True


@pytest.mark.requirement("S0-60")
def test_a_file_short_of_its_control_total_counts_nothing_until_it_comes_whole(
    made: City, receipts: pl.DataFrame
) -> None:
    refunds = receipts.filter(pl.col("path").str.contains("yueyanglou.*refund"))
    assert refunds.sort("arrival_date")["status"].to_list() == ["refused", "received"]
    assert refunds["refusal_code"].drop_nulls().to_list() == ["truncated"]
    assert made.after[1]["refund"].filter(pl.col("provider") == "yueyanglou").height == 0
    assert (income(made, 1, "A1", 2), income(made, 2, "A1", 2)) == (800, 760)


@pytest.mark.requirement("S0-60", "S2-26")
def test_a_late_day_is_filled_in_once_however_often_it_comes(made: City, receipts: pl.DataFrame) -> None:
    sent = receipts.filter((pl.col("provider") == "yunxi") & (pl.col("arrival_date") == pack_city.NIGHTS[2]))
    assert sorted(sent["status"]) == ["duplicate"] * 3 + ["received"] * 3
    assert (income(made, 1, "B2", 5), income(made, 2, "B2", 5)) == (0, 1000)
    at = f"from silver.consumption where canteen_id = 'B2' and biz_date = '{OPEN[5]}'"
    assert made.one(f"select count(*) {at}") == 1


@pytest.mark.requirement("S0-125")
def test_the_same_night_again_changes_nothing(made: City) -> None:
    before = hashing.content(made.home)["hash"]
    versions = {table: delta.version(made.home.table(f"silver.{table}")) for table in SILVER}
    pack_city.city.run(made.home.home, made.landing.root, pack_city.NIGHTS[2])
    assert hashing.content(made.home)["hash"] == before
    assert {table: delta.version(made.home.table(f"silver.{table}")) for table in SILVER} == versions


@pytest.mark.requirement("S0-126")
def test_rows_in_are_kept_quarantined_doubled_or_superseded_for_every_file(
    made: City, receipts: pl.DataFrame
) -> None:
    accounts = accounting.by_file(made.home, receipts).filter(pl.col("status") == "received")
    assert accounts.height > 20
    kept = pl.sum_horizontal("accepted", "quarantined", "duplicate", "superseded")
    assert accounts.filter(kept != pl.col("rows")).rows() == []
    totals = accounts.select("quarantined", "duplicate", "superseded").sum().row(0)
    assert totals == (8, 2, 3)


@pytest.mark.requirement("S0-126", "S4-25")
@pytest.mark.parametrize(
    ("rule", "column", "words"),
    [
        ("biz_date|dtype", "业务日期", "格式不正确"),
        ("ingredient_id|nullability", "食材编码", "必填项为空"),
        ("accepted_qty|min", "验收数量", "数值小于允许的下限"),
    ],
)
def test_a_typing_error_or_omission_names_file_row_field_and_remedy(
    made: City, rule: str, column: str, words: str
) -> None:
    ((file, number),) = made.rows(f"select _file, _row from silver.quarantine where rules like '%{rule}%'")
    shown = stewardship.show(made.home, f"{file[:12]}:{number}")
    (problem,) = [one for one in shown["问题"] if one["规则"] == rule]
    assert (problem["列"], problem["问题"]) == (column, f"{column}{words}")
    assert problem["怎么办"]
    assert shown["文件"] == "yueyanglou/2026-09-09/purchase.csv"
    assert shown["行号"] == number


@pytest.mark.requirement("S2-31")
def test_double_entries_are_counted_per_provider_and_feed(made: City) -> None:
    rates = made.rows(
        "select provider, feed, rows_duplicate, rows_accepted from gold.mart_quality "
        "where arrival_date = '2026-09-09' and rows_duplicate > 0 and feed <> 'provider_key'"
    )
    assert rates == [("yueyanglou", "consumption", 1, 19)]
    assert made.one("select count(*) from silver.consumption where amount_yuan = 1.00") == 1


@pytest.mark.requirement("S0-130", "S3-24")
def test_models_and_their_data_tests_pass_on_a_home_that_grows(made: City) -> None:
    """dbt builds with its data tests each night; a failing one would have published nothing."""
    sizes = [seen["consumption"].height for seen in made.after]
    canteens = [seen["days"]["canteen_id"].n_unique() for seen in made.after]
    judged = [
        seen["verdicts"].filter(pl.col("cost_yuan") > 0)["canteen_id"].n_unique() for seen in made.after
    ]
    assert sizes == [13, 78, 79]
    assert (canteens, judged) == ([11, 11, 11], [1, 11, 11])


@pytest.mark.requirement("S0-126")
def test_a_record_that_a_newer_file_leaves_out_is_gone(made: City) -> None:
    def meals(night: int) -> int:
        seen = made.after[night]["consumption"]
        day = (pl.col("canteen_id") == "A1") & (pl.col("biz_date") == OPEN[1])
        return seen.filter(day).height

    assert (meals(1), meals(2)) == (3, 2)
    assert (income(made, 1, "A1", 1), income(made, 2, "A1", 1)) == (800, 700)


@pytest.mark.requirement("S4-50")
def test_no_telephone_number_or_identity_is_readable_in_any_table(made: City) -> None:
    gold = [f"gold.{path.name}" for path in (made.home.home / "gold").iterdir()]
    tables = [
        f"silver.{name}" for name in SILVER if delta.version(made.home.table(f"silver.{name}")) is not None
    ]
    for table in [*tables, *gold]:
        text = str(made.rows(f"from {table}"))
        assert PHONE not in text, table
        assert PERSON not in text, table
        assert "王小明" not in text, table
    assert made.rows("select distinct contact_phone from silver.supplier order by 1 nulls last") == [
        ("138****1234",),
        (None,),
    ]
