"""The steward's scorecard: what came, what was kept, what failed and what to do about it.

Belongs here: the pure function from results, deliveries, quarantine and receipts to the model of the
quality page. Does not belong here: HTML (``expectations.page``) and reading tables.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import polars as pl

from expectations.suites import check_of
from warehouse import vocabulary
from warehouse.tables import FEEDS

WORST_RULES: Final = 5
_NO_TEXT: Final = ("该规则尚无说明", "请系统管理员在 vocabulary.RULES 中补充说明")


@dataclass(frozen=True)
class RuleLine:
    """A contract rule that rows broke."""

    field: str
    what: str
    remedy: str
    rows: int


@dataclass(frozen=True)
class CheckLine:
    """An expectation over the nights of the scorecard."""

    label: str
    nights: int
    failed: int
    checked: int
    unexpected: int
    observed: str

    @property
    def passed(self) -> bool:
        """Whether it held in every night."""
        return self.failed == 0


@dataclass(frozen=True)
class RefusedLine:
    """A file that was refused whole, or did not come."""

    file: str
    arrival: dt.date
    why: str


@dataclass(frozen=True)
class Card:
    """One provider's deliveries of one feed.

    Attributes:
        superseded: Valid rows that a newer file of the same unit replaced.
        overdue: The feed is a duty of the provider and nothing of it arrived.
    """

    feed: str
    label: str
    files: int
    accepted: int
    quarantined: int
    duplicate: int
    superseded: int
    overdue: bool
    rules: tuple[RuleLine, ...]
    checks: tuple[CheckLine, ...]

    @property
    def acceptance(self) -> Decimal | None:
        """Percentage of rows that kept the contract; ``None`` without rows."""
        valid = self.accepted + self.duplicate + self.superseded
        return _percent(valid, valid + self.quarantined)

    @property
    def score(self) -> Decimal | None:
        """Percentage of expectations that held, over all nights; ``None`` without any."""
        nights = sum(check.nights for check in self.checks)
        return _percent(nights - sum(check.failed for check in self.checks), nights)


@dataclass(frozen=True)
class Provider:
    """One provider's cards, refused files, and number of files whose content had come before."""

    name: str
    label: str
    cards: tuple[Card, ...]
    refused: tuple[RefusedLine, ...]
    repeated_files: int


@dataclass(frozen=True)
class Scorecard:
    """The model of the quality page, for a range of arrival dates."""

    first: dt.date
    last: dt.date
    providers: tuple[Provider, ...]


def build(
    first: dt.date,
    last: dt.date,
    *,
    results: pl.DataFrame,
    delivery: pl.DataFrame,
    quarantine: pl.DataFrame,
    receipts: pl.DataFrame,
    providers: pl.DataFrame,
) -> Scorecard:
    """Put together the scorecard.

    Args:
        first: First arrival date.
        last: Last arrival date, included.
        results: ``silver.expectation_result`` of these nights.
        delivery: ``silver.delivery`` of these nights.
        quarantine: ``silver.quarantine`` of these nights.
        receipts: Receipts of these nights: ``provider``, ``arrival_date``, ``path``, ``status``,
            ``refusal_code``, ``message``.
        providers: ``silver.provider``: every registered provider is listed, delivered or not.

    Returns:
        Providers in order of name, feeds in the order of the registry.
    """
    counts = _keyed(_counts(delivery))
    rules = _grouped(_rules(quarantine))
    checks = _grouped(_checks(results))
    duties = set(providers.filter(pl.col("is_duty")).select("provider", "feed").iter_rows())
    labels = dict(providers.select("provider", "label").iter_rows())
    refusals = _refusals(receipts)
    repeated = dict(receipts.filter(pl.col("status") == "duplicate").group_by("provider").len().iter_rows())
    names = sorted({*labels, *refusals, *repeated, *(provider for provider, _ in (*counts, *rules, *checks))})
    return Scorecard(
        first,
        last,
        tuple(
            Provider(
                name,
                labels.get(name, name),
                tuple(
                    _card(
                        name,
                        feed,
                        counts,
                        rules,
                        checks,
                        overdue=(name, feed) in duties and (name, feed) not in counts,
                    )
                    for feed in FEEDS
                    if any((name, feed) in known for known in (counts, rules, checks, duties))
                ),
                tuple(refusals.get(name, ())),
                repeated.get(name, 0),
            )
            for name in names
        ),
    )


