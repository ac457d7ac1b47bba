"""Accuracy ``finance``, the part about the chain of weeks: what the nights match without a person, against the truth.

Belongs here: planted transactions as events of the night, and running the chain over them. Does not belong here: the
chain (``pipelines.flows.weeks``) and counting pairs (``finance_match``).
"""

from __future__ import annotations

import polars as pl

from pipelines.flows import weeks
from pipelines.flows.sources import EVENT
from pipelines.measures.finance_match import PairScore, score_pairs
from warehouse.tables import FLOW_EVENT


def measure_chain(
    events: pl.DataFrame, accounts: pl.DataFrame, truth_events: pl.DataFrame, truth_breaks: pl.DataFrame
) -> PairScore:
    """Match events week by week and count; arguments as of ``finance_match.measure_matching``."""
    nothing = pl.DataFrame(schema=FLOW_EVENT)
    previous = pl.DataFrame(schema={"canteen_id": pl.String, "previous": pl.Date})
    held = weeks.Held(nothing, nothing, previous, nothing)
    found = weeks.compare(held, night_events(events, accounts)).events
    matches = found.filter(pl.col("match_id").is_not_null())
    return score_pairs(matches, events, truth_events, truth_breaks)


def night_events(events: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Events of ``pipelines.reconcile.events.SCHEMA`` as the night makes them: columns ``sources.EVENT``."""
    return (
        events.join(accounts, on=["canteen_id", "account_no"], how="left")
        .with_columns(
            source_feed="flow",
            record_no="event_id",
            account_role=pl.when(pl.col("flow") == "bank").then("account_role"),
            _provider=pl.lit("planted"),
        )
        .select(pl.col(name).cast(FLOW_EVENT[name]) for name in EVENT)
    )
