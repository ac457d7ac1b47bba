"""Device feeds: a fault of a device is told from a fact about a kitchen, whatever the order of messages."""

import datetime as dt
import itertools
import re

import polars as pl
import pytest
from device_rows import ROWS

from pipelines.silver import units
from pipelines.silver.typing import check
from warehouse import vocabulary
from warehouse.tables import FEEDS

MESSAGES = [feed for feed in FEEDS.values() if feed.by_message and "device_id" in feed.business_columns]


def text_rows(feed: str, *rows: dict[str, str], file: str = "f", arrival: int = 1) -> pl.DataFrame:
    lineage = {"_provider": "p", "_file": file, "_arrival_date": dt.date(2026, 9, arrival)}
    return pl.DataFrame([{**ROWS[feed], **row, **lineage, "_row": i + 1} for i, row in enumerate(rows)])


def rules(feed: str, change: dict[str, str]) -> str:
    """Rules that a row breaks after a change of the good one, empty if it is kept."""
    rejected = check(FEEDS[feed], text_rows(feed, change)).rejected
    return rejected["rules"][0] if rejected.height else ""


SOUND = [
    ("scale_reading", {}),
    ("scale_reading", {"tare_kg": "0", "net_kg": "12.5"}),  # goods without a container
    ("scale_reading", {"net_kg": "12.01"}),  # one division of the scale
    ("scale_reading", {"item_name": "", "ingredient_id": "", "order_no": ""}),
    ("scale_reading", {"reported_at": "2026-09-02 06:00:00"}),  # the gateway was offline overnight
    ("scale_reading", {"measured_at": "2026-09-01 06:34:00"}),
    ("morning_check", {}),
    ("morning_check", {"forehead_temp": "38.9", "symptom_codes": "发烧,咳嗽", "is_fit": "1"}),
    ("morning_check", {"hand_codes": "创可贴、戒指", "is_fit": "0"}),
    ("morning_check", {"hand_codes": "1,3"}),
    ("edge_event", {}),
    ("edge_event", {"event_kind": "抽烟", "evidence_sha256": ""}),
    ("edge_event", {"event_kind": "temperature", "measure": "-18.5", "low_threshold": "-25", "high_threshold": "-15"}),
    ("edge_event", {"event_kind": "temperature", "measure": "31", "low_threshold": "0", "high_threshold": "8"}),
    ("edge_event", {"event_kind": "heartbeat", "channel_no": ""}),
]  # fmt: skip
FAULTS = [
    ("scale_reading", {"tare_kg": ""}, "tare_given"),
    ("scale_reading", {"gross_kg": ""}, "weight_given"),
    ("scale_reading", {"net_kg": "-0.5"}, "weight_not_negative"),
    ("scale_reading", {"gross_kg": "-1", "net_kg": "-1.5"}, "weight_not_negative"),
    ("scale_reading", {"net_kg": "12.5"}, "net_matches"),
    ("scale_reading", {"net_kg": "12.011"}, "net_matches"),
    ("scale_reading", {"measured_at": "2026-09-01 06:36:00"}, "scale_clock_right"),
    ("scale_reading", {"measured_at": "2000-01-01 00:00:00"}, "scale_clock_right"),
    ("scale_reading", {"gross_kg": "12.5kg"}, "gross_kg|dtype,weight_given"),
    ("morning_check", {"forehead_temp": "3.65"}, "thermometer_plausible"),
    ("morning_check", {"forehead_temp": "365"}, "thermometer_plausible"),
    ("morning_check", {"checked_at": "2026-09-01 08:10:00"}, "check_clock_right"),
    ("morning_check", {"symptom_codes": "王小明 13812341234 发烧"}, "symptom_codes|regex"),
    ("edge_event", {"event_kind": "17"}, "event_kind|enum"),
    ("edge_event", {"event_kind": "temperature"}, "measure_given"),
    ("edge_event", {"event_kind": "temperature", "measure": "999.9"}, "sensor_plausible"),
    ("edge_event", {"event_kind": "humidity", "measure": "120"}, "sensor_plausible"),
    ("edge_event", {"low_threshold": "8", "high_threshold": "0"}, "thresholds_ordered"),
    ("edge_event", {"event_at": "1970-01-01 08:00:00"}, "event_clock_right"),
    ("edge_event", {"evidence_sha256": "/9j/4AAQSkZJRg"}, "evidence_sha256|regex"),
]


@pytest.mark.parametrize(("feed", "change"), SOUND)
def test_what_a_sound_device_says_is_kept_however_bad(feed: str, change: dict[str, str]) -> None:
    assert rules(feed, change) == ""


