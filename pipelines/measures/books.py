"""Speed of the books: one month of a city's business posted, closed and put into statements.

Belongs here: made-up business of realistic size and the clock. Does not belong here: whether the books are right
(tests).
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.books import forms, ledger, reference, statements
from pipelines.books.events import EVENT, Scope
from pipelines.measures.apart import peak_gb
from pipelines.measures.table import measure
from warehouse.settings import Settings

_CANTEENS: Final = 1_950
_MONTH: Final = "2026-10"
_DAYS: Final = 22
_ITEMS: Final = {
    "rice": "grain",
    "flour": "grain",
    "cabbage": "vegetables",
    "potato": "vegetables",
    "tofu": "soy",
    "pork": "meat",
    "chicken": "meat",
    "fish": "aquatic",
    "egg": "eggs",
    "rapeseed oil": "oil",
    "salt": "seasoning",
    "milk": "milk",
}
_DAILY: Final = {
    "goods_accepted": 5,
    "issue_to_kitchen": 5,
    "fee_prepaid": 1,
    "meals_consumed": 2,
    "channel_settled": 1,
    "subsidy_used": 1,
}
"""Events of a canteen on a day: with the weekly and monthly ones about fifteen, two lines each."""
_SOMETIMES: Final = {
    "supplier_paid": 6,
    "refund": 4,
    "utilities": 1,
    "wages_accrued": 1,
    "wages_paid": 1,
    "bank_fee": 2,
    "bank_interest": 1,
    "expense": 4,
    "subsidy_received": 1,
    "loss": 1,
}
"""Events of a canteen in a month."""


def bench(*, quick: bool, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """CPU seconds of a month's books of all canteens: vouchers, month end and every statement.

    Args:
        quick: Fewer canteens: shows that the bench works; the bar is not judged.
        progress: Told what is being done, and figures that have no bar.
    """
    canteens = 30 if quick else _CANTEENS
    events = made(canteens, seed=1)
    progress(f"{canteens} 个食堂 {_MONTH} 的业务 {events.height} 笔")
    with tempfile.TemporaryDirectory(prefix="canteen-books-") as folder:
        lines, spent = _kept(Settings(Path(folder), "demo", "bench"), events, progress)
    per_day = lines / canteens / _DAYS
    progress(f"分录 {lines} 行，每食堂每日 {per_day:.1f} 行")
    progress(f"内存峰值 {peak_gb():.2f} GB")
    found = measure("finance", "month_books_cpu_s", round(spent, 2), canteens)
    if quick:
        found["bar"] = found["holds"] = None
    return [found]


def _kept(settings: Settings, events: pl.DataFrame, progress: Callable[[str], None]) -> tuple[int, float]:
    """Post, close and state; returns lines and CPU seconds."""
    known = reference.load()
    after = statements.month_end(_MONTH) + dt.timedelta(days=5)
    begun = time.process_time()
    ledger.post(settings, events, as_of=after, scope=Scope(), books=known)
    posted = time.process_time()
    ledger.close(settings, _MONTH, as_of=after, books=known)
    closed = time.process_time()
    lines = ledger.posted(settings)
    for state in (
        statements.trial_balance,
        statements.balance_sheet,
        statements.income_expense,
        statements.cash_book,
        statements.stock_ledger,
        statements.supplier_ledger,
        forms.disclosure,
        forms.roll_up,
    ):
        state(lines, known, _MONTH)
    ended = time.process_time()
    progress(f"记账 {posted - begun:.1f}、结账 {closed - posted:.1f}、报表 {ended - closed:.1f} CPU 秒")
    return lines.height, ended - begun


def made(canteens: int, seed: int) -> pl.DataFrame:
    """A month of business, columns of ``EVENT``.

    Args:
        canteens: Number of canteens.
        seed: Seed of the figures.
    """
    dice = np.random.default_rng(seed)
    daily = [kind for kind, count in _DAILY.items() for _ in range(count)]
    monthly = [kind for kind, count in _SOMETIMES.items() for _ in range(count)]
    kinds = np.array([*daily * _DAYS, *monthly])
    days = np.concatenate([np.repeat(np.arange(_DAYS), len(daily)), dice.integers(0, _DAYS, len(monthly))])
    count = canteens * kinds.size
    items = np.array(list(_ITEMS))[dice.integers(0, len(_ITEMS), count)]
    goods = pl.col("event_kind").is_in(["goods_accepted", "issue_to_kitchen", "loss"])
    owed = pl.col("event_kind").is_in(["goods_accepted", "supplier_paid"])
    in_transit = pl.col("event_kind").is_in(["fee_prepaid"])
    frame = pl.DataFrame(
        {
            "canteen": np.repeat(np.arange(canteens), kinds.size),
            "event_kind": np.tile(kinds, canteens),
            "day": np.tile(days, canteens),
            "cents": dice.integers(1_000, 500_000, count),
            "milli": dice.integers(1_000, 40_000, count),
            "item": items,
            "supplier": dice.integers(0, 8, count),
        }
    ).with_row_index("number")
    shaped = frame.select(
        event_id=pl.format("E{}", "number"),
        canteen_id=pl.format("C{}", "canteen"),
        biz_date=pl.lit(dt.date.fromisoformat(f"{_MONTH}-01")) + pl.duration(days="day"),
        event_kind="event_kind",
        detail_kind=pl.lit(""),
        account_kind=pl.lit("pupil"),
        payment_method=pl.when(in_transit).then(pl.lit("transit")).otherwise(pl.lit("")),
        amount_yuan=pl.when(~pl.col("event_kind").is_in(["issue_to_kitchen", "loss"])).then(
            pl.col("cents").cast(pl.Decimal(18, 2)) / 100
        ),
        qty=pl.when(goods).then(pl.col("milli").cast(pl.Decimal(18, 3)) / 1000),
        ingredient_id=pl.when(goods).then("item"),
        category=pl.when(goods).then(pl.col("item").replace_strict(_ITEMS)),
        supplier_uscc=pl.when(owed).then(pl.format("S{}", "supplier")),
        source_feed=pl.lit("bench"),
        source_record_no=pl.format("R{}", "number"),
    )
    return shaped.select(pl.col(name).cast(dtype) for name, dtype in EVENT.items())
