"""Bench ``night``: what a night costs, at city size and after years of history.

Belongs here: making histories, running measured nights in processes of their own, and counting CPU
time, memory and bytes. History is written straight into silver by the simulator and built once; only
measured nights go through landing.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import simulator
from ingest.simulator import history
from pipelines import night
from pipelines.measures import apart
from pipelines.measures.apart import Cost
from pipelines.measures.table import measure
from pipelines.silver import door, units
from warehouse import delta, settings
from warehouse.settings import Settings
from warehouse.tables import DELIVERY, FEEDS, UNDATED, Feed

_SEED: Final = 20260901
_END: Final = dt.date(2026, 11, 15)
_CLEAN: Final[frozenset[str]] = frozenset()
_DAY: Final = dt.timedelta(days=1)


def run(*, quick: bool, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        quick: Smaller cities and shorter histories: shows that the bench works; bars are not judged.
        progress: Told what is being done.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-bench-") as folder:
        root = Path(folder)
        measures = [
            *_city(root / "city", 12 if quick else 1950, 3 if quick else 30, progress),
            *_histories(
                root / "histories", 100, (10, 60) if quick else (30, 1095), 1 if quick else 5, progress
            ),
            *_range(root / "range", 8 if quick else 60, 2 if quick else 45, progress),
        ]
    if quick:
        for found in measures:
            if found["name"] != "no_change_cpu_s":
                found["bar"] = found["holds"] = None
    return measures


def _city(root: Path, canteens: int, days: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """One night of a whole city after a month."""
    home = with_history(root / "home", canteens, days, progress)
    landing = _land(root / "out", canteens, days, nights=1)
    progress(f"城市一夜：{canteens} 个食堂")
    cost = _nightly(home, landing, _END + _DAY)
    shutil.rmtree(root)
    return [
        measure("night", "city_night_min", round(cost.wall_s / 60, 3), 1),
        measure("night", "city_night_gb", round(cost.peak_gb, 3), 1),
    ]


def _histories(
    root: Path, canteens: int, lengths: tuple[int, int], nights: int, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The same nights after a short and a long history, turn by turn."""
    warming = int(nights > 1)  # the first night warms dbt's parse cache in both homes
    homes = {days: with_history(root / f"home-{days}", canteens, days, progress) for days in lengths}
    landings = {
        days: _land(root / f"out-{days}", canteens, days, nights=nights + warming) for days in lengths
    }
    costs: dict[int, list[float]] = {days: [] for days in lengths}
    amplification: list[float] = []
    for offset in range(nights + warming):
        for days in lengths:
            before, versions = _table_files(homes[days]), _versions(homes[days])
            cost = _nightly(homes[days], landings[days], _END + (offset + 1) * _DAY)
            if offset >= warming:
                costs[days].append(cost.cpu_s)
                amplification.append(_amplification(homes[days], before, versions))
                progress(f"{days} 天历史后的一夜：{cost.cpu_s:.1f} CPU 秒")
    short, long = lengths
    ratio = statistics.median(costs[long]) / statistics.median(costs[short])
    idle = _idle(homes[short], landings[short], _END + (nights + warming) * _DAY)
    shutil.rmtree(root)
    return [
        measure("night", "night_3y_over_30d", round(ratio, 3), len(costs[long])),
        measure("night", "no_change_cpu_s", round(idle, 3), 1),
        measure(
            "night", "write_amplification", round(statistics.median(amplification), 3), len(amplification)
        ),
    ]


def _idle(home: Settings, landing: Path, day: dt.date) -> float:
    """CPU seconds of a night with nothing new, or infinity if it changed anything."""
    before = (_table_files(home), os.readlink(home.serving))
    cost = _nightly(home, landing, day)
    return cost.cpu_s if before == (_table_files(home), os.readlink(home.serving)) else float("inf")


