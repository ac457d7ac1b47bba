"""Attempts to see, change or infer what belongs to others, each with a name that says what is tried.

Belongs here: the table of attempts, by what they go through. Does not belong here: judging them (``judge``),
requests that walk the URL map (``walk``).

``{county}`` and ``{school}`` in an attempt stand for those of somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.measures.access.bypasses import charts, identity, objects, sql_lab
from pipelines.measures.access.bypasses.attempt import Attempt, Ground
from pipelines.measures.access.bypasses.identity import forged_sessions

__all__ = ["Attempt", "Ground", "every", "forged_sessions"]


def every(ground: Ground) -> Iterator[Attempt]:
    """All attempts that are single questions; sessions and grants are in ``sessions``."""
    for room in (charts, objects, sql_lab, identity):
        yield from room.every(ground)
