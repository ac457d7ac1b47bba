"""The red line reckoned row by row in plain Decimal, after docs/explanation/red_line.md.

Belongs here: the tests' own reckoning, written from the definition alone and sharing no code with the
models. Slow and plain on purpose.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

ZERO = Decimal(0)
JIN = {"斤": Decimal("0.5"), "两": Decimal("0.05"), "克": Decimal("0.001"), "吨": Decimal(1000)}
COUNTED_FEEDS = ("purchase", "stock_move", "stocktake", "consumption", "refund")


def half_up(value: Decimal, places: int) -> Decimal:
    """Nearest value, a tie away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def base(value: Any, unit: str | None) -> Decimal:
    """A quantity in the base unit, 3 decimals."""
    return half_up(Decimal(str(value)) * JIN.get(unit or "kg", Decimal(1)), 3)


@dataclass
class LedgerRow:
    """One day of one ingredient in one canteen's pupil account."""

    opening: Decimal
    book: Decimal
    closing: Decimal
    price: Decimal
    value: Decimal


@dataclass
class _Day:
    bought: Decimal = ZERO
    bought_yuan: Decimal = ZERO
    returned: Decimal = ZERO
    returned_yuan: Decimal = ZERO
    out: Decimal = ZERO
    counted: Decimal | None = None
    count_price: Decimal = ZERO


@dataclass
class City:
    """Everything that the definition reads, indexed once.

    Attributes:
        ledger: (canteen, ingredient) to its rows by day.
    """

    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    non_food: frozenset[str]
    ledger: dict[tuple[str, str], dict[dt.date, LedgerRow]] = field(default_factory=dict)
    net_purchases: dict[tuple[str, dt.date], Decimal] = field(
        default_factory=lambda: defaultdict(lambda: ZERO)
    )

    def __post_init__(self) -> None:
        days: dict[tuple[str, str], dict[dt.date, _Day]] = defaultdict(lambda: defaultdict(_Day))
        for row in self._pupil("purchase"):
            if row["accepted_on"] is not None:
                day = days[row["canteen_id"], row["ingredient_id"]][row["biz_date"]]
                day.bought += base(row["accepted_qty"], row["unit"])
                day.bought_yuan += Decimal(str(row["amount_yuan"]))
        for row in self._pupil("stock_move"):
            day = days[row["canteen_id"], row["ingredient_id"]][row["biz_date"]]
            qty = base(row["qty"], row["unit"])
            if row["move_kind"] == "supplier_return":
                day.returned += qty
                day.returned_yuan += Decimal(str(row["amount_yuan"]))
            else:
                day.out += -qty if row["move_kind"] == "issue_return" else qty
        for row in self._pupil("stocktake"):
            day = days[row["canteen_id"], row["ingredient_id"]][row["biz_date"]]
            day.counted = (day.counted or ZERO) + base(row["counted_qty"], row["unit"])
            if row["unit_price"] is not None:
                factor = JIN.get(row["unit"] or "kg", Decimal(1))
                day.count_price = half_up(Decimal(str(row["unit_price"])) / factor, 6)
        for (canteen, ingredient), history in days.items():
            self.ledger[canteen, ingredient] = _roll(history)
            for date, day in history.items():
                self.net_purchases[canteen, date] += day.bought_yuan - day.returned_yuan

    def _pupil(self, feed: str) -> list[Mapping[str, Any]]:
        return [
            row
            for row in self.rows[feed]
            if row["account_kind"] == "pupil" and row["ingredient_id"] not in self.non_food
        ]

    def stock_value(self, canteen: str, day: dt.date) -> Decimal:
        """Sum of the latest value of each ingredient on or before the day."""
        total = ZERO
        for (owner, _), rows in self.ledger.items():
            dates = [date for date in rows if date <= day]
            if owner == canteen and dates:
                total += rows[max(dates)].value
        return total

    def cost(self, canteen: str, start: dt.date, end: dt.date) -> Decimal:
        """Opening stock + net purchases - closing stock."""
        bought = sum((self.net_purchases[canteen, day] for day in _days(start, end)), ZERO)
        return self.stock_value(canteen, start - dt.timedelta(1)) + bought - self.stock_value(canteen, end)

    def income(self, canteen: str, start: dt.date, end: dt.date) -> Decimal:
        """Meals and subsidy less refunded meals, pupils only."""
        total = ZERO
        for row in self.rows["consumption"]:
            if (
                row["canteen_id"] == canteen
                and row["payer_kind"] == "pupil"
                and start <= row["biz_date"] <= end
            ):
                total += Decimal(str(row["amount_yuan"])) + Decimal(str(row["subsidy_yuan"]))
        for row in self.rows["refund"]:
            if (
                row["canteen_id"] == canteen
                and (row["payer_kind"], row["refund_kind"]) == ("pupil", "meal")
                and start <= row["biz_date"] <= end
            ):
                total -= Decimal(str(row["amount_yuan"]))
        return total

    def reasons(
        self, canteen: str, start: dt.date, end: dt.date, duties: Sequence[tuple[str, str]]
    ) -> list[str]:
        """Reasons of `unknown` for the definition `consumed`, in order, with the standing limits."""
        found = []
        if self.income(canteen, start, end) <= 0:
            found.append("no_income")
        open_days = [d for d in _days(start, end) if d in self._open()]
        eaten = {
            row["biz_date"]
            for row in self.rows["consumption"]
            if row["canteen_id"] == canteen and row["payer_kind"] == "pupil"
        }
        if 100 * sum(day in eaten for day in open_days) < 98 * len(open_days):
            found.append("income_incomplete")
        delivered = {(row["provider"], row["feed"], row["biz_date"]) for row in self.rows["delivery"]}
        supplied_rows = {
            row["biz_date"]
            for feed in ("purchase", "stock_move")
            for row in self._pupil(feed)
            if row["canteen_id"] == canteen
        }
        supplied = [
            day
            for day in open_days
            if all((provider, feed, day) in delivered for provider, feed in duties)
            and (day not in eaten or day in supplied_rows)
        ]
        if 100 * len(supplied) < 98 * len(open_days):
            found.append("inputs_missing")
        counts = [row["biz_date"] for row in self._pupil("stocktake") if row["canteen_id"] == canteen]
        if not any(day < start for day in counts):
            found.append("opening_stock_missing")
        past = [day for day in counts if day <= end]
        if past and (end - max(past)).days > 35:
            found.append("stocktake_stale")
        bad = sum(
            row["canteen_id"] == canteen and start <= row["biz_date"] <= end
            for row in self.rows["quarantine"]
        )
        good = sum(
            row["canteen_id"] == canteen and start <= row["biz_date"] <= end
            for feed in COUNTED_FEEDS
            for row in self.rows[feed]
        )
        if bad * 100 > 2 * (bad + good):
            found.append("quarantine_high")
        return found

    def _open(self) -> set[dt.date]:
        return {row["biz_date"] for row in self.rows["calendar"] if row["is_open"]}


