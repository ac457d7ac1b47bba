"""What the price tests say of small tables, through ``./canteen prices FILE``'s own way in."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from price_table import DAYS, HEADER, ITEMS, PriceRows, Row, line_of

from pipelines import price_file
from warehouse.errors import Permanent, Refused


def found(path: Path) -> pl.DataFrame:
    return price_file.find(path, lambda _: None).frame


def at(frame: pl.DataFrame, line: str) -> pl.DataFrame:
    return frame.filter(pl.col("lines").str.split(",").list.contains(line))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_honest_table_gives_at_most_one_finding_in_500_lines(tmp_path: Path, seed: int) -> None:
    table = PriceRows.honest(seed)
    assert found(table.write(tmp_path / "a.csv")).height <= len(table.rows) // 500


def test_each_cause_is_one_finding_with_its_line_and_its_price(tmp_path: Path) -> None:
    table = PriceRows.honest(10)
    dear, halved, quoted, limited = (table.index(f"食堂{n}", 40) for n in (0, 1, 2, 3))
    honest_price = table.rows[dear].price
    table.rows[dear].price *= 1.5
    table.rows[halved].price /= 2
    table.rows[halved].qty *= 2
    table.rows[quoted].quote = table.rows[quoted].price * 0.9
    table.rows[limited].limit = table.rows[limited].price * 0.8
    frame = found(table.write(tmp_path / "a.csv"))
    assert frame.height == 4
    (line,) = at(frame, line_of(dear)).to_dicts()
    assert (line["kind"], line["tests"].split(",")[:2], line["confidence"]) == (
        "line",
        ["peer", "history"],
        "high",
    )
    assert float(line["expected_price"]) == pytest.approx(honest_price, rel=0.15)
    assert float(line["excess_yuan"]) == pytest.approx(
        float(line["price"] - line["expected_price"]) * round(table.rows[dear].qty, 1), abs=0.02
    )
    assert at(frame, line_of(halved))["kind"].to_list() == ["unit"]
    assert at(frame, line_of(halved))["excess_yuan"].to_list() == [Decimal("0.00")]
    assert at(frame, line_of(quoted))["test"].to_list() == ["over_quotation"]
    assert at(frame, line_of(limited))["test"].to_list() == ["over_limit"]
    assert "高于限价" in at(frame, line_of(limited))["text_zh"].item()


def test_a_supplier_that_overprices_is_one_finding_and_its_lines_are_none(tmp_path: Path) -> None:
    table = PriceRows.honest(5)
    for row in table.rows:
        if row.supplier == "供应商7":
            row.price *= 1.2
    frame = found(table.write(tmp_path / "a.csv"))
    assert set(frame["kind"]) == {"supplier"}
    assert set(frame["supplier"]) == {"供应商7"}
    by_month = frame.sort("date_from")
    assert by_month["date_from"].dt.month().to_list() == [9, 10]
    assert [float(pct) for pct in by_month["excess_pct"]] == pytest.approx([20, 20], abs=8)
    assert by_month["line_count"].min() >= 30


def test_what_a_small_supplier_takes_is_judged_on_all_items_of_its_weeks(tmp_path: Path) -> None:
    """Two items a week are little to go by; twelve in six weeks are enough for a level of 12 %."""
    table = PriceRows.honest(5)
    usual = {item: statistics.median(row.price for row in table.rows if row.item == item) for item in ITEMS}
    table.rows = [row for row in table.rows if row.supplier != "供应商7"]
    for n, day in enumerate(DAYS):
        week = day.isocalendar().week - DAYS[0].isocalendar().week
        for item in ITEMS[2 * week : 2 * week + 2]:
            price = usual[item] * 1.12 * math.exp(0.03 * (-1) ** n)
            table.rows.append(Row(day, item, price, 10.0, "供应商7", "食堂7"))
    frame = found(table.write(tmp_path / "a.csv"))
    assert set(frame.filter(pl.col("kind") == "supplier")["supplier"]) == {"供应商7"}
    assert set(frame.filter(pl.col("supplier") == "供应商7")["kind"]) == {"supplier"}


@dataclass(frozen=True)
class Spoiled:
    """A table with one dear line of each kind that is easily passed over, their positions, and what was found."""

    few_peers: int
    dear_anyway: int
    supplier_done: int
    frame: pl.DataFrame


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Spoiled:
    table = PriceRows.honest(5)
    # Bought in two weeks only, by eight canteens at most twice a week: fewer lines than a full cell, no history.
    bought: Counter[tuple[str, int]] = Counter()
    rows = []
    for row in table.rows:
        if row.item == "菜7":
            week = row.day.isocalendar().week
            bought[row.canteen, week] += 1
            if (
                row.day not in DAYS[4:14]
                or bought[row.canteen, week] > 2
                or row.canteen in ("食堂8", "食堂9")
            ):
                continue
        rows.append(row)
    table.rows = rows
    few_peers = max((n for n, row in enumerate(rows) if row.item == "菜7"), key=lambda n: rows[n].price)
    rows[few_peers].price *= 1.6
    # A canteen that always buys a dearer grade, and once pays still more.
    usual = [n for n, row in enumerate(rows) if (row.item, row.canteen) == ("菜4", "食堂2")]
    for n in usual:
        rows[n].price *= 1.3
    dear_anyway = usual[4]
    rows[dear_anyway].price = statistics.median(rows[n].price for n in usual) * 1.12
    # A supplier that takes a quarter too much for three weeks, stops, and goes over a quotation afterwards.
    own = [n for n, row in enumerate(rows) if row.supplier == "供应商7"]
    for n in own:
        if rows[n].day < DAYS[14]:
            rows[n].price *= 1.25
    supplier_done = next(n for n in own if rows[n].day == DAYS[16])
    rows[supplier_done].quote = rows[supplier_done].price
    rows[supplier_done].price *= 1.18
    columns = tuple(name for name in HEADER if name != "参考价")
    frame = found(table.write(tmp_path_factory.mktemp("prices") / "a.csv", columns))
    return Spoiled(few_peers, dear_anyway, supplier_done, frame)


def test_a_clear_excess_counts_among_few_peers_too(spoiled: Spoiled) -> None:
    assert at(spoiled.frame, line_of(spoiled.few_peers))["test"].to_list() == ["peer"]


def test_a_line_high_among_peers_is_found_when_it_is_unusual_for_its_canteen(spoiled: Spoiled) -> None:
    assert at(spoiled.frame, line_of(spoiled.dear_anyway))["tests"].to_list() == ["peer,history"]


def test_lines_of_a_supplier_that_took_too_much_for_fewer_than_30_are_told_one_by_one(tmp_path: Path) -> None:
    table = PriceRows.honest(5)
    week = DAYS[10].isocalendar().week
    dear = [
        n
        for n, row in enumerate(table.rows)
        if row.supplier == "供应商7" and row.day.isocalendar().week == week
    ]
    for n in dear:
        table.rows[n].price *= 1.5
    frame = found(table.write(tmp_path / "a.csv"))
    assert len(dear) < 30
    told = frame.filter(pl.col("kind").is_in(["line", "item"]))["lines"].str.split(",").explode()
    assert len({line_of(n) for n in dear} & set(told)) >= 0.8 * len(dear)


def test_a_supplier_finding_explains_no_week_in_which_it_took_nothing(spoiled: Spoiled) -> None:
    supplier = spoiled.frame.filter(pl.col("kind") == "supplier")
    assert set(supplier["supplier"]) == {"供应商7"}
    assert at(spoiled.frame, line_of(spoiled.supplier_done))["test"].to_list() == ["over_quotation"]


def test_a_supplier_that_raises_its_prices_is_found_against_its_own_past(tmp_path: Path) -> None:
    table = PriceRows.honest(6)
    for row in table.rows:
        if row.supplier == "供应商0" and row.day.month == 10:
            row.price *= 1.25
    frame = found(table.write(tmp_path / "a.csv"))
    raised = frame.filter(pl.col("kind") == "supplier")
    assert raised["supplier"].to_list() == ["供应商0"]
    assert "supplier_rise" in raised["tests"].item()
    # Of its 70 dear lines hardly one is said again.
    assert frame.height - raised.height <= 1


def test_a_price_that_stays_while_the_market_falls_is_found(tmp_path: Path) -> None:
    table = PriceRows.honest(7)
    for row in table.rows:
        if row.item == "菜3" and row.day >= DAYS[12] and row.canteen != "食堂4":
            row.price *= 0.85
    frame = found(table.write(tmp_path / "a.csv"))
    lagging = frame.filter(pl.col("tests").str.contains("not_following"))
    assert set(lagging.select("item", "buyer").rows()) == {("菜3", "食堂4")}
    assert frame.filter(pl.col("buyer") != "食堂4").height == 0


def test_a_quotation_given_anew_at_the_old_price_does_not_follow_a_falling_market(tmp_path: Path) -> None:
    """One line before the fall and one in its second week: too few for chance's bound, but the quotation is exact."""
    table = PriceRows.honest(7)
    own = [row for row in table.rows if (row.item, row.canteen) == ("菜3", "食堂4")]
    table.rows = [row for row in table.rows if (row.item, row.canteen) != ("菜3", "食堂4")]
    for row in table.rows:
        if row.item == "菜3" and row.day >= DAYS[9]:
            row.price *= 0.85
    table.rows += [replace(own[0], day=day, quote=own[0].price * 1.05) for day in (DAYS[5], DAYS[16])]
    frame = found(table.write(tmp_path / "a.csv"))
    assert frame.select("lines", "test").rows() == [(line_of(len(table.rows) - 1), "not_following")]


