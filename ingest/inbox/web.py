"""The HTTP inbox: one path per declared kind of message, a token per gateway.

Belongs here: who may post, limits, and the answer in the words of the devices' dialects: ``code`` "1"
taken, "0" not taken. "1" is only said of what is on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route as WebRoute

from ingest.inbox import messages
from ingest.inbox.routes import Route
from ingest.inbox.spool import Spool
from ingest.inbox.tokens import Door
from warehouse.errors import Refused

RATE: Final = 500.0
"""Messages a second that a gateway may send in the long run."""
BURST: Final = 10_000.0
"""Messages that it may send at once, after it was offline."""


class _Rate:
    """A bucket of messages for each gateway."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, gateway: str, count: int) -> bool:
        now = time.monotonic()
        left, since = self._left.get(gateway, (BURST, now))
        left = min(BURST, left + (now - since) * RATE)
        allowed = left >= count
        self._left[gateway] = (left - count if allowed else left, now)
        return allowed


def application(
    routes: Sequence[Route], spool: Spool, door: Door, health: Callable[[], dict[str, Any]]
) -> Starlette:
    """The web application.

    Args:
        routes: Kinds of messages.
        spool: Where messages go.
        door: Knows the tokens.
        health: What ``/health`` answers.
    """
    known = {(one.provider, one.path): one for one in routes}
    rate = _Rate()

    async def take(request: Request) -> JSONResponse:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        gateway = door.gateway(given or request.headers.get("token", ""))
        if gateway is None:
            return _answer("令牌无效：请向平台管理员索取本网关的令牌", 401)
        route = known.get((gateway, request.url.path))
        if route is None:
            return _answer("本网关未登记此类消息", 403)
        body = await _body(request)
        if body is None:
            return _answer(f"内容超过 {messages.MAX_BODY >> 20} MB", 413)
        try:
            lines = messages.lines(route, body, request.headers.get("content-type", ""))
        except Refused as error:
            return _answer(str(error), 400)
        if not rate.allows(gateway, len(lines)):
            return _answer("发送过快，请稍后重发", 429)
        try:
            await asyncio.gather(*(asyncio.wrap_future(one) for one in spool.submit(route, lines)))
        except OSError:
            return _answer("平台暂时不能保存，请稍后重发", 503)
        return JSONResponse({"code": "1", "message": "成功", "data": None})

    async def well(_: Request) -> JSONResponse:
        return JSONResponse(health())

    paths = sorted({one.path for one in routes})
    return Starlette(
        routes=[WebRoute("/health", well), *(WebRoute(path, take, methods=["POST"]) for path in paths)],
        exception_handlers={404: _missing, 405: _missing},
    )


async def _body(request: Request) -> bytes | None:
    """The body, ``None`` if it is too large; no more of it is read than allowed."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > messages.MAX_BODY:
                return None
    except ClientDisconnect:
        return b""
    return bytes(body)


def _answer(message: str, status: int) -> JSONResponse:
    return JSONResponse({"code": "0", "message": message, "data": None}, status)


async def _missing(_: Request, __: Exception) -> JSONResponse:
    return _answer("没有这个接口，请按接口说明的路径以 POST 发送", 404)
