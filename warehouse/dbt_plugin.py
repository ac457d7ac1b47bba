"""dbt-duckdb plugin: ``silver.*`` as views over the files of one pinned version of each table.

Belongs here: turning the pins of a run into views when dbt opens its connection. Does not belong here:
choosing versions or listing Delta files (``pipelines``, through ``warehouse.delta``).

Env ``CANTEEN_PINS`` names a JSON file ``{table: {"files": [...], "partition": column or null}}``. A table
that is absent or has no files becomes an empty view with the types of ``warehouse.tables``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl
from dbt.adapters.duckdb.plugins import BasePlugin

from warehouse import tables
from warehouse.errors import Permanent

PINS: Final = "CANTEEN_PINS"


def duckdb_type(dtype: pl.DataType) -> str:
    """DuckDB's name of a stored column type.

    Raises:
        Permanent: The registry holds a type that silver does not use.
    """
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMPTZ" if dtype.time_zone else "TIMESTAMP"
    names = {
        pl.String: "VARCHAR",
        pl.Int64: "BIGINT",
        pl.Boolean: "BOOLEAN",
        pl.Date: "DATE",
        pl.Float64: "DOUBLE",
    }
    if type(dtype) not in names:
        raise Permanent(f"no DuckDB type for {dtype}: add it to warehouse.dbt_plugin.duckdb_type")
    return names[type(dtype)]


def view_sql(columns: Mapping[str, pl.DataType], files: Sequence[str], partition: str | None) -> str:
    """The query behind a silver view.

    Args:
        columns: Column types of the registry.
        files: Parquet files of the pinned version that the run may read.
        partition: Hive partition column, which the files themselves do not hold.
    """
    types = {name: duckdb_type(dtype) for name, dtype in columns.items()}
    if not files:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items())
        return f"SELECT {nulls} WHERE false"
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    hive = "hive_partitioning = false"
    if partition is not None:
        hive = f"hive_partitioning = true, hive_types = {{'{partition}': {types[partition]}}}"
    casts = ", ".join(
        name if name == partition else f"{name}::{kind} AS {name}" for name, kind in types.items()
    )
    # Names and types come from our own registry, paths from our own Delta log.
    return f"SELECT {casts} FROM read_parquet([{listed}], union_by_name = true, {hive})"


class Plugin(BasePlugin):
    """Makes the silver views at every opening, from pins read once, so that a run sees one version."""

    def initialize(self, config: dict[str, Any]) -> None:
        """Read the pins of this run.

        Raises:
            Permanent: ``CANTEEN_PINS`` is not set or its file is missing.
        """
        path = os.environ.get(PINS)
        if path is None or not Path(path).is_file():
            raise Permanent(
                f"{PINS}={path}: no pins file; run dbt through ./canteen dbt or ./canteen nightly"
            )
        pins = json.loads(Path(path).read_text(encoding="utf-8"))
        self.views = {
            name: view_sql(columns, pins.get(name, {}).get("files", []), pins.get(name, {}).get("partition"))
            for name, columns in tables.SILVER.items()
        }

    def configure_connection(self, conn: Any) -> None:
        """Create the views, and the gold tables that models read and a later step fills.

        DuckDB takes as many threads as polars is given (``POLARS_MAX_THREADS``).
        """
        conn.execute(f"SET threads = {pl.thread_pool_size()}")
        conn.execute("CREATE SCHEMA IF NOT EXISTS silver")
        for name, query in self.views.items():
            conn.execute(f"CREATE OR REPLACE VIEW silver.{name} AS {query}")
        conn.execute("CREATE SCHEMA IF NOT EXISTS gold")
        for name, columns in tables.GOLD.items():
            typed = ", ".join(f"{column} {duckdb_type(dtype)}" for column, dtype in columns.items())
            conn.execute(f"CREATE TABLE IF NOT EXISTS gold.{name} ({typed})")
