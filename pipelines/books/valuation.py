"""What goods that leave the store room cost: month-end weighted average, or batch by batch, first in first out.

Belongs here: the value of each issue, loss and return to stock, and what is left at each month's end. Values are
whole cents and quantities whole thousandths, so nothing is lost: what came in is what went out and what is left.

A stock is a row of batches (value, quantity), oldest first; weighted average is the case of one batch. The value
of the first q units is a function F(q): whole batches, and of the batch that q ends in its share, rounded to the
cent. The k-th issue of a month costs F(Q_k) - F(Q_k-1), Q being what was issued so far, so that the cents that
rounding leaves over fall to the next issue, and an emptied stock is worth exactly nothing. Goods sent back to the
supplier leave the newest batches at the supplier's price. What is issued beyond the stock has no value: it is
listed, and a purchase that arrives later gives it one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.books.events import BACK, OUT
from pipelines.books.reference import Reference
from warehouse.tables import BOOK_STOCK

_KEY: Final = ("canteen_id", "account_kind", "ingredient_id")
_AGE: Final = ("layer_date", "layer_id")


@dataclass(frozen=True)
class Valued:
    """Stock events with their values.

    Attributes:
        events: Columns of ``EVENT``, values in ``amount_yuan``; ``qty`` is what the stock could give.
        layers: Columns of ``BOOK_STOCK`` for each month's end from the first month on.
        ends: Those month ends, also where nothing was left.
        short: event_id, canteen_id, biz_date, ingredient_id, qty: what was issued beyond the stock.
    """

    events: pl.DataFrame
    layers: pl.DataFrame
    ends: tuple[dt.date, ...]
    short: pl.DataFrame


def value(
    moves: pl.DataFrame, opening: pl.DataFrame, reference: Reference, *, first: dt.date, as_of: dt.date
) -> Valued:
    """Value stock events, month after month.

    Args:
        moves: All events that move stock from ``first`` on, columns of ``EVENT``.
        opening: Columns of ``BOOK_STOCK``: what was in stock before ``first``.
        reference: Says which canteen uses which method.
        first: First day of a month.
        as_of: Day of the night. Weighted average has no value before the month is over: the issues of such
            a month are left out.
    """
    held = opening.select(*_KEY, *_AGE, cents=_whole("amount_yuan", 100), milli=_whole("qty", 1000))
    events, layers, short, ends = [moves.clear()], [pl.DataFrame(schema=BOOK_STOCK)], [], []
    latest = moves["biz_date"].max()
    for month, end in _months(first, max(as_of, latest) if isinstance(latest, dt.date) else as_of):
        rows = _month(moves.filter(pl.col("biz_date").is_between(month, end)), held, reference, month)
        over = end < as_of
        events.append(rows.events if over else rows.events.filter(~rows.waiting))
        short.append(rows.short if over else rows.short.clear())
        held = rows.left
        if over:
            ends.append(end)
            layers.append(_stored(held, end))
    return Valued(pl.concat(events), pl.concat(layers), tuple(ends), pl.concat(short))


def _months(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """First and last day of each month from one day to another."""
    while first <= last:
        following = (first + dt.timedelta(days=31)).replace(day=1)
        yield first, following - dt.timedelta(days=1)
        first = following


@dataclass(frozen=True)
class _Month:
    events: pl.DataFrame
    waiting: pl.Series
    short: pl.DataFrame
    left: pl.DataFrame


def _month(moves: pl.DataFrame, held: pl.DataFrame, reference: Reference, month: dt.date) -> _Month:
    """One month: what came, what was sent back, what left for the kitchen, what is left."""
    canteens = pl.concat([moves.select("canteen_id"), held.select("canteen_id")]).unique()
    books = reference.books_of(canteens.with_columns(month=pl.lit(month)), "month")
    averaged = pl.col("canteen_id").is_in(
        books.filter(pl.col("stock_method") == "weighted_average")["canteen_id"].to_list()
    )
    is_out, is_back = pl.col("event_kind").is_in(list(OUT)), pl.col("event_kind").is_in(list(BACK))
    came = moves.filter(~is_out & ~is_back).select(
        *_KEY,
        layer_date="biz_date",
        layer_id="event_id",
        cents=_whole("amount_yuan", 100),
        milli=_whole("qty", 1000),
    )
    batches = pl.concat([held, came]).sort(*_KEY, *_AGE)
    back = _limited(moves.filter(is_back), batches)
    batches = _pooled(_without_empty(_sent_back(batches, back)), averaged)
    outs = _priced(_limited(moves.filter(is_out), batches), batches)
    events = pl.concat([moves.filter(~is_out & ~is_back), _told(back, moves), _told(outs, moves)])
    beyond = ["event_id", "canteen_id", "biz_date", "ingredient_id", "missing"]
    missing = pl.concat([back.select(beyond), outs.select(beyond)]).filter(pl.col("missing") > 0)
    return _Month(
        events,
        events.select(is_out & averaged).to_series(),
        missing.select(*beyond[:-1], qty=_decimal("missing", 3)),
        _left(batches, outs),
    )


def _whole(column: str, factor: int) -> pl.Expr:
    return (pl.col(column) * factor).cast(pl.Int64)


def _decimal(column: str, scale: int) -> pl.Expr:
    return (pl.col(column).cast(pl.Decimal(38, scale)) / int(10**scale)).cast(pl.Decimal(18, scale))


def _share(part: pl.Expr) -> pl.Expr:
    """The share of a batch's value that a part of its quantity has, rounded half away from zero to the cent."""
    twice: pl.Expr = pl.col("milli").cast(pl.Int128) * 2
    share: pl.Expr = (pl.col("cents").abs().cast(pl.Int128) * part * 2 + pl.col("milli")) // twice
    return share.cast(pl.Int64) * pl.col("cents").sign()


