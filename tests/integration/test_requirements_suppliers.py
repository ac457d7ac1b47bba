"""Rows of the mission about the supplier market and the tree of food categories.

Shares and concentration on a hand-written city of two counties, and what is published of ``pack_city``.
"""

from __future__ import annotations

import copy
import csv
import datetime as dt
import random
import shutil
from decimal import Decimal
from pathlib import Path

import duckdb
import lake
import pack_city
import pytest
from random_city import random_city

from warehouse.contracts.fields import MAX_YUAN
from warehouse.vocabulary import FOOD_CATEGORIES

MARCH = dt.date(2026, 3, 1)
END = dt.date(2026, 4, 9)
SEED = lake.PROJECT / "seeds" / "ref_ingredient_category.csv"
MARTS = ["gold.mart_supplier_share", "gold.mart_supplier_choice"]


def two_counties() -> lake.Lake:
    """C1 and C2 of one county buy from A, B and C; C3 of the other has nobody but A."""
    city = lake.Lake()
    city.canteen("C1")
    city.canteen("C2")
    city.canteen("C3", county="430603")
    for ingredient, category in {
        "rice": "grain",
        "pork": "meat",
        "leek": "vegetables",
        "soap": "non_food",
    }.items():
        city.ingredient(ingredient, category)
    for n in range((END - MARCH).days + 1):
        city.eat("C1", MARCH + dt.timedelta(n), 10)
    day = MARCH + dt.timedelta(1)
    city.buy("C1", day, "rice", 60, 10, supplier_uscc="A")
    city.buy("C1", day, "leek", 35, 10, supplier_uscc="B", ordered_qty=50, rejected_qty=15)
    city.buy("C2", day, "pork", 10, 10, supplier_uscc="C")
    city.buy("C3", day, "rice", 10, 10, supplier_uscc="A")
    # None of these counts: nobody accepted it, teachers pay for it, nobody eats it.
    city.buy("C1", day, "pork", 90, 10, supplier_uscc="D", accepted_on=None)
    city.buy("C1", day, "pork", 90, 10, supplier_uscc="D", account_kind="teacher")
    city.buy("C1", day, "soap", 90, 10, supplier_uscc="D")
    # 5 kg of leek go back to the one that brought them.
    back = {"move_kind": "supplier_return"}
    city.move("C1", day + dt.timedelta(3), "leek", 5, amount_yuan=50, **back)
    # April: only returns. Rice of March is A's; nobody delivered pork to C1.
    city.move("C1", MARCH + dt.timedelta(31), "rice", 1, amount_yuan=10, **back)
    city.move("C1", END, "pork", 1, amount_yuan=7, **back)
    return city


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two_counties")
    lake.build(folder, two_counties(), MARCH, END, [*MARTS, "money_identities", "relationships"])
    return folder


@pytest.fixture
def scratch(built: Path, tmp_path: Path) -> Path:
    """A build of its own, for tests that spoil it."""
    shutil.copytree(built, tmp_path / "build")
    return tmp_path / "build"


def run(folder: Path, *command: str) -> None:
    lake.run_dbt(folder, folder / "silver" / "pins.json", command, from_date=str(MARCH), to_date=str(END))


def write(folder: Path, sql: str) -> None:
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        connection.execute(sql)


@pytest.mark.requirement("S0-15")
def test_a_suppliers_share_is_its_accepted_goods_less_returns(built: Path) -> None:
    found = lake.query(
        built,
        "select canteen_id, biz_month, supplier_id, purchase_yuan, share_pct"
        " from gold.mart_supplier_share order by all",
    ).rows()
    assert found == [
        ("C1", "2026-03", "SUP-A", Decimal(600), Decimal("66.666667")),
        ("C1", "2026-03", "SUP-B", Decimal(300), Decimal("33.333333")),
        ("C1", "2026-04", "SUP-A", Decimal(-10), None),
        ("C1", "2026-04", "unassigned", Decimal(-7), None),
        ("C2", "2026-03", "SUP-C", Decimal(100), Decimal(100)),
        ("C3", "2026-03", "SUP-A", Decimal(100), Decimal(100)),
    ]


