"""The verdicts that the delivered records add up to, beside what truly happened.

Belongs here: docs/explanation/red_line.md from costs to verdicts, reckoned in whole cents from the
journal as of an arrival date. Shares no code with what it judges.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import ledger
from ingest.simulator.city import City
from ingest.simulator.forms import LINES, month_end
from ingest.simulator.journal import Journal
from ingest.simulator.service import Service
from ingest.simulator.streams import BoolArray, IntArray, half_up

SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "as_of": pl.Date, "canteen_id": pl.String, "period_kind": pl.String, "period_start": pl.Date,
    "period_end": pl.Date, "definition": pl.String, "reported_cost_yuan": pl.Decimal(18, 2),
    "reported_income_yuan": pl.Decimal(18, 2), "reported_ratio": pl.Decimal(18, 6), "actual_cost_yuan": pl.Decimal(18, 2),
    "actual_income_yuan": pl.Decimal(18, 2), "actual_ratio": pl.Decimal(18, 6), "verdict": pl.String,
    "unknown_reason": pl.String,
}  # fmt: skip
_COVERAGE, _STALE_DAYS, _QUARANTINED, _BAND, _FORM_DUE = 98, 35, 2, 2, 15
_CLOSED_AFTER, _UNEXPLAINED = timedelta(20), 2
_FORMS: Final = {
    "form_without_other": ("dishes", "rice_oil", "condiments"),
    "form_with_other": ("dishes", "rice_oil", "condiments", "other_materials"),
}


@dataclass(frozen=True)
class Period:
    """One period that ends on a day."""

    kind: str
    start: date
    end: date


class Reckoning:
    """Everything that had arrived by a day, as (day, canteen) arrays from the eve of the city's life on."""

    def __init__(self, city: City, service: Service, journal: Journal, as_of: date) -> None:
        self.city, self.service, self.as_of = city, service, as_of
        self.eve = city.life - timedelta(1)
        money = journal.money(as_of)
        eaten = money.filter(pl.col("eaten")) if money.height else money
        self.last: date | None = eaten["day"].max() if eaten.height else None  # type: ignore[assignment]
        if self.last is None:
            return
        self._size = (self.last - self.eve).days + 1
        inside = money.filter(pl.col("day") <= self.last)
        self.income = self._grid(inside, "cents")
        self.pupil_rows = self._grid(inside, "pupil_rows")
        self.rows = self._grid(inside, "rows")
        self._supply(journal.supply(as_of))
        self.quarantined = np.zeros_like(self.income)
        canteens, days = journal.refused(as_of)
        for c, day in zip(canteens.tolist(), days, strict=True):
            if day <= self.last:
                self.quarantined[(day - self.eve).days, c] += 1
        self.forms = self._form_sums(journal.forms(as_of))

    def _offset(self, frame: pl.DataFrame) -> IntArray:
        return (
            frame.select((pl.col("day") - self.eve).dt.total_days()).to_series().to_numpy().astype(np.int64)
        )

    def _grid(self, frame: pl.DataFrame, column: str) -> IntArray:
        out = np.zeros((self._size, self.city.canteens), dtype=np.int64)
        np.add.at(out, (self._offset(frame), frame["c"].to_numpy()), frame[column].to_numpy())
        return out

    def _supply(self, supply: pl.DataFrame) -> None:
        assert self.last is not None  # noqa: S101
        book = ledger.Ledger(self.city.canteens)
        supply = supply.filter(pl.col("day") <= self.last)
        offset, c, feed = self._offset(supply), supply["c"].to_numpy(), supply["feed"].to_numpy()
        edges = np.searchsorted(offset, np.arange(self._size + 1))
        self.stock = np.zeros((self._size, self.city.canteens), dtype=np.int64)
        self.bought = np.zeros_like(self.stock)
        for n in range(self._size):
            if edges[n + 1] > edges[n]:
                rows = supply.slice(int(edges[n]), int(edges[n + 1] - edges[n]))
                self.bought[n] = book.step(self.eve + timedelta(n), rows).sum(axis=1)
            self.stock[n] = book.value.sum(axis=1)
        here = [np.zeros(self.stock.shape, dtype=np.int64) for _ in range(3)]
        for kind, grid in enumerate(here):
            np.add.at(grid, (offset[feed == kind], c[feed == kind]), 1)
        self.rows += here[0] + here[1] + here[2]
        self.counted: BoolArray = np.asarray(here[2] > 0)
        # Delivered: both feeds came from the canteen's provider for any of its canteens.
        delivered: BoolArray = np.ones(self.stock.shape, dtype=bool)
        for p in np.unique(self.city.provider):
            low, high = self.city.slice_of(int(p))
            for grid in here[:2]:
                delivered[:, low:high] &= (grid[:, low:high].sum(axis=1) > 0)[:, None]
        self.supplied = delivered & ((here[0] + here[1] > 0) | (self.pupil_rows == 0))

    def _form_sums(self, forms: pl.DataFrame) -> dict[date, tuple[BoolArray, IntArray, IntArray]]:
        out: dict[date, tuple[BoolArray, IntArray, IntArray]] = {}
        for about in forms["day"].unique().sort().to_list() if forms.height else ():
            rows = forms.filter(pl.col("day") == about)
            there = np.zeros(self.city.canteens, dtype=bool)
            month = np.zeros((self.city.canteens, len(LINES)), dtype=np.int64)
            ytd = np.zeros_like(month)
            c, line = rows["c"].to_numpy(), rows["line"].to_numpy()
            there[c] = True
            month[c, line], ytd[c, line] = rows["month"].to_numpy(), rows["ytd"].to_numpy()
            out[about] = (there, month, ytd)
        return out

    def periods(self) -> Iterator[Period]:
        """All periods that end on a month's end or on the last day with consumption."""
        assert self.last is not None  # noqa: S101
        ends = {self.last}
        end = month_end(self.city.life)
        while end <= self.last:
            ends.add(end)
            end = month_end(end + timedelta(1))
        for end in sorted(ends):
            first = end.replace(day=1)
            term = self.service.term_start(end)
            spans = {"month_to_date": first, "rolling_30d": end - timedelta(29), "ytd": date(end.year, 1, 1)}
            if term is not None:
                spans["term"] = term
            if end == month_end(end):
                spans["month"] = first
            for kind, start in spans.items():
                yield Period(kind, max(start, self.city.life), end)

    def span(self, period: Period) -> slice:
        """Rows of the (day, canteen) arrays that a period covers."""
        return slice((period.start - self.eve).days, (period.end - self.eve).days + 1)

    def consumed(self, period: Period) -> tuple[IntArray, IntArray, list[str | None]]:
        """(cost, income, reason of an unknown verdict or None) by canteen."""
        span = self.span(period)
        before, last = span.start - 1, span.stop - 1
        cost = self.stock[before] + self.bought[span].sum(axis=0) - self.stock[last]
        income = self.income[span].sum(axis=0)
        is_open = self.service.open_between(period.start, period.end)
        open_days = is_open.sum(axis=0)
        eaten = (is_open & (self.pupil_rows[span] > 0)).sum(axis=0)
        supplied = (is_open & self.supplied[span]).sum(axis=0)
        since = np.where(self.counted[: last + 1], np.arange(last + 1)[:, None], -10_000).max(axis=0)
        refused = self.quarantined[span].sum(axis=0)
        reasons = {
            "no_income": income <= 0,
            "income_incomplete": eaten * 100 < open_days * _COVERAGE,
            "inputs_missing": supplied * 100 < open_days * _COVERAGE,
            "opening_stock_missing": ~self.counted[: before + 1].any(axis=0),
            "stocktake_stale": last - since > _STALE_DAYS,
            "quarantine_high": refused * 100 > (refused + self.rows[span].sum(axis=0)) * _QUARANTINED,
        }
        return cost, income, _first(reasons, self.city.canteens)

    def formed(
        self, period: Period, lines: tuple[str, ...]
    ) -> tuple[IntArray, IntArray, list[str | None]] | None:
        """The same by the form of the period's month; None where no form definition exists yet."""
        assert self.last is not None  # noqa: S101
        due = (period.end + timedelta(1)).replace(day=_FORM_DUE)
        empty = np.zeros((self.city.canteens, len(LINES)), dtype=np.int64)
        there, month, ytd = self.forms.get(
            period.end, (np.zeros(self.city.canteens, dtype=bool), empty, empty)
        )
        exists = there | (self.last > due)
        if not exists.any():
            return None
        column = month if period.kind == "month" else ytd
        cost = column[:, [LINES.index(line) for line in lines]].sum(axis=1)
        income = column[:, LINES.index("income")]
        reasons = _first({"no_income": income <= 0, "form_missing": ~there}, self.city.canteens)
        return cost, income, [reason if e else "" for reason, e in zip(reasons, exists, strict=True)]


