"""A small double-entry interpreter for tests of the books: plain dicts, ``Decimal`` and loops.

It is fed with the raw events and shares no code and no reference file with ``pipelines/books``: the accounts of
the canteen set, the rule of both valuations and the carrying of surplus are written down here once more.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Event = dict[str, Any]
CENT = Decimal("0.01")
ZERO = Decimal("0.00")
CLASSES = {
    "grain": "01",
    "vegetables": "02",
    "fruit": "02",
    "soy": "02",
    "seasoning": "03",
    "meat": "04",
    "aquatic": "04",
    "eggs": "04",
    "oil": "05",
    "fuel": "06",
}
MONEY = {"": "1002", "cash": "1001", "transit": "113101", "owed": "216104"}
PREPAID = {"pupil": "216101", "teacher": "216102"}
INCOME = {"pupil": "410101", "teacher": "410102"}
SUPPLIES = {"pupil": "510101", "teacher": "510102"}
SPENT = {"management": "520109", "equipment": "520103", "transfer": "113102"}
OUT = ("issue_to_kitchen", "loss", "issue_return")


def accounts(event: Event) -> tuple[str, str]:
    """Debit and credit account of an event, canteen set."""
    kind, detail = event["event_kind"], event.get("detail_kind") or ""
    who, money = event["account_kind"], MONEY[event.get("payment_method") or ""]
    number = CLASSES.get(event.get("category") or "", "07")
    stock = "1201" + number
    eater = {"pupil_meal": "pupil", "teacher_meal": "teacher"}.get(detail, who)
    used = SUPPLIES[eater] + number
    if kind == "refund":
        return (INCOME if detail == "meal" else PREPAID)[who], money
    if kind == "fund_split":
        return "1002", {"subsidy": "216103", "meal_money": "113101"}.get(detail, "420102")
    if kind == "opening":
        return {"bank": ("1002", "3101"), "stock": (stock, "3101"), "payable": ("3101", "2101")}[detail]
    pairs = {
        "fee_prepaid": (money, PREPAID[who]),
        "channel_settled": ("1002", "113101"),
        "channel_fee": ("530101", "113101"),
        "meals_consumed": (PREPAID[who], INCOME[who]),
        "goods_accepted": (stock, "2101"),
        "goods_used_at_once": (SUPPLIES[who] + number, money),
        "supplier_return": ("2101", stock),
        "issue_to_kitchen": (used, stock),
        "issue_return": (stock, used),
        "loss": ("530102", stock),
        "supplier_paid": ("2101", money),
        "wages_accrued": ("520101", "2151"),
        "wages_paid": ("2151", money),
        "utilities": ("520102", money),
        "expense": (SPENT.get(detail, "530109"), money),
        "receipt": (money, "113102" if detail == "transfer" else "420109"),
        "school_repaid": ("216104", money),
        "bank_interest": ("1002", "420101"),
        "bank_fee": ("530101", "1002"),
        "subsidy_received": ("1002", "216103"),
        "subsidy_used": ("216103", "410103"),
    }
    return pairs[kind]


def cents(value: Decimal) -> Decimal:
    """Half up, away from zero."""
    return value.quantize(CENT, ROUND_HALF_UP)


class Shelf:
    """Batches of one ingredient of one canteen and account: [quantity, value] pairs, oldest first."""

    def __init__(self) -> None:
        self.batches: list[list[Decimal]] = []

    def quantity(self) -> Decimal:
        return sum((q for q, _ in self.batches), Decimal(0))

    def worth_of_first(self, quantity: Decimal) -> Decimal:
        """What the first units are worth."""
        worth = ZERO
        for held, value in self.batches:
            if quantity <= 0:
                break
            part = min(held, quantity)
            worth += value if part == held else cents(value * part / held)
            quantity -= part
        return worth

    def month(self, events: list[Event], *, average: bool) -> dict[str, Decimal]:
        """Take a month's events; returns the value of each issue, loss and return to stock."""
        for event in sorted(events, key=lambda one: (one["biz_date"], one["event_id"])):
            if event["event_kind"] in ("goods_accepted", "opening"):
                self.batches.append([event["qty"], event["amount_yuan"]])
        self._send_back([one for one in events if one["event_kind"] == "supplier_return"])
        if average and self.batches:
            self.batches = [[self.quantity(), sum((v for _, v in self.batches), ZERO)]]
        return self._issue([one for one in events if one["event_kind"] in OUT])

    def _send_back(self, events: list[Event]) -> None:
        quantity = sum((one["qty"] for one in events), Decimal(0))
        bill = sum((one["amount_yuan"] for one in events), ZERO)
        for batch in reversed(self.batches):
            part = min(batch[0], quantity)
            if part > 0:
                worth = batch[1] if part == batch[0] else cents(batch[1] * part / batch[0])
                batch[0], batch[1] = batch[0] - part, batch[1] - worth
                quantity, bill = quantity - part, bill - worth
        if events:
            self.batches.append([Decimal(0), -bill])
        full = [batch for batch in self.batches if batch[0] > 0]
        stray = sum((value for held, value in self.batches if held == 0), ZERO)
        if full:
            full[-1][1] += stray
            self.batches = full
        else:
            self.batches = [[Decimal(0), stray]] if stray else []

    def _issue(self, events: list[Event]) -> dict[str, Decimal]:
        out: dict[str, Decimal] = {}
        total, wanted, reached = self.quantity(), Decimal(0), Decimal(0)
        order = sorted(
            events, key=lambda one: (one["event_kind"] == "issue_return", one["biz_date"], one["event_id"])
        )
        for event in order:
            sign = -1 if event["event_kind"] == "issue_return" else 1
            wanted += sign * event["qty"]
            now = max(Decimal(0), min(wanted, total))
            out[event["event_id"]] = sign * (self.worth_of_first(now) - self.worth_of_first(reached))
            reached = now
        self._drop_first(reached)
        return out

    def _drop_first(self, quantity: Decimal) -> None:
        left = []
        for held, value in self.batches:
            part = min(held, quantity)
            quantity -= part
            if part < held:
                left.append([held - part, value - (cents(value * part / held) if part else ZERO)])
            elif held == 0:
                left.append([held, value])
        self.batches = left


