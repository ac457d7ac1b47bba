"""The ledger's Delta tables: what was posted, what is closed, what was in stock.

Belongs here: reading and appending ``silver.posted_voucher`` and ``silver.book_period``, replacing
``silver.book_stock``. Does not belong here: what is posted (``pipelines.books.posting``, ``closing``).

The stock is written before the vouchers and the closing vouchers before the period, so that a run that is killed
is made good by running it again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

import polars as pl

from pipelines.books import closing, posting, reference, statements
from pipelines.books.events import Scope
from pipelines.books.reference import Reference
from warehouse import delta
from warehouse.errors import Transient
from warehouse.settings import Settings
from warehouse.tables import BOOK_PERIOD, BOOK_STOCK, POSTED_VOUCHER

OnStep = Callable[[str], None]


def posted(
    settings: Settings,
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    canteens: Iterable[str] | None = None,
) -> pl.DataFrame:
    """Posted lines, columns of ``POSTED_VOUCHER``.

    Args:
        settings: The data home.
        first: First day of vouchers.
        last: Last day of vouchers.
        canteens: Only these canteens.
    """
    low, high = first or dt.date.min, last or dt.date.max
    held = [
        file
        for file in delta.files(settings.table("silver.posted_voucher"))
        if file.first is not None and file.last is not None and file.first <= high and file.last >= low
    ]
    lines = delta.read_files(held, POSTED_VOUCHER).filter(pl.col("biz_date").is_between(low, high))
    return lines if canteens is None else lines.filter(pl.col("canteen_id").is_in(list(canteens)))


def periods(settings: Settings) -> pl.DataFrame:
    """Closed months, columns of ``BOOK_PERIOD``."""
    return delta.read(settings.table("silver.book_period"), BOOK_PERIOD)


def closed(settings: Settings) -> pl.DataFrame:
    """The last closed month of each canteen that has one: canteen_id, closed."""
    return _last(periods(settings))


def _last(ended: pl.DataFrame) -> pl.DataFrame:
    return ended.group_by("canteen_id").agg(closed=pl.col("biz_month").max())


def open_from(settings: Settings) -> dt.date | None:
    """First day of the first month that some canteen with postings has not closed; ``None`` before the first.

    Events that move stock must be handed over from here on (``Scope.stock_from``), or from the month of an
    earlier change: under weighted average the issues of a month are posted when it is over.
    """
    first = _unclosed(settings, periods(settings))["biz_month"].min()
    return dt.date.fromisoformat(f"{first}-01") if isinstance(first, str) else None


def _unclosed(settings: Settings, ended: pl.DataFrame) -> pl.DataFrame:
    """canteen_id, account_set and biz_month of postings in months that their canteen has not closed.

    A month that holds no more lines than its closings counted is not read: the cost does not grow with history.
    """
    months: dict[str, list[delta.DataFile]] = {}
    for file in delta.files(settings.table("silver.posted_voucher")):
        months.setdefault(f"{file.first:%Y-%m}", []).append(file)
    counted = dict(ended.group_by("biz_month").agg(pl.col("line_count").sum()).rows())
    columns = ["canteen_id", "account_set", "biz_month"]
    found = [
        delta.read_files(held, POSTED_VOUCHER, columns=columns).unique()
        for month, held in months.items()
        if sum(file.rows for file in held) != counted.get(month)
    ]
    blank = pl.DataFrame(schema={name: POSTED_VOUCHER[name] for name in columns})
    return pl.concat([blank, *found]).join(ended, on=["canteen_id", "biz_month"], how="anti")


def post(
    settings: Settings,
    events: pl.DataFrame,
    *,
    as_of: dt.date,
    scope: Scope,
    books: Reference | None = None,
    on_step: OnStep = lambda _: None,
) -> dict[str, int]:
    """Post what is not yet in the ledger. Running it again changes nothing.

    Args:
        settings: The data home.
        events: Columns of ``EVENT``: all that exist within the scope.
        as_of: Day of the night.
        scope: What ``events`` holds in full.
        books: Accounts, templates and policy; the product's own when left out.
        on_step: Told ``silver.<table>`` after each commit.

    Returns:
        Counts: vouchers, reversals, and events that the stock could not cover.

    Raises:
        Permanent: An event cannot be posted, or a voucher cannot exist; nothing is written.
    """
    known = books or reference.load()
    held = posted(settings, first=None if scope.first is None else scope.first.replace(day=1))
    latest = held["_posted_on"].max()
    batch = posting.plan(
        events,
        held,
        closed(settings),
        _opening(settings, scope),
        known,
        # An earlier night run again does not take back what a month's end has valued since.
        as_of=max(as_of, latest) if isinstance(latest, dt.date) else as_of,
        scope=scope,
    )
    _write_stock(settings, batch.layers, batch.ends, as_of)
    on_step("silver.book_stock")
    if batch.vouchers.lines.height:
        _append(settings, "posted_voucher", batch.vouchers.lines)
        on_step("silver.posted_voucher")
    return {"vouchers": batch.posted, "reversals": batch.reversed, "beyond_stock": batch.short.height}


def close(
    settings: Settings,
    month: str,
    *,
    as_of: dt.date,
    books: Reference | None = None,
    on_step: OnStep = lambda _: None,
) -> dict[str, int]:
    """Close every open month up to one, the earliest first.

    Args:
        settings: The data home.
        month: ``YYYY-MM``.
        as_of: Day of the night.
        books: See ``post``.
        on_step: See ``post``.

    Returns:
        Counts: canteen months closed.

    Raises:
        Permanent: The month is not over.
    """
    known = books or reference.load()
    ended = periods(settings)
    waiting = _unclosed(settings, ended)
    count = 0
    for due in sorted({*waiting.filter(pl.col("biz_month") <= month)["biz_month"].unique(), month}):
        begun = waiting.filter(pl.col("biz_month") <= due)
        keeps = pl.concat([frame.select("canteen_id", "account_set") for frame in (ended, begun)]).unique()
        done = ended.filter(pl.col("biz_month") >= due)
        mine = keeps.join(done, on="canteen_id", how="anti").sort("canteen_id", "account_set")
        if mine.is_empty():
            continue
        begin = dt.date.fromisoformat(f"{due}-01")
        lines = posted(settings, first=begin, last=statements.month_end(due))
        before = begin - dt.timedelta(days=1)
        year = (
            posted(settings, first=begin.replace(month=1), last=before)
            if begin.month == 12
            else lines.clear()
        )
        made = closing.plan(
            lines,
            closing.carrying(year),
            mine,
            _last(ended),
            known,
            due,
            as_of=as_of,
        )
        if made.vouchers.lines.height:
            _append(settings, "posted_voucher", made.vouchers.lines)
            on_step("silver.posted_voucher")
        _append(settings, "book_period", made.periods)
        on_step("silver.book_period")
        ended = pl.concat([ended, made.periods])
        count += made.periods.height
    return {"closed": count}


def _opening(settings: Settings, scope: Scope) -> pl.DataFrame:
    """The stock at the end of the day before the scope's first move of stock."""
    if scope.stock_from is None:
        return pl.DataFrame(schema=BOOK_STOCK)
    before = scope.stock_from - dt.timedelta(days=1)
    return delta.read(settings.table("silver.book_stock"), BOOK_STOCK, days=[before])


