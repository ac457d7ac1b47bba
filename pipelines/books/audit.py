"""Does the ledger still say what it said: balance, numbers, seals of closed months.

Belongs here: looks over posted lines that anybody may repeat. Does not belong here: whether business is right.
"""

from __future__ import annotations

import polars as pl

from pipelines.books import closing
from pipelines.books.vouchers import VOUCHER

_SERIES = ("canteen_id", "account_set", "biz_month")


def problems(lines: pl.DataFrame, periods: pl.DataFrame) -> list[str]:
    """What is wrong, one sentence each; nothing in a sound ledger.

    Args:
        lines: All posted lines of the months looked at.
        periods: Closed months among them, columns of ``BOOK_PERIOD``.
    """
    sums = lines.group_by("canteen_id", "biz_month", *VOUCHER).agg(pl.col("debit_yuan", "credit_yuan").sum())
    numbers = (
        lines.group_by(_SERIES)
        .agg(last=pl.col("_voucher_no").max(), first=pl.col("_voucher_no").min(), used=pl.col("_voucher_no").n_unique(),
             vouchers=pl.struct(VOUCHER).n_unique())
        .filter((pl.col("first") != 1) | (pl.col("last") != pl.col("used")) | (pl.col("used") != pl.col("vouchers")))
    )  # fmt: skip
    seals = (
        periods.join(closing.sealed(lines), on=list(_SERIES), how="left", suffix="_now")
        .filter(pl.col("seal") != pl.col("seal_now").fill_null("0"))
        .sort("canteen_id", "biz_month")
    )
    off = sums.filter(pl.col("debit_yuan") != pl.col("credit_yuan")).sort(VOUCHER)
    return [
        *(
            f"食堂 {c}（{m}）凭证 {e} 借贷不等"
            for c, m, e in off.select("canteen_id", "biz_month", "event_id").rows()
        ),
        *(f"食堂 {c}（{m}，{s}）凭证号不连续" for c, s, m in numbers.select(_SERIES).sort(_SERIES).rows()),
        *(f"食堂 {c}（{m}）结账后有改动" for c, m in seals.select("canteen_id", "biz_month").rows()),
    ]
