"""Stewards' decisions about the three flows.

Belongs here: marking what was decided. Does not belong here: taking a file of decisions in (``pipelines.deciding``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from warehouse import delta, vocabulary
from warehouse.settings import Settings
from warehouse.tables import SILVER

TABLE: Final = "flow_decision"


def read(settings: Settings) -> pl.DataFrame:
    """Every decision that holds, columns of ``silver.flow_decision``."""
    return delta.read(settings.table(f"silver.{TABLE}"), SILVER[TABLE])


def marked_events(events: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Events with ``decided``: a steward decided the event itself or its difference.

    Args:
        events: ``event_id``, ``difference_id`` and others.
        decided: See ``read``.
    """
    subjects = decided["subject_id"].implode()
    either = pl.col("event_id").is_in(subjects) | pl.col("difference_id").is_in(subjects).fill_null(
        value=False
    )
    return events.with_columns(decided=either)


def marked_differences(differences: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Differences with ``decided`` and ``decided_reason``.

    Args:
        differences: ``difference_id`` and others.
        decided: See ``read``.
    """
    said = pl.concat_str(pl.col("decision_code").replace(vocabulary.FLOW_DECISIONS), "reason", separator="：")
    known = decided.sort("reported_at").unique("subject_id", keep="last", maintain_order=True)
    return differences.join(
        known.select(difference_id="subject_id", decided_reason=said), on="difference_id", how="left"
    ).with_columns(decided=pl.col("decided_reason").is_not_null())
