"""Rows of the mission about goods: suppliers, stock, stock-takes, rejects, units, keys of providers.

All on the hand-written city of ``pack_city``, as published after its last night.
"""

from decimal import Decimal

import pack_city
import pytest
from pack_city import AS_OF, NAMESAKE, OPEN, SUPPLIER, City


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return pack_city.three_nights(tmp_path_factory.getbasetemp())


@pytest.mark.requirement("S0-30")
def test_one_code_is_one_supplier_and_two_codes_are_two(made: City) -> None:
    known = made.rows("select supplier_uscc, supplier_name from gold.dim_supplier order by valid_from")
    assert known == [(SUPPLIER, "甲粮油"), (NAMESAKE, "甲粮油"), (SUPPLIER, "甲粮油店")]
    assert made.rows("select record_no, rules from silver.quarantine where feed = 'supplier'") == [
        ("91350100M000100Y44", "uscc_checksum")
    ]


@pytest.mark.requirement("S1-04")
@pytest.mark.parametrize(
    ("day", "pool"),
    [
        ("2026-09-02", [(SUPPLIER, "甲粮油")]),
        ("2026-09-03", [(SUPPLIER, "甲粮油"), (NAMESAKE, "甲粮油")]),
        ("2026-09-04", [(SUPPLIER, "甲粮油店"), (NAMESAKE, "甲粮油")]),
    ],
)
def test_the_citys_supplier_list_of_any_past_day_can_be_shown(
    made: City, day: str, pool: list[tuple[str, str]]
) -> None:
    assert made.rows(
        "select supplier_uscc, supplier_name from gold.dim_supplier "
        f"where '{day}' between valid_from and valid_to order by 1"
    ) == sorted(pool)


@pytest.mark.requirement("S0-43")
def test_stock_now_is_opening_plus_in_less_out_corrected_by_the_count(made: City) -> None:
    now = {
        row[:3]: row[3]
        for row in made.rows(
            "select canteen_id, account_kind, ingredient_id, closing_kg from gold.mart_stock_now"
        )
    }
    moves = made.rows(
        "select canteen_id, account_kind, ingredient_id, sum(in_kg - return_kg - out_kg) "
        "+ sum(coalesce(variance_kg, 0)) + sum(case when is_opening_count then counted_kg else 0 end) "
        "from gold.fct_stock_ledger group by 1, 2, 3"
    )
    assert len(moves) == len(now) == 25
    assert {row[:3]: row[3] for row in moves} == now
    assert now["A1", "pupil", "rice"] == 135
    assert made.one("select max(biz_date) from gold.mart_stock_now") == AS_OF


@pytest.mark.requirement("S0-46")
def test_each_move_stands_on_its_day_and_a_stock_below_zero_is_flagged(made: City) -> None:
    pork = made.rows(
        "select biz_date, in_kg, out_kg, closing_kg from gold.fct_stock_ledger "
        "where canteen_id = 'A2' and ingredient_id = 'pork' order by 1"
    )
    assert pork == [(OPEN[0], 20, 0, 20), (OPEN[1], 0, 30, -10)]
    flagged = made.rows(
        "select canteen_id, ingredient_id, biz_date from gold.red_line_finding where kind = 'negative_stock'"
    )
    below = made.rows(
        "select canteen_id, ingredient_id, biz_date from gold.fct_stock_ledger where closing_kg < 0"
    )
    assert flagged == below == [("A2", "pork", OPEN[1])]


@pytest.mark.requirement("S0-45", "S0-47")
def test_a_count_is_held_against_the_book_and_only_a_true_difference_is_found(made: City) -> None:
    counts = made.rows(
        "select ingredient_id, book_kg, counted_kg, variance_kg, variance_yuan from gold.fct_stock_ledger "
        "where canteen_id = 'A2' and counted_kg is not null and not is_opening_count order by 1"
    )
    # A book of zero is no obstacle.
    assert counts == [
        ("oil", 0, 2, 2, Decimal("20.00")),
        ("rice", 100, 60, -40, Decimal("-160.00")),
    ]
    found = made.rows(
        "select kind, canteen_id, direction, amount_yuan from gold.red_line_finding where kind like 'stocktake%'"
    )
    assert [row[:2] for row in found] == [("stocktake_below_book", "A2")]


@pytest.mark.requirement("S1-19")
def test_rejected_goods_and_lines_nobody_accepted_enter_neither_stock_nor_cost(made: City) -> None:
    rice = made.rows(
        "select in_kg, in_yuan from gold.fct_stock_ledger "
        f"where canteen_id = 'A1' and ingredient_id = 'rice' and biz_date = '{OPEN[0]}'"
    )
    assert rice == [(40, 160)]
    pork = made.rows(
        "select 1 from gold.fct_stock_ledger "
        "where canteen_id = 'A1' and account_kind = 'pupil' and ingredient_id = 'pork'"
    )
    assert pork == []


@pytest.mark.requirement("S0-127")
def test_units_are_converted_and_one_that_is_in_no_list_is_held_back(made: City) -> None:
    greens = "select distinct in_kg, price_yuan from gold.fct_stock_ledger where in_kg > 0 and ingredient_id = 'greens'"
    assert made.rows(f"{greens} and canteen_id = 'A1'") == [(100, 6)]  # 200 jin at 3.00
    assert made.rows(f"{greens} and canteen_id = 'P1'") == [
        (100, Decimal("6.4"))
    ]  # the product list says jin
    boxes = made.rows(
        "select rules from silver.quarantine where canteen_id = 'A2' and rules like '%unit_known%'"
    )
    assert boxes == [("unit_known",)]
    pieces = made.rows("select distinct closing_kg from gold.mart_stock_now where ingredient_id = 'gloves'")
    assert pieces == [(10,)]  # pieces stay pieces


@pytest.mark.requirement("S0-129")
def test_links_survive_a_change_of_the_sources_keys(made: City) -> None:
    raw = made.rows(
        "select canteen_id, ingredient_id, supplier_uscc, count(*) from silver.purchase "
        "where _provider = 'pingjiang' group by 1, 2, 3 order by 4"
    )
    assert raw == [("909", "970", "930", 1), ("9", "70", "30", 5)]
    linked = made.rows(
        "select canteen_id, ingredient_id, count(*), sum(in_yuan) from gold.fct_stock_ledger "
        "where canteen_id = 'P1' and in_kg > 0 group by 1, 2"
    )
    assert linked == [("P1", "greens", 6, Decimal(3840))]
    assert made.rows("from gold.mart_key_gap") == []


@pytest.mark.requirement("S2-39")
def test_every_record_joins_to_a_registered_canteen_ingredient_and_supplier(made: City) -> None:
    assert (
        made.one(
            "select count(*) from gold.fct_stock_ledger where canteen_id not in (select canteen_id from gold.dim_canteen) "
            "or ingredient_id not in (select ingredient_id from gold.dim_ingredient)"
        )
        == 0
    )
    for table in ("fct_canteen_day", "mart_red_line", "red_line_finding"):
        assert (
            made.one(
                f"select count(*) from gold.{table} where canteen_id not in (select canteen_id from gold.dim_canteen)"
            )
            == 0
        )
