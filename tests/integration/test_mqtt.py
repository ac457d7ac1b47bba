"""Device messages through the real broker and the inbox: out of order, doubled, with faults, through a kill."""

import datetime as dt
import json
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import polars as pl
import pytest
from gateway import FAULTS, Inbox, Messages, inbox, weighings
from paho.mqtt.enums import CallbackAPIVersion

from pipelines import receiving
from pipelines.silver import door
from warehouse import delta, settings
from warehouse.settings import Settings
from warehouse.tables import DELIVERY, FEEDS, QUARANTINE

BROKER = ("127.0.0.1", 1883)
URL = "mqtt://127.0.0.1:1883"
TOPIC = "canteen/scales/weighing"
FAR = dt.date(2099, 1, 1)
PORTION = 800
RULES = {
    "tare_missing": "tare_given",
    "negative": "weight_not_negative",
    "net_wrong": "net_matches",
    "clock_ahead": "scale_clock_right",
    "clock_reset": "scale_clock_right",
    "two_contents": "conflict",
}


@pytest.fixture(scope="module", autouse=True)
def broker() -> None:
    try:
        socket.create_connection(BROKER, timeout=3).close()
    except OSError as error:
        pytest.skip(f"no MQTT broker on 127.0.0.1:1883, so nothing of MQTT was tested: {error}")


class Gateway:
    """A publisher that waits for the broker's acknowledgements."""

    def __init__(self) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(200)
        self._client.connect(*BROKER)
        self._client.loop_start()

    def send(self, messages: list[dict], topic: str = TOPIC) -> None:
        sent = [self._client.publish(topic, json.dumps(one, ensure_ascii=False), qos=1) for one in messages]
        for one in sent:
            one.wait_for_publish(60)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Settings]:
    """A data home; the broker forgets its session afterwards."""
    made = settings.load(tmp_path / "home")
    yield made
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"canteen-{made.home_id}", clean_session=True)
    client.connect(*BROKER)
    client.loop_start()
    client.disconnect()
    client.loop_stop()


def night(home: Settings) -> pl.DataFrame:
    """Receive and silver; the weighings as silver has them."""
    receiving.run(home, home.home / "landing", FAR, lambda _: None, lambda _: None)
    door.run(home, lambda _: None, lambda _: None)
    return weighed(home)


def weighed(home: Settings) -> pl.DataFrame:
    feed = FEEDS["scale_reading"]
    return delta.read(home.table(feed.table), feed.columns).select(*feed.business_columns).sort("record_no")


def spooled(home: Path) -> int:
    files = [*(home / "inbox" / "spool").glob("*/*/*.jsonl"), *(home / "landing").glob("*/*/*.jsonl")]
    return sum(len(file.read_bytes().splitlines()) for file in files)


def until(check, limit_s: float = 60) -> None:
    done = threading.Event()
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=limit_s)
    while not check():
        assert dt.datetime.now(dt.UTC) < deadline, "the messages did not arrive"
        done.wait(0.1)


def deliver(home: Settings, sent: list[dict], gateway: Gateway) -> None:
    """Half by MQTT and half by HTTP, with a night in between; the inbox is killed once on the way.

    A broker queues a thousand messages for a listener by default and drops more: we send in portions.
    """
    landing = home.home / "landing"
    options = {"CANTEEN_MQTT_URL": URL, "CANTEEN_INBOX_SECONDS": "1"}
    half = len(sent) // 2
    with inbox(home.home, landing, "connected", **options) as running:
        for start in range(0, half, PORTION):
            gateway.send(sent[start : start + PORTION])
            until(lambda: spooled(home.home) >= distinct(sent[: start + PORTION]))  # noqa: B023
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    gateway.send(sent[half : half + PORTION])  # nobody listens: the broker keeps them for our session
    night(home)
    with inbox(home.home, landing, "connected", **options) as running:
        post(running, sent[half + PORTION :])
        until(lambda: spooled(home.home) >= distinct(sent))
        running.stop()


def distinct(messages: list[dict]) -> int:
    return len({json.dumps(one, sort_keys=True) for one in messages})


def post(running: Inbox, messages: list[dict]) -> None:
    for start in range(0, len(messages), 500):
        status, answer = running.post("/scale/weighing", messages[start : start + 500], "scales")
        assert (status, answer["code"]) == (200, "1")


@pytest.mark.requirement("S0-41")
def test_ten_thousand_messages_with_faults_doubled_and_out_of_order_end_as_the_clean_ones(
    home: Settings, tmp_path: Path, gateway: Gateway
) -> None:
    made = weighings(10_000, 0.05, seed=4)
    deliver(home, made.sent(random.Random(5)), gateway)
    found = night(home)
    assert found.equals(weighed(clean(made, tmp_path))), "sound messages differ from clean ones"
    assert found.height == 9_500
    rejected = delta.read(home.table("silver.quarantine"), QUARANTINE).filter(pl.col("state") == "open")
    reported = set(rejected.select("record_no", "rules").iter_rows())
    planted = {(message["msgId"], RULES[fault]) for fault, message in made.faulty}
    assert planted <= reported
    assert {number for number, _ in reported} == {number for number, _ in planted}, (
        "a sound message was rejected"
    )
    assert Counter(fault for fault, _ in made.faulty).keys() == set(FAULTS)
    delivery = delta.read(home.table("silver.delivery"), DELIVERY)
    counted = (
        delivery.select(pl.sum("rows_accepted", "rows_quarantined", "rows_duplicate")).sum_horizontal().item()
    )
    assert counted == spooled(home.home), "every row of every file is accounted for"


def clean(made: Messages, tmp_path: Path) -> Settings:
    """The sound messages in one file, in order."""
    home = settings.load(tmp_path / "clean")
    file = home.home / "landing" / "scales" / "2026-09-07" / "weighing.jsonl"
    file.parent.mkdir(parents=True)
    rows = [
        {name: value if value is None else str(value) for name, value in one.items()} for one in made.sound
    ]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf8")
    night(home)
    return home


def test_a_message_that_is_none_leaves_a_refused_file_and_the_others_go_on(
    home: Settings, gateway: Gateway
) -> None:
    sound = weighings(3, 0, seed=1).sound
    with inbox(home.home, home.home / "landing", "connected", CANTEEN_MQTT_URL=f"{URL}?version=3") as running:
        gateway.send([{"msgId": "X", "photo": "x"}])
        gateway.send([{"a": 1}], "canteen/nobody/weighing")
        gateway.send(sound)
        until(lambda: spooled(home.home) == 4)
        running.stop()
    assert night(home).height == 3
    receipts = receiving.known(home)
    assert dict(receipts.group_by("status").len().iter_rows()) == {"received": 1, "refused": 1}
    assert receipts["refusal_code"].drop_nulls().to_list() == ["unknown_layout"]


def test_an_inbox_without_a_broker_takes_http_and_says_that_it_waits(home: Settings) -> None:
    with inbox(home.home, home.home / "landing", "waiting", CANTEEN_MQTT_URL="mqtt://127.0.0.1:9") as running:
        post(running, weighings(2, 0, seed=1).sound)
        running.stop()
    assert night(home).height == 2
