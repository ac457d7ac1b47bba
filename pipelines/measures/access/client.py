"""Speaking to the cockpit as one of its users.

Belongs here: requests, answers, logging in, and unpacking an answer down to the bytes of its parts.
Does not belong here: what is asked and what an answer may show.
"""

from __future__ import annotations

import gzip
import http.client
import io
import itertools
import json
import re
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from warehouse.errors import Permanent

HOST: Final = "127.0.0.1"
THREADS: Final = 8
PATIENCE_S: Final = 120
TOO_MANY: Final = 429
WAIT_S: Final = 5
PAGE: Final = 100
"""Objects that Superset lists at once, however many are asked for."""
DEEPEST: Final = 3
"""Archives inside archives that are opened."""
_CSRF: Final = re.compile(rb'name="csrf_token"[^>]*value="([^"]*)"', re.DOTALL)


@dataclass(frozen=True)
class Request:
    """One request of one user.

    Attributes:
        user: Account name; empty for nobody.
        method: HTTP method.
        path: Path with query.
        body: JSON value, form text, raw bytes or nothing.
        headers: Headers beside the usual ones; they win.
        kind: What is asked: an endpoint, or a kind of data request.
        about: Which dataset, chart or object it is asked of.
    """

    user: str
    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    about: str = ""


@dataclass(frozen=True)
class Reply:
    """What came back.

    Attributes:
        request: What was asked.
        status: HTTP status.
        headers: Header lines as they came.
        body: Bytes of the body, as sent.
    """

    request: Request
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, empty without it."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def json(self) -> Any:
        """The body as JSON, ``None`` where it is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def parts(self) -> Iterator[bytes]:
        """Every run of bytes that a reader could get out of the answer."""
        yield "\n".join(f"{name}: {value}" for name, value in self.headers).encode()
        yield from unpacked(self.body)


def unpacked(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """The bytes themselves and, for archives and compressed streams, what is inside."""
    yield content
    if depth == DEEPEST:
        return
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from unpacked(archive.read(name), depth + 1)
    elif content[:2] == b"\x1f\x8b":
        yield from unpacked(gzip.decompress(content), depth + 1)
    elif content[:2] in {b"\x78\x9c", b"\x78\x01", b"\x78\xda"}:
        yield from unpacked(zlib.decompress(content), depth + 1)


@dataclass(frozen=True)
class Session:
    """A user's cookies and the token against forged posts."""

    cookies: Mapping[str, str]
    csrf: str


