"""A city's year for bench ``cockpit``: published marts and the facts under them.

Belongs here: making both and publishing further snapshots. A sample of canteens is simulated for the
whole year and goes through gold and publication; then every canteen of it is repeated under other ids
until the city is complete, marts and facts alike, so that both give the same answers. Accounts are
repeated with their schools.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from pipelines.measures import night
from pipelines.publish import snapshot
from warehouse import delta, serving
from warehouse.settings import Settings

_COPIED: Final = (
    *("canteen_id", "canteen_name", "school_id", "school_name", "username", "display_name"),
    *("record_no", "finding_id", "person_hash"),
)
"""Columns that tell one copy of a canteen from another."""
_ADDED_UP: Final = {
    "county_period": ("canteens", "red", "yellow", "green", "unknown", "cost_yuan", "income_yuan", "worse", "better", "findings"),
    "colour_day": ("red", "yellow", "green", "unknown", "canteens"),
    "gap": ("canteens",),
    "delivery": ("rows_accepted", "rows_quarantined", "rows_duplicate", "rows_superseded", "quarantine_open"),
}  # fmt: skip
"""Counts and sums over canteens, by the cockpit's table."""
_FACT_COLUMNS: Final = {
    "consumption": "canteen_id, biz_date, payer_kind, meal, channel, portions, amount_yuan, subsidy_yuan",
    "refund": "canteen_id, biz_date, payer_kind, refund_kind, amount_yuan",
}
"""Columns of silver that the questions read and some beside; a pupil's pseudonym is never read."""


@dataclass(frozen=True)
class CityYear:
    """A published year.

    Attributes:
        settings: The data home with the serving file.
        facts: DuckDB file with ``consumption``, ``refund``, ``ledger``, ``canteen`` and ``ingredient``.
        canteens: Canteens in both.
        first: First day.
        last: Last day.
        meals: Rows of ``consumption``.
    """

    settings: Settings
    facts: Path
    canteens: int
    first: dt.date
    last: dt.date
    meals: int


def build(root: Path, sample: int, copies: int, days: int, progress: Callable[[str], None]) -> CityYear:
    """Make the year.

    Args:
        root: Empty folder.
        sample: Canteens that are simulated.
        copies: How often each of them stands in the city.
        days: Length of the year.
        progress: Told what is being done.
    """
    home = night.with_history(root / "home", sample, days, progress)
    progress(f"补足为 {sample * copies} 个食堂：集市与快照")
    last = _multiply(home, copies)
    progress("补足为全市：事实明细")
    facts = root / "facts.duckdb"
    meals = _facts(home, facts, copies)
    return CityYear(home, facts, sample * copies, last - dt.timedelta(days - 1), last, meals)


def publish_again(home: Settings) -> int:
    """Publish the same content as the next snapshot and return its number."""
    file = home.serving.resolve()
    with closing(duckdb.connect(str(file), read_only=True)) as connection:
        number, as_of, _ = _published(connection)
    draft = file.with_name(".next.tmp")
    shutil.copyfile(file, draft)
    _finish(home, draft, number + 1, as_of)
    return number + 1


def _multiply(home: Settings, copies: int) -> dt.date:
    """Repeat the canteens of the serving file; returns its last business day."""
    file = home.serving.resolve()
    draft = file.with_name(".next.tmp")
    shutil.copyfile(file, draft)
    draft.chmod(0o600)
    with closing(duckdb.connect(str(draft))) as connection:
        number, as_of, _ = _published(connection)
        periods = dict(connection.execute("select name, period from ctl.period").fetchall())
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name = 'cockpit_store' "
            "or (schema_name = 'gold' and table_name in ('dim_canteen', 'fct_stock_ledger'))"
        ).fetchall():
            columns = _columns(connection, f"{schema}.{table}")
            order = periods.get(f"cockpit.{table}") or periods.get(f"gold.{table}")
            connection.execute(
                f"create or replace table {schema}.{table} as {_repeated(f'{schema}.{table}', columns, copies)}"
                + (f" order by {order}" if order else "")
            )
    _finish(home, draft, number + 1, as_of)
    return as_of


def _repeated(table: str, columns: list[str], copies: int) -> str:
    """A select of a table with each canteen's rows repeated, the city's and the counties' rows once."""
    whole = _ADDED_UP.get(table.partition(".")[2])
    if whole:
        return (
            f"select * replace ({', '.join(f'{name} * {copies} as {name}' for name in whole)}) from {table}"
        )
    own = [name for name in _COPIED if name in columns]
    if not own:
        return f"select * from {table}"
    replaced = [
        f"case when copy = 0 or {name} is null then {name} else {name} || '-' || copy end as {name}"
        for name in own
    ]
    if "scope_id" in columns:
        replaced += [
            f"case when copy = 0 then {name} else {name} || '-' || copy end as {name}"
            for name in ("scope_id", "scope_name")
        ]
    # Accounts and ratios of the city and the counties have no school: they stand once.
    once = "where copy = 0 or school_id is not null" if "canteen_id" not in columns else ""
    return f"select * exclude (copy) replace ({', '.join(replaced)}) from {table}, range({copies}) as c (copy) {once}"


def _finish(home: Settings, draft: Path, number: int, as_of: dt.date) -> None:
    """Name the new snapshot inside the file and swap the link to it."""
    draft.chmod(0o600)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    with closing(duckdb.connect(str(draft))) as connection:
        snapshot.show(connection, number, as_of, now)
        connection.execute("checkpoint")
    draft.chmod(0o444)
    name = f"snapshot-{number}.duckdb"
    draft.replace(draft.with_name(name))
    serving.swap(home, name)
    serving.prune(home)


def _facts(home: Settings, file: Path, copies: int) -> int:
    """Write the facts in order of days; returns the number of meals."""
    with closing(duckdb.connect(str(file))) as connection:
        connection.execute(f"attach '{home.serving.resolve()}' as marts (read_only)")
        connection.execute("create table ledger as from marts.gold.fct_stock_ledger")
        connection.execute("create table ingredient as from marts.gold.dim_ingredient")
        connection.execute(
            "create table canteen as select d.*, r.threshold, r.yellow_band "
            "from marts.gold.dim_canteen as d inner join (select distinct threshold, yellow_band, canteen_id "
            "from marts.cockpit.red_line qualify row_number() over (partition by canteen_id order by period_end desc) = 1) "
            "as r on d.canteen_id = r.canteen_id where d.valid_to = date '9999-12-31'"
        )
        for feed, names in _FACT_COLUMNS.items():
            # A file holds a day or a month: taken one by one, the rows stay in order of days.
            files = sorted(delta.files(home.table(f"silver.{feed}")), key=lambda one: str(one.first))
            for number, one in enumerate(files):
                source = f"(select {names} from read_parquet('{one.path}', hive_partitioning = true))"
                rows = _repeated(source, ["canteen_id"], copies)
                start = f"create table {feed} as" if number == 0 else f"insert into {feed}"
                connection.execute(f"{start} {rows}")
        counted = connection.execute("select count(*) from consumption").fetchall()
    return int(counted[0][0])


def _published(connection: duckdb.DuckDBPyConnection) -> tuple[int, dt.date, str]:
    return connection.execute("select snapshot_id, as_of, published_at from cockpit.snapshot").fetchall()[0]  # type: ignore[return-value]


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {table}").fetchall()]
