"""The words in which a suite is written.

Belongs here: what a check, a measure and a suite are. Does not belong here: Great Expectations
(``expectations.validation``) and the suites themselves (``expectations.suites``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

from warehouse import vocabulary
from warehouse.tables import FEEDS

Kind = Literal["not_null", "between", "in_set", "unique", "matches"]

ENOUGH_ROWS: Final = 20
"""A share of fewer rows than this says nothing and is left null."""
GIVEN: Final = "已填"
MISSING: Final = "未填"


@dataclass(frozen=True)
class Check:
    """One expectation about a column.

    Attributes:
        kind: What is expected of each value; null values are only judged by ``not_null``.
        column: Column of the rows, a derived column, or a measure.
        label: What is expected, in Chinese, for a steward.
        tolerated: Share of values (0 to 1) that may be unexpected before the check fails.
        low: Smallest expected value of ``between``.
        high: Largest expected value of ``between``.
        allowed: Expected values of ``in_set``.
        pattern: Regular expression of ``matches``.
    """

    kind: Kind
    column: str
    label: str
    tolerated: float = 0.0
    low: float | None = None
    high: float | None = None
    allowed: tuple[str, ...] = ()
    pattern: str = ""


@dataclass(frozen=True)
class Suite:
    """What is expected of one feed.

    Attributes:
        feed: Feed name (``warehouse.tables.FEEDS``).
        rows: Checks of single rows.
        derived: Columns computed from the rows for ``rows`` (name -> expression).
        profile: Checks of one value per provider and arrival date.
        measures: Those values (name -> aggregation over the rows of a provider and arrival date).
        paced: Whether the feed comes every open day, so that its volume is compared with recent days.
    """

    feed: str
    rows: tuple[Check, ...]
    derived: Mapping[str, pl.Expr] = field(default_factory=dict)
    profile: tuple[Check, ...] = ()
    measures: Mapping[str, pl.Expr] = field(default_factory=dict)
    paced: bool = False

    @property
    def label(self) -> str:
        """Chinese name of the feed."""
        return FEEDS[self.feed].label

    @property
    def sample_by(self) -> tuple[str, ...]:
        """Columns that name a record: rows that share them are sampled together."""
        feed = FEEDS[self.feed]
        return ("record_no",) if "record_no" in feed.business_columns else feed.unit

    @property
    def reads(self) -> list[str]:
        """Columns of the silver table that the suite needs."""
        wanted = {check.column for check in self.rows} - set(self.derived)
        for expression in (*self.derived.values(), *self.measures.values()):
            wanted.update(expression.meta.root_names())
        wanted |= {"_provider", "_arrival_date", *self.sample_by}
        return [name for name in FEEDS[self.feed].columns if name in wanted]


def number(column: str) -> pl.Expr:
    """A decimal as a float: good enough for a score, never for money that is kept."""
    return pl.col(column).cast(pl.Float64)


def given(column: str, where: pl.Expr) -> pl.Expr:
    """Whether a column is filled in the rows that should have it; null in the others."""
    return pl.when(where).then(
        pl.when(pl.col(column).is_not_null()).then(pl.lit(GIVEN)).otherwise(pl.lit(MISSING))
    )


def share(condition: pl.Expr, among: pl.Expr | None = None) -> pl.Expr:
    """Share of rows with a condition, null where too few rows would speak.

    Args:
        condition: Boolean expression.
        among: Rows that count, all when ``None``.
    """
    base = pl.lit(value=True) if among is None else among
    hits = (condition & base).sum()
    total = pl.len() if among is None else base.sum()
    return pl.when(total >= ENOUGH_ROWS).then(hits / total)


def lag_days() -> pl.Expr:
    """Freshness: days from the business date to the arrival."""
    return (pl.col("_arrival_date") - pl.col("biz_date")).dt.total_days()


def base_factor() -> pl.Expr:
    """Kilograms, litres or pieces in one unit of the row; 1 where the provider's own list holds the unit."""
    factors = vocabulary.UNIT_FACTORS
    return pl.col("unit").replace_strict(
        list(factors), [float(factor) for factor in factors.values()], default=1.0, return_dtype=pl.Float64
    )


def own_record_numbers() -> Check:
    """Record numbers name one row per provider and arrival."""
    return Check("unique", "record_no", "同一批到达的记录号不重复")


def on_time(days: int, tolerated: float = 0.1) -> Check:
    """Most rows arrive within some days of their business date, none before it."""
    return Check("between", "lag_days", f"业务日期后{days}天内送达", tolerated=tolerated, low=0, high=days)


def volume() -> Iterable[Check]:
    """Bands of a feed's volume against the provider's own recent deliveries (``frames.pace``)."""
    yield Check("between", "rows_vs_recent", "每食堂每日行数与近30天中位数之比在0.5—2倍之间", low=0.5, high=2)
    yield Check(
        "between", "canteens_vs_recent", "报送食堂数不少于近30天中位数的七成，不多于1.5倍", low=0.7, high=1.5
    )
