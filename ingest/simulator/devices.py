"""Messages of devices in the canteens: smart scales, morning checks, AI events of edge gateways.

Belongs here: the messages in the dialect of their makers, what goes wrong with them, and the truth about
it. Does not belong here: how they travel (file, HTTP or MQTT).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.city import credit_code
from ingest.simulator.streams import stream

SCALE, MORNING_CHECK, AI_EVENT = "scale", "morning_check", "ai_event"
KINDS: Final = (SCALE, MORNING_CHECK, AI_EVENT)
_ID: Final = {SCALE: "uuid", MORNING_CHECK: "uuid", AI_EVENT: "id"}
_TIME: Final = {SCALE: "weighTime", MORNING_CHECK: "checkTime", AI_EVENT: "createTime"}
_SHARES: Final = (0.5, 0.35, 0.15)
_SYMPTOMS: Final = ("发热", "腹泻", "咽部炎症", "手部外伤", "黄疸")
_AI_TYPES: Final = ("未戴口罩", "未戴厨师帽", "抽烟", "老鼠出没", "陌生人闯入", "垃圾桶未盖")
_NORMAL: Final = "35.9-37.3"
# Fault -> whether the message itself stays a fact (True) or must not become one (False).
FAULTS: Final = {
    "tare_missing": False,
    "negative_weight": False,
    "duplicate_same": False,
    "duplicate_different": False,
    "clock_skew": False,
    "temperature_impossible": False,
    "temperature_high": True,
    "symptoms": True,
    "hand_check_missing": True,
}
_OF: Final = {
    SCALE: ("tare_missing", "negative_weight", "duplicate_same", "duplicate_different", "clock_skew"),
    MORNING_CHECK: ("temperature_impossible", "temperature_high", "symptoms", "hand_check_missing",
                    "duplicate_same", "duplicate_different", "clock_skew"),
    AI_EVENT: ("duplicate_same", "duplicate_different", "clock_skew"),
}  # fmt: skip
SCHEMA: Final = {
    "fault_id": pl.String,
    "kind": pl.String,
    "device": pl.String,
    "message_id": pl.String,
    "is_fact": pl.Boolean,
    "note": pl.String,
}


@dataclass(frozen=True)
class Message:
    """One message of a kind of device."""

    kind: str
    body: dict[str, Any]

    @property
    def id(self) -> str:
        """The sender's own number."""
        return str(self.body[_ID[self.kind]])


@dataclass(frozen=True)
class Messages:
    """What happened and what was sent.

    Attributes:
        clean: Every fact once, in order of time.
        dirty: The same with messages that must not become facts, shuffled and doubled if asked for. A
            message with the number of another and different content is always the later of the two.
        faults: Truth, columns ``SCHEMA``; plain repetitions that were asked for are none.
    """

    clean: list[Message]
    dirty: list[Message]
    faults: pl.DataFrame


def messages(
    seed: int, count: int, fault_share: float, *, canteens: Sequence[str] = ("430602S0001C1", "430623S0002C1"),
    first: date = date(2026, 9, 1), days: int = 30, shuffled: bool = False, doubled: float = 0.0,
) -> Messages:  # fmt: skip
    """Messages of all kinds of devices.

    Args:
        seed: The same arguments give the same messages.
        count: Messages sent, those with faults among them, repetitions asked for by ``doubled`` not.
        fault_share: Share of them that carry a fault.
        canteens: Canteens whose devices send.
        first: First day.
        days: Days over which they are spread.
        shuffled: Whether they arrive out of order.
        doubled: Share that is sent twice.
    """
    rng = stream(seed, "devices")
    faulty = round(count * fault_share)
    at = np.sort(rng.integers(0, days * 12 * 3600, count - faulty))
    kinds = rng.choice(len(KINDS), size=count, p=_SHARES)
    clean = [_make(rng, KINDS[k], canteens, _moment(first, int(s))) for k, s in zip(kinds, at, strict=False)]
    sent, told = [(_time(message), message) for message in clean], []
    originals = {kind: [m for m in clean if m.kind == kind] for kind in KINDS}
    for n in range(faulty):
        kind = KINDS[int(rng.choice(len(KINDS), p=_SHARES))]
        wanted = [f for f in _OF[kind] if originals[kind] or not f.startswith("duplicate")]
        fault = wanted[n % len(wanted)]
        if fault.startswith("duplicate"):
            base = originals[kind][int(rng.integers(len(originals[kind])))]
        else:
            base = _make(rng, kind, canteens, _moment(first, int(rng.integers(days * 12 * 3600))))
        spoilt, note = _SPOIL[fault](rng, base)
        sent.append(
            (max(_time(base), _time(spoilt)) if fault.startswith("duplicate") else _time(base), spoilt)
        )
        if FAULTS[fault]:
            clean.append(spoilt)
        told.append((f"V{n + 1:05d}", fault, kind, spoilt.id, FAULTS[fault], note))
    clean.sort(key=lambda m: (_time(m), m.id))
    dirty = [message for _, message in sorted(sent, key=lambda pair: (pair[0], pair[1].id))]
    if doubled:
        dirty += [dirty[n] for n in rng.integers(0, len(dirty), round(len(dirty) * doubled)).tolist()]
    if shuffled:
        dirty = [dirty[n] for n in rng.permutation(len(dirty)).tolist()]
    return Messages(clean, dirty, pl.DataFrame(told, schema=SCHEMA, orient="row"))


