"""One publication: serving file, manifest, swap, in this order (DESIGN decisions 5 and 7).

Belongs here: the order of writes and the checks that a publication loses nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipelines.gold.commit import PUBLISHED
from pipelines.publish import pictures
from warehouse import delta, manifest, serving
from warehouse.errors import Permanent
from warehouse.fingerprint import PRODUCT, code_hash
from warehouse.manifest import Manifest
from warehouse.settings import Settings
from warehouse.tables import SILVER

_STORE: Final = "cockpit_store"
"""Schema of the cockpit's tables in a serving file; people read the views over them in ``cockpit``."""
_ZONE: Final = ZoneInfo("Asia/Shanghai")


def run(
    settings: Settings, first: dt.date, last: dt.date, *, force: bool, on_step: Callable[[str], None]
) -> dict[str, int]:
    """Publish what the build file holds, unless that is published already.

    Args:
        settings: The data home.
        first: First arrival date of the night or range.
        last: Last arrival date taken.
        force: Publish even if days that were published are gone.
        on_step: Told ``serving``, ``manifest`` and ``swap`` as each is done.

    Returns:
        ``number`` of the publication in force and ``units`` replaced in the serving file.
    """
    previous = manifest.latest(settings)
    if previous is not None and serving.current(settings) != settings.serving.parent / previous.serving:
        serving.swap(settings, previous.serving)  # a kill fell between manifest and swap
    versions, code = _versions(settings), code_hash(*PRODUCT)
    # The code counts too: a new version of the product may show the same tables in another way.
    if previous is not None and (previous.tables, previous.code) == (versions, code):
        return {"number": previous.number, "units": 0}
    number = 1 if previous is None else previous.number + 1
    file = settings.serving.parent / f"snapshot-{number}.duckdb"
    published_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    units, as_of = _copy_forward(settings, previous, file, number, published_at, force=force)
    on_step("serving")
    manifest.write(
        settings,
        Manifest(
            number=number,
            published_at=published_at,
            first=str(first),
            last=str(last),
            as_of=str(as_of),
            tables=versions,
            code=code,
            serving=file.name,
            serving_sha256=_sha256(file),
        ),
    )
    on_step("manifest")
    serving.swap(settings, file.name)
    on_step("swap")
    serving.prune(settings)
    _keep_state(settings)
    return {"number": number, "units": units}


def _keep_state(settings: Settings) -> None:
    """Keep dbt's manifest of this publication: the analyst's unselected models defer to it."""
    made = settings.build.parent / "target" / "manifest.json"
    state = settings.build.parent / "state"
    state.mkdir(exist_ok=True)
    shutil.copyfile(made, state / "manifest.json.tmp")
    (state / "manifest.json.tmp").replace(state / "manifest.json")


def _versions(settings: Settings) -> dict[str, int]:
    gold = sorted(path.name for path in (settings.home / "gold").glob("*") if path.is_dir())
    names = [*(f"silver.{name}" for name in SILVER), *(f"gold.{name}" for name in gold)]
    found = {name: delta.version(settings.table(name)) for name in names}
    return {name: version for name, version in found.items() if version is not None}


def _copy_forward(
    settings: Settings, previous: Manifest | None, file: Path, number: int, published_at: str, *, force: bool
) -> tuple[int, dt.date]:
    """Write the new serving file; returns units replaced and the last business day."""
    folder = settings.serving.parent
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{file.name}.tmp"
    draft.unlink(missing_ok=True)
    if previous is not None and (folder / previous.serving).exists():
        shutil.copyfile(folder / previous.serving, draft)
    with duckdb.connect(str(draft), config={"threads": pl.thread_pool_size()}) as connection:
        connection.execute(f"attach '{_quoted(settings.build)}' as build (read_only)")
        if previous is not None and not force:
            _refuse_lost_days(connection)
        units = _replace_units(connection)
        as_of = connection.execute("select max(biz_date) from build.gold.fct_canteen_day").fetchone()
        assert as_of is not None  # noqa: S101  an aggregate always returns a row
        connection.execute("detach build")
        pictures.fill(connection, settings.home)
        show(connection, number, as_of[0], published_at)
        connection.execute("checkpoint")
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.chmod(0o444)
    draft.replace(file)
    return units, as_of[0]


