"""What a night has to post: new events, corrections as reversals, numbers without gaps.

Belongs here: the comparison of events with what stands in the ledger, the day and the number of each voucher.
Everything is a function of its arguments. Does not belong here: reading and writing (``pipelines.books.ledger``).

An event that stands in the ledger with the same content is never posted again. One that changed or was withdrawn
is reversed in red and, if it still exists, posted anew. A voucher has the day of its event while that month is
open, else the first day of the first open month.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.books import events as ev
from pipelines.books import templates, valuation
from pipelines.books.events import CARRYING, MOVES_STOCK, Scope
from pipelines.books.reference import Reference
from pipelines.books.vouchers import VOUCHER, Vouchers
from warehouse.tables import POSTED_VOUCHER
from warehouse.vocabulary import BOOK_EVENTS

_SERIES: Final = ("canteen_id", "account_set", "biz_month")
_ORDER: Final = {kind: place for place, kind in enumerate(BOOK_EVENTS)}


@dataclass(frozen=True)
class Batch:
    """What one run posts.

    Attributes:
        vouchers: New vouchers, checked.
        layers: Stock at the ends of the months that the run valued, columns of ``BOOK_STOCK``.
        ends: Those month ends, also where nothing was left.
        short: What was issued or sent back beyond the stock (``pipelines.books.valuation``).
        posted: Vouchers of events among them.
        reversed: Reversals among them.
    """

    vouchers: Vouchers
    layers: pl.DataFrame
    ends: tuple[dt.date, ...]
    short: pl.DataFrame
    posted: int
    reversed: int


def plan(
    events: pl.DataFrame,
    posted: pl.DataFrame,
    closed: pl.DataFrame,
    opening: pl.DataFrame,
    reference: Reference,
    *,
    as_of: dt.date,
    scope: Scope,
) -> Batch:
    """Compare events with the ledger.

    Args:
        events: Columns of ``EVENT``: all that exist within the scope.
        posted: Columns of ``POSTED_VOUCHER`` from the month of the scope's first day on.
        closed: canteen_id, closed (last closed month).
        opening: Columns of ``BOOK_STOCK``: the stock before the scope's ``stock_from``.
        reference: Accounts, templates, policy.
        as_of: Day of the night.
        scope: What ``events`` holds in full.

    Raises:
        Permanent: An event cannot be posted, or a voucher cannot exist.
    """
    wanted, valued = _wanted(ev.checked(events, scope), opening, reference, as_of=as_of, scope=scope)
    versions, standing = _standing(posted)
    mine = scope.covers("event_date") | pl.col("event_id").is_in(wanted["event_id"].implode())
    gone = standing.filter(mine).join(wanted, on=["event_id", "content_hash"], how="anti")
    kept = standing.join(wanted, on=["event_id", "content_hash"], how="semi")
    fresh = wanted.join(kept, on="event_id", how="anti")
    made = _made(fresh, versions, gone, closed, reference)
    back = _reversals(posted, gone, closed)
    lines = numbered(pl.concat([back, made]).with_columns(_posted_on=pl.lit(as_of)), posted)
    return Batch(
        Vouchers(lines, reference, closed),
        valued.layers,
        valued.ends,
        valued.short,
        fresh.height,
        gone.height,
    )


def _wanted(
    events: pl.DataFrame, opening: pl.DataFrame, reference: Reference, *, as_of: dt.date, scope: Scope
) -> tuple[pl.DataFrame, valuation.Valued]:
    """What should stand in the ledger: events with values, other than nothing, and their hashes."""
    moves = events.filter(MOVES_STOCK)
    earliest = moves["biz_date"].min()
    first = scope.stock_from or (earliest if isinstance(earliest, dt.date) else as_of)
    valued = valuation.value(moves, opening, reference, first=first.replace(day=1), as_of=as_of)
    wanted = pl.concat([events.filter(~MOVES_STOCK), valued.events]).filter(pl.col("amount_yuan") != 0)
    return ev.with_hash(wanted), valued


def _standing(posted: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The last version of each event, and the events whose last version is no reversal."""
    last = (
        posted.filter(pl.col("line_no") == 1, ~pl.col("event_kind").is_in(list(CARRYING)))
        .sort("event_id", "_version")
        .unique("event_id", keep="last", maintain_order=True)
        .select("event_id", "content_hash", "event_date", "event_kind", "detail_kind", "is_red", "_version")
    )
    return last.select("event_id", "_version"), last.filter(~pl.col("is_red"))


def _made(
    fresh: pl.DataFrame,
    versions: pl.DataFrame,
    gone: pl.DataFrame,
    closed: pl.DataFrame,
    reference: Reference,
) -> pl.DataFrame:
    """Lines of new vouchers."""
    last = versions.with_columns(reversal=pl.col("event_id").is_in(gone["event_id"].implode()).cast(pl.Int64))
    placed = reference.books_of(fresh, "biz_date").join(last, on="event_id", how="left")
    made = templates.lines(placed, reference).with_columns(
        event_date="biz_date",
        is_red=pl.lit(value=False),
        _version=pl.col("_version").fill_null(0) + pl.col("reversal").fill_null(0) + 1,
        _reverses=pl.lit(None, pl.Int64),
    )
    return _dated(made, closed)


def _reversals(posted: pl.DataFrame, gone: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Lines that cancel vouchers: the same sides, negative amounts."""
    back = posted.join(gone, on=list(VOUCHER), how="semi").with_columns(
        -pl.col("debit_yuan", "credit_yuan", "qty"),
        is_red=pl.lit(value=True),
        _reverses=pl.col("_version"),
        _version=pl.col("_version") + 1,
    )
    return _dated(back, closed)


def _dated(lines: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Move lines of closed months to the first open day; columns of the ledger but for run columns."""
    first_open = pl.concat_str("closed", pl.lit("-01")).str.to_date().dt.offset_by("1mo")
    moved = lines.join(closed.select("canteen_id", first_open=first_open), on="canteen_id", how="left")
    dated = moved.with_columns(biz_date=pl.max_horizontal("biz_date", "first_open"))
    return with_month(
        dated.with_columns(_voucher_no=pl.lit(None, pl.Int64), _posted_on=pl.lit(None, pl.Date))
    )


def with_month(lines: pl.DataFrame) -> pl.DataFrame:
    """The ledger's columns, the month taken from the day of the voucher."""
    return lines.with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m")).select(
        pl.col(name).cast(dtype) for name, dtype in POSTED_VOUCHER.items()
    )


def numbered(lines: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """Give each voucher the next number of its canteen, account set and month.

    Args:
        lines: New lines.
        posted: What the ledger holds of the same months.
    """
    taken = posted.group_by(_SERIES).agg(taken=pl.col("_voucher_no").max())
    place = pl.col("event_kind").replace_strict(_ORDER, return_dtype=pl.Int64)
    numbers = (
        lines.select(*_SERIES, *VOUCHER, "biz_date", place=place)
        .unique(VOUCHER)
        .sort("biz_date", "place", *VOUCHER)
        .with_columns(place=pl.int_range(1, pl.len() + 1).over(_SERIES))
        .join(taken, on=list(_SERIES), how="left")
        .select(*VOUCHER, number=pl.col("place") + pl.col("taken").fill_null(0))
    )
    return (
        lines.join(numbers, on=list(VOUCHER))
        .with_columns(_voucher_no="number")
        .sort("canteen_id", "account_set", "biz_month", "_voucher_no", "line_no")
        .drop("number")
    )
