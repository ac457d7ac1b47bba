"""Vouchers: sets of lines that cannot exist unless they balance.

Belongs here: what must hold of any voucher that is posted. Does not belong here: what is posted and when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.books.reference import Reference
from warehouse.errors import Permanent
from warehouse.tables import POSTED_VOUCHER

VOUCHER: Final = ("event_id", "_version")
"""Columns that name a voucher."""


@dataclass(frozen=True)
class Vouchers:
    """Lines of vouchers to post, checked when the object is made.

    Attributes:
        lines: Columns of ``POSTED_VOUCHER``.
        reference: Holds the accounts that lines may name.
        closed: canteen_id, closed (last closed month): months that take no more lines.

    Raises:
        Permanent: A voucher does not balance, has a line with both sides or none, names an account that is
            unknown, not at the bottom of the chart or not valid that day, or stands in a closed month.
    """

    lines: pl.DataFrame
    reference: Reference
    closed: pl.DataFrame

    def __post_init__(self) -> None:
        """Check every voucher."""
        object.__setattr__(
            self,
            "lines",
            self.lines.select(pl.col(name).cast(dtype) for name, dtype in POSTED_VOUCHER.items()),
        )
        both = self.lines.filter((pl.col("debit_yuan") == 0) == (pl.col("credit_yuan") == 0))
        self._refuse(both, "有一行分录借贷两方都有金额或都没有：把借、贷分成两行")
        sums = self.lines.group_by(VOUCHER).agg(
            pl.col("canteen_id", "biz_month", "event_kind").first(),
            pl.col("debit_yuan", "credit_yuan").sum(),
            lines=pl.len(),
            places=pl.struct("canteen_id", "account_set", "biz_date").n_unique(),
        )
        off = sums.filter((pl.col("debit_yuan") != pl.col("credit_yuan")) | (pl.col("lines") < 2))
        if off.height:
            debit, credit = off.select("debit_yuan", "credit_yuan").row(0)
            self._refuse(off, f"借方 {debit} 不等于贷方 {credit}：更正业务金额或分录模板")
        self._refuse(sums.filter(pl.col("places") > 1), "分录分属不同食堂、账套或日期")
        leaves = self.reference.accounts.filter("is_leaf").select(
            "account_set", "account_code", "valid_from", "valid_to"
        )
        named = self.lines.join(leaves, on=["account_set", "account_code"], how="left")
        known = pl.col("biz_date").is_between("valid_from", "valid_to")
        self._refuse(named.filter(~known.fill_null(value=False)), "所用科目不存在、不是明细科目或当日未启用")
        late = self.lines.join(self.closed, on="canteen_id").filter(pl.col("biz_month") <= pl.col("closed"))
        self._refuse(late, "所在月份已经结账：更正记入未结账的月份")

    def _refuse(self, wrong: pl.DataFrame, what: str) -> None:
        if wrong.height:
            event, version, canteen, month, kind = wrong.select(
                *VOUCHER, "canteen_id", "biz_month", "event_kind"
            ).row(0)
            raise Permanent(f"凭证 {event} 第 {version} 版（食堂 {canteen}，{month}，{kind}）{what}")
