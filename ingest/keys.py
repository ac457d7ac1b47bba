"""The keys of a data home: one for originals, one for pseudonyms of persons.

Belongs here: making the keys once, outside the home, and refusing unsafe places (DESIGN decisions
17 and 19). Does not belong here: using them (``ingest.vault``, ``ingest.masking``).
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from warehouse import settings
from warehouse.errors import Permanent

_KEY_BYTES: Final = 32
_OTHERS: Final = 0o077


@dataclass(frozen=True)
class Keys:
    """Secret keys, never printed.

    Attributes:
        vault: AES-256 key of the originals.
        person: HMAC key of the pseudonyms.
    """

    vault: bytes = field(repr=False)
    person: bytes = field(repr=False)


def location(home: Path) -> Path:
    """File that holds the keys of a home: in ``CANTEEN_KEYS``, else in the user's configuration folder.

    Raises:
        Permanent: The folder lies inside the home, where a copy of the data would hold its keys.
    """
    home_id = settings.load(home).home_id
    given = os.environ.get("CANTEEN_KEYS")
    folder = Path(given) if given else Path.home() / ".config" / "canteen-lakehouse" / home_id
    folder = folder.absolute()
    if folder.resolve().is_relative_to(home.resolve()):
        raise Permanent(f"密钥文件夹 {folder} 位于数据目录 {home} 之内，请把 CANTEEN_KEYS 指到数据目录之外")
    return folder / f"{home_id}.json"


def load(home: Path) -> Keys:
    """The keys of a home, made at first use.

    Raises:
        Permanent: The keys are gone although originals are kept, are readable by others, or damaged.
    """
    path = location(home)
    if not path.exists():
        if _holds_originals(home):
            raise Permanent(
                f"找不到密钥 {path}，而 {home / 'vault'} 中已有加密原件：请从备份恢复该文件，"
                "或用 CANTEEN_KEYS 指明其所在文件夹；丢失密钥则原件无法解密"
            )
        _make(path)
    if path.stat().st_mode & _OTHERS:
        raise Permanent(f"密钥 {path} 对其他用户可读，请执行 chmod 600 {path}")
    try:
        kept = json.loads(path.read_text("utf8"))
        keys = Keys(bytes.fromhex(kept["vault"]), bytes.fromhex(kept["person"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(f"密钥 {path} 已损坏，请从备份恢复") from error
    if len(keys.vault) != _KEY_BYTES or len(keys.person) != _KEY_BYTES:
        raise Permanent(f"密钥 {path} 已损坏，请从备份恢复")
    return keys


def _holds_originals(home: Path) -> bool:
    vault = home / "vault"
    return vault.is_dir() and next(vault.glob("*/*"), None) is not None


def _make(path: Path) -> None:
    """Write new keys; of two processes that try at once, one wins and both read the same file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    text = json.dumps({name: secrets.token_hex(_KEY_BYTES) for name in ("vault", "person")})
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
