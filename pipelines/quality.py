"""The quality step: Great Expectations in a process of its own.

Belongs here: starting ``python -m expectations`` for what arrived and saying loudly when it fails.
Scores inform stewards; they never hold back a publication.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable

from ingest.receipts import RECEIPT
from warehouse import delta
from warehouse.settings import ROOT, Settings


def run(settings: Settings, first: dt.date, last: dt.date, progress: Callable[[str], None]) -> dict[str, int]:
    """Score what arrived, unless nothing new did.

    Returns:
        ``failed``: 1 when the scoring process failed.
    """
    batch = delta.version(settings.table("bronze.receipt"))
    marker = settings.scratch / "quality.batch"
    if batch is None or (marker.exists() and marker.read_text("utf8") == str(batch)):
        return {"failed": 0}
    arrivals = delta.read(settings.table("bronze.receipt"), RECEIPT, columns=["arrival_date"])["arrival_date"]
    since = first if first <= last else last
    if arrivals.filter(arrivals.is_between(since, last)).len() == 0:
        return {"failed": 0}
    progress("质量评分（Great Expectations）")
    command = [
        sys.executable,
        "-m",
        "expectations",
        "--home",
        str(settings.home),
        "--arrivals",
        str(since),
        str(last),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        progress(f"质量评分失败（不影响发布）：{(done.stderr.strip().splitlines() or ['无输出'])[-1]}")
        return {"failed": 1}
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.write_text(str(batch), "utf8")
    return {"failed": 0}
