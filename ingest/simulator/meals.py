"""The real world of the dining hall: who eats, what is paid, topped up and refunded.

Belongs here: money of meals, one row per person and meal. Amounts are cents; ``person`` is the position
of the person in the registry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.city import ATTENDANCE, MEAL_CHANCE, City
from ingest.simulator.false_refunds import FalseRefunds
from ingest.simulator.plan import Plan
from ingest.simulator.service import Service
from ingest.simulator.streams import BoolArray, IntArray, running_number, stream

PUPIL, TEACHER = 0, 1
MEAL_REFUND, BALANCE_REFUND = 0, 1
_CYCLE: Final = 20  # open days between two top-ups
_REFUNDED: Final = 0.003  # of the pupils' meals
REASONS: Final = ("请假未就餐", "重复扣费", "转学退余额")
_FALSE_REASON: Final = 1


@dataclass
class MealDay:
    """A day's meal records, and sums per canteen in cents.

    Attributes:
        income: What pupils truly paid with subsidy, net of refunded meals.
        booked_income: The same as the records have it.
        teacher_income: What teachers truly paid.
    """

    consumption: pl.DataFrame
    meal_fee: pl.DataFrame
    refund: pl.DataFrame
    income: IntArray
    booked_income: IntArray
    teacher_income: IntArray


class Hall:
    """The dining halls of all canteens."""

    def __init__(self, city: City, service: Service, plan: Plan) -> None:
        self.city, self.service, self.plan = city, service, plan
        self._prices = np.stack([city.prices - city.subsidy, city.teacher_prices])  # (payer, C, meal)
        served = (self._prices > 0) | (np.stack([city.subsidy, np.zeros_like(city.subsidy)]) > 0)
        self._served = served[city.person_teacher.astype(np.int64), city.person_canteen]  # (N, meal)
        self._daily_price = np.maximum(self._prices.sum(axis=2), 100)
        self._false = FalseRefunds(city, plan)

    def step(self, day: date) -> MealDay:
        """Play one day on which at least one canteen serves."""
        city = self.city
        rng = stream(city.seed, "meals", day.toordinal())
        persons = city.person_canteen.size
        serving = self.service.is_open(day)
        there = (rng.random(persons, dtype=np.float32) < ATTENDANCE) & serving[city.person_canteen]
        eats = rng.random((persons, 3), dtype=np.float32) < MEAL_CHANCE.astype(np.float32)
        person, meal = np.nonzero(eats & there[:, None] & self._served)
        c = city.person_canteen[person]
        payer = city.person_teacher[person].astype(np.int64)
        amount = self._prices[payer, c, meal]
        subsidy = np.where(payer == PUPIL, city.subsidy[c, meal], 0)
        channel = np.where(rng.random(c.size) < 0.04, 0, city.channel[c])
        booked = payer
        if day >= self.plan.start:
            cheats = np.zeros(city.canteens, dtype=bool)
            cheats[self.plan.carriers.get("teacher_income_in_pupil_account", [])] = True
            booked = np.where(cheats[c], PUPIL, payer)
        consumption = pl.DataFrame(
            {
                "c": c, "meal": meal, "payer": booked, "person": person, "channel": channel,
                "amount": amount, "subsidy": subsidy, "seq": running_number(c), "minute": 20 * 60 + c % 50,
            }
        )  # fmt: skip
        refund, refunded = self._refunds(rng, c, person, payer, amount, meal)
        own = (payer == PUPIL) & (amount > 0)
        charged = {"c": c[own], "person": person[own], "amount": amount[own], "meal": meal[own]}
        refund, false = self._with_false(refund, day, serving, charged)
        size = city.canteens
        paid = (
            np.bincount(c, weights=(amount + subsidy) * (payer == PUPIL), minlength=size).astype(np.int64)
            - refunded
        )
        booked_in = np.bincount(c, weights=(amount + subsidy) * (booked == PUPIL), minlength=size).astype(
            np.int64
        )
        teachers = np.bincount(c, weights=amount * (payer == TEACHER), minlength=size).astype(np.int64)
        return MealDay(
            consumption, self._fees(day, serving), refund, paid, booked_in - refunded - false, teachers
        )

    def _refunds(
        self,
        rng: np.random.Generator,
        c: IntArray,
        person: IntArray,
        payer: IntArray,
        amount: IntArray,
        taken: IntArray,
    ) -> tuple[pl.DataFrame, IntArray]:
        """Meals charged though not taken (pupils), and balances paid out to those who leave."""
        draw = rng.random(c.size)
        meal = (draw < _REFUNDED) & (payer == PUPIL) & (amount > 0)
        balance = draw > 1 - 0.0003
        rows = np.flatnonzero(meal | balance)
        kind = np.where(meal[rows], MEAL_REFUND, BALANCE_REFUND)
        value = np.where(kind == MEAL_REFUND, amount[rows], 100 * (1 + person[rows] % 97))
        reason = np.where(kind == MEAL_REFUND, person[rows] % 2, 2)
        frame = pl.DataFrame(
            {
                "c": c[rows], "payer": payer[rows], "person": person[rows], "kind": kind, "amount": value,
                "reason": reason, "meal": taken[rows],
            }
        )  # fmt: skip
        weights = value * (kind == MEAL_REFUND)
        return frame, np.bincount(c[rows], weights=weights, minlength=self.city.canteens).astype(np.int64)

    def _with_false(
        self, refund: pl.DataFrame, day: date, serving: BoolArray, charged: dict[str, IntArray]
    ) -> tuple[pl.DataFrame, IntArray]:
        """Refunds with those that nobody is owed, numbered, and the sum of the false ones per canteen."""
        false = self._false.of_day(day, serving, self._daily_price[PUPIL], charged)
        constant = {"payer": PUPIL, "kind": MEAL_REFUND, "reason": _FALSE_REASON}
        added = pl.DataFrame(false).with_columns(
            pl.lit(value, dtype=pl.Int64).alias(name) for name, value in constant.items()
        )
        refund = pl.concat([refund, added.select(refund.columns)]).sort("c", maintain_order=True)
        c = refund["c"].to_numpy()
        numbered = refund.with_columns(
            pl.Series("seq", running_number(c)), pl.Series("minute", 21 * 60 + 10 + c % 40)
        )
        sums = np.bincount(false["c"], weights=false["amount"], minlength=self.city.canteens)
        return numbered, sums.astype(np.int64)

    def _fees(self, day: date, serving: np.ndarray) -> pl.DataFrame:
        """Advance payments: everybody tops up once in a cycle of open days."""
        city = self.city
        number = (day.toordinal() * 5 // 7) % _CYCLE
        person = np.flatnonzero(
            (np.arange(city.person_canteen.size) % _CYCLE == number) & serving[city.person_canteen]
        )
        c, payer = city.person_canteen[person], city.person_teacher[person].astype(np.int64)
        amount = -(-self._daily_price[payer, c] * _CYCLE // 1000) * 1000
        return pl.DataFrame(
            {
                "c": c, "payer": payer, "person": person, "amount": amount, "channel": 2 + person % 3,
                "seq": running_number(c), "minute": 21 * 60 + c % 50,
            }
        )  # fmt: skip
