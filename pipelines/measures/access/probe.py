"""Looking for what a user must not see in every byte that came back.

Belongs here: the search of answers, the controls that show that it finds what is there, and the
comparison of answers over files that differ only in rows of others. Does not belong here: which
requests there are.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from pipelines.measures.access.catalog import Rows
from pipelines.measures.access.client import Reply, Request, rison
from pipelines.measures.access.kinds import Kind
from pipelines.measures.access.server import Server
from pipelines.measures.access.world import World

Key = tuple[str, str, str]
"""Kind, what it is about, user."""
_RUNNING: Final = (
    r"[A-Za-z_]*(?:dttm|Dttm|humanized|_time|_utc|_on)|duration|is_cached|client_id|queryId|query_id|id|"
    r"serverId|resultsKey|cache_timeout"
)
"""Names of fields that differ from one answer to the next whatever the rows are: times, numbers of questions."""
_RUNNING_FIELD: Final = re.compile(_RUNNING)
_RUNNING_TEXT: Final = re.compile(
    rb'"(?:%s)": ?(?:"[^"]*"|[0-9.eE+-]+|null|true|false)|snapshot(?:=|%%3D)\d+|timestamp: [^\n]*|_export_\w+'
    % _RUNNING.encode()
)
_TEXT: Final = re.compile(rb"<si><t[^>]*>([^<]*)</t></si>")
_TEXT_CELL: Final = re.compile(rb' t="s"><v>(\d+)</v><')
_COMPARED: Final = ("json", "csv", "spreadsheet", "zip")
_LINE: Final = 600
"""Characters of a line of the log that are shown: enough to find who wrote it."""


@dataclass(frozen=True)
class Leak:
    """Something seen, or changed, by somebody who must not.

    Attributes:
        user: Account; empty for nobody.
        what: Request.
        shown: Scopes whose rows were shown, or what changed.
    """

    user: str
    what: str
    shown: str

    def __str__(self) -> str:
        return f"{self.user or 'nobody'}: {self.what}: {self.shown}"


@dataclass
class Findings:
    """What a probe found.

    Attributes:
        requests: Answers searched.
        leaks: Everything seen or changed that must not be.
        controls: Answers in which an entitled user had to find a canary.
        missed: Those in which they did not.
        statuses: Answers by status.
        cache_keys: Keys of answers that the server kept for users of the city.
        kept: Answers to kinds of data request as ``settled``, compressed.
    """

    requests: int = 0
    leaks: list[Leak] = field(default_factory=list)
    controls: int = 0
    missed: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cache_keys: set[str] = field(default_factory=set)
    kept: dict[Key, bytes] = field(default_factory=dict)


def foreign(world: World, reply: Reply, user: str) -> list[str]:
    """Scopes shown in an answer that the user may not see."""
    return sorted(_shown(world, reply) - world.entitled(user))


def searching(world: World, found: Findings) -> Callable[[Reply], None]:
    """A function that searches one answer after the other and notes leaks."""

    def look(reply: Reply) -> None:
        found.requests += 1
        found.statuses[reply.status] += 1
        shown = foreign(world, reply, reply.request.user)
        if shown:
            found.leaks.append(Leak(reply.request.user, _what(reply), ", ".join(shown[:5])))

    return look


def ask_kinds(
    server: Server, every: Sequence[Kind], rows: Rows, users: Sequence[str], found: Findings
) -> None:
    """Ask every kind as every user, those with most rights first, so that caches are filled by them.

    Args:
        server: The cockpit.
        every: Kinds of request.
        rows: Which scopes have rows where.
        users: Account names, the empty name for nobody.
        found: Grows.
    """
    world = server.world
    look = searching(world, found)
    wanted = {
        (kind.name, kind.about, user)
        for kind in every
        for user in users
        if user and kind.must_find(user, world.people[user].tier, rows)
    }

    def control(reply: Reply) -> None:
        look(reply)
        request = reply.request
        key = (request.kind, request.about, request.user)
        found.kept[key] = zlib.compress(settled(reply), 1)
        if request.user.startswith("city"):
            found.cache_keys.update(
                re.findall(r'"cache_key": ?"([0-9a-f]+)"', reply.body[:400].decode("utf8", "replace"))
            )
        if key in wanted:
            found.controls += 1
            if reply.status != 200 or not _shown(world, reply) & world.entitled(request.user):
                found.missed.append(f"{request.user}: {_what(reply)}")

    server.client.send_all([kind.request(user) for kind in every for user in users], control)


def ask_caches(server: Server, users: Sequence[str], found: Findings) -> None:
    """Ask for the city's kept answers by their keys."""
    requests = [
        Request(user, "GET", path, kind="cache")
        for key in sorted(found.cache_keys)
        for path in (
            f"/api/v1/chart/data/{key}",
            f"/superset/explore_json/data/{key}",
            f"/api/v1/sqllab/results/?q={rison({'key': key})}",
        )
        for user in users
    ]
    server.client.send_all(requests, searching(server.world, found))


