"""A data home's cockpit, served for the length of a block.

Belongs here: starting the real server on a free port, waiting for it, logging its first accounts in,
ending it. Does not belong here: what is asked of it. ``pipelines.services`` starts it for people,
beside Dagster.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines import cockpit
from pipelines.measures.access.client import HOST, Client, Request
from warehouse.errors import Permanent
from warehouse.settings import ROOT, Settings

START_LIMIT_S: Final = 420
STOP_LIMIT_S: Final = 20


@dataclass(frozen=True)
class Served:
    """A running cockpit.

    Attributes:
        client: For asking it; the first account of every role is logged in.
        address: Its URL.
        passwords: First password by account.
        tiers: Tier -> account of that tier, of the education department where it has departments.
        prepared_s: Seconds that the product took for assets and access.
        started_s: Seconds from the start of the process to its first answer.
        log: File of its output.
    """

    client: Client
    address: str
    passwords: Mapping[str, str]
    tiers: Mapping[str, str]
    prepared_s: float
    started_s: float
    log: Path


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[Served]:
    """Prepare and serve the cockpit of a home.

    Raises:
        Permanent: The server did not start; its last words are in the message.
    """
    begun = time.monotonic()
    cockpit.prepare(settings)
    prepared = time.monotonic()
    folder = settings.home / "superset"
    port = free_port()
    words, environment = cockpit.command(settings, port)
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            words,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        client = Client(port)
        _wait(process, client, log)
        started = time.monotonic()
        logins = json.loads((folder / "first_logins.json").read_text("utf8"))
        passwords = {one["username"]: one["password"] for one in logins}
        tier_of = {
            user["username"]: user["tier"]
            for user in json.loads((folder / "access.json").read_text("utf8"))["users"]
        }
        tiers: dict[str, str] = {}
        for name, password in passwords.items():
            client.log_in(name, password)
            tiers.setdefault(tier_of[name], name)
        yield Served(
            client, f"http://{HOST}:{port}", passwords, tiers, prepared - begun, started - prepared, log
        )
    finally:
        _end(process)


def free_port() -> int:
    """A port that the system gives: two runs on one machine do not choose the same."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], client: Client, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Permanent(f"驾驶舱没有启动：{_last_words(log)}")
        # Nobody listens yet; on a free port a connection may even meet itself.
        with contextlib.suppress(Permanent):
            if client.send(Request("", "GET", "/health")).status == 200:
                return
        time.sleep(0.2)
    raise Permanent(f"驾驶舱在 {START_LIMIT_S} 秒内没有就绪：{_last_words(log)}")


def _last_words(log: Path) -> str:
    return log.read_text("utf8", errors="replace")[-500:]


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_LIMIT_S)
            return
