"""The receive step: landing files into the vault, one receipt each into ``bronze.receipt``.

Belongs here: passing known receipts to ``ingest`` and committing the new ones as one batch.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from ingest import runner
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
    receipts = received.receipts
    _commit(settings, before, receipts, lambda _: None)
    return receipts


def _commit(
    settings: Settings, before: pl.DataFrame, receipts: pl.DataFrame, on_step: Callable[[str], None]
) -> dict[str, int]:
    counts = dict.fromkeys(("received", "duplicate", "refused", "missing"), 0)
    if receipts.height == 0:
        return counts
    batch = int(before["batch"].max() or 0) + 1  # type: ignore[arg-type]
    identity = hashlib.sha256("".join(receipts["receipt_id"].sort()).encode()).hexdigest()
    delta.append(
        settings.table("bronze.receipt"),
        receipts.with_columns(batch=pl.lit(batch)),
        RECEIPT,
        commit_id=f"{batch}:{identity}",
    )
    on_step("bronze.receipt")
    return {**counts, **dict(receipts.group_by("status").len().iter_rows())}