def compare(server: Server, every: Sequence[Kind], user: str, found: Findings) -> int:
    """Ask again as one user, when rows of others have changed, and note every answer that differs.

    Returns:
        How many answers were compared.
    """
    look = searching(server.world, found)
    before = {key: value for key, value in found.kept.items() if key[2] == user}
    requests = [kind.request(user) for kind in every if (kind.name, kind.about, user) in before]

    def same(reply: Reply) -> None:
        look(reply)
        request = reply.request
        now, then = settled(reply), zlib.decompress(before[request.kind, request.about, user])
        if now != then:
            at = next((n for n, (a, b) in enumerate(zip(now, then, strict=False)) if a != b), len(then))
            was, became = (text[max(at - 40, 0) : at + 80].decode("utf8", "replace") for text in (then, now))
            shown = f"differs when rows of others change: {was!r} became {became!r}"
            found.leaks.append(Leak(user, _what(reply), shown))

    return server.client.send_all(requests, same)


def search_log(server: Server, found: Findings) -> None:
    """Note each line of the server's log with canaries of anybody: it is kept for people who may see no rows."""
    for line in server.log.read_bytes().splitlines():
        if shown := server.world.seen(line):
            where = line.decode("utf8", "replace")[:_LINE]
            found.leaks.append(Leak("", "server log", f"{', '.join(sorted(shown)[:5])} in {where!r}"))


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Tables of Superset's own database that are not as they were."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def digest(reply: Reply) -> str:
    """A digest of an answer as ``settled``."""
    return hashlib.sha256(settled(reply)).hexdigest()


def settled(reply: Reply) -> bytes:
    """An answer with data, without what differs from one time to the next.

    Answers to questions without an order count by their rows: DuckDB promises no order there.
    """
    kind = reply.header("Content-Type")
    found = [str(reply.status).encode()]
    if any(word in kind for word in _COMPARED):
        parts = list(reply.parts())[1:]
        # Members of an archive count, not the archive: it holds times, and so do its properties.
        inner = [part for part in parts[1:] if b"dcterms" not in part] if len(parts) > 1 else parts
        if "spreadsheet" in kind:
            inner = _with_texts(inner)
        if not _ordered(reply.request):
            inner = [_any_order(part, kind) for part in inner]
        found += [_RUNNING_TEXT.sub(b"", part) for part in inner]
    return b"\0".join(found)


def _with_texts(members: Sequence[bytes]) -> list[bytes]:
    """Members of a workbook with texts in their cells instead of places in the list of texts."""
    texts = [text for one in members if b"<sst" in one for text in _TEXT.findall(one)]
    return [
        _TEXT_CELL.sub(lambda cell: b">" + texts[int(cell.group(1))] + b"<", one)
        for one in members
        if b"<sst" not in one
    ]


def _ordered(request: Request) -> bool:
    """Whether a question leaves no two rows in an order of the database's choice."""
    queries = request.body.get("queries") if isinstance(request.body, dict) else None
    return bool(queries) and all(
        query.get("columns") and len(query.get("orderby") or ()) >= len(query["columns"]) for query in queries
    )


def _any_order(content: bytes, kind: str) -> bytes:
    """The same bytes for the same rows in whatever order."""
    if "json" in kind:
        return json.dumps(_unordered(json.loads(content))).encode()
    if content[:5] == b"<?xml":
        return b"\n".join(sorted(re.findall(rb">([^<]+)<", content)))
    return b"\n".join(sorted(content.splitlines()))


def _unordered(value: Any) -> Any:
    """A JSON value whose lists stand in an order of their own."""
    if isinstance(value, dict):
        return {name: _unordered(one) for name, one in value.items() if not _RUNNING_FIELD.fullmatch(name)}
    return sorted(map(_unordered, value), key=repr) if isinstance(value, list) else value


def _shown(world: World, reply: Reply) -> set[str]:
    return set().union(*(world.seen(part) for part in reply.parts()))


def _what(reply: Reply) -> str:
    request = reply.request
    return f"{request.kind} {request.about} [{request.method} {unquote(request.path)[:90]} -> {reply.status}]"
