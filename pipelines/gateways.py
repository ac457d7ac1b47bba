"""The inbox of device gateways, seen from the product: its port, its routes, its command line, its tokens.

Belongs here: what ``./canteen serve``, ``status`` and ``doctor`` need to know. Taking messages is
``ingest.inbox``, a process of its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from warehouse.errors import Permanent
from warehouse.settings import Settings

PORT: Final = 8090
MQTT: Final = "CANTEEN_MQTT_URL"
_HIGHEST: Final = 65_535


def wanted_port() -> int | None:
    """The port that ``CANTEEN_INBOX_PORT`` asks for, ``None`` where it is not set.

    Raises:
        Permanent: It is no port.
    """
    given = os.environ.get("CANTEEN_INBOX_PORT")
    if not given:
        return None
    if not given.isdigit() or not 0 < int(given) <= _HIGHEST:
        raise Permanent(f"CANTEEN_INBOX_PORT={given!r} 不是端口号（1—{_HIGHEST}），请改正 .env")
    return int(given)


def prepare(settings: Settings, landing: Path) -> None:
    """Write the routes that the process takes; a landing folder that it could not move into is refused."""
    from ingest.inbox import routes
    from ingest.landing import same_disk

    same_disk(settings.home, landing)
    routes.write(settings.home / "inbox" / "routes.json", routes.derive(settings.home))


def command(settings: Settings, landing: Path, port: int) -> list[str]:
    """The process's command line."""
    return [sys.executable, "-P", "-m", "ingest.inbox", str(settings.home), str(landing), str(port)]


def new_tokens(settings: Settings) -> dict[str, str]:
    """Tokens of gateways that had none; this is the only time that they are seen."""
    from ingest.inbox import routes, tokens

    listed = routes.read(settings.home / "inbox" / "routes.json")
    return tokens.prepare(settings.home, sorted({one.provider for one in listed}))


def reset_token(settings: Settings, gateway: str) -> str:
    """A new token in the place of an old one.

    Raises:
        Permanent: There is no such gateway.
    """
    from ingest.inbox import tokens

    return tokens.renew(settings.home, gateway)
