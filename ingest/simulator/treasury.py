"""The books of the canteens that keep any, from their days' records to the files of the finance system.

Belongs here: the order in which books are made, month by month, and which file holds what. Does not belong here:
why money moves (``receipts``, ``payables``, ``outlays``), what goes wrong (``money_faults``) and the bank's files
(``statements``).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import (
    duties,
    flow_truth,
    money_accounts,
    outlays,
    payables,
    receipts,
    serialise,
    vouchers,
)
from ingest.simulator.city import City
from ingest.simulator.forms import month_end
from ingest.simulator.money_faults import MoneyFaults
from ingest.simulator.money_raw import CONTROLLED, Raw
from ingest.simulator.money_records import MoneyRecords
from ingest.simulator.outbox import Outbox
from ingest.simulator.plan import Plan, provider_of
from ingest.simulator.planter import PROVIDER, Lasting
from ingest.simulator.record_faults import RecordFaults
from ingest.simulator.records import Records
from ingest.simulator.serialise import STYLES
from ingest.simulator.service import Service
from ingest.simulator.statements import Statements
from ingest.simulator.streams import IntArray
from ingest.simulator.working_days import WorkingDays

_ROOM: Final = 60  # days after the last that payments may be planned for
_ROSTER_AFTER: Final = timedelta(3)  # a month's end
# Line of the public form -> accounts whose net debit of the month it shows; income is a credit.
_FORM: Final = {"utilities": ("5003",), "management": ("5002", "5004"), "finance": ("5005",)}
_INCOME: Final = ("4001", "4002")


class Treasury:
    """Keeps the books from the city's first day on and delivers what is about the range."""

    def __init__(self, city: City, service: Service, plan: Plan, opening: IntArray) -> None:
        """Args:
        city: The registry.
        service: When canteens serve.
        plan: Who keeps books, and the faults.
        opening: (C,) value of the opening stock, cents.
        """
        self.city, self.service, self.plan = city, service, plan
        self._raw = Raw(city, plan.keepers)
        self._days = WorkingDays(city.life, (plan.end - city.life).days + 1 + _ROOM)
        self._bank = Statements(city, plan)
        self._faults = MoneyFaults(city, plan, self._days, self._bank.arrival)
        self._false = RecordFaults(city, plan)
        self._lasting = Lasting(city, plan)
        keepers = plan.keepers
        self._moved = [receipts.capital(city, keepers, self._days)]
        self._entries = [vouchers.pair(keepers, 0, opening[keepers].tolist(), "opening", vouchers.STOCK, vouchers.SURPLUS, "期初库存盘点入账")]  # fmt: skip
        self._kept: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self._done = 0  # movements whose entries are made
        self.disagreements = pl.DataFrame(schema=flow_truth.SCHEMA)
        """What the three flows truly disagree on, once ``finish`` has run."""

    def opening(self, counted: pl.DataFrame, outbox: Outbox) -> None:
        """Deliver what the keepers had in store when their books begin.

        Args:
            counted: The opening stock-take.
            outbox: Where the file goes.
        """
        mine = counted.filter(pl.col("c").is_in(self.plan.keepers))
        if mine.height:
            rows = Records(self.city).feed("stocktake", mine, self.plan.start)
            self._put(
                PROVIDER, "opening_balance", MoneyRecords.opening_balance(rows), self.plan.start, outbox
            )

    def day(self, day: date, frames: dict[str, pl.DataFrame]) -> None:
        """Take in one day's records."""
        if not frames or not self.plan.keepers:
            return
        number, serving = (day - self.city.life).days, self.service.is_open(day)
        self._raw.add(number, frames, serving)
        if day >= self.plan.start:
            self._false.duty(number, serving)
            self._forget_leave(number, frames)

    def _forget_leave(self, number: int, frames: dict[str, pl.DataFrame]) -> None:
        """Leave of pupils who are charged all the same, where that is planted."""
        if not self.plan.due("leave_not_refunded", self.city.life + timedelta(number)):
            return
        eaten = frames["consumption"].join(frames["refund"], on=["c", "person"], how="anti")
        pupils = eaten.filter(~pl.Series(self.city.person_teacher).gather(eaten["person"])).select(
            "c", "person"
        )
        self._kept["away"].append(self._false.leave(number, pupils))

    def close(self, day: date, stock: IntArray) -> tuple[IntArray, dict[str, IntArray]]:
        """Close a month.

        Args:
            day: Its last day.
            stock: (C,) value of the pupils' stock by the records, cents.

        Returns:
            (canteens, line of the public form -> what the books say of the month, cents).
        """
        self._month(day)
        keepers = np.array(self.plan.keepers, dtype=np.int64)
        book = vouchers.sums(self._posted(day), self.city, vouchers.STOCK)
        used = (book - stock)[keepers]
        number = (day - self.city.life).days
        self._entries.append(vouchers.pair(keepers.tolist(), number, used.tolist(), "issue", vouchers.FOOD, vouchers.STOCK, "本月领用食材"))  # fmt: skip
        first = (max(day.replace(day=1), self.city.life) - self.city.life).days
        month = self._posted(day).filter(pl.col("post_day") >= first)
        lines = {line: vouchers.sums(month, self.city, *codes)[keepers] for line, codes in _FORM.items()}
        lines["income"] = -vouchers.sums(month, self.city, *_INCOME)[keepers]
        at_once = month.filter(pl.col("kind") != "issue")
        lines["other_materials"] = vouchers.sums(at_once, self.city, vouchers.FOOD)[keepers]
        return keepers, lines

    def _posted(self, day: date) -> pl.DataFrame:
        """All entries up to a day."""
        self._entries = [pl.concat(self._entries)]
        return self._entries[0].filter(pl.col("post_day") <= (day - self.city.life).days)

    def _month(self, last: date) -> None:
        """Make everything that follows from the days since the last close."""
        city, plan, days = self.city, self.plan, self._days
        month = (max(last.replace(day=1), city.life), month_end(last))
        made = [
            outlays.of_month(city, self.service, plan.keepers, month, days, self._lasting.misbooked if last >= plan.start else []),
            receipts.subsidies(city, self.service, plan.keepers, month, days),
        ]  # fmt: skip
        raw = self._raw.take()
        if raw:
            purchase = payables.use(raw["purchase"])
            made.append(self._faults.settlements(receipts.settlements(city, raw["fee"], days)))
            made.append(receipts.refunds(city, raw["refund"], days))
            lines = payables.invoices(city, purchase, raw["sent_back"], days)
            lines = self._faults.invoices(lines)
            made.append(self._faults.payments(payables.payments(city, lines, days)))
            start = (plan.start - city.life).days
            honest, false = purchase.filter(pl.col("day") < start), purchase.filter(pl.col("day") >= start)
            back = raw["sent_back"]
            self._entries.append(payables.acceptances(city, honest, back.filter(pl.col("day") < start), []))
            self._entries.append(payables.acceptances(city, false, back.filter(pl.col("day") >= start), self._lasting.misbooked))  # fmt: skip
            meals = raw["meal"]
            self._entries.append(vouchers.of_meals(meals.filter(pl.col("day") < start), {}, {}))
            self._entries.append(vouchers.of_meals(meals.filter(pl.col("day") >= start), self._lasting.hidden, self._lasting.unspent))  # fmt: skip
            self._kept["total"].append(self._false.totals(raw["total"], CONTROLLED))
            self._kept["invoice"].append(lines)
            self._kept["purchase"].append(purchase)
            self._kept["away"].append(raw["away"])
            self._kept["taken"].append(raw["taken"])
        self._moved += made
        self._entries += [vouchers.of_transfers(part) for part in self._moved[self._done :]]
        self._done = len(self._moved)

    # -- files -----------------------------------------------------------------------------------

    def finish(self, outbox: Outbox) -> dict[str, int]:
        """Write every file; returns rows by feed."""
        if not self.plan.keepers:
            return {}
        if (self.plan.end + timedelta(1)).day != 1:
            self._month(self.plan.end)
        last = (self.plan.end - self.city.life).days
        ordered = self._bank.serials(pl.concat(self._moved))
        self._bank.send(ordered, outbox)
        start = (self.plan.start - self.city.life).days
        self.disagreements = flow_truth.reckoned(self.city.life, ordered, self._bank.lost, start, last)
        lines = vouchers.numbered(self.city, self._posted(self.plan.end))
        records, documents = MoneyRecords(self.city), ordered.filter("in_docs")
        purchase = pl.concat(self._kept["purchase"]) if self._kept["purchase"] else None
        rows: dict[str, pl.DataFrame] = {"voucher_line": records.voucher_line(lines)}
        for feed, make in (("settlement", records.settlement), ("fund_split", records.fund_split),
                           ("supplier_payment", records.supplier_payment), ("expense", records.expense)):  # fmt: skip
            rows[feed] = make(documents.filter((pl.col("kind") == feed) & (pl.col("doc_day") <= last)))
        if purchase is not None:
            steps = duties.steps(self.city, purchase, ordered, lines, self._false.conflicts)
            rows["handling"] = records.handling(steps.filter(pl.col("day") <= last))
            rows["control_total"] = records.control_total(
                pl.concat(self._kept["total"]).sort("c", "day", "feed")
            )
            invoices = pl.concat(self._kept["invoice"]).filter(pl.col("invoice_day") <= last)
            rows["invoice"] = records.invoice(invoices)
        for feed, frame in rows.items():
            self._daily(feed, frame, outbox)
        accounts = records.bank_account(money_accounts.registered(self.city, self.plan.keepers))
        self._put(PROVIDER, "bank_account", accounts, self.city.life, outbox)
        self._card_files(records, outbox)
        self._lasting.tell(self.service)
        return {feed: frame.height for feed, frame in rows.items()} | {"bank_line": self._bank.lines}

    def _card_files(self, records: MoneyRecords, outbox: Outbox) -> None:
        """Leave by the week and subsidy rosters by the month, from whoever numbers the persons."""
        away = pl.concat(self._kept["away"]) if self._kept["away"] else None
        if away is not None:
            week = (pl.col("day") + self.city.life.weekday()) // 7
            for (number,), frame in (
                away.with_columns(week.alias("week")).sort("c", "day").group_by("week", maintain_order=True)
            ):
                sunday = self.city.life + timedelta(7 * int(number) + 6 - self.city.life.weekday())
                self._by_provider(
                    "meal_leave", records.meal_leave(frame), frame["c"], min(sunday, self.plan.end), outbox
                )
        for taken in self._kept["taken"]:
            if taken.is_empty():
                continue
            about = month_end(self.city.life + timedelta(int(taken["day"][0])))
            if about + _ROSTER_AFTER <= self.plan.end:
                roster = records.subsidy_roster(taken, about)
                canteens = taken["c"].unique().sort()
                self._by_provider("subsidy_roster", roster, canteens, about + _ROSTER_AFTER, outbox)

    def _by_provider(
        self, feed: str, rows: pl.DataFrame, canteens: pl.Series, arrival: date, outbox: Outbox
    ) -> None:
        """One file for each provider of the canteens' meals."""
        found: dict[str, list[str]] = defaultdict(list)
        for c in canteens.unique().sort().to_list():
            found[provider_of(self.city, c, "consumption")].append(self.city.canteen_ids[c])
        for provider, ids in found.items():
            self._put(provider, feed, rows.filter(pl.col("canteen_id").is_in(ids)), arrival, outbox)

    def _daily(self, feed: str, rows: pl.DataFrame, outbox: Outbox) -> None:
        """A file for each day that has rows."""
        for (day,), frame in rows.sort("biz_date", "canteen_id", maintain_order=True).group_by(
            "biz_date", maintain_order=True
        ):
            self._put(PROVIDER, feed, frame, day, outbox)

    def _put(self, provider: str, feed: str, frame: pl.DataFrame, arrival: date, outbox: Outbox) -> None:
        if arrival < self.plan.start:
            return
        style = STYLES[provider]
        content = serialise.body(serialise.text(frame, style), style)
        name, data = serialise.packed(content, f"{feed}_{arrival:%Y%m%d}", style)
        about: Any = frame["biz_date"].max() if "biz_date" in frame.columns else arrival
        outbox.put(provider, arrival, name, data, frame.height, about)
