"""Looking for what a user must not see in every byte that came back.

Belongs here: the search of answers, controls that show that the search finds what is there, and the
comparison of answers over files that differ only in rows of others. Does not belong here: which
requests there are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pipelines.measures.access.catalog import Rows
from pipelines.measures.access.client import Reply, Request
from pipelines.measures.access.kinds import Kind
from pipelines.measures.access.server import Server
from pipelines.measures.access.world import World

_TIMING: Final = re.compile(
    rb'"(cached_dttm|cache_dttm|queried_dttm|startDttm|endDttm|start_time|end_time|changed_on|changed_on_humanized|'
    rb"changed_on_delta_humanized|changed_on_utc|last_login|login_count|duration|timing|csrf_token|nonce|"
    rb'is_cached|client_id|clientId|queryId|query_id|id|serverId|resultsKey|results_key|endDttm)": ?'
    rb'(?:"[^"]*"|[0-9.eE+-]+|null|true|false)'
)
"""Fields of an answer that differ from one time to the next whatever the rows are."""


@dataclass(frozen=True)
class Leak:
    """Something seen, or changed, by somebody who must not.

    Attributes:
        user: Account; empty for nobody.
        what: Request or attempt.
        shown: Scopes whose rows were shown, or what changed.
    """

    user: str
    what: str
    shown: str

    def __str__(self) -> str:
        return f"{self.user or '(nobody)'}: {self.what}: {self.shown}"


@dataclass
class Findings:
    """What a probe found.

    Attributes:
        requests: Answers searched.
        leaks: Everything seen or changed that must not be.
        controls: Answers in which an entitled user had to find a canary.
        missed: Those in which they did not.
        statuses: Answers by status.
    """

    requests: int = 0
    leaks: list[Leak] = field(default_factory=list)
    controls: int = 0
    missed: list[str] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)


def foreign(world: World, reply: Reply, user: str) -> list[str]:
    """Scopes shown in an answer that the user may not see."""
    shown = set().union(*(world.seen(part) for part in reply.parts()))
    return sorted(shown - world.entitled(user))


def search(world: World, found: Findings) -> Callable[[Reply], None]:
    """A function that searches one answer after the other and notes leaks."""

    def look(reply: Reply) -> None:
        found.requests += 1
        found.statuses[reply.status] = found.statuses.get(reply.status, 0) + 1
        shown = foreign(world, reply, reply.request.user)
        if shown:
            found.leaks.append(Leak(reply.request.user, _what(reply), ", ".join(shown[:5])))

    return look


def walk_kinds(
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
    look = search(world, found)
    wanted = {
        (kind.name, kind.about, user): kind
        for kind in every
        for user in users
        if user and kind.must_find(user, world.people[user].tier, rows)
    }
    requests = [replace(kind.request(user), user=user) for kind in every for user in users]

    def control(reply: Reply) -> None:
        look(reply)
        request = reply.request
        if (request.kind, request.about, request.user) not in wanted:
            return
        found.controls += 1
        shown = set().union(*(world.seen(part) for part in reply.parts()))
        if reply.status != 200 or not shown & world.entitled(request.user):
            found.missed.append(f"{request.user}: {_what(reply)}")

    server.client.send_all(requests, control)


def answers(server: Server, requests: Iterable[Request]) -> dict[Request, str]:
    """A digest of each answer without what differs from one time to the next."""
    found: dict[str, str] = {}
    plain = {id(request): request for request in requests}
    kept: dict[int, str] = {}
    server.client.send_all(plain.values(), lambda reply: kept.update({id(reply.request): digest(reply)}))
    del found
    return {plain[key]: value for key, value in kept.items()}


def digest(reply: Reply) -> str:
    """A digest of status and body without what differs from one time to the next."""
    parts = [_TIMING.sub(b"", part) for part in reply.parts()][1:]
    return hashlib.sha256(b"\0".join([str(reply.status).encode(), *parts])).hexdigest()


def _what(reply: Reply) -> str:
    request = reply.request
    asked = f"{request.kind} {request.about}".strip() or request.path[:120]
    return f"{asked} [{request.method} {request.path[:90]} -> {reply.status}]"
