"""A steward and messages: a fault is put right, a contested number is settled, once and for all."""

import json
from pathlib import Path

import polars as pl
import pytest
from device_rows import SCALE

from pipelines import receiving, stewardship
from pipelines.silver import door
from warehouse import delta, settings
from warehouse.settings import Settings
from warehouse.tables import FEEDS, QUARANTINE

DIALECT = {
    "msgId": "record_no", "deviceNo": "device_id", "goodsName": "item_name", "goodsCode": "ingredient_id",
    "grossWeight": "gross_kg", "tareWeight": "tare_kg", "netWeight": "net_kg", "orderNo": "order_no",
    "weighTime": "measured_at", "uploadTime": "reported_at"}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return settings.load(tmp_path / "home")


def deliver(home: Settings, name: str, *changes: dict[str, str]) -> None:
    """A file of weighings through the door."""
    rows = [SCALE | change for change in changes]
    lines = [{theirs: row[ours] for theirs, ours in DIALECT.items()} for row in rows]
    file = home.scratch / f"{name}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf8")
    assert receiving.paths(home, [file], "scales", lambda _: None)["status"].to_list() == ["received"]
    door.run(home, lambda _: None, lambda _: None)


def held(home: Settings) -> dict[str, str]:
    feed = FEEDS["scale_reading"]
    rows = delta.read(home.table(feed.table), feed.columns).select("record_no", "item_name").sort("record_no")
    return dict(rows.iter_rows())


def waiting(home: Settings) -> list[str]:
    rows = delta.read(home.table("silver.quarantine"), QUARANTINE).filter(pl.col("state") == "open")
    return [f"{row['_file'][:12]}:{row['_row']}" for row in rows.sort("record_no").iter_rows(named=True)]


def test_a_missing_tare_is_put_right_long_after_it_was_weighed(home: Settings) -> None:
    deliver(home, "a", {"record_no": "m1", "tare_kg": ""}, {"record_no": "m2"})
    assert (held(home), len(waiting(home))) == ({"m2": "大白菜"}, 1)
    stewardship.release(home, waiting(home)[0], by="李", reason="补皮重", changes={"tare_kg": "0.5"})
    door.run(home, lambda _: None, lambda _: None)
    assert (held(home), waiting(home)) == ({"m1": "大白菜", "m2": "大白菜"}, [])


def test_a_contested_number_found_files_later_leaves_silver_until_it_is_settled(home: Settings) -> None:
    deliver(home, "a", {"record_no": "m1"}, {"record_no": "m2"})
    assert held(home) == {"m1": "大白菜", "m2": "大白菜"}
    deliver(home, "b", {"record_no": "m1", "item_name": "萝卜"})
    assert (held(home), len(waiting(home))) == ({"m2": "大白菜"}, 2)
    deliver(home, "c", {"record_no": "m1", "reported_at": "2026-09-01 06:31:00"})
    assert (held(home), len(waiting(home))) == ({"m2": "大白菜"}, 3)
    row = next(one for one in waiting(home) if stewardship.show(home, one)["内容"]["品名"] == "萝卜")
    stewardship.release(home, row, by="李", reason="核对送货单")
    door.run(home, lambda _: None, lambda _: None)
    assert (held(home), waiting(home)) == ({"m1": "萝卜", "m2": "大白菜"}, [])
