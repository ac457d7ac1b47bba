"""The HTTP inbox: who may post, what is kept, and that "1" is only said of what is on disk."""

import base64
import datetime as dt
import hashlib
import json
import signal
from pathlib import Path

import pytest
from gateway import DAY, Inbox, inbox

from ingest.inbox import messages, tokens
from ingest.inbox.routes import Route
from ingest.inbox.spool import Spool
from warehouse import settings
from warehouse.errors import Permanent, Refused

WEIGHING = {
    "msgId": "W1", "deviceNo": "SC1", "goodsName": "大白菜", "grossWeight": 12.5, "tareWeight": 0.50,
    "netWeight": 12.100000000000001, "weighTime": str(DAY), "uploadTime": str(DAY)}  # fmt: skip
CHECK = {
    "uuid": "C1", "equipmentCode": "E1", "userId": "88", "foreheadTemp": 36.5, "checkTime": str(DAY),
    "handCheckResult": ["创可贴", "戒指"], "health": 1, "name": "王小明"}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return settings.load(tmp_path_factory.mktemp("inbox") / "home").home


@pytest.fixture(scope="module")
def box(home: Path):
    with inbox(home, home / "landing") as running:
        yield running


def kept(home: Path) -> list[dict]:
    """Every row that is spooled or landed."""
    files = [*(home / "inbox" / "spool").glob("*/*/*.jsonl"), *(home / "landing").glob("*/*/*.jsonl")]
    return [json.loads(line) for file in files for line in file.read_text("utf8").splitlines()]


def test_only_a_gateways_own_token_opens_and_only_its_own_paths(box: Inbox) -> None:
    assert box.post("/scale/weighing", WEIGHING)[0] == 401
    assert box.post("/scale/weighing", WEIGHING, token="x" * 43)[1]["code"] == "0"
    assert box.post("/scale/weighing", WEIGHING, "morning")[0] == 403
    assert box.post("/elsewhere", WEIGHING, "scales")[0] == 404
    status, answer = box.post("/scale/weighing", WEIGHING | {"msgId": "W2"}, token=box.tokens["scales"])
    assert (status, answer) == (200, {"code": "1", "message": "成功", "data": None})


def test_a_message_is_on_disk_when_it_is_answered_and_a_repeat_is_not_written_again(
    box: Inbox, home: Path
) -> None:
    for _ in range(2):
        assert box.post("/scale/weighing", WEIGHING, "scales")[1]["code"] == "1"
        mine = [row for row in kept(home) if row.get("msgId") == "W1"]
        assert len(mine) == 1
    assert mine[0]["tareWeight"] == "0.5"
    assert mine[0]["netWeight"] == "12.1", "the noise of 12.1 in binary is gone"
    assert mine[0]["orderNo"] is None
    # The same number with another content is a message of its own: the door will say so.
    box.post("/scale/weighing", WEIGHING | {"netWeight": 11}, "scales")
    assert sum(row.get("msgId") == "W1" for row in kept(home)) == 2


