"""What the planted movements of money amount to, for hand-made movements of two canteens."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from ingest.simulator import flow_truth, transfers
from ingest.simulator.truth import Period, held_against

LIFE, SEPTEMBER, OCTOBER = dt.date(2026, 9, 1), dt.date(2026, 9, 1), dt.date(2026, 10, 1)
NOTHING_LOST = pl.DataFrame(schema={"c": pl.Int64, "first": pl.Int64, "last": pl.Int64})


def movement(cents: int, day: int, c: int = 0, **other: Any) -> pl.DataFrame:
    """Money that bank, documents and books tell of on one day, unless said otherwise."""
    return transfers.made(
        pl.DataFrame({"c": [c]}),
        **({"kind": "expense", "cents": cents, "doc_day": day, "bank_day": day, "post_day": day} | other),
    )


def reckoned(*moved: pl.DataFrame, lost: pl.DataFrame = NOTHING_LOST) -> list[tuple[Any, ...]]:
    agreed = [movement(1, day, c) for day in (0, 30) for c in (0, 1)]
    return flow_truth.reckoned(LIFE, pl.concat([*agreed, *moved]), lost, 0, 60).rows()


def test_money_that_one_does_not_tell_of_or_that_went_elsewhere_counts_in_its_first_month() -> None:
    found = reckoned(
        movement(500, 3, in_bank=False),
        movement(70, 29, post_day=31, account=transfers.SCHOOL),
        movement(9, 31, c=1, in_docs=False),
    )
    assert found == [(0, SEPTEMBER, 570), (0, OCTOBER, 0), (1, SEPTEMBER, 0), (1, OCTOBER, 9)]


def test_what_needs_no_document_and_single_refunds_agree() -> None:
    fee = movement(500, 3, in_docs=False, detail="bank_fee")
    refund = movement(500, 3, in_docs=False, kind="refund")
    assert all(cents == 0 for _, _, cents in reckoned(fee, refund))


def test_a_month_whose_statement_never_came_is_notheld_against_its_flows() -> None:
    lost = pl.DataFrame({"c": [0], "first": [0], "last": [29]})
    assert (0, SEPTEMBER) not in [row[:2] for row in reckoned(lost=lost)]
    assert (0, SEPTEMBER, 500) in reckoned(movement(500, 20), lost=lost.with_columns(first=20, last=24))


def test_a_closed_month_is_unknown_when_more_than_the_limit_is_not_explained() -> None:
    apart = pl.DataFrame([(0, SEPTEMBER, 201), (1, SEPTEMBER, 200)], flow_truth.SCHEMA, orient="row")
    income, month = np.array([10_000, 10_000]), Period("month", SEPTEMBER, dt.date(2026, 9, 30))

    def judged(last: dt.date, known: str | None = None) -> list[str | None]:
        return held_against(month, last, income, [known, known], apart)

    assert judged(dt.date(2026, 10, 20)) == ["flows_not_reconciled", None]
    assert judged(dt.date(2026, 10, 19)) == [None, None]
    assert judged(dt.date(2026, 10, 20), "stocktake_stale") == ["stocktake_stale"] * 2
