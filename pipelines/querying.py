"""``./canteen query``: one read-only statement over the published snapshot, for the local operator.

Belongs here: opening silver, gold and cockpit of one publication, and refusing anything but reading.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl

from warehouse import delta, manifest
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import SILVER


def select(settings: Settings, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
    """Run one SELECT.

    Args:
        settings: The data home.
        sql: One statement over silver.*, gold.*, cockpit.*.
        parameters: Values of its ``$names``.

    Raises:
        Permanent: Nothing is published, or the statement is not a single SELECT or fails.
    """
    published = manifest.latest(settings)
    if published is None:
        raise Permanent(f"{settings.home} 尚无已发布的快照：请先运行 ./canteen nightly --date 日期")
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.ParserException as error:
        raise Permanent(f"语句有误：{str(error).splitlines()[0]}") from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Permanent("query 只接受一条 SELECT 语句；未执行任何内容")
    file = settings.serving.parent / published.serving
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'Asia/Shanghai'")
        connection.execute(f"attach '{str(file).replace(chr(39), chr(39) * 2)}' as snapshot (read_only)")
        connection.execute("attach ':memory:' as silver")  # silver.<table> is then a view over pinned files
        for name in SILVER:
            at = published.tables.get(f"silver.{name}")
            if at is not None:
                held = delta.files(settings.table(f"silver.{name}"), at)
                _silver_view(connection, name, [item.path for item in held])
            elif f"silver.{name}" in sql:
                _silver_view(connection, name, [])
        connection.execute("use snapshot")
        connection.execute(
            "set allowed_directories = ['" + str(settings.home / "silver").replace("'", "''") + "/']"
        )
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        try:
            return connection.execute(sql, parameters).pl()
        except duckdb.Error as error:
            raise Permanent(f"查询失败：{str(error).splitlines()[0]}") from error


def _silver_view(connection: duckdb.DuckDBPyConnection, name: str, files: list[str]) -> None:
    """A view over files; where nothing was delivered yet, an empty table with the same columns."""
    if not files:
        connection.register("nothing", pl.DataFrame(schema=SILVER[name]).to_arrow())
        connection.execute(f"create table silver.main.{name} as from nothing")
        return
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    connection.execute(
        f"create view silver.main.{name} as select * from read_parquet([{listed}], union_by_name=true, hive_partitioning=true)"
    )
