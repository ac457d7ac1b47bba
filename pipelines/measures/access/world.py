"""A city in which every cell says whose it is.

Belongs here: a small simulated city, its published file copied with canaries in every text cell and
amount, the accounts, and which canaries each account may see. Does not belong here: the server and
what is asked of it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from ingest import simulator
from pipelines import night
from warehouse import serving, settings
from warehouse.settings import Settings

CANTEENS: Final = 24
START: Final = dt.date(2026, 9, 14)
END: Final = dt.date(2026, 10, 15)
_STEPS: Final = (night.receive, night.silver, night.gold, night.publish)

KEPT: Final = frozenset(
    {
        *("county_code", "school_id", "department", "username", "tier"),  # what access rules compare
        *("period_kind", "definition", "scope_kind"),  # what charts filter by
        *("cell_json", "map_note"),  # the map would not be drawn; the note must be one for the whole city
        "published_at",
    }
)
"""Columns without canaries: codes whose meaning would be lost."""
_CANARY: Final = re.compile(rb"CNRY[0-9a-f]{16}|9173\d{8}")
CITY: Final = "city"
PERSON: Final = "person:"
"""Begins the scope of an account's own name."""


@dataclass(frozen=True)
class Person:
    """An account of the probe.

    Attributes:
        name: Account name.
        tier: As in the access model.
        department: education, market or nothing.
        scopes: ("county_code" | "school_id", value) of each grant.
    """

    name: str
    tier: str
    department: str | None
    scopes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class World:
    """The planted city.

    Attributes:
        home: Its data home.
        original: The published file before planting, out of the server's reach.
        counties: County code -> school ids, the fullest counties first.
        people: Name in the probe -> account.
        accounts: Name in the probe -> account name.
        canaries: Canary -> scope it belongs to, of every file planted so far.
    """

    home: Settings
    original: Path
    counties: Mapping[str, tuple[str, ...]]
    people: Mapping[str, Person]
    accounts: Mapping[str, str]
    canaries: dict[bytes, str]

    def seen(self, content: bytes) -> set[str]:
        """Scopes whose canaries stand in some bytes."""
        return {self.canaries[one] for one in set(_CANARY.findall(content)) if one in self.canaries}

    def entitled(self, user: str) -> frozenset[str]:
        """Scopes whose rows a user may see; nobody (the empty name) may see none."""
        person = self.people.get(user)
        return frozenset() if person is None else frozenset(filter(self._allowed(person), self.scopes()))

    def account(self, user: str) -> str:
        """Account name of a person: it carries a canary, as names of others are nobody's business."""
        return self.accounts[user]

    def scopes(self) -> set[str]:
        """Every scope that has canaries."""
        return set(self.canaries.values())

    def _allowed(self, person: Person) -> Callable[[str], bool]:
        schools = {school: county for county, own in self.counties.items() for school in own}
        whole = person.tier in {"city", "steward", "admin"}
        own = {value for _, value in person.scopes}

        def allowed(scope: str) -> bool:
            if scope.startswith(PERSON):
                return person.tier == "admin" or scope == PERSON + person.name
            place, _, department = scope.partition("|")
            if department and person.department not in (None, department):
                return False
            if whole or place in own:
                return True
            return person.tier != "school" and schools.get(place) in own

        return allowed


def build(root: Path, seed: int, progress: Callable[[str], None]) -> World:
    """Simulate a city, run one night, and publish its file with canaries.

    Args:
        root: Empty folder for the city.
        seed: Seed of the city and the canaries.
        progress: Told what is being done.
    """
    progress(f"模拟城市：{CANTEENS} 个食堂，{START} 至 {END}")
    simulator.simulate(root, CANTEENS, START, END, seed)
    home = settings.load(root / "home")
    work = night.Night(home, root / "landing", START, END)
    for step in _STEPS:
        step(work, lambda _: None)
    progress("在每一行埋设标记")
    return of(home, seed)