_Key = tuple[str, str]
_Rows = list[dict[str, Any]]
_EMPTY: Final = {"files": 0, "accepted": 0, "quarantined": 0, "duplicate": 0, "superseded": 0}


def _card(
    name: str,
    feed: str,
    counts: dict[_Key, dict[str, Any]],
    rules: dict[_Key, _Rows],
    checks: dict[_Key, _Rows],
    *,
    overdue: bool,
) -> Card:
    count = counts.get((name, feed), _EMPTY)
    return Card(
        feed,
        FEEDS[feed].label,
        **{field: int(count[field]) for field in _EMPTY},
        overdue=overdue,
        rules=tuple(_rule_line(row) for row in rules.get((name, feed), [])[:WORST_RULES]),
        checks=tuple(_check_line(row) for row in checks.get((name, feed), [])),
    )


def _counts(delivery: pl.DataFrame) -> pl.DataFrame:
    """Rows of each fate, so that rows in = accepted + quarantined + duplicate + superseded."""

    def valid(state: str) -> pl.Expr:
        return pl.col("rows_accepted").filter(pl.col("state") == state).sum()

    return delivery.group_by("provider", "feed").agg(
        files=pl.col("_file").n_unique(),
        accepted=valid("current"),
        quarantined=pl.col("rows_quarantined").sum(),
        duplicate=pl.col("rows_duplicate").sum() + valid("duplicate"),
        superseded=valid("superseded"),
    )


def _rules(quarantine: pl.DataFrame) -> pl.DataFrame:
    """Rows by broken rule, worst first."""
    return (
        quarantine.select("provider", "feed", rule=pl.col("rules").str.split(","))
        .explode("rule")
        .group_by("provider", "feed", "rule")
        .agg(rows=pl.len())
        .sort(["rows", "rule"], descending=[True, False])
    )


def _checks(results: pl.DataFrame) -> pl.DataFrame:
    """Results by expectation over the nights, failing ones first."""
    failed = ~pl.col("success")
    latest = pl.col("observed").sort_by("_arrival_date")
    return (
        results.group_by("provider", "feed", "expectation", "column_name", maintain_order=True)
        .agg(
            nights=pl.len(),
            failed=failed.sum(),
            checked=pl.col("checked").sum(),
            unexpected=pl.col("unexpected").sum(),
            observed=pl.coalesce(latest.filter(failed.sort_by("_arrival_date")).last(), latest.last()),
        )
        .sort(pl.col("failed") > 0, descending=True, maintain_order=True)
    )


def _refusals(receipts: pl.DataFrame) -> dict[str, list[RefusedLine]]:
    out: dict[str, list[RefusedLine]] = {}
    unused = receipts.filter(pl.col("status").is_in(["refused", "missing"])).sort(
        "provider", "arrival_date", "path"
    )
    for row in unused.iter_rows(named=True):
        why = row["message"] or vocabulary.REFUSALS.get(row["refusal_code"], row["status"])
        out.setdefault(row["provider"], []).append(RefusedLine(row["path"], row["arrival_date"], why))
    return out


def _rule_line(row: dict[str, Any]) -> RuleLine:
    rule = row["rule"].rpartition("|")[2]
    what, remedy = vocabulary.RULES.get(rule, (f"{_NO_TEXT[0]}（{rule}）", _NO_TEXT[1]))
    columns = FEEDS[row["feed"]].columns_of(row["rule"])
    field = "、".join(vocabulary.LABELS.get(column, column) for column in columns)
    return RuleLine(field or "整行", what, remedy, row["rows"])


def _check_line(row: dict[str, Any]) -> CheckLine:
    label = check_of(row["feed"], row["expectation"], row["column_name"]).label
    return CheckLine(
        label, row["nights"], row["failed"], row["checked"], row["unexpected"], row["observed"] or ""
    )


def _keyed(frame: pl.DataFrame) -> dict[_Key, dict[str, Any]]:
    return {(row["provider"], row["feed"]): row for row in frame.iter_rows(named=True)}


def _grouped(frame: pl.DataFrame) -> dict[_Key, _Rows]:
    out: dict[_Key, _Rows] = {}
    for row in frame.iter_rows(named=True):
        out.setdefault((row["provider"], row["feed"]), []).append(row)
    return out


def _percent(part: int, whole: int) -> Decimal | None:
    """A percentage to one decimal, rounded down: 100 means all."""
    return None if whole == 0 else Decimal(part * 1000 // whole) / 10
