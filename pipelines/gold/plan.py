"""Which days a build must compute again, and from which silver versions.

Belongs here: pins and windows. The window is read from the commits that silver made since the last
build, so it survives a kill; without a record of the last build everything is computed.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from warehouse import delta
from warehouse.fingerprint import code_hash
from warehouse.settings import Settings
from warehouse.tables import ARRIVED, FEEDS, SILVER

# Findings look back at most this far before the first day of the touched month
# (never_issued_days and the peers of the weeks before).
LOOKBACK: Final = dt.timedelta(days=62)
_BUILD_CODE: Final = ("dbt_project", "warehouse", "pipelines/alerts")
_CODE_ROW: Final = "code"
_AS_OF_ROW: Final = "as_of"
# A form reaches back by a window of its own; the books that this system posts itself follow from the days that
# touched them, and what closes a month is on no form; a decision on the three flows shows in what they then say.
_NO_EFFECT: Final = frozenset(
    {"disclosure_line", "posted_voucher", "book_period", "book_stock", "flow_decision"}
)
# The scorecard counts these by the day on which they arrived.
_SCORED: Final = frozenset({"delivery", "quarantine"})
# An account, a camera, a sample cabinet or a menu may be older than the first meal; a canteen's days begin with
# its meals.
_NO_BEGINNING: Final = frozenset(
    {"bank_line", "camera_status", "camera_alarm", "video_segment", "retained_sample", "menu_line"}
)


@dataclass(frozen=True)
class Plan:
    """One dbt run.

    Attributes:
        versions: Pinned version of every silver table, ``None`` where there is none yet.
        first: First touched day.
        last: Last day with consumption in the city ("as of").
        forms_from: First touched month end of a disclosure form, ``None`` when no form was touched.
        arrived_from: Earliest arrival date of a new file, ``None`` when no file is new.
        full: Whether everything is built again.
        code: Hash of the code that builds.
        names_changed: Whether suppliers changed; recent records are shown with their names.
    """

    versions: dict[str, int | None]
    first: dt.date
    last: dt.date
    full: bool
    code: str
    forms_from: dt.date | None = None
    arrived_from: dt.date | None = None
    names_changed: bool = False

    @property
    def window(self) -> dict[str, str | bool]:
        """The vars that tell dbt what to compute."""
        forms = {} if self.forms_from is None else {"form_from_date": str(self.forms_from)}
        arrivals = {} if self.arrived_from is None else {"arrival_from": str(self.arrivals)}
        names = {"names_changed": True} if self.names_changed else {}
        return {"from_date": str(self.first), "to_date": str(self.last), **forms, **arrivals, **names}

    @property
    def arrivals(self) -> dt.date:
        """Earliest arrival date that is computed again."""
        if self.full:
            return dt.date.min
        return self.first if self.arrived_from is None else min(self.arrived_from, self.first)

    @property
    def reach(self) -> dt.date:
        """Earliest day whose silver rows the window needs, and whose units it may change."""
        if self.full:
            return dt.date.min
        looked_back = self.first.replace(day=1) - LOOKBACK
        if self.forms_from is None:
            return looked_back
        return min(looked_back, (self.forms_from.replace(day=1) - dt.timedelta(days=1)).replace(day=1))


def make(settings: Settings) -> Plan | None:
    """Plan the next build.

    Returns:
        The plan, or ``None`` when the build file already holds what silver says.
    """
    versions = {name: delta.version(settings.table(f"silver.{name}")) for name in SILVER}
    consumed = delta.day_range(settings.table("silver.consumption"))
    if consumed is None:
        return None
    begin = min(_first_days(settings))
    code = code_hash(*_BUILD_CODE)
    built = _built(settings.build)
    if built is None or built.get(_CODE_ROW) != code:
        return Plan(versions, begin, consumed[1], full=True, code=code)
    if all(str(version) == built.get(name) for name, version in versions.items()):
        return None
    touched: dict[str, frozenset[str]] = {}
    for name in SILVER:
        days = delta.touched_since(settings.table(f"silver.{name}"), _number(built.get(name)))
        if days is None:
            return Plan(versions, begin, consumed[1], full=True, code=code)
        touched[name] = days
    # Days between the last build's as-of and the new one are new too, though no record is about them.
    marks = {str(dt.date.fromisoformat(built[_AS_OF_ROW]) + dt.timedelta(days=1))}
    marks = marks.union(*(days for name, days in touched.items() if name not in _NO_EFFECT))
    forms = [dt.date.fromisoformat(day) for day in touched["disclosure_line"]]
    arrivals = delta.touched_since(settings.table("silver.delivery"), _number(built.get("delivery")), ARRIVED)
    first = _earliest(marks, begin, consumed[1])
    renamed = str(versions["supplier"]) != built.get("supplier")
    return Plan(
        versions,
        first,
        consumed[1],
        full=False,
        code=code,
        forms_from=min(forms, default=None),
        arrived_from=min(map(dt.date.fromisoformat, arrivals or ()), default=None),
        names_changed=renamed,
    )


def _number(version: str | None) -> int | None:
    """The version that a build pinned, ``None`` where the build knows nothing of the table."""
    if version is None:
        return None
    return delta.BEFORE_FIRST if version == str(None) else int(version)


def _first_days(settings: Settings) -> list[dt.date]:
    ranges = [
        delta.day_range(settings.table(feed.table))
        for feed in FEEDS.values()
        if feed.dated and not feed.by_message and feed.name not in _NO_BEGINNING
    ]
    return [found[0] for found in ranges if found is not None]


def _earliest(touched: set[str], begin: dt.date, last: dt.date) -> dt.date:
    """First day to compute: never before the first record, never after the last month's first day
    when only the future changed (the forecast reads the calendar ahead)."""
    first = last
    for mark in touched:
        if mark == delta.EVERYTHING:
            return begin
        day = dt.date.fromisoformat(mark.removeprefix(">="))
        first = min(first, day if day <= last else last.replace(day=1))
    return max(first, begin)


def _built(build: Path) -> dict[str, str] | None:
    if not build.exists():
        return None
    with duckdb.connect(str(build), read_only=True) as connection:
        known = connection.execute(
            "select 1 from information_schema.tables where table_schema = 'ctl' and table_name = 'built'"
        ).fetchone()
        if known is None:
            return None
        return dict(connection.execute("select name, version from ctl.built").fetchall())


def mark_built(connection: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Record in the build file what it was built from."""
    rows = [(name, str(version)) for name, version in plan.versions.items()] + [
        (_CODE_ROW, plan.code),
        (_AS_OF_ROW, str(plan.last)),
    ]
    connection.execute("create schema if not exists ctl")
    connection.execute("begin")
    connection.execute("create or replace table ctl.built (name varchar primary key, version varchar)")
    connection.executemany("insert into ctl.built values (?, ?)", rows)
    connection.execute("commit")


