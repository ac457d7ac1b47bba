"""One read-only, consistent look into a database, by kind.

Belongs here: connecting, the snapshot, streaming rows, and how each kind quotes names and marks
parameters. Does not belong here: which rows are wanted. A driver is imported only when it is used.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

from ingest.connectors.declaration import Database
from warehouse.errors import Permanent, Transient

_CONNECT_S: Final = 10
_READ_S: Final = 300
_BATCH: Final = 1_000
_OTHERS: Final = 0o077


class Session(Protocol):
    """An open snapshot.

    Attributes:
        mark: How a parameter is marked.
    """

    mark: str

    def text(self, column: str, length: int) -> str:
        """Expression of the first characters of a column as text, never null, compared byte by byte."""
        ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """Rows of a query, streamed."""
        ...

    def name(self, name: str) -> str:
        """A name, quoted; with a dot, each part."""
        ...


@contextlib.contextmanager
def opened(provider: str, declared: Database) -> Iterator[Session]:
    """A snapshot of a provider's database, released at the end.

    Args:
        provider: Its code, for messages.
        declared: The declaration.

    Raises:
        Transient: It does not answer, or broke off.
        Permanent: The address is missing or wrong, or the database does not know a table or column.
    """
    address = _address(declared.connection)
    try:
        with _OPENERS[declared.kind](address) as session:
            yield session
    except _unreachable(declared.kind) as error:
        raise Transient(
            f"{provider} 的数据库没有应答或中断（{_reason(error)}）：请检查网络、账号和 {declared.connection}，"
            "之后再运行；已写出的文件不会重复"
        ) from error
    except _wrong(declared.kind) as error:
        raise Permanent(
            f"{provider} 的数据库不接受查询（{_reason(error)}）：请核对其登记文件中的表名、列名和账号权限"
        ) from error


def _address(variable: str) -> str:
    """The address that an environment variable holds, or a private file that it names."""
    given = os.environ.get(variable)
    if given:
        return given
    named = os.environ.get(f"{variable}_FILE")
    if not named:
        raise Permanent(
            f"没有设置 {variable}：请在 .env 中写明数据库地址，或用 {variable}_FILE 指明存放它的文件"
        )
    path = Path(named)
    if not path.is_file():
        raise Permanent(f"{variable}_FILE 指向的 {path} 不存在")
    if path.stat().st_mode & _OTHERS:
        raise Permanent(f"{path} 对其他用户可读，请执行 chmod 600 {path}")
    return path.read_text("utf8").strip()


def _reason(error: BaseException) -> str:
    """The driver's words, without more than the first line; addresses are not part of them."""
    words = [str(part) for part in error.args] or [type(error).__name__]
    return " ".join(" ".join(words).split())[:160]


class _Cursors:
    """A session over a DB-API connection whose cursors stream."""

    def __init__(self, connection: Any, mark: str, quote: str, text: str, collation: str = "") -> None:
        self._connection = connection
        self._quote = quote
        self._text = text
        self._collation = collation
        self._count = 0
        self.mark = mark

    def text(self, column: str, length: int) -> str:
        taken = f"SUBSTR(CAST({self.name(column)} AS {self._text}), 1, {length})"
        return f"(COALESCE({taken}, ''){self._collation})"

    def name(self, name: str) -> str:
        return ".".join(f"{self._quote}{part}{self._quote}" for part in name.split("."))

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        with contextlib.closing(self._cursor()) as cursor:
            cursor.execute(sql, tuple(parameters))
            while batch := cursor.fetchmany(_BATCH):
                yield from batch

    def _cursor(self) -> Any:
        return self._connection.cursor()


class _Named(_Cursors):
    """PostgreSQL keeps a result on the server only under a name."""

    def _cursor(self) -> Any:
        self._count += 1
        return self._connection.cursor(name=f"canteen_{self._count}")


@contextlib.contextmanager
def _mariadb(address: str) -> Iterator[Session]:
    import pymysql
    from pymysql.cursors import SSCursor

    parts = urlsplit(address)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.removeprefix("/")),
        charset="utf8mb4",
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        cursorclass=SSCursor,
        autocommit=True,
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET SESSION time_zone = '+08:00'")
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield _Cursors(connection, "%s", "`", "CHAR", " COLLATE utf8mb4_bin")
    finally:
        connection.close()


@contextlib.contextmanager
def _postgresql(address: str) -> Iterator[Session]:
    import psycopg

    options = f"-c statement_timeout={_READ_S * 1000} -c TimeZone=Asia/Shanghai"
    connection = psycopg.connect(address, connect_timeout=_CONNECT_S, options=options)
    try:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield _Named(connection, "%s", '"', "TEXT")
    finally:
        connection.close()


@contextlib.contextmanager
def _sqlite(address: str) -> Iterator[Session]:
    path = Path(unquote(urlsplit(address).path))
    if not path.is_file():
        raise Transient(f"数据库文件 {path} 不存在：请检查挂载和路径，之后再运行")
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=ro", uri=True, timeout=_CONNECT_S, isolation_level=None
    )
    try:
        connection.execute("BEGIN")  # the first read below opens the snapshot
        yield _Cursors(connection, "?", '"', "TEXT")
    finally:
        connection.close()


_OPENERS: Final = {"mariadb": _mariadb, "postgresql": _postgresql, "sqlite": _sqlite}


def _unreachable(kind: str) -> tuple[type[BaseException], ...]:
    if kind == "mariadb":
        import pymysql

        return (pymysql.err.OperationalError, pymysql.err.InterfaceError, TimeoutError)
    if kind == "postgresql":
        import psycopg

        return (psycopg.OperationalError,)
    return ()


def _wrong(kind: str) -> tuple[type[BaseException], ...]:
    if kind == "mariadb":
        import pymysql

        return (pymysql.err.MySQLError,)
    if kind == "postgresql":
        import psycopg

        return (psycopg.Error,)
    return (sqlite3.Error,)
