"""Persons become pseudonyms, contacts become masks, and masking twice is masking once."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ingest.masking import MASKED, Masker, pseudonym
from warehouse.tables import FEEDS

KEY = b"k" * 32


def mask(column: str, *values: str | None, provider: str = "p", keeps: bool = False) -> list[str | None]:
    frame = pl.DataFrame({column: pl.Series(values, dtype=pl.String)})
    return Masker(KEY, provider, keeps_pseudonyms=keeps).apply(frame)[column].to_list()


def test_every_personal_column_of_the_feeds_is_masked() -> None:
    assert {column for feed in FEEDS.values() for column in feed.personal} <= MASKED


def test_a_pseudonym_depends_on_key_provider_and_person() -> None:
    one = pseudonym(KEY, "p", "1001")
    assert len(one) == 32
    assert mask("person_hash", "1001", "1002", "1001", None) == [one, pseudonym(KEY, "p", "1002"), one, None]
    assert mask("person_hash", "1001", provider="q") != [one]
    assert pseudonym(b"x" * 32, "p", "1001") != one


def test_only_a_release_may_bring_a_pseudonym() -> None:
    kept = pseudonym(KEY, "p", "1001")
    assert mask("person_hash", kept, "1001", keeps=True) == [kept, kept]
    assert mask("person_hash", kept) != [kept]


def test_names_and_phones() -> None:
    assert mask("contact_name", "王小明", "欧阳", "李", None) == ["王*", "欧*", "李*", None]
    assert mask("contact_phone", "13812341234", "0730-8888888", "110", None) == [
        "138****1234",
        "073****8888",
        "****",
        None,
    ]


def test_remarks_lose_phone_and_identity_card_numbers() -> None:
    assert mask("reason", "退费给13812341234，证号43060220150101123X。", "停餐3天") == [
        "退费给****，证号****。",
        "停餐3天",
    ]


def test_names_of_persons_are_masked_and_those_of_organisations_stay() -> None:
    assert mask("counterparty_name", "王小明", "欧阳修文", "买买提·艾力", "王建局", None) == [
        "王*",
        "欧*",
        "买*",
        "王*",
        None,
    ]
    bodies = ["湘北粮油贸易有限公司", "岳阳县教育局", "财政局", "粮油店", "市一中学", "支付宝", "HSBC", "王*"]
    assert mask("counterparty_name", *bodies) == bodies


def test_accounts_of_others_keep_four_digits_and_texts_lose_phones() -> None:
    assert mask("counterparty_account", "6222021001112223334", "1234", "a@b.c", None) == [
        "****3334",
        "****",
        "****",
        None,
    ]
    assert mask("summary", "转13812341234") == mask("purpose_text", "转13812341234") == ["转****"]


@given(
    text=st.text(max_size=30),
    column=st.sampled_from(
        ["contact_name", "contact_phone", "reason", "counterparty_name", "counterparty_account", "summary"]
    ),
)
def test_a_masked_value_stays_as_it_is(text: str, column: str) -> None:
    once = mask(column, text)
    assert mask(column, *once) == once
