"""The inbox process: HTTP on loopback, MQTT where ``CANTEEN_MQTT_URL`` is set.

Belongs here: starting and ending. ``python -m ingest.inbox HOME LANDING PORT``; started by
``./canteen serve``, which writes the routes first.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import uvicorn

from ingest.inbox import routes as declared
from ingest.inbox.spool import MAX_SECONDS, Spool
from ingest.inbox.tokens import Door
from ingest.inbox.web import application
from warehouse import settings

HOST: Final = "127.0.0.1"
_IDLE_S: Final = 30
_AT_ONCE: Final = 256


def run(home: Path, landing: Path, port: int) -> None:
    """Take messages until the process is told to stop; then every file is moved into landing."""
    routes = declared.read(home / "inbox" / "routes.json")
    seconds = float(os.environ.get("CANTEEN_INBOX_SECONDS", MAX_SECONDS))
    spool = Spool(home / "inbox" / "spool", landing, max_seconds=seconds)
    listener = None
    url = os.environ.get("CANTEEN_MQTT_URL")
    try:
        if url:
            from ingest.inbox.mqtt import Listener

            listener = Listener(url, f"canteen-{settings.load(home).home_id}", routes, spool)
            listener.start()

        def health() -> dict[str, Any]:
            state = "off" if listener is None else "connected" if listener.connected.is_set() else "waiting"
            return {"status": "ok", "mqtt": state}

        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda *_: None)  # uvicorn ends at the first one and raises it again
        config = uvicorn.Config(
            application(routes, spool, Door(home), health),
            host=HOST,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_S,
            limit_concurrency=_AT_ONCE,
        )
        uvicorn.Server(config).run()
    finally:
        if listener is not None:
            listener.stop()
        spool.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
