"""A tiny cockpit for tests: hand-made serving file, assets and access, the real server, a client.

Belongs here: what the tests of the server share. Two datasets of 16 canteens in four counties, two
canteens a school, so that every expected number can be counted on fingers.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import secrets
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import yaml

from pipelines import cockpit
from pipelines.measures import served
from warehouse import settings
from warehouse.settings import ROOT, Settings

START_LIMIT_S: Final = 420
COLUMNS: Final = {
    "canteen_period": {
        "canteen_id": "VARCHAR",
        "school_id": "VARCHAR",
        "county_code": "VARCHAR",
        "pupils": "BIGINT",
        "snapshot_id": "BIGINT",
    },
    "finding": {
        "finding_id": "VARCHAR",
        "school_id": "VARCHAR",
        "county_code": "VARCHAR",
        "department": "VARCHAR",
        "snapshot_id": "BIGINT",
    },
}
KEYS: Final = {"canteen_period": "canteen_id", "finding": "finding_id"}
COUNTY: Final = [{"column": "county_code", "value": "430601"}]
USERS: Final = [
    {"username": "city", "tier": "city", "department": None, "scopes": []},
    {"username": "county", "tier": "county", "department": "education", "scopes": COUNTY},
    {"username": "county_market", "tier": "county", "department": "market", "scopes": COUNTY},
    {
        "username": "school",
        "tier": "school",
        "department": None,
        "scopes": [{"column": "school_id", "value": "S3"}],
    },
    {
        "username": "school_too",
        "tier": "school",
        "department": None,
        "scopes": [{"column": "school_id", "value": "S3"}],
    },
    {"username": "no_scope", "tier": "county", "department": None, "scopes": []},
    {"username": "steward", "tier": "steward", "department": None, "scopes": []},
    {"username": "analyst", "tier": "analyst", "department": None, "scopes": COUNTY},
    {"username": "analyst_no_scope", "tier": "analyst", "department": None, "scopes": []},
    {"username": "scheduler", "tier": "scheduler", "department": None, "scopes": []},
    {"username": "admin", "tier": "admin", "department": None, "scopes": []},
]


def identity(name: str) -> str:
    """Stable uuid of an asset."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def make_home(folder: Path) -> Settings:
    """A data home with one published snapshot and everything that the server reads."""
    home = settings.load(folder)
    state = home.home / "superset"
    state.mkdir(mode=0o700)
    publish(home, 1)
    write_assets(state / "assets")
    write_private(state / "access.json", access(USERS))
    pair = {name: secrets.token_urlsafe(48) for name in ("secret_key", "guest_secret")}
    write_private(state / "secrets.json", pair)
    logins = [
        {"role": "", "username": user["username"], "password": password(user["username"])} for user in USERS
    ]
    write_private(state / "first_logins.json", logins)
    return home


