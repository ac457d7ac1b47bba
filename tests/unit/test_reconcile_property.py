"""Three flows in one on random events: what holds whatever they are, and how well planted breaks are found."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import money_flows
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.measures import finance_match
from pipelines.reconcile.differences import BREAK_TYPES
from pipelines.reconcile.engine import Reconciliation, reconcile
from pipelines.reconcile.events import ACCOUNTS, SCHEMA

PARTIES = (None, "惠{0}粮油", "岳阳市君山区惠{0}粮油有限公司", "利{0}粮油", "王*", "王小{0}", "李*")
TEXTS = (None, "货款", "付惠{0}粮油货款", "退王小{0}伙食费", "冲正", "手续费")
REFS = (None, None, "2026090112345678", "12345678", "FK2026000123", "FK2026000124")
KINDS = (None, "supplier_payment", "refund", "bank_fee", "other")
WORLDS = 150
"""Two canteens each, with up to 40 events. Worlds share no name, so none teaches another and one run tries them all."""


def _of_world(world: int, words: str | None) -> str | None:
    return words and words.format(chr(0x5000 + world))


def random_events(seed: int) -> pl.DataFrame:
    """Random rows as events; close amounts and few names, so that everything is in everything's way."""
    dice = random.Random(seed)
    made = [
        (
            f"e{world:03d}-{nth:02d}",
            dice.choice(("bank", "business", "books")),
            f"W{world:03d}-{dice.choice(('C1', 'C2'))}",
            dice.choice((None, "6222", "6217")),
            dt.date(2026, 9, 1) + dt.timedelta(dice.randint(0, 50)),
            dice.choice(("in", "out")),
            Decimal(dice.choice((10_000, 20_000, 30_000, 12_345, 12_435))) / 100,
            *(_of_world(world, dice.choice(values)) for values in (PARTIES, TEXTS, REFS, KINDS)),
        )
        for world in range(WORLDS)
        for nth in range(dice.randint(1, 40))
    ]
    return pl.DataFrame(made, SCHEMA, orient="row")


REGISTERED = pl.DataFrame(
    [
        (f"W{world:03d}-C1", *account)
        for world in range(WORLDS)
        for account in (("6222", "special"), ("6217", "school"))
    ],
    ACCOUNTS,
    orient="row",
)


def assert_explained(result: Reconciliation, events: pl.DataFrame) -> None:
    """Each event at most once in a match; in one difference or in a match of flows that agree; nothing remains."""
    assert not result.matches["event_id"].is_duplicated().any()
    assert not result.differences["difference_id"].is_duplicated().any()
    differing = result.differences.select(event_id="event_ids").explode("event_id", empty_as_null=False)
    assert not differing["event_id"].is_duplicated().any()
    agreeing = result.matches.join(differing, on="event_id", how="anti")
    assert differing.height + agreeing.height == events.height
    assert set(differing["event_id"]) | set(agreeing["event_id"]) == set(events["event_id"])
    assert set(result.differences["break_type"]) <= set(BREAK_TYPES)
    remainders = result.remainders.select("remainder_books_yuan", "remainder_business_yuan").unpivot()[
        "value"
    ]
    assert set(remainders) <= {Decimal("0.00")}
    # The sums are those of the events themselves, not of what was made of them.
    signed = events.with_columns(
        signed=pl.when(pl.col("direction") == "in").then("amount_yuan").otherwise(-pl.col("amount_yuan"))
    )
    for flow in ("bank", "business", "books"):
        mine = signed.filter(flow=flow).group_by("canteen_id").agg(pl.col("signed").sum())
        both = result.remainders.join(mine, on="canteen_id", how="left").fill_null(0)
        assert (both[f"{flow}_yuan"] == both["signed"]).all()


def assert_canteens_apart(result: Reconciliation, events: pl.DataFrame) -> None:
    placed = result.matches.join(events.select("event_id", "direction"), on="event_id")
    each = placed.group_by("match_id").agg(pl.col("canteen_id", "direction").n_unique())
    assert (each["canteen_id"] == 1).all()
    assert (each["direction"] == 1).all()


@pytest.fixture(scope="module")
def events() -> pl.DataFrame:
    return random_events(20260901)


@pytest.fixture(scope="module")
def result(events: pl.DataFrame) -> Reconciliation:
    return reconcile(events, REGISTERED)


def test_every_event_is_explained_once(events: pl.DataFrame, result: Reconciliation) -> None:
    assert events.height > 2_500
    assert_explained(result, events)
    assert_canteens_apart(result, events)


def test_nothing_is_a_result_too() -> None:
    nothing = pl.DataFrame(schema=SCHEMA)
    assert_explained(reconcile(nothing, REGISTERED), nothing)


def test_the_order_of_rows_does_not_matter(events: pl.DataFrame, result: Reconciliation) -> None:
    other = reconcile(events.sample(fraction=1, shuffle=True, seed=3), REGISTERED.reverse())
    assert_frame_equal(result.matches, other.matches)
    assert_frame_equal(result.differences, other.differences)
    assert_frame_equal(result.remainders, other.remainders)


def test_strange_canteens_change_nothing(events: pl.DataFrame, result: Reconciliation) -> None:
    few = pl.col("canteen_id") < "W050"
    alone = reconcile(events.filter(few), REGISTERED)
    assert_frame_equal(alone.matches, result.matches.filter(few))
    assert_frame_equal(alone.differences, result.differences.filter(few))


@pytest.fixture(scope="module")
def world() -> money_flows.Made:
    return money_flows.make(seed=7, canteens=12, days=45)


@pytest.fixture(scope="module")
def score(world: money_flows.Made) -> finance_match.MatchScore:
    return finance_match.measure_matching(
        world.events, world.accounts, world.truth_events, world.truth_breaks
    )


def test_planted_world_is_explained(world: money_flows.Made) -> None:
    result = reconcile(world.events, world.accounts)
    assert_explained(result, world.events)
    shuffled = reconcile(world.events.sample(fraction=1, shuffle=True, seed=3), world.accounts)
    assert_frame_equal(result.matches, shuffled.matches)
    assert_frame_equal(result.differences, shuffled.differences)


def test_no_wrong_match_without_a_person(score: finance_match.MatchScore) -> None:
    assert score.transactions > 1_500
    assert score.wrong_automatic == 0


def test_planted_transactions_are_found(score: finance_match.MatchScore) -> None:
    assert score.match_recall is not None
    assert score.match_recall > 0.94
    assert score.break_type_f1 is not None
    assert score.break_type_f1 > 0.95


@pytest.mark.requirement("S0-87")
def test_every_type_is_found(score: finance_match.MatchScore) -> None:
    assert {kind for kind, one in score.types.items() if one.planted} == set(BREAK_TYPES)
    assert all(one.found for one in score.types.values())


def test_numbers_make_a_world_almost_certain() -> None:
    made = money_flows.make(seed=8, canteens=8, days=40, refs=1.0, break_share=0.02)
    found = finance_match.measure_matching(made.events, made.accounts, made.truth_events, made.truth_breaks)
    assert found.wrong_automatic == 0
    assert found.match_recall is not None
    assert found.match_recall > 0.97