def judge(cost: Decimal, income: Decimal, threshold: Decimal, band: Decimal, reasons: Sequence[str]) -> str:
    """Verdict without division."""
    if reasons:
        return "unknown"
    if cost * 100 < income * threshold:
        return "red"
    return "yellow" if cost * 100 < income * (threshold + band) else "green"


def periods(
    day: dt.date, first: dt.date, term: tuple[str, dt.date] | None
) -> dict[str, tuple[dt.date, dt.date]]:
    """Period kinds that end on a day, starts clipped to the canteen's first day."""
    starts = {
        "month_to_date": day.replace(day=1),
        "rolling_30d": day - dt.timedelta(29),
        "ytd": day.replace(month=1, day=1),
    }
    if term is not None:
        starts["term"] = term[1]
    if day.day == calendar.monthrange(day.year, day.month)[1]:
        starts["month"] = day.replace(day=1)
    return {kind: (max(start, first), day) for kind, start in starts.items()}


def _roll(history: Mapping[dt.date, _Day]) -> dict[dt.date, LedgerRow]:
    rows: dict[dt.date, LedgerRow] = {}
    closing = price = value = q = v = ZERO
    month: tuple[int, int] | None = None
    for date in sorted(history):
        day = history[date]
        if (date.year, date.month) != month:
            month = (date.year, date.month)
            q, v = max(ZERO, closing), value
        opening = closing
        book = opening + day.bought - day.returned - day.out
        closing = book if day.counted is None else day.counted
        if not rows and day.counted is not None:
            price = day.count_price
            q, v = day.counted, half_up(day.counted * price, 2)
        else:
            q += day.bought - day.returned
            v += day.bought_yuan - day.returned_yuan
            if q > 0 and v > 0:
                price = half_up(v / q, 6)
        value = half_up(max(ZERO, closing) * price, 2)
        rows[date] = LedgerRow(opening, book, closing, price, value)
    return rows


def _days(start: dt.date, end: dt.date) -> list[dt.date]:
    return [start + dt.timedelta(n) for n in range((end - start).days + 1)]
