"""All suites over a range of nights.

Belongs here: which rows each suite sees and in what portions. Reading is injected, so that a test can
hand over frames.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from expectations import frames
from expectations.checks import Suite
from expectations.lake import Read
from expectations.suites import SUITES
from warehouse.tables import EXPECTATION_RESULT

if TYPE_CHECKING:
    from expectations.validation import Validator

_PORTION_ROWS: Final = 400_000
"""About how many rows are held and validated at once."""


def evaluate(
    read: Read, first: dt.date, last: dt.date, *, site: Path | None, progress: Callable[[str], None]
) -> pl.DataFrame:
    """Score what arrived in a range of nights.

    A night scores the same alone and in a range, because every result is about one provider and one
    arrival date and sampling looks at one night only.

    Args:
        read: Reads a silver table by arrival date.
        first: First arrival date.
        last: Last arrival date, included.
        site: Folder of the Data Docs of the last night; ``None`` renders none.
        progress: Told which feed is being scored.

    Returns:
        Columns of ``silver.expectation_result``.
    """
    from expectations.validation import Validator

    paces = frames.pace(read("delivery", first - frames.HISTORY, last), first)
    profiles: dict[str, pl.DataFrame] = {}
    for suite in SUITES.values():
        found = frames.profile(suite, read(suite.feed, first, last).select(suite.reads))
        if found.height:
            progress(f"{suite.label}：{found[frames.ROWS].sum()} 行")
            profiles[suite.feed] = frames.with_pace(suite, found, paces)
    # The library keeps one current context per process: all earlier nights first, then the one with pages.
    results = [pl.DataFrame(schema=EXPECTATION_RESULT)]
    earlier = Validator()
    for feed, profile in profiles.items():
        for portion in portions(profile.filter(pl.col("_arrival_date") < last)):
            results.extend(_score(earlier, SUITES[feed], read, profile, portion))
    final = Validator(site)
    for feed, profile in profiles.items():
        for portion in portions(profile.filter(pl.col("_arrival_date") == last)):
            results.extend(_score(final, SUITES[feed], read, profile, portion))
    final.publish()
    return pl.concat(results)


def _score(
    validator: Validator, suite: Suite, read: Read, profiles: pl.DataFrame, nights: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Results of one portion of a feed's nights."""
    days = nights["_arrival_date"]
    arrived = read(suite.feed, days.item(0), days.item(-1)).select(suite.reads)
    rows = frames.rows(suite, arrived, nights)
    profile = profiles.filter(pl.col("_arrival_date").is_in(days.implode()))
    for title, checks, frame in (("逐行", suite.rows, rows), ("汇总", suite.profile, profile)):
        if checks and frame.height:
            scored = validator.run(f"{suite.label}·{title}·{days.item(-1)}", checks, frame)
            yield scored.with_columns(feed=pl.lit(suite.feed)).select(*EXPECTATION_RESULT)


def portions(profiles: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Consecutive nights whose sampled rows are few enough to be held at once.

    Args:
        profiles: Profile of a feed over a range of nights.

    Yields:
        Sampling steps (``frames.sample_steps``) of the nights of one portion.
    """
    steps = frames.sample_steps(profiles)
    place = (pl.col("kept").cum_sum() - 1) // _PORTION_ROWS
    yield from steps.with_columns(portion=place).partition_by(
        "portion", maintain_order=True, include_key=False
    )
