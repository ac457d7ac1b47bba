"""Records that are false beside the money: leave that is forgotten, totals that do not agree, duties not kept apart.

Belongs here: what is done to leave, control totals and steps, and the truth about it. Does not belong here: which
canteen does what when (``money_plan``) and money itself (``money_faults``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.city import City
from ingest.simulator.money_raw import AWAY
from ingest.simulator.plan import Plan, provider_of
from ingest.simulator.planter import Planter
from ingest.simulator.streams import BoolArray, stream

_ON_LEAVE: Final = (5, 13)  # pupils whose leave is forgotten


class RecordFaults(Planter):
    """Applies faults of records.

    Attributes:
        conflicts: (canteen, day) -> 0 the buyer accepts too, 1 the cashier keeps the store.
    """

    def __init__(self, city: City, plan: Plan) -> None:
        super().__init__(city, plan)
        self.conflicts: dict[tuple[int, int], int] = {}

    def leave(self, day: int, eaten: pl.DataFrame) -> pl.DataFrame:
        """Pupils whose leave is known and who are charged all the same.

        Args:
            day: The day.
            eaten: c and person of the meals that stand.

        Returns:
            Rows of the table ``away``.
        """
        away = pl.DataFrame(schema=AWAY)
        for event in self.due("leave_not_refunded", day):
            mine = eaten.filter(pl.col("c") == event.canteen)["person"].unique().sort()
            if mine.is_empty():
                continue
            rng = stream(self.city.seed, "leave-forgotten", event.canteen, event.variant)
            persons = np.sort(rng.permutation(mine.to_numpy())[: int(rng.integers(*_ON_LEAVE))])
            columns = {"c": np.full(persons.size, event.canteen), "person": persons, "meal": None, "day": day}
            away = pl.concat([away, pl.DataFrame(columns, schema=AWAY)])
            sunday = self.on(day + 6 - self.on(day).weekday())
            self.tell(event, day, day, min(sunday, self.plan.end), "meal_leave", f"{persons.size} 名学生请假仍扣费，未退",
                      provider=provider_of(self.city, event.canteen, "consumption"))  # fmt: skip
        return away

    def totals(self, total: pl.DataFrame, feeds: tuple[str, ...]) -> pl.DataFrame:
        """Control totals that the delivered rows do not reach."""
        for event in self.due_in("control_total_mismatch", total, "day"):
            feed = event.variant % len(feeds)
            row = self.first(total, (pl.col("feed") == feed) & (pl.col("rows") > 0), event, "day")
            if row is None:
                continue
            more = 1 + event.variant % 4
            hit = pl.int_range(pl.len()) == row["n"]
            each = row["amount"] // row["rows"]
            total = total.with_columns(
                pl.when(hit).then(pl.col("rows") + more).otherwise("rows").alias("rows"),
                pl.when(hit).then(pl.col("amount") + more * each).otherwise("amount").alias("amount"),
            )
            note = f"控制总数比送达的多 {more} 行"
            self.tell(event, row["day"], row["day"], self.on(row["day"]), feeds[feed], note)
        return total

    def duty(self, day: int, serving: BoolArray) -> None:
        """Days on which one person does what two must do."""
        for event in self.due("duty_conflict", day):
            if serving[event.canteen]:
                variant = event.variant % 2
                self.conflicts[event.canteen, day] = variant
                note = "同一人下单并验收" if variant == 0 else "出纳兼管库房"
                self.tell(event, day, day, self.on(day), "handling", note)
