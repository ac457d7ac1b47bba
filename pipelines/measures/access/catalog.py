"""What the cockpit consists of, as an administrator sees it, and which of it has rows for whom.

Belongs here: ids, columns and saved queries of its parts; which scopes have rows in a dataset. Does
not belong here: requests of other users.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import duckdb

from pipelines.measures.access.client import Client, Request
from pipelines.measures.access.server import Server
from pipelines.measures.access.world import KEPT

_COMPARED: Final = {"==": "=", "!=": "<>", ">": ">", "<": "<", ">=": ">=", "<=": "<="}


@dataclass(frozen=True)
class Dataset:
    """A dataset: its number, and its columns with their types."""

    name: str
    number: int
    columns: Mapping[str, str]
    time: str | None

    @property
    def texts(self) -> list[str]:
        """Columns whose cells carry canaries."""
        return [name for name, kind in self.columns.items() if kind == "VARCHAR" and name not in KEPT]

    @property
    def names(self) -> list[str]:
        """Columns that say where a row belongs."""
        wanted = ("county_name", "school_name", "canteen_name", "scope_name", "provider_label")
        return [name for name in wanted if name in self.columns]


@dataclass(frozen=True)
class Chart:
    """A chart: its number, dataset, saved query and parameters."""

    name: str
    number: int
    dataset: str
    context: Mapping[str, Any]
    params: Mapping[str, Any]

    @property
    def filters(self) -> Sequence[Mapping[str, Any]]:
        """Filters that are part of the chart."""
        return self.context["queries"][0].get("filters") or []


@dataclass(frozen=True)
class Catalog:
    """Everything of the cockpit that has a number."""

    database: int
    datasets: Mapping[str, Dataset]
    charts: Sequence[Chart]
    dashboards: Mapping[str, int]
    users: Mapping[str, int]
    roles: Mapping[str, int]
    rules: Sequence[int]


def read(client: Client) -> Catalog:
    """Ask as the administrator."""
    datasets = [_dataset(client, row["id"]) for row in client.listed("admin", "dataset")]
    names = {one.number: one.name for one in datasets}
    return Catalog(
        database=client.listed("admin", "database")[0]["id"],
        datasets={one.name: one for one in datasets},
        charts=[_chart(client, row["id"], names) for row in client.listed("admin", "chart")],
        dashboards={row["slug"]: row["id"] for row in client.listed("admin", "dashboard")},
        users={row["username"]: row["id"] for row in client.listed("admin", "security/users")},
        roles={row["name"]: row["id"] for row in client.listed("admin", "security/roles")},
        rules=[row["id"] for row in client.listed("admin", "rowlevelsecurity")],
    )


def _one(client: Client, kind: str, number: int) -> dict[str, Any]:
    return client.send(Request("admin", "GET", f"/api/v1/{kind}/{number}")).json()["result"]  # type: ignore[no-any-return]


def _dataset(client: Client, number: int) -> Dataset:
    found = _one(client, "dataset", number)
    return Dataset(
        found["table_name"],
        number,
        {one["column_name"]: one["type"] for one in found["columns"]},
        found["main_dttm_col"],
    )


def _chart(client: Client, number: int, datasets: Mapping[int, str]) -> Chart:
    found = _one(client, "chart", number)
    context, params = json.loads(found["query_context"]), json.loads(found["params"])
    return Chart(found["slice_name"], number, datasets[context["datasource"]["id"]], context, params)


class Rows:
    """Which scopes have rows in a dataset, read from the file that the server shows."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._rules = server.access()["datasets"]
        self.scopes = cache(self._scopes)

    def reachable(
        self, user: str, dataset: Dataset, columns: Sequence[str], filters: Iterable[Mapping[str, Any]] = ()
    ) -> bool:
        """Whether a user should find a canary of their own in some columns of a dataset."""
        world, rule = self._server.world, self._rules.get(dataset.name)
        person = world.people[user]
        if rule is None or not columns:
            return False
        held = {column for column, _ in person.scopes}
        whole = person.tier in {"city", "steward", "admin"}
        allowed = person.tier in {"steward", "analyst", "admin"} or person.tier in rule["tiers"]
        if not allowed or not (whole or held & set(rule["scoped_by"])):
            return False
        return bool(self.scopes(dataset.name, tuple(columns), _where(filters)) & world.entitled(user))

    def _scopes(self, dataset: str, columns: Sequence[str], where: str) -> frozenset[str]:
        world = self._server.world
        together = " || ".join(f"coalesce({name}, '')" for name in columns)
        with duckdb.connect(str(world.home.serving.resolve()), read_only=True) as connection:
            found = connection.execute(
                f"select distinct unnest(regexp_extract_all({together}, 'CNRY[0-9a-f]{{16}}')) "
                f"from cockpit.{dataset} where {where}"
            ).fetchall()
        return frozenset(world.canaries[canary.encode()] for (canary,) in found)


def _where(filters: Iterable[Mapping[str, Any]]) -> str:
    return " and ".join(["true", *(f"{one['col']} {_condition(one['op'], one['val'])}" for one in filters)])


def _condition(op: str, value: Any) -> str:
    if op == "IS NOT NULL":
        return op
    return f"{_COMPARED[op]} '{value}'" if isinstance(value, str) else f"{_COMPARED[op]} {value}"