@pytest.mark.parametrize(("feed", "change", "rule"), FAULTS)
def test_each_fault_of_a_device_has_a_rule_of_its_own(feed: str, change: dict[str, str], rule: str) -> None:
    assert rules(feed, change) == rule


def test_every_fault_has_words_that_say_what_to_do() -> None:
    texts = [vocabulary.RULES[rule] for _, _, rule in FAULTS if re.fullmatch(r"[a-z_]+", rule)]
    assert all(len(what) >= 6 and len(remedy) >= 6 for what, remedy in texts)
    assert len({what for what, _ in texts}) == 11


def test_a_feed_of_messages_keeps_no_name_and_no_picture() -> None:
    assert [feed.name for feed in MESSAGES] == ["scale_reading", "morning_check", "edge_event"]
    columns = {name for feed in MESSAGES for name in feed.business_columns}
    assert [name for name in columns if re.search("photo|image|base64|person_name|contact", name)] == []


def delivered(feed: str, file: str, arrival: int, *rows: dict[str, str]) -> units.Delivered:
    checked = check(FEEDS[feed], text_rows(feed, *rows, file=file, arrival=arrival))
    return units.deliver(FEEDS[feed], checked.accepted, checked.rejected)


def settled(files: list[units.Delivered], releases: frozenset[str] = frozenset()) -> dict[str, tuple]:
    """Per file: state, accepted and quarantined rows of its only unit."""
    resolved = units.resolve(pl.concat([file.units for file in files]), releases)
    picked = resolved.select("_file", "state", "rows_accepted", "rows_quarantined").rows()
    return {file: (state, accepted, quarantined) for file, state, accepted, quarantined in picked}


FIRST = {"reported_at": "2026-09-01 06:30:05"}
AGAIN = {"reported_at": "2026-09-01 09:00:00"}
OTHER = {"item_name": "萝卜", "reported_at": "2026-09-01 08:00:00"}


def test_the_first_report_of_a_message_holds_and_a_repeat_changes_nothing() -> None:
    files = [delivered("scale_reading", "b", 2, AGAIN), delivered("scale_reading", "a", 1, FIRST)]
    expected = {"a": ("current", 1, 0), "b": ("duplicate", 1, 0)}
    assert all(settled(list(order)) == expected for order in itertools.permutations(files))


@pytest.mark.parametrize(
    "files",
    [
        [("a", FIRST), ("b", OTHER)],
        [("a", FIRST), ("b", OTHER), ("c", AGAIN)],
        [("a", FIRST, OTHER), ("c", AGAIN)],
        [("a", FIRST, OTHER, AGAIN)],
    ],
)
def test_a_number_with_two_contents_holds_neither_however_the_messages_were_cut(files: list[tuple]) -> None:
    made = [delivered("scale_reading", name, 1, *rows) for name, *rows in files]
    for order in itertools.permutations(made):
        found = settled(list(order))
        assert {state for state, _, _ in found.values()} == {"current"}
        assert sum(accepted for _, accepted, _ in found.values()) == 0
        assert sum(quarantined for _, _, quarantined in found.values()) == sum(
            len(rows) - 1 for rows in files
        )


def test_a_stewards_release_settles_a_contested_number() -> None:
    files = [
        delivered("scale_reading", "a", 1, FIRST),
        delivered("scale_reading", "b", 1, OTHER),
        delivered("scale_reading", "r", 3, OTHER),
    ]
    for order in itertools.permutations(files):
        found = settled(list(order), frozenset({"r"}))
        assert {name: state for name, (state, _, _) in found.items()} == {
            "a": "superseded", "b": "duplicate", "r": "current"}  # fmt: skip


def test_a_faulty_message_neither_hides_nor_replaces_a_sound_one_of_its_number() -> None:
    sound = delivered("scale_reading", "a", 1, AGAIN)
    faulty = delivered("scale_reading", "b", 1, {**FIRST, "tare_kg": ""})
    for order in ([sound, faulty], [faulty, sound]):
        assert settled(order) == {"a": ("current", 1, 0), "b": ("current", 0, 1)}


def test_a_number_may_come_again_on_another_day() -> None:
    later = {
        "biz_date": "2026-09-02",
        "measured_at": "2026-09-02 06:30:00",
        "reported_at": "2026-09-02 06:30:05",
    }
    file = delivered("scale_reading", "a", 2, FIRST, later)
    assert (file.rows.height, file.rejected.height) == (2, 0)
