"""One dated table of reference prices: intervals, base units, contradictions."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import lake
import polars as pl
import pytest

DAY = dt.date(2026, 3, 2)
NEXT = dt.date(2026, 3, 9)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prices")
    city = lake.Lake()
    city.canteen()
    city.eat("C1", DAY, 10)
    for name in ("猪肉", "土豆", "大米", "白菜"):
        city.ingredient(name)
    for day, price in ((DAY, 18.8), (NEXT, 17.4)):
        city.add("price_reference", item_name="猪肉", unit_price=price, valid_from=day)
    city.add("price_reference", item_name="猪肉", price_kind="retail", unit_price=26, valid_from=DAY)
    for price in (1, 1.1, 1.5):
        city.add("price_reference", item_name="土豆", unit="斤", unit_price=price, valid_from=DAY)
    city.add(
        "price_reference",
        item_name="大米",
        price_kind="tender",
        unit_price=5,
        low_price=4,
        high_price=6,
        valid_from=DAY,
        valid_to=dt.date(2026, 3, 31),
    )
    for day, until in ((DAY, dt.date(2026, 3, 4)), (NEXT, None)):
        city.add("price_reference", item_name="白菜", unit_price=2, valid_from=day, valid_to=until)
    city.add("price_reference", item_name="没有的东西", unit_price=2, valid_from=DAY)
    # What a name is matched with decides, whatever the library has.
    city.add(
        "price_reference",
        item_name="马铃薯",
        source_code="market",
        unit="袋",
        spec="25kg",
        unit_price=50,
        valid_from=DAY,
    )
    city.add("price_reference", item_name="白菜秧", source_code="market", unit_price=2, valid_from=DAY)
    for name, unit, spec, found, factor, state in (
        ("马铃薯", "袋", "25kg", "土豆", 25, "matched"),
        ("白菜秧", "kg", "", "白菜", 1, "doubtful"),
    ):
        city.add(
            "match_ingredient", item_name=name, spec=spec, unit=unit, read_as=name, ingredient_id=found,
            factor=factor, method="alias", score=1, state=state, reason="",
        )  # fmt: skip
    # Of three quotes of a day one is judged bad and one is in doubt.
    for number, price in (("Q1", 40), ("Q2", 4), ("Q3", 4.2)):
        city.add(
            "price_reference",
            record_no=number,
            item_name="大米",
            source_code="market",
            unit_price=price,
            valid_from=DAY,
        )
    for number, fault, bad in (("Q1", "decimal_shift", True), ("Q3", "change_contradicts", False)):
        city.add(
            "price_judgement", record_no=number, source_code="market", valid_from=DAY, item_name="大米",
            unit_price=40, expected_price=4, fault=fault, is_bad=bad,
        )  # fmt: skip
    city.add("provider_key", entity="ingredient", source_key="77", name="老面馒头")
    city.buy("C1", DAY, "77", 10, 3)
    lake.build(
        folder,
        city,
        DAY,
        NEXT,
        ["gold.ref_price", "gold.mart_price_doubt", "gold.mart_name_gap"],
        checked=True,
    )
    return folder


@pytest.fixture(scope="module")
def prices(built: Path) -> pl.DataFrame:
    return lake.query(built, "select * from gold.ref_price order by ingredient_id, price_kind, valid_from")


def rows(prices: pl.DataFrame, name: str, *columns: str, source: str = "bulletin") -> list[tuple]:
    mine = (pl.col("ingredient_id") == name) & (pl.col("source_code") == source)
    return prices.filter(mine).select(*columns).rows()


def test_a_price_holds_until_the_same_source_says_another(prices: pl.DataFrame) -> None:
    assert rows(prices, "猪肉", "price_kind", "valid_from", "valid_to") == [
        ("retail", DAY, None),
        ("wholesale", DAY, NEXT),
        ("wholesale", NEXT, None),
    ]


def test_an_end_of_its_own_is_kept_and_leaves_a_gap(prices: pl.DataFrame) -> None:
    assert rows(prices, "白菜", "valid_from", "valid_to") == [(DAY, dt.date(2026, 3, 5)), (NEXT, None)]
    assert rows(prices, "大米", "valid_to") == [(dt.date(2026, 4, 1),)]


def test_contradicting_quotes_are_one_median_with_the_spread_kept(prices: pl.DataFrame) -> None:
    ((price, low, high, spread, quotes),) = rows(
        prices, "土豆", "price_yuan", "low_price", "high_price", "spread_pct", "quotes"
    )
    assert (float(price), float(low), float(high)) == (2.2, 2.0, 3.0)  # yuan per jin, told per kg
    assert (float(spread), quotes) == (45.45, 3)


def test_a_range_as_written_is_the_spread(prices: pl.DataFrame) -> None:
    ((low, high, kind),) = rows(prices, "大米", "low_price", "high_price", "price_kind_label")
    assert (float(low), float(high), kind) == (4.0, 6.0, "中标价")


def test_a_name_of_no_ingredient_prices_nothing(prices: pl.DataFrame) -> None:
    assert set(prices["ingredient_id"]) == {"猪肉", "土豆", "大米", "白菜"}


def test_a_pack_is_told_per_base_unit_of_what_it_is_matched_with(prices: pl.DataFrame) -> None:
    ((price, quotes),) = rows(prices, "土豆", "price_yuan", "quotes", source="market")
    assert (float(price), quotes) == (2.0, 1)


def test_a_doubtful_match_prices_nothing(prices: pl.DataFrame) -> None:
    assert rows(prices, "白菜", "valid_from", source="market") == []


def test_a_bad_quote_judges_nobody_and_a_doubtful_one_is_marked(prices: pl.DataFrame) -> None:
    ((price, quotes, confidence),) = rows(
        prices, "大米", "price_yuan", "quotes", "confidence", source="market"
    )
    assert (float(price), quotes, confidence) == (4.1, 2, "D")


def test_the_doubts_are_shown_with_what_the_neighbours_say(built: Path) -> None:
    shown = lake.query(built, "select record_no, fault_label, is_bad from gold.mart_price_doubt order by 1")
    assert shown.rows() == [("Q1", "小数点错位", True), ("Q3", "与自报环比不符", False)]


def test_names_without_a_certain_match_are_listed_for_a_steward(built: Path) -> None:
    shown = lake.query(
        built,
        "select origin, item_name, state, occurrences, amount_yuan from gold.mart_name_gap order by 1, 2",
    )
    assert shown.rows() == [
        ("purchase", "老面馒头", "unmatched", 1, Decimal("30.00")),
        ("reference", "白菜秧", "doubtful", 1, Decimal("0.00")),
    ]
