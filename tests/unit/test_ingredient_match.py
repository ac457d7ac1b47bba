"""Item names to ingredients: aliases and qualifiers, packs, and what is never taken for something else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingest.simulator import catalogue
from pipelines.cli.app import main
from pipelines.linkage import ingredients, units
from pipelines.prices import references
from warehouse import delta, settings
from warehouse.tables import SILVER

LIBRARY = pl.DataFrame(
    {
        "ingredient_id": catalogue.IDS,
        "ingredient_name": catalogue.NAMES,
        "base_unit": catalogue.BASE_UNITS,
    }
)
NAMES = dict(zip(catalogue.IDS, catalogue.NAMES, strict=True))


def match(*items: tuple[str, str, str]) -> list[dict]:
    frame = pl.DataFrame(items, ["item_name", "spec", "unit"], orient="row").with_columns(read_as="item_name")
    found = {row["item_name"]: row for row in ingredients.match(frame, LIBRARY).to_dicts()}
    return [found[name] for name, _, _ in items]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("西红柿", "西红柿"),
        ("番茄", "西红柿"),
        ("马铃薯", "土豆"),
        ("洋芋", "土豆"),
        ("包菜", "圆白菜"),
        ("卷心菜", "圆白菜"),
        ("圆白菜（扁）", "圆白菜"),
        ("本地 菠菜", "菠菜"),
        ("特级番茄(1)", "西红柿"),
        ("净藕（2）", "莲藕"),
        ("红皮葱头", "洋葱"),
        ("茄子（份）", "茄子"),
        ("五花肉（瘦）", "猪五花肉"),
        ("\ufeff国产带鱼", "带鱼"),
    ],
)
def test_names_that_mean_the_same(written: str, meant: str) -> None:
    (row,) = match((written, "", "kg"))
    assert (row["state"], NAMES[row["ingredient_id"]], row["factor"]) == ("matched", meant, Decimal(1))
    assert row["score"] > 0.9


@pytest.mark.parametrize(
    "written",
    ["小白菜", "羊肝", "鸭腿", "腊牛肉", "干豆角", "辣椒油", "鸡腿菇", "小米椒", "苹果芒", "面条菜", "紫菜苔", "大白菜秧", "牛奶枣",
     "蔬菜均价", "玉米", "猪牛肉丸"],
)  # fmt: skip
def test_other_foods_are_never_matched(written: str) -> None:
    (row,) = match((written, "", "kg"))
    assert row["state"] != "matched"
    assert row["reason"]


@pytest.mark.parametrize(
    ("written", "never"), [("猪肉", "牛肉"), ("羊排骨", "猪排骨"), ("鸭肝", "猪肝"), ("鸡蛋", "鸭蛋")]
)
def test_one_animal_is_not_even_proposed_for_another(written: str, never: str) -> None:
    (row,) = match((written, "", "kg"))
    assert NAMES.get(row["ingredient_id"]) != never


def test_vague_and_frozen_names_are_a_steward_s_question() -> None:
    cabbage, pork, frozen = match(("白菜", "", "斤"), ("猪肉", "", "斤"), ("冻鸡腿", "", "斤"))
    assert (cabbage["state"], NAMES[cabbage["ingredient_id"]]) == ("doubtful", "大白菜")
    assert pork["state"] == "doubtful"
    assert (frozen["state"], NAMES[frozen["ingredient_id"]]) == ("doubtful", "鸡腿")
    assert "冻品" in frozen["reason"]


def test_of_two_ingredients_of_one_name_the_first_registered_counts() -> None:
    double = pl.concat(
        [
            LIBRARY,
            pl.DataFrame({"ingredient_id": ["SC0000"], "ingredient_name": ["大米"], "base_unit": ["kg"]}),
        ]
    )
    frame = pl.DataFrame({"item_name": ["大米"], "spec": [""], "unit": ["kg"], "read_as": ["大米"]})
    assert ingredients.match(frame, double)["ingredient_id"].to_list() == ["SC0000"]


@pytest.mark.parametrize(
    ("unit", "spec", "base_unit", "factor"),
    [
        ("斤", "", "kg", "0.5"),
        ("两", "", "kg", "0.05"),
        ("吨", "", "kg", "1000"),
        ("ml", "", "L", "0.001"),
        ("袋", "25kg/袋", "kg", "25"),
        ("袋", "25KG", "kg", "25"),
        ("件", "5L*4", "L", "20"),
        ("箱", "500g×20袋/箱", "kg", "10"),
        ("袋", "500g×20袋/箱", "kg", "0.5"),
        ("箱", "20袋*500克", "kg", "10"),
        ("桶", "5升/桶", "L", "5"),
        ("包", "10斤装", "kg", "5"),
        ("盒", "30枚/盒", "个", "30"),
        ("个", "", "个", "1"),
        ("件", "", "件", "1"),
    ],
)
def test_units_and_packs(unit: str, spec: str, base_unit: str, factor: str) -> None:
    found = units.factor(unit, spec, "某物", base_unit)
    assert (found.value, found.why) == (Decimal(factor), "")


@pytest.mark.parametrize(
    ("unit", "spec", "base_unit"),
    [
        ("箱", "", "kg"),
        ("箱", "普通", "kg"),
        ("条", "200-300g", "kg"),
        ("条", "500g左右", "kg"),
        ("桶", "5L*4", "L"),  # one of the four, or all?
        ("桶", "5L", "kg"),
        ("kg", "", "L"),
        ("kg", "", "个"),
        ("担", "", "kg"),
    ],
)
def test_a_factor_that_is_not_certain_is_none_and_says_why(unit: str, spec: str, base_unit: str) -> None:
    found = units.factor(unit, spec, "某物", base_unit)
    assert found.value is None
    assert found.why


def test_a_pack_size_may_stand_in_the_name() -> None:
    (row,) = match(("大米25kg", "", "袋"))
    assert (row["state"], row["factor"]) == ("matched", Decimal(25))
    (unknown,) = match(("面粉", "", "袋"))
    assert (unknown["state"], unknown["factor"]) == ("doubtful", None)


def test_a_unit_error_is_told_from_a_price_error() -> None:
    ratios = pl.DataFrame({"ratio": [2.0, 0.5, 1.95, 10.0, 20.0, 0.05, 25.0, 1.1, 1.15, 1.4, 1.6, 0.7, 1.0]})
    said = ratios.select(units.ratio_says(pl.col("ratio"), pl.lit(25.0))).to_series().to_list()
    assert said == ["unit"] * 7 + ["price"] * 5 + [None]


def quotes(*rows: dict) -> pl.DataFrame:
    default = {
        "source_code": "commerce_weekly", "price_kind": "wholesale", "place": "岳阳市", "item_name": "猪前腿肉", "unit": "kg",
        "confidence": "A", "reported_at": dt.datetime(2026, 3, 1, tzinfo=dt.UTC), "_provider": "commerce", "_file": "f",
        "_arrival_date": dt.date(2026, 3, 1)}  # fmt: skip
    columns = SILVER["price_reference"]
    made = [{**default, "record_no": f"R{n}", "_row": n, **row} for n, row in enumerate(rows)]
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in made], schema=columns)


def weekly(*prices: float, **more: object) -> list[dict]:
    first = dt.date(2026, 1, 5)
    return [
        {"valid_from": first + dt.timedelta(7 * n), "unit_price": Decimal(str(price)), **more}
        for n, price in enumerate(prices)
    ]


def test_a_shifted_quote_is_bad_and_its_twin_of_the_day_is_not() -> None:
    rows = weekly(18, 18.2, 18.4, 18.3, 183, 18.1, 18, 17.9)
    twin = {**rows[4], "unit_price": Decimal("18.3"), "record_no": "twin"}
    found = references.judged(quotes(*rows))
    assert found.select("record_no", "fault", "is_bad").rows() == [("R4", "decimal_shift", True)]
    assert float(found["expected_price"][0]) == pytest.approx(18.2, abs=0.3)
    both = references.judged(quotes(*rows, twin))
    assert "twin" not in both.filter("is_bad")["record_no"]


def test_a_change_that_the_prices_do_not_show_is_told_not_taken() -> None:
    right = weekly(18.8, 17.4)
    right[1]["change_pct"] = Decimal("-7.44")
    assert references.judged(quotes(*right)).height == 0
    wrong = weekly(18.8, 17.4)
    wrong[1]["change_pct"] = Decimal("7.44")
    found = references.judged(quotes(*wrong))
    assert found.select("record_no", "fault", "is_bad").rows() == [("R1", "change_contradicts", False)]
    assert float(found["expected_price"][0]) == pytest.approx(20.2, abs=0.01)
    gone = [wrong[0], {**wrong[1], "valid_from": dt.date(2026, 2, 9)}]  # weeks between are missing
    assert references.judged(quotes(*gone)).height == 0


def test_the_step_writes_once_and_touches_only_what_changed(tmp_path: Path) -> None:
    home = settings.load(tmp_path / "home")
    prices = weekly(18, 18.2, 183, 18.1, 18, 17.9)

    def keep(name: str, frame: pl.DataFrame) -> None:
        delta.replace(
            home.table(f"silver.{name}"), [frame], SILVER[name], period=None, partition=None,
            commit_id=f"{name}{delta.version(home.table(f'silver.{name}'))}",
        )  # fmt: skip

    def run() -> dict[str, int]:
        return references.run(home, lambda _: None, lambda _: None)

    assert run() == {"names": 0, "doubtful_quotes": 0}  # nothing there yet
    library = LIBRARY.with_columns(
        category=pl.lit("meat"), reported_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC), _provider=pl.lit("city"),
        _file=pl.lit("f"), _row=pl.lit(1), _arrival_date=dt.date(2026, 1, 1),
    )  # fmt: skip
    keep("ingredient", library.select(*SILVER["ingredient"]))
    keep("price_reference", quotes(*prices))
    assert run() == {"names": 1, "doubtful_quotes": 1}
    version = delta.version(home.table("silver.price_judgement"))
    assert run() == {"names": 0, "doubtful_quotes": 0}  # nothing changed
    assert delta.version(home.table("silver.price_judgement")) == version
    later = {"valid_from": dt.date(2026, 3, 2), "unit_price": Decimal(9), "item_name": "番茄", "unit": "斤"}
    keep("price_reference", quotes(*prices, later))
    assert run()["names"] == 2
    assert delta.touched_since(home.table("silver.match_ingredient"), 0) == {">=2026-03-02"}
    assert delta.touched_since(home.table("silver.price_judgement"), version) == frozenset()
    held = delta.read(home.table("silver.match_ingredient"), SILVER["match_ingredient"])
    assert held.select("item_name", "state", "factor").sort("item_name").rows() == [
        ("猪前腿肉", "matched", Decimal(1)),
        ("番茄", "matched", Decimal("0.5")),
    ]


def test_an_item_number_is_matched_by_the_name_that_its_provider_gives_it(tmp_path: Path) -> None:
    home = settings.load(tmp_path / "home")
    keys = pl.DataFrame(
        {"entity": ["ingredient"], "source_key": ["1029"], "target_code": [None], "name": ["本地番茄(1)"], "unit": [None],
         "_provider": ["commerce"]}
    )  # fmt: skip
    found = references._matches(quotes(*weekly(5, item_name="1029")), keys, LIBRARY)
    assert found.select("item_name", "read_as", "state").rows() == [("1029", "本地番茄(1)", "matched")]
    assert home.home.exists()


def test_a_table_of_names_is_linked_to_a_list_row_by_row(tmp_path: Path) -> None:
    left, right, out = (tmp_path / name for name in ("left.csv", "right.csv", "out.csv"))
    left.write_text("品名,单位\n番茄,斤\n牛肉丸,公斤\n,公斤\n番茄,斤\n", "utf8")
    right.write_text("食材名称,单位\n土豆,公斤\n西红柿,公斤\n", "utf8")
    common = ["--out", str(out), "--home", str(tmp_path / "home")]
    assert main(["link", str(left), str(right), "--kind", "ingredient", *common]) == 0
    found = pl.read_csv(out).select("line", "linked_id", "factor", "state").rows()
    assert found == [(2, 3, 0.5, "matched"), (3, None, None, "unmatched"), (4, None, None, "unmatched"),
                     (5, 3, 0.5, "matched")]  # fmt: skip
    assert main(["link", str(left), str(right), "--kind", "person", *common]) == 2
