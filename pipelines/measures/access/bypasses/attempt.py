"""What an attempt is, on what it is made, and the question of a chart that most attempts change.

Does not belong here: the attempts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.measures.access import kinds
from pipelines.measures.access.client import Request, Session
from pipelines.measures.access.server import Server
from pipelines.measures.access.walk import Things

SCHOOL: Final = "school_1"
COUNTY: Final = "county_a"
ANALYST: Final = "analyst_a"
MARKET: Final = "city_market"
NOBODY: Final = ""


@dataclass(frozen=True)
class Attempt:
    """One way around the rules.

    Attributes:
        name: What is tried.
        user: Who tries it; empty for nobody.
        requests: The requests, in order; those of other users prepare the ground.
        refused: Whether every request of the user must be refused, whatever it shows.
        session: Instead of the user's own session.
        steady: Whether its answers depend on rows alone, and not on what was asked before.
    """

    name: str
    user: str
    requests: Sequence[Request]
    refused: bool = False
    session: Session | None = None
    steady: bool = True


@dataclass(frozen=True)
class Ground:
    """What attempts are made on.

    Attributes:
        server: The cockpit.
        things: Objects of others.
    """

    server: Server
    things: Things

    def words(self, text: str) -> str:
        """A text with somebody else's county and school filled in."""
        counties = list(self.server.world.counties)
        return text.replace("{county}", counties[1]).replace(
            "{school}", self.server.world.counties[counties[1]][0]
        )

    def number(self, dataset: str) -> int:
        """Number of a dataset."""
        return self.things.catalog.datasets[dataset].number


def chart_question(
    user: str,
    ground: Ground,
    dataset: str = "canteen_period",
    parts: Mapping[str, Any] | None = None,
    **query: Any,
) -> Request:
    """A chart's question about a dataset, with one part of it changed."""
    body = kinds.context(ground.number(dataset), kinds.query(**{"row_limit": 100, **query}), **(parts or {}))
    return Request(user, "POST", "/api/v1/chart/data", body)
