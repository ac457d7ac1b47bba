"""A few hand-made events in three flows, and what is made of them.

Belongs here: one event as each flow tells it, and results as sets of event names. Does not belong here: random
worlds (``money_flows``).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl

from pipelines.reconcile.engine import Reconciliation, reconcile
from pipelines.reconcile.events import ACCOUNTS, SCHEMA

SUPPLIER, SHORT = "岳阳市君山区惠民粮油有限公司", "惠民粮油"
ACCOUNT = "6222000011112222"


def event(name: str, flow: str, day: int, yuan: str = "1234.56", **other: Any) -> dict[str, Any]:
    """One event; ``day`` counts from 1 September 2026."""
    defaults: dict[str, Any] = {
        "event_id": name,
        "flow": flow,
        "canteen_id": "C1",
        "account_no": ACCOUNT if flow == "bank" else None,
        "biz_date": dt.date(2026, 9, 1) + dt.timedelta(day - 1),
        "direction": "out",
        "amount_yuan": Decimal(yuan),
        "party": {"bank": SUPPLIER, "business": SHORT, "books": None}[flow],
        "text": {"bank": "货款", "business": "食材货款", "books": f"付{SHORT}货款"}[flow],
        "ref": None,
        "kind": None if flow == "bank" else "supplier_payment",
    }
    return defaults | other


def run(*events: dict[str, Any]) -> Reconciliation:
    accounts = pl.DataFrame([("C1", ACCOUNT, "special"), ("C1", "6217", "school")], ACCOUNTS, orient="row")
    result = reconcile(pl.DataFrame(list(events), SCHEMA), accounts)
    held_once(result, [one["event_id"] for one in events])
    return result


def held_once(result: Reconciliation, names: list[str]) -> None:
    """Every event in one place, every remainder zero."""
    assert not result.matches["event_id"].is_duplicated().any()
    differing = result.differences["event_ids"].explode(empty_as_null=False)
    assert not differing.is_duplicated().any()
    assert set(result.matches["event_id"]) | set(differing) == set(names)
    left = result.remainders.select("remainder_books_yuan", "remainder_business_yuan")
    assert set(left.unpivot()["value"]) == {Decimal("0.00")}


def trio(
    prefix: str, days: tuple[int, int, int], yuan: str = "1234.56", **other: Any
) -> list[dict[str, Any]]:
    """A transaction in bank, business and books."""
    flows = ("bank", "business", "books")
    return [
        event(f"{prefix}-{flow}", flow, day, yuan, **other) for flow, day in zip(flows, days, strict=True)
    ]


def groups(result: Reconciliation, *, automatic: bool = True) -> set[frozenset[str]]:
    """Events matched with each other; only those that need no person unless told otherwise."""
    rows = result.matches.filter("automatic") if automatic else result.matches
    return {frozenset(ids) for ids in rows.group_by("match_id").agg("event_id")["event_id"]}


def types(result: Reconciliation) -> dict[frozenset[str], str]:
    return {
        frozenset(ids): kind for kind, ids in result.differences.select("break_type", "event_ids").iter_rows()
    }


def three(prefix: str) -> frozenset[str]:
    return frozenset(f"{prefix}-{flow}" for flow in ("bank", "business", "books"))