def held_against(
    period: Period, last: date, income: IntArray, reasons: list[str | None], disagreements: pl.DataFrame
) -> list[str | None]:
    """Reasons, and that of a closed month whose money is not explained where there is no other."""
    if period.kind != "month" or period.end + _CLOSED_AFTER > last:
        return reasons
    apart = np.zeros(income.size, dtype=np.int64)
    mine = disagreements.filter(pl.col("month") == period.end.replace(day=1))
    apart[mine["c"].to_numpy()] = mine["cents"].to_numpy()
    broken = apart * 100 > np.maximum(income, 0) * _UNEXPLAINED
    return [
        "flows_not_reconciled" if reason is None and b else reason
        for reason, b in zip(reasons, broken.tolist(), strict=True)
    ]


def _first(reasons: dict[str, BoolArray], size: int) -> list[str | None]:
    out: list[str | None] = [None] * size
    for name, holds in reversed(reasons.items()):
        for c in np.flatnonzero(holds).tolist():
            out[c] = name
    return out


def _ratio(cost: IntArray, income: IntArray) -> pl.Series:
    """cost / income to 6 decimals half-up (away from zero); null without income."""
    value = np.sign(cost) * half_up(np.abs(cost) * 1_000_000, np.maximum(income, 1))
    return pl.select(pl.when(pl.Series(income) > 0).then(pl.Series(value))).to_series()