def of(home: Settings, seed: int) -> World:
    """Publish a file with canaries in place of a home's newest one.

    Args:
        home: A data home with a publication; nothing but the probe may use it afterwards.
        seed: Seed of the canaries.
    """
    with serving.connect(home) as connection:
        rows = connection.execute(
            "select county_code, list(distinct school_id order by school_id) from cockpit.canteen_period "
            "group by county_code order by count(distinct school_id) desc, county_code"
        ).fetchall()
    counties = {code: tuple(schools) for code, schools in rows}
    original = home.home / "unmarked.duckdb"
    home.serving.resolve().replace(original)  # nobody may read rows without canaries
    for older in home.serving.parent.glob("snapshot-*.duckdb"):
        older.unlink()
    persons = {one.name: one for one in people(counties)}
    accounts = {name: f"{name}.{_canary(seed, PERSON + name, None, None)[0]}" for name in persons}
    names = {account.rpartition(".")[2].encode(): PERSON + name for name, account in accounts.items()}
    world = World(home, original, counties, persons, accounts, names)
    plant(world, seed, foreign_to=None)
    return world


def people(counties: Mapping[str, tuple[str, ...]]) -> list[Person]:
    """Accounts of every tier; the first two counties and their schools have some."""
    (first, schools), (second, others), *_ = counties.items()
    return [
        Person("city_edu", "city", "education"),
        Person("city_market", "city", "market"),
        Person("county_a", "county", "education", (("county_code", first),)),
        Person("county_a_market", "county", "market", (("county_code", first),)),
        Person("county_b", "county", "education", (("county_code", second),)),
        Person("county_ab", "county", "market", (("county_code", first), ("county_code", second))),
        Person("county_none", "county", "education"),
        Person("school_1", "school", "education", (("school_id", schools[0]),)),
        Person("school_1_again", "school", "market", (("school_id", schools[0]),)),
        Person("school_2", "school", "education", (("school_id", schools[1]),)),
        Person("school_3", "school", "education", (("school_id", others[0]),)),
        Person("school_none", "school", "education"),
        Person("steward", "steward", None),
        Person("analyst_a", "analyst", None, (("county_code", first),)),
        Person("analyst_b", "analyst", None, (("county_code", second),)),
        Person("scheduler", "scheduler", None),
        Person("admin", "admin", None),
    ]


def plant(world: World, seed: int, *, foreign_to: str | None) -> int:
    """Publish a copy of the first file with canaries; returns its number.

    Args:
        world: The city; its canaries grow.
        seed: Seed of the canaries.
        foreign_to: An account: the rows that it may not see get other canaries, other numbers, and
            some of them are gone. ``None`` leaves all rows.
    """
    folder = world.home.serving.parent
    number = 2 + len(list(folder.glob("snapshot-*.duckdb")))
    draft = folder / ".planted.tmp"
    shutil.copyfile(world.original, draft)
    draft.chmod(0o600)
    own = None if foreign_to is None else world.entitled(foreign_to)
    rows = [
        (scope, own is not None and scope not in own, *_canary(seed, scope, foreign_to, own))
        for scope in _scopes(world.counties)
    ]
    world.canaries.update({text.encode(): scope for scope, _, text, _ in rows})
    world.canaries.update({str(amount).encode(): scope for scope, _, _, amount in rows})
    frame = pl.DataFrame(rows, ["canary_scope", "is_foreign", "canary_text", "canary_amount"], orient="row")
    with duckdb.connect(str(draft)) as connection:
        connection.register("canaries", frame.to_arrow())
        connection.execute("create temp table canary as select * from canaries")
        connection.execute(
            "create temp table place as select canteen_id as place_canteen, any_value(school_id) as place_school, "
            "any_value(county_code) as place_county from cockpit.canteen_period group by canteen_id"
        )
        for schema, table in _tables(connection):
            _plant_table(connection, schema, table)
        _grant(connection, world)
        connection.execute("checkpoint")
    draft.chmod(0o444)
    draft.replace(folder / f"snapshot-{number}.duckdb")
    serving.swap(world.home, f"snapshot-{number}.duckdb")
    return number


def _scopes(counties: Mapping[str, tuple[str, ...]]) -> list[str]:
    places = [CITY, *counties, *(school for own in counties.values() for school in own)]
    return [f"{place}{department}" for place in places for department in ("", "|education", "|market")]


