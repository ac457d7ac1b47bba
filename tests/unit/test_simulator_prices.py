"""Prices of the synthetic city: honest lines keep to quotations and limits, planted ones leave them as told."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ingest.simulator import bulletin, catalogue, city, commerce, faults, plan, realism, simulate
from ingest.simulator.market import Market
from ingest.simulator.service import Service
from ingest.simulator.simulate import Play
from warehouse import contracts, vocabulary

START, END = date(2026, 9, 1), date(2026, 10, 18)
LABELS = {label: name for name, label in vocabulary.LABELS.items()}
MONEY, PRICE = pl.Decimal(18, 2), pl.Decimal(18, 6)
PRICES = frozenset(
    {"price_over_line", "price_over_supplier", "price_not_following", "order_over_quotation", "order_over_limit",
     "order_without_quotation", "unit_mixup_line", "bulletin_broken", "reference_decimal_shift"}
)  # fmt: skip
FACTORS = {unit: float(factor) for unit, factor in vocabulary.UNIT_FACTORS.items()}


def text_of(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(archive.namelist()[0])
    return data.decode("utf-8-sig")


def rows_of(landing: Path, feed: str) -> pl.DataFrame:
    """Every row of a feed in the standard pack, as text under contract names, with its provider."""
    parts = []
    for path in sorted(landing.glob(f"*/*/{feed}_*")):
        lines = io.StringIO(text_of(path))
        found = map(json.loads, lines) if ".jsonl" in path.name else csv.DictReader(lines)
        rows = pl.DataFrame(list(found))
        names = {n: LABELS.get(n, n) for n in rows.columns}
        parts.append(rows.rename(names).with_columns(pl.lit(path.parts[-3]).alias("provider")))
    return pl.concat(parts, how="diagonal")


def spelled(column: str) -> pl.Expr:
    """A specification however it is spelled."""
    return pl.col(column).str.normalize("NFKC").str.to_lowercase().fill_null("")


def priced(landing: Path) -> pl.DataFrame:
    """Purchase lines with the best quotation and the limit in force, per base unit, where there are any."""
    lines = rows_of(landing, "purchase").filter(pl.col("provider") != "pingjiang")
    per_base = pl.col("unit_price").cast(pl.Float64) / pl.col("unit").replace_strict(FACTORS)
    lines = lines.with_columns(
        spelled("spec"),
        pl.col("biz_date").str.to_date(),
        paid=per_base,
        county=pl.col("canteen_id").str.head(6),
    )
    quotes = rows_of(landing, "quotation").select(
        "supplier_uscc", "org_id", "ingredient_id", spelled("spec"), quoted=pl.col("unit_price").cast(pl.Float64),
        quoted_from=pl.col("valid_from").str.to_date(), quoted_to=pl.col("valid_to").str.to_date(),
    )  # fmt: skip
    best = pl.concat(
        lines.join(
            quotes, left_on=[org, "supplier_uscc", "ingredient_id", "spec"],
            right_on=["org_id", "supplier_uscc", "ingredient_id", "spec"],
        )
        for org in ("county", "canteen_id")
    ).filter(pl.col("biz_date").is_between("quoted_from", "quoted_to"))  # fmt: skip
    best = best.group_by("record_no").agg(pl.col("quoted").max())
    names = dict(zip(catalogue.IDS, catalogue.NAMES, strict=True))
    limits = rows_of(landing, "price_reference").filter(pl.col("price_kind") == "limit").select(
        "item_name", spelled("spec"), limit=pl.col("unit_price").cast(pl.Float64),
        limit_from=pl.col("valid_from").str.to_date(), limit_to=pl.col("valid_to").str.to_date(),
    )  # fmt: skip
    bound = (
        lines.with_columns(item_name=pl.col("ingredient_id").replace_strict(names))
        .join(limits, on=["item_name", "spec"])
        .filter(pl.col("biz_date").is_between("limit_from", "limit_to"))
        .select("record_no", "limit")
    )
    return lines.join(best, on="record_no", how="left").join(bound, on="record_no", how="left")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("honest") / "out"
    simulate(out, 14, START, date(2026, 9, 30), 5, frozenset())
    return out


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("priced") / "out"
    simulate(out, 18, START, END, 6, PRICES)
    return out


@pytest.fixture(scope="module")
def lines(run: Path) -> pl.DataFrame:
    return priced(run / "landing")


@pytest.fixture(scope="module")
def planted(run: Path) -> pl.DataFrame:
    return pl.read_parquet(run / "truth" / "faults.parquet")


def test_every_honest_line_is_under_its_quotation_and_under_the_limit(honest: Path) -> None:
    lines = priced(honest / "landing")
    on = lines.filter(pl.col("provider") != "nanhu")
    food = lines.join(
        pl.DataFrame({"ingredient_id": catalogue.IDS, "food": ~catalogue.NON_FOOD}), on="ingredient_id"
    ).filter("food")
    assert lines.height > 3000
    assert on["quoted"].null_count() == 0
    assert lines.filter(pl.col("provider") == "nanhu")["quoted"].null_count() > 100
    assert food["limit"].null_count() == 0
    assert on.filter(pl.col("paid") > pl.col("quoted") + 1e-9).is_empty()
    assert food.filter(pl.col("paid") > pl.col("limit") + 1e-9).is_empty()


def test_price_feeds_meet_their_contracts(run: Path) -> None:
    for feed, contract in {
        "quotation": contracts.Quotation, "price_reference": contracts.PriceReference,
        "price_agreement": contracts.PriceAgreement,
    }.items():  # fmt: skip
        rows = rows_of(run / "landing", feed).drop("provider")
        rows = rows.with_columns(pl.col(pl.String).replace("", None))
        rows = rows.with_columns(
            pl.col("reported_at").str.to_datetime(time_zone="UTC", time_unit="us"),
            pl.col("valid_from", "valid_to").str.to_date(),
        )
        contract.validate(rows, cast=True)
        assert rows["record_no"].is_unique().all()


def test_a_specification_has_a_price_level_of_its_own(honest: Path) -> None:
    lines = priced(honest / "landing").filter(
        pl.col("ingredient_id") == catalogue.IDS[catalogue.NAMES.index("土豆")]
    )
    level = dict(lines.group_by("spec").agg(pl.col("paid").median()).iter_rows())
    assert level["二级"] < level["一级"] < level["净菜 去皮"]


def test_a_large_canteen_buys_five_hundred_lines_in_a_month() -> None:
    town = city.build(20, START, 7)
    end = date(2026, 9, 30)
    play = Play(town, Service(town, end), plan.Plan(START, end))
    bought = pl.concat([d.frames["purchase"].select("c") for d in play.days(end) if d.frames])
    by_canteen = np.bincount(bought["c"].to_numpy(), minlength=town.canteens)
    assert town.large.sum() >= 3
    assert (by_canteen[town.large] >= 500).mean() >= 0.8


def test_honest_prices_are_at_least_as_uneven_as_real_ones(tmp_path: Path) -> None:
    meta = simulate(tmp_path / "out", 40, START, date(2026, 9, 20), 12, frozenset())
    found = meta["price_realism"]
    assert set(found) == set(realism.REAL)
    assert {name: row["simulated"] for name, row in found.items() if row["within"] is not True} == {}


def test_a_calm_city_is_said_to_be_outside_the_band() -> None:
    calm = realism.report({"price_cv_within_week": 0.02, "price_cv_between_suppliers": None})
    assert calm["price_cv_within_week"]["within"] is False
    assert calm["price_cv_between_suppliers"]["within"] is None


# -- planted lines -------------------------------------------------------------------------------


def test_amounts_of_all_lines_are_quantity_times_price(lines: pl.DataFrame) -> None:
    exact = pl.col("accepted_qty").cast(PRICE).cast(pl.Float64) * pl.col("unit_price").cast(PRICE).cast(
        pl.Float64
    )
    assert lines.filter((exact - pl.col("amount_yuan").cast(pl.Float64)).abs() > 0.0051).is_empty()


def test_planted_lines_are_as_the_truth_says(lines: pl.DataFrame, planted: pl.DataFrame) -> None:
    told = planted.filter(pl.col("record_no").is_not_null()).select(
        "kind", "record_no", "size_pct", "supplier_uscc"
    )
    found = told.join(lines.drop("supplier_uscc"), on="record_no")
    by_kind = {str(kind[0]): rows for kind, rows in found.group_by("kind")}
    over = by_kind["order_over_quotation"]
    assert (over["paid"] > over["quoted"]).all()
    assert (over["paid"] <= over["limit"]).all()
    limit = by_kind["order_over_limit"]
    assert (limit["paid"] > limit["limit"]).all()
    assert (
        by_kind["order_without_quotation"]["quoted"].null_count() == by_kind["order_without_quotation"].height
    )
    sizes = planted.filter(pl.col("kind") == "price_over_line")["size_pct"]
    assert sizes.is_between(10, 60).all()
    assert sizes.max() > 45


def test_other_lines_have_a_quotation_and_are_under_the_limit(
    lines: pl.DataFrame, planted: pl.DataFrame
) -> None:
    suppliers = planted.filter(pl.col("kind") == "price_over_supplier")["supplier_uscc"].unique()
    other = lines.join(planted.select("record_no").drop_nulls(), on="record_no", how="anti").filter(
        ~pl.col("supplier_uscc").is_in(suppliers.implode()) & (pl.col("provider") != "nanhu")
    )
    assert other.height > 5000
    assert other["quoted"].null_count() == 0
    assert other.filter(pl.col("paid") > pl.col("quoted") + 1e-9).is_empty()
    assert other.filter(pl.col("paid") > pl.col("limit") + 1e-9).is_empty()


def test_a_supplier_overcharges_over_thirty_lines_and_half_of_them_quote_so(
    lines: pl.DataFrame, planted: pl.DataFrame
) -> None:
    schemes = planted.filter(
        (pl.col("kind") == "price_over_supplier") & ~pl.col("provider").is_in(["pingjiang", "nanhu"])
    )
    assert schemes.height >= 4
    quoted_so = []
    for row in schemes.iter_rows(named=True):
        mine = lines.filter(
            (pl.col("supplier_uscc") == row["supplier_uscc"])
            & pl.col("biz_date").is_between(row["biz_date_from"], row["biz_date_to"])
        )
        if row["canteen_id"] is not None:
            mine = mine.filter(pl.col("canteen_id") == row["canteen_id"])
        assert mine.height >= 30
        assert 10 <= row["size_pct"] <= 40
        above = mine.filter(pl.col("paid") > pl.col("quoted") + 1e-9).height / mine.height
        quoted_so.append(above < 0.1)
        assert quoted_so[-1] == ("报价同步抬高" in row["note"])
        assert quoted_so[-1] or above > 0.3
    assert 0 < sum(quoted_so) < len(quoted_so)


def test_a_supplier_that_does_not_follow_keeps_one_price_while_the_market_falls(
    lines: pl.DataFrame, planted: pl.DataFrame
) -> None:
    market = Market(6)
    lags = planted.filter(pl.col("kind") == "price_not_following")
    assert lags.height >= 3
    for row in lags.iter_rows(named=True):
        i = catalogue.IDS.index(row["ingredient_id"])
        first, last = row["biz_date_from"], row["biz_date_to"]
        assert last - first >= timedelta(13)
        before = market.mean(first - timedelta(7), first - timedelta(1))[i]
        for n in range(0, (last - first).days + 1, 7):
            week = first + timedelta(n)
            assert market.mean(week, week + timedelta(6))[i] < before * 0.951


def test_a_line_entered_in_jin_doubles_the_quantity_for_the_same_money_in_store_and_kitchen() -> None:
    town = city.build(12, START, 2)
    service = Service(town, END)
    planned = plan.draw(town, service, START, END, frozenset({"unit_mixup_line"}))
    days = zip(
        Play(town, service, planned).days(END),
        Play(town, service, plan.Plan(START, END)).days(END),
        strict=True,
    )
    found = 0
    for false, true in days:
        if not false.frames:
            continue
        mixed = false.frames["purchase"].filter(pl.col("tag") > 0)
        right = mixed.join(true.frames["purchase"], on=["c", "seq"], how="left", maintain_order="left")
        assert (mixed["accepted"] == right["accepted_right"] * 2).all()
        assert (mixed["price"] * 2 == right["price_right"]).all()
        assert (mixed["amount"] == right["amount_right"]).all()
        moved = false.frames["stock_move"].join(true.frames["stock_move"], on=["c", "seq"])
        more = moved.filter(pl.col("qty") != pl.col("qty_right"))
        assert set(more.select("c", "i").iter_rows()) == set(mixed.select("c", "i").iter_rows())
        found += mixed.height
    assert found >= 3


def test_planted_prices_scale_with_canteens() -> None:
    service_of = {n: city.build(n, START, 3) for n in (20, 80)}
    plans = {
        n: plan.draw(town, Service(town, END), START, END, frozenset(faults.KINDS)).prices
        for n, town in service_of.items()
    }
    assert plans[80].chance["price_over_line"].sum() > 2 * plans[20].chance["price_over_line"].sum()
    assert len(plans[80].schemes) > len(plans[20].schemes)


# -- the bureau of commerce ----------------------------------------------------------------------


def test_a_bulletin_prints_as_many_figures_as_names_unless_it_is_broken() -> None:
    market = Market(4)
    for n in range(12):
        monday = date(2026, 3, 2) + timedelta(7 * n)
        whole, note = bulletin.text(4, market, monday, broken=False)
        broken, why = bulletin.text(4, market, monday, broken=True)
        assert note == ""
        assert why.startswith("蔬菜涨跌名单")
        assert broken.count("%") == whole.count("%") - 1
        assert whole.startswith(f"2026年第{monday.isocalendar().week}周")


def test_bulletins_arrive_on_mondays_under_their_week_and_broken_ones_are_told(
    run: Path, planted: pl.DataFrame
) -> None:
    files = sorted((run / "landing" / "commerce").glob("*/bulletin-*.txt"))
    assert [path.name for path in files] == [f"bulletin-2026-W{week}.txt" for week in range(36, 42)]
    assert all(date.fromisoformat(path.parent.name).weekday() == 0 for path in files)
    broken = planted.filter(pl.col("kind") == "bulletin_broken")
    assert set(broken["file"]) == {
        f"commerce/{p.parent.name}/{p.name}" for p in files if p.name[-6:-4] in ("36", "39")
    }


def test_a_shifted_row_is_ten_times_off_and_its_range_still_holds() -> None:
    market = Market(4)
    shifts = 0
    for n in range(40):
        day = date(2026, 3, 2) + timedelta(n)
        true, none = commerce.table(4, market, day, faulty=False)
        table, shift = commerce.table(4, market, day, faulty=True)
        prices = table.select(pl.col("最低价", "平均价", "最高价").cast(pl.Float64))
        assert none is None
        assert prices.filter(
            (pl.col("最低价") > pl.col("平均价")) | (pl.col("平均价") > pl.col("最高价"))
        ).is_empty()
        changed = prices["平均价"] / true["平均价"].cast(pl.Float64)
        assert ((changed - 1).abs() > 0.5).sum() == (shift is not None)
        shifts += shift is not None
    assert 10 <= shifts <= 30
