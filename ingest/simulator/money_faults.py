"""Money that goes wrong between channel, account and supplier, and the truth about it.

Belongs here: what is done to settlements, payments and invoices. Does not belong here: which canteen does what
when (``money_plan``), records that are false (``record_faults``) and broken statements (``statements``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.city import City
from ingest.simulator.payables import FOOD
from ingest.simulator.plan import Event, Plan
from ingest.simulator.planter import Planter
from ingest.simulator.streams import half_up, stream
from ingest.simulator.transfers import SCHOOL
from ingest.simulator.working_days import WorkingDays

_NOTED_CHANNELS: Final = (2, 3)  # what is collected in cash is paid in by the cashier
_WAITED: Final = 3  # days after the expected one on which a missing payment is plain
_OVER: Final = (105, 121)  # percent of the accepted quantity that an invoice claims
_LEAST_LINE: Final = 20_000  # cents of an invoice line that is worth raising
_AGAIN: Final = (3, 8)  # working days between a payment and its repetition


class MoneyFaults(Planter):
    """Applies money faults to movements and invoices."""

    def __init__(
        self, city: City, plan: Plan, days: WorkingDays, statement_on: Callable[[int, int], date]
    ) -> None:
        """Args:
        city: The registry.
        plan: Who does what when.
        days: Working days.
        statement_on: (canteen, day) -> arrival of the bank's lines about the day; canteen -1 is a school.
        """
        super().__init__(city, plan)
        self._days, self._statement_on = days, statement_on

    def settlements(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Settlements that never come, or come to the school's account."""
        shown = pl.col("bank_day") + _WAITED <= self.last
        able = pl.col("channel").is_in(_NOTED_CHANNELS) & shown
        for event in self.due_in("payment_not_settled", moved, "trade_day"):
            row = self.first(moved, able, event, "trade_day")
            if row is None:
                continue
            promised = event.variant % 2 == 1
            moved = _set(moved, row["n"], in_bank=False, in_docs=promised, in_books=promised)
            note = "结算单已到，银行未收到，账上已记" if promised else "渠道当日缴费一直没有结算"
            arrival = self._statement_on(event.canteen, min(row["bank_day"] + _WAITED, self.last))
            self._moved(
                event,
                row,
                arrival,
                "settlement" if promised else "meal_fee",
                note,
                "trade_day",
                named=promised,
            )
        for event in self.due_in("payment_to_other_account", moved, "trade_day"):
            row = self.first(moved, able, event, "trade_day")
            if row is None:
                continue
            said = event.variant % 2 == 0
            moved = _set(moved, row["n"], account=SCHOOL, doc_account=SCHOOL if said else row["doc_account"])
            note = "餐费结算到学校其他账户" + ("" if said else "，结算单仍写专户")
            self._moved(event, row, self._statement_on(-1, row["bank_day"]), "settlement", note, "trade_day")
        return moved

    def payments(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Suppliers paid from the school's account, or paid twice."""
        able = pl.col("bank_day") <= self.last
        for event in self.due_in("non_special_account_used", moved, "doc_day"):
            row = self.first(moved, able, event, "doc_day")
            if row is None:
                continue
            moved = _set(moved, row["n"], account=SCHOOL, doc_account=SCHOOL)
            arrival = self._statement_on(-1, row["bank_day"])
            self._moved(event, row, arrival, "supplier_payment", "食材款从学校其他账户支付", "doc_day")
        early = pl.col("bank_day") + 3 * _AGAIN[0] <= self.last
        for event in self.due_in("paid_twice", moved, "doc_day"):
            row = self.first(moved, early, event, "doc_day")
            if row is None:
                continue
            rng = stream(self.city.seed, "paid-twice", event.canteen, event.variant)
            first = np.array([row["bank_day"]])
            day = int(self._days.after(first, int(rng.integers(*_AGAIN)))[0])
            day = day if day <= self.last else int(self._days.after(first, 1)[0])
            again = _set(
                moved[row["n"]], 0, doc_day=day, bank_day=day, post_day=day, record_no=f"{row['record_no']}B"
            )
            moved = pl.concat([moved, again])
            self.use(row["record_no"])
            twice = row | {"record_no": f"{row['record_no']}B", "bank_day": day}
            note = f"同一发票 {row['invoice_no']} 付款两次"
            self._moved(
                event, twice, self._statement_on(event.canteen, day), "supplier_payment", note, "doc_day"
            )
        return moved

    def invoices(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Invoice lines about more than was accepted."""
        able = ~pl.col("is_red") & (pl.col("use") == FOOD) & (pl.col("amount") >= _LEAST_LINE)
        for event in self.due_in("invoice_over_acceptance", lines, "day"):
            row = self.first(
                lines, able & (pl.col("invoice_day") <= self.last), event, "day", largest="amount"
            )
            if row is None:
                continue
            rng = stream(self.city.seed, "over-acceptance", event.canteen, event.variant)
            percent = int(rng.integers(*_OVER))
            qty = row["qty"] * percent // 100
            amount = int(half_up(np.array([qty * (row["price"] // 10_000)]), 1000)[0])
            lines = _set(lines, row["n"], qty=qty, amount=amount)
            self.tell(event, row["day"], row["invoice_day"], self.on(row["invoice_day"]), "invoice", "发票数量多于验收数量",
                      order_no=row["order_no"], record_no=row["invoice_no"], ingredient_id=catalogue.IDS[row["i"]],
                      supplier_uscc=self.city.supplier_codes[row["supplier"]], size_pct=float(percent - 100))  # fmt: skip
        return lines

    def _moved(
        self,
        event: Event,
        row: dict[str, Any],
        arrival: date,
        feed: str,
        note: str,
        day: str,
        *,
        named: bool = True,
    ) -> None:
        """Truth about a movement; without ``named`` no record of it was ever delivered."""
        self.use(row["record_no"])
        supplier = None if row["supplier"] is None else self.city.supplier_codes[row["supplier"]]
        self.tell(event, row[day], row["bank_day"], arrival, feed, note, supplier_uscc=supplier,
                  record_no=row["record_no"] if named else None)  # fmt: skip


def _set(frame: pl.DataFrame, n: int, **values: Any) -> pl.DataFrame:
    """The frame with some values of one row replaced."""
    place = pl.int_range(pl.len()) == n
    return frame.with_columns(
        pl.when(place).then(pl.lit(value, dtype=frame.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
