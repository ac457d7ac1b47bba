"""Three flows in one: what was settled before competes with what is open, and is itself left as it is."""

from __future__ import annotations

from typing import Any

import polars as pl
from three_flows import event, groups, held_once, run, three, trio, types

from pipelines.reconcile.engine import Reconciliation, reconcile
from pipelines.reconcile.events import ACCOUNTS, SCHEMA, SETTLED


def after(settled: list[dict[str, Any]], *events: dict[str, Any]) -> Reconciliation:
    """What is made of events when others, a match without a person, were settled before."""
    before = [one | {"match_id": "M-old", "rule": "window", "automatic": True} for one in settled]
    found = reconcile(pl.DataFrame(list(events), SCHEMA), ACCOUNTS.to_frame(), pl.DataFrame(before, SETTLED))
    held_once(found, [one["event_id"] for one in events])
    return found


def test_an_event_that_a_settled_match_lacks_is_for_a_person() -> None:
    bank, _, books = trio("a", (1, 1, 3))
    later = trio("b", (8, 8, 9))
    assert groups(run(*later)) == {three("b")}
    found = after([bank, books], *later)
    assert not any("b-business" in group for group in groups(found))
    assert groups(found, automatic=False) == {three("b")}


def test_nothing_is_joined_to_what_is_settled() -> None:
    bank, business, books = trio("a", (1, 1, 3))
    assert types(after([bank, books], business)) == {frozenset({"a-business"}): "missing_in_bank"}


def test_a_settled_match_far_away_or_of_another_amount_says_nothing() -> None:
    for other in (trio("a", (1, 1, 3)), trio("a", (1, 1, 3), "99.00")[:2]):
        assert groups(after(other, *trio("b", (15, 15, 16)))) == {three("b")}


def test_a_second_copy_of_what_is_settled_is_a_difference_of_its_own() -> None:
    first = trio("a", (1, 1, 3), ref="FK26436315")
    copy = event("again", "books", 12, ref="FK26436315")
    assert types(after(first, copy)) == {frozenset({"again"}): "duplicate"}