@pytest.mark.requirement("S0-15")
def test_published_shares_are_100_together_and_their_yuan_are_those_of_the_red_line(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = pack_city.three_nights(tmp_path_factory.getbasetemp())
    shares = made.rows(
        "select canteen_id, biz_month, sum(purchase_yuan), sum(share_pct) from gold.mart_supplier_share"
        " group by all order by all"
    )
    assert {row[3] for row in shares} == {Decimal(100)}
    assert [row[:3] for row in shares] == made.rows(
        "select canteen_id, biz_month, sum(purchases_yuan - returns_yuan) as yuan from gold.fct_canteen_day"
        " group by all having yuan <> 0 order by all"
    )


@pytest.mark.requirement("S0-15")
def test_shares_that_do_not_add_up_stop_the_night(scratch: Path) -> None:
    write(
        scratch,
        "update gold.mart_supplier_share set share_pct = share_pct - 0.000001 where supplier_id = 'SUP-C'",
    )
    with pytest.raises(AssertionError, match="money_identities"):
        run(scratch, "test", "--select", "money_identities")


def test_the_largest_amount_that_the_door_lets_in_does_not_overflow(tmp_path: Path) -> None:
    city = two_counties()
    city.buy("C3", MARCH, "pork", 1, MAX_YUAN, supplier_uscc="B")
    lake.build(tmp_path, city, MARCH, END)
    found = lake.query(
        tmp_path,
        "select share_pct from gold.mart_supplier_share where canteen_id = 'C3' order by all",
    ).rows()
    assert found == [(Decimal("0.000100"),), (Decimal("99.999900"),)]


@pytest.mark.requirement("S1-05")
def test_a_county_with_one_supplier_is_flagged_and_the_concentration_is_the_hand_value(built: Path) -> None:
    found = lake.query(
        built,
        "select county_code, biz_month, suppliers, hhi, is_single from gold.mart_supplier_choice"
        " where category = 'food' order by all",
    ).rows()
    assert found == [
        ("430602", "2026-03", 3, 4600.0, False),  # 60, 30 and 10 %: 3600 + 900 + 100
        ("430602", "2026-04", 0, None, False),
        ("430603", "2026-03", 1, 10000.0, True),
    ]


@pytest.mark.requirement("S1-05")
def test_the_choice_is_shown_for_each_category_too(built: Path) -> None:
    single = lake.query(
        built,
        "select category from gold.mart_supplier_choice"
        " where county_code = '430602' and biz_month = '2026-03' and is_single order by 1",
    ).rows()
    assert [row[0] for row in single] == ["animal", "grain", "meat", "produce", "staple", "vegetables"]


def test_nights_and_late_corrections_give_the_content_of_the_range(tmp_path: Path) -> None:
    first = dt.date(2025, 12, 3)
    last = first + dt.timedelta(69)
    city = random_city(5, first, 70)
    dice = random.Random(5)
    for row in city.rows["purchase"]:
        row["supplier_uscc"] = dice.choice("ABC")
    lake.build(tmp_path / "range", city, first, last, MARTS, checked=True)
    whole = lake.content(tmp_path / "range", MARTS)

    early = copy.deepcopy(city)
    wrong = first + dt.timedelta(24)
    for row in early.rows["purchase"]:
        if row["biz_date"] == wrong:
            row["supplier_uscc"] = "D"
    start = first
    for step in (27, 1, 42):
        end = start + dt.timedelta(step - 1)
        lake.build(tmp_path / "nights", early, start, end, MARTS)
        start = end + dt.timedelta(1)
    assert end == last
    assert lake.content(tmp_path / "nights", MARTS) != whole
    lake.build(tmp_path / "nights", city, wrong, last, MARTS, checked=True, touched_dates=[str(wrong)])
    assert lake.content(tmp_path / "nights", MARTS) == whole


@pytest.mark.requirement("S0-36")
def test_a_new_level_changes_no_total_above_it(scratch: Path) -> None:
    """Leek moves from vegetables (level 3) to leafy greens (level 4)."""
    totals = (
        "select county_code, biz_month, category, purchase_yuan, suppliers, hhi"
        " from gold.mart_supplier_choice where category <> 'leafy' order by all"
    )
    before = lake.query(scratch, totals).rows()
    assert ("430602", "2026-03", "vegetables", Decimal(300), 1, 10000.0) in before
    write(scratch, "insert into gold.ref_ingredient_category values ('leafy', 'vegetables', '叶菜', 4)")
    city = two_counties()
    for row in city.rows["ingredient"]:
        if row["ingredient_id"] == "leek":
            row["category"] = "leafy"
    lake.build(scratch, city, MARCH, END, [*MARTS, "money_identities", "relationships"])
    assert lake.query(scratch, totals).rows() == before
    assert lake.query(
        scratch,
        "select purchase_yuan from gold.mart_supplier_choice where category = 'leafy' order by all",
    ).rows() == [(Decimal(300),)]


@pytest.mark.requirement("S0-36")
@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param(
            [
                ("n4", "vegetables", 4),
                ("n5", "n4", 5),
                ("n6", "n5", 6),
                ("n7", "n6", 7),
            ],
            id="deeper than the closure reaches",
        ),
        pytest.param([("n4", "nowhere", 4)], id="below nothing"),
        pytest.param([("n4", "n5", 4), ("n5", "n4", 5)], id="in a circle"),
        pytest.param([("n4", "vegetables", 3)], id="of a wrong level"),
    ],
)
def test_a_tree_that_the_closure_cannot_hold_is_refused(
    scratch: Path, nodes: list[tuple[str, str, int]]
) -> None:
    rows = ", ".join(f"('{code}', '{parent}', '{code}', {level})" for code, parent, level in nodes)
    write(scratch, f"insert into gold.ref_ingredient_category values {rows}")
    with pytest.raises(AssertionError, match="relationships"):
        run(
            scratch,
            "build",
            "--select",
            "dim_ingredient_category",
            "relationships",
            "--indirect-selection",
            "empty",
        )


@pytest.mark.requirement("S0-36")
def test_the_leaves_of_the_tree_are_the_food_categories() -> None:
    with SEED.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    parents = {row["parent_code"] for row in rows}
    assert {row["code"]: row["label"] for row in rows if row["code"] not in parents} == FOOD_CATEGORIES
    assert {row["code"] for row in rows if not row["parent_code"]} == {"food", "non_food"}
