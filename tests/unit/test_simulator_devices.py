"""Device messages: as many as asked for, every fault told, and facts that do not depend on the order of arrival."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from ingest.simulator import devices
from ingest.simulator.devices import AI_EVENT, MORNING_CHECK, SCALE, Messages


@pytest.fixture(scope="module")
def found() -> Messages:
    return devices.messages(3, 4000, 0.05, shuffled=True, doubled=0.2)


def test_so_many_messages_are_sent_and_so_many_carry_a_fault(found: Messages) -> None:
    assert found.faults.height == 200
    assert len(found.dirty) == round(4000 * 1.2)
    assert set(found.faults["kind"]) == set(devices.FAULTS)
    assert {message.kind for message in found.dirty} == set(devices.KINDS)


def test_the_same_arguments_give_the_same_messages(found: Messages) -> None:
    again = devices.messages(3, 4000, 0.05, shuffled=True, doubled=0.2)
    assert (again.clean, again.dirty) == (found.clean, found.dirty)
    assert again.faults.equals(found.faults)


def test_facts_are_what_was_sent_less_what_must_not_become_one(found: Messages) -> None:
    """First by time of each number, without numbers that only ever came spoilt."""
    spoilt = set(
        found.faults.filter(~pl.col("is_fact") & ~pl.col("kind").str.starts_with("duplicate"))["message_id"]
    )
    first: dict[tuple[str, str], dict] = {}
    key = {SCALE: "weighTime", MORNING_CHECK: "checkTime", AI_EVENT: "createTime"}
    for message in sorted(found.dirty, key=lambda m: str(m.body[key[m.kind]])):
        if message.id not in spoilt:
            first.setdefault((message.kind, message.id), message.body)
    assert first == {(message.kind, message.id): message.body for message in found.clean}


def test_no_faults_no_shuffling_is_the_clean_stream() -> None:
    found = devices.messages(5, 300, 0.0)
    assert found.dirty == found.clean
    assert len(found.clean) == 300
    assert found.faults.is_empty()


@pytest.mark.parametrize("kind", devices.FAULTS)
def test_a_fault_looks_as_it_is_called(kind: str, found: Messages) -> None:
    ids = set(found.faults.filter(pl.col("kind") == kind)["message_id"])
    sent = [message for message in found.dirty if message.id in ids]
    clean = {message.id: message.body for message in found.clean}
    looks = {
        "tare_missing": lambda b: b.get("tare") is None,
        "negative_weight": lambda b: b["net"] < 0,
        "temperature_impossible": lambda b: not 30 < b["foreheadTemp"] < 45,
        "temperature_high": lambda b: 37.3 < b["foreheadTemp"] < 42,
        "symptoms": lambda b: b["healthAskResult"] != '["无"]',
        "hand_check_missing": lambda b: b["handCheckResult"] == "",
        "clock_skew": lambda b: (
            datetime.fromisoformat(
                next(b[k] for k in ("weighTime", "checkTime", "createTime") if k in b)
            ).year
            not in (2026,)
        ),
    }
    assert sent
    if kind == "duplicate_same":
        assert all(sum(m.body == clean[i] for m in sent if m.id == i) >= 2 for i in ids)
    elif kind == "duplicate_different":
        assert all(any(m.body != clean[i] for m in sent if m.id == i) for i in ids)
    else:
        assert all(looks[kind](message.body) for message in sent)


def test_net_is_gross_less_tare_in_honest_weighings(found: Messages) -> None:
    weighings = [message.body for message in found.clean if message.kind == SCALE]
    assert all(abs(b["gross"] - b["tare"] - b["net"]) < 1e-9 for b in weighings)
    assert {b["unit"] for b in weighings} == {"kg", "斤"}


def test_files_hold_one_message_a_line(tmp_path: Path) -> None:
    found = devices.messages(6, 200, 0.1)
    devices.write(tmp_path, found)
    for kind in devices.KINDS:
        lines = (tmp_path / f"{kind}.jsonl").read_text(encoding="utf-8").splitlines()
        assert [json.loads(line) for line in lines] == [m.body for m in found.dirty if m.kind == kind]
