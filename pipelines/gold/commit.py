"""What the build file holds, unit by unit, and the Delta commits that follow it.

Belongs here: the hash of each unit (a table's period), and writing the units that changed to gold
Delta. ``ctl.unit`` says what the build file holds, ``ctl.committed`` what Delta holds.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import polars as pl

from warehouse import delta
from warehouse.settings import Settings

PUBLISHED: Final = ("gold", "cockpit")
WHOLE: Final = dt.date(1, 1, 1)
"""Unit of a table without a period: the whole table."""


@dataclass(frozen=True)
class Model:
    """A published dbt model or seed.

    Attributes:
        schema: gold or cockpit.
        name: Table name.
        period: Day column of its units, ``None`` for tables replaced as a whole.
    """

    schema: str
    name: str
    period: str | None

    @property
    def table(self) -> str:
        """Qualified name."""
        return f"{self.schema}.{self.name}"


ALERTS: Final = Model("gold", "alert", "biz_date")
"""Filled by ``pipelines.alerts`` in the build file, after dbt."""


def models(manifest: Any) -> list[Model]:
    """Published models and seeds of dbt's manifest, and the alerts, in a stable order."""
    found = [
        Model(node.schema, node.name, node.config.meta.get("period_column"))
        for node in manifest.nodes.values()
        if node.resource_type in ("model", "seed")
        and node.schema in PUBLISHED
        and node.config.materialized in ("table", "view", "incremental", "seed")
    ]
    return sorted([*found, ALERTS], key=lambda model: model.table)


def hash_units(connection: duckdb.DuckDBPyConnection, published: list[Model], reach: dt.date) -> None:
    """Bring ``ctl.unit`` up to date for the units from a day on, and for tables without units."""
    connection.execute("create schema if not exists ctl")
    connection.execute(
        "create table if not exists ctl.unit (name varchar, unit date, digest varchar, primary key (name, unit))"
    )
    for model in published:
        since = WHOLE if model.period is None else reach
        connection.execute("delete from ctl.unit where name = ? and unit >= ?", [model.table, since])
        connection.execute(f"insert into ctl.unit {_digest_sql(model, model.table)}", [model.table, since])
    listed = ", ".join(f"'{model.table}'" for model in published)
    connection.execute(f"delete from ctl.unit where name not in ({listed})")


def _digest_sql(model: Model, relation: str) -> str:
    unit = f"cast(t.{model.period} as date)" if model.period else "date '0001-01-01'"
    return (
        f"select ? as name, {unit} as unit, cast(count(*) as varchar) || ':' || cast(sum(cast(hash(t) as hugeint)) as varchar) "
        f"as digest from {relation} t where {unit} >= ? group by {unit}"
    )


def to_delta(
    settings: Settings,
    connection: duckdb.DuckDBPyConnection,
    published: list[Model],
    on_commit: Callable[[str], None],
) -> int:
    """Write every gold unit that Delta does not hold yet, one commit per table.

    Args:
        settings: The data home.
        connection: Open build file.
        published: Published models; only those of schema gold go to Delta.
        on_commit: Told the table after each commit.

    Returns:
        Number of units written.
    """
    gold = [model for model in published if model.schema == "gold"]
    _recall_committed(settings, connection, gold)
    written = 0
    for model in gold:
        rows = connection.execute(
            "select coalesce(u.unit, c.unit), u.digest from (select * from ctl.unit where name = $1) u "
            "full join (select * from ctl.committed where name = $1) c on u.unit = c.unit "
            "where u.digest is distinct from c.digest order by 1",
            [model.table],
        ).fetchall()
        path = settings.table(model.table)
        if not rows and delta.version(path) is not None:
            continue
        days = frozenset(day for day, _ in rows)
        schema = _delta_schema(connection, model)
        commit_id = hashlib.sha256(repr((model.table, delta.version(path), rows)).encode()).hexdigest()
        delta.replace(
            path,
            _rows(connection, model, sorted(days), schema),
            schema,
            period=delta.Period(str(model.period), days) if model.period else None,
            partition="biz_month" if model.period else None,
            commit_id=commit_id,
        )
        connection.execute("begin")
        connection.execute("delete from ctl.committed where name = ?", [model.table])
        connection.execute("insert into ctl.committed select * from ctl.unit where name = ?", [model.table])
        connection.execute("commit")
        written += len(rows)
        on_commit(model.table)
    return written


def _recall_committed(settings: Settings, connection: duckdb.DuckDBPyConnection, gold: list[Model]) -> None:
    """Learn what Delta holds when the build file does not know (it was deleted or is new)."""
    known = connection.execute(
        "select 1 from information_schema.tables where table_schema = 'ctl' and table_name = 'committed'"
    ).fetchone()
    if known is not None:
        return
    connection.execute("begin")
    connection.execute(
        "create table ctl.committed (name varchar, unit date, digest varchar, primary key (name, unit))"
    )
    for model in gold:
        files = [file.path for file in delta.files(settings.table(model.table))]
        if not files:
            continue
        columns = [row[0] for row in connection.execute(f"describe {model.table}").fetchall()]
        types = {row[0]: row[1] for row in connection.execute(f"describe {model.table}").fetchall()}
        held = connection.execute(
            "describe select * from read_parquet($1, union_by_name=true)", [files]
        ).fetchall()
        if not set(columns) <= {row[0] for row in held}:
            continue  # other columns: every unit is written again
        picked = ", ".join(f"cast({name} as {types[name]}) as {name}" for name in columns)
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
        relation = f"(select {picked} from read_parquet([{listed}], union_by_name=true))"
        connection.execute(f"insert into ctl.committed {_digest_sql(model, relation)}", [model.table, WHOLE])
    connection.execute("commit")


def _delta_schema(connection: duckdb.DuckDBPyConnection, model: Model) -> dict[str, pl.DataType]:
    schema = dict(connection.execute(f"select * from {model.table} limit 0").pl().schema)
    if model.period and "biz_month" not in schema:
        schema["biz_month"] = pl.String()
    return schema


def _rows(
    connection: duckdb.DuckDBPyConnection, model: Model, days: list[dt.date], schema: dict[str, pl.DataType]
) -> Iterator[pl.DataFrame]:
    """Rows of the given units, a month at a time, in key order (all columns) so that files are small."""
    if model.period is None:
        yield connection.execute(f"select * from {model.table} order by all").pl()
        return
    months = sorted({day.replace(day=1) for day in days})
    for month in months:
        wanted = [day for day in days if day.replace(day=1) == month]
        frame = (
            connection.execute(
                f"select * from {model.table} where cast({model.period} as date) in (select unnest($1::date[])) order by all",
                [wanted],
            )
            .pl()
            .sort(model.period, maintain_order=True)
        )
        if "biz_month" not in frame.columns:
            frame = frame.with_columns(biz_month=pl.col(model.period).cast(pl.Date).dt.strftime("%Y-%m"))
        yield frame.select(*schema)


def remember_periods(connection: duckdb.DuckDBPyConnection, published: list[Model]) -> None:
    """Keep the published models in the build file, so that later steps need no manifest."""
    connection.execute("create or replace table ctl.period (name varchar primary key, period varchar)")
    connection.executemany(
        "insert into ctl.period values (?, ?)", [(model.table, model.period) for model in published]
    )


def recalled_periods(connection: duckdb.DuckDBPyConnection) -> list[Model]:
    """The published models that the build file holds."""
    rows = connection.execute("select name, period from ctl.period order by name").fetchall()
    return [Model(*name.split(".", 1), period) for name, period in rows]
