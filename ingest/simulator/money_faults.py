"""Money schemes and slips: what each does to documents, bank lines and books, and the truth about it.

Belongs here: changes to what the honest modules made. Does not belong here: which canteen does what when
(``money_plan``), broken statements (``statements``) and entries (``vouchers``, ``payables``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.city import City
from ingest.simulator.faults import Fault
from ingest.simulator.money_plan import months
from ingest.simulator.money_raw import AWAY
from ingest.simulator.payables import FOOD
from ingest.simulator.plan import Event, Plan, provider_of
from ingest.simulator.service import Service
from ingest.simulator.streams import half_up, stream
from ingest.simulator.transfers import SCHOOL
from ingest.simulator.working_days import WorkingDays

PROVIDER: Final = "finance"
_NOTED_CHANNELS: Final = (2, 3)  # what is collected in cash is paid in by the cashier
_WAITED: Final = 3  # days after the expected one on which a missing payment is plain
_OVER: Final = (105, 121)  # percent of the accepted quantity that an invoice claims
_LEAST_LINE: Final = 20_000  # cents of an invoice line that is worth raising
_AGAIN: Final = (3, 8)  # working days between a payment and its repetition
_ON_LEAVE: Final = (5, 13)  # pupils whose leave is forgotten


class MoneyFaults:
    """Applies the money faults of a plan to what the books are made of."""

    def __init__(
        self, city: City, plan: Plan, days: WorkingDays, statement_on: Callable[[int, int], date]
    ) -> None:
        """Args:
        city: The registry.
        plan: Who does what when.
        days: Working days.
        statement_on: (canteen, day) -> arrival of the bank's lines about the day.
        """
        self.city, self.plan = city, plan
        self._days, self._statement_on = days, statement_on
        self._last = (plan.end - city.life).days
        rng = stream(city.seed, "money-faults", plan.start.toordinal())
        carriers = plan.carriers
        self.hidden = {c: int(rng.integers(60, 121)) for c in carriers.get("income_under_reported", [])}
        self.unspent = {c: int(rng.integers(150, 301)) for c in carriers.get("subsidy_not_spent", [])}
        self.misbooked = list(carriers.get("non_food_as_food", []))
        self.conflicts: dict[tuple[int, int], int] = {}
        self._used: list[str] = []  # movements that already carry a fault

    # -- single days -----------------------------------------------------------------------------

    def settlements(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Settlements that never come, or come to the school's account."""
        able = (
            pl.col("channel").is_in(_NOTED_CHANNELS)
            & (pl.col("bank_day") + _WAITED <= self._last)
            & pl.col("in_bank")
        )
        for event in self._due("payment_not_settled", moved, "trade_day"):
            row = self._first(moved, able, event, "trade_day")
            if row is None:
                continue
            promised = event.variant % 2 == 1
            moved = _set(moved, row["n"], in_bank=False, in_docs=promised, in_books=promised)
            able &= pl.col("in_bank")
            note = "结算单已到，银行未收到，账上已记" if promised else "渠道当日缴费一直没有结算"
            self._tell(event, row, row["trade_day"], row["bank_day"], "settlement" if promised else "meal_fee",
                       self._statement_on(event.canteen, min(row["bank_day"] + _WAITED, self._last)),
                       record=promised, note=note)  # fmt: skip
        for event in self._due("payment_to_other_account", moved, "trade_day"):
            row = self._first(moved, able & (pl.col("account") != SCHOOL), event, "trade_day")
            if row is None:
                continue
            said = event.variant % 2 == 0
            moved = _set(moved, row["n"], account=SCHOOL, doc_account=SCHOOL if said else row["doc_account"])
            note = "餐费结算到学校其他账户" + ("" if said else "，结算单仍写专户")
            self._tell(event, row, row["trade_day"], row["bank_day"], "settlement",
                       self._school_statement(row["bank_day"]), record=True, note=note)  # fmt: skip
        return moved

    def payments(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Suppliers paid from the school's account, or paid twice."""
        able = (pl.col("bank_day") <= self._last) & (pl.col("account") != SCHOOL)
        for event in self._due("non_special_account_used", moved, "doc_day"):
            row = self._first(moved, able, event, "doc_day")
            if row is None:
                continue
            moved = _set(moved, row["n"], account=SCHOOL, doc_account=SCHOOL)
            self._tell(event, row, row["doc_day"], row["bank_day"], "supplier_payment",
                       self._school_statement(row["bank_day"]), record=True, note="食材款从学校其他账户支付")  # fmt: skip
        for event in self._due("paid_twice", moved, "doc_day"):
            row = self._first(
                moved, able & (pl.col("bank_day") + 3 * _AGAIN[0] <= self._last), event, "doc_day"
            )
            if row is None:
                continue
            rng = stream(self.city.seed, "paid-twice", event.canteen, event.variant)
            day = self._days.after(np.array([row["bank_day"]]), int(rng.integers(*_AGAIN)))[0]
            if day > self._last:
                day = self._days.after(np.array([row["bank_day"]]), 1)[0]
            again = moved[row["n"]].with_columns(
                pl.lit(int(day), dtype=pl.Int64).alias("doc_day"), pl.lit(int(day), dtype=pl.Int64).alias("bank_day"),
                pl.lit(int(day), dtype=pl.Int64).alias("post_day"), pl.concat_str("record_no", pl.lit("B")).alias("record_no"),
            )  # fmt: skip
            moved = pl.concat([moved, again])
            self._tell(event, row | {"record_no": again["record_no"][0]}, row["doc_day"], int(day), "supplier_payment",
                       self._statement_on(event.canteen, int(day)), record=True, note=f"同一发票 {row['invoice_no']} 付款两次")  # fmt: skip
        return moved

    def invoices(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Invoice lines about more than was accepted."""
        able = ~pl.col("is_red") & (pl.col("use") == FOOD) & (pl.col("amount") >= _LEAST_LINE) & (pl.col("invoice_day") <= self._last)  # fmt: skip
        for event in self._due("invoice_over_acceptance", lines, "day"):
            row = self._first(lines, able, event, "day", largest="amount")
            if row is None:
                continue
            rng = stream(self.city.seed, "over-acceptance", event.canteen, event.variant)
            percent = int(rng.integers(*_OVER))
            qty = row["qty"] * percent // 100
            amount = int(half_up(np.array([qty * (row["price"] // 10_000)]), 1000)[0])
            lines = _set(lines, row["n"], qty=qty, amount=amount)
            self.plan.book.add(
                Fault(event.kind, PROVIDER, self._on(row["day"]), self._on(row["invoice_day"]), self._on(row["invoice_day"]),
                      canteen_id=self.city.canteen_ids[event.canteen], feed="invoice", order_no=row["order_no"],
                      record_no=row["invoice_no"], ingredient_id=catalogue.IDS[row["i"]],
                      supplier_uscc=self.city.supplier_codes[row["supplier"]], size_pct=float(percent - 100),
                      note="发票数量多于验收数量")
            )  # fmt: skip
            event.done = True
        return lines

    def leave(self, day: int, eaten: pl.DataFrame) -> pl.DataFrame:
        """Pupils whose leave is known and who are charged all the same.

        Args:
            day: The day.
            eaten: c and person of the meals that stand.

        Returns:
            Rows of the table ``away``.
        """
        away = pl.DataFrame(schema=AWAY)
        for event in self._on_or_after("leave_not_refunded", day):
            mine = eaten.filter(pl.col("c") == event.canteen)["person"].unique().sort()
            if mine.is_empty():
                continue
            rng = stream(self.city.seed, "leave-forgotten", event.canteen, event.variant)
            persons = np.sort(rng.permutation(mine.to_numpy())[: int(rng.integers(*_ON_LEAVE))])
            forgotten = pl.DataFrame(
                {"c": np.full(persons.size, event.canteen), "person": persons, "meal": None, "day": day},
                schema=AWAY,
            )
            away = pl.concat([away, forgotten])
            event.done = True
            self.plan.book.add(
                Fault(event.kind, provider_of(self.city, event.canteen, "consumption"), self._on(day), self._on(day),
                      self._on(day + (6 - self._on(day).weekday())), canteen_id=self.city.canteen_ids[event.canteen],
                      feed="meal_leave", note=f"{persons.size} 名学生请假仍扣费，未退")
            )  # fmt: skip
        return away

    def totals(self, total: pl.DataFrame, feeds: tuple[str, ...]) -> pl.DataFrame:
        """Control totals that the delivered rows do not reach."""
        total = total.with_row_index("n")
        for event in self._due("control_total_mismatch", total, "day"):
            feed = event.variant % len(feeds)
            row = self._first(total.drop("n"), pl.col("feed") == feed, event, "day")
            if row is None or row["rows"] == 0:
                continue
            more = 1 + event.variant % 4
            each = row["amount"] // row["rows"]
            hit = pl.col("n") == row["n"]
            total = total.with_columns(
                pl.when(hit).then(pl.col("rows") + more).otherwise("rows").alias("rows"),
                pl.when(hit).then(pl.col("amount") + more * each).otherwise("amount").alias("amount"),
            )
            event.done = True
            self.plan.book.add(
                Fault(event.kind, PROVIDER, self._on(row["day"]), self._on(row["day"]), self._on(row["day"]),
                      canteen_id=self.city.canteen_ids[event.canteen], feed=feeds[feed],
                      note=f"控制总数比送达的多 {more} 行")
            )  # fmt: skip
        return total.drop("n")

    def duty(self, day: int, serving: np.ndarray) -> None:
        """Days on which one person does what two must do."""
        for event in self._on_or_after("duty_conflict", day):
            if not serving[event.canteen]:
                continue
            variant = event.variant % 2
            self.conflicts[event.canteen, day] = variant
            event.done = True
            self.plan.book.add(
                Fault(event.kind, PROVIDER, self._on(day), self._on(day), self._on(day),
                      canteen_id=self.city.canteen_ids[event.canteen], feed="handling",
                      note="同一人下单并验收" if variant == 0 else "出纳兼管库房")
            )  # fmt: skip

    # -- what lasts ------------------------------------------------------------------------------

    def tell_lasting(self, service: Service) -> None:
        """Truth of what lasts, one row per canteen and month."""
        said: dict[str, tuple[str, Callable[[int], str]]] = {
            "income_under_reported": ("voucher_line", lambda c: f"餐费收入少记 {self.hidden[c] / 10:.1f}%"),
            "subsidy_not_spent": ("voucher_line", lambda c: f"补助少列支 {self.unspent[c] / 10:.1f}%"),
            "non_food_as_food": ("voucher_line", lambda _: "非食材和设备维修记入原材料"),
            "purchase_price_inflated_ratio": (
                "purchase",
                lambda c: f"{self.plan.stepped[c][0]} 起全部涨价，数量未增",
            ),
        }
        for kind, (feed, note) in said.items():
            for c in self.plan.carriers.get(kind, []):
                begin = (
                    self.plan.stepped[c][0] if kind == "purchase_price_inflated_ratio" else self.plan.start
                )
                sizes = {"income_under_reported": self.hidden, "subsidy_not_spent": self.unspent}.get(
                    kind, {}
                )
                for first, last in months(begin, self.plan.end):
                    if not service.open_days(c, first, last):
                        continue
                    self.plan.book.add(
                        Fault(kind, provider_of(self.city, c, feed) if feed == "purchase" else PROVIDER, first, last, last,
                              canteen_id=self.city.canteen_ids[c], feed=feed, note=note(c),
                              size_pct=sizes[c] / 10 if c in sizes else None)
                    )  # fmt: skip

    # -- helpers ---------------------------------------------------------------------------------

    def _on(self, day: int) -> date:
        return self.city.life + timedelta(day)

    def _due(self, kind: str, frame: pl.DataFrame, column: str) -> list[Event]:
        """Events that may happen to the rows of a frame."""
        newest = frame[column].max() if frame.height else None
        return self._on_or_after(kind, int(newest)) if isinstance(newest, int) else []

    def _on_or_after(self, kind: str, day: int) -> list[Event]:
        return self.plan.due(kind, self._on(day))

    def _first(
        self, frame: pl.DataFrame, able: pl.Expr, event: Event, column: str, largest: str | None = None
    ) -> dict[str, Any] | None:  # fmt: skip
        """The event's row: the first able one of the canteen from its day on, or of that day the largest."""
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
        return (
            mine.row(0, named=True) if largest else mine.sort(column, maintain_order=True).row(0, named=True)
        )

    def _tell(
        self, event: Event, row: dict[str, Any], first: int, last: int, feed: str, arrival: date, *, record: bool, note: str
    ) -> None:  # fmt: skip
        event.done = True
        self._used.append(row["record_no"])
        s = row["supplier"]
        self.plan.book.add(
            Fault(event.kind, PROVIDER, self._on(first), self._on(last), arrival,
                  canteen_id=self.city.canteen_ids[event.canteen], feed=feed, record_no=row["record_no"] if record else None,
                  supplier_uscc=None if s is None else self.city.supplier_codes[s], note=note)
        )  # fmt: skip

    def _school_statement(self, day: int) -> date:
        return self._statement_on(-1, day)


def _set(frame: pl.DataFrame, n: int, **values: Any) -> pl.DataFrame:
    """The frame with some values of one row replaced."""
    place = pl.int_range(pl.len()) == n
    return frame.with_columns(
        pl.when(place).then(pl.lit(value, dtype=frame.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )
