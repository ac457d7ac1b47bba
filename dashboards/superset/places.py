"""Where the server's files are, and its secrets.

Belongs here: the variables that the product gives to the server process, and the refusal of secrets
that anybody could know.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Final

FEWEST_CHARACTERS: Final = 32
KNOWN: Final = (
    "change_me",
    "changeme",
    "test-secret",
    "test-guest-secret",
    "thisisasecret",
    "your_own_random",
    "your_secret_key",
    "thisismyscretkey",
    "superset",
)
"""Beginnings or parts of the secrets that stand in Superset's sources, guides and images."""


class RefusedError(Exception):
    """The server must not start; the message says why, in Chinese."""


def home() -> Path:
    """Folder of the server's state."""
    return Path(_variable("CANTEEN_SUPERSET_HOME"))


def serving() -> Path:
    """Folder of the published snapshots."""
    return Path(_variable("CANTEEN_SERVING"))


def port() -> int:
    """Port that the server listens on."""
    return int(_variable("CANTEEN_SUPERSET_PORT"))


def metadata_uri() -> str:
    """SQLAlchemy address of Superset's own database: SQLite unless CANTEEN_SUPERSET_DB is set."""
    return os.environ.get("CANTEEN_SUPERSET_DB") or f"sqlite:///{sqlite_file()}"


def sqlite_file() -> Path | None:
    """Superset's own database where it is a file of the server's state."""
    return None if os.environ.get("CANTEEN_SUPERSET_DB") else home() / "superset.db"


def secrets() -> tuple[str, str]:
    """The session secret and the guest token secret.

    Raises:
        RefusedError: The file is missing or readable by others, or a secret is short, repeated or known.
    """
    path = home() / "secrets.json"
    if not path.is_file():
        raise RefusedError(f"缺少密钥文件 {path}：请用 ./canteen serve 启动，它会生成随机密钥")
    if path.stat().st_mode & 0o077:
        raise RefusedError(f"密钥文件 {path} 可被其他用户读取：请执行 chmod 600 {path}")
    values = json.loads(path.read_text("utf8"))
    pair = values["secret_key"], values["guest_secret"]
    for value in pair:
        if len(value) < FEWEST_CHARACTERS or any(known in value.lower() for known in KNOWN):
            raise RefusedError(f"{path} 中的密钥太短或众所周知：请删除该文件后重新启动，它会重新随机生成")
    if pair[0] == pair[1]:
        raise RefusedError(f"{path} 中的两个密钥相同：请删除该文件后重新启动，它会重新随机生成")
    return pair


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise RefusedError(f"没有设置 {name}：请用 ./canteen serve 启动，不要单独运行服务器")
    return value
