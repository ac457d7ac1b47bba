"""Three flows in one: what is joined, what is a difference, and what is left to a person."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ingest.simulator.flows import flows
from pipelines.measures import finance_match
from pipelines.reconcile.engine import Reconciliation, reconcile
from pipelines.reconcile.events import ACCOUNTS, SCHEMA
from warehouse.errors import ContractBreach

DAY = dt.date(2026, 9, 10)
OWN = pl.DataFrame([{"canteen_id": "A1", "account_no": "1", "account_role": "special"}], schema=ACCOUNTS)


def event(name: str, flow: str, yuan: str = "1280.50", lag: int = 0, **values: Any) -> dict[str, Any]:
    """A payment to a supplier as one flow tells it."""
    return {
        "event_id": name,
        "flow": flow,
        "canteen_id": "A1",
        "account_no": "1" if flow == "bank" else None,
        "biz_date": DAY + dt.timedelta(lag),
        "direction": "out",
        "amount_yuan": Decimal(yuan),
        "party": "岳阳惠民粮油有限公司",
        "text": "货款",
        "ref": None,
        "kind": None if flow == "bank" else "supplier_payment",
        **values,
    }


def told(*events: dict[str, Any]) -> Reconciliation:
    return reconcile(pl.DataFrame(events, schema=SCHEMA), OWN)


def automatic(found: Reconciliation) -> set[frozenset[str]]:
    """Events that were joined without a person, group by group."""
    sure = found.matches.filter("automatic").group_by("match_id").agg("event_id")
    return {frozenset(ids) for ids in sure["event_id"].to_list()}


def differences(found: Reconciliation) -> list[str]:
    return sorted(found.differences["break_type"])


def test_one_payment_in_three_flows_is_one_match_without_a_difference() -> None:
    found = told(event("b", "bank"), event("d", "business", lag=-1), event("v", "books", lag=2))
    assert automatic(found) == {frozenset("bdv")}
    assert differences(found) == []


@pytest.mark.parametrize(
    ("missing", "kind"),
    [("bank", "missing_in_bank"), ("business", "missing_in_business"), ("books", "missing_in_books")],
)
def test_what_a_flow_lacks_is_named(missing: str, kind: str) -> None:
    rest = [event(flow, flow) for flow in ("bank", "business", "books") if flow != missing]
    found = told(*rest)
    assert automatic(found) == {frozenset(one["event_id"] for one in rest)}
    assert differences(found) == [kind]


def test_a_late_booking_is_a_matter_of_time_and_not_missing() -> None:
    assert differences(told(event("b", "bank"), event("d", "business"), event("v", "books", lag=20))) == [
        "timing"
    ]


def test_transposed_digits_are_a_difference_of_amount() -> None:
    found = told(event("b", "bank"), event("d", "business"), event("v", "books", "1820.50"))
    assert differences(found) == ["amount"]


def test_a_line_on_another_account_is_found_though_all_three_agree() -> None:
    found = told(event("b", "bank", account_no="9"), event("d", "business"), event("v", "books"))
    assert differences(found) == ["wrong_account"]


def test_one_bank_line_stands_for_three_documents() -> None:
    parts = [event(f"d{n}", "business", yuan) for n, yuan in enumerate(("100.10", "200.20", "300.30"))]
    found = told(event("b", "bank", "600.60"), *parts, event("v", "books", "600.60"))
    assert differences(found) == ["split"]


def test_the_second_of_several_is_not_the_first() -> None:
    found = told(
        event("b1", "bank", text="货款（第1批）"),
        event("v2", "books", text="付货款（第2批）"),
        event("d2", "business", text="货款（第2批）"),
    )
    assert not any("b1" in group for group in automatic(found))


def test_what_cannot_be_told_apart_waits_for_a_person_or_is_a_twin() -> None:
    """Two payments of one amount to two suppliers; the books name neither."""
    found = told(
        event("b1", "bank", party="岳阳惠民粮油有限公司"),
        event("b2", "bank", party="汨罗湘江水产合作社"),
        event("v1", "books", party=None, text="付款"),
    )
    assert not any("v1" in group for group in automatic(found))


def test_unusable_events_are_refused_with_their_names() -> None:
    with pytest.raises(ContractBreach, match="b"):
        told(event("b", "bank", "0.00"))


@pytest.fixture(scope="module")
def planted() -> Any:
    return flows(20261125, 3_000)


@pytest.fixture(scope="module")
def matched(planted: Any) -> Reconciliation:
    return reconcile(planted.events, planted.accounts)


@pytest.mark.requirement("S0-89")
def test_every_event_is_matched_at_most_once_and_the_remainder_is_zero(
    planted: Any, matched: Reconciliation
) -> None:
    assert matched.matches["event_id"].is_unique().all()
    assert set(matched.matches["event_id"]) <= set(planted.events["event_id"])
    score = finance_match.score(matched, planted.events, planted.truth_events, planted.truth_breaks)
    assert score.remainder_zero
    assert score.wrong_automatic == 0
    assert score.match_recall is not None
    assert score.match_recall > 0.97


def test_the_order_of_arrival_changes_nothing(planted: Any, matched: Reconciliation) -> None:
    again = reconcile(planted.events.sample(fraction=1, shuffle=True, seed=3), planted.accounts)
    order = ["event_id"]
    assert again.matches.drop("match_id").sort(order).equals(matched.matches.drop("match_id").sort(order))
