"""Special accounts of canteens at their banks: what moved, and the monthly statements with their defects.

Belongs here: lines of the accounts from meal income and goods bought, reversals, and planted faults. Does
not belong here: how a bank exports them (``bank_layouts``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.bank_layouts import LAYOUTS, Entry, Statement, export
from ingest.simulator.city import PROVIDERS, City
from ingest.simulator.records import decimal
from ingest.simulator.streams import IntArray, stream

_COUNTY: Final = "yueyanglou"
_OPENING: Final = 30_000_000  # cents
_ARRIVES: Final = 3  # of the next month
_REVERSED: Final = 0.08  # of the payments are booked to a wrong account first
FAULTS: Final = ("bank_wrong_balance", "bank_missing_line", "bank_total_wrong")
_LINE: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "file": pl.String, "layout": pl.String, "canteen_id": pl.String, "account": pl.String, "at": pl.Datetime("us"),
    "direction": pl.String, "amount": pl.Int64, "balance": pl.Int64, "is_reversal": pl.Boolean, "serial": pl.String,
    "is_printed": pl.Boolean,
}  # fmt: skip
_FAULT: Final = {
    "fault_id": pl.String, "kind": pl.String, "file": pl.String, "layout": pl.String, "account": pl.String,
    "serial": pl.String, "note": pl.String,
}  # fmt: skip


@dataclass
class _Account:
    """One account: its balance, the month's lines, and what is owed to suppliers."""

    canteen: int
    layout: str
    number: str
    balance: int = _OPENING
    entries: list[Entry] = field(default_factory=list)
    owed: dict[int, int] = field(default_factory=dict)

    def book(self, at: datetime, into: bool, amount: int, other: tuple[str, str], note: str) -> None:
        """Add a line; a negative amount takes an earlier one of its side back."""
        self.balance += amount if into else -amount
        serial = f"{at:%Y%m%d%H%M%S}{self.canteen:04d}{len(self.entries):04d}"
        self.entries.append(Entry(at, into, amount, self.balance, *other, note, serial))


