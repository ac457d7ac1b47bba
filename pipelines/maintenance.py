"""``./canteen maintain``: the one owner of compaction, vacuum and clean-up, outside the night.

Belongs here: what makes tables and folders smaller without changing content.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from typing import Final

from warehouse import delta, manifest, serving
from warehouse.settings import Settings

_KEEP_MONTHS: Final = 2
_VACUUM_HOURS: Final = 24 * 30


def run(settings: Settings, progress: Callable[[str], None]) -> dict[str, int]:
    """Compact closed months, delete unneeded files and evidence whose days are over, empty scratch.

    Args:
        settings: The data home.
        progress: Told what is being done.

    Returns:
        ``tables`` looked after and ``files`` deleted.
    """
    published = manifest.latest(settings)
    if published is None:
        return {"tables": 0, "files": 0}
    as_of = dt.date.fromisoformat(published.as_of)
    open_months = frozenset(_months_back(as_of, _KEEP_MONTHS))
    deleted = 0
    for name in published.tables:
        path = settings.table(name)
        progress(f"整理 {name}")
        delta.compact(path, open_months)
        deleted += len(delta.vacuum(path, _VACUUM_HOURS))
    deleted += _expired_evidence(settings, as_of)
    shutil.rmtree(settings.scratch, ignore_errors=True)
    serving.prune(settings)
    return {"tables": len(published.tables), "files": deleted}


def _expired_evidence(settings: Settings, as_of: dt.date) -> int:
    """Number of pictures and clips of events that were kept long enough, by the calendar of the data."""
    folder = settings.home / "evidence"
    if not folder.exists():
        return 0
    from vision_jobs import evidence

    return len(evidence.purge(folder, dt.datetime.combine(as_of, dt.time(), dt.UTC)))


def _months_back(day: dt.date, count: int) -> list[str]:
    first = day.replace(day=1)
    months = []
    for _ in range(count):
        months.append(f"{first:%Y-%m}")
        first = (first - dt.timedelta(days=1)).replace(day=1)
    return months
