"""Device messages as gateways send them, faults included, and the inbox process to send them to.

Belongs here: a small generator of our own, written from the vendors' field lists and the issue's list of
faults, and the process. Does not belong here: any rule of the product.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.inbox import routes, tokens
from warehouse.settings import ROOT

DAY = dt.datetime.fromisoformat("2026-09-07 06:00:00")
FAULTS = ("tare_missing", "negative", "net_wrong", "clock_ahead", "clock_reset", "two_contents")


@dataclass
class Messages:
    """Weighings of a morning.

    Attributes:
        sound: Messages without a fault.
        faulty: (fault, message); a number with two contents stands twice.
    """

    sound: list[dict[str, Any]] = field(default_factory=list)
    faulty: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def sent(self, rng: random.Random) -> list[dict[str, Any]]:
        """Everything out of order, every fifth message doubled."""
        every = [*self.sound, *(message for _, message in self.faulty)]
        every += rng.sample(every, len(every) // 5)
        rng.shuffle(every)
        return every


def weighings(count: int, share: float, seed: int) -> Messages:
    """So many weighings, a share of them with one of the faults in turn."""
    rng = random.Random(seed)
    made = Messages()
    for number in range(count):
        message = _weighing(number, rng)
        if number >= count * share:
            made.sound.append(message)
            continue
        fault = FAULTS[number % len(FAULTS)]
        made.faulty.append((fault, message | _fault(fault, message)))
        if fault == "two_contents":
            made.faulty.append((fault, message | {"goodsName": "另一种菜"}))
    return made


def _weighing(number: int, rng: random.Random) -> dict[str, Any]:
    tare = rng.randrange(0, 2_000)
    net = rng.randrange(500, 60_000)
    at = DAY + dt.timedelta(seconds=rng.randrange(3 * 3600))
    return {
        "msgId": f"W{number:06}",
        "deviceNo": f"SC{number % 40:03}",
        "goodsName": "大白菜",
        "goodsCode": f"SC{number % 7}",
        "grossWeight": (tare + net) / 1000,
        "tareWeight": tare / 1000,
        "netWeight": net / 1000,
        "orderNo": f"O{number % 300}",
        "weighTime": str(at),
        "uploadTime": str(at + dt.timedelta(seconds=rng.randrange(60))),
    }


def _fault(fault: str, message: dict[str, Any]) -> dict[str, Any]:
    taken = dt.datetime.fromisoformat(message["weighTime"])
    return {
        "tare_missing": {"tareWeight": None},
        "negative": {"netWeight": -message["netWeight"], "grossWeight": message["tareWeight"]},
        "net_wrong": {"netWeight": message["netWeight"] + 1.5},
        "clock_ahead": {"weighTime": str(taken + dt.timedelta(hours=5))},
        "clock_reset": {"weighTime": "2000-01-01 00:00:10"},
        "two_contents": {},
    }[fault]


class Inbox:
    """The running inbox process of a data home.

    Attributes:
        port: Where it listens.
        tokens: Token of every gateway.
        process: The process.
    """

    def __init__(self, home: Path, landing: Path, environment: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        listed = routes.derive(home)
        routes.write(home / "inbox" / "routes.json", listed)
        gateways = sorted({one.provider for one in listed})
        new = tokens.prepare(home, gateways)
        self.tokens = {name: new.get(name) or tokens.renew(home, name) for name in gateways}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ingest.inbox", str(home), str(landing), str(self.port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )

    def health(self) -> dict[str, Any]:
        """What ``/health`` says."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer

    def wait(self, state: str, limit_s: float = 60) -> None:
        """Until it answers and its MQTT listener is in a state."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if self.health()["mqtt"] == state:
                    return
            time.sleep(0.05)
        raise TimeoutError(f"the inbox is not {state}")

    def post(
        self,
        path: str,
        body: bytes | Sequence[dict[str, Any]] | dict[str, Any],
        gateway: str = "",
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        """Post a body; status and answer."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        given = {"Authorization": f"Bearer {self.tokens[gateway]}"} if gateway else {}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", path, content, {**given, **headers})
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    def stop(self) -> None:
        """End it politely; what it holds is in landing afterwards."""
        self.process.terminate()
        assert self.process.wait(30) in (0, -15)


@contextlib.contextmanager
def inbox(home: Path, landing: Path, mqtt: str = "off", **environment: str) -> Iterator[Inbox]:
    """An inbox process, ended at the end however the test ends."""
    landing.mkdir(parents=True, exist_ok=True)
    running = Inbox(home, landing, environment)
    try:
        running.wait(mqtt)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
