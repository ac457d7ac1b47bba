"""From the bytes of a message to the lines that are spooled.

Belongs here: decoding, keeping only the route's fields, a picture to its SHA-256. A message with a field
that nobody declared is refused, so that a device that changed its dialect is noticed at once.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import email.parser
import email.policy
import hashlib
import json
from typing import Final

from ingest import flat_json
from ingest.flat_json import Flat
from ingest.inbox.routes import Route
from warehouse.errors import Refused

MAX_BODY: Final = 4 << 20
"""Largest body; a picture in Base64 is a few hundred kilobytes."""
MAX_MESSAGES: Final = 1_000
"""Most messages in one array."""
MAX_LINE: Final = 16 << 10
"""Longest line that is kept of a message."""
_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))


def lines(route: Route, body: bytes, content_type: str = "") -> list[tuple[bytes, bytes]]:
    """The lines that are kept of a body.

    Args:
        route: What was declared.
        body: One JSON object, an array of them, or a form with files.
        content_type: Header of the body.

    Returns:
        Per message the digest of its content, without the time of receipt, and its line.

    Raises:
        Refused: It is not what the route says; the text is for the sender.
    """
    if len(body) > MAX_BODY:
        raise Refused("too_large", f"超过 {MAX_BODY >> 20} MB")
    try:
        if content_type.startswith("multipart/form-data"):
            found = [_form(body, content_type)]
        else:
            found = flat_json.messages(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Refused("unreadable", "内容不是 UTF-8 的 JSON 对象或对象数组，或有重复、嵌套的字段") from error
    if not 0 < len(found) <= MAX_MESSAGES:
        raise Refused("too_large", f"一次应有 1 到 {MAX_MESSAGES} 条消息")
    now = dt.datetime.now(_SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    return [_line(route, one, now) for one in found]


def refused(body: bytes) -> tuple[bytes, bytes]:
    """A message that no sender can be told about, as the line of a file that the door will refuse."""
    text = body[:MAX_LINE].decode("utf8", errors="replace")
    line = json.dumps({"refused_message": text}, ensure_ascii=False).encode() + b"\n"
    return hashlib.sha256(line).digest(), line


def refused_route(route: Route) -> Route:
    """Where such lines go: the provider's own folder, under a name of no layout."""
    return Route(route.provider, "refused", "", ["refused_message"])


def _line(route: Route, message: Flat, now: str) -> tuple[bytes, bytes]:
    given = {name: value for name, value in message.items() if name not in route.drops}
    for name, column in route.hashes.items():
        picture = given.pop(name, None)
        if picture:
            given[column] = _picture(name, picture)
    columns = [name for name in route.columns if name != route.received]
    unknown = sorted(set(given) - set(columns))
    if unknown:
        raise Refused(
            "unknown_layout",
            f"有未登记的字段 {'、'.join(name[:40] for name in unknown[:5])}，请按接口说明发送",
        )
    row: Flat = {name: given.get(name) for name in columns}
    content = json.dumps(row, ensure_ascii=False)
    if len(content) > MAX_LINE:
        raise Refused("too_large", f"一条消息保留的内容超过 {MAX_LINE >> 10} KB")
    digest = hashlib.sha256(f"{route.provider}/{route.layout}/{content}".encode()).digest()
    if route.received:
        row[route.received] = now
    return digest, json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _picture(name: str, text: str) -> str:
    try:
        content = base64.b64decode(text.rpartition("base64,")[2], validate=True)
    except binascii.Error as error:
        raise Refused("unreadable", f"{name} 不是 Base64") from error
    return hashlib.sha256(content).hexdigest()


def _form(body: bytes, content_type: str) -> Flat:
    """The text fields of a form; its files are not kept."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parsed = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    if not parsed.is_multipart():
        raise ValueError("no form")
    fields: Flat = {}
    for part in parsed.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            continue
        value = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(value, bytes) or name in fields:
            raise ValueError("unnamed or repeated")
        fields[name] = value.decode("utf8")
    return fields
