"""Whether an attempt got anywhere.

Belongs here: running attempts and judging them by what was shown, what changed, and whether the
answer depends on rows of others. Does not belong here: the attempts (``bypasses``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipelines.measures.access.bypasses import Attempt
from pipelines.measures.access.client import Reply
from pipelines.measures.access.probe import changed, digest, foreign
from pipelines.measures.access.server import Server
from pipelines.measures.access.sessions import Outcome

_SECRET: Final = re.compile(rb"(?:pbkdf2|scrypt):[a-z0-9:]+\$|root:[^:]*:0:0:")
"""Hashes of passwords, and a file of the machine."""
REFUSED_FROM: Final = 300


def judge(server: Server, attempts: Sequence[Attempt]) -> tuple[list[Outcome], dict[str, list[str]]]:
    """Make each attempt once.

    Returns:
        An outcome each, and the digests of its answers by its name.
    """
    outcomes, digests = [], {}
    before = server.metadata()
    for attempt in attempts:
        replies = _make(server, attempt)
        after = server.metadata()
        reasons = [
            *_reasons(server, attempt, replies),
            *(f"changed {name}" for name in changed(before, after)),
        ]
        before = after
        outcomes.append(Outcome(attempt.name, not reasons, "; ".join(reasons)))
        digests[attempt.name] = [digest(reply) for reply in replies]
    return outcomes, digests


def differing(server: Server, attempts: Sequence[Attempt], digests: dict[str, list[str]]) -> set[str]:
    """Names of attempts whose answers are not what they were before rows of others changed."""
    return {
        attempt.name
        for attempt in attempts
        if [digest(reply) for reply in _make(server, attempt)] != digests[attempt.name]
    }


def _make(server: Server, attempt: Attempt) -> list[Reply]:
    """Send the requests in order; the answers to the user of the attempt."""
    replies = [
        server.client.send(request, attempt.session if request.user == attempt.user else None)
        for request in attempt.requests
    ]
    return [reply for reply in replies if reply.request.user == attempt.user]


def _reasons(server: Server, attempt: Attempt, replies: Sequence[Reply]) -> list[str]:
    reasons = []
    for reply in replies:
        where = f"{reply.request.method} {reply.request.path[:80]} -> {reply.status}"
        shown = foreign(server.world, reply, attempt.user)
        if shown:
            reasons.append(f"{where} shows {', '.join(shown[:3])}")
        if attempt.refused and reply.status < REFUSED_FROM:
            reasons.append(f"{where} was not refused")
        if any(_SECRET.search(part) for part in reply.parts()):
            reasons.append(f"{where} shows a secret")
    return reasons
