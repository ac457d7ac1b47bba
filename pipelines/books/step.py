"""The night's step of the books: what touched days changed is posted, and months that are due are closed.

Belongs here: whose books are kept, which days must be posted again, and when there is nothing to do. Does not belong
here: what is posted (``pipelines.books.posting``) and the ledger's tables (``pipelines.books.ledger``).

Books are kept of the canteens that have a registered special account. What was taken into account is kept with the
last commit of ``silver.book_stock``, so that a run that is killed is made good by running it again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from pipelines.books import closing, ledger, reference, sources
from pipelines.books.events import Scope
from pipelines.books.sources import MONEY_FEEDS, STOCK_FEEDS
from warehouse import delta
from warehouse.settings import Settings
from warehouse.tables import BOOK_STOCK, SILVER

_SEEN: Final = "canteen.books_seen"
_REFERENCES: Final = ("provider_key", "ingredient", "bank_account")
_NOTHING: Final = {"vouchers": 0, "reversals": 0, "beyond_stock": 0, "closed": 0}


def run(
    settings: Settings, last: dt.date, progress: Callable[[str], None], on_step: Callable[[str], None]
) -> dict[str, int]:
    """Post and close what is new since the last night.

    Args:
        settings: The data home.
        last: Day of the night.
        progress: Told what is being done.
        on_step: Told ``silver.<table>`` after each commit.

    Returns:
        Counts of ``ledger.post`` and ``ledger.close``.

    Raises:
        Permanent: An event cannot be posted.
    """
    versions = {
        name: delta.version(settings.table(f"silver.{name}"))
        for name in (*MONEY_FEEDS, *STOCK_FEEDS, *_REFERENCES)
    }
    if versions["bank_account"] is None:
        return dict(_NOTHING)  # nobody's books are kept
    books = reference.load()
    due = closing.last_due(last, books)
    now: dict[str, Any] = {**versions, "month": f"{last:%Y-%m}", "due": due}
    seen = json.loads(delta.fact(settings.table("silver.book_stock"), _SEEN) or "{}")
    if now == seen:
        return dict(_NOTHING)
    scope = _scope(settings, seen, versions, last)
    progress(f"账簿：记账至 {last}")
    days = _every_day(settings) if scope.days is None else scope.days
    events = sources.read(settings, days=days, stock_from=scope.stock_from or last, last=last)
    kept = events.join(_keepers(settings), on="canteen_id", how="semi")
    counts = ledger.post(settings, kept, as_of=last, scope=scope, books=books, on_step=on_step)
    counts |= ledger.close(settings, due, as_of=last, books=books, on_step=on_step)
    delta.note(settings.table("silver.book_stock"), BOOK_STOCK, {_SEEN: json.dumps(now)}, "biz_month")
    on_step("silver.book_stock")
    return counts


def _keepers(settings: Settings) -> pl.DataFrame:
    """canteen_id: who has a special account."""
    accounts = delta.read(settings.table("silver.bank_account"), SILVER["bank_account"])
    return accounts.filter(pl.col("account_role") == "special").select(canteen_id="org_id").unique()


def _scope(
    settings: Settings, seen: Mapping[str, Any], versions: Mapping[str, int | None], last: dt.date
) -> Scope:
    """What must be handed over: days of money that changed, and stock from the first month that may change."""
    money = _touched(settings, MONEY_FEEDS, seen)
    stock = _touched(settings, STOCK_FEEDS, seen)
    if any(versions[name] != seen.get(name) for name in _REFERENCES) or money is None or stock is None:
        ranges = [delta.day_range(settings.table(f"silver.{name}")) for name in STOCK_FEEDS]
        earliest = min((one[0] for one in ranges if one is not None), default=last)
        return Scope(None, earliest.replace(day=1))
    opened = ledger.open_from(settings)
    earliest = min([*stock, last if opened is None else opened])
    return Scope(money, earliest.replace(day=1))


def _touched(
    settings: Settings, feeds: tuple[str, ...], seen: Mapping[str, Any]
) -> frozenset[dt.date] | None:
    """Days whose content changed since the last night; ``None`` means every day."""
    days: set[dt.date] = set()
    for feed in feeds:
        marks = delta.touched_since(settings.table(f"silver.{feed}"), seen.get(feed))
        if marks is None or delta.EVERYTHING in marks:
            return None
        days |= {dt.date.fromisoformat(mark) for mark in marks}
    return frozenset(days)


def _every_day(settings: Settings) -> frozenset[dt.date]:
    """Every day of which there may be money."""
    ranges = [delta.day_range(settings.table(f"silver.{name}")) for name in MONEY_FEEDS]
    return frozenset(
        day for one in ranges if one is not None for day in pl.date_range(one[0], one[1], eager=True)
    )
