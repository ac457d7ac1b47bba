"""Suite of the monthly public disclosure form."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import Check, Suite, lag_days, number, on_time, own_record_numbers
from warehouse import vocabulary

_IS_RESULT: Final = pl.col("line_code") == "result"
_IS_INCOME: Final = pl.col("line_code") == "income"
_FORM: Final = pl.struct("canteen_id", "biz_date").n_unique()

DISCLOSURE_LINE: Final = Suite(
    "disclosure_line",
    rows=(
        own_record_numbers(),
        on_time(31),
        Check("between", "days_to_month_end", "业务日期为当月最后一天", low=0, high=0),
        Check("between", "ytd_over_month", "本年累计不小于本月（结余除外）", tolerated=0.01, low=0),
        Check(
            "between", "income_yuan", "当月伙食费收入在1元—500万元之间", tolerated=0.05, low=1, high=5_000_000
        ),
    ),
    derived={
        "lag_days": lag_days(),
        "days_to_month_end": (pl.col("biz_date").dt.month_end() - pl.col("biz_date")).dt.total_days(),
        "ytd_over_month": pl.when(~_IS_RESULT).then(number("ytd_yuan") - number("month_yuan")),
        "income_yuan": pl.when(_IS_INCOME).then(number("month_yuan")),
    },
    profile=(
        Check(
            "between",
            "lines_per_form",
            "每张表各项目齐全",
            low=len(vocabulary.FORM_LINES),
            high=len(vocabulary.FORM_LINES),
        ),
        Check(
            "between",
            "zero_lines_per_form",
            "每张表填零的项目不超过一半",
            low=0,
            high=len(vocabulary.FORM_LINES) / 2,
        ),
    ),
    measures={
        "lines_per_form": pl.struct("canteen_id", "biz_date", "line_code").n_unique() / _FORM,
        "zero_lines_per_form": (number("month_yuan") == 0).sum() / _FORM,
    },
)

SUITES: Final = (DISCLOSURE_LINE,)