def _range(root: Path, canteens: int, days: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """A range in one run against the same nights one by one."""
    start = _END - (days - 1) * _DAY
    simulator.simulate(root / "out", canteens, start, _END, _SEED, _CLEAN)
    landing = root / "out" / "landing"
    ranged = _nightly(settings.load(root / "range"), landing, start, _END)
    nights = settings.load(root / "nights")
    single = 0.0
    for offset in range(days):
        single += _nightly(nights, landing, start + offset * _DAY).cpu_s
        progress(f"逐夜 {offset + 1}/{days}")
    shutil.rmtree(root)
    return [measure("night", "range_over_nights", round(ranged.cpu_s / single, 4), days)]


def _land(out: Path, canteens: int, days: int, *, nights: int) -> Path:
    """Landing files of the nights after the history, with the late and corrected files of a usual night."""
    faults = frozenset({"late_file", "corrected_file", "resent_file"})
    simulator.simulate(
        out, canteens, _END + _DAY, _END + nights * _DAY, _SEED, faults, origin=_END - (days - 1) * _DAY
    )
    return out / "landing"


def with_history(folder: Path, canteens: int, days: int, progress: Callable[[str], None]) -> Settings:
    """A data home whose silver was written by the simulator and whose gold was built from it."""
    home = settings.load(folder)
    start = _END - (days - 1) * _DAY
    progress(f"准备 {canteens} 个食堂 {days} 天历史")
    for number, (name, frame) in enumerate(history.frames(canteens, start, _END, _SEED)):
        _put(home, FEEDS[name], frame, f"history {number}")
    door.write_providers(home)
    empty = folder.parent / f"{folder.name}-landing"
    empty.mkdir(parents=True)
    work = night.Night(home, empty, _END, _END)
    night.gold(work, progress)
    night.publish(work, progress)
    return home


def _put(home: Settings, feed: Feed, frame: pl.DataFrame, commit_id: str) -> None:
    """Write rows into silver with their delivery rows, as the door would have."""
    lineage = {
        "_file": pl.lit(commit_id),
        "_row": pl.int_range(1, pl.len() + 1, dtype=pl.Int64),
        "_arrival_date": pl.col("biz_date") if feed.dated else pl.lit(_END),
    }
    rows = frame.with_columns(**lineage)
    if feed.partition == "biz_month":
        rows = rows.with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m"))
    days = frozenset(rows["biz_date"]) if feed.dated else frozenset()
    rows = rows.sort("biz_date", "canteen_id", "record_no") if feed.dated else rows
    delta.replace(
        home.table(feed.table),
        _slices(rows),
        feed.columns,
        period=delta.Period("biz_date", days) if feed.dated else None,
        partition=feed.partition,
        commit_id=commit_id,
        touched=[str(day) for day in days],
    )
    by = ["_provider", "_file", "_arrival_date", "unit_key", *(feed.unit if feed.dated else ())]
    delivery = (
        rows.with_columns(units.unit_key(feed))
        .group_by(by)
        .agg(rows_accepted=pl.len(), version=pl.col("reported_at").max())
        .with_columns(
            feed=pl.lit(feed.name),
            provider=pl.col("_provider"),
            canteen_id=pl.col("canteen_id") if feed.dated else pl.lit(None, pl.String),
            biz_date=pl.col("biz_date") if feed.dated else pl.lit(None, pl.Date),
            rows_quarantined=pl.lit(0),
            rows_duplicate=pl.lit(0),
            content_hash=pl.lit(""),
            state=pl.lit("current"),
        )
        .with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m").fill_null(UNDATED))
        .select(pl.col(name).cast(dtype) for name, dtype in DELIVERY.items())
    )
    delta.append(
        home.table("silver.delivery"),
        delivery,
        DELIVERY,
        commit_id=f"delivery {commit_id}",
        partition="biz_month",
    )


def _slices(rows: pl.DataFrame) -> Iterable[pl.DataFrame]:
    return rows.iter_slices(500_000)


def _nightly(home: Settings, landing: Path, first: dt.date, last: dt.date | None = None) -> Cost:
    """Run the command as a scheduler would, in a process of its own."""
    words = ["-m", "pipelines.cli", "nightly", "--home", str(home.home), "--landing", str(landing)]
    return apart.run([*words, "--date", str(first), *(["--to", str(last)] if last else [])])[0]


def _table_files(home: Settings) -> dict[str, frozenset[tuple[str, int]]]:
    """Every file under silver and gold with its size, by table."""
    found: dict[str, frozenset[tuple[str, int]]] = {}
    for layer in ("silver", "gold"):
        for table in sorted((home.home / layer).iterdir()):
            found[f"{layer}.{table.name}"] = frozenset(
                (str(path), path.stat().st_size) for path in table.rglob("*") if path.is_file()
            )
    return found


def _amplification(
    home: Settings, before: dict[str, frozenset[tuple[str, int]]], versions: dict[str, int | None]
) -> float:
    """Bytes written under silver and gold by the last night over the bytes of the units it replaced."""
    written = sum(
        size
        for name, files in _table_files(home).items()
        for _, size in files - before.get(name, frozenset())
    )
    replaced = sum(delta.replaced_bytes(home.table(name), versions.get(name)) for name in _table_files(home))
    return written / replaced


def _versions(home: Settings) -> dict[str, int | None]:
    return {name: delta.version(home.table(name)) for name in _table_files(home)}
