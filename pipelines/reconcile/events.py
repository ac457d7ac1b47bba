"""Money events made ready to be matched.

Belongs here: the columns that a flow must have, and one row per event in integers and normal spelling.
Does not belong here: comparing two events.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.reconcile import names
from warehouse.errors import ContractBreach

BANK: Final = 1
BUSINESS: Final = 2
BOOKS: Final = 4
ALL: Final = BANK | BUSINESS | BOOKS
FLOWS: Final = {"bank": BANK, "business": BUSINESS, "books": BOOKS}
"""Bit of each flow: the flows that a group of events covers are a sum of bits."""

SCHEMA: Final = pl.Schema(
    {
        "event_id": pl.String(),
        "flow": pl.String(),
        "canteen_id": pl.String(),
        "account_no": pl.String(),
        "biz_date": pl.Date(),
        "direction": pl.String(),
        "amount_yuan": pl.Decimal(18, 2),
        "party": pl.String(),
        "text": pl.String(),
        "ref": pl.String(),
        "kind": pl.String(),
    }
)
SETTLED: Final = pl.Schema(
    {**SCHEMA, "match_id": pl.String(), "rule": pl.String(), "automatic": pl.Boolean()}
)
"""Events that an earlier call settled; ``match_id`` and ``rule`` are null where they stayed alone."""
ACCOUNTS: Final = pl.Schema({"canteen_id": pl.String, "account_no": pl.String, "account_role": pl.String})

BY_NATURE: Final = ("bank_fee", "interest")
"""Kinds for which the bank makes no document: bank and books are the whole transaction."""
_NATURAL_WORDS: Final = "手续费|工本费|账户管理费|短信费|利息|结息"
_REVERSAL_WORDS: Final = "冲正|冲账|冲销|抹账|反交易|退汇|退票|退回|撤销|转账失败"
_UNDONE_WORDS: Final = "冲|退|撤|抹|红字|反交易"
_NUMBER: Final = 6
"""Fewest signs of a number that no two events share by chance."""
_CENT: Final = 100


def prepare(events: pl.DataFrame, accounts: pl.DataFrame, settled: pl.DataFrame) -> pl.DataFrame:
    """Check a frame of events and bring it into the form that matching works on.

    Args:
        events: Columns of ``SCHEMA``; others are ignored.
        accounts: Columns of ``ACCOUNTS``.
        settled: Columns of ``SETTLED``.

    Returns:
        One row per event, ordered by ``event_id``, so that nothing depends on the order given: ``row``
        (position), ``bit``, ``canteen`` and ``block`` (numbers of the canteen, and of canteen, direction
        and amount), ``day``, ``cents``, ``incoming``, ``foreign`` (a bank line on an account that is not a
        special one of the canteen), ``party_key``, ``text_key``, ``part`` (of several) and ``named_day`` (as the text says), ``ref_key``, ``natural``, ``reversing`` (a bank
        line that says so), ``undone`` (the text tells of money that went back), ``like`` and ``alike`` (number
        and size of the set of events that nothing tells apart), ``place`` (among these, or among events of one
        number and amount), ``settled``, beside the columns of ``SCHEMA``.

    Raises:
        ContractBreach: A column is missing or of another type, an id stands twice, or an amount is not
            positive.
    """
    every = pl.concat(
        [
            frame.select(SCHEMA.names()).with_columns(settled=pl.lit(value))
            for frame, value in ((_checked(events), False), (settled, True))
        ]
    )
    special = accounts.filter(pl.col("account_role") == "special").select(
        "canteen_id", "account_no", special=pl.lit(True)
    )
    registered = accounts["canteen_id"].unique()
    kind = pl.col("kind").fill_null("other")
    same = ["bit", "block", "day", "account_no", "party_key", "text_key", "ref_key", "kind"]
    return (
        every.sort("event_id")
        .with_row_index("row")
        .join(special.unique(), on=["canteen_id", "account_no"], how="left", maintain_order="left")
        .with_columns(
            pl.col("row").cast(pl.Int64),
            bit=pl.col("flow").replace_strict(FLOWS, return_dtype=pl.Int64),
            canteen=pl.col("canteen_id").rank("dense").cast(pl.Int64),
            day=pl.col("biz_date").to_physical().cast(pl.Int64),
            cents=(pl.col("amount_yuan") * _CENT).cast(pl.Int64),
            incoming=pl.col("direction") == "in",
            # A canteen without any registered account cannot be judged; that is a finding of its own.
            foreign=(pl.col("flow") == "bank")
            & pl.col("special").is_null()
            & pl.col("canteen_id").is_in(registered.implode()),
            own_party=names.party("party"),
            text_key=names.text("text"),
            part=names.part("text"),
            named_day=names.named_day("text"),
            ref_key=names.reference("ref"),
            natural=pl.col("kind").is_in(BY_NATURE)
            | ((kind == "other") & pl.col("text").str.contains(_NATURAL_WORDS).fill_null(False)),
            reversing=(pl.col("flow") == "bank")
            & pl.col("text").str.contains(_REVERSAL_WORDS).fill_null(False),
            undone=pl.col("text").str.contains(_UNDONE_WORDS).fill_null(False),
        )
        .with_columns(**names.numbers())
        .pipe(_with_named_parties)
        .with_columns(block=pl.struct("canteen", "incoming", "cents").rank("dense").cast(pl.Int64))
        .with_columns(like=pl.struct(same).rank("dense").cast(pl.Int64))
        .with_columns(
            alike=pl.len().over("like").cast(pl.Int64),
            stack=pl.when(pl.col("ref_key").str.len_chars() >= _NUMBER)
            .then("ref_key")
            .otherwise(pl.col("like").cast(pl.String)),
        )
        .with_columns(
            place=pl.struct("day", "row").rank("ordinal").over("bit", "block", "stack").cast(pl.Int64)
        )
        .drop("special", "stack", "own_party")
    )


def _with_named_parties(events: pl.DataFrame) -> pl.DataFrame:
    """``party_key``: the party, or where it is missing the longest that the summary names of the canteen's parties."""
    known = (
        events.select("canteen", "own_party")
        .drop_nulls()
        .unique()
        .filter(~pl.col("own_party").str.contains("*", literal=True))
    )
    silent = events.filter(pl.col("own_party").is_null(), pl.col("text_key").is_not_null())
    patterns = known["own_party"].unique().sort()
    if patterns.is_empty():
        return events.with_columns(party_key="own_party")
    named = (
        silent.select(
            "row",
            "canteen",
            own_party=pl.col("text_key").str.extract_many(patterns.to_list(), overlapping=True),
        )
        .explode("own_party")
        .join(known, on=["canteen", "own_party"])
        .sort(pl.col("own_party").str.len_chars(), "own_party", descending=[True, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", named="own_party")
    )
    return (
        events.join(named, on="row", how="left", maintain_order="left")
        .with_columns(party_key=pl.coalesce("own_party", "named"))
        .drop("named")
    )


def _checked(events: pl.DataFrame) -> pl.DataFrame:
    wrong = [name for name, dtype in SCHEMA.items() if events.schema.get(name) != dtype]
    if wrong:
        raise ContractBreach(
            f"资金事件缺少列或列类型不符：{'、'.join(wrong)}；请按 pipelines.reconcile.events.SCHEMA 提供",
            events.height,
        )
    optional = ("account_no", "party", "text", "ref", "kind")
    bad = events.filter(
        pl.any_horizontal(pl.col(name).is_null() for name in SCHEMA if name not in optional)
        | (pl.col("amount_yuan") <= 0)
        | ~pl.col("flow").is_in(list(FLOWS))
        | ~pl.col("direction").is_in(["in", "out"])
        | pl.col("event_id").is_duplicated()
    )
    if bad.height:
        shown = "、".join(bad["event_id"].fill_null("（空）").head(3))
        raise ContractBreach(
            f"资金事件 {shown} 等 {bad.height} 行不可用：编号重复、必填列为空、金额不大于零或流、方向不在码表内；"
            "请在取数处更正后重跑",
            bad.height,
        )
    return events
