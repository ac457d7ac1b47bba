"""Layouts are recognised by their header set; mappings are exact; wrong YAML is refused."""

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import polars as pl
import pytest
import yaml
from deliveries import header
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ingest import layouts, providers
from ingest.mapping import Column, Where
from warehouse import vocabulary
from warehouse.errors import Permanent, Refused
from warehouse.tables import FEEDS


def evaluate(column: dict, **values: list[str | None]) -> list[str | None]:
    frame = pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name, cells in values.items()})
    return frame.select(Column.model_validate(column).expression()).to_series().to_list()


@pytest.mark.parametrize("feed", list(FEEDS))
def test_each_feed_is_recognised_by_names_and_by_labels_in_any_order(feed: str) -> None:
    names = header(feed)
    labels = [vocabulary.LABELS[name] for name in names]
    for given_header in (names, labels, names[::-1]):
        match = layouts.recognise(given_header, [layouts.STANDARD])
        assert match.layout.name == feed
        assert match.is_shuffled == (given_header == names[::-1])
    assert match.names == names[::-1]


def test_width_and_blanks_of_a_header_do_not_matter() -> None:
    labels = [
        f" {vocabulary.LABELS[name]} ".replace("（", "(").replace("）", ")") for name in header("refund")
    ]
    assert layouts.recognise(labels, [layouts.STANDARD]).layout.name == "refund"


def test_an_unknown_header_names_what_differs_from_the_nearest() -> None:
    names = [*header("refund")[1:], "extra"]
    with pytest.raises(Refused, match=r"refund.*缺少列 record_no.*多出列 extra") as caught:
        layouts.recognise(names, [layouts.STANDARD])
    assert caught.value.code == "unknown_layout"


def test_a_header_that_is_data_is_not_repeated_in_the_message() -> None:
    with pytest.raises(Refused) as caught:
        layouts.recognise(["430602201501011234", "王小明"], [layouts.STANDARD])
    assert "4306" not in str(caught.value)
    assert "王" not in str(caught.value)


def test_a_repeated_column_is_refused() -> None:
    with pytest.raises(Refused, match="重复"):
        layouts.recognise([*header("refund"), "record_no"], [layouts.STANDARD])


def test_pseudonyms_are_taken_from_releases_only() -> None:
    names = list(FEEDS["refund"].contract.columns())
    assert layouts.recognise(names, [layouts.RELEASE]).layout.name == "refund"
    with pytest.raises(Refused, match="person_no"):
        layouts.recognise(names, [layouts.STANDARD])


def test_the_forms_of_a_mapping() -> None:
    assert evaluate({"from": "a"}, a=["x", None]) == ["x", None]
    assert evaluate({"from": "a", "prefix": "school:"}, a=["7", None]) == ["school:7", None]
    assert evaluate({"from": "a", "part": "date"}, a=["2026-09-01 10:00:00", "2026/9/1T1", "bad"]) == [
        "2026-09-01",
        "2026/9/1",
        "bad",
    ]
    choice = {"from": "a", "map": [{"contains": "教师", "value": "t"}, {"contains": "餐", "value": "m"}]}
    assert evaluate({**choice, "otherwise": "o"}, a=["教师餐", "午餐", "?", None]) == ["t", "m", "o", None]


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=3)


@given(quantity=AMOUNTS, price=st.decimals(min_value=0, max_value=10**6, places=6))
def test_a_product_is_half_up_to_the_cent(quantity: Decimal, price: Decimal) -> None:
    exact = (quantity * price).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert evaluate({"product": ["q", "p"]}, q=[str(quantity)], p=[str(price)]) == [str(exact)]


def test_a_product_of_no_numbers_is_blank() -> None:
    cells = {"q": ["x", None, "1e3", "1.5", "-1.005"], "p": ["1", "1", "1", "", "1"]}
    assert evaluate({"product": ["q", "p"]}, **cells) == [None, None, None, None, "-1.01"]


def test_a_blank_cell_equals_nothing() -> None:
    frame = pl.DataFrame({"a": ["期初", "采购", None]})
    assert frame.select(Where(column="a", equals="期初").expression())["a"].to_list() == [True, False, False]
    assert frame.select(Where(column="a", not_equals="期初").expression())["a"].to_list() == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "column",
    [
        {},
        {"from": "a", "value": "x"},
        {"value": "x", "prefix": "y"},
        {"from": "a", "otherwise": "x"},
        {"from": "a", "typo": 1},
    ],
)
def test_a_mapping_that_says_too_little_or_too_much_is_refused(column: dict) -> None:
    with pytest.raises(ValidationError):
        Column.model_validate(column)


def platform() -> dict:
    columns = {name: {"from": name} for name in FEEDS["ingredient"].contract.columns()}
    table = {"name": "t", "columns": list(columns), "feeds": [{"feed": "ingredient", "columns": columns}]}
    return {"source": "other", "label": "另一平台", "tables": [table]}


def write(folder: Path, content: dict) -> Path:
    path = folder / "other" / "tables.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.requirement("S0-137")
def test_a_further_platform_is_a_yaml_file(tmp_path: Path) -> None:
    assert layouts.read(write(tmp_path, platform())).tables[0].name == "t"


@pytest.mark.parametrize("wrong", ["unknown key", "column of no feed", "missing column", "same header"])
def test_a_wrong_source_file_is_refused(wrong: str, tmp_path: Path) -> None:
    content = platform()
    table = content["tables"][0]
    if wrong == "unknown key":
        table["comment"] = "x"
    elif wrong == "column of no feed":
        table["feeds"][0]["columns"]["reported_at"] = {"from": "nowhere"}
    elif wrong == "missing column":
        del table["feeds"][0]["columns"]["reported_at"]
    else:
        content["tables"].append({**table, "name": "u"})
    with pytest.raises(Permanent, match="不正确"):
        layouts.read(write(tmp_path, content))


def test_every_unit_of_the_city_has_a_provider_and_pingjiang_a_second_one() -> None:
    known = providers.load_all()
    assert sum(bool(one.counties) for one in known.values()) == 13
    assert len({county for one in known.values() for county in one.counties}) == 12
    assert known["city"].counties == []
    assert known["pingjiang"].sources == ["supervisor"]
    delivered = set(known["pingjiang"].feeds) | set(known["pingjiang_card"].feeds) - {"provider_key"}
    assert set(known["huarong"].feeds) == delivered - {"provider_key"}


@pytest.mark.parametrize(
    "change", [{"extra": 1}, {"feeds": ["nothing"]}, {"source": "nowhere"}, {"duties": ["org"]}]
)
def test_a_wrong_provider_file_is_refused(change: dict, tmp_path: Path) -> None:
    good = yaml.safe_load((providers.FOLDER / "yunxi.yaml").read_text("utf8"))
    path = tmp_path / "yunxi.yaml"
    path.write_text(yaml.safe_dump(good | change))
    with pytest.raises(Permanent, match="yunxi"):
        providers.read(path)


def test_an_unknown_provider_is_told_the_known_ones() -> None:
    with pytest.raises(Permanent, match="pingjiang_card"):
        providers.get("nobody")
