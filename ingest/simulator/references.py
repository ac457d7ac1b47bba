"""What the procurement platform and the bureau of commerce deliver, day by day.

Belongs here: which file arrives when, and the truth about broken ones. Does not belong here: what is in
them (``procurement``, ``commerce``, ``bulletin``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from ingest.simulator import bulletin, catalogue, commerce, serialise
from ingest.simulator.faults import Fault
from ingest.simulator.outbox import Outbox
from ingest.simulator.plan import Plan
from ingest.simulator.pricing import Pricing
from ingest.simulator.procurement import Platform

PROCURE, COMMERCE = "procure", "commerce"
_BROKEN_EVERY: Final = 3  # bulletins


class References:
    """Delivers price references to the landing folders."""

    def __init__(self, pricing: Pricing, plan: Plan, outbox: Outbox, kinds: frozenset[str]) -> None:
        self._pricing, self._plan, self._outbox, self._kinds = pricing, plan, outbox, kinds
        self._platform = Platform(pricing.city, plan.prices, pricing)

    def day(self, day: date) -> None:
        """Everything that arrives on a day."""
        first_day = day == self._pricing.city.life
        for feed, frame in self._platform.day(day, first_day).items():
            style = serialise.STYLES[PROCURE]
            content = serialise.body(serialise.text(frame, style), style)
            name, data = serialise.packed(content, f"{feed}_{day:%Y%m%d}", style)
            self._outbox.put(PROCURE, day, name, data, frame.height, day)
        self._wholesale(day)
        if day.weekday() == 0 and day > self._pricing.city.life:
            self._bulletin(day, day - timedelta(7))

    def _wholesale(self, day: date) -> None:
        faulty = "reference_decimal_shift" in self._kinds
        frame, shift = commerce.table(self._pricing.city.seed, self._pricing.market, day, faulty)
        data = ("\ufeff" + frame.write_csv()).encode()
        path = self._outbox.put(COMMERCE, day, f"market_{day:%Y%m%d}.csv", data, None, day)
        if shift is not None:
            note = f"{catalogue.NAMES[shift.ingredient]}的价格小数点{'右' if shift.up else '左'}移一位"
            self._plan.book.add(
                Fault("reference_decimal_shift", COMMERCE, day, day, day, feed="price_reference",
                      ingredient_id=catalogue.IDS[shift.ingredient], file=path, note=note)
            )  # fmt: skip

    def _bulletin(self, day: date, monday: date) -> None:
        number = monday.isocalendar().week
        broken = "bulletin_broken" in self._kinds and number % _BROKEN_EVERY == 0
        content, note = bulletin.text(self._pricing.city.seed, self._pricing.market, monday, broken)
        path = self._outbox.put(COMMERCE, day, bulletin.name_of(monday), content.encode(), None, monday)
        if note:
            self._plan.book.add(
                Fault("bulletin_broken", COMMERCE, monday, monday + timedelta(6), day, feed="price_reference",
                      file=path, note=note)
            )  # fmt: skip
