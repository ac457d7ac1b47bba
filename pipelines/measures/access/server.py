"""The cockpit under probe: the real server over the planted city, on a port and metadata of its own.

Belongs here: its files, its process, its URL map and what its metadata say. Does not belong here:
requests.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines import cockpit
from pipelines.measures import served
from pipelines.measures.access.client import Client
from pipelines.measures.access.world import World
from warehouse.errors import Permanent
from warehouse.settings import ROOT

FELT_WITHIN_S: Final = 60
"""A grant that ended must be felt within this time."""
# What a request may rightly change: logs, visits, page state, answers kept for later.
VOLATILE: Final = frozenset({"logs", "key_value", "cache_keys", "query", "tab_state", "table_schema"})
_VISITS: Final = frozenset({"last_login", "login_count", "fail_login_count", "changed_on", "changed_by_fk"})


@dataclass(frozen=True)
class Server:
    """A running cockpit.

    Attributes:
        world: What it shows.
        client: For asking it.
        passwords: Account name -> password.
        folder: Its state.
        log: Its output.
    """

    world: World
    client: Client
    passwords: Mapping[str, str]
    folder: Path
    log: Path

    def metadata(self) -> dict[str, str]:
        """A digest of every lasting table of Superset's own database."""
        with contextlib.closing(sqlite3.connect(self.folder / "superset.db", timeout=30)) as connection:
            names = [
                row[0] for row in connection.execute("select name from sqlite_master where type = 'table'")
            ]
            return {name: _digest(connection, name) for name in sorted(set(names) - VOLATILE)}

    def spoil(self, sql: str, values: tuple[str, ...]) -> None:
        """Change Superset's own database behind its back, to see that the probe notices."""
        with contextlib.closing(sqlite3.connect(self.folder / "superset.db", timeout=30)) as connection:
            connection.execute(sql, values)
            connection.commit()

    def rewrite_access(self, users: list[dict[str, Any]]) -> None:
        """Put other users into the access file, as a new publication would."""
        path = self.folder / "access.json"
        access = {**json.loads(path.read_text("utf8")), "users": users}
        _replace(path, access)

    def access(self) -> dict[str, Any]:
        """The access file."""
        return json.loads((self.folder / "access.json").read_text("utf8"))  # type: ignore[no-any-return]

    def reset_password(self, user: str, password: str) -> None:
        """Ask the server for a new password of an account, as the operator's command does."""
        _replace(self.folder / "resets.json", {user: password})

    def url_map(self) -> list[dict[str, Any]]:
        """Every rule of the server's URL map: rule, endpoint, methods, args."""
        words, environment = cockpit.command(self.world.home, self.client.port)
        done = subprocess.run(  # noqa: S603
            [*words[:-1], "dashboards.superset.urlmap"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Permanent(f"读不到驾驶舱的地址表：{done.stderr[-500:]}")
        return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@contextlib.contextmanager
def running(world: World) -> Iterator[Server]:
    """Serve the planted city until the end of the block, with every account of the probe logged in."""
    folder = world.home.home / "superset"
    folder.mkdir(mode=0o700, exist_ok=True)
    logins = [
        {"role": one.tier, "username": world.account(one.name), "password": secrets.token_urlsafe(18)}
        for one in world.people.values()
    ]
    _write(folder / "first_logins.json", logins)
    with served.running(world.home) as one:
        for name, account in world.accounts.items():
            one.client.sessions[name] = one.client.sessions.pop(account)
        yield Server(world, one.client, one.passwords, folder, one.log)


def _digest(connection: sqlite3.Connection, table: str) -> str:
    columns = [row[1] for row in connection.execute(f"pragma table_info('{table}')")]
    kept = ", ".join(f'"{name}"' for name in columns if name not in _VISITS)
    rows = sorted(map(repr, connection.execute(f'select {kept} from "{table}"')))
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), "utf8")
    path.chmod(0o600)


def _replace(path: Path, value: Any) -> None:
    draft = path.with_suffix(".tmp")
    _write(draft, value)
    draft.replace(path)