def verdicts(
    city: City,
    service: Service,
    journal: Journal,
    as_of: date,
    actual_cost: IntArray,
    actual_income: IntArray,
    disagreements: pl.DataFrame,
) -> pl.DataFrame:
    """Truth of every period, definition and canteen as of an arrival date (columns ``SCHEMA``).

    Args:
        actual_cost: (days, C) cents of food truly eaten, from the eve of the city's life on.
        actual_income: (days, C) cents truly paid for pupils' meals.
        disagreements: What the three flows truly disagree on, see ``flow_truth.reckoned``.
    """
    reckoning = Reckoning(city, service, journal, as_of)
    parts = [pl.DataFrame(schema=SCHEMA)]
    last = reckoning.last
    for period in reckoning.periods() if last is not None else ():
        span = reckoning.span(period)
        actual = actual_cost[span].sum(axis=0), actual_income[span].sum(axis=0)
        found = {"consumed": reckoning.consumed(period)}
        if period.kind in ("month", "ytd") and period.end == month_end(period.end):
            for name, lines in _FORMS.items():
                if (formed := reckoning.formed(period, lines)) is not None:
                    found[name] = formed
        assert last is not None  # noqa: S101
        for definition, (cost, income, known) in found.items():
            reasons = held_against(period, last, income, known, disagreements)
            parts.append(_rows(city, as_of, period, definition, cost, income, reasons, actual))
    return pl.concat(parts)


def _rows(
    city: City, as_of: date, period: Period, definition: str, cost: IntArray, income: IntArray,
    reasons: list[str | None], actual: tuple[IntArray, IntArray],
) -> pl.DataFrame:  # fmt: skip
    red = cost * 100 < income * city.threshold
    yellow = cost * 100 < income * (city.threshold + _BAND)
    colour = np.where(red, "red", np.where(yellow, "yellow", "green"))
    reason = pl.Series("unknown_reason", reasons, dtype=pl.String)
    frame = pl.DataFrame(
        {
            "canteen_id": city.canteen_ids, "cost": cost, "income": income, "actual_cost": actual[0],
            "actual_income": actual[1], "ratio": _ratio(cost, income), "actual_ratio": _ratio(*actual),
            "verdict": colour.tolist(), "unknown_reason": reason,
        }
    )  # fmt: skip
    money = [
        (pl.col(old).cast(pl.Decimal(18, 0)) * pl.lit("0.01").cast(pl.Decimal(18, 2))).cast(pl.Decimal(18, 2)).alias(new)
        for old, new in (("cost", "reported_cost_yuan"), ("income", "reported_income_yuan"),
                         ("actual_cost", "actual_cost_yuan"), ("actual_income", "actual_income_yuan"))
    ]  # fmt: skip
    million = pl.lit("0.000001").cast(pl.Decimal(18, 6))
    ratios = [
        (pl.col(old).cast(pl.Decimal(18, 0)) * million).cast(pl.Decimal(18, 6)).alias(new)
        for old, new in (("ratio", "reported_ratio"), ("actual_ratio", "actual_ratio"))
    ]
    return (
        frame.filter(pl.col("unknown_reason").is_null() | (pl.col("unknown_reason") != ""))
        .with_columns(*money, *ratios)
        .with_columns(
            pl.lit(as_of).alias("as_of"), pl.lit(period.kind).alias("period_kind"),
            pl.lit(period.start).alias("period_start"), pl.lit(period.end).alias("period_end"),
            pl.lit(definition).alias("definition"),
            pl.when(pl.col("unknown_reason").is_null()).then("verdict").otherwise(pl.lit("unknown")).alias("verdict"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
    )  # fmt: skip