def _canary(seed: int, scope: str, foreign_to: str | None, own: frozenset[str] | None) -> tuple[str, int]:
    """Text and amount that stand for a scope; another file changes those of foreign scopes only."""
    salt = "" if own is None or scope in own else foreign_to
    digest = hashlib.sha256(f"{seed} {salt} {scope}".encode()).hexdigest()
    return f"CNRY{digest[:16]}", 9173_0000_0000 + int(digest[16:32], 16) % 10**8


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "select schema_name, table_name from duckdb_tables() where not internal and not temporary "
        "and schema_name <> 'ctl' and table_name not in ('snapshot', 'access_grant') order by all"
    ).fetchall()


def _plant_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    columns = dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ? "
            "and not internal order by column_index",
            [schema, table],
        ).fetchall()
    )
    department = "department" in columns
    values = [f"{_value(name, kind)} as {name}" for name, kind in columns.items()]
    every = "*"
    if department:
        # Every department has rows in every school, whatever the simulated faults were.
        every = "* replace (['education', 'market', 'both'][1 + rowid % 3] as department)"
    by_canteen = "left join place on canteen_id = place_canteen" if "canteen_id" in columns else ""
    connection.execute(
        f"create table planted as with rows as (select {every}, rowid as canary_row from {schema}.{table}), "
        f"placed as (select *, {_scope(columns)} as canary_place from rows {by_canteen}) "
        f"select {', '.join(values)} from placed "
        f"join canary on canary_scope = case when canary_place in (select canary_scope from canary) "
        f"then canary_place else '{CITY}' end "
        "where not (coalesce(is_foreign, false) and canary_row % 3 = 0) order by canary_row"
    )
    connection.execute(f"drop table {schema}.{table}")
    connection.execute(f"create table {schema}.{table} as from planted")
    connection.execute("drop table planted")


def _scope(columns: Mapping[str, str]) -> str:
    """SQL for the narrowest scope of a row, with the department that it is for."""
    places = [
        *(["school_id"] if "school_id" in columns else []),
        *(["place_school"] if "canteen_id" in columns else []),
        *(["county_code"] if "county_code" in columns else []),
        *(["place_county"] if "canteen_id" in columns else []),
        f"'{CITY}'",
    ]
    place = f"coalesce({', '.join(places)})"
    if "department" not in columns:
        return place
    return f"{place} || case when department in ('education', 'market') then '|' || department else '' end"


def _value(name: str, kind: str) -> str:
    """SQL for a planted cell: text gets the canary, amounts become it, foreign numbers differ."""
    quoted = f'"{name}"'
    if name in KEPT:
        return quoted
    if kind == "VARCHAR":
        return f"{quoted} || canary_text"
    if name.endswith("_yuan") and kind == "DECIMAL(18,2)":
        return f"case when {quoted} is null then null else canary_amount end::{kind}"
    if kind.startswith("DECIMAL") or kind == "DOUBLE":
        return f"case when is_foreign then {quoted} / 2 else {quoted} end::{kind}"
    if kind in {"BIGINT", "INTEGER", "HUGEINT"}:
        return f"case when is_foreign then {quoted} + 3 else {quoted} end::{kind}"
    return quoted


def _grant(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Put the probe's accounts in place of the city's."""
    names = [row[0] for row in connection.execute("describe cockpit.access_grant").fetchall()]
    rows = [
        grant for person in world.people.values() for grant in _grants(person, world.account(person.name))
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None).select(
        *(name if name in rows[0] else pl.lit(None, pl.String).alias(name) for name in names)
    )
    kind = connection.execute(
        "select count(*) from duckdb_views() where schema_name = 'cockpit' and view_name = 'access_grant'"
    ).fetchall()[0][0]
    connection.register("grants", frame.to_arrow())
    connection.execute(
        "create temp table shape as select * from cockpit.access_grant limit 0; "
        f"drop {'view' if kind else 'table'} cockpit.access_grant; "
        "create table cockpit.access_grant as select * from shape; "
        "insert into cockpit.access_grant select * from grants"
    )


def _grants(person: Person, account: str) -> list[dict[str, Any]]:
    return [
        {
            "username": account,
            "display_name": account,
            "tier": person.tier,
            "department": person.department,
            "county_code": value if column == "county_code" else None,
            "school_id": value if column == "school_id" else None,
            "valid_from": dt.date(2020, 1, 1),
            "valid_to": dt.date(9999, 12, 31),
        }
        for column, value in person.scopes or (("", ""),)
    ]
