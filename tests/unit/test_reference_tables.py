"""Market tables become price references: units in names, blanks, contradictions; every row accounted for."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import real_data

from ingest import inspect
from pipelines import accounting, receiving
from pipelines.silver import door
from warehouse import delta, settings
from warehouse.settings import Settings
from warehouse.tables import SILVER

PRICES = ("tabular", "B_no_licence_stated", "prices")
HEADER = "品名,最低价,平均价,最高价,规格,单位,发布日期"


def take(home: Settings, provider: str, *files: Path) -> list[dict]:
    receipts = receiving.paths(home, files, provider, lambda _: None)
    door.run(home, lambda _: None, lambda _: None)
    return accounting.by_file(home, receipts).to_dicts()


def silver(home: Settings, table: str) -> pl.DataFrame:
    return delta.read(home.table(f"silver.{table}"), SILVER[table])


def conserved(account: dict) -> bool:
    parts = ("accepted", "quarantined", "duplicate", "superseded")
    return account["rows"] == sum(account[part] for part in parts)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings.load(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        ("market_veg", "XinFDVeg_slice_20130610_20141231.csv"),
        ("market_fruit", "XinFDFruit - 2016-5-5.csv"),
        ("commerce", "cumcm2023c_wholesale_20200701_20220630.csv"),
    ],
)
def test_real_series_load_with_every_row_accounted_for(home: Settings, provider: str, name: str) -> None:
    path = real_data.folder(*PRICES) / name
    raw = pl.read_csv(path, infer_schema=False)
    (account,) = take(home, provider, path)
    assert account["status"] == "received"
    assert account["rows"] == raw.height
    assert conserved(account)
    if "平均价" not in raw.columns:
        assert account["accepted"] == raw.height
        return
    low, price, high = (
        raw[column].cast(pl.Float64, strict=False) for column in ("最低价", "平均价", "最高价")
    )
    sound = (price > 0) & (low <= price) & (price <= high)
    named = raw.filter(sound.fill_null(value=False))
    assert account["quarantined"] == raw.height - named.height
    assert account["duplicate"] == named.height - named.n_unique()
    rejected = silver(home, "quarantine").filter(pl.col("provider") == provider)
    assert rejected.height == account["quarantined"]
    assert rejected["rules"].str.len_chars().min() > 0
    assert rejected["rules"].str.contains("price_positive").sum() == (price == 0).sum()


def test_the_workbook_of_a_series_is_read_like_its_table(home: Settings) -> None:
    path = real_data.folder(*PRICES) / "XinFDFruit - 2016-5-3.xlsx"
    (account,) = take(home, "market_fruit", path)
    assert (account["status"], account["rows"]) == ("received", 79450)
    assert conserved(account)


def test_item_numbers_of_a_series_are_named_by_its_own_list(home: Settings) -> None:
    path = real_data.folder(*PRICES) / "cumcm2023c_附件1_品类.xlsx"
    (account,) = take(home, "commerce", path)
    assert account["accepted"] == account["rows"] == 251
    assert silver(home, "provider_key")["name"].null_count() == 0


def test_a_workbook_of_another_table_is_refused_with_what_differs(home: Settings) -> None:
    """Its second sheet is hidden, so nobody sees it and nobody delivers it."""
    (account,) = take(home, "commerce", real_data.folder(*PRICES) / "cumcm2023c_附件4_损耗率.xlsx")
    assert account["status"] == "refused"
    assert "损耗率" in account["message"]


def table(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "table.csv"
    path.write_text("\n".join([header, *lines, ""]), "utf-8-sig")
    return path


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    return settings.load(tmp_path / "home")


def test_units_hidden_in_names_and_prices(own: Settings, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "土豆,0.8,1,1.2,普通,斤,2026-03-02",
        "葵花盘/个,2,3,4,普通,斤,2026-03-02",
        "净膛鹌鹑（只）,2,3,4,普通,斤,2026-03-02",
        "大鸽蛋,2（个）,3（个）,4（个）,普通,斤,2026-03-02",
    )
    (account,) = take(own, "market_veg", path)
    assert (account["accepted"], account["quarantined"]) == (3, 1)
    assert silver(own, "price_reference").sort("_row").select("item_name", "unit").rows() == [
        ("土豆", "斤"),
        ("葵花盘/个", "个"),
        ("净膛鹌鹑（只）", "只"),
    ]
    assert "unit_price|dtype" in silver(own, "quarantine")["rules"][0]


def test_a_contradiction_stands_twice_and_a_repetition_once(own: Settings, tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "土豆,0.8,1,1.2,普通,斤,2026-03-02 00:00:00",
        "土豆,0.8,1,1.2,普通,斤,2026-03-02",
        "土豆,0.9,1.1,1.3,普通,斤,2026-03-02",
        ",,,,,,",
        "大豆,3,2,1,普通,斤,2026-03-02",
        "小豆,0,0,0,普通,斤,2026-03-02",
    )
    (account,) = take(own, "market_veg", path)
    assert (account["rows"], account["accepted"], account["duplicate"], account["quarantined"]) == (
        6,
        2,
        1,
        3,
    )
    assert silver(own, "price_reference")["unit_price"].sort().to_list() == [Decimal("1"), Decimal("1.1")]


def test_a_name_too_long_for_a_key_is_still_taken(own: Settings, tmp_path: Path) -> None:
    long = "特级精选礼盒装高山有机娃娃菜（产地直供）"
    path = table(tmp_path, f"{long},1,2,3,普通,斤,2026-03-02", f"{long},1,2.5,3,普通,斤,2026-03-02")
    (account,) = take(own, "market_veg", path)
    assert (account["accepted"], account["quarantined"]) == (2, 0)


def test_a_table_with_the_place_of_production(own: Settings, tmp_path: Path) -> None:
    header = "品名,最低价,平均价,最高价,规格,产地,单位,发布日期"
    path = table(tmp_path, "大白菜,0.8,1,1.2,25kg/袋,湘阴,公斤,2026-03-02", header=header)
    (account,) = take(own, "commerce", path)
    assert account["accepted"] == 1
    (row,) = silver(own, "price_reference").to_dicts()
    assert (row["source_code"], row["spec"], row["unit"]) == ("market", "25kg/袋", "公斤")
    assert (row["price_kind"], row["valid_from"]) == ("wholesale", dt.date(2026, 3, 2))


def book(path: Path, *sheets: list[list]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for number, rows in enumerate(sheets):
        sheet = workbook.create_sheet(f"S{number}")
        for row in rows:
            sheet.append(row)
    workbook.save(path)
    return path


def test_cells_of_a_workbook_are_what_a_reader_sees(own: Settings, tmp_path: Path) -> None:
    rows = [HEADER.split(","), ["土豆", 1, 1.05, 1.1, "普通", "斤", dt.date(2026, 3, 2)], [None] * 7]
    (account,) = take(own, "market_veg", book(tmp_path / "t.xlsx", rows, []))
    assert (account["rows"], account["accepted"]) == (1, 1)
    (row,) = silver(own, "price_reference").to_dicts()
    assert (row["low_price"], row["unit_price"], row["high_price"]) == (
        Decimal("1"),
        Decimal("1.05"),
        Decimal("1.1"),
    )
    found = inspect.inspect(tmp_path / "t.xlsx")
    assert [one["layout"] for one in found["files"]] == ["market.xinfadi"]


def test_a_standard_file_may_lack_the_later_column(own: Settings, tmp_path: Path) -> None:
    columns = [
        name for name in SILVER["price_reference"] if not name.startswith("_") and name != "change_pct"
    ]
    values = dict.fromkeys(columns, "") | {
        "record_no": "T1", "source_code": "tender", "price_kind": "中标价", "place": "岳阳市", "item_name": "大米",
        "unit": "kg", "unit_price": "4.9", "valid_from": "2026-03-01", "confidence": "S",
        "reported_at": "2026-02-20 09:00:00"}  # fmt: skip
    path = table(tmp_path, ",".join(values[name] for name in columns), header=",".join(columns))
    (account,) = take(own, "commerce", path)
    assert account["accepted"] == 1
    assert silver(own, "price_reference")["price_kind"].to_list() == ["tender"]
