"""The real world of the store room: what a canteen buys, keeps and cooks, and what its books say of it.

Belongs here: stock from day to day, honest and dishonest. ``real`` is what lies in the store, ``book``
what the records add up to; they differ only where a fault makes them. Does not belong here: money of
meals (``meals``) and files (``delivery``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue, cheating, goods
from ingest.simulator.catalogue import FRESH, STAPLE, UNIT_MILLI
from ingest.simulator.city import City
from ingest.simulator.goods import Lines
from ingest.simulator.kitchen import FREQUENCY, STEP, Kitchen
from ingest.simulator.meals import MealDay
from ingest.simulator.overcharging import Overcharging
from ingest.simulator.plan import Plan
from ingest.simulator.pricing import Pricing
from ingest.simulator.realism import Dispersion
from ingest.simulator.service import Service
from ingest.simulator.stocktaking import Store
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, stream

_WRITTEN_OFF: Final = 0.09  # of a month's income, by which an understating canteen's count is short


@dataclass
class GoodsDay:
    """A day's goods records (see ``goods``), what was truly cooked for pupils, and what it cost.

    Attributes:
        eaten: Cost of what was truly eaten, cents per canteen.
        cooked: (C, I) thousandths of the base unit.
    """

    purchase: pl.DataFrame
    stock_move: pl.DataFrame
    stocktake: pl.DataFrame
    eaten: IntArray
    cooked: IntArray


class World:
    """The stores of all canteens, stepped day by day."""

    def __init__(self, city: City, service: Service, plan: Plan) -> None:
        self.city, self.service, self.plan = city, service, plan
        self.kitchen = Kitchen(city)
        self.pricing = Pricing(city)
        self.overcharging = Overcharging(city, plan, self.pricing)
        self.dispersion = Dispersion(city)
        self.store = Store(city, plan)
        self.income = np.zeros(city.canteens)  # of the month so far, cents
        self.spent = np.zeros(city.canteens)
        self._stepped: set[int] = set()
        self._honest_unit = city.unit
        self._by_kg = city.unit.copy()
        for c in plan.by_kg:
            self._by_kg[c, self._by_kg[c] == catalogue.JIN] = catalogue.KG

    def unit(self, day: date) -> IntArray:
        """(C, I) unit of purchase on a day."""
        return self._by_kg if day >= self.plan.start else self._honest_unit

    def ratio(self, day: date) -> FloatArray:
        """(C,) food ratio that each canteen aims at."""
        out = self.city.ratio.copy()
        if day >= self.plan.start:
            out[list(self.plan.ratio)] = list(self.plan.ratio.values())
            for c, (since, before, after) in self.plan.stepped.items():
                out[c] = after if day >= since else before
        return out

    def open_stores(self) -> pl.DataFrame:
        """Fill the stores on the eve of the city's life; returns the opening stock-take."""
        day = self.city.life - timedelta(1)
        rng = stream(self.city.seed, "opening")
        unit = self.unit(self.city.life)
        price = self.pricing.day(day, np.zeros_like(self.city.suppliers[:, :, 0]), unit).price
        per_base = price * 10 / UNIT_MILLI[unit]  # yuan
        value = (self.city.ratio * self.city.daily_income)[:, None] * self.kitchen.usual_share
        days = rng.uniform(6, 12, value.shape)
        stock = np.ceil(value * 10 / per_base * days / 500).astype(np.int64) * 500
        return self.store.fill(np.where(STAPLE & self.city.menu, stock, 0), per_base, price, unit)

    def step(self, day: date, meals: MealDay) -> GoodsDay:
        """Play one day on which at least one canteen serves."""
        city, plan, store = self.city, self.plan, self.store
        serving = self.service.is_open(day)
        quiet = self._quiet(day)
        rng = stream(city.seed, "store", day.toordinal())
        draw = rng.random((3, city.canteens, catalogue.COUNT))
        unit, second = self.unit(day), self.kitchen.suppliers(day)
        honest_price = self.pricing.day(day, second, unit)
        price = self.overcharging.charged(day, honest_price, unit)
        need = self._needs(day, meals, serving, quiet, unit)

        bought, carried = self._fresh(
            need, draw[0], serving & self.service.opens_next_day(day), quiet, day, unit
        )
        bought += self._staples(need, draw[1], day, serving)
        paid, tag = self.overcharging.singled_out(day, honest_price, price, bought, unit)
        self.dispersion.note(day, honest_price, bought, unit)
        store.receive(bought, paid * 10 / UNIT_MILLI[unit])
        leaving = np.where(FRESH & serving[:, None], store.real - carried, np.minimum(need, store.usable()))

        honest = np.array([not plan.carries("unit_mixup", c) for c in range(city.canteens)])
        lines = goods.purchases(city, bought, paid, unit, second, draw[2])
        lines.columns["tag"] = tag[lines["c"], lines["i"]]
        moves = goods.issues(leaving, unit)
        sent_back = goods.supplier_returns(city, lines, draw[2], honest)
        lost = goods.losses(rng, store.usable() - leaving, unit, serving & ~quiet)
        back = goods.issue_returns(city, rng, moves, store.usable(), leaving)
        store.leave(leaving, sent_back, lost)
        eaten = store.cost(leaving) + store.cost(lost.base_array(city.canteens))
        self.spent += eaten
        teachers = goods.teacher_lines(
            city, plan, day, bought, price, unit, second, meals.teacher_income, rng
        )
        other = goods.non_food(city, serving, price, second, rng)
        lines = Lines.join(
            [lines, teachers.purchases, other.purchases, self._fictitious(day, price, second, serving)]
        )
        lines = self._misrecorded(day, lines)
        moves = Lines.join([moves, sent_back, lost, back, teachers.moves, other.moves])
        self.overcharging.tag_unquoted(day, lines)
        self.overcharging.mix_up(lines, moves)
        store.record(lines, moves)

        counts = self.service.counts(day) & serving
        stocktake = store.count(day, counts, unit, self.income, rng)
        purchase = goods.purchase_frame(lines)
        cheating.tell_lines(city, plan, day, purchase)
        self.overcharging.tell(day, purchase)
        return GoodsDay(
            purchase, goods.move_frame(moves), stocktake, np.rint(eaten).astype(np.int64), leaving
        )

    def _quiet(self, day: date) -> BoolArray:
        out = np.zeros(self.city.canteens, dtype=bool)
        out[[c for c, d in self.plan.quiet if d == day]] = True
        return out

    def _needs(
        self, day: date, meals: MealDay, serving: BoolArray, quiet: BoolArray, unit: IntArray
    ) -> IntArray:
        """(C, I) what the day's menu takes, thousandths of the base unit, in steps that can be weighed."""
        if day.day == 1 or day == self.plan.start:
            self.income[:], self.spent[:] = 0.0, 0.0
        for c, (since, _, _) in self.plan.stepped.items():
            if day >= since and c not in self._stepped:  # what was saved before is not made good
                self.income[c], self.spent[c] = 0.0, 0.0
                self._stepped.add(c)
        self.income += meals.income
        usual = self.ratio(day) * meals.income
        # A kitchen steers its month: what was saved or overspent is made good the next day.
        budget = np.clip(self.ratio(day) * self.income - self.spent, 0.5 * usual, 1.6 * usual)
        weights = self.kitchen.weights(day, quiet)
        value = budget[:, None] * weights / weights.sum(axis=1, keepdims=True)
        step = STEP[unit]
        need = np.maximum(np.rint(value * 10 / self.store.average / step), 1).astype(np.int64) * step
        return np.where((weights > 0) & serving[:, None], need, 0)

    def _fresh(
        self,
        need: IntArray,
        draw: FloatArray,
        next_open: BoolArray,
        quiet: BoolArray,
        day: date,
        unit: IntArray,
    ) -> tuple[IntArray, IntArray]:
        """Fresh goods: bought for the day, some for the next day too. Returns (bought, kept overnight)."""
        calm = ~quiet & ~self._quiet(day + timedelta(1)) & next_open
        keep = (draw < 0.12) & calm[:, None] & FRESH & (need > 0)
        step = STEP[unit]
        carried = np.where(keep, (need * 2 // 5 // step) * step, 0)
        bought = np.where(FRESH, np.maximum(need - self.store.real, 0), 0)
        bought = -(-bought // step) * step + np.where(bought > 0, carried, 0)
        carried = np.where(bought > carried, carried, 0)
        return bought, carried

    def _staples(self, need: IntArray, draw: FloatArray, day: date, serving: BoolArray) -> IntArray:
        """Staples: ordered in packs when the store runs low; hoarded where a write-off is planned."""
        usable = self.store.usable()
        low = STAPLE & (need > 0) & (usable < need * (1 + 2 * FREQUENCY))
        target = np.rint(need * FREQUENCY * (8 + 10 * draw)).astype(np.int64)
        wanted = np.maximum(target, need) - usable
        packs = -(-np.maximum(wanted, 0) // catalogue.PACK_MILLI)
        order = np.where(low, packs * catalogue.PACK_MILLI, 0)
        return order + self._hoard(day, serving)

    def _hoard(self, day: date, serving: BoolArray) -> IntArray:
        """What an understating canteen buys beyond its needs, to write it off at the next count."""
        out = np.zeros((self.city.canteens, catalogue.COUNT), dtype=np.int64)
        for (c, count_day), sign in self.plan.misstated.items():
            if sign > 0 or not serving[c] or not day < count_day or count_day - day > timedelta(31):
                continue
            month = self.service.open_days(c, max(self.plan.start, count_day.replace(day=1)), count_day)
            moments = {month[int(share * (len(month) - 1))] for share in (0.3, 0.6, 0.85)} - {count_day}
            if day in moments:
                value = _WRITTEN_OFF * self.city.daily_income[c] * len(month) / len(moments)  # cents
                for i, share in ((0, 0.7), (int(self.city.main_oil[c]), 0.3)):
                    packs = np.ceil(value * share * 10 / self.store.average[c, i] / catalogue.PACK_MILLI[i])
                    out[c, i] = int(packs) * catalogue.PACK_MILLI[i]
        self.store.hoard += out
        return out

    def _fictitious(self, day: date, price: IntArray, second: IntArray, serving: BoolArray) -> Lines:
        """Goods that never came: booked as accepted, or claimed and never accepted."""
        rows = []
        for kind, tag in (("never_came", cheating.NEVER_CAME), ("never_accepted", cheating.NEVER_ACCEPTED)):
            for event in self.plan.due(kind, day):
                if serving[event.canteen]:
                    event.done = True
                    rows.append((event, tag))
        return cheating.fictitious(self.city, rows, price, second)

    def _misrecorded(self, day: date, lines: Lines) -> Lines:
        """Slips entered in 斤 as kg, and deliveries that nobody recorded."""
        for event in self.plan.due("unit_mixup", day):
            lines, event.done = cheating.mix_up(lines, event.canteen)
        for event in self.plan.due("negative_stock", day):
            lines, dropped = cheating.drop_delivery(lines, event.canteen)
            event.done = dropped.size > 0
            for i in np.unique(dropped).tolist():
                cheating.tell(
                    self.city, self.plan, "negative_stock", event.canteen, day, i, note="到货未登记，领用照记"
                )
        return lines
