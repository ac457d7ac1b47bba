"""What the banks send about the accounts of the canteens that keep books.

Belongs here: lines with balances, the city's weekly export, the statements that single canteens send, and their
gaps. Does not belong here: how a bank prints (``bank_layouts``) and why money moved (``receipts``, ``payables``,
``outlays``).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import money_accounts
from ingest.simulator.bank_layouts import LAYOUTS, Entry, Statement, export, export_many
from ingest.simulator.city import City
from ingest.simulator.faults import Fault
from ingest.simulator.money_plan import months, own_statements
from ingest.simulator.outbox import Outbox
from ingest.simulator.plan import Plan
from ingest.simulator.streams import stream
from ingest.simulator.transfers import IN, SCHOOL, SPECIAL
from ingest.simulator.working_days import dates

PROVIDER: Final = "bank"
_REVERSED: Final = 0.03  # of the payments to suppliers go to a wrong account first
_MINUTE: Final = {"settlement": 7 * 60 + 5, "fund_split": 10 * 60, "expense": 11 * 60, "refund": 15 * 60}
_USUAL_MINUTE: Final = 9 * 60 + 30
_GAP_DAYS: Final = 5  # at the start of a month, left out of a statement
GAPS: Final = ("明细缺行，余额不连续", "余额印错一行", "月初数日未打印，与上期末余额不连续")
_LEAST_LINES: Final = 8  # of a statement that is made faulty


class Statements:
    """The bank's side of all movements."""

    def __init__(self, city: City, plan: Plan) -> None:
        self.city, self.plan = city, plan
        self._own = set(own_statements(plan.keepers))
        self._last = (plan.end - city.life).days
        self.lines = 0
        self._lost: list[tuple[int, int, int]] = []

    @property
    def lost(self) -> pl.DataFrame:
        """``c``, ``first``, ``last``: days of a canteen's account whose lines are not printed, or on a statement that
        does not add up and is refused."""
        return pl.DataFrame(self._lost, {"c": pl.Int64, "first": pl.Int64, "last": pl.Int64}, orient="row")

    def arrival(self, c: int, day: int) -> date:
        """When the lines about a day arrive; ``c`` -1 is a school's account."""
        on = self.city.life + timedelta(day)
        if c >= 0 and c not in self._own:
            return min(on + timedelta(7 - on.weekday()), self.plan.end)
        return min((on.replace(day=1) + timedelta(32)).replace(day=1), self.plan.end)

    def serials(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Movements in the order in which the bank books them, with their serial numbers."""
        minute = pl.col("kind").replace_strict(_MINUTE, default=_USUAL_MINUTE, return_dtype=pl.Int64)
        ordered = moved.with_columns(minute.alias("minute")).sort("c", "account", "bank_day", "minute", "record_no", maintain_order=True)  # fmt: skip
        on = pl.Series("on", dates(self.city.life, ordered["bank_day"].to_numpy())).cast(pl.Date)
        number = pl.int_range(pl.len()).over("c", "account", "bank_day")
        return ordered.with_columns(on, (pl.col("minute") * 60 + number * 67).alias("second")).with_columns(
            pl.concat_str(pl.col("on").dt.strftime("%Y%m%d"), pl.col("c").cast(pl.String).str.zfill(5),
                          pl.col("second").cast(pl.String).str.zfill(5), "account").alias("serial"),
        )  # fmt: skip

    def send(self, ordered: pl.DataFrame, outbox: Outbox) -> None:
        """Every export and statement up to the last day; those of before the first are not sent."""
        lines = _with_reversals(
            ordered.filter(pl.col("in_bank") & (pl.col("bank_day") <= self._last)), self.city.seed
        )
        own: dict[int, list[Entry]] = defaultdict(list)
        other: dict[int, list[Entry]] = defaultdict(list)
        for row in lines.iter_rows(named=True):
            if row["account"] == SCHOOL:
                other[int(self.city.school_of[row["c"]])].append(_entry(self.city, row))
            else:
                own[row["c"]].append(_entry(self.city, row))
        self.lines = lines.height
        balanced = {c: _balanced(entries) for c, entries in sorted(own.items())}
        self._weekly({c: entries for c, entries in balanced.items() if c not in self._own}, outbox)
        for c in sorted(self._own & balanced.keys()):
            self._monthly(c, SPECIAL, balanced[c], outbox)
        for school, entries in sorted(other.items()):
            self._monthly(school, SCHOOL, _balanced(entries), outbox)

    def _weekly(self, accounts: dict[int, list[Entry]], outbox: Outbox) -> None:
        """The city's export: all accounts at its bank, on Mondays about the week before and on the last day."""
        first = self.city.life - timedelta(self.city.life.weekday())
        while first <= self.plan.end:
            last = min(first + timedelta(6), self.plan.end)
            arrival = min(first + timedelta(7), self.plan.end)
            begin = max(first, self.city.life)
            found = [self._statement(c, SPECIAL, entries, begin, last) for c, entries in accounts.items()]
            found = [statement for statement in found if statement.entries]
            if found and arrival >= self.plan.start:
                layout = LAYOUTS[money_accounts.CITY_BANK]
                name = f"{money_accounts.CITY_BANK}_{begin:%Y%m%d}_{last:%Y%m%d}.{layout.kind}"
                outbox.put(PROVIDER, arrival, name, export_many(layout, found), None, last)
            first += timedelta(7)

    def _monthly(self, place: int, kind: int, entries: list[Entry], outbox: Outbox) -> None:
        """A canteen's or a school's own statements, on the day after a month's end and on the last day."""
        code = "ccb" if kind == SCHOOL else money_accounts.layout_of(self.plan.keepers, place)
        layout = LAYOUTS[code]
        gaps = place in self.plan.carriers.get("statement_gap", []) and kind != SCHOOL
        for n, (first, last) in enumerate(months(self.city.life, self.plan.end)):
            whole = (last + timedelta(1)).day == 1
            arrival = min(last + timedelta(1), self.plan.end) if whole else self.plan.end
            statement = self._statement(place, kind, entries, first, last)
            if not statement.entries or arrival < self.plan.start:
                continue
            note = ""
            if gaps and len(statement.entries) >= _LEAST_LINES:
                statement, note = self._gap(statement, place, n)
            name = f"{code}_{statement.number}_{first:%Y%m}.{layout.kind}"
            path = outbox.put(PROVIDER, arrival, name, export(layout, statement), None, last)
            if note:
                until = first + timedelta(_GAP_DAYS - 1) if note == GAPS[2] else last
                self._lost.append((place, (first - self.city.life).days, (until - self.city.life).days))
                self.plan.book.add(
                    Fault("statement_gap", PROVIDER, first, last, arrival, canteen_id=self.city.canteen_ids[place],
                          feed="bank_line", record_no=statement.number, file=path, note=note)
                )  # fmt: skip

    def _statement(self, place: int, kind: int, entries: list[Entry], first: date, last: date) -> Statement:
        """The lines of a period, as they are printed when all is well."""
        low, high = (
            bisect_left(entries, day, key=lambda e: e.at.date()) for day in (first, last + timedelta(1))
        )
        mine = entries[low:high]
        name = self.city.school_names[place]
        number, holder = (money_accounts.school(place), name) if kind == SCHOOL else (money_accounts.special(place), f"{name}食堂专户")  # fmt: skip
        return Statement(
            number, holder, "岳阳支行", first, last, mine, (_total(mine, False), _total(mine, True))
        )

    def _gap(self, statement: Statement, c: int, n: int) -> tuple[Statement, str]:
        """A statement with a hole, and which hole it is."""
        rng = stream(self.city.seed, "statement-gap", c, n)
        entries = list(statement.entries)
        way = int(rng.integers(len(GAPS) if n else 2))
        at = 2 + int(rng.integers(len(entries) - 4))
        if way == 0:
            entries = entries[:at] + entries[at + 1 :]
        elif way == 1:
            wrong = entries[at].balance + 100 * (1 + int(rng.integers(900)))
            entries[at] = replace(entries[at], balance=wrong)
        else:
            begin = statement.first + timedelta(_GAP_DAYS)
            entries = [e for e in entries if e.at.date() >= begin]
        totals = statement.totals if way == 0 else (_total(entries, False), _total(entries, True))
        return replace(statement, entries=entries, totals=totals), GAPS[way]


def _with_reversals(ordered: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Before a few payments stand the same to a wrong account and its reversal."""
    pays = (pl.col("kind") == "supplier_payment") & (pl.col("account") != SCHOOL)
    draw = stream(seed, "reversals").random(ordered.height)
    chosen = ordered.filter(pays & (pl.Series(draw) < _REVERSED))
    wrong = pl.concat_str(pl.col("other_account").str.head(-1), (pl.col("other_account").str.tail(1).cast(pl.Int64) + 1) % 10)  # fmt: skip
    first = chosen.with_columns(wrong.alias("other_account"), (pl.col("second") - 40).alias("second"), pl.concat_str("serial", pl.lit("1")).alias("serial"))  # fmt: skip
    back = first.with_columns(
        -pl.col("cents"), (pl.col("second") + 20).alias("second"), pl.lit("冲正 户名账号不符").alias("note"),
        pl.concat_str(pl.col("serial").str.head(-1), pl.lit("2")).alias("serial"),
    )  # fmt: skip
    return pl.concat([ordered, first, back]).sort(
        "c", "account", "bank_day", "second", "serial", maintain_order=True
    )


def _entry(city: City, row: dict[str, object]) -> Entry:
    """A movement as the bank's line; the balance follows."""
    day, second = row["bank_day"], row["second"]
    assert isinstance(day, int) and isinstance(second, int) and isinstance(row["cents"], int)  # noqa: S101, PT018
    at = datetime.combine(city.life + timedelta(day), time()) + timedelta(seconds=second)
    return Entry(at, row["into"] == IN, row["cents"], 0, str(row["other"] or ""), str(row["other_account"] or ""),
                 str(row["note"]), str(row["serial"]))  # fmt: skip


def _balanced(entries: list[Entry]) -> list[Entry]:
    """Entries with the balance after each, from nothing on; a school's account has money of its own."""
    entries = sorted(entries, key=lambda e: (e.at, e.serial))
    effect = np.array([e.amount if e.into else -e.amount for e in entries], dtype=np.int64)
    running = np.cumsum(effect)
    floor = max(0, -int(running.min())) + 1_000_000 if running.min() < 0 else 0
    return [replace(e, balance=int(b) + floor) for e, b in zip(entries, running.tolist(), strict=True)]


def _total(entries: list[Entry], into: bool) -> tuple[int, int]:
    amounts = [e.amount for e in entries if e.into == into]
    return len(amounts), sum(amounts)
