"""One token per device gateway: random, kept as a digest, shown once.

Belongs here: making and checking them. There is no default token and no way to read one back.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from warehouse.errors import Permanent

_OTHERS: Final = 0o077


def location(home: Path) -> Path:
    """File of the digests."""
    return home / "inbox" / "tokens.json"


def prepare(home: Path, gateways: Iterable[str]) -> dict[str, str]:
    """Make a token for every gateway that has none.

    Returns:
        The new tokens by gateway; they cannot be shown again.
    """
    kept = _read(location(home))
    made = {name: secrets.token_urlsafe(32) for name in gateways if name not in kept.values()}
    if made:
        _write(location(home), kept | {digest(token): name for name, token in made.items()})
    return made


def renew(home: Path, gateway: str) -> str:
    """A new token in the place of a gateway's old one, which no longer works.

    Raises:
        Permanent: There is no such gateway.
    """
    kept = _read(location(home))
    if gateway not in kept.values():
        raise Permanent(f"没有网关 {gateway}：已有 {'、'.join(sorted(set(kept.values()))) or '无'}")
    token = secrets.token_urlsafe(32)
    others = {one: name for one, name in kept.items() if name != gateway}
    _write(location(home), others | {digest(token): gateway})
    return token


class Door:
    """Says whose token it is; follows a renewed token without a restart."""

    def __init__(self, home: Path) -> None:
        self._path = location(home)
        self._seen = 0
        self._known: dict[str, str] = {}

    def gateway(self, token: str) -> str | None:
        """The gateway of a token, ``None`` if it is no valid one."""
        if not self._path.exists():
            return None
        changed = self._path.stat().st_mtime_ns
        if changed != self._seen:
            self._known, self._seen = _read(self._path), changed
        return self._known.get(digest(token)) if token else None


def digest(token: str) -> str:
    """What is kept of a token; looking a digest up tells nothing by its timing."""
    return hashlib.sha256(token.encode()).hexdigest()


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    if path.stat().st_mode & _OTHERS:
        raise Permanent(f"{path} 对其他用户可读，请执行 chmod 600 {path}")
    return dict(json.loads(path.read_text("utf8")))


def _write(path: Path, kept: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(kept, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
