"""The analyst's own workshop: dbt and what-if in a copy of the last snapshot.

Belongs here: making the copy and running dbt in the analyst's schema there. What is published is
never opened for writing.
"""

from __future__ import annotations

import datetime as dt
import getpass
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from pipelines.gold import build, plan
from warehouse import delta, manifest
from warehouse.errors import Permanent
from warehouse.settings import ROOT, Settings
from warehouse.tables import SILVER

# The models between the thresholds and the verdicts; all that they read besides is in the snapshot.
_JUDGING: Final = ("int_threshold", "int_money_month", "mart_red_line")
_SEED: Final = ROOT / "dbt_project" / "seeds" / "ref_threshold.csv"
_DOCUMENTS: Final = ROOT / "dbt_project" / "seeds" / "ref_regulation.csv"


def dbt(settings: Settings, arguments: Sequence[str], user: str | None = None) -> dict[str, Any]:
    """Run dbt in the analyst's schema; models that are not selected are read from the last snapshot.

    Args:
        settings: The data home.
        arguments: dbt's own command and flags.
        user: Analyst's name; the operating system's user when ``None``.

    Returns:
        ``schema`` prefix and the ``build`` file.
    """
    name = _name(user)
    file, pins, window = _workshop(settings, name)
    _run(settings, name, arguments, file, pins, window)
    return {"schema": f"{name}_gold", "build": str(file)}


def whatif(settings: Settings, thresholds: Path, user: str | None = None) -> pl.DataFrame:
    """Canteens whose verdict would change under other dated thresholds.

    Args:
        settings: The data home.
        thresholds: CSV with the columns of ``ref_threshold``; a row with a known ``threshold_id``
            replaces that row, any other is added.
        user: Analyst's name.

    Returns:
        canteen_id, canteen_name, county_name, period_kind, period_start, period_end, definition, ratio,
        threshold_before, threshold_after, verdict_before, verdict_after: for each kind of period the
        latest one.

    Raises:
        Permanent: The file has other columns or names an unregistered document, or nothing is published.
    """
    name = _name(user)
    seed = _merged(thresholds)
    file, pins, window = _workshop(settings, name)
    with duckdb.connect(str(file)) as connection:
        schema = f"{name}_gold"
        connection.execute(f"create schema if not exists {schema}")
        connection.register("wanted", seed.to_arrow())
        types = connection.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = 'gold' and table_name = 'ref_threshold' "
            "order by column_index"
        ).fetchall()
        picked = ", ".join(f"cast(nullif({column}, '') as {kind}) as {column}" for column, kind in types)
        connection.execute(f"create or replace table {schema}.ref_threshold as select {picked} from wanted")
    _run(settings, name, ["run", "--select", *_JUDGING, "--full-refresh"], file, pins, window)
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(
            f"""
            select a.canteen_id, c.canteen_name, c.county_name, a.period_kind, a.period_start, a.period_end, a.definition,
                   round(a.ratio, 6) as ratio, b.threshold as threshold_before, a.threshold as threshold_after,
                   b.verdict as verdict_before, a.verdict as verdict_after
            from {name}_gold.mart_red_line a
            join gold.mart_red_line b using (canteen_id, period_kind, period_end, definition)
            join (select period_kind, definition, max(period_end) as period_end from gold.mart_red_line group by all) l
                 using (period_kind, definition, period_end)
            left join gold.dim_canteen c on c.canteen_id = a.canteen_id
                 and a.period_end >= c.valid_from and (c.valid_to is null or a.period_end <= c.valid_to)
            where a.verdict is distinct from b.verdict
            order by c.county_name, a.canteen_id, a.period_kind, a.definition
            """
        ).pl()


def _merged(thresholds: Path) -> pl.DataFrame:
    """The committed thresholds with the analyst's rows in place of, or beside, them; all as text."""
    if not thresholds.exists():
        raise Permanent(f"没有文件 {thresholds}：请给出与 {_SEED.relative_to(ROOT)} 列名相同的 CSV")
    committed = pl.read_csv(_SEED, infer_schema=False)
    wanted = pl.read_csv(thresholds, infer_schema=False)
    if set(wanted.columns) != set(committed.columns):
        raise Permanent(f"{thresholds} 的列名须为：{'、'.join(committed.columns)}")
    documents = pl.read_csv(_DOCUMENTS, infer_schema=False)
    unfounded = wanted.join(documents, on="source_id", how="anti")["threshold_id"].to_list()
    if unfounded:
        raise Permanent(
            f"{thresholds} 中 {'、'.join(unfounded)} 的 source_id 未在 {_DOCUMENTS.relative_to(ROOT)} 登记："
            "请改用其中已有的编号（自拟方案填 PROJECT）"
        )
    kept = committed.join(wanted.select("threshold_id"), on="threshold_id", how="anti")
    return pl.concat([kept, wanted.select(committed.columns)])


def _name(user: str | None) -> str:
    name = re.sub(r"[^a-z0-9_]", "_", (user or getpass.getuser()).lower())
    return name if name[:1].isalpha() else f"u_{name}"


def _workshop(settings: Settings, name: str) -> tuple[Path, Path, dict[str, str | bool]]:
    """A copy of the last snapshot called build.duckdb, renewed when a newer one is published."""
    published = manifest.latest(settings)
    if published is None:
        raise Permanent(f"{settings.home} 尚无已发布的快照：请先运行 ./canteen nightly --date 日期")
    folder = settings.home / "analyst" / name
    folder.mkdir(parents=True, exist_ok=True)
    file, marker, pins = folder / "build.duckdb", folder / "snapshot.txt", folder / "pins.json"
    if not file.exists() or not marker.exists() or marker.read_text("utf8") != str(published.number):
        marker.unlink(missing_ok=True)
        draft = folder / ".build.tmp"
        draft.unlink(missing_ok=True)
        shutil.copyfile(settings.serving.parent / published.serving, draft)
        draft.chmod(0o600)
        draft.replace(file)
        marker.write_text(str(published.number), "utf8")
    ranges = [
        delta.day_range(settings.table(f"silver.{feed}")) for feed in ("purchase", "stocktake", "consumption")
    ]
    first = min(found[0] for found in ranges if found is not None)
    versions = {table: published.tables.get(f"silver.{table}") for table in SILVER}
    as_of = dt.date.fromisoformat(published.as_of)
    whole = plan.Plan(versions, first, as_of, full=True, code=published.code)
    plan.write_pins(settings, whole, pins)
    return file, pins, whole.window


def _run(
    settings: Settings,
    name: str,
    arguments: Sequence[str],
    file: Path,
    pins: Path,
    window: dict[str, str | bool],
) -> None:
    os.environ["CANTEEN_ANALYST"] = name
    state = settings.build.parent / "state"
    takes_state = arguments[0] in ("build", "run", "test", "compile", "show", "seed")
    flags = ["--defer", "--state", str(state)] if takes_state and arguments[0] != "seed" else []
    if takes_state and "--vars" not in arguments:
        flags += ["--vars", json.dumps(window)]
    build.run(settings, [*arguments, *flags], build=file, pins=pins, target="analyst")
