"""Accuracy and bench ``finance``: what the parts about matching, bank pairs, books and schemes measure, under their
names.

Belongs here: which planted transactions are matched and how many, and the order of the measures. The counting
stands in ``finance_match``, ``finance_chain``, ``bank_pairs``, ``books`` and ``finance_schemes``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ingest.simulator.flows import flows
from pipelines.measures import bank_pairs, books, finance_chain, finance_match, finance_schemes
from pipelines.measures.table import measure

_TRANSACTIONS: Final = 100_000
_NIGHT: Final = 60_000
"""Transactions of a bench night: each flow gets about as many events as a city's busiest one."""
_QUICK: Final = 2_000


def accuracy(*, seed: int, progress: Callable[[str], None], data: Path | None = None) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        seed: Seed of the planted transactions.
        progress: Told what is being done, and figures that have no bar.
        data: Folder of real data; without it real bank pairs are not measured.
    """
    progress(f"三流：埋设 {_TRANSACTIONS} 笔交易")
    planted = flows(seed, _TRANSACTIONS)
    told = planted.events, planted.accounts, planted.truth_events, planted.truth_breaks
    found = finance_match.measure_matching(*told)
    for kind, one in found.types.items():
        progress(f"差异 {kind}：埋设 {one.planted}，查出 {one.found}，报出 {one.named}，正确 {one.right}")
    progress(
        f"自动匹配 {found.automatic_pairs} 对；含待人工确认的召回率 {found.proposed_right}；"
        f"剩余差额{'为零' if found.remainder_zero else '不为零'}"
    )
    progress("三流：同一批交易按周逐夜比对")
    chain = finance_chain.measure_chain(*told)
    pairs = None if data is None else bank_pairs.measure_pairs(data, progress)["judged"]
    breaks = sum(one.planted for one in found.types.values())
    progress("模拟城市：各校记账，埋设全部手法")
    schemes = finance_schemes.measure_schemes(seed=seed, progress=progress)
    return [
        measure("finance", "wrong_automatic", found.wrong_automatic, found.automatic_pairs),
        measure("finance", "match_recall", _rounded(found.match_recall), found.true_pairs),
        measure("finance", "chain_wrong_automatic", chain.wrong_automatic, chain.automatic_pairs),
        measure("finance", "chain_match_recall", _rounded(chain.match_recall), chain.true_pairs),
        measure("finance", "break_type_f1", _rounded(found.break_type_f1), breaks),
        measure("finance", "bank_pairs_f1", pairs and _rounded(pairs.f1), 0 if pairs is None else pairs.n),
        measure("finance", "scheme_recall", _rounded(schemes.recall), schemes.planted),
        measure(
            "finance",
            "scheme_false_per_50_months",
            _rounded(schemes.false_per_50_months),
            schemes.school_months,
        ),
    ]


def bench(*, quick: bool, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Cost of a night's matching, beside plain joins, and of a month's books.

    Args:
        quick: Small: shows that the bench works; the bars are not judged.
        progress: Told what is being done, and figures that have no bar.
    """
    planted = flows(1, _QUICK if quick else _NIGHT)
    progress(f"一夜的三流：{planted.events.height} 条")
    ours = finance_match.bench_matching(planted.events, planted.accounts, progress)["ours"]
    found = [
        measure("finance", "match_cpu_s", round(ours.cpu_s, 2), planted.events.height),
        measure("finance", "match_gb", round(ours.peak_gb, 2), planted.events.height),
    ]
    if quick:
        found = [one | {"bar": None, "holds": None} for one in found]
    return [*found, *books.bench(quick=quick, progress=progress)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
