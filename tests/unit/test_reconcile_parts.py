"""The small parts of matching: names, numbers, slips and assignment."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.reconcile import assignment, names, slips


def party(left: str | None, right: str | None, text: str | None = None) -> float:
    keys = pl.DataFrame({"a": [left], "b": [right], "t": [text]}, schema=dict.fromkeys("abt", pl.String))
    keys = keys.select(names.party("a"), names.party("b"), names.text("t"))
    return float(names.parties(keys["a"], keys["b"], pl.Series([None], dtype=pl.String), keys["t"])[0])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("岳阳市君山区惠民粮油有限公司", "惠民粮油"),
        ("岳阳市君山区惠民粮油有限公司", "君山惠民粮油"),
        ("财付通支付科技有限公司", "微信支付"),
        ("国网湖南省电力有限公司岳阳供电分公司", "国网岳阳供电公司"),
        ("岳阳市君山区教育体育局", "区教体局"),
        ("王＊明", "王小明"),
    ],
)
def test_one_party_in_two_spellings(left: str, right: str) -> None:
    assert party(left, right) >= 0.8
    assert party(right, left) >= 0.8


@pytest.mark.parametrize(
    ("left", "right"), [("王*", "李四"), ("王小明", "李*"), ("惠民粮油", "湘江水产"), ("王*明", "王小红")]
)
def test_two_parties(left: str, right: str) -> None:
    assert party(left, right) <= -0.5


def test_similar_companies_are_not_the_same() -> None:
    near = party("岳阳市君山区惠民粮油有限公司", "岳阳市君山区利民粮油有限公司")
    assert near < 0.5 < party("岳阳市君山区惠民粮油有限公司", "惠民粮油")


@pytest.mark.parametrize(
    ("nearer", "same", "other"),
    [("第一中学食堂", "市第一中学食堂", "第十中学食堂"), ("朝阳小学", "市朝阳小学", "晨阳小学")],
)
def test_characters_count_and_not_bytes(nearer: str, same: str, other: str) -> None:
    assert party(nearer, same) > party(nearer, other)


def test_unknown_and_general_parties_say_nothing() -> None:
    assert party(None, "李四") == 0
    assert party("学生", "李四") == 0


def test_party_named_in_the_summary() -> None:
    assert party("惠民粮油", None, "付惠民粮油货款") == names.SAME


def number(
    left: str | None, right: str | None, text: str | None = None, *, left_text: str | None = None
) -> float:
    sides = [
        pl.DataFrame({"r": [ref], "t": [words]}, schema={"r": pl.String, "t": pl.String})
        .select(
            ref_key=names.reference("r"),
            text_key=names.text("t"),
            part=names.part("t"),
            named_day=names.named_day("t"),
        )
        .with_columns(**names.numbers())
        .select(names.NUMBERS)
        for ref, words in ((left, left_text), (right, text))
    ]
    return float(names.quoted(*sides)[0])


@pytest.mark.parametrize(
    ("left", "right", "sure"),
    [
        ("2026090112345678", "2026090112345678", 1.0),
        ("2026090112345678", "12345678", 1.0),
        ("FK-2026-000123", "记账凭证FK2026000123", 1.0),
        ("2026090112345678", "2026090112345679", 0.0),
        ("FK2026000123", "FK2026000124", -1.0),
        ("FK2026000123", "PZ2026000124", 0.0),
        ("20260901000012", "000012", 0.0),
        ("2026090100012345", "12345", 0.3),
        (None, "12345678", 0.0),
    ],
)
def test_numbers_that_quote_each_other(left: str | None, right: str | None, sure: float) -> None:
    assert number(left, right) == sure
    assert number(right, left) == sure


def test_number_named_in_a_summary() -> None:
    assert number("FK2026000123", None, "付货款，单号 FK-2026-000123") == 1.0


@pytest.mark.parametrize(
    ("left", "right", "sure"),
    [
        ("餐费结算9月5日", "收09月05日餐费", 0),
        ("餐费结算9月5日", "收9月15日餐费", -1),
        ("餐费结算9月5日", "收餐费", 0),
        ("9月1日至9月5日餐费", "收9月15日餐费", 0),
        ("货款（第1批）", "付货款（第2批）", -1),
        ("货款（第２批）", "付货款(第2批)", 0),
    ],
)
def test_days_and_parts_that_summaries_name(left: str, right: str, sure: float) -> None:
    assert number(None, None, right, left_text=left) == sure
    assert number("FK2026000123", "FK2026000123", right, left_text=left) == 1


@pytest.mark.parametrize(
    ("left", "right", "slip"),
    [
        (123_456, 124_356, slips.SWAPPED),
        (123_456, 12_346, slips.LOST),
        (100_000, 10_000, slips.LOST),
        (123_456, 123_416, slips.CENTS),
        (123_456, 153_456, slips.DIGIT),
        (1_000_000, 994_000, slips.FEE),
        (20_000, 18_450, slips.FEE),
        (123_456, 777_777, slips.NONE),
        (1, 9_999_999, slips.NONE),
    ],
)
def test_slips(left: int, right: int, slip: int) -> None:
    assert slips.relation(np.array([left]), np.array([right])).tolist() == [slip]
    assert slips.relation(np.array([right]), np.array([left])).tolist() == [slip]


def test_slips_against_strings() -> None:
    """Every lost digit and swapped neighbours, as letters say it."""
    dice = np.random.default_rng(5)
    for cents in dice.integers(100_000, 99_999_999, 300).tolist():
        letters = list(str(cents))
        place = int(dice.integers(len(letters) - 1))
        lost = int("".join(letters[:place] + letters[place + 1 :]))
        letters[place], letters[place + 1] = letters[place + 1], letters[place]
        swapped = int("".join(letters))
        found = slips.relation(np.array([cents, cents]), np.array([lost, swapped]))
        if len(str(lost)) == len(str(cents)) - 1:
            assert found[0] == slips.LOST
        if swapped != cents and len(str(swapped)) == len(letters):
            assert found[1] == slips.SWAPPED


def edges(*pairs: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(pairs, {"x": pl.Int64, "y": pl.Int64}, orient="row")


def test_the_only_complete_assignment_is_found() -> None:
    chain = edges((1, 10), (1, 11), (2, 11), (2, 12), (3, 12))
    assert assignment.sole(chain).select("x", "y").rows() == [(1, 10), (2, 11), (3, 12)]


def test_an_assignment_with_a_choice_or_a_rest_is_none() -> None:
    circle = edges((1, 10), (1, 11), (2, 10), (2, 11))
    too_many = edges((4, 13), (4, 14))
    sure = edges((5, 15))
    assert assignment.sole(pl.concat([circle, too_many, sure])).select("x", "y").rows() == [(5, 15)]


def test_a_chain_too_long_to_unravel_is_not_half_assigned() -> None:
    chain = edges(*[pair for n in range(300) for pair in ((n, 1000 + n), (n, 1001 + n))][:-1])
    assert assignment.sole(chain).is_empty()


def test_cheapest_pairs_as_many_as_possible() -> None:
    pairs = edges((1, 10), (1, 11), (2, 10))
    chosen = assignment.cheapest(pairs, np.array([1.0, 5.0, 5.0]), 100.0)
    assert chosen.rows() == [(1, 11), (2, 10)]


def test_cheapest_leaves_alone_what_costs_more_than_staying() -> None:
    chosen = assignment.cheapest(edges((1, 10), (2, 11)), np.array([1.0, 50.0]), 20.0)
    assert chosen.rows() == [(1, 10)]
