"""Random business of small canteens and a ledger to post it to, for tests of the books.

Belongs here: drawing events and changes of events. Does not belong here: any reckoning.
"""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.books import ledger, reference
from pipelines.books.events import EVENT, Scope
from pipelines.books.reference import Reference
from warehouse.settings import Settings

Event = dict[str, Any]
FIRST = dt.date(2026, 9, 1)
DAYS = 75
METHODS = {"C1": "weighted_average", "C2": "fifo"}
ITEMS = {"rice": "grain", "cabbage": "vegetables", "pork": "meat", "gas": "fuel", "soap": "non_food"}
STOCK = ("goods_accepted", "supplier_return", "issue_to_kitchen", "issue_return", "loss")
MONEY = {
    "fee_prepaid": ("", "cash", "transit"),
    "channel_settled": ("",),
    "channel_fee": ("",),
    "meals_consumed": ("",),
    "refund": ("", "cash"),
    "goods_used_at_once": ("", "cash"),
    "supplier_paid": ("", "cash"),
    "wages_accrued": ("",),
    "wages_paid": ("", "cash"),
    "utilities": ("", "owed"),
    "expense": ("", "cash"),
    "receipt": ("",),
    "school_repaid": ("",),
    "bank_interest": ("",),
    "bank_fee": ("",),
    "subsidy_received": ("",),
    "subsidy_used": ("",),
    "fund_split": ("",),
}
DETAILS = {
    "refund": ("", "meal"),
    "expense": ("", "management", "equipment", "transfer"),
    "receipt": ("", "transfer"),
    "fund_split": ("subsidy", "meal_money", "allocation"),
    "issue_to_kitchen": ("", "teacher_meal", "pupil_meal"),
}


def books_of(methods: dict[str, str], account_set: str = "canteen") -> Reference:
    """The product's reference with a policy of its own."""
    known = reference.load()
    rows = [
        {"canteen_id": one, "account_set": account_set, "stock_method": method}
        for one, method in methods.items()
    ]
    policy = pl.DataFrame(rows).with_columns(
        valid_from=pl.lit(dt.date(2020, 1, 1)),
        valid_to=pl.lit(reference.FOR_EVER),
        source=pl.lit("test"),
        confidence=pl.lit("D"),
    )
    return Reference(
        **{**{name: getattr(known, name) for name in Reference.__dataclass_fields__}, "policy": policy}
    )


def frame(events: list[Event]) -> pl.DataFrame:
    """Events as a frame; what is left out is null or blank."""
    rows = [{name: one.get(name) for name in EVENT} for one in events]
    return pl.DataFrame(rows, schema=EVENT)


def event(dice: random.Random, number: int, day: dt.date | None = None) -> Event:
    """One random event."""
    kind = dice.choice([*STOCK, *["goods_accepted", "issue_to_kitchen"] * 4, *MONEY])
    made: Event = {
        "event_id": f"E{number:04}",
        "canteen_id": dice.choice(list(METHODS)),
        "biz_date": day or FIRST + dt.timedelta(dice.randrange(DAYS)),
        "event_kind": kind,
        "detail_kind": dice.choice(DETAILS.get(kind, ("",))),
        "account_kind": dice.choice(["pupil", "pupil", "teacher"]),
        "payment_method": dice.choice(MONEY.get(kind, ("",))),
        "amount_yuan": Decimal(dice.randrange(1, 100_000)) / 100,
    }
    if kind in STOCK or kind == "goods_used_at_once":
        made["ingredient_id"] = dice.choice(
            ["rice", "rice", "rice", *ITEMS]
        )  # often several batches of one item
        made["category"] = ITEMS[made["ingredient_id"]]
        most = 60_000 if kind == "goods_accepted" else 15_000
        made["qty"] = Decimal(dice.randrange(1, most)) / 1000
        made["account_kind"] = dice.choice(["pupil"] * 6 + ["teacher"])
    if kind in ("goods_accepted", "supplier_return", "supplier_paid"):
        made["supplier_uscc"] = dice.choice(["S1", "S2"])
    if kind in ("issue_to_kitchen", "issue_return", "loss"):
        made["amount_yuan"] = None
    return made


def stream(seed: int, count: int) -> list[Event]:
    """Random events of two and a half months."""
    dice = random.Random(seed)
    return [event(dice, number) for number in range(count)]


def histories(seed: int, final: list[Event], nights: int) -> list[list[Event]]:
    """What exists on each night: events come in any order, wrong at first, or are gone again; the last is final."""
    dice = random.Random(seed)
    comes = {one["event_id"]: dice.randrange(nights) for one in final}
    wrong = {one["event_id"] for one in final if dice.random() < 0.2}
    gone = [event(dice, 9000 + number) for number in range(len(final) // 8)]
    leaves = {one["event_id"]: dice.randrange(1, nights) for one in gone}
    out = []
    for night in range(nights):
        there = [one for one in final if comes[one["event_id"]] <= night]
        if night < nights - 1:
            there = [
                event(dice, int(one["event_id"][1:]), one["biz_date"])
                if one["event_id"] in wrong and dice.random() < 0.5
                else one
                for one in there
            ]
            there += [one for one in gone if leaves[one["event_id"]] > night]
        dice.shuffle(there)
        out.append(there)
    return out


class Books:
    """A ledger in a folder of its own."""

    def __init__(self, home: Path, methods: dict[str, str] = METHODS, account_set: str = "canteen") -> None:
        self.settings = Settings(home, "demo", "test")
        self.reference = books_of(methods, account_set)

    def post(self, events: list[Event], as_of: dt.date, scope: Scope | None = None) -> dict[str, int]:
        """Post events."""
        return ledger.post(
            self.settings, frame(events), as_of=as_of, scope=scope or Scope(), books=self.reference
        )

    def close(self, month: str, as_of: dt.date) -> dict[str, int]:
        """Close months up to one."""
        return ledger.close(self.settings, month, as_of=as_of, books=self.reference)

    @property
    def lines(self) -> pl.DataFrame:
        """All posted lines."""
        return ledger.posted(self.settings)
