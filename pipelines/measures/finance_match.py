"""Accuracy and bench ``finance``, the part about three flows in one: matches and differences against the truth.

Belongs here: counting what was matched and typed rightly, and the cost of matching beside plain joins. Does
not belong here: making events, and how they are matched.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from pipelines.measures import apart, finance_peers
from pipelines.reconcile.differences import BREAK_TYPES
from pipelines.reconcile.engine import Reconciliation, reconcile
from warehouse.settings import ROOT


@dataclass(frozen=True)
class MatchCost:
    """What one way of matching costs, on one core.

    Attributes:
        cpu_s: CPU seconds, imports and reading left out.
        peak_gb: Peak memory of its process, all included.
        pairs: Pairs with a bank line that it joins.
    """

    cpu_s: float
    peak_gb: float
    pairs: int


@dataclass(frozen=True)
class TypeScore:
    """Differences of one type.

    Attributes:
        planted: Planted breaks.
        found: Planted breaks that a difference of the same type and with a common event names.
        named: Differences of the type.
        right: Differences of the type that meet a planted break of it.
    """

    planted: int
    found: int
    named: int
    right: int

    @property
    def f1(self) -> float | None:
        """Harmonic mean of recall and precision; ``None`` where there is neither a break nor a difference."""
        if not self.planted + self.named:
            return None
        recall = self.found / self.planted if self.planted else 0.0
        precision = self.right / self.named if self.named else 0.0
        return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


@dataclass(frozen=True)
class PairScore:
    """How matches stand against the truth.

    Attributes:
        wrong_automatic: Pairs of events of different flows that were joined without a person and do not
            belong together.
        automatic_pairs: Pairs that were joined without a person.
        match_recall: Right ones of these over all true pairs.
        true_pairs: Pairs of events of different flows that belong together.
        proposed_right: Share of the true pairs that lie in a match of any kind.
    """

    wrong_automatic: int
    automatic_pairs: int
    match_recall: float | None
    true_pairs: int
    proposed_right: float | None


@dataclass(frozen=True)
class MatchScore(PairScore):
    """How a reconciliation stands against the truth.

    Attributes:
        transactions: Transactions in the truth.
        break_type_f1: Over all differences.
        types: The same for each type.
        remainder_zero: Whether every canteen's remainder is zero.
    """

    transactions: int
    break_type_f1: float | None
    types: dict[str, TypeScore]
    remainder_zero: bool


def measure_matching(
    events: pl.DataFrame, accounts: pl.DataFrame, truth_events: pl.DataFrame, truth_breaks: pl.DataFrame
) -> MatchScore:
    """Match events and count.

    Args:
        events: See ``pipelines.reconcile.events.SCHEMA``.
        accounts: See ``pipelines.reconcile.events.ACCOUNTS``.
        truth_events: ``event_id``, ``transaction_id``, ``twin_group`` (null, or one for all events of
            transactions that nothing tells apart).
        truth_breaks: ``break_id``, ``break_type``, ``event_id``.
    """
    return score(reconcile(events, accounts), events, truth_events, truth_breaks)


def score(
    result: Reconciliation, events: pl.DataFrame, truth_events: pl.DataFrame, truth_breaks: pl.DataFrame
) -> MatchScore:
    """Count what came of a matching; arguments as of ``measure_matching``."""
    pairs = score_pairs(result.matches, events, truth_events, truth_breaks)
    types = {kind: _type_score(result.differences, truth_breaks, kind) for kind in BREAK_TYPES}
    remainders = result.remainders.select(pl.selectors.starts_with("remainder_"))
    return MatchScore(
        **asdict(pairs),
        transactions=truth_events.join(events, on="event_id", how="semi")["transaction_id"].n_unique(),
        break_type_f1=_overall(types).f1,
        types=types,
        remainder_zero=bool((remainders.sum_horizontal() == 0).all() and (remainders == 0).to_numpy().all()),
    )


def score_pairs(
    matches: pl.DataFrame, events: pl.DataFrame, truth_events: pl.DataFrame, truth_breaks: pl.DataFrame
) -> PairScore:
    """Count the pairs of matches (``event_id``, ``match_id``, ``automatic``); the rest as of ``measure_matching``."""
    truth = events.select("event_id", "flow").join(
        truth_events.select("event_id", "transaction_id", "twin_group"), on="event_id", how="left"
    )
    true_pairs = _pairs(_once(truth, events, truth_breaks).rename({"transaction_id": "group"})).height
    matched = matches.select("event_id", "match_id", "automatic").join(truth, on="event_id", how="left")
    every = _judged(matched)
    automatic = _judged(matched.filter("automatic"))
    right = int(automatic["right"].sum())
    return PairScore(
        wrong_automatic=automatic.height - right,
        automatic_pairs=automatic.height,
        match_recall=right / true_pairs if true_pairs else None,
        true_pairs=true_pairs,
        proposed_right=int(every["right"].sum()) / true_pairs if true_pairs else None,
    )


def _once(truth: pl.DataFrame, events: pl.DataFrame, truth_breaks: pl.DataFrame) -> pl.DataFrame:
    """The truth without second copies: an event that a flow has twice can be matched once only."""
    named = truth_breaks.filter(pl.col("break_type") == "duplicate").select("event_id").unique()
    repeated = named.join(truth, on="event_id").select("transaction_id", "flow").unique()
    second = (
        truth.join(repeated, on=["transaction_id", "flow"], how="semi")
        .join(events.select("event_id", "biz_date"), on="event_id")
        .filter(pl.len().over("transaction_id", "flow") > 1)
        .sort("biz_date", "event_id")
        .unique(["transaction_id", "flow"], keep="last", maintain_order=True)
    )
    return truth.join(second, on="event_id", how="anti")


def _pairs(rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of events of different flows in one group."""
    few = rows.filter(pl.col("group").is_not_null())
    return few.join(few, on="group", suffix="_b").filter(pl.col("flow") < pl.col("flow_b"))


