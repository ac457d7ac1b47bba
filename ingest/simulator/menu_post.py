"""Weekly files of menus.

Belongs here: which file of menus arrives when. Does not belong here: what is in it (``menus``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from ingest.simulator import serialise
from ingest.simulator.city import City
from ingest.simulator.outbox import Outbox
from ingest.simulator.plan import Plan, provider_of
from ingest.simulator.records import Records

FEED: Final = "menu_line"


class MenuPost:
    """Delivers a week's menus on its Sunday, one file for each provider."""

    def __init__(self, city: City, plan: Plan, outbox: Outbox) -> None:
        self.city, self.plan, self.outbox = city, plan, outbox
        self._records = Records(city)
        self._kept: list[pl.DataFrame] = []
        self.rows = 0

    def day(self, day: date, lines: pl.DataFrame | None) -> None:
        """Take in a day's lines; what a canteen never delivers of a day holds no menu either."""
        if lines is not None:
            gone = [c for c, d in self.plan.absent if d == day]
            kept = lines.filter(~pl.col("c").is_in(gone))
            self._kept.append(
                self._records.feed(FEED, kept, day).with_columns(
                    pl.Series("p", self.city.provider[kept["c"].to_numpy()])
                )
            )
        if self._kept and (day.weekday() == 6 or day == self.plan.end):
            if day >= self.plan.start:
                self._send(day)
            self._kept.clear()

    def _send(self, day: date) -> None:
        for (p,), rows in (
            pl.concat(self._kept).sort("p", maintain_order=True).group_by("p", maintain_order=True)
        ):
            provider = provider_of(self.city, self.city.slice_of(int(p))[0], FEED)
            style = serialise.STYLES[provider]
            frame = rows.drop("p")
            content = serialise.body(serialise.text(frame, style), style)
            name, data = serialise.packed(content, f"{FEED}_{day:%Y%m%d}", style)
            self.outbox.put(provider, day, name, data, frame.height, day)
            self.rows += frame.height
