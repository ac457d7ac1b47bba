"""Double entry of the canteens that keep books: one voucher per day and kind of business.

Belongs here: entries of money and of meals, vouchers and their numbers. Does not belong here: entries of goods
(``payables``). The accounts are those of a canteen's set: 1001 cash, 1002 bank, 1302 stock, 2202 suppliers, 2203
meal money in advance, 2241 subsidy, 3101 surplus, 4001 meals, 4002 subsidy used, 4003 other income, 5001 food, 5002
staff, 5003 power and water, 5004 management, 5005 finance. Income and expense are closed at the year's end only.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator.city import City
from ingest.simulator.streams import IntArray
from ingest.simulator.transfers import IN
from ingest.simulator.working_days import dates

BANK, STOCK, ADVANCE, SUBSIDY, SURPLUS = "1002", "1302", "2203", "2241", "3101"
MEALS, SUBSIDY_USED, FOOD, FINANCE = "4001", "4002", "5001", "5005"
# Order in which the kinds of business of a day are posted.
_ORDER: Final = ("opening", "settlement", "fund_split", "acceptance", "meals", "supplier_payment", "refund", "expense", "issue")  # fmt: skip

ENTRY: Final[dict[str, pl.DataType]] = {
    "c": pl.Int64(), "post_day": pl.Int64(), "kind": pl.String(), "code": pl.String(), "debit": pl.Int64(),
    "credit": pl.Int64(), "summary": pl.String(), "source_feed": pl.String(), "source_record_no": pl.String(),
}  # fmt: skip
"""Columns of an entry; one of ``debit`` and ``credit`` is 0, both are cents and negative on a red entry."""


def entry(frame: pl.DataFrame, **constants: Any) -> pl.DataFrame:
    """Entries from a frame that has some of the columns; what is left out is 0 or null."""
    given = {"debit": 0, "credit": 0, **constants}
    return frame.select(
        pl.col(name).cast(dtype) if name in frame.columns and name not in constants
        else pl.lit(given.get(name), dtype=dtype).alias(name)
        for name, dtype in ENTRY.items()
    )  # fmt: skip


def of_transfers(moved: pl.DataFrame) -> pl.DataFrame:
    """Entries of movements of money: the bank against the account of each, and what a channel kept."""
    booked = moved.filter("in_books").with_columns(
        pl.when(pl.col("record_no").is_not_null()).then("record_no").alias("source_record_no")
    )
    into = pl.col("into") == IN
    money, gross = pl.col("cents"), pl.col("cents") + pl.col("fee")
    bank = booked.with_columns(
        pl.when(into).then(money).otherwise(0).alias("debit"),
        pl.when(into).then(0).otherwise(money).alias("credit"),
    )
    other = booked.with_columns(
        pl.when(into).then(0).otherwise(gross).alias("debit"),
        pl.when(into).then(gross).otherwise(0).alias("credit"),
    )
    fee = booked.filter(pl.col("fee") > 0).with_columns(pl.col("fee").alias("debit"), pl.lit("渠道手续费").alias("summary"))  # fmt: skip
    return pl.concat([entry(bank, code=BANK), entry(fee, code=FINANCE), entry(other)])


def of_meals(meals: pl.DataFrame, hidden: dict[int, int], unspent: dict[int, int]) -> pl.DataFrame:
    """Entries of the meals of each day: advance money becomes income, and so does subsidy.

    Args:
        meals: Sums of days.
        hidden: Canteen -> permille of the meal income that is not booked.
        unspent: Canteen -> permille of the subsidy that is not booked as used.
    """

    def left(column: pl.Expr, permille: dict[int, int]) -> pl.Expr:
        share = pl.col("c").replace_strict(permille, default=0, return_dtype=pl.Int64)
        return column - column * share // 1000

    paid = meals.select("c", pl.col("day").alias("post_day"), left(pl.col("own") - pl.col("refunded"), hidden).alias("cents"))  # fmt: skip
    helped = meals.select(
        "c", pl.col("day").alias("post_day"), left(pl.col("subsidy"), unspent).alias("cents")
    )
    parts = []
    for frame, from_code, to_code, summary in (
        (paid, ADVANCE, MEALS, "学生就餐收入"), (helped, SUBSIDY, SUBSIDY_USED, "营养餐补助列支"),
    ):  # fmt: skip
        frame = frame.filter(pl.col("cents") > 0)
        shared = {"kind": "meals", "summary": summary, "source_feed": "consumption"}
        parts.append(entry(frame.with_columns(pl.col("cents").alias("debit")), code=from_code, **shared))
        parts.append(entry(frame.with_columns(pl.col("cents").alias("credit")), code=to_code, **shared))
    return pl.concat(parts)


def pair(
    c: list[int], day: int, cents: list[int], kind: str, debit: str, credit: str, summary: str
) -> pl.DataFrame:
    """Entries of one account against another, for several canteens on one day."""
    frame = pl.DataFrame({"c": c, "cents": cents}, schema={"c": pl.Int64, "cents": pl.Int64}).filter(pl.col("cents") != 0)  # fmt: skip
    shared = {"post_day": day, "kind": kind, "summary": summary}
    return pl.concat(
        [
            entry(frame.with_columns(pl.col("cents").alias("debit")), code=debit, **shared),
            entry(frame.with_columns(pl.col("cents").alias("credit")), code=credit, **shared),
        ]
    )


def numbered(city: City, entries: pl.DataFrame) -> pl.DataFrame:
    """Entries as voucher lines: one voucher per canteen, day and kind, numbered without gaps by month.

    Returns:
        The columns of an entry, ``month``, ``voucher_no`` and ``line_no``.
    """
    on = pl.Series("on", dates(city.life, entries["post_day"].to_numpy())).cast(pl.Date)
    ranked = entries.with_columns(
        on.dt.strftime("%Y%m").alias("month"),
        pl.col("kind")
        .replace_strict({kind: n for n, kind in enumerate(_ORDER)}, return_dtype=pl.Int64)
        .alias("rank"),
    ).sort("c", "post_day", "rank", maintain_order=True)
    first = pl.struct("c", "post_day", "rank")
    ranked = ranked.with_columns((first != first.shift()).fill_null(value=True).alias("new"))
    number = pl.col("new").cast(pl.Int64).cum_sum().over("c", "month")
    ranked = ranked.with_columns(number.alias("number"))
    return ranked.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("c", "month", "number").alias("line_no"),
        pl.concat_str("month", pl.lit("-"), pl.col("number").cast(pl.String).str.zfill(4)).alias(
            "voucher_no"
        ),
    )


def sums(entries: pl.DataFrame, city: City, *codes: str) -> IntArray:
    """(C,) debit less credit of some accounts together, cents."""
    mine = entries.filter(pl.col("code").is_in(codes))
    out = np.zeros(city.canteens, dtype=np.int64)
    np.add.at(out, mine["c"].to_numpy(), (mine["debit"] - mine["credit"]).to_numpy())
    return out
