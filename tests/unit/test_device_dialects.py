"""The dialects of devices: what a vendor's message becomes, and how a device stands for its canteen."""

import csv
import datetime as dt
import io
import json
from pathlib import Path

import polars as pl
import pytest

from ingest import layouts, providers, reading
from ingest.inbox import messages, routes
from ingest.masking import Masker
from pipelines.silver.typing import check
from warehouse.tables import FEEDS

AT = "2026-09-07 06:10:00"
USCC = "91350100M000100Y43"


def posted(tmp_path: Path, provider: str, layout: str, *sent: dict) -> tuple[str, pl.DataFrame]:
    """Messages through the inbox's lines and the layout; the feed and its text rows."""
    (route,) = (one for one in routes.derive(tmp_path) if (one.provider, one.layout) == (provider, layout))
    path = tmp_path / "content.jsonl"
    path.write_bytes(b"".join(line for _, line in messages.lines(route, json.dumps(sent).encode())))
    return taken(tmp_path, provider, path)


def taken(tmp_path: Path, provider: str, path: Path) -> tuple[str, pl.DataFrame]:
    known = providers.get(provider)
    masker = Masker(b"k" * 32, provider, keeps_pseudonyms=False)
    found = reading.read(path, [known.sources[0]], known.feeds, masker, tmp_path / "out")
    (feed,) = found["feeds"]
    return feed, pl.read_ipc(reading.frame_path(tmp_path / "out", feed))


def typed(feed: str, text: pl.DataFrame) -> list[dict]:
    lineage = {"_provider": pl.lit("p"), "_file": pl.lit("f"), "_arrival_date": pl.lit(AT[:10]).str.to_date()}
    checked = check(FEEDS[feed], text.with_columns(_row=pl.col("_row").cast(pl.Int64), **lineage))
    assert checked.rejected.height == 0, checked.rejected["rules"].to_list()
    return checked.accepted.to_dicts()


@pytest.mark.requirement("S0-41")
def test_a_weighing_of_a_smart_scale(tmp_path: Path) -> None:
    sent = {
        "msgId": "W1", "deviceNo": "SC1", "goodsName": "大白菜", "grossWeight": 12.5, "tareWeight": 0.5,
        "netWeight": 12, "orderNo": "O1", "weighTime": AT, "uploadTime": "2026-09-07 06:10:05"}  # fmt: skip
    feed, text = posted(tmp_path, "scales", "weighing", sent)
    (row,) = typed(feed, text)
    assert feed == "scale_reading"
    assert (row["canteen_id"], str(row["biz_date"]), str(row["net_kg"])) == (
        "device:SC1",
        "2026-09-07",
        "12.000",
    )


def check_message(**changes: object) -> dict:
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "uuid": "C1", "equipmentCode": "E1", "userId": "430602199001011234", "name": "王小明",
        "foreheadTemp": 36.4, "checkTime": now, "abnormalTemp": "0", "normalTemperatureRange": "35.9-37.3",
        "handCheckResult": "", "healthAskResult": "", "health": 1} | changes  # fmt: skip


@pytest.mark.requirement("S0-50", "S1-23")
def test_a_morning_check_says_who_how_warm_and_what_hands_without_a_name(tmp_path: Path) -> None:
    sound = check_message()
    ill = check_message(
        uuid="C2", foreheadTemp="38.6", health="0", healthAskResult="发烧,腹泻", handCheckResult=["创可贴"]
    )
    feed, text = posted(tmp_path, "morning", "check", sound, ill)
    first, second = typed(feed, text)
    assert feed == "morning_check"
    assert (first["is_fit"], second["is_fit"]) == (True, False)
    assert (str(second["forehead_temp"]), second["hand_codes"], second["symptom_codes"]) == (
        "38.600",
        "创可贴",
        "发烧,腹泻",
    )
    assert len(first["person_hash"]) == 32
    assert first["person_hash"] == second["person_hash"]
    assert "王小明" not in str(text.to_dicts())
    assert "430602199001011234" not in str(text.to_dicts())


def test_the_three_messages_of_an_edge_gateway_are_events(tmp_path: Path) -> None:
    event = {
        "id": "7",
        "fsocialcreditcode": USCC,
        "type": "抽烟",
        "deviceId": "D1",
        "channelId": "3",
        "createTime": AT,
    }
    heart = {"fsocialcreditcode": USCC, "fdevicesn": "SN1", "fcuprate": "12", "flastupdatetime": AT}
    sensor = {
        "fid": "9", "fcreatetime": AT, "fequipmentno": "T1", "ftype": "温度", "fvalue": 9.5,
        "fminthresholdvalue": 0, "fmaxthresholdvalue": 8, "fisalarm": 1}  # fmt: skip
    found = []
    for layout, sent in (("ai_record", event), ("heart", heart), ("hum_record", sensor)):
        feed, text = posted(tmp_path, "edge", layout, sent)
        assert feed == "edge_event"
        now = text["reported_at"][0]
        found += typed(feed, text.with_columns(event_at=pl.lit(now), biz_date=pl.lit(now[:10])))
    assert [row["event_kind"] for row in found] == ["smoking", "heartbeat", "temperature"]
    assert [row["record_no"] for row in found] == ["ai:7", f"heart:SN1|{AT}", "hum:9"]
    assert [row["canteen_id"] for row in found] == [f"uscc:{USCC}", f"uscc:{USCC}", "device:T1"]
    assert str(found[2]["measure"]) == "9.500"


@pytest.mark.parametrize(
    ("provider", "header", "entity", "key"),
    [
        ("scales", ["deviceNo", "canteenCode", "deviceName"], "device", "device:K1"),
        ("morning", ["equipmentCode", "canteenCode", "equipmentName"], "device", "device:K1"),
        ("edge", ["fequipmentno", "canteenCode", "fequipmentname"], "device", "device:K1"),
        ("edge", ["fsocialcreditcode", "canteenCode", "companyName"], "canteen", "uscc:K1"),
    ],
)
def test_a_list_says_which_canteen_a_device_stands_in(
    provider: str, header: list[str], entity: str, key: str, tmp_path: Path
) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, ["K1", "A1", "名称"]])
    path = tmp_path / "list.csv"
    path.write_text(text.getvalue(), "utf8")
    feed, rows = taken(tmp_path, provider, path)
    assert feed == "provider_key"
    assert rows.select("entity", "source_key", "target_code").rows() == [(entity, key, "A1")]


def test_every_kind_of_message_has_a_path_of_its_own_and_a_place_in_its_layout(tmp_path: Path) -> None:
    found = routes.derive(tmp_path)
    assert {(one.provider, one.layout) for one in found} == {
        ("scales", "weighing"), ("morning", "check"), ("edge", "ai_record"), ("edge", "heart"), ("edge", "hum_record")}  # fmt: skip
    assert len({one.path for one in found}) == len(found)
    for one in found:
        source = layouts.load_all()[providers.get(one.provider).sources[0]]
        (layout,) = (table for table in source.tables if table.name == one.layout)
        assert one.columns == layout.columns
        assert not set(one.drops) & set(one.columns)