def publish(home: Settings, number: int) -> None:
    """A serving file whose rows carry its number, swapped in."""
    file = home.serving.parent / f"snapshot-{number}.duckdb"
    file.parent.mkdir(exist_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema cockpit")
        keys = "'S' || (i // 2) as school_id, '430' || (600 + i // 4) as county_code"
        connection.execute(
            f"create table cockpit.canteen_period as select 'C' || i as canteen_id, {keys}, i as pupils, "
            f"{number} as snapshot_id from range(16) as n(i)"
        )
        connection.execute(
            f"create table cockpit.finding as select 'F' || i as finding_id, {keys}, case i % 3 when 0 then "
            f"'education' when 1 then 'market' else 'both' end as department, {number} as snapshot_id "
            "from range(16) as n(i)"
        )
        connection.execute("create table cockpit.access_grant as select 'city' as username")
        connection.execute("create table main.elsewhere as select 1 as x")
    draft = file.with_name(".link")
    draft.symlink_to(file.name)
    draft.replace(home.serving)


def access(users: list[dict[str, Any]]) -> dict[str, Any]:
    """An access file."""
    scoped = {"scoped_by": ["county_code", "school_id"], "tiers": ["city", "county", "school"]}
    return {
        "as_of": "2026-10-15",
        "datasets": {
            "canteen_period": {**scoped, "department_column": None},
            "finding": {**scoped, "department_column": "department"},
        },
        "dashboards": {"city": ["city"], "county": ["county"], "school": ["school"]},
        "users": users,
    }


def write_private(path: Path, content: Any) -> None:
    """JSON for the owner's eyes, in one step."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content), "utf8")
    draft.chmod(0o600)
    draft.replace(path)


def write_assets(folder: Path) -> None:
    """The smallest tree that Superset imports: a table chart a dataset, a dashboard a tier."""
    documents: dict[str, Any] = {
        "metadata.yaml": {"version": "1.0.0", "type": "assets", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/canteen.yaml": {
            "database_name": "canteen",
            "sqlalchemy_uri": "duckdb:///serving.duckdb",
            "uuid": identity("database"),
            "version": "1.0.0",
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_csv_upload": False,
            "extra": {"allows_virtual_table_explore": False},
        },
    }
    for name in COLUMNS:
        documents[f"datasets/canteen/{name}.yaml"] = _dataset(name)
        documents[f"charts/{name}.yaml"] = _chart(name)
    for tier in ("city", "county", "school"):
        documents[f"dashboards/{tier}.yaml"] = _dashboard(tier)
    for name, document in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf8")


def password(username: str) -> str:
    """First password of a user of this cockpit."""
    return f"First-{username}-1"


class Server:
    """The real server over a home; can be stopped and started again.

    Attributes:
        home: The data home.
        address: Where it listens.
    """

    def __init__(self, home: Settings) -> None:
        self.home = home
        self.state = home.home / "superset"
        self.log = home.home / "server.log"
        self.port = served.free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start and wait until it answers or ends; returns what it logged since.

        Raises:
            TimeoutError: It neither answered nor ended.
        """
        words, environment = cockpit.command(self.home, self.port)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                words, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None or Browser(self).get("/health")[0] == 200:
                return self.log.read_text("utf8", errors="replace")
            time.sleep(0.3)
        self.stop()
        raise TimeoutError(self.log.read_text("utf8", errors="replace"))

    def stop(self) -> None:
        """End it with its worker."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(30)

    @contextlib.contextmanager
    def metadata(self) -> Iterator[sqlite3.Connection]:
        """Superset's own database, for looking and for spoiling."""
        with contextlib.closing(sqlite3.connect(self.state / "superset.db", timeout=30)) as connection:
            yield connection
            connection.commit()


class Browser:
    """A session with the server, with its cookies.

    Attributes:
        address: Where the last answer came from.
        headers: Headers of the last answer.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.address = ""
        self.headers: Any = {}
        self.token = ""
        self._open = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), urllib.request.ProxyHandler({})
        ).open

    def get(self, path: str, page: str = "", accept: str = "*/*") -> tuple[int, str]:
        """Ask for an address; ``page`` is the page that asks."""
        return self._send(path, None, self._headers(page, accept))

    def post(self, path: str, body: Any, page: str = "") -> tuple[int, str]:
        """Send JSON with the session's token."""
        headers = {**self._headers(page), "Content-Type": "application/json", "X-CSRFToken": self.token}
        return self._send(path, json.dumps(body).encode(), headers)

    def try_password(self, username: str, secret: str) -> int:
        """Send the login form; the status of the answer."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]*)"', self.get("/login/")[1], re.DOTALL)
        assert found is not None
        form = urllib.parse.urlencode({"username": username, "password": secret, "csrf_token": found[1]})
        return self._send("/login/", form.encode(), {})[0]

    def log_in(self, username: str, secret: str | None = None) -> bool:
        """Log in by the form; whether it worked."""
        self.try_password(username, password(username) if secret is None else secret)
        code, text = self.get("/api/v1/security/csrf_token/")
        self.token = json.loads(text)["result"] if code == 200 else ""
        return self.get("/api/v1/me/")[0] == 200

    def rows(self, dataset: str, page: str = "", **query: Any) -> list[dict[str, Any]]:
        """Rows of a dataset as a chart gets them."""
        code, text = self.ask(dataset, page, **query)
        assert code == 200, text
        return list(json.loads(text)["result"][0]["data"])

    def ask(self, dataset: str, page: str = "", **query: Any) -> tuple[int, str]:
        """A chart's question; the answer as it comes."""
        with self.server.metadata() as metadata:
            number = metadata.execute("select id from tables where table_name = ?", [dataset]).fetchone()[0]
        one = {"columns": [KEYS[dataset], "snapshot_id"], "metrics": ["rows"], "row_limit": 1000, **query}
        body = {
            "datasource": {"id": number, "type": "table"},
            "queries": [one],
            "result_format": "json",
            "result_type": "full",
        }
        return self.post("/api/v1/chart/data", body, page)

    def sql(self, sql: str) -> tuple[int, str]:
        """Run SQL in SQL Lab."""
        body = {"database_id": 1, "sql": sql, "schema": "cockpit", "runAsync": False}
        return self.post("/api/v1/sqllab/execute/", body)

    def _headers(self, page: str, accept: str = "*/*") -> dict[str, str]:
        return {"Referer": self.server.address + page, "Accept": accept}

    def _send(self, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, str]:
        request = urllib.request.Request(self.server.address + path, body, headers)  # noqa: S310  (loopback)
        try:
            answer = self._open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        except OSError:
            return 0, ""
        self.address, self.headers = answer.geturl(), answer.headers
        return answer.status, answer.read().decode("utf8", "replace")


def _dataset(name: str) -> dict[str, Any]:
    return {
        "table_name": name,
        "schema": "cockpit",
        "uuid": identity(f"dataset {name}"),
        "database_uuid": identity("database"),
        "version": "1.0.0",
        "columns": [
            {"column_name": column, "type": kind, "is_active": True, "groupby": True, "filterable": True}
            for column, kind in COLUMNS[name].items()
        ],
        "metrics": [{"metric_name": "rows", "verbose_name": "行数", "expression": "COUNT(*)"}],
    }


def _chart(name: str) -> dict[str, Any]:
    params = {"viz_type": "table", "datasource": "0__table", "groupby": [KEYS[name]], "metrics": ["rows"]}
    return {
        "slice_name": f"表 {name}",
        "viz_type": "table",
        "params": params,
        "dataset_uuid": identity(f"dataset {name}"),
        "uuid": identity(f"chart {name}"),
        "version": "1.0.0",
    }


def _dashboard(tier: str) -> dict[str, Any]:
    charts = {
        f"CHART-{number}": {
            "id": f"CHART-{number}",
            "type": "CHART",
            "children": [],
            "meta": {"chartId": number, "uuid": identity(f"chart {name}"), "width": 6, "height": 50},
            "parents": ["ROOT_ID", "GRID_ID", "ROW-1"],
        }
        for number, name in enumerate(COLUMNS, start=1)
    }
    position = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": ["ROW-1"], "parents": ["ROOT_ID"]},
        "ROW-1": {
            "id": "ROW-1",
            "type": "ROW",
            "children": list(charts),
            "meta": {},
            "parents": ["ROOT_ID", "GRID_ID"],
        },
        **charts,
    }
    return {
        "dashboard_title": f"看板 {tier}",
        "slug": tier,
        "css": "",
        "uuid": identity(f"dashboard {tier}"),
        "version": "1.0.0",
        "published": True,
        "position": position,
        "metadata": {},
    }
