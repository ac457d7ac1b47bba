"""From silver rows to the frames that are validated.

Belongs here: the profile of a delivery (exact, over all its rows), its pace against recent deliveries,
and the rows, sampled where there are very many. Pure polars; nothing is read or written here.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from expectations.checks import Suite

GROUP: Final = ("_provider", "_arrival_date")
"""What a result is about: one provider's rows of one arrival date."""
ROWS: Final = "rows"
SAMPLE_ROWS: Final = 100_000
"""A feed with more rows in one night is sampled down to about this many."""
RECENT: Final = "30d"
HISTORY: Final = dt.timedelta(days=30)
_ENOUGH_NIGHTS: Final = 5
_PUNCTUAL_DAYS: Final = 1
_SEED: Final = 430_600


def profile(suite: Suite, rows: pl.LazyFrame) -> pl.DataFrame:
    """One row per provider and arrival date: the number of rows and the suite's measures.

    Args:
        suite: The feed's suite.
        rows: All rows that arrived, with the columns ``suite.reads``.

    Returns:
        ``_provider``, ``_arrival_date``, ``rows`` and one float per measure.
    """
    measures = [expression.cast(pl.Float64).alias(name) for name, expression in suite.measures.items()]
    return rows.group_by(GROUP).agg(pl.len().alias(ROWS), *measures).sort(GROUP).collect(engine="streaming")


def pace(delivery: pl.LazyFrame, first: dt.date) -> pl.DataFrame:
    """Volume of each delivery relative to the same provider's and feed's last 30 days of arrivals.

    Rows are counted per canteen-day, so a holiday or a parcel of several days does not count as a fall;
    canteens are counted on punctual units only, so a late correction does not count as a small delivery.

    Args:
        delivery: Rows of ``silver.delivery`` from 30 days before ``first`` on.
        first: First arrival date to judge.

    Returns:
        ``feed``, ``_provider``, ``_arrival_date``, ``rows_vs_recent``, ``canteens_vs_recent``; null where
        fewer than five earlier arrivals are known.
    """
    punctual = (pl.col("_arrival_date") - pl.col("biz_date")).dt.total_days() <= _PUNCTUAL_DAYS
    nights = (
        delivery.filter((pl.col("rows_accepted") > 0) & pl.col("biz_date").is_not_null())
        .group_by("feed", pl.col("provider").alias("_provider"), "_arrival_date")
        .agg(
            per_unit=pl.col("rows_accepted").sum() / pl.len(),
            canteens=pl.col("canteen_id").filter(punctual).n_unique().replace(0, None).cast(pl.Float64),
        )
        .sort("feed", *GROUP)
        .collect()
    )
    recent = nights.rolling(
        "_arrival_date", period=RECENT, offset=f"-{RECENT}", closed="left", group_by=["feed", "_provider"]
    ).agg(known=pl.len(), usual_rows=pl.col("per_unit").median(), usual_canteens=pl.col("canteens").median())
    enough = pl.col("known") >= _ENOUGH_NIGHTS
    return (
        nights.join(recent, on=["feed", *GROUP])
        .filter(pl.col("_arrival_date") >= first)
        .select(
            "feed",
            *GROUP,
            rows_vs_recent=pl.when(enough).then(pl.col("per_unit") / pl.col("usual_rows")),
            canteens_vs_recent=pl.when(enough).then(pl.col("canteens") / pl.col("usual_canteens")),
        )
    )


def with_pace(suite: Suite, profiles: pl.DataFrame, paces: pl.DataFrame) -> pl.DataFrame:
    """The profile, with the volume ratios of a paced feed."""
    if not suite.paced:
        return profiles
    own = paces.filter(pl.col("feed") == suite.feed).drop("feed")
    return profiles.join(own, on=GROUP, how="left").sort(GROUP)


def sample_steps(profiles: pl.DataFrame) -> pl.DataFrame:
    """How thinly each night is sampled: one record in ``step``, by night alone.

    The step depends on nothing but the night's own rows, so a night scores the same alone and in a range.

    Returns:
        ``_arrival_date``, ``step`` (1 keeps all), ``kept`` (about how many rows remain), in date order.
    """
    return (
        profiles.group_by("_arrival_date")
        .agg(pl.col(ROWS).sum())
        .with_columns(step=(pl.col(ROWS) / SAMPLE_ROWS).ceil().cast(pl.UInt64))
        .select("_arrival_date", "step", kept=pl.col(ROWS) // pl.col("step"))
        .sort("_arrival_date")
    )


def rows(suite: Suite, arrived: pl.LazyFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """The rows to validate, sampled and with the suite's derived columns; decimals as floats.

    Sampling is by the hash of what names a record: rows that share a number are kept or left out
    together, so repeated numbers are still found.

    Args:
        suite: The feed's suite.
        arrived: Rows with the columns ``suite.reads``.
        steps: Result of ``sample_steps`` for the nights in ``arrived``.
    """
    if steps["step"].max() != 1:
        step = pl.col("_arrival_date").replace_strict(
            steps["_arrival_date"], steps["step"], return_dtype=pl.UInt64
        )
        record = pl.concat_str(pl.col(name).cast(pl.String) for name in suite.sample_by)
        arrived = arrived.filter(record.hash(_SEED) % step == 0)
    columns = list(dict.fromkeys((*GROUP, *(check.column for check in suite.rows))))
    frame = arrived.collect(engine="streaming").with_columns(
        expression.alias(name) for name, expression in suite.derived.items()
    )
    decimals = [name for name in columns if frame.schema[name].is_decimal()]
    return frame.select(columns).with_columns(pl.col(decimals).cast(pl.Float64)).sort(GROUP)