def _judged(matched: pl.DataFrame) -> pl.DataFrame:
    """Pairs of matched events with ``right``: of one transaction, or of twins."""
    one = (pl.col("transaction_id") == pl.col("transaction_id_b")).fill_null(False)
    twins = (pl.col("twin_group") == pl.col("twin_group_b")).fill_null(False)
    return _pairs(matched.rename({"match_id": "group"})).with_columns(right=one | twins)


def _type_score(differences: pl.DataFrame, truth_breaks: pl.DataFrame, kind: str) -> TypeScore:
    named = differences.filter(pl.col("break_type") == kind)
    planted = truth_breaks.filter(pl.col("break_type") == kind)
    meeting = (
        named.select("difference_id", event_id="event_ids").explode("event_id").join(planted, on="event_id")
    )
    return TypeScore(
        planted["break_id"].n_unique(),
        meeting["break_id"].n_unique(),
        named.height,
        meeting["difference_id"].n_unique(),
    )


def _overall(types: dict[str, TypeScore]) -> TypeScore:
    return TypeScore(
        *(
            sum(getattr(one, name) for one in types.values())
            for name in ("planted", "found", "named", "right")
        )
    )


def bench_matching(
    events: pl.DataFrame, accounts: pl.DataFrame, progress: Callable[[str], None]
) -> dict[str, MatchCost]:
    """Cost of our matching (``ours``) beside what plain joins can do of it in DuckDB (``sql``) and ``pandas``.

    Args:
        events: One night's events.
        accounts: Registered accounts.
        progress: Told each figure.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-bench-") as folder:
        files = [Path(folder) / name for name in ("events.parquet", "accounts.parquet")]
        for file, frame in zip(files, (events, accounts), strict=True):
            frame.write_parquet(file)
        costs = {way: _cost(way, files) for way in finance_peers.WAYS}
    for way, cost in costs.items():
        progress(f"三流比对 {way}：{cost.cpu_s:.2f} CPU 秒，{cost.peak_gb:.2f} GB，{cost.pairs} 对")
    return costs


def _cost(way: str, files: list[Path]) -> MatchCost:
    cost, said = apart.run(
        ["-P", "-m", "pipelines.measures.finance_peers", way, *map(str, files)],
        {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
    )
    found = json.loads(said.splitlines()[-1])
    return MatchCost(found["cpu_s"], cost.peak_gb, found["pairs"])
