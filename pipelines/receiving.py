"""The receive step: landing files into the vault, one receipt each into ``bronze.receipt``.

Belongs here: passing known receipts to ``ingest`` and committing the new ones as one batch.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from ingest import receipts, runner
from ingest.receipts import RECEIPT
from warehouse import delta
from warehouse.settings import Settings


def known(settings: Settings) -> pl.DataFrame:
    """All receipts of a data home."""
    return delta.read(settings.table("bronze.receipt"), RECEIPT)


def run(
    settings: Settings,
    landing: Path,
    up_to: dt.date,
    progress: Callable[[str], None],
    on_step: Callable[[str], None],
) -> dict[str, int]:
    """Take every landing file that arrived up to a day and has no receipt yet.

    Returns:
        Number of new receipts by status.
    """
    before = known(settings)
    received = runner.receive(
        settings.home, landing, up_to, before, progress, on_kept=lambda: on_step("kept")
    )
    return _commit(settings, before, received.receipts, on_step)


def paths(
    settings: Settings,
    files: Sequence[Path],
    provider: str,
    progress: Callable[[str], None],
    releases: str | None = None,
) -> pl.DataFrame:
    """Take single files (``./canteen ingest``), as having arrived today.

    Returns:
        The new receipts.
    """
    before = known(settings)
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
    received = runner.receive_paths(
        settings.home, files, provider, today, before, progress, releases=releases
    )
    _commit(settings, before, received.receipts, lambda _: None)
    return received.receipts


def note(settings: Settings, rows: Sequence[dict[str, Any]]) -> None:
    """Add receipts of what did not arrive; one that is there already is not added again."""
    if not rows:
        return
    before = known(settings)
    fresh = receipts.frame(list(rows)).filter(~pl.col("receipt_id").is_in(before["receipt_id"].to_list()))
    _commit(settings, before, fresh, lambda _: None)


def _commit(
    settings: Settings, before: pl.DataFrame, new: pl.DataFrame, on_step: Callable[[str], None]
) -> dict[str, int]:
    counts = dict.fromkeys(("received", "duplicate", "refused", "missing"), 0)
    if new.height == 0:
        return counts
    batch = int(before["batch"].max() or 0) + 1  # type: ignore[arg-type]
    identity = hashlib.sha256("".join(new["receipt_id"].sort()).encode()).hexdigest()
    delta.append(
        settings.table("bronze.receipt"),
        new.with_columns(batch=pl.lit(batch)),
        RECEIPT,
        commit_id=f"{batch}:{identity}",
    )
    on_step("bronze.receipt")
    return {**counts, **dict(new.group_by("status").len().iter_rows())}
