"""What the books see of a day: sums of fees, meals and refunds, lines of goods, who was away.

Belongs here: collecting the days' records of the canteens that keep books. Does not belong here: what the books
make of them. Everything is in cents and whole days.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import goods
from ingest.simulator.city import City
from ingest.simulator.meals import MEAL_REFUND, PUPIL
from ingest.simulator.records import REFUND_KINDS
from ingest.simulator.streams import BoolArray, stream

TABLES: Final = ("fee", "meal", "refund", "purchase", "sent_back", "taken", "away", "total")
CONTROLLED: Final = ("meal_fee", "consumption", "refund", "purchase")
_ON_LEAVE: Final = 0.25  # of those who eat nothing on a day have said so
_ON_LEAVE_REASON: Final = 0  # position in ``meals.REASONS``
AWAY: Final = {"c": pl.Int64, "person": pl.Int64, "meal": pl.Int64, "day": pl.Int64}
"""Columns of the table ``away``; without ``meal`` the person was away all day."""
_PURCHASE: Final = ("c", "i", "account", "slip", "supplier", "unit", "accepted", "price", "amount", "is_accepted", "acceptors")  # fmt: skip


class Raw:
    """Tables of days, by name (``TABLES``); each has the columns ``day`` and ``c``."""

    def __init__(self, city: City, keepers: list[int]) -> None:
        self._city = city
        self._keepers = pl.Series(keepers, dtype=pl.Int64).implode()
        self._pupils: BoolArray = np.isin(city.person_canteen, keepers) & ~city.person_teacher
        self._tables: dict[str, list[pl.DataFrame]] = defaultdict(list)

    def add(self, day: int, frames: dict[str, pl.DataFrame], serving: BoolArray) -> None:
        """One day's records."""
        mine = {feed: frame.filter(pl.col("c").is_in(self._keepers)) for feed, frame in frames.items()}
        self._keep(day, "fee", mine["meal_fee"].group_by("c", "channel").agg(pl.len().cast(pl.Int64).alias("count"), pl.sum("amount")))  # fmt: skip
        pupil = pl.col("payer") == PUPIL
        meals = mine["consumption"].group_by("c").agg(
            pl.col("amount").filter(pupil).sum().alias("own"), pl.col("subsidy").sum(),
            pl.col("amount").filter(~pupil).sum().alias("teacher"),
        )  # fmt: skip
        back = mine["refund"].filter(pl.col("kind") == MEAL_REFUND).group_by("c").agg(pl.sum("amount").alias("refunded"))  # fmt: skip
        self._keep(
            day, "meal", meals.join(back, on="c", how="left").with_columns(pl.col("refunded").fill_null(0))
        )
        paid_out = pl.col("kind") == REFUND_KINDS.index("balance")
        self._keep(day, "refund", mine["refund"].filter(paid_out).group_by("c").agg(pl.len().cast(pl.Int64).alias("count"), pl.sum("amount")))  # fmt: skip
        self._keep(day, "purchase", mine["purchase"].select(_PURCHASE))
        self._keep(day, "sent_back", _sent_back(mine["purchase"], mine["stock_move"]))
        self._keep(day, "taken", mine["consumption"].filter(pl.col("subsidy") > 0).select("c", "person"))
        self._keep(day, "away", self._away(day, mine, serving))
        for n, feed in enumerate(CONTROLLED):
            sums = mine[feed].group_by("c").agg(pl.len().cast(pl.Int64).alias("rows"), pl.sum("amount"))
            self._keep(day, "total", sums.with_columns(pl.lit(n, dtype=pl.Int64).alias("feed")))

    def _keep(self, day: int, name: str, frame: pl.DataFrame) -> None:
        keys = [key for key in ("c", "channel", "i", "person") if key in frame.columns]
        self._tables[name].append(
            frame.sort(keys, maintain_order=True).with_columns(pl.lit(day, dtype=pl.Int64).alias("day"))
        )

    def take(self) -> dict[str, pl.DataFrame]:
        """What was collected since the last time; an empty dictionary if nothing was."""
        out = {name: pl.concat(parts) for name, parts in self._tables.items()}
        self._tables.clear()
        return out

    def _away(self, day: int, mine: dict[str, pl.DataFrame], serving: BoolArray) -> pl.DataFrame:
        """Pupils on leave: some of those who ate nothing, and those whose meal was paid back for leave."""
        rng = stream(self._city.seed, "leave", day)
        ate = np.zeros(self._pupils.size, dtype=bool)
        ate[mine["consumption"]["person"].to_numpy()] = True
        said = rng.random(ate.size, dtype=np.float32) < _ON_LEAVE
        person = np.flatnonzero(self._pupils & ~ate & said & serving[self._city.person_canteen])
        whole = pl.DataFrame({"c": self._city.person_canteen[person], "person": person}).with_columns(
            pl.lit(None, dtype=pl.Int64).alias("meal")
        )
        refunded = (pl.col("kind") == MEAL_REFUND) & (pl.col("reason") == _ON_LEAVE_REASON)
        part = (
            mine["refund"]
            .filter(refunded)
            .select("c", "person", "meal")
            .unique(["person", "meal"], maintain_order=True)
        )
        return pl.concat([whole, part])


def _sent_back(purchase: pl.DataFrame, move: pl.DataFrame) -> pl.DataFrame:
    """Goods that went back to the supplier, with the slip that they came on."""
    back = move.filter(pl.col("kind") == goods.SUPPLIER_RETURN).select("c", "i", "unit", "qty", "amount")
    came = purchase.filter(pl.col("is_accepted") == 1).unique(["c", "i"], keep="first", maintain_order=True)
    return back.join(came.select("c", "i", "slip", "supplier", "price"), on=["c", "i"])
