"""The cockpit's server, seen from the product: what it is given, how it is started, its first logins.

Belongs here: secrets, assets and access file of a data home, the command line and environment of the
server. Starting and stopping it is `pipelines.services`; what runs in it is `dashboards.superset`,
which lives in an environment of its own and is never imported here.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from warehouse import serving
from warehouse.errors import Permanent, Transient
from warehouse.settings import ROOT, Settings

PORT: Final = 8088
PYTHON: Final = ROOT / ".venv-superset" / "bin" / "python"
ADMINISTRATOR: Final = "admin"
RESET_LIMIT_S: Final = 30
TIERS: Final = {
    "city": "市级监管",
    "county": "县级监管",
    "school": "学校",
    "steward": "数据管理",
    "analyst": "分析",
    "scheduler": "调度",
    "admin": "系统管理",
}
DEPARTMENTS: Final = {"education": "教育", "market": "市场监管"}


@dataclass(frozen=True)
class Login:
    """An account with the password that was made for it.

    Attributes:
        role: Chinese name of what the account may do.
        username: Its name.
        password: Its first password.
    """

    role: str
    username: str
    password: str


def possible(settings: Settings) -> bool:
    """Whether anything has been published that a cockpit could show."""
    return settings.serving.exists()


def prepare(settings: Settings) -> None:
    """Make or renew everything that the server reads from the data home.

    Raises:
        Permanent: The environment of the server is missing, or the definitions are wrong.
    """
    if not PYTHON.exists():
        raise Permanent(f"缺少驾驶舱的环境 {PYTHON.parents[1]}：请用 ./canteen serve 启动，它会按锁文件建立")
    from dashboards.sync import build

    folder = _folder(settings)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if not (folder / "secrets.json").exists():
        made = {name: secrets.token_urlsafe(48) for name in ("secret_key", "guest_secret")}
        _write_private(folder / "secrets.json", made)
    build.build(settings)
    refresh(settings)
    _make_first_logins(settings)


def refresh(settings: Settings) -> None:
    """Write the access file of the published grants; a running server follows it within seconds."""
    from dashboards.sync import access

    path = access.write(settings)
    content = json.loads(path.read_text("utf8"))
    if not any(user["tier"] == "admin" for user in content["users"]):
        admin = {"username": ADMINISTRATOR, "tier": "admin", "department": None, "scopes": []}
        _write_private(path, {**content, "users": [*content["users"], admin]})


def in_use(settings: Settings) -> bool:
    """Whether a cockpit has been prepared in this home."""
    return (_folder(settings) / "access.json").exists()


def command(settings: Settings, port: int) -> tuple[list[str], dict[str, str]]:
    """The server's command line and the whole of its environment.

    Args:
        settings: The data home.
        port: Port on loopback.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SUPERSET_", "FLASK_"))}
    return [str(PYTHON), "-P", "-m", "dashboards.superset.wsgi"], {
        **kept,
        "CANTEEN_SUPERSET_HOME": str(_folder(settings)),
        "CANTEEN_SERVING": str(settings.serving.parent),
        "CANTEEN_SUPERSET_PORT": str(port),
        "SUPERSET_CONFIG_PATH": str(ROOT / "dashboards" / "superset" / "config.py"),
        "PYTHONPATH": str(ROOT),
    }


def logins_once(settings: Settings) -> list[Login]:
    """The first logins, the first time that they are asked for; afterwards none."""
    folder = _folder(settings)
    shown = folder / "logins.shown"
    if shown.exists() or not (folder / "first_logins.json").exists():
        return []
    shown.touch()
    return [Login(**one) for one in _first_logins(folder)]


def reset_login(settings: Settings, username: str, *, running: bool) -> Login:
    """Give an account a new random password.

    Args:
        settings: The data home.
        username: The account.
        running: Whether the server runs; then it is waited for.

    Raises:
        Permanent: There is no such account.
        Transient: The running server did not take it.
    """
    folder = _folder(settings)
    users = {user["username"]: user for user in _read(folder / "access.json")["users"]}
    if username not in users:
        raise Permanent(f"没有账号 {username}：账号来自组织登记中的授权，请先在登记中授权")
    asked = Login(_role(users[username]), username, secrets.token_urlsafe(12))
    path = folder / "resets.json"
    _write_private(path, {**(_read(path) if path.exists() else {}), username: asked.password})
    deadline = time.monotonic() + RESET_LIMIT_S
    while running and path.exists():
        if time.monotonic() > deadline:
            raise Transient(f"驾驶舱在 {RESET_LIMIT_S} 秒内没有接受新密码：请用 ./canteen status 查看后再试")
        time.sleep(0.5)
    return asked


def _make_first_logins(settings: Settings) -> None:
    """One account of every role gets a random password, the school with the fullest pages first; made once."""
    folder = _folder(settings)
    path = folder / "first_logins.json"
    if path.exists():
        return
    chosen: dict[str, str] = {}
    order = list(TIERS)
    filled = _filled(settings)
    users = sorted(
        _read(folder / "access.json")["users"],
        key=lambda one: (
            order.index(one["tier"]),
            -max((filled.get(scope["value"], 0) for scope in one["scopes"]), default=0),
        ),
    )
    for user in users:
        chosen.setdefault(_role(user), user["username"])
    logins = [
        {"role": role, "username": name, "password": secrets.token_urlsafe(12)}
        for role, name in chosen.items()
    ]
    _write_private(path, logins)


def _filled(settings: Settings) -> dict[str, int]:
    """How many of the pages that not every school has, money and kitchen video, show something, by school."""
    with serving.connect(settings) as connection:
        rows = connection.execute(
            "select school_id, count(*) from (select distinct school_id from cockpit.money_month "
            "union all select distinct school_id from cockpit.camera_day) group by school_id"
        ).fetchall()
    return dict(rows)


def _first_logins(folder: Path) -> list[dict[str, str]]:
    return list(_read(folder / "first_logins.json"))


def _role(user: dict[str, Any]) -> str:
    department = DEPARTMENTS.get(user["department"] or "")
    return TIERS[user["tier"]] + (f"（{department}）" if department else "")


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf8"))


def _write_private(path: Path, content: Any) -> None:
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf8") as file:
        json.dump(content, file, ensure_ascii=False)
    draft.replace(path)


def _folder(settings: Settings) -> Path:
    return settings.home / "superset"
