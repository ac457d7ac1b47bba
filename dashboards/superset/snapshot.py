"""One page, one snapshot.

Belongs here: which published snapshot a request reads, the connection to it, and caches whose keys
hold it. A dashboard page is given the newest snapshot when it is opened, in its address; what the
page asks for afterwards names the page as its referrer and reads the same file for as long as it is
kept.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import duckdb
from flask import g, has_request_context, request
from flask_caching.backends.filesystemcache import FileSystemCache
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from dashboards.superset import places, theme

PARAMETER: Final = "snapshot"
HEADER: Final = "X-Canteen-Snapshot"
READ_ONLY: Final = {
    "read_only": True,
    "config": {
        "enable_external_access": "false",
        "autoload_known_extensions": "false",
        "autoinstall_known_extensions": "false",
        "lock_configuration": "true",
        "memory_limit": "1GB",
        "threads": "2",
        "temp_directory": "",
    },
}


def newest() -> int | None:
    """Number of the published snapshot, ``None`` before the first publication."""
    try:
        return _number(os.readlink(places.serving() / "serving.duckdb"))
    except FileNotFoundError:
        return None


def file(number: int) -> Path:
    """The serving file of a snapshot."""
    return places.serving() / f"snapshot-{number}.duckdb"


def of_request() -> int | None:
    """The snapshot that this request reads; the newest outside a request."""
    if not has_request_context():
        return newest()
    if "canteen_snapshot" not in g:
        last = newest()
        wanted = _asked_for()
        # A number above the published one is of a publication that was rolled back.
        usable = last is not None and wanted is not None and wanted <= last and file(wanted).exists()
        g.canteen_snapshot = wanted if usable else last
    return g.canteen_snapshot  # type: ignore[no-any-return]


def connect(uri: Any, params: dict[str, Any], *_: Any) -> tuple[Any, dict[str, Any]]:
    """Superset's connection mutator: every query goes to the request's snapshot, read-only.

    Raises:
        duckdb.IOException: Nothing has been published.
    """
    number = of_request()
    if number is None:
        raise duckdb.IOException("尚无已发布的快照")
    address = uri.set(database=str(file(number)), query={})
    _hold(number, address)
    return address, {**params, "connect_args": dict(READ_ONLY)}


class SnapshotCache(FileSystemCache):
    """A cache on disk that answers only with what was stored for the request's snapshot."""

    def _get_filename(self, key: str) -> str:
        return str(super()._get_filename(f"{of_request()}:{key}"))


class PageCache(SnapshotCache):
    """The same for what pages are made of, which also depends on the theme."""

    def _get_filename(self, key: str) -> str:
        return str(super()._get_filename(f"{theme.chosen()}:{key}"))


_held: dict[int, Any] = {}
_holding = threading.Lock()


def cursor(number: int | None) -> duckdb.DuckDBPyConnection:
    """A new read-only connection to a snapshot, for SQL that Superset made and the guard let pass.

    Args:
        number: ``of_request()`` of the request that is answered; a thread of its own has none.

    Raises:
        duckdb.IOException: Nothing has been published.
    """
    if number is None:
        raise duckdb.IOException("尚无已发布的快照")
    # Through Superset's driver, because DuckDB refuses a second connection with other words about its caller.
    return _hold(number, make_url(f"duckdb:///{file(number)}")).driver_connection.duplicate()  # type: ignore[no-any-return]


def _hold(number: int, address: Any) -> Any:
    """Keep one idle connection to a snapshot open for as long as its file is kept.

    DuckDB opens a file once per process while anybody has it open; without this every query of every
    chart would read the file's catalog anew, which takes longer than most of the queries.
    """
    with _holding:
        if number not in _held:
            _held[number] = create_engine(
                address, poolclass=NullPool, connect_args=dict(READ_ONLY)
            ).raw_connection()
        for gone in [one for one in _held if one != number and not file(one).exists()]:
            _held.pop(gone).close()
        return _held[number]


def let_go() -> None:
    """Close the connections that are kept open."""
    with _holding:
        while _held:
            _held.popitem()[1].close()


def _asked_for() -> int | None:
    """The number in the address, in the referring page's address, or among the chart's parameters."""
    if PARAMETER in request.args:
        return _whole(request.args[PARAMETER])
    referring = parse_qs(urlsplit(request.referrer or "").query).get(PARAMETER)
    if referring:
        return _whole(referring[0])
    body = request.get_json(silent=True) if request.is_json else None
    form = body.get("form_data") if isinstance(body, dict) else None
    given = form.get("url_params") if isinstance(form, dict) else None
    return _whole(given.get(PARAMETER)) if isinstance(given, dict) else None


def _whole(text: Any) -> int | None:
    return int(text) if str(text).isdecimal() and len(str(text)) < 10 else None


def _number(name: str) -> int:
    return int(Path(name).stem.split("-")[1])