def write(folder: Path, found: Messages) -> None:
    """Write what was sent as one JSON Lines file per kind of device."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        lines = [json.dumps(m.body, ensure_ascii=False) + "\n" for m in found.dirty if m.kind == kind]
        (folder / f"{kind}.jsonl").write_text("".join(lines), encoding="utf-8")


def _moment(first: date, second: int) -> str:
    """A moment between six in the morning and six in the evening."""
    day, rest = divmod(second, 12 * 3600)
    moment = datetime.combine(first, time(6)) + timedelta(days=day, seconds=rest)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _time(message: Message) -> str:
    return str(message.body[_TIME[message.kind]])


def _make(rng: np.random.Generator, kind: str, canteens: Sequence[str], moment: str) -> Message:
    canteen = canteens[int(rng.integers(len(canteens)))]
    return Message(kind, _MAKERS[kind](rng, canteen, moment))


def _scale(rng: np.random.Generator, canteen: str, moment: str) -> dict[str, Any]:
    """A smart scale: weights in kg or 斤, photo as a hash."""
    tare, net = int(rng.integers(2, 30)) * 50, int(rng.integers(10, 1200)) * 50  # grams
    jin = rng.random() < 0.3
    shown = [value / (500 if jin else 1000) for value in (tare + net, tare, net)]
    number = rng.bytes(16).hex()
    return {
        "uuid": number, "deviceCode": f"SCALE-{canteen}", "canteenCode": canteen,
        "ingredientCode": catalogue.IDS[int(rng.integers(catalogue.COUNT))],
        "direction": "in" if rng.random() < 0.6 else "out", "gross": shown[0], "tare": shown[1], "net": shown[2],
        "unit": "斤" if jin else "kg", "weighTime": moment,
        "photoSha256": hashlib.sha256(number.encode()).hexdigest(),
    }  # fmt: skip


def _morning_check(rng: np.random.Generator, canteen: str, moment: str) -> dict[str, Any]:
    """A morning-check device; some models name their code otherwise and send numbers as text."""
    other = rng.random() < 0.3
    day = moment[:10]
    return {
        "machineCode" if other else "equipmentCode": f"MC-{canteen}", "uuid": rng.bytes(16).hex(),
        "userId": f"{canteen}E{int(rng.integers(1, 40)):03d}",
        "foreheadTemp": round(36.0 + float(rng.integers(0, 12)) / 10, 1), "abnormalTemp": "0",
        "normalTemperatureRange": _NORMAL, "handCheckResult": '["正常"]', "healthAskResult": '["无"]',
        "health": "1" if other else 1, "checkTime": f"{day} {6 + int(rng.integers(3)):02d}:{moment[14:]}",
    }  # fmt: skip


def _ai_event(rng: np.random.Generator, canteen: str, moment: str) -> dict[str, Any]:
    """An AI record of an edge gateway, its picture as a few bytes in Base64."""
    number = int(rng.integers(10**12, 10**13))
    picture = base64.b64encode(rng.bytes(24)).decode()
    division = canteen[:6] if canteen[:6] < "430690" else "430600"
    return {
        "id": str(number), "fsocialcreditcode": credit_code(division, 20_000_000 + int(canteen[7:11])),
        "type": _AI_TYPES[int(rng.integers(len(_AI_TYPES)))], "thumbnailBase64": picture, "originalBase64": "",
        "fimgpath": f"/ai/{moment[:10]}/{number}.jpg", "createTime": moment, "nvrsn": f"NVR-{canteen}",
        "deviceId": f"GW-{canteen}", "channelId": f"{int(rng.integers(1, 9))}", "mp4Path": "", "fnumber": "1",
    }  # fmt: skip


_MAKERS: Final[dict[str, Callable[[np.random.Generator, str, str], dict[str, Any]]]] = {
    SCALE: _scale,
    MORNING_CHECK: _morning_check,
    AI_EVENT: _ai_event,
}


# -- faults --------------------------------------------------------------------------------------


def _changed(message: Message, **values: Any) -> Message:
    return Message(message.kind, {**message.body, **values})


def _later(message: Message, seconds: int) -> str:
    moment = datetime.fromisoformat(str(message.body[_TIME[message.kind]])) + timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _tare_missing(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    body = {**base.body, "net": base.body["gross"]}
    if rng.random() < 0.5:
        return Message(
            base.kind, {n: v for n, v in body.items() if n != "tare"}
        ), "没有皮重字段，净重等于毛重"
    return Message(base.kind, {**body, "tare": None}), "皮重为空，净重等于毛重"


def _negative_weight(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    tare = base.body["gross"] + float(rng.integers(1, 20)) / 10
    return _changed(base, tare=round(tare, 3), net=round(base.body["gross"] - tare, 3)), "净重为负"


def _duplicate_same(_: np.random.Generator, base: Message) -> tuple[Message, str]:
    return base, "同一编号重复上送，内容相同"


def _duplicate_different(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    new: dict[str, Any] = {_TIME[base.kind]: _later(base, int(rng.integers(1, 120)))}
    if base.kind == SCALE:
        new |= {"gross": round(base.body["gross"] + 1, 3), "net": round(base.body["net"] + 1, 3)}
    elif base.kind == MORNING_CHECK:
        new |= {"foreheadTemp": round(float(base.body["foreheadTemp"]) - 0.1, 1)}
    else:
        new |= {"type": next(kind for kind in _AI_TYPES if kind != base.body["type"])}
    return _changed(base, **new), "同一编号重复上送，内容不同"


def _clock_skew(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    if rng.random() < 0.5:
        moment = "1970-01-01 08:00:00"
    else:
        moment = _later(base, int(rng.integers(400, 900)) * 86_400)
    return _changed(base, **{_TIME[base.kind]: moment}), "设备时钟错误"


def _temperature_impossible(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    value = 3.6 if rng.random() < 0.5 else 365.0
    return _changed(base, foreheadTemp=value), "额温不可能"


def _temperature_high(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    value = round(37.4 + float(rng.integers(0, 20)) / 10, 1)
    return _changed(base, foreheadTemp=value, abnormalTemp="1", health=0), "额温高于正常范围"


def _symptoms(rng: np.random.Generator, base: Message) -> tuple[Message, str]:
    symptom = _SYMPTOMS[int(rng.integers(len(_SYMPTOMS)))]
    return _changed(
        base, healthAskResult=json.dumps([symptom], ensure_ascii=False), health="0"
    ), f"有症状：{symptom}"


def _hand_check_missing(_: np.random.Generator, base: Message) -> tuple[Message, str]:
    return _changed(base, handCheckResult=""), "没有手部检查"


_SPOIL: Final[dict[str, Callable[[np.random.Generator, Message], tuple[Message, str]]]] = {
    "tare_missing": _tare_missing, "negative_weight": _negative_weight, "duplicate_same": _duplicate_same,
    "duplicate_different": _duplicate_different, "clock_skew": _clock_skew,
    "temperature_impossible": _temperature_impossible, "temperature_high": _temperature_high,
    "symptoms": _symptoms, "hand_check_missing": _hand_check_missing,
}  # fmt: skip