class Client:
    """Connections to one server, one per thread, and the sessions of its users.

    Args:
        port: Port on loopback.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.sessions: dict[str, Session] = {}
        self._local = threading.local()

    def send(self, request: Request, session: Session | None = None) -> Reply:
        """Ask once; a connection that the server closed meanwhile is opened anew.

        Args:
            request: What to ask.
            session: Instead of the session of the request's user.
        """
        session = session or self.sessions.get(request.user) or Session({}, "")
        headers, body = self._dress(request, session)
        for attempt in itertools.count():
            connection = self._connection()
            try:
                connection.request(request.method, request.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                return Reply(request, answer.status, tuple(answer.getheaders()), content)
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                if attempt == 2:
                    raise Permanent(
                        f"驾驶舱没有回答 {request.method} {request.path}（{error!r}）：请看服务器日志"
                    ) from error
        raise AssertionError

    def listed(self, user: str, kind: str) -> list[dict[str, Any]]:
        """Every object of a kind as Superset lists it to a user, by number; none where there is no such list.

        Raises:
            Permanent: Objects came or went while they were listed.
        """
        rows: list[dict[str, Any]] = []
        for page in itertools.count():
            asked = rison({"page": page, "page_size": PAGE})
            reply = self.send(Request(user, "GET", f"/api/v1/{kind}/?q={asked}")).json()
            if not isinstance(reply, dict) or "result" not in reply:
                return []
            rows += reply["result"]
            if len(reply["result"]) < PAGE:
                break
        if len({row["id"] for row in rows}) != reply["count"]:
            raise Permanent(f"{kind}：列出 {len(rows)} 个，应有 {reply['count']} 个；请在无人改动时再测")
        return sorted(rows, key=lambda row: row["id"])

    def send_all(self, requests: Iterable[Request], done: Callable[[Reply], None]) -> int:
        """Ask many at once; ``done`` is called for one answer at a time.

        Returns:
            How many were asked.
        """
        count = 0
        with ThreadPoolExecutor(THREADS) as pool:
            for reply in pool.map(self.send, requests):
                done(reply)
                count += 1
        return count

    def log_in(self, user: str, password: str) -> Session:
        """Log in as a browser does and keep the session under the user's name.

        Raises:
            Permanent: The account was refused.
        """
        session = self.try_log_in(user, password)
        if session is None:
            raise Permanent(f"账号 {user} 无法登录：请看服务器日志")
        self.sessions[user] = session
        return session

    def login_form(self) -> Session:
        """The session of somebody who looks at the login page."""
        page = self.send(Request("", "GET", "/login/"), Session({}, ""))
        token = _CSRF.search(page.body)
        return Session(_cookies(page), token.group(1).decode() if token else "")

    def try_log_in(self, user: str, password: str, form: Session | None = None) -> Session | None:
        """A new session, ``None`` where the account was refused; waits while the server takes no tries.

        Args:
            user: Account name.
            password: Its password.
            form: Session of the login page that the form stands on; a new one without it.
        """
        first = form or self.login_form()
        words = urlencode({"username": user, "password": password, "csrf_token": first.csrf})
        referer = {"Referer": f"http://{HOST}:{self.port}/login/"}
        answer = self.send(Request("", "POST", "/login/", words, referer), first)
        while answer.status == TOO_MANY:  # says nothing about the password
            time.sleep(WAIT_S)
            answer = self.send(Request("", "POST", "/login/", words, referer), first)
        if answer.status != 302 or "/login" in answer.header("Location"):
            return None
        session = Session({**first.cookies, **_cookies(answer)}, first.csrf)
        token = self.send(Request("", "GET", "/api/v1/security/csrf_token/"), session).json()
        return (
            replace(session, csrf=token["result"])
            if isinstance(token, dict) and "result" in token
            else session
        )

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE_S)
        return self._local.connection  # type: ignore[no-any-return]

    def _dress(self, request: Request, session: Session) -> tuple[dict[str, str], bytes | None]:
        headers = {"Accept": "*/*", "Referer": f"http://{HOST}:{self.port}/"}
        if session.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in session.cookies.items())
        if request.method != "GET" and session.csrf:
            headers["X-CSRFToken"] = session.csrf
        body: bytes | None = None
        if isinstance(request.body, bytes):
            body = request.body
        elif isinstance(request.body, str):
            body = request.body.encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif request.body is not None:
            body = json.dumps(request.body).encode()
            headers["Content-Type"] = "application/json"
        elif request.method != "GET":
            body = b""
        return {**headers, **request.headers}, body


def rison(value: Any) -> str:
    """A value as Superset's ``q`` parameter wants it; JSON is accepted by no list endpoint.

    Args:
        value: Nested dicts, lists, strings, numbers, booleans, ``None``.
    """
    return quote(_rison(value))


def _rison(value: Any) -> str:
    if value is None:
        return "!n"
    if isinstance(value, bool):
        return "!t" if value else "!f"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "(" + ",".join(f"{_rison(str(key))}:{_rison(one)}" for key, one in value.items()) + ")"
    if isinstance(value, list | tuple):
        return "!(" + ",".join(_rison(one) for one in value) + ")"
    text = str(value)
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        return text
    return "'" + text.replace("!", "!!").replace("'", "!'") + "'"


def _cookies(reply: Reply) -> dict[str, str]:
    pairs = (value.split(";", 1)[0] for name, value in reply.headers if name.lower() == "set-cookie")
    return dict(pair.split("=", 1) for pair in pairs)
