"""The chain behind each purchase line: quotation, limit, reference, peers, and the findings that rest on it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import lake
import polars as pl
import pytest

MARCH = dt.date(2026, 3, 2)
END = dt.date(2026, 3, 31)
DAY = dt.date(2026, 3, 10)
A, B = "91430600MA4L0000X0", "91430600MA4L0000Y1"
TABLES = ["gold.fct_price_line", "gold.price_finding", "gold.mart_price_index", "gold.mart_price_supplier"]


def city() -> lake.Lake:
    """Two canteens of one county and one of another; A quotes, B does not."""
    made = lake.Lake()
    for canteen, county in (("C1", "430602"), ("C2", "430602"), ("C3", "430603")):
        made.canteen(canteen, county=county)
    for ingredient in ("leek", "pork", "carp", "tofu", "rice"):
        made.ingredient(ingredient, "grain" if ingredient == "rice" else "vegetables")
    for day in (MARCH, END):
        made.eat("C1", day, 10)

    def quote(org: str, ingredient: str, price: str, first: dt.date, last: dt.date, **more: object) -> None:
        made.add(
            "quotation", supplier_uscc=A, org_id=org, ingredient_id=ingredient, unit="kg",
            unit_price=price, valid_from=first, valid_to=last, **more,
        )  # fmt: skip

    quote("CITY", "leek", "6.00", MARCH, END)
    quote("430602", "leek", "5.50", MARCH, END)
    quote("C1", "leek", "5.00", MARCH, DAY)
    quote("CITY", "pork", "12.50", MARCH, END, spec="一级 ５KG／箱")
    quote("CITY", "pork", "25.00", MARCH, END, spec="二级")

    def reference(kind: str, item: str, price: str, **more: object) -> None:
        made.add(
            "price_reference",
            **{
                "price_kind": kind,
                "item_name": item,
                "unit_price": price,
                "valid_from": MARCH,
                "unit": "kg",
                **more,
            },
        )

    reference("retail", "leek", "8.00", place="岳阳")
    reference("retail", "leek", "1.00", place="430603", source_code="other")
    reference("limit", "carp", "9.00", unit="斤")
    reference("tender", "carp", "16.50", source_code="tender")
    reference("limit", "pork", "30.00", spec="一级5kg/箱", source_code="grade1")
    reference("limit", "pork", "20.00", spec="二级", source_code="grade2")
    reference("retail", "rice", "6.00")
    made.add(
        "price_agreement", supplier_uscc=A, org_id="430602", category="grain", price_kind="retail",
        discount_pct="14.00", valid_from=MARCH,
    )  # fmt: skip
    return made


def buy(made: lake.Lake, no: str, canteen: str, ingredient: str, price: object, **more: object) -> None:
    made.buy(canteen, DAY, ingredient, 10, price, record_no=no, **{"supplier_uscc": A, **more})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = city()
    buy(made, "canteen", "C1", "leek", "5.00")
    buy(made, "county", "C2", "leek", "6.00")
    buy(made, "city", "C3", "leek", "6.00")
    buy(
        made, "after", "C1", "leek", "5.50", biz_date=DAY + dt.timedelta(1), accepted_on=DAY + dt.timedelta(1)
    )
    buy(made, "spec", "C1", "pork", "12.50", spec="一级 5kg/箱", unit="kg")
    buy(made, "grade", "C1", "pork", "24.00", spec="二级")
    buy(made, "limited", "C1", "carp", "17.00", supplier_uscc=B)
    buy(made, "unquoted", "C1", "tofu", "4.00")
    buy(made, "quotes-nothing", "C1", "tofu", "4.00", supplier_uscc=B)
    buy(made, "agreed", "C1", "rice", "5.16")
    folder = tmp_path_factory.mktemp("chain")
    lake.build(folder, made, MARCH, END, TABLES, checked=True)
    return folder


def line(built: Path, no: str) -> dict[str, object]:
    return lake.query(built, f"select * from gold.fct_price_line where record_no = '{no}'").row(0, named=True)


@pytest.mark.parametrize(
    ("no", "quote"),
    [("canteen", "5.00"), ("county", "5.50"), ("city", "6.00"), ("after", "5.50"), ("spec", "12.50")],
)
def test_the_quotation_of_the_nearest_organisation_on_the_day_counts(
    built: Path, no: str, quote: str
) -> None:
    assert line(built, no)["quote_yuan"] == Decimal(quote)


def test_a_limit_is_the_lowest_of_limit_tender_and_agreed_discount(built: Path) -> None:
    assert (line(built, "limited")["limit_yuan"], line(built, "limited")["limit_basis"]) == (
        Decimal("16.5"),
        "tender",
    )
    assert (line(built, "agreed")["limit_yuan"], line(built, "agreed")["limit_basis"]) == (
        Decimal("5.16"),
        "agreed",
    )


def test_a_limit_is_that_of_the_specification_however_it_is_written(built: Path) -> None:
    assert line(built, "spec")["limit_yuan"] == Decimal("30")
    assert line(built, "grade")["limit_yuan"] == Decimal("20")


def test_a_reference_of_another_county_does_not_hold_here(built: Path) -> None:
    assert line(built, "county")["retail_yuan"] == Decimal("8")
    assert line(built, "city")["retail_yuan"] == Decimal("1")


def test_findings_name_the_rule_that_was_broken_and_nothing_else_is_found(built: Path) -> None:
    found = lake.query(
        built, "select record_nos, tests, excess_yuan from gold.price_finding order by record_nos"
    )
    assert found.filter(~pl.col("tests").str.contains("reference")).rows() == [
        ("agreed", "no_quotation", Decimal("0.00")),
        ("county", "over_quotation", Decimal("5.00")),
        ("grade", "over_limit", Decimal("40.00")),
        ("limited", "over_limit", Decimal("5.00")),
        ("unquoted", "no_quotation", Decimal("0.00")),
    ]


def test_what_other_suppliers_took_leaves_the_supplier_itself_out(tmp_path: Path) -> None:
    made = city()
    for n, price in enumerate([1, 2, 4, 8, 16, 32]):
        buy(made, f"P{n}", "C1", "tofu", price, supplier_uscc=f"91430600MA4L0000A{n}")
    lake.build(tmp_path, made, MARCH, END, ["gold.fct_price_line"])
    rows = lake.query(tmp_path, "select record_no, others_yuan from gold.fct_price_line order by 1").rows()
    # Six votes: each supplier is held against the middle of the other five.
    assert rows == [(f"P{n}", Decimal(8 if n < 3 else 4)) for n in range(6)]


def test_two_nights_say_the_same_as_one_range(tmp_path: Path) -> None:
    made = city()
    for n in range(29):
        day = MARCH + dt.timedelta(n)
        for canteen in ("C1", "C2", "C3"):
            price = Decimal("5.40") + Decimal(n % 5) / 10
            made.buy(canteen, day, "leek", 10, price, supplier_uscc=A)
    lake.build(tmp_path / "range", made, MARCH, END, TABLES)
    lake.build(tmp_path / "nights", made, MARCH, DAY, TABLES)
    lake.build(tmp_path / "nights", made, DAY + dt.timedelta(1), END, TABLES, checked=True)
    assert lake.content(tmp_path / "nights", TABLES) == lake.content(tmp_path / "range", TABLES)
