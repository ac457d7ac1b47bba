"""Stewards' decisions about the three flows.

Belongs here: marking what was decided, and coding bank lines as stewards coded earlier ones. Does not belong here:
taking a file of decisions in (``pipelines.deciding``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.books import reference
from pipelines.reconcile import coding
from warehouse import delta, vocabulary
from warehouse.settings import Settings
from warehouse.tables import FLOW_EVENT, SILVER

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


def coded(settings: Settings, events: pl.DataFrame) -> pl.DataFrame:
    """The account that stands against the bank for some events, by dated rules, then as stewards decided.

    Args:
        settings: The data home.
        events: Rows of ``silver.flow_event``.

    Returns:
        Columns of ``coding.code``, one row an event.
    """
    books, rules, precedents = reference.load(), coding.read_rules(), _precedents(settings)
    placed = books.books_of(events, "biz_date")
    parts = [
        coding.code(placed.filter(pl.col("account_set") == one), one, rules, precedents)
        for one in placed["account_set"].unique().sort()
    ]
    return pl.concat(parts).sort("event_id")


def _precedents(settings: Settings) -> pl.DataFrame:
    """What stewards coded: account_set, direction, party, text, account_code of the bank lines they decided."""
    ruled = read(settings).filter(pl.col("account_code").is_not_null()).select("subject_id", "account_code")
    columns = ["canteen_id", "biz_date", "event_id", "flow", "difference_id", "direction", "party", "text"]
    events = delta.read(settings.table("silver.flow_event"), FLOW_EVENT, columns=columns)
    lines = events.filter(pl.col("flow") == "bank")
    named = [
        lines.join(ruled.rename({"subject_id": name}), on=name) for name in ("event_id", "difference_id")
    ]
    placed = reference.load().books_of(
        pl.concat([one.select(*columns, "account_code") for one in named]), "biz_date"
    )
    return placed.select("account_set", "direction", "party", "text", "account_code")