def test_an_array_of_messages_is_taken_whole(box: Inbox, home: Path) -> None:
    many = [WEIGHING | {"msgId": f"A{n}"} for n in range(50)]
    assert box.post("/scale/weighing", many, "scales")[1]["code"] == "1"
    assert sum(str(row.get("msgId")).startswith("A") for row in kept(home)) == 50


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "JSON"),
        (b"not json", "JSON"),
        (b'{"msgId": "1", "msgId": "2"}', "JSON"),
        (b'{"msgId": {"a": 1}}', "JSON"),
        (b'{"msgId": NaN}', "JSON"),
        (b"[]", "1"),
        (b'{"netWeight": 1.55555555555e99999}', "JSON"),
        (b'{"msgId": "1", "faceTemplate": "x"}', "faceTemplate"),
        (json.dumps({"goodsName": "x" * 20_000}).encode(), "16 KB"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_what_is_not_a_declared_message_is_told_so(box: Inbox, body: bytes, why: str) -> None:
    status, answer = box.post("/scale/weighing", body, "scales")
    assert (status, answer["code"]) == (400, "0")
    assert why in answer["message"]


def test_a_body_that_is_too_large_is_not_read_to_its_end(box: Inbox) -> None:
    assert box.post("/scale/weighing", b" " * (messages.MAX_BODY + 1), "scales")[0] == 413


@pytest.mark.requirement("S0-50")
def test_a_morning_check_keeps_neither_name_nor_picture(box: Inbox, home: Path) -> None:
    face = b"\xff\xd8face"
    fields = {**CHECK, "handCheckResult": "创可贴,戒指"}
    parts = [
        f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    picture = b'--B\r\nContent-Disposition: form-data; name="faceFile"; filename="a.jpg"\r\n'
    body = b"".join([*parts, picture, b"Content-Type: image/jpeg\r\n\r\n", face, b"\r\n--B--\r\n"])
    kind = {"Content-Type": "multipart/form-data; boundary=B"}
    assert box.post("/device/morningChecker/checkData", body, "morning", **kind)[1]["code"] == "1"
    assert box.post("/device/morningChecker/checkData", CHECK | {"uuid": "C2"}, "morning")[1]["code"] == "1"
    rows = [row for row in kept(home) if row.get("uuid") in ("C1", "C2")]
    assert [row["handCheckResult"] for row in rows] == ["创可贴,戒指"] * 2
    assert all(dt.datetime.fromisoformat(row["receivedAt"]) for row in rows)
    assert "王小明" not in json.dumps(kept(home), ensure_ascii=False)


def test_a_picture_of_an_event_becomes_its_hash(box: Inbox, home: Path) -> None:
    picture = b"\xff\xd8evidence"
    event = {
        "id": "E1", "fsocialcreditcode": "91350100M000100Y43", "type": "未戴口罩", "deviceId": "D1",
        "createTime": str(DAY), "originalBase64": base64.b64encode(picture).decode(),
        "thumbnailBase64": "aaaa", "mp4Path": "http://10.0.0.1/a.mp4"}  # fmt: skip
    assert box.post("/openApi/sendAIRecordByCompany", event, "edge")[1]["code"] == "1"
    assert box.post("/openApi/sendAIRecordByCompany", event | {"originalBase64": "?"}, "edge")[0] == 400
    (row,) = [row for row in kept(home) if row.get("id") == "E1"]
    assert row["originalSha256"] == hashlib.sha256(picture).hexdigest()
    assert "aaaa" not in json.dumps(row)


def test_a_renewed_token_works_at_once_and_the_old_one_no_more(box: Inbox, home: Path) -> None:
    old = box.tokens["edge"]
    new = tokens.renew(home, "edge")
    heart = {"fsocialcreditcode": "91350100M000100Y43", "fdevicesn": "S1", "flastupdatetime": str(DAY)}
    assert box.post("/openApi/sendHeartInfo", heart, token=new)[1]["code"] == "1"
    assert box.post("/openApi/sendHeartInfo", heart, token=old)[0] == 401
    box.tokens["edge"] = new
    held = tokens.location(home)
    assert held.stat().st_mode & 0o777 == 0o600
    assert new not in held.read_text()
    assert len(set(box.tokens.values())) == 3
    with pytest.raises(Permanent, match="edge"):
        tokens.renew(home, "nobody")


def test_what_was_answered_survives_a_kill_and_a_torn_line_does_not(tmp_path: Path) -> None:
    home = settings.load(tmp_path / "home").home
    with inbox(home, home / "landing") as running:
        for number in range(20):
            assert (
                running.post("/scale/weighing", WEIGHING | {"msgId": f"K{number}"}, "scales")[1]["code"]
                == "1"
            )
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()
    (spooled,) = (home / "inbox" / "spool").glob("*/*/*.jsonl")
    with spooled.open("ab") as file:
        file.write(b'{"msgId": "torn')
    with inbox(home, home / "landing") as running:
        running.stop()
    (landed,) = (home / "landing" / "scales").glob("*/*.jsonl")
    assert [json.loads(line)["msgId"] for line in landed.read_text("utf8").splitlines()] == [
        f"K{n}" for n in range(20)
    ]
    assert list((home / "inbox" / "spool").glob("*/*/*")) == []


ROUTE = Route("scales", "weighing", "/scale/weighing", ["msgId"])


def test_a_file_is_closed_by_size_and_by_age_and_a_failed_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = tmp_path / "landing"
    small = Spool(tmp_path / "spool", landing, max_bytes=1)
    for number in range(3):
        (wait,) = small.submit(ROUTE, messages.lines(ROUTE, b'{"msgId": "%d"}' % number))
        wait.result(5)
    small.close()
    assert len(list(landing.glob("scales/*/*.jsonl"))) == 3

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    young = Spool(tmp_path / "spool2", landing, max_seconds=0.0)
    monkeypatch.setattr("os.write", full)
    (wait,) = young.submit(ROUTE, messages.lines(ROUTE, b'{"msgId": "x"}'))
    assert isinstance(wait.exception(5), OSError)
    monkeypatch.undo()
    # It was not taken, so the same message is taken the second time.
    (wait,) = young.submit(ROUTE, messages.lines(ROUTE, b'{"msgId": "x"}'))
    assert wait.result(5) is None
    young.close()
    assert sum(len(file.read_text().splitlines()) for file in landing.glob("scales/*/*.jsonl")) == 4


def test_a_message_of_a_thousand_and_one_is_refused_before_it_is_decoded_into_lines() -> None:
    with pytest.raises(Refused, match="1000"):
        messages.lines(ROUTE, json.dumps([{"msgId": "1"}] * 1001).encode())
