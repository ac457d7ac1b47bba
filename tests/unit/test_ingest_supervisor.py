"""The dialect ``supervisor``: golden rows of each of its tables."""

import csv
import io
from pathlib import Path

import polars as pl
import pytest

from ingest import layouts, reading
from ingest.masking import Masker
from warehouse.errors import Refused

COLUMNS = {table.name: table.columns for table in layouts.load_all()["supervisor"].tables}
FEEDS = ["provider_key", "purchase", "stock_move", "stocktake"]
AT = "2026-09-01 10:20:30"
INBOUND = {
    "id": "1",
    "school_id": "5",
    "product_id": "70",
    "qty": "12.345",
    "supplier_id": "30",
    "at": AT,
    "source": "采购",
    "doc_no": "D1",
    "canteen_id": "9",
    "unit_price": "3.30",
    "created_by": "王小明",
}
OUTBOUND = {
    "id": "1",
    "school_id": "5",
    "product_id": "70",
    "qty": "2",
    "purpose": "午餐",
    "by_who": "王小明",
    "at": AT,
    "canteen_id": "9",
}


def read(folder: Path, table: str, *rows: dict[str, str]) -> tuple[dict, dict[str, pl.DataFrame]]:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS[table], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "content"
    path.write_text(text.getvalue(), "utf8")
    masker = Masker(b"k" * 32, "pingjiang", keeps_pseudonyms=False)
    found = reading.read(path, ["supervisor"], FEEDS, masker, folder / "out")
    return found, {feed: pl.read_ipc(reading.frame_path(folder / "out", feed)) for feed in found["feeds"]}


@pytest.mark.requirement("S0-138")
def test_an_inbound_row_is_an_accepted_purchase(tmp_path: Path) -> None:
    found, frames = read(tmp_path, "inv_inbound", INBOUND)
    assert found["layout"] == "supervisor.inv_inbound"
    assert list(frames) == ["purchase"]
    assert frames["purchase"].to_dicts() == [
        {
            "record_no": "inbound:1",
            "canteen_id": "9",
            "account_kind": "pupil",
            "biz_date": "2026-09-01",
            "order_no": "D1",
            "supplier_uscc": "30",
            "ingredient_id": "70",
            "spec": None,
            "unit": None,
            "ordered_qty": "12.345",
            "accepted_qty": "12.345",
            "rejected_qty": "0",
            "unit_price": "3.30",
            "amount_yuan": "40.74",  # 40.7385
            "accepted_on": "2026-09-01",
            "acceptor_count": None,
            "reported_at": AT,
            "_row": 1,
        }
    ]


def test_opening_stock_is_a_stocktake_with_a_price_and_keeps_its_row(tmp_path: Path) -> None:
    rows = [INBOUND, {**INBOUND, "id": "2", "source": "期初"}, {**INBOUND, "id": "3", "source": ""}]
    found, frames = read(tmp_path, "inv_inbound", *rows)
    assert (found["rows"], found["feeds"]) == (3, {"purchase": 2, "stocktake": 1})
    assert frames["purchase"]["_row"].to_list() == [1, 3]
    assert frames["stocktake"].to_dicts() == [
        {
            "record_no": "inbound:2",
            "canteen_id": "9",
            "account_kind": "pupil",
            "biz_date": "2026-09-01",
            "ingredient_id": "70",
            "counted_qty": "12.345",
            "unit": None,
            "unit_price": "3.30",
            "reported_at": AT,
            "_row": 2,
        }
    ]


@pytest.mark.parametrize(
    ("purpose", "move_kind", "purpose_code"),
    [
        ("午餐", "issue", "pupil_meal"),
        ("教师餐", "issue", "teacher_meal"),
        ("变质报损", "loss", "other"),
        ("退货", "supplier_return", "other"),  # without amount: quarantined by the contract
        ("", None, None),  # quarantined by the contract
    ],
)
def test_the_purpose_of_an_outbound_row_decides_its_kind(
    purpose: str, move_kind: str | None, purpose_code: str | None, tmp_path: Path
) -> None:
    _, frames = read(tmp_path, "inv_outbound", {**OUTBOUND, "purpose": purpose})
    assert frames["stock_move"].to_dicts() == [
        {
            "record_no": "outbound:1",
            "canteen_id": "9",
            "account_kind": "pupil",
            "biz_date": "2026-09-01",
            "ingredient_id": "70",
            "move_kind": move_kind,
            "qty": "2",
            "unit": None,
            "amount_yuan": None,
            "purpose": purpose_code,
            "reported_at": AT,
            "_row": 1,
        }
    ]


def test_a_count_knows_the_school_only(tmp_path: Path) -> None:
    row = {"id": "4", "school_id": "5", "product_id": "70", "prev_qty": "9", "actual_qty": "8.5", "at": AT}
    _, frames = read(tmp_path, "inv_stocktakes", row)
    (found,) = frames["stocktake"].to_dicts()
    assert (found["record_no"], found["canteen_id"], found["counted_qty"], found["unit_price"]) == (
        "stocktake:4",
        "school:5",
        "8.5",
        None,
    )


def test_master_tables_become_provider_keys(tmp_path: Path) -> None:
    keys = ["entity", "source_key", "target_code", "name", "unit", "_row"]
    found, canteens = read(
        tmp_path, "canteens", {"id": "9", "school_id": "5", "name": "一中食堂", "code": "4306260001C1"}
    )
    assert canteens["provider_key"].select(keys).rows() == [
        ("canteen", "9", "4306260001C1", "一中食堂", None, 1),
        ("canteen", "school:5", "4306260001C1", "一中食堂", None, 1),
    ]
    assert (found["rows"], found["feeds"]) == (1, {"provider_key": 2})
    _, products = read(tmp_path, "inv_products", {"id": "70", "name": "大米", "unit": "斤"})
    assert products["provider_key"].select(keys).rows() == [("ingredient", "70", None, "大米", "斤", 1)]
    supplier = {"id": "30", "name": "某公司", "license": "91350100M000100Y43", "contact": "王小明"}
    _, suppliers = read(tmp_path, "inv_suppliers", supplier)
    assert suppliers["provider_key"].select(keys).rows() == [
        ("supplier", "30", "91350100M000100Y43", "某公司", None, 1)
    ]


def test_names_of_people_in_the_dump_are_left_behind(tmp_path: Path) -> None:
    for table, row in {"inv_inbound": INBOUND, "inv_outbound": OUTBOUND}.items():
        _, frames = read(tmp_path, table, row)
        assert all("王小明" not in frame.write_csv() for frame in frames.values())


def test_a_row_that_belongs_to_no_feed_refuses_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = layouts.load_all()["supervisor"]
    inbound = next(table for table in source.tables if table.name == "inv_inbound")
    opening_only = inbound.model_copy(update={"feeds": inbound.feeds[1:]})
    monkeypatch.setitem(
        layouts.load_all(), "supervisor", source.model_copy(update={"tables": [opening_only]})
    )
    with pytest.raises(Refused, match="第 1 行") as caught:
        read(tmp_path, "inv_inbound", INBOUND)
    assert caught.value.code == "unknown_layout"
    why = layouts.Ignored.model_validate(
        {"where": {"column": "source", "not_equals": "期初"}, "reason": "only opening stock is wanted"}
    )
    stated = opening_only.model_copy(update={"ignored": [why]})
    monkeypatch.setitem(layouts.load_all(), "supervisor", source.model_copy(update={"tables": [stated]}))
    found, frames = read(tmp_path, "inv_inbound", INBOUND)
    assert (found["rows"], found["ignored"], frames["stocktake"].height) == (1, 1, 0)