class Bank:
    """The accounts of one county's canteens, stepped day by day."""

    def __init__(self, city: City, folder: Path, *, faulty: bool) -> None:
        self._city, self._folder, self._faulty = city, folder, faulty
        low, high = city.slice_of(PROVIDERS.index(_COUNTY))
        names = list(LAYOUTS)
        self._accounts = [
            _Account(c, names[n % len(names)], f"4307{c:04d}{20_260_000 + c * 7919 % 9999:08d}")
            for n, c in enumerate(range(low, min(high, low + 2 * len(names))))
        ]
        self._lines: list[dict[str, object]] = []
        self._faults: list[dict[str, object]] = []
        self._statements = 0

    def day(self, day: date, paid: IntArray, purchase: pl.DataFrame | None) -> None:
        """Book a day, and export the month that it ends."""
        rng = stream(self._city.seed, "bank", day.toordinal())
        if purchase is not None and self._accounts:
            self._owe(purchase)
        for account in self._accounts:
            self._income(account, day, int(paid[account.canteen]))
            if day.weekday() == 4:
                self._pay(account, day, rng)
            if (day + timedelta(1)).day == 1:
                self._close(account, day, rng)

    def _owe(self, purchase: pl.DataFrame) -> None:
        first, last = self._accounts[0].canteen, self._accounts[-1].canteen
        bought = (
            purchase.filter(pl.col("c").is_between(first, last))
            .group_by("c", "supplier")
            .agg(pl.col("amount").sum())
        )
        for c, supplier, amount in bought.sort("c", "supplier").iter_rows():
            owed = self._accounts[c - first].owed
            owed[supplier] = owed.get(supplier, 0) + amount

    def _income(self, account: _Account, day: date, cents: int) -> None:
        if cents > 0:
            other = ("岳阳市校园餐费结算专户", "430700009988776655")
            account.book(datetime.combine(day, time(21, 5)), True, cents, other, "伙食费清算")

    def _pay(self, account: _Account, day: date, rng: np.random.Generator) -> None:
        for n, (s, cents) in enumerate(sorted(account.owed.items())):
            other = (self._city.supplier_names[s], f"6217{s:06d}{s * 104_729 % 10**8:08d}")
            at = datetime.combine(day, time(9, 30, n % 60))
            if cents > 0 and rng.random() < _REVERSED:
                wrong = (other[0], other[1][:-1] + str((int(other[1][-1]) + 1) % 10))
                account.book(at, False, cents, wrong, "支付食材款")
                account.book(at + timedelta(minutes=40), False, -cents, wrong, "冲正 户名账号不符")
                at += timedelta(minutes=90)
            if cents > 0:
                account.book(at, False, cents, other, "支付食材款")
        account.owed.clear()

    # -- statements ------------------------------------------------------------------------------

    def _close(self, account: _Account, day: date, rng: np.random.Generator) -> None:
        entries, account.entries = sorted(account.entries, key=lambda e: e.at), []
        if not entries:
            return
        self._statements += 1
        entries = _rebalanced(entries)
        layout = LAYOUTS[account.layout]
        kind = self._fault_of(layout.has_totals, len(entries))
        totals = (_total(entries, False), _total(entries, True))
        printed, serial = list(entries), ""
        if kind is not None:
            n = 1 + int(rng.integers(len(entries) - 2))
            serial = "" if kind == "bank_total_wrong" else entries[n].serial
            if kind == "bank_wrong_balance":
                printed[n] = replace(
                    entries[n], balance=entries[n].balance + 100 * (1 + int(rng.integers(900)))
                )
            elif kind == "bank_missing_line":
                del printed[n]
            else:
                totals = (totals[0], (totals[1][0], totals[1][1] + 100 * (1 + int(rng.integers(900)))))
        holder = f"{self._city.school_names[account.canteen]}食堂专户"
        statement = Statement(
            account.number, holder, f"{layout.bank}岳阳支行", day.replace(day=1), day, printed, totals
        )
        arrival = day + timedelta(_ARRIVES)
        name = f"{arrival:%Y-%m-%d}/{account.layout}_{account.number}_{day:%Y%m}.{layout.kind}"
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(export(layout, statement))
        self._tell(account, name, entries, {e.serial for e in printed}, kind, serial)

    def _fault_of(self, has_totals: bool, size: int) -> str | None:
        """Every second statement is faulty, turn by turn; a wrong total needs totals."""
        if not self._faulty or self._statements % 2 or size < 4:
            return None
        kind = FAULTS[self._statements // 2 % len(FAULTS)]
        return FAULTS[0] if kind == "bank_total_wrong" and not has_totals else kind

    def _tell(
        self, account: _Account, file: str, entries: list[Entry], printed: set[str], kind: str | None, serial: str
    ) -> None:  # fmt: skip
        canteen = self._city.canteen_ids[account.canteen]
        for e in entries:
            into = e.into == (e.amount > 0)  # a reversal moves money the other way
            self._lines.append(
                {"file": file, "layout": account.layout, "canteen_id": canteen, "account": account.number, "at": e.at,
                 "direction": "in" if into else "out", "amount": abs(e.amount), "balance": e.balance,
                 "is_reversal": e.amount < 0, "serial": e.serial, "is_printed": e.serial in printed}
            )  # fmt: skip
        if kind is not None:
            note = {
                "bank_wrong_balance": "余额印错一行",
                "bank_missing_line": "缺一行",
                "bank_total_wrong": "收入合计印错",
            }
            self._faults.append(
                {"fault_id": f"B{len(self._faults) + 1:04d}", "kind": kind, "file": file, "layout": account.layout,
                 "account": account.number, "serial": serial or None, "note": note[kind]}
            )  # fmt: skip

    def lines(self) -> pl.DataFrame:
        """Truth of every line: direction and amount as money truly moved, balance as it truly was, in yuan."""
        return pl.DataFrame(self._lines, schema=_LINE).with_columns(
            decimal("amount", 2), decimal("balance", 2)
        )

    def faults(self) -> pl.DataFrame:
        """Truth of the planted faults."""
        return pl.DataFrame(self._faults, schema=_FAULT)


def _rebalanced(entries: list[Entry]) -> list[Entry]:
    """Balances in the order of time, from the balance before the first line that was booked."""
    start = min(entries, key=lambda e: e.serial[-4:])
    balance = start.balance - (start.amount if start.into else -start.amount)
    out = []
    for entry in entries:
        balance += entry.amount if entry.into else -entry.amount
        out.append(replace(entry, balance=balance))
    return out


def _total(entries: list[Entry], into: bool) -> tuple[int, int]:
    amounts = [e.amount for e in entries if e.into == into]
    return len(amounts), sum(amounts)