def _write_stock(settings: Settings, layers: pl.DataFrame, ends: tuple[dt.date, ...], as_of: dt.date) -> None:
    """Replace the month ends that were valued, where they changed."""
    path = settings.table("silver.book_stock")
    held = delta.read(path, BOOK_STOCK, days=ends)
    columns = list(BOOK_STOCK)
    changed = [
        one.join(other, on=columns, how="anti", nulls_equal=True)["biz_date"]
        for one, other in ((layers, held), (held, layers))
    ]
    touched = frozenset(pl.concat(changed).unique())
    if touched:
        delta.replace(
            path,
            [layers.filter(pl.col("biz_date").is_in(list(touched)))],
            BOOK_STOCK,
            period=delta.Period("biz_date", touched),
            partition="biz_month",
            commit_id=f"book_stock:{as_of}:{delta.version(path)}",
            touched=[str(day) for day in touched],
        )


def _append(settings: Settings, name: str, rows: pl.DataFrame) -> None:
    path = settings.table(f"silver.{name}")
    schema = {"posted_voucher": POSTED_VOUCHER, "book_period": BOOK_PERIOD}[name]
    days = {
        *rows["biz_date"].unique(),
        *(rows["event_date"].unique() if "event_date" in rows.columns else ()),
    }
    made = delta.append(
        path,
        rows,
        schema,
        commit_id=f"{name}:{delta.version(path)}",
        partition="biz_month",
        touched=[str(day) for day in days],
        for_ever=True,
    )
    if not made:
        raise Transient(f"另一个进程刚刚写入 {path}，本次没有记账：请重新运行")
