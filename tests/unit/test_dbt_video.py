"""Kitchen video in the models: signs of life, zones, events of both kinds, and findings with a planted truth."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import lake
import pytest

DAYS = [dt.date(2026, 9, 1) + dt.timedelta(n) for n in range(5)]
DAY, NEXT = DAYS[1], DAYS[2]
LOCAL = ZoneInfo("Asia/Shanghai")
GOLD = ["gold.mart_camera_day", "gold.mart_kitchen_day", "gold.fct_video_event", "gold.video_finding"]
SHOWN = ["cockpit.camera_day", "cockpit.kitchen_day", "cockpit.video_event", "cockpit.video_precision"]
ZONES = ("cutting", "cooking", "sampling", "dishwashing", "floor")


def at(day: dt.date, clock: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(clock), LOCAL).astimezone(dt.UTC)


def heard(city: lake.Lake, camera: str, day: dt.date, *spans: tuple[int, int], every: int = 5) -> None:
    """Keep-alives of a camera, minutes of the day from and to."""
    for first, last in spans:
        for minute in range(first, last + 1, every):
            moment = dt.datetime.combine(day, dt.time(), LOCAL) + dt.timedelta(minutes=minute)
            city.add(
                "camera_status",
                camera_id=camera,
                canteen_id=f"C{camera[1]}",
                biz_date=day,
                seen_at=moment.astimezone(dt.UTC),
                status_source="keepalive",
                is_online=True,
            )


def seen(
    city: lake.Lake, camera: str, day: dt.date, zone: str, clock: str, minutes: int, persons: int
) -> None:
    """Judged minutes of a zone."""
    for n in range(minutes):
        city.add(
            "video_presence",
            canteen_id=f"C{camera[1]}",
            biz_date=day,
            camera_id=camera,
            zone_id=f"{camera}-{zone}",
            zone_kind=zone,
            minute_at=at(day, clock) + dt.timedelta(minutes=n),
            persons=persons,
            segment_sha256="a" * 64,
        )


def event(city: lake.Lake, number: str, day: dt.date, kind: str, camera: str = "K1") -> None:
    city.add(
        "video_event",
        canteen_id="C1",
        biz_date=day,
        camera_id=camera,
        zone_id=f"{camera}-cutting",
        event_id=number,
        event_kind=kind,
        started_at=at(day, "10:05"),
        ended_at=at(day, "10:06"),
        samples=10,
        positive=8,
        score=0.9,
        segment_sha256="a" * 64,
        model_version="m1",
        config_version="r1",
        evidence_sha256="e" * 64,
    )


def review(city: lake.Lake, number: str, day: dt.date, said: str, hour: int = 0) -> None:
    city.add(
        "event_verdict",
        event_id=number,
        event_date=day,
        review_code=said,
        reviewed_by="supervisor",
        reported_at=lake.REPORTED + dt.timedelta(hours=hour),
    )


def kitchen(zones: dict[str, tuple[str, ...]]) -> lake.Lake:
    """Canteens C1 to C3 that serve lunch every day; cameras by canteen digit, each with its zones."""
    city = lake.Lake()
    city.open_days(DAYS)
    for canteen in ("C1", "C2", "C3"):
        city.canteen(canteen, valid_from=DAYS[0])
        for day in DAYS:
            city.eat(canteen, day, 100)
    for camera, kinds in zones.items():
        city.add(
            "camera", camera_id=camera, canteen_id=f"C{camera[1]}", camera_name=camera, valid_from=DAYS[0]
        )
        for kind in kinds:
            city.add(
                "camera_zone",
                camera_id=camera,
                zone_id=f"{camera}-{kind}",
                zone_kind=kind,
                polygon_json="[[0,0],[1,0],[1,1]]",
                valid_from=DAYS[0],
            )
    return city


def with_records(city: lake.Lake) -> lake.Lake:
    """Lunch times, samples of every day but one, morning checks of three persons, scales."""
    for canteen in ("C1", "C2"):
        city.add(
            "meal_time",
            canteen_id=canteen,
            meal="lunch",
            cook_from="09:00",
            serve_from="11:30",
            serve_to="12:30",
            valid_from=DAYS[0],
        )
        for day in DAYS:
            city.add("delivery", feed="retained_sample", provider="county", canteen_id=canteen, biz_date=day)
            if (canteen, day) != ("C1", DAY):
                city.add(
                    "retained_sample",
                    canteen_id=canteen,
                    biz_date=day,
                    meal="lunch",
                    dish_name="菜",
                    weight_g=130,
                    put_at=at(day, "11:30"),
                )
            for person in "abc":
                city.add(
                    "morning_check",
                    canteen_id=canteen,
                    biz_date=day,
                    device_id="d",
                    checked_at=at(day, "07:00"),
                    person_hash=person,
                    forehead_temp=36,
                    is_fit=True,
                )
    return city


def found(folder: Path) -> list[tuple[Any, ...]]:
    return lake.query(
        folder, "select kind, canteen_id, biz_date from gold.video_finding order by 1, 2, 3"
    ).rows()


@pytest.mark.requirement("S0-18", "S0-93")
def test_online_time_is_recomputed_from_signs_of_life_with_gaps(tmp_path: Path) -> None:
    """Silence of 10 minutes is online, of 11 offline; a short return does not end an outage; nothing is unknown."""
    city = kitchen({"K1": ZONES, "K2": ZONES, "K3": ZONES})
    heard(city, "K1", DAY, (0, 1430), every=10)
    heard(city, "K1", NEXT, (0, 600), (611, 1439), every=1)
    heard(city, "K2", DAY, (0, 600), (720, 725), (900, 1435))
    heard(city, "K2", NEXT, (0, 600), (720, 900))
    city.add(
        "camera_status", camera_id="K3", canteen_id="C3", biz_date=DAY, seen_at=at(DAY, "12:00"),
        status_source="catalogue", is_online=False,
    )  # fmt: skip
    lake.build(tmp_path, city, DAYS[0], DAYS[-1], GOLD, checked=True)
    rows = lake.query(
        tmp_path,
        "select camera_id, biz_date, camera_state, online_s // 60, offline_s // 60, outages "
        f"from gold.mart_camera_day where biz_date in (date '{DAY}', date '{NEXT}') order by 2, 1",
    ).rows()
    assert rows == [
        ("K1", DAY, "online", 1440, 0, 0),
        ("K2", DAY, "interrupted", 600 + 5 + 540, 120 + 175, 1),
        ("K3", DAY, "offline", 0, 1440, 1),
        ("K1", NEXT, "interrupted", 1429, 11, 1),
        ("K2", NEXT, "interrupted", 600 + 180, 120 + 540, 2),
        ("K3", NEXT, "unknown", None, None, None),
    ]
    assert ("camera_offline", "C3", DAY) in found(tmp_path)
    assert ("camera_offline", "C1", NEXT) not in found(tmp_path)


@pytest.mark.requirement("S0-92", "S0-143")
def test_a_kitchen_is_covered_only_by_online_cameras_of_every_required_zone(tmp_path: Path) -> None:
    city = kitchen({"K1": ZONES[:2], "J1": ZONES[2:], "K2": ("cutting", "cooking")})
    heard(city, "K1", DAY, (0, 1435))
    heard(city, "J1", DAY, (0, 1435))
    heard(city, "K1", NEXT, (0, 1435))
    heard(city, "K2", DAY, (0, 1435))
    lake.build(tmp_path, city, DAYS[0], DAYS[-1], [*GOLD, *SHOWN], checked=True)
    rows = lake.query(
        tmp_path,
        "select canteen_id, biz_date, kitchen_state, zones_covered, zones_online, uncovered_zones "
        f"from gold.mart_kitchen_day where biz_date in (date '{DAY}', date '{NEXT}') order by 1, 2",
    ).rows()
    assert rows == [
        ("C1", DAY, "covered", 4, 4, None),
        ("C1", NEXT, "unknown", 4, 2, None),
        ("C2", DAY, "uncovered", 2, 2, "留样,餐具消毒"),
        ("C2", NEXT, "uncovered", 2, 0, "留样,餐具消毒"),
    ]
    assert found(tmp_path) == [("zone_uncovered", "C2", DAYS[0])]
    last = lake.query(
        tmp_path,
        "select canteen_id, state_label, is_covered from cockpit.kitchen_day where is_last = 1 order by 1",
    ).rows()
    assert last == [("C1", "无状态数据", 0), ("C2", "有必备区域未覆盖", 0), ("C3", "未接入视频", 0)]


def test_events_of_both_kinds_take_one_path_and_verdicts_make_precision(tmp_path: Path) -> None:
    city = kitchen({"K1": ZONES})
    for number, kind in (("1", "no_hat"), ("2", "no_hat"), ("3", "no_hat"), ("4", "smoking")):
        event(city, number, DAY, kind)
    for number, kind in (("g1", "no_hat"), ("g2", "temperature")):
        city.add(
            "edge_event", record_no=number, device_id="box", channel_no="1", canteen_id="C2", biz_date=DAY,
            event_at=at(DAY, "09:30"), event_kind=kind,
        )  # fmt: skip
    review(city, "1", DAY, "false")
    review(city, "1", DAY, "true", hour=1)
    review(city, "2", DAY, "false")
    review(city, "4", DAY, "false")
    review(city, "g1", DAY, "unclear")
    heard(city, "K1", DAY, (0, 1435))
    lake.build(tmp_path, city, DAYS[0], DAYS[-1], [*GOLD, *SHOWN], checked=True)
    precision = lake.query(
        tmp_path,
        "select event_kind, origin, events, reviewed, precision_rate from cockpit.video_precision "
        "where scope_kind = '全市' order by 1, 2",
    ).rows()
    assert precision == [
        ("no_hat", "gateway", 1, 1, None),
        ("no_hat", "own", 3, 2, 0.5),
        ("smoking", "own", 1, 1, 0.0),
    ]
    shown = lake.query(
        tmp_path,
        "select event_no, started_clock, started_hour, zone_label from cockpit.video_event order by 1",
    ).rows()
    assert shown[0] == ("1", "10:05", 10, "切配")
    assert shown[-1] == ("g1", "09:30", 9, "未分区")
    assert found(tmp_path) == [("ai_no_hat", "C1", DAY), ("ai_no_hat", "C2", DAY)]
    texts = lake.query(
        tmp_path, "select text_zh, confidence from gold.video_finding order by canteen_id"
    ).rows()
    assert texts[0] == ("10:05 起，K1 号摄像头本系统夜间识别：未戴厨师帽 2 次，已复核 1 次", "high")


def test_video_held_against_records_finds_each_planted_fault_once(tmp_path: Path) -> None:
    city = with_records(kitchen({"K1": ZONES, "K2": ZONES}))
    seen(city, "K1", DAY, "cooking", "09:30", 5, 2)
    seen(city, "K1", NEXT, "cooking", "09:30", 5, 2)
    seen(city, "K2", DAY, "cooking", "09:10", 40, 0)
    seen(city, "K2", NEXT, "cooking", "09:10", 20, 0)
    seen(city, "K1", DAYS[3], "floor", "06:00", 10, 0)
    seen(city, "K2", DAYS[3], "floor", "06:00", 10, 4)
    for canteen in ("C1", "C2"):
        for clock in ("06:05:30", "08:00:00"):
            city.add(
                "scale_reading", canteen_id=canteen, biz_date=DAYS[3], device_id="s",
                measured_at=at(DAYS[3], clock), gross_kg=3, tare_kg=1, net_kg=2,
            )  # fmt: skip
    lake.build(tmp_path, city, DAYS[0], DAYS[-1], GOLD, checked=True)
    assert found(tmp_path) == [
        ("cooked_no_sample", "C1", DAY),
        ("meal_no_activity", "C2", DAY),
        ("seen_unchecked", "C2", DAYS[3]),
        ("weighed_nobody", "C1", DAYS[3]),
    ]


def test_what_was_not_delivered_is_no_finding(tmp_path: Path) -> None:
    """Nobody delivers samples, checks or signs of life: the same video says nothing, and nothing is fine."""
    city = kitchen({"K1": ZONES})
    seen(city, "K1", DAY, "cooking", "09:30", 5, 9)
    lake.build(tmp_path, city, DAYS[0], DAYS[-1], [*GOLD, *SHOWN], checked=True)
    assert found(tmp_path) == []
    states = lake.query(tmp_path, "select distinct camera_state from gold.mart_camera_day").rows()
    assert states == [("unknown",)]
    rates = lake.query(tmp_path, "select distinct online_rate, is_online from cockpit.camera_day").rows()
    assert rates == [(None, 0)]


def test_nights_one_by_one_equal_the_range(tmp_path: Path) -> None:
    city = with_records(kitchen({"K1": ZONES, "K2": ZONES[:3]}))
    for day in DAYS:
        heard(city, "K1", day, (0, 400), (700, 1435))
        seen(city, "K1", day, "cooking", "09:30", 5, 5)
        event(city, f"e{day}", day, "no_mask")
    review(city, f"e{DAYS[0]}", DAYS[0], "true")
    lake.build(tmp_path / "once", city, DAYS[0], DAYS[-1], [*GOLD, *SHOWN], checked=True)
    for first, last in ((DAYS[0], DAYS[1]), (DAYS[2], DAYS[2]), (DAYS[3], DAYS[4])):
        lake.build(tmp_path / "bits", city, first, last, [*GOLD, *SHOWN])
    for table in [*GOLD, *SHOWN]:
        assert lake.content(tmp_path / "bits", [table]) == lake.content(tmp_path / "once", [table]), table