def write_pins(settings: Settings, plan: Plan, target: Path) -> None:
    """Write the files of the pinned versions that the window reaches, for ``warehouse.dbt_plugin``."""
    pins: dict[str, Any] = {}
    for name, columns in SILVER.items():
        path = settings.table(f"silver.{name}")
        version = plan.versions[name]
        listed = [] if version is None else delta.files(path, version)
        reached = {file.path for file in listed if file.last is None or file.last >= plan.reach}
        if version is not None and name in _SCORED:
            # What arrived lately may be about days of long ago.
            arrived = delta.files(path, version, "_arrival_date")
            reached |= {file.path for file in arrived if file.last is None or file.last >= plan.arrivals}
        pins[name] = {
            "columns": {column: _duckdb_type(dtype) for column, dtype in columns.items()},
            "files": [file.path for file in listed if file.path in reached],
            "partition": FEEDS[name].partition
            if name in FEEDS
            else ("biz_month" if "biz_month" in columns else None),
        }
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".tmp")
    draft.write_text(json.dumps(pins, ensure_ascii=False), "utf8")
    draft.replace(target)


def _duckdb_type(dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Decimal):
        return f"DECIMAL({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMPTZ"
    names: dict[type[pl.DataType], str] = {
        pl.String: "VARCHAR",
        pl.Date: "DATE",
        pl.Int64: "BIGINT",
        pl.Boolean: "BOOLEAN",
        pl.Float64: "DOUBLE",
    }
    return names[type(dtype)]