@pytest.mark.parametrize("size", [1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
def test_overpricing_is_never_called_a_unit_mix_up(tmp_path: Path, size: float) -> None:
    table = PriceRows.honest(8)
    chosen = [table.index(f"食堂{n}", 30 + n) for n in range(10)]
    for n in chosen:
        table.rows[n].price *= size
    assert "unit" not in set(found(table.write(tmp_path / "a.csv"))["kind"])


@pytest.mark.parametrize("factor", [2, 0.5, 20])
def test_a_wrong_unit_is_never_called_overpricing(tmp_path: Path, factor: float) -> None:
    table = PriceRows.honest(10)
    for row in table.rows:
        row.qty = 20
    chosen = [table.index(f"食堂{n}", 30 + n) for n in range(10)]
    for n in chosen:
        table.rows[n].price *= factor
        table.rows[n].qty /= factor
    kinds = set(found(table.write(tmp_path / "a.csv"))["kind"])
    assert kinds == {"unit"}


def test_a_price_per_jin_is_the_same_price(tmp_path: Path) -> None:
    table = PriceRows.honest(1)
    for row in table.rows[::3]:
        row.price, row.qty, row.unit = row.price / 2, row.qty * 2, "斤"
    assert found(table.write(tmp_path / "a.csv")).height == 0


def test_a_table_of_days_items_and_prices_is_enough_and_says_what_was_not_tested(tmp_path: Path) -> None:
    table = PriceRows.honest(2)
    spike = len(table.rows) // 2
    table.rows[spike].price *= 2.6
    path = table.write(tmp_path / "a.csv", ("日期", "品名", "单价"))
    result = price_file.find(path, lambda _: None)
    assert result.frame["lines"].to_list() == [line_of(spike)]
    assert {test for test, _ in result.not_run} == {
        "over_limit", "over_quotation", "no_quotation", "reference", "supplier", "supplier_rise", "excess_yuan",
    }  # fmt: skip


def test_rows_that_cannot_be_read_are_counted_with_their_lines(tmp_path: Path) -> None:
    table = PriceRows.honest(3)
    path = table.write(tmp_path / "a.csv")
    lines = path.read_text("utf8").splitlines()
    lines[4] = lines[4].replace(lines[4].split(",")[3], "面议")
    lines[9] = lines[9].replace("2026-09-01", "九月一日")
    path.write_text("\n".join(lines) + "\n", "gb18030")
    result = price_file.find(path, lambda _: None)
    assert (result.table.rows, result.tested, result.unread) == (
        len(table.rows),
        len(table.rows) - 2,
        [5, 10],
    )


def test_what_is_no_table_of_prices_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("日期,品名\n2026-09-01,白菜\n", "utf8")
    with pytest.raises(Refused, match="price 可写作 price、unit_price、单价"):
        price_file.find(path, lambda _: None)
    path.write_text("日期,品名,单价\n九月,白菜,面议\n", "utf8")
    with pytest.raises(Permanent, match="没有一行"):
        price_file.find(path, lambda _: None)


def test_the_unit_may_stand_in_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"2026-09-{day:02d},白菜,{2 * math.exp(0.01 * (day % 3)):.2f}" for day in range(1, 31)]
    path.write_text("日期,品名,均价（元/斤）\n" + "\n".join(rows) + "\n", "utf8")
    result = price_file.find(path, lambda _: None)
    assert (result.table.columns["price"], result.table.unit, result.frame.height) == (
        "均价（元/斤）",
        "斤",
        0,
    )
