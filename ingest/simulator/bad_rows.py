"""Single rows that break the contract, as clerks mistype them.

Belongs here: how one text row is spoilt. A spoilt meal is the meal's only record; spoilt goods are
lines that were entered again rightly, so that goods do not vanish with them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

# feed -> (column, what is typed, what is wrong)
_SLIPS: Final = {
    "purchase": (
        ("unit", "箱", "计量单位无法识别"),
        ("amount_yuan", "99999.99", "金额与数量×单价不符"),
        ("accepted_qty", "-5.000", "数量为负"),
        ("biz_date", "2026-13-05", "日期不存在"),
    ),
    "stock_move": (
        ("unit", "筐", "计量单位无法识别"),
        ("qty", "-3.000", "数量为负"),
        ("biz_date", "2026-02-30", "日期不存在"),
    ),
    "consumption": (
        ("amount_yuan", "-8.00", "金额为负"),
        ("biz_date", "2026-02-30", "日期不存在"),
        ("portions", "-1", "份数为负"),
    ),
}


def split(feed: str, frame: pl.DataFrame, canteen: int, variant: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows that stay, the one row that will be spoilt) of a canteen's day; no row to spoil: all stay."""
    mine = frame.filter(pl.col("c") == canteen)
    if mine.height < 3:
        return frame, frame.clear()
    row = mine.slice(variant % mine.height, 1)
    if feed == "consumption":
        rest = frame.filter((pl.col("c") != canteen) | (pl.col("seq") != row["seq"][0]))
        return rest, row
    return frame, row.with_columns(mine.select(pl.col("seq").max() + 1).to_series())


def spoil(feed: str, row: pl.DataFrame, variant: int) -> tuple[pl.DataFrame, str]:
    """The text row with one value mistyped, and what is wrong with it."""
    column, typed, note = _SLIPS[feed][variant % len(_SLIPS[feed])]
    return row.with_columns(pl.lit(typed).alias(column)), note
