"""Three flows in one on a few hand-made events each: what is matched, typed and left to a person."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from three_flows import event, groups, run, three, trio, types

from pipelines.reconcile import slips
from pipelines.reconcile.engine import reconcile
from pipelines.reconcile.events import ACCOUNTS, SCHEMA
from warehouse.errors import ContractBreach


def test_agreeing_flows_match_without_difference() -> None:
    result = run(*trio("a", (3, 1, 6)))
    assert groups(result) == {three("a")}
    assert result.differences.is_empty()


def test_lag_beyond_the_window_is_timing() -> None:
    result = run(*trio("a", (3, 1, 20)))
    assert groups(result) == {three("a")}
    assert types(result) == {three("a"): "timing"}
    assert "相隔 19 天" in result.differences["reason"][0]


def test_beyond_reach_is_not_the_same_money() -> None:
    result = run(*trio("a", (1, 1, 60)))
    assert groups(result) == {frozenset({"a-bank", "a-business"})}
    assert sorted(types(result).values()) == ["missing_in_bank", "missing_in_books"]


@pytest.mark.parametrize("flow", ["bank", "business", "books"])
def test_missing_in_one_flow(flow: str) -> None:
    kept = [one for one in trio("a", (3, 1, 4)) if one["flow"] != flow]
    result = run(*kept)
    assert types(result) == {frozenset(one["event_id"] for one in kept): f"missing_in_{flow}"}
    expected = {"bank": Decimal("1234.56"), "books": Decimal("-1234.56"), "business": Decimal("0.00")}
    assert result.differences["bank_less_books_yuan"].to_list() == [expected[flow]]


@pytest.mark.parametrize("kind", ["bank_fee", "interest"])
def test_fees_and_interest_need_no_document(kind: str) -> None:
    bank, _, books = trio("a", (3, 3, 4), "15.00", party=None, text="手续费", kind=kind)
    result = run(bank | {"kind": None}, books)
    assert groups(result) == {frozenset({"a-bank", "a-books"})}
    assert result.differences.is_empty()
    assert result.remainders["without_document_yuan"].to_list() == [Decimal("-15.00")]


@pytest.mark.parametrize(
    ("wrong", "slip"),
    [
        ("1243.56", slips.SWAPPED),
        ("124.56", slips.LOST),
        ("12234.56", slips.LOST),
        ("1234.06", slips.CENTS),
        ("1834.56", slips.DIGIT),
        ("1227.15", slips.FEE),
    ],
)
def test_amount_that_slipped(wrong: str, slip: int) -> None:
    bank, business, books = trio("a", (3, 1, 4))
    result = run(bank, business | {"amount_yuan": Decimal(wrong)}, books)
    assert groups(result) == {three("a")}
    assert types(result) == {three("a"): "amount"}
    assert slips.SLIPS[slip] in result.differences["reason"][0]
    assert result.differences["amount_yuan"][0] == abs(Decimal("1234.56") - Decimal(wrong))


def test_other_amounts_of_the_party_are_no_slip() -> None:
    bank, _, books = trio("a", (3, 1, 4))
    other = event("b-business", "business", 2, "8888.00", party="岳阳绿源蔬菜种植农民专业合作社")
    result = run(bank, books, other)
    assert groups(result) == {frozenset({"a-bank", "a-books"})}


def test_number_tells_a_slip_of_any_party() -> None:
    bank, business, books = trio("a", (3, 1, 4), ref="2026090100012345")
    result = run(bank, business, books | {"amount_yuan": Decimal("1243.56"), "party": "某某人"})
    assert types(result) == {three("a"): "amount"}
    assert groups(result) == {three("a")}


@pytest.mark.parametrize("flow", ["bank", "business", "books"])
@pytest.mark.parametrize("later", [0, 2])
def test_second_copy_is_the_duplicate(flow: str, later: int) -> None:
    events = trio("a", (3, 1, 4))
    first = next(one for one in events if one["flow"] == flow)
    again = first | {"event_id": "z", "biz_date": first["biz_date"] + dt.timedelta(later)}
    result = run(*events, again)
    assert groups(result) == {three("a")}
    assert types(result) == {three("a") | {"z"}: "duplicate"}
    assert result.differences["amount_yuan"].to_list() == [Decimal("1234.56")]


def test_money_on_another_account() -> None:
    bank, *others = trio("a", (3, 1, 4))
    result = run(bank | {"account_no": "6217"}, *others)
    assert groups(result) == {three("a")}
    assert types(result) == {three("a"): "wrong_account"}


def test_account_is_not_judged_without_any_registered() -> None:
    events = [one | {"canteen_id": "C2"} for one in trio("a", (3, 1, 4))]
    assert run(*events).differences.is_empty()


def test_one_bank_line_for_several_documents() -> None:
    parts = [("b", "100.10"), ("c", "200.20"), ("d", "300.30")]
    events = [event("a-bank", "bank", 4, "600.60")]
    for name, yuan in parts:
        events += [event(f"{name}-{flow}", flow, 3, yuan) for flow in ("business", "books")]
    result = run(*events)
    whole = frozenset(one["event_id"] for one in events)
    assert groups(result) == {whole}
    assert types(result) == {whole: "split"}
    assert result.differences["bank_less_books_yuan"].to_list() == [Decimal("0.00")]


def test_one_document_for_several_bank_and_voucher_lines() -> None:
    events = [event("a-business", "business", 3, "1000.37")]
    events += [event(f"k{n}", "bank", 4, yuan) for n, yuan in enumerate(("400.11", "600.26"))]
    events += [event(f"v{n}", "books", 5, yuan) for n, yuan in enumerate(("300.05", "300.15", "400.17"))]
    result = run(*events)
    assert types(result) == {frozenset(one["event_id"] for one in events): "split"}
    assert len(groups(result)) == 1


def test_two_sums_that_fit_are_left_to_a_person() -> None:
    events = [event("a-bank", "bank", 4, "500.00", party=None, text=None)]
    for name, yuan in (("b", "200.00"), ("c", "300.00"), ("d", "100.00"), ("e", "400.00")):
        events += [event(f"{name}-{f}", f, 3, yuan, party=None, text=None) for f in ("business", "books")]
    result = run(*events)
    assert not any("a-bank" in group for group in groups(result))


@pytest.mark.parametrize("word", ["冲正", "退汇"])
def test_reversal_and_its_original_cancel_out(word: str) -> None:
    result = run(
        *trio("a", (3, 1, 4)),
        event("x", "bank", 5, "900.00", party="天外公司"),
        event("y", "bank", 6, "900.00", party="天外公司", text=word, direction="in"),
    )
    assert groups(result) == {three("a")}
    assert types(result) == {frozenset({"x", "y"}): "reversal"}


def test_payment_that_succeeds_at_the_second_try() -> None:
    events = trio("a", (6, 5, 6))
    result = run(
        *events,
        event("x", "bank", 5, ref="99000111"),
        event("y", "bank", 5, text="冲正", direction="in", ref="99000111"),
    )
    assert groups(result) == {three("a")}
    assert types(result) == {frozenset({"x", "y"}): "reversal"}


def test_reversal_that_may_be_of_either_line_leaves_the_bank_line_to_a_person() -> None:
    events = trio("a", (5, 5, 6))
    result = run(*events, event("x", "bank", 5), event("y", "bank", 5, text="冲正", direction="in"))
    assert groups(result) == {frozenset({"a-business", "a-books"})}
    assert "reversal" in types(result).values()


def people(prefix: str, name: str, days: tuple[int, int, int], **other: Any) -> list[dict[str, Any]]:
    """A refund of the same amount as all others here; the books write no name unless told to."""
    bank, business, books = trio(prefix, days, "120.00", kind="refund")
    return [
        bank | {"party": name[0] + "*" * (len(name) - 1), "text": "退款", "kind": None},
        business | {"party": name, "text": "退伙食费"},
        books | {"text": "退学生伙食费"} | other,
    ]


def test_parties_tell_near_twins_apart() -> None:
    result = run(
        *people("a", "王小明", (3, 3, 3), text="退王小明伙食费"),
        *people("b", "李四", (3, 3, 3), text="退李四伙食费"),
    )
    assert groups(result) == {three("a"), three("b")}
    assert result.differences.is_empty()


def test_what_cannot_be_told_apart_is_left_to_a_person() -> None:
    result = run(*people("a", "王小明", (3, 3, 3)), *people("b", "李四", (3, 3, 4)))
    pairs = {frozenset({f"{name}-bank", f"{name}-business"}) for name in "ab"}
    assert groups(result) == pairs
    assert {len(group) for group in groups(result, automatic=False)} == {3}
    assert result.differences.is_empty()


def test_twins_are_matched_either_way() -> None:
    result = run(*people("a", "王小明", (3, 3, 4)), *people("b", "王小明", (3, 3, 4)))
    assert result.matches["automatic"].all()
    assert sorted(len(group) for group in groups(result)) == [3, 3]


def test_twins_of_which_one_is_not_posted_are_doubtful() -> None:
    events = [*people("a", "王小明", (3, 3, 4)), *people("b", "王小明", (3, 3, 4))]
    result = run(*events[:-1])
    assert not result.matches.filter(flow="books")["automatic"].any()
    assert list(types(result).values()) == ["missing_in_books"]


def test_numbers_tell_equal_payments_apart() -> None:
    one, two = "PAY2026001234", "PAY2026001235"
    first, second = trio("a", (3, 1, 4)), trio("b", (4, 2, 3))
    numbered = [
        event_ | {"ref": ref}
        for events, refs in ((first, (one, one[-8:], f"凭证{one}")), (second, (two, two[-8:], f"凭证{two}")))
        for event_, ref in zip(events, refs, strict=True)
    ]
    result = run(*numbered)
    assert groups(result) == {three("a"), three("b")}


def test_number_binds_however_late() -> None:
    late = [one | {"ref": "2026090155667788"} for one in trio("a", (3, 1, 30))]
    other = trio("b", (28, 28, 31))
    result = run(*late, *other)
    assert groups(result) == {three("a"), three("b")}
    assert types(result) == {three("a"): "timing"}


def test_another_number_of_the_series_speaks_against() -> None:
    bank, business, books = trio("a", (3, 1, 4))
    result = run(bank, business | {"ref": "RE2026000111"}, books | {"ref": "RE2026000222"})
    assert not any({"a-business", "a-books"} <= group for group in groups(result))


def test_small_numbers_of_two_series_prove_nothing() -> None:
    events = [
        one | {"ref": ref} for one, ref in zip(trio("a", (3, 1, 4)), ("000012", None, None), strict=True)
    ]
    other = [
        one | {"ref": ref} for one, ref in zip(trio("b", (3, 1, 4)), (None, None, "FK000012"), strict=True)
    ]
    result = run(*events, *other)
    assert "reference" not in set(result.matches.filter("automatic")["rule"])


def test_other_party_is_never_joined_without_a_person() -> None:
    result = run(
        *people("a", "王小明", (3, 3, 3))[:1],
        *people("b", "李四", (3, 3, 3), text="退李四伙食费")[1:],
    )
    assert groups(result) == {frozenset({"b-business", "b-books"})}


def test_names_that_stand_together_again_and_again_are_one_party() -> None:
    events = []
    for nth, yuan in enumerate(("811.11", "822.22", "833.33", "844.44")):
        bank, *others = trio(f"t{nth}", (3 + nth, 2 + nth, 4 + nth), yuan, kind="settlement")
        events += [bank | {"party": "天河清算中心", "kind": None}]
        events += [one | {"party": "刷卡消费"} for one in others]
    result = run(*events)
    assert groups(result) == {three(f"t{nth}") for nth in range(4)}


def test_canteens_never_meet() -> None:
    bank, business, books = trio("a", (3, 1, 4))
    result = run(bank, business | {"canteen_id": "C2"}, books | {"canteen_id": "C2"})
    assert groups(result) == {frozenset({"a-business", "a-books"})}
    assert result.remainders.height == 2


def test_many_equal_amounts_are_bounded() -> None:
    events = [one for nth in range(150) for one in people(f"p{nth:03d}", "王小明", (nth % 20 + 1,) * 3)]
    result = run(*events)
    assert result.matches.height == 450


@pytest.mark.parametrize(
    "change",
    [{"amount_yuan": Decimal("0.00")}, {"flow": "cash"}, {"direction": "up"}, {"biz_date": None}],
)
def test_unusable_events_are_named(change: dict[str, Any]) -> None:
    with pytest.raises(ContractBreach, match="bad-one"):
        run(event("bad-one", "bank", 1) | change)


def test_an_id_stands_once() -> None:
    with pytest.raises(ContractBreach, match="编号重复"):
        run(event("one", "bank", 1), event("one", "books", 1))


def test_missing_column_is_named() -> None:
    frame = pl.DataFrame([event("one", "bank", 1)], SCHEMA).drop("party")
    with pytest.raises(ContractBreach, match="party"):
        reconcile(frame, pl.DataFrame(schema=ACCOUNTS))


def test_nothing_to_compare() -> None:
    result = reconcile(pl.DataFrame(schema=SCHEMA), pl.DataFrame(schema=ACCOUNTS))
    assert result.matches.is_empty()
    assert result.differences.is_empty()
    assert result.remainders.is_empty()