def _replace_units(connection: duckdb.DuckDBPyConnection) -> int:
    """Bring every published table to the state of the build file, unit by unit."""
    connection.execute("begin")
    connection.execute("create schema if not exists ctl")
    connection.execute(
        "create table if not exists ctl.unit (name varchar, unit date, digest varchar, primary key (name, unit))"
    )
    changed = dict(
        connection.execute(
            "select coalesce(b.name, s.name) as name, list(coalesce(b.unit, s.unit)) from build.ctl.unit b "
            "full join ctl.unit s on b.name = s.name and b.unit = s.unit "
            "where b.digest is distinct from s.digest group by all"
        ).fetchall()
    )
    shapes = _shapes(connection)
    tables = connection.execute("select name, period from build.ctl.period order by name").fetchall()
    for name, period in tables:
        schema, _, table = name.partition(".")
        if schema not in PUBLISHED:
            raise Permanent(
                f"{name} is not a published schema: correct ctl.period in the build file by a forced night"
            )
        here = _STORE if schema == "cockpit" else schema
        connection.execute(f"create schema if not exists {here}")
        days = changed.get(name, [])
        held = shapes.get(("here", here, table))
        if period is None or held != shapes.get(("build", schema, table)):
            if days or not held:
                connection.execute(
                    f"create or replace table {here}.{table} as select * from build.{schema}.{table}"
                )
        elif days:
            chosen = f"cast({period} as date) in (select unnest($1::date[]))"
            connection.execute(f"delete from {here}.{table} where {chosen}", [days])
            connection.execute(
                f"insert into {here}.{table} select * from build.{schema}.{table} where {chosen}", [days]
            )
    for copied in ("unit", "period"):
        connection.execute(f"create or replace table ctl.{copied} as select * from build.ctl.{copied}")
    connection.execute("commit")
    return sum(len(changed.get(name, [])) for name, _ in tables)


def show(connection: duckdb.DuckDBPyConnection, number: int, as_of: dt.date, published_at: str) -> None:
    """Define what people read: the cockpit's tables, each with the publication they belong to."""
    local = dt.datetime.fromisoformat(published_at).astimezone(_ZONE)
    columns = f"{number}::bigint as snapshot_id, date '{as_of}' as as_of, '{local:%Y-%m-%d %H:%M:%S}' as published_at"
    connection.execute("drop schema if exists cockpit cascade")
    connection.execute("create schema cockpit")
    connection.execute(f"create view cockpit.snapshot as select {columns}")
    stored = connection.execute(
        "select name from ctl.period where name like 'cockpit.%' order by name"
    ).fetchall()
    for (name,) in stored:
        connection.execute(
            f"create view {name} as select *, {columns} from {_STORE}.{name.removeprefix('cockpit.')}"
        )


def _shapes(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], list[str]]:
    """Columns with their types of each table: (``build`` or ``here``, schema, table) to them in order."""
    rows = connection.execute(
        "select if(database_name = 'build', 'build', 'here'), schema_name, table_name, "
        "list(column_name || ' ' || data_type order by column_index) from duckdb_columns() "
        "where database_name in ('build', current_database()) group by all"
    ).fetchall()
    return {(database, schema, table): columns for database, schema, table, columns in rows}


def _refuse_lost_days(connection: duckdb.DuckDBPyConnection) -> None:
    """A publication never silently loses days that the last one had."""
    lost = connection.execute(
        "select s.name, count(*), min(s.unit), max(s.unit) from ctl.unit s "
        "left join build.ctl.unit b on b.name = s.name and b.unit = s.unit "
        "where b.unit is null and s.name in ('gold.fct_canteen_day', 'gold.mart_red_line') group by s.name"
    ).fetchall()
    if lost:
        name, count, first, last = lost[0]
        raise Permanent(
            f"{name} would lose {count} days ({first} to {last}) that are published: nothing was published; "
            "find the withdrawn file in the receipts, or run the night again with --force if the loss is right"
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
