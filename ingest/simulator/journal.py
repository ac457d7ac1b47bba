"""What has arrived, record by record, with the days between which each record is the current one.

Belongs here: the memory from which the truth is reckoned as of any arrival date. A record that is
replaced, left out of a newer file, refused or never sent is simply not visible then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import goods, ledger
from ingest.simulator.meals import MEAL_REFUND

ALWAYS: Final = date(9999, 12, 31)
_SUPPLY: Final = {"purchase": ledger.PURCHASE, "stock_move": ledger.STOCK_MOVE, "stocktake": ledger.STOCKTAKE}


@dataclass
class Journal:
    """Visible records: supply by record, money by canteen and day, refused rows, forms."""

    _supply: list[pl.DataFrame] = field(default_factory=list)
    _money: list[pl.DataFrame] = field(default_factory=list)
    _refused: list[tuple[int, date, date, str]] = field(default_factory=list)
    _forms: list[pl.DataFrame] = field(default_factory=list)
    last_arrival: date = date.min

    def add(self, feed: str, frame: pl.DataFrame, day: date, since: date, until: date = ALWAYS) -> None:
        """Rows of a feed about ``day``, visible from arrival ``since`` until before ``until``."""
        self.last_arrival = max(self.last_arrival, since)
        if frame.is_empty() or feed == "meal_fee":
            return
        span = [pl.lit(day).alias("day"), pl.lit(since).alias("since"), pl.lit(until).alias("until")]
        if feed in _SUPPLY:
            self._supply.append(ledger.entries(_SUPPLY[feed], frame).with_columns(span))
        elif feed == "disclosure_line":
            self._forms.append(frame.with_columns(span))
        else:
            pupil = pl.col("payer") == goods.PUPIL
            if feed == "consumption":
                cents, meals = (pl.col("amount") + pl.col("subsidy")) * pupil, pupil.sum()
            else:
                cents, meals = -pl.col("amount") * pupil * (pl.col("kind") == MEAL_REFUND), pl.lit(0)
            sums = frame.group_by("c", maintain_order=True).agg(
                cents.sum().cast(pl.Int64).alias("cents"),
                meals.cast(pl.Int64).alias("pupil_rows"),
                pl.len().cast(pl.Int64).alias("rows"),
                pl.lit(feed == "consumption").alias("eaten"),
            )
            self._money.append(sums.with_columns(span))

    def refuse(self, feed: str, canteen: int, day: date, since: date) -> None:
        """One quarantined row."""
        self._refused.append((canteen, day, since, feed))

    def supply(self, as_of: date) -> pl.DataFrame:
        """Current supply records, by day (columns of ``ledger.ENTRY`` and ``day``)."""
        return _visible(self._supply, as_of).sort("day", maintain_order=True)

    def money(self, as_of: date) -> pl.DataFrame:
        """Current meal money: c, day, cents (net), pupil_rows, rows, eaten."""
        return _visible(self._money, as_of)

    def forms(self, as_of: date) -> pl.DataFrame:
        """Current lines of forms; ``day`` is the last day of the form's month."""
        return _visible(self._forms, as_of)

    def refused(self, as_of: date) -> tuple[np.ndarray, list[date]]:
        """(canteens, days) of quarantined rows of the feeds that count."""
        rows = [(c, day) for c, day, since, _ in self._refused if since <= as_of]
        return np.array([c for c, _ in rows], dtype=np.int64), [day for _, day in rows]


def _visible(parts: list[pl.DataFrame], as_of: date) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame()
    kept = pl.concat(parts, how="vertical_relaxed")
    return kept.filter((pl.col("since") <= as_of) & (pl.col("until") > as_of))
