"""Business events: what the books post.

Belongs here: the columns of an event, which kinds move stock, what must hold before one is posted, and the hash
of its content. Does not belong here: making events of silver feeds (``pipelines.books.sources``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import duckdb
import polars as pl

from warehouse import vocabulary
from warehouse.errors import Permanent

EVENT: Final[dict[str, pl.DataType]] = {
    "event_id": pl.String(),
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "event_kind": pl.String(),
    "detail_kind": pl.String(),
    "account_kind": pl.String(),
    "payment_method": pl.String(),
    "amount_yuan": pl.Decimal(18, 2),
    "qty": pl.Decimal(18, 3),
    "ingredient_id": pl.String(),
    "category": pl.String(),
    "supplier_uscc": pl.String(),
    "source_feed": pl.String(),
    "source_record_no": pl.String(),
}
"""Columns of events. ``qty`` (base unit, above zero), ``ingredient_id`` and ``category`` are of stock alone;
``amount_yuan`` is null where the books themselves find the value (``OUT``). A blank ``payment_method`` is the bank.
A negative amount is posted in red on the same sides."""

IN: Final = ("goods_accepted",)
OUT: Final = ("issue_to_kitchen", "issue_return", "loss")
BACK: Final = ("supplier_return",)
CARRYING: Final = ("month_end", "year_end")
"""Kinds that only the end of a month posts (``pipelines.books.closing``)."""
_OPENING_STOCK: Final = (pl.col("event_kind") == "opening") & (pl.col("detail_kind") == "stock")
MOVES_STOCK: Final = pl.col("event_kind").is_in([*IN, *OUT, *BACK]) | _OPENING_STOCK
VALUED: Final = pl.col("event_kind").is_in(list(OUT))
_HASHED: Final = [name for name in EVENT if name not in ("event_id", "source_feed", "source_record_no")]


@dataclass(frozen=True)
class Scope:
    """The events that a caller says it hands over in full; what was posted of them and is gone is taken back.

    Attributes:
        days: Days of events that move no stock; ``None`` means every day.
        stock_from: Events that move stock are complete from this first day of a month on, because a
            value depends on all moves of a month and on the months before it; ``None`` means from ever.
    """

    days: frozenset[dt.date] | None = None
    stock_from: dt.date | None = None

    def __post_init__(self) -> None:
        """Stock is valued month by month."""
        if self.stock_from is not None and self.stock_from.day != 1:
            raise Permanent(f"库存业务须从某月1日起提交，而不是 {self.stock_from}")

    @property
    def first(self) -> dt.date | None:
        """Earliest day that the scope reaches; ``None`` means from ever."""
        if self.days is None or self.stock_from is None:
            return None
        return min([*self.days, self.stock_from])

    def covers(self, day: str) -> pl.Expr:
        """Whether an event, or a line posted for it, is in the scope.

        Args:
            day: Column with the day of the event.
        """
        stock, money = MOVES_STOCK, ~MOVES_STOCK
        if self.stock_from is not None:
            stock = stock & (pl.col(day) >= self.stock_from)
        if self.days is not None:
            money = money & pl.col(day).is_in(sorted(self.days))
        return stock | money


def checked(events: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Events with their exact columns, sorted by id.

    Args:
        events: Columns of ``EVENT``.
        scope: What the caller hands over in full.

    Raises:
        Permanent: An event cannot be posted; the message names the first one and says what to put right.
    """
    typed = events.select(pl.col(name).cast(dtype) for name, dtype in EVENT.items()).sort("event_id")
    blank = pl.col("detail_kind", "account_kind", "payment_method").fill_null("")
    typed = typed.with_columns(blank)
    needed = ("event_id", "canteen_id", "biz_date", "event_kind")
    kinds = [kind for kind in vocabulary.BOOK_EVENTS if kind not in CARRYING]
    sound = {
        "编号、食堂、日期或类别为空": pl.all_horizontal(pl.col(needed).is_not_null()),
        "编号重复": ~pl.col("event_id").is_duplicated(),
        "类别不能记账": pl.col("event_kind").is_in(kinds),
        "账别不认识": pl.col("account_kind").is_in(list(vocabulary.ACCOUNT_KINDS)),
        "结算方式不认识": pl.col("payment_method").is_in(["", *vocabulary.SETTLING_METHODS]),
        "缺少金额": VALUED | pl.col("amount_yuan").is_not_null(),
        "库存业务缺少食材或数量": ~MOVES_STOCK
        | ((pl.col("qty") > 0) & pl.col("ingredient_id").is_not_null()),
        "不在本次提交的范围内": scope.covers("biz_date"),
    }
    for what, holds in sound.items():
        wrong = typed.filter(~holds.fill_null(value=False))
        if wrong.height:
            name, canteen, day, kind = wrong.select(needed).row(0)
            raise Permanent(
                f"业务 {name}（食堂 {canteen}，{day}，{kind}）{what}，共 {wrong.height} 笔：更正后重新提交"
            )
    return typed


def with_hash(events: pl.DataFrame) -> pl.DataFrame:
    """Add ``content_hash``: equal for two versions of an event exactly if they are posted alike."""
    text = pl.concat_str(
        [pl.col(name).cast(pl.String).fill_null("\x00") for name in _HASHED], separator="\x1f"
    )
    contents = events.select(content=text)
    with duckdb.connect() as connection:
        connection.register("contents", contents.with_row_index("place").to_arrow())
        hashes = connection.execute("select md5(content) as content_hash from contents order by place").pl()
    return events.with_columns(hashes["content_hash"])
