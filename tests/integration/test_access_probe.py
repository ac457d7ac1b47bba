"""Nobody sees what is not theirs: a small run of the probe, and proof that the probe itself can fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import cockpit_city
import pytest

from pipelines.measures import access
from pipelines.measures.access import catalog, kinds, probe, server, sessions, world

pytestmark = pytest.mark.long
SEED = 5
FIRST = dt.date(2026, 10, 8)
READERS = ("admin", "city_market", "county_a", "school_1", "")
WALKERS = ("school_1", "")
TABLES = frozenset({"finding", "county_period"})
Found = tuple[probe.Findings, list[sessions.Outcome]]


def small(kind: kinds.Kind) -> bool:
    """A few hundred requests: every kind over two datasets, and the charts of one of them."""
    chart = kind.name.startswith("chart")
    return kind.dataset.name == "county_period" if chart else kind.dataset.name in TABLES


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Server]:
    """The real cockpit over a marked city."""
    cockpit_city.skip_without_server()
    home = cockpit_city.city(tmp_path_factory.mktemp("access"), canteens=16, first=FIRST)
    with server.running(world.of(home, SEED)) as one:
        yield one


@pytest.fixture(scope="module")
def marked(running: server.Server) -> dict[str, set[str]]:
    """Scopes whose marks an administrator finds in the rows of each dataset."""
    parts = catalog.read(running.client)
    rows = [kind for kind in kinds.every(parts) if kind.name == "rows" and kind.dataset.texts]
    return {
        kind.about: set().union(
            *(running.world.seen(part) for part in running.client.send(kind.request("admin")).parts())
        )
        for kind in rows
    }


@pytest.fixture(scope="module")
def found(running: server.Server, marked: dict[str, set[str]]) -> Found:
    """What the probe finds in the cockpit as it is delivered."""
    return access.examine(running, SEED, lambda _: None, READERS, WALKERS, ("county_a",), small)


def test_every_table_shows_marks_of_several_owners(marked: dict[str, set[str]]) -> None:
    assert {name for name, scopes in marked.items() if len(scopes) > 1} >= TABLES
    departments = {scope.partition("|")[2] for scope in marked["finding"]}
    assert departments == {"", "education", "market"}


def test_nobody_is_shown_rows_of_others(found: Found) -> None:
    findings, _ = found
    assert findings.requests > 1000
    assert [str(leak) for leak in findings.leaks] == []


def test_everybody_finds_their_own_rows_by_the_same_requests(found: Found) -> None:
    findings, _ = found
    assert findings.controls > 50
    assert findings.missed == []


def test_every_attempt_to_get_around_the_rules_is_held(found: Found) -> None:
    _, outcomes = found
    assert len({outcome.name for outcome in outcomes}) == len(outcomes) >= 100
    assert [outcome for outcome in outcomes if not outcome.held] == []


def test_rows_that_are_not_there_are_noticed_by_the_controls(running: server.Server, found: Found) -> None:
    """A rule that hides a school's own rows: the search would find nothing, so the controls must complain."""
    after = _with_rule(running, "scope_school_%", "1 = 0", "school_1")
    assert after.missed
    assert not after.leaks


def test_a_rule_that_lets_everything_through_is_noticed(running: server.Server, found: Found) -> None:
    after = _with_rule(running, "scope_school_%", "1 = 1", "school_1")
    assert {leak.user for leak in after.leaks} == {"school_1"}
    assert not after.missed


def _with_rule(running: server.Server, name: str, clause: str, user: str) -> probe.Findings:
    """Ask again as one user with a spoilt row rule."""
    running.spoil("update row_level_security_filters set clause = ? where name like ?", (clause, name))
    findings = probe.Findings()
    every = [
        kind
        for kind in kinds.every(catalog.read(running.client))
        if kind.about == "canteen_period" and kind.name in {"rows", "groups", "samples"}
    ]
    probe.ask_kinds(running, every, catalog.Rows(running), [user], findings)
    return findings
