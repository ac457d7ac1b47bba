"""Three flows in one: an automatic match needs evidence that excludes every rival."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest
from three_flows import event, groups, run, three, trio

from pipelines.reconcile import doubts
from pipelines.reconcile.candidates import WINDOW
from pipelines.reconcile.events import SCHEMA

NUMBERS = ("FK26436315", "FK26893942")


def payments(*days: tuple[int, int, int], numbers: tuple[str, ...] = NUMBERS) -> list[dict[str, Any]]:
    """Equal payments to one supplier; bank and document quote a number, the books none."""
    made = []
    for name, when, number in zip("ab", days, numbers, strict=True):
        bank, business, books = trio(name, when, ref=number)
        made += [bank, business, books | {"ref": None}]
    return made


def paid(name: str) -> frozenset[str]:
    return frozenset({f"{name}-bank", f"{name}-business"})


def test_books_that_two_payments_could_claim_are_for_a_person() -> None:
    """Equal payments a week apart: the first is booked nearer to the second than the window is wide."""
    result = run(*payments((1, 1, 3), (8, 8, 9)))
    assert groups(result) == {paid("a"), paid("b")}
    assert groups(result, automatic=False) == {three("a"), three("b")}


def test_words_alone_do_not_decide_between_two_payments() -> None:
    events = payments((1, 1, 3), (8, 8, 9))
    events[2] |= {"text": "付9月食材款", "party": "惠民粮油"}
    events[4] |= {"text": "9月食材款"}
    events[5] |= {"text": "付款"}
    assert groups(run(*events)) == {paid("a"), paid("b")}


def test_books_far_from_any_other_payment_need_no_person() -> None:
    assert groups(run(*payments((1, 1, 3), (15, 15, 16)))) == {three("a"), three("b")}


def test_numbers_exclude_rivals() -> None:
    events = [*trio("a", (1, 1, 3), ref=NUMBERS[0]), *trio("b", (8, 8, 9), ref=NUMBERS[1])]
    assert groups(run(*events)) == {three("a"), three("b")}


def test_a_number_that_two_payments_share_excludes_nothing() -> None:
    """A contract's number on both instalments, and one document missing: the other one could be either's."""
    events = [
        one for name, days in (("a", (1, 1, 3)), ("b", (8, 8, 9))) for one in trio(name, days, ref=NUMBERS[0])
    ]
    result = run(*(one for one in events if one["event_id"] != "a-business"))
    assert not any("b-business" in group for group in groups(result))


def test_what_a_number_holds_is_no_place_for_another() -> None:
    """The first is booked with its number, so that the second's books can only be the second's."""
    events = payments((1, 1, 3), (4, 4, 6))
    events[2] |= {"ref": NUMBERS[0]}
    assert groups(run(*events)) == {three("a"), three("b")}


def test_another_party_excludes_a_rival() -> None:
    events = payments((1, 1, 3), (8, 8, 9))
    for one, party in zip(
        (*events[:3], *events[3:]), ("惠民粮油",) * 3 + ("湘江水产合作社",) * 3, strict=True
    ):
        one |= {"party": party, "text": None}
    assert groups(run(*events)) == {three("a"), three("b")}


def test_twins_exclude_nothing_and_need_no_person() -> None:
    result = run(*payments((1, 1, 3), (1, 1, 3), numbers=("", "")))
    assert sorted(map(len, groups(result))) == [3, 3]


def test_a_missing_booking_leaves_the_other_payment_s_to_a_person() -> None:
    """Weeks apart: either was booked, sooner or later, and the other one was not."""
    events = payments((1, 1, 3), (15, 15, 16))
    assert groups(run(*events[:2], *events[3:])) == {paid("a"), paid("b")}


def test_a_place_that_is_only_proposed_is_open_to_others() -> None:
    """The second's books lie far from the first payment, whose own books are in doubt because of the second."""
    result = run(*payments((1, 1, 4), (9, 9, 11)))
    assert groups(result) == {paid("a"), paid("b")}


def test_numbers_of_one_series_that_differ_leave_a_match_to_a_person() -> None:
    """The bank quotes the document; the books quote the bank, and another document."""
    bank, business, books = trio("a", (3, 3, 4), ref="FK26000111")
    bank |= {"text": "货款 FK26000222"}
    result = run(bank, business, books | {"ref": "FK26000222"})
    assert not any({"a-business", "a-books"} <= group for group in groups(result))


def test_days_that_the_summaries_name_tell_settlements_apart() -> None:
    events = [
        *trio("a", (8, 4, 8), party=None, text="资金清算", kind="settlement"),
        *trio("b", (10, 6, 10), party=None, text="资金清算", kind="settlement"),
    ]
    for one, day in ((events[1], 4), (events[2], 4), (events[4], 6), (events[5], 6)):
        one |= {"text": f"餐费结算9月{day}日"}
    result = run(*events)
    assert groups(result) == {frozenset({f"{name}-business", f"{name}-books"}) for name in "ab"}


def test_too_many_of_an_amount_are_left_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("王小明", "李四", "张伟芳")
    events = [
        one | {"party": name, "text": "退伙食费", "kind": None}
        for nth, name in enumerate(names)
        for one in trio(f"p{nth}", (3, 3, 3), "120.00")
    ]
    assert len(groups(run(*events))) == len(names)
    monkeypatch.setattr(doubts, "_CHUNK", 1)
    assert len(groups(run(*events))) == len(names)
    monkeypatch.setattr(doubts, "_MANY", len(events) ** 2 - 1)
    assert groups(run(*events)) == set()


def test_no_automatic_event_could_change_places() -> None:
    """Of one amount and party, without numbers: no other group within the window, unless the two look the same."""
    dice = random.Random(20260901)
    events = [
        event(
            f"{canteen:03d}-{nth:02d}",
            dice.choice(("bank", "business", "books")),
            dice.randint(1, 45),
            text=dice.choice((None, "货款", "付款", "9月食材款")),
            party=dice.choice((None, "惠民粮油")),
            kind=None,
            canteen_id=f"C{canteen:03d}",
        )
        for canteen in range(300)
        for nth in range(dice.randint(4, 14))
    ]
    facts = pl.DataFrame(events, SCHEMA).select("event_id", "biz_date", "text", "party")
    sure = run(*events).matches.filter("automatic").join(facts, on="event_id")
    assert sure.height > 300
    swaps = (
        sure.join(sure, on=["canteen_id", "flow"], suffix="_o")
        .filter(
            pl.col("match_id") != pl.col("match_id_o"),
            ~pl.all_horizontal(
                pl.col(name).eq_missing(pl.col(f"{name}_o")) for name in ("biz_date", "text", "party")
            ),
        )
        .select("event_id", "flow", "biz_date", match_id="match_id_o")
        .join(sure.select("match_id", "flow", "biz_date"), on="match_id", suffix="_o")
        .filter(pl.col("flow") != pl.col("flow_o"))
    )
    assert swaps.height > 100
    apart = (pl.col("biz_date") - pl.col("biz_date_o")).dt.total_days().abs()
    assert swaps.filter(apart <= WINDOW).is_empty()
