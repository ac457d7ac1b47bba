"""The quality step: Great Expectations in a process of its own.

Belongs here: starting ``python -m expectations`` for what arrived and saying loudly when it fails.
Scores inform stewards; they never hold back a publication.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable

import polars as pl

from ingest.receipts import RECEIPT
from warehouse import delta
from warehouse.settings import ROOT, Settings


def run(settings: Settings, first: dt.date, last: dt.date, progress: Callable[[str], None]) -> dict[str, int]:
    """Score what arrived, from the oldest arrival date of a new file on.

    Returns:
        ``failed``: 1 when the scoring process failed.
    """
    receipts = delta.read(
        settings.table("bronze.receipt"), RECEIPT, columns=["batch", "arrival_date"]
    ).filter(pl.col("arrival_date") <= last)
    marker = settings.scratch / "quality.batch"
    scored = int(marker.read_text("utf8")) if marker.exists() else 0
    new = receipts.filter(pl.col("batch") > scored)
    if new.height == 0:
        return {"failed": 0}
    since = min(first, new["arrival_date"].min())  # type: ignore[type-var]
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
    marker.write_text(str(receipts["batch"].max()), "utf8")
    return {"failed": 0}
