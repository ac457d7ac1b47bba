"""Lines of goods: purchases and moves of a day as arrays, and the frames that every emitter reads.

Belongs here: honest lines and their numbering. Does not belong here: false ones (``cheating``).
Quantities are thousandths of the row's unit, prices millionths of a yuan, amounts cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.catalogue import FRESH, NON_FOOD, STAPLE, UNIT_MILLI
from ingest.simulator.city import PINGJIANG, City
from ingest.simulator.kitchen import STEP
from ingest.simulator.plan import Plan
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, half_up, running_number

PUPIL, TEACHER = 0, 1
ISSUE, ISSUE_RETURN, SUPPLIER_RETURN, LOSS = range(4)
PUPIL_MEAL, TEACHER_MEAL, OTHER = range(3)
_TEACHER_FOOD: Final = 0.85  # of what teachers pay
_OWN_SLIP: Final = 50  # teachers' goods come on slips of their own

PURCHASE: Final = ("c", "i", "account", "slip", "supplier", "unit", "ordered", "accepted", "rejected", "price", "amount",
                   "is_accepted", "acceptors", "tag")  # fmt: skip
MOVE: Final = ("c", "i", "account", "kind", "qty", "unit", "amount", "purpose")


@dataclass
class Lines:
    """Rows of one kind as equally long arrays."""

    columns: dict[str, IntArray]

    def __getitem__(self, name: str) -> IntArray:
        return self.columns[name]

    @staticmethod
    def of(names: tuple[str, ...], **values: npt.NDArray[np.integer] | int) -> Lines:
        """Lines from arrays, single numbers spread over all rows; left-out columns are 0."""
        size = np.asarray(values["c"]).size
        return Lines(
            {n: np.broadcast_to(np.asarray(values.get(n, 0), dtype=np.int64), (size,)).copy() for n in names}
        )

    @staticmethod
    def join(parts: list[Lines]) -> Lines:
        """All rows of several."""
        return Lines({n: np.concatenate([part[n] for part in parts]) for n in parts[0].columns})

    def where(self, mask: BoolArray) -> Lines:
        """The rows of a mask."""
        return Lines({n: values[mask] for n, values in self.columns.items()})

    def base(self, name: str = "qty") -> IntArray:
        """A quantity in thousandths of the base unit."""
        return half_up(self[name] * UNIT_MILLI[self["unit"]], 1000)

    def base_array(self, canteens: int) -> IntArray:
        """(C, I) sum of the moved quantities in thousandths of the base unit."""
        out = np.zeros((canteens, catalogue.COUNT), dtype=np.int64)
        np.add.at(out, (self["c"], self["i"]), self.base())
        return out


class Pair(NamedTuple):
    """Goods bought and used at once."""

    purchases: Lines
    moves: Lines


def _supplier(city: City, c: IntArray, i: IntArray, second: IntArray) -> tuple[IntArray, IntArray]:
    """(supplier, slip number) of lines; a slip holds what one supplier brings on one day."""
    group = catalogue.GROUP[i]
    which = second[c, group]
    return city.suppliers[c, group, which], group * 2 + which + 1


def bought_lines(
    city: City, c: IntArray, i: IntArray, base: IntArray, price: IntArray, unit: IntArray, second: IntArray
) -> Lines:
    """Accepted purchase lines of given goods; ``price`` in cents per unit of purchase, by line."""
    supplier, slip = _supplier(city, c, i, second)
    quantity = base * 1000 // UNIT_MILLI[unit]
    return Lines.of(
        PURCHASE, c=c, i=i, slip=slip, supplier=supplier, unit=unit, ordered=quantity, accepted=quantity,
        price=price * 10_000, amount=half_up(quantity * price, 1000), is_accepted=1, acceptors=2 + (c + i) % 2,
    )  # fmt: skip


def purchases(
    city: City, bought: IntArray, price: IntArray, unit: IntArray, second: IntArray, draw: FloatArray
) -> Lines:
    """The pupils' lines of a day; of one line in fifty a part is refused at the door."""
    c, i = np.nonzero(bought)
    lines = bought_lines(city, c, i, bought[c, i], price[c, i], unit[c, i], second)
    refused = (draw[c, i] < 0.02) & (city.provider[c] != PINGJIANG)
    part = np.maximum(lines["accepted"] // 10 // 100 * 100, 1000)
    lines.columns["rejected"] = np.where(refused, part, 0)
    lines.columns["ordered"] = lines["accepted"] + lines["rejected"]
    return lines


def issues(leaving: IntArray, unit: IntArray) -> Lines:
    """What the kitchen draws from the store."""
    c, i = np.nonzero(leaving)
    return Lines.of(MOVE, c=c, i=i, kind=ISSUE, qty=leaving[c, i] * 1000 // UNIT_MILLI[unit[c, i]], unit=unit[c, i],
                    amount=-1, purpose=PUPIL_MEAL)  # fmt: skip


def supplier_returns(city: City, lines: Lines, draw: FloatArray, honest: BoolArray) -> Lines:
    """Of a few deliveries of staples a part goes back on the same day, for the money paid."""
    c, i = lines["c"], lines["i"]
    some = STAPLE[i] & (draw[c, i] > 0.96) & (city.provider[c] != PINGJIANG) & honest[c]
    back = lines.where(some)
    quantity = back["accepted"] // 20 // 100 * 100
    back, quantity = back.where(quantity > 0), quantity[quantity > 0]
    return Lines.of(MOVE, c=back["c"], i=back["i"], kind=SUPPLIER_RETURN, qty=quantity, unit=back["unit"],
                    amount=half_up(quantity * (back["price"] // 10_000), 1000), purpose=OTHER)  # fmt: skip


def losses(rng: np.random.Generator, spare: IntArray, unit: IntArray, serving: BoolArray) -> Lines:
    """Now and then a little of a staple is spoilt."""
    amount = STEP[unit] * 2
    lost = (rng.random(spare.shape) < 0.004) & STAPLE & (spare > 60 * amount) & serving[:, None]
    c, i = np.nonzero(lost)
    return Lines.of(MOVE, c=c, i=i, kind=LOSS, qty=amount[c, i] * 1000 // UNIT_MILLI[unit[c, i]], unit=unit[c, i],
                    amount=-1, purpose=OTHER)  # fmt: skip


def issue_returns(
    city: City, rng: np.random.Generator, moves: Lines, usable: IntArray, leaving: IntArray
) -> Lines:
    """Now and then the kitchen brings a little back: the issue is raised by it, so that the use is the same."""
    c, i = moves["c"], moves["i"]
    step = STEP[moves["unit"]]
    some = (rng.random(c.size) < 0.01) & STAPLE[i] & (city.provider[c] != PINGJIANG)
    some &= usable[c, i] - leaving[c, i] > 100 * step
    quantity = step * 1000 // UNIT_MILLI[moves["unit"]]
    moves.columns["qty"] = moves["qty"] + np.where(some, quantity, 0)
    back = moves.where(some)
    return Lines.of(MOVE, c=back["c"], i=back["i"], kind=ISSUE_RETURN, qty=quantity[some], unit=back["unit"],
                    amount=-1, purpose=PUPIL_MEAL)  # fmt: skip


def used_at_once(purchase: Lines, purpose: int) -> Lines:
    """Issues of the very quantities of purchase lines."""
    return Lines.of(MOVE, c=purchase["c"], i=purchase["i"], account=purchase["account"], kind=ISSUE,
                    qty=purchase["accepted"], unit=purchase["unit"], amount=-1, purpose=purpose)  # fmt: skip


def teacher_lines(
    city: City, plan: Plan, day: date, bought: IntArray, price: IntArray, unit: IntArray, second: IntArray,
    income: IntArray, rng: np.random.Generator,
) -> Pair:  # fmt: skip
    """Teachers' food: three of the day's fresh goods, bought and used at once in the teachers' account."""
    eligible = (bought > 0) & FRESH & (catalogue.BASE_UNIT == catalogue.KG)
    score = np.where(eligible, rng.random(bought.shape), 2.0)
    cheat = np.zeros(city.canteens, dtype=bool)
    if day >= plan.start:
        cheat[plan.carriers.get("teacher_food_in_pupil_account", [])] = True
    booked = (income > 0) & ((city.provider != PINGJIANG) | cheat)
    pick = np.argsort(score, axis=1)[:, :3]
    c = np.repeat(np.arange(city.canteens), 3)
    i = pick.ravel()
    keep = booked[c] & eligible[c, i]
    c, i = c[keep], i[keep]
    step = STEP[unit[c, i]]
    per_base = price[c, i] * 10 / UNIT_MILLI[unit[c, i]]
    base = (
        np.maximum(np.rint(_TEACHER_FOOD * income[c] / 3 * 10 / per_base / step), 1).astype(np.int64) * step
    )
    lines = bought_lines(city, c, i, base, price[c, i], unit[c, i], second)
    lines.columns["account"] = np.where(cheat[c], PUPIL, TEACHER)
    lines.columns["slip"] += np.where(cheat[c], 0, _OWN_SLIP)
    return Pair(lines, used_at_once(lines, TEACHER_MEAL))


def non_food(
    city: City, serving: BoolArray, price: IntArray, second: IntArray, rng: np.random.Generator
) -> Pair:
    """Detergent, gas and the like: bought now and then and used at once."""
    items = np.flatnonzero(NON_FOOD)
    which = items[rng.integers(0, items.size, city.canteens)]
    c = np.flatnonzero(serving & (rng.random(city.canteens) < 0.12))
    i = which[c]
    base = np.maximum(1, city.pupils[c] // 100) * 5000
    lines = bought_lines(city, c, i, base, price[c, i], catalogue.BASE_UNIT[i], second)
    return Pair(lines, used_at_once(lines, OTHER))


def numbered(lines: Lines, minute: int) -> pl.DataFrame:
    """Lines sorted by canteen, with a running number per canteen and the minute of the report."""
    order = np.lexsort((lines["i"], lines["account"], lines["c"]))
    c = lines["c"][order]
    return pl.DataFrame(
        {n: values[order] for n, values in lines.columns.items()}
        | {"seq": running_number(c), "minute": minute + c % 50}
    )


def purchase_frame(lines: Lines) -> pl.DataFrame:
    """The day's purchase records."""
    return numbered(lines, 17 * 60)


def move_frame(lines: Lines) -> pl.DataFrame:
    """The day's stock-move records; ``amount`` null where the source gives none."""
    return numbered(lines, 18 * 60).with_columns(
        pl.when(pl.col("amount") >= 0).then(pl.col("amount")).alias("amount")
    )
