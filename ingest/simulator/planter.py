"""What all planters of money faults share: which event is due, which row it befalls, and the truth about it.

Belongs here: looking events and rows up, and what lasts. Does not belong here: what a fault changes
(``money_faults``, ``record_faults``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import polars as pl

from ingest.simulator.city import City
from ingest.simulator.faults import Fault
from ingest.simulator.money_plan import months
from ingest.simulator.plan import Event, Plan, provider_of
from ingest.simulator.service import Service
from ingest.simulator.streams import stream

PROVIDER: Final = "finance"


class Planter:
    """Events of a plan and the truth about those that happened."""

    def __init__(self, city: City, plan: Plan) -> None:
        self.city, self.plan = city, plan
        self.last = (plan.end - city.life).days
        self._used: list[str] = []  # movements that already carry a fault

    def on(self, day: int) -> date:
        """The date of a day."""
        return self.city.life + timedelta(day)

    def due(self, kind: str, day: int) -> list[Event]:
        """Events that may happen on a day."""
        return self.plan.due(kind, self.on(day))

    def due_in(self, kind: str, frame: pl.DataFrame, column: str) -> list[Event]:
        """Events that may happen to the rows of a frame."""
        newest = frame[column].max() if frame.height else None
        return self.due(kind, newest) if isinstance(newest, int) else []

    def first(
        self, frame: pl.DataFrame, able: pl.Expr, event: Event, column: str, largest: str | None = None
    ) -> dict[str, Any] | None:
        """The event's row, with its place ``n``: the first able one of the canteen from its day on.

        Args:
            frame: Rows.
            able: Which rows it may be.
            event: The event.
            column: Their day.
            largest: Column by which one of the first day's rows is chosen.
        """
        wanted = (event.day - self.city.life).days
        mine = frame.with_row_index("n").filter(
            (pl.col("c") == event.canteen) & (pl.col(column) >= wanted) & able
        )
        if "record_no" in mine.columns:
            mine = mine.filter(~pl.col("record_no").is_in(self._used))
        if mine.is_empty():
            return None
        if largest is not None:
            mine = mine.filter(pl.col(column) == pl.col(column).min()).sort(
                largest, descending=True, maintain_order=True
            )
        return mine.sort(column, maintain_order=True).row(0, named=True)

    def tell(
        self, event: Event, first: int, last: int, arrival: date, feed: str, note: str, provider: str = PROVIDER,
        **more: Any,
    ) -> None:  # fmt: skip
        """Write down what happened."""
        event.done = True
        self.plan.book.add(
            Fault(event.kind, provider, self.on(first), self.on(last), arrival,
                  canteen_id=self.city.canteen_ids[event.canteen], feed=feed, note=note, **more)
        )  # fmt: skip

    def use(self, record_no: str) -> None:
        """Let nothing else happen to a movement."""
        self._used.append(record_no)


class Lasting:
    """What single canteens do all the time.

    Attributes:
        hidden: Canteen -> permille of the meal income that is not booked.
        unspent: Canteen -> permille of the subsidy that is not booked as used.
        misbooked: Canteens that book what is no food as food.
    """

    def __init__(self, city: City, plan: Plan) -> None:
        rng = stream(city.seed, "money-faults", plan.start.toordinal())
        carriers = plan.carriers
        self._city, self._plan = city, plan
        self.hidden = {c: int(rng.integers(60, 121)) for c in carriers.get("income_under_reported", [])}
        self.unspent = {c: int(rng.integers(150, 301)) for c in carriers.get("subsidy_not_spent", [])}
        self.misbooked = list(carriers.get("non_food_as_food", []))

    def tell(self, service: Service) -> None:
        """Truth, one row per canteen and month with open days."""
        stepped = self._plan.stepped
        said: dict[str, tuple[str, Callable[[int], str]]] = {
            "income_under_reported": ("voucher_line", lambda c: f"餐费收入少记 {self.hidden[c] / 10:.1f}%"),
            "subsidy_not_spent": ("voucher_line", lambda c: f"补助少列支 {self.unspent[c] / 10:.1f}%"),
            "non_food_as_food": ("voucher_line", lambda _: "非食材和设备维修记入原材料"),
            "purchase_price_inflated_ratio": ("purchase", lambda c: f"{stepped[c][0]} 起全部涨价，数量未增"),
        }
        for kind, (feed, note) in said.items():
            for c in self._plan.carriers.get(kind, []):
                sizes = {"income_under_reported": self.hidden, "subsidy_not_spent": self.unspent}.get(
                    kind, {}
                )
                begin = stepped[c][0] if feed == "purchase" else self._plan.start
                provider = provider_of(self._city, c, feed) if feed == "purchase" else PROVIDER
                for first, last in months(begin, self._plan.end):
                    if service.open_days(c, first, last):
                        self._plan.book.add(
                            Fault(kind, provider, first, last, last, canteen_id=self._city.canteen_ids[c], feed=feed,
                                  note=note(c), size_pct=sizes[c] / 10 if c in sizes else None)
                        )  # fmt: skip
