"""Meal refunds that nobody is owed, and the truth about them.

Belongs here: who gets how much on a day. Does not belong here: which canteen does it when (``money_plan``) and the
refunds that pupils are owed (``meals``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from ingest.simulator.plan import provider_of
from ingest.simulator.planter import Planter
from ingest.simulator.streams import BoolArray, IntArray, stream

_STRANGERS: Final = (3, 9)  # cards of people who do not eat here that get a refund
_DAYS_BACK: Final = (5, 21)  # days of meals that are given back to each
_CENTS: Final = 100  # yuan keyed in as if they were cents


class FalseRefunds(Planter):
    """Meal refunds that nobody is owed: to cards of people who do not eat here, or a hundred times the price."""

    def of_day(
        self, day: date, serving: BoolArray, daily_price: IntArray, charged: dict[str, IntArray]
    ) -> dict[str, IntArray]:
        """Refunds to add to a day's.

        Args:
            day: The day.
            serving: (C,) which canteens serve.
            daily_price: (C,) what a pupil pays for a day's meals, cents.
            charged: c, person, amount and meal of the day's meals that pupils paid for themselves.

        Returns:
            c, person, amount and meal of the refunds.
        """
        added: list[tuple[int, int, int, int]] = []
        for event in self.plan.due("refund_over_charge", day):
            mine = np.flatnonzero(charged["c"] == event.canteen)
            if not serving[event.canteen] or mine.size == 0:
                continue
            rng = stream(self.city.seed, "false-refund", event.canteen, event.variant)
            if event.variant % 2 == 0:
                pupils = np.flatnonzero(
                    ~self.city.person_teacher & (self.city.person_canteen != event.canteen)
                )
                chosen = rng.permutation(pupils)[: int(rng.integers(*_STRANGERS))]
                price = int(daily_price[event.canteen])
                meal = int(charged["meal"][mine[0]])
                rows = [(int(p), price * int(rng.integers(*_DAYS_BACK)), meal) for p in chosen]
                note = f"向不在本食堂就餐的 {len(rows)} 人退餐费"
            else:
                row = mine[int(rng.integers(mine.size))]
                wrong = int(charged["amount"][row]) * _CENTS
                rows = [(int(charged["person"][row]), wrong, int(charged["meal"][row]))]
                note = "退费金额放大一百倍"
            added += [(event.canteen, *row) for row in sorted(rows)]
            number = (day - self.city.life).days
            self.tell(event, number, number, day, "refund", note,
                      provider=provider_of(self.city, event.canteen, "refund"))  # fmt: skip
        table = np.array(added, dtype=np.int64).reshape(-1, 4)
        return dict(zip(("c", "person", "amount", "meal"), table.T, strict=True))
