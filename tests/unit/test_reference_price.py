"""One dated table of reference prices: intervals, base units, contradictions."""

from __future__ import annotations

import datetime as dt

import lake
import polars as pl
import pytest

DAY = dt.date(2026, 3, 2)
NEXT = dt.date(2026, 3, 9)


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
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
    lake.build(folder, city, DAY, NEXT)
    return lake.query(folder, "select * from gold.ref_price order by ingredient_id, price_kind, valid_from")


def rows(prices: pl.DataFrame, name: str, *columns: str) -> list[tuple]:
    return prices.filter(pl.col("ingredient_id") == name).select(*columns).rows()


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
        prices, "土豆", "price_yuan", "low_yuan", "high_yuan", "spread_pct", "quotes"
    )
    assert (float(price), float(low), float(high)) == (2.2, 2.0, 3.0)  # yuan per jin, told per kg
    assert (float(spread), quotes) == (45.45, 3)


def test_a_range_as_written_is_the_spread(prices: pl.DataFrame) -> None:
    ((low, high, kind),) = rows(prices, "大米", "low_yuan", "high_yuan", "price_kind_label")
    assert (float(low), float(high), kind) == (4.0, 6.0, "中标价")


def test_a_name_of_no_ingredient_prices_nothing(prices: pl.DataFrame) -> None:
    assert set(prices["ingredient_id"]) == {"猪肉", "土豆", "大米", "白菜"}