def _limited(moves: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """Moves out in their order, with the stretch ``begin`` to ``reached`` of the stock that each takes.

    Returns to stock come last and give back what was issued before them, no more.
    """
    comes_back = pl.col("event_kind") == "issue_return"
    stock = batches.group_by(_KEY).agg(stock=pl.col("milli").sum())
    return (
        moves.join(stock, on=_KEY, how="left")
        .with_columns(
            wanted=_whole("qty", 1000) * pl.when(comes_back).then(-1).otherwise(1), later=comes_back
        )
        .sort(*_KEY, "later", "biz_date", "event_id")
        .with_columns(reached=pl.col("wanted").cum_sum().over(_KEY).clip(0, pl.col("stock").fill_null(0)))
        .with_columns(begin=pl.col("reached").shift(1, fill_value=0).over(_KEY))
        .with_columns(milli=(pl.col("reached") - pl.col("begin")).abs())
        .with_columns(missing=_whole("qty", 1000) - pl.col("milli"))
    )


def _sent_back(batches: pl.DataFrame, back: pl.DataFrame) -> pl.DataFrame:
    """Take goods sent back out of the newest batches; the stock loses what the supplier takes off the bill.

    Where that differs from what the batches say, the newest batch that is left bears it.
    """
    if back.is_empty():
        return batches
    sums = back.group_by(_KEY).agg(
        sent=pl.col("milli").sum(),
        bill=_whole("amount_yuan", 100).sum(),
        layer_date=pl.col("biz_date").max(),
        layer_id=pl.col("event_id").max(),
    )
    newer = pl.col("milli").cum_sum(reverse=True).over(_KEY) - pl.col("milli")
    gone = (pl.col("sent").fill_null(0) - newer).clip(0, pl.col("milli"))
    cut = (
        batches.join(sums.select(*_KEY, "sent"), on=_KEY, how="left", maintain_order="left")
        .with_columns(gone=gone)
        .with_columns(worth=pl.when(pl.col("gone") > 0).then(_share(pl.col("gone"))).otherwise(0))
    )
    worth = cut.group_by(_KEY).agg(pl.col("worth").sum())
    rest = sums.join(worth, on=_KEY, how="left").select(
        *_KEY, *_AGE, cents=pl.col("worth").fill_null(0) - pl.col("bill"), milli=pl.lit(0, pl.Int64)
    )
    kept = cut.select(*_KEY, *_AGE, pl.col("cents") - pl.col("worth"), pl.col("milli") - pl.col("gone"))
    return pl.concat([kept, rest]).sort(*_KEY, *_AGE)


def _without_empty(batches: pl.DataFrame) -> pl.DataFrame:
    """Batches in order, the value of those without quantity on the last that has one, if any."""
    full = pl.col("milli") > 0
    stray = pl.col("cents").filter(~full).sum().over(_KEY)
    last = full & (full.cum_sum(reverse=True).over(_KEY) == 1)
    some = full.any().over(_KEY)
    first = pl.int_range(pl.len()).over(_KEY) == 0
    return (
        batches.with_columns(
            cents=pl.when(last)
            .then(pl.col("cents") + stray)
            .when(full)
            .then("cents")
            .when(~some & first)
            .then(stray)
            .otherwise(0)
        )
        .filter(full | (pl.col("cents") != 0))
        .select(batches.columns)
    )


def _pooled(batches: pl.DataFrame, averaged: pl.Expr) -> pl.DataFrame:
    """The batches of canteens that average, each item's made one; the others as they are."""
    pool = (
        batches.filter(averaged)
        .group_by(_KEY, maintain_order=True)
        .agg(pl.col(_AGE).first(), pl.col("cents", "milli").sum())
    )
    return pl.concat([pool, batches.filter(~averaged)]).sort(*_KEY, *_AGE)


def _priced(outs: pl.DataFrame, batches: pl.DataFrame) -> pl.DataFrame:
    """Add ``cents``, the value of each stretch: F(reached) - F(begin)."""
    before = pl.col("cents", "milli").cum_sum().over(_KEY) - pl.col("cents", "milli")
    steps = batches.with_columns(before.name.prefix("before_")).sort("before_milli", maintain_order=True)
    points = outs.select(*_KEY, "event_id", "reached").sort("reached")
    worth = points.join_asof(
        steps.drop(_AGE),
        left_on="reached",
        right_on="before_milli",
        by=list(_KEY),
        strategy="backward",
        check_sortedness=False,
    ).select(
        "event_id",
        worth=pl.when(pl.col("milli") > 0)
        .then(pl.col("before_cents") + _share(pl.col("reached") - pl.col("before_milli")))
        .otherwise(0),
    )
    return (
        outs.drop("milli")
        .join(worth, on="event_id", how="left", maintain_order="left")
        .with_columns(pl.col("worth").fill_null(0))
        .with_columns(
            cents=(pl.col("worth") - pl.col("worth").shift(1, fill_value=0).over(_KEY))
            * pl.when("later").then(-1).otherwise(1),
            milli=(pl.col("reached") - pl.col("begin")).abs(),
        )
    )


def _told(rows: pl.DataFrame, moves: pl.DataFrame) -> pl.DataFrame:
    """Moves as events again, with what the stock gave."""
    amount = _decimal("cents", 2) if "cents" in rows.columns else pl.col("amount_yuan")
    return rows.with_columns(qty=_decimal("milli", 3), amount_yuan=amount).select(moves.columns)


def _left(batches: pl.DataFrame, outs: pl.DataFrame) -> pl.DataFrame:
    """What is left of the batches."""
    used = outs.group_by(_KEY).agg(used=pl.col("reached").sum() - pl.col("begin").sum())
    before = pl.col("milli").cum_sum().over(_KEY) - pl.col("milli")
    gone = (pl.col("used").fill_null(0) - before).clip(0, pl.col("milli"))
    return (
        batches.join(used, on=_KEY, how="left", maintain_order="left")
        .with_columns(gone=gone)
        .with_columns(
            cents=pl.col("cents") - pl.when(pl.col("gone") > 0).then(_share(pl.col("gone"))).otherwise(0),
            milli=pl.col("milli") - pl.col("gone"),
        )
        .filter((pl.col("milli") > 0) | (pl.col("cents") != 0))
        .select(batches.columns)
    )


def _stored(held: pl.DataFrame, end: dt.date) -> pl.DataFrame:
    return held.select(
        "canteen_id",
        "account_kind",
        "ingredient_id",
        *_AGE,
        biz_date=pl.lit(end),
        qty=_decimal("milli", 3),
        amount_yuan=_decimal("cents", 2),
        biz_month=pl.lit(f"{end:%Y-%m}"),
    ).select(pl.col(name).cast(dtype) for name, dtype in BOOK_STOCK.items())