def month_of(day: dt.date) -> str:
    return day.strftime("%Y-%m")


def valued(
    events: list[Event], methods: dict[str, str], as_of: dt.date
) -> tuple[list[Event], dict[Any, Shelf]]:
    """All events with amounts; average canteens' issues of the unfinished month are left out."""
    shelves: dict[Any, Shelf] = defaultdict(Shelf)
    stock = [one for one in events if one["event_kind"] in ("goods_accepted", "supplier_return", *OUT)
             or (one["event_kind"] == "opening" and one["detail_kind"] == "stock")]  # fmt: skip
    out = [one for one in events if one not in stock]
    for month in sorted({month_of(one["biz_date"]) for one in stock}):
        parts: dict[Any, list[Event]] = defaultdict(list)
        for one in stock:
            if month_of(one["biz_date"]) == month:
                parts[one["canteen_id"], one["account_kind"], one["ingredient_id"]].append(one)
        for key, part in parts.items():
            average = methods[key[0]] == "weighted_average"
            worth = shelves[key].month(part, average=average)
            for one in part:
                if one["event_kind"] not in OUT:
                    out.append(one)
                elif not average or month < month_of(as_of):
                    out.append({**one, "amount_yuan": worth[one["event_id"]]})
    return out, shelves


def balances(
    events: list[Event], methods: dict[str, str], as_of: dt.date
) -> dict[tuple[str, str, str], Decimal]:
    """Debit less credit by canteen, month of the event and account, nothing carried to the surplus."""
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(lambda: ZERO)
    for event in valued(events, methods, as_of)[0]:
        debit, credit = accounts(event)
        month = month_of(event["biz_date"])
        sums[event["canteen_id"], month, debit] += event["amount_yuan"]
        sums[event["canteen_id"], month, credit] -= event["amount_yuan"]
    return {key: value for key, value in sums.items() if value}
