"""The gold step: plan, dbt, alerts, hashes, Delta.

Belongs here: the order of the gold step. A kill at any point is repaired by running again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import duckdb
import polars as pl

from pipelines.alerts import raising, rules
from pipelines.gold import build, commit, plan
from warehouse.settings import Settings


def run(
    settings: Settings, last: dt.date, progress: Callable[[str], None], on_step: Callable[[str], None]
) -> dict[str, int]:
    """Build what silver changed and commit it.

    Args:
        settings: The data home.
        last: Last arrival date taken.
        progress: Told what is being done.
        on_step: Told ``dbt`` when dbt has ended, ``alerts`` when they are raised and ``<table>`` after each gold commit.

    Returns:
        ``units`` written to gold Delta.
    """
    threads = {"threads": pl.thread_pool_size()}
    planned = plan.make(settings)
    if planned is not None:
        progress(f"计算 {planned.first} 至 {planned.last}" + ("（全量）" if planned.full else ""))
        pins = settings.build.parent / "pins.json"
        plan.write_pins(settings, planned, pins)
        manifest = build.night(settings, planned, pins)
        on_step("dbt")
        with duckdb.connect(str(settings.build), config=threads) as connection:
            published = commit.models(manifest)
            if planned.full:
                raising.recall(settings, connection)  # dbt began with an empty build file
            since = raising.run(connection, rules.load(), planned.reach, last)
            on_step("alerts")
            commit.hash_units(connection, published, min(since, planned.arrivals))
            commit.remember_periods(connection, published)
            plan.mark_built(connection, planned)
    if not settings.build.exists():
        return {"units": 0}
    with duckdb.connect(str(settings.build), config=threads) as connection:
        written = commit.to_delta(settings, connection, commit.recalled_periods(connection), on_step)
    progress(f"金层更新 {written} 个单元")
    return {"units": written}
