"""What asks for a run when files arrive between nights.

Belongs here: looking at the landing folder's listing, and the cursor that keeps a delivery from being
asked for twice. No file is opened here.
"""

import hashlib
import json
import time
from datetime import date, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines import night
from pipelines.defs.assets import TIMEZONE, Lakehouse
from pipelines.defs.jobs import NIGHTLY, range_tags

EVERY_S: Final = 60
SETTLED_S: Final = 30
"""A folder counts once nothing in it has changed for so long; a file may still be on its way."""


def listing(landing: Path) -> dict[str, str]:
    """Fingerprint of every arrival date: the times at which its folders last gained or lost a file.

    Three years of deliveries are some ten thousand folders, so files are not looked at one by one.

    Args:
        landing: Folder ``<provider>/<arrival_date>/<file>``.
    """
    folders: dict[str, list[tuple[str, int]]] = {}
    for folder in sorted(landing.glob("*/????-??-??")):
        folders.setdefault(folder.name, []).append((folder.parent.name, folder.stat().st_mtime_ns))
    return {day: hashlib.sha256(repr(marks).encode()).hexdigest() for day, marks in folders.items()}


def settled(landing: Path, days: set[str]) -> bool:
    """Whether every file of these arrival dates has been left alone for ``SETTLED_S`` seconds."""
    files = (file for day in days for file in landing.glob(f"*/{day}/*"))
    return max((file.stat().st_mtime for file in files), default=0.0) < time.time() - SETTLED_S


@dg.sensor(
    job=NIGHTLY,
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="交换目录有新文件时发起一次运行；同一批文件只发起一次。",
)
def landing_arrivals(
    context: dg.SensorEvaluationContext, lakehouse: Lakehouse
) -> dg.SensorResult | dg.SkipReason:
    """One run over all arrival dates whose listing changed."""
    landing = Path(lakehouse.landing)
    if not landing.is_dir():
        return dg.SkipReason(f"交换目录不存在：{landing}")
    asked: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
    today = datetime.now(ZoneInfo(TIMEZONE)).date().isoformat()
    found = {day: mark for day, mark in listing(landing).items() if day <= today}
    changed = {day for day, mark in found.items() if asked.get(day) != mark}
    if not changed:
        return dg.SkipReason("没有新文件")
    if not settled(landing, changed):
        return dg.SkipReason("文件仍在传输，稍后再看")
    cursor = json.dumps(found)
    first, last = (date.fromisoformat(day) for day in (min(changed), max(changed)))
    if night.unchanged(lakehouse.night(first, last)):
        return dg.SensorResult(skip_reason=dg.SkipReason("这些文件已经处理过"), cursor=cursor)
    key = hashlib.sha256(cursor.encode()).hexdigest()
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=key, tags=range_tags(first, last))], cursor=cursor
    )


SENSORS: Final = [landing_arrivals]
