"""What the flows disagree on: one type for every group that is not whole, with a reason, explained to zero.

Belongs here: types, reasons and remainders of finished groups. Does not belong here: joining events.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.reconcile import slips
from pipelines.reconcile.candidates import WINDOW
from pipelines.reconcile.events import ALL, BANK, BOOKS, BUSINESS, FLOWS

BREAK_TYPES: Final = {
    "timing": "入账时间差",
    "missing_in_bank": "银行未达",
    "missing_in_business": "缺业务单据",
    "missing_in_books": "账簿未记",
    "amount": "金额不符",
    "duplicate": "重复记录",
    "wrong_account": "非专用账户",
    "split": "合并或拆分",
    "reversal": "冲正",
}
_LABELS: Final = {"bank": "银行", "business": "业务", "books": "账簿"}
_MONEY: Final = pl.Decimal(18, 2)
_CENT: Final = 100


def _type() -> pl.Expr:
    """Type of a group by its flows, amounts, accounts and days."""
    mask = pl.col("mask")
    complete = pl.col("complete")
    rules = (
        (pl.col("reversal"), "reversal"),
        (complete & pl.col("grouped"), "split"),
        (complete & (pl.col("amounts") > 1), "amount"),
        (complete & pl.col("foreign"), "wrong_account"),
        (complete & (pl.col("span") > WINDOW), "timing"),
        (complete, None),
        (mask == BUSINESS | BOOKS, "missing_in_bank"),
        (mask == BANK | BOOKS, "missing_in_business"),
        (mask == BANK | BUSINESS, "missing_in_books"),
        # Only one flow has it: the first thing to ask for.
        ((mask == BANK) & ~pl.col("natural"), "missing_in_business"),
        (mask == BANK, "missing_in_books"),
    )
    kind: pl.Expr = pl.lit("missing_in_bank")
    for condition, name in reversed(rules):
        kind = pl.when(condition).then(pl.lit(name, pl.String)).otherwise(kind)
    return kind


def typed(events: pl.DataFrame) -> pl.DataFrame:
    """The type of what each event is part of.

    Args:
        events: Prepared events with ``group`` (label), ``grouped``, ``copy_of`` and ``reverses`` (rows of
            the event that they repeat or reverse, else null).

    Returns:
        The events with ``knot`` (number of the difference or the match) and ``break_type``, null where the
        flows agree.
    """
    knots = events.with_columns(
        knot=pl.coalesce("reverses", "group"),
        reversal=pl.col("reverses").is_not_null()
        | pl.col("row").is_in(events["reverses"].drop_nulls().implode()),
    )
    groups = (
        knots.filter(pl.col("copy_of").is_null())
        .group_by("knot")
        .agg(
            pl.col("grouped", "foreign", "natural", "reversal").any(),
            mask=pl.col("bit").unique().sum(),
            amounts=pl.col("cents").n_unique(),
            span=pl.col("day").max() - pl.col("day").min(),
        )
        .with_columns(
            complete=(pl.col("mask") == ALL) | ((pl.col("mask") == BANK | BOOKS) & pl.col("natural"))
        )
        .select("knot", "mask", break_type=_type())
    )
    # A copy makes a difference of the group that it repeats, or one of its own where that has another already or is
    # settled.
    hosts = events.select("settled", host="group", copy_of="row")
    copies = (
        knots.filter(pl.col("copy_of").is_not_null())
        .select("row", "copy_of")
        .join(hosts, on="copy_of")
        .join(groups.select(host="knot", of="break_type"), on="host")
        .select(
            "row",
            copy_knot=pl.when(pl.col("of").is_null() & ~pl.col("settled")).then("host").otherwise("row"),
        )
    )
    repeated = pl.col("knot").is_in(copies["copy_knot"].implode())
    return (
        knots.join(copies, on="row", how="left", maintain_order="left")
        .with_columns(knot=pl.coalesce("copy_knot", "knot"))
        .join(groups, on="knot", how="left", maintain_order="left")
        .with_columns(break_type=pl.when(repeated).then(pl.lit("duplicate")).otherwise("break_type"))
        .drop("copy_knot", "reversal")
    )


def described(events: pl.DataFrame) -> pl.DataFrame:
    """One row per difference.

    Args:
        events: From ``typed``, with ``match_id``.

    Returns:
        ``difference_id``, ``break_type``, ``canteen_id``, ``match_id`` (of what is matched all the same),
        ``first_date``, ``last_date``, ``event_ids``, ``amount_yuan`` (at stake), ``bank_less_books_yuan``
        and ``bank_less_business_yuan`` (what it explains, money in less money out), ``reason``.
    """
    differing = events.filter(pl.col("break_type").is_not_null()).sort("knot", "row")
    per_flow = [
        expression
        for name, bit in FLOWS.items()
        for expression in (
            pl.col("cents").filter(pl.col("bit") == bit).sum().alias(f"{name}_cents"),
            _signed().filter(pl.col("bit") == bit).sum().alias(f"{name}_net"),
            pl.col("row").filter(pl.col("bit") == bit).len().alias(f"{name}_n"),
            pl.col("biz_date").filter(pl.col("bit") == bit).min().alias(f"{name}_first"),
            pl.col("biz_date").filter(pl.col("bit") == bit).max().alias(f"{name}_last"),
        )
    ]
    knots = differing.group_by("knot", maintain_order=True).agg(
        pl.col("break_type", "canteen_id").first(),
        pl.col("match_id").drop_nulls().first(),
        *per_flow,
        first_date=pl.col("biz_date").min(),
        last_date=pl.col("biz_date").max(),
        event_ids=pl.col("event_id"),
        account=pl.col("account_no").filter("foreign").first().str.tail(4),
        largest=pl.col("cents").max(),
        smallest=pl.col("cents").min(),
        copied=pl.col("cents").filter(pl.col("copy_of").is_not_null()).sum(),
        copied_in=pl.col("flow")
        .filter(pl.col("copy_of").is_not_null())
        .first()
        .replace_strict(_LABELS, default=None),
    )
    slip = slips.relation(knots["largest"].to_numpy(), knots["smallest"].to_numpy())
    at_stake = (
        pl.when(pl.col("break_type") == "duplicate")
        .then("copied")
        .when(pl.col("break_type") == "amount")
        .then(pl.col("largest") - pl.col("smallest"))
        .otherwise(pl.max_horizontal(f"{name}_cents" for name in FLOWS))
    )
    return (
        knots.with_columns(
            span=(pl.col("last_date") - pl.col("first_date")).dt.total_days(),
            slip=pl.Series(slip).replace_strict(dict(enumerate(slips.SLIPS)), return_dtype=pl.String),
        )
        .select(
            "break_type",
            "canteen_id",
            "match_id",
            "first_date",
            "last_date",
            "event_ids",
            difference_id=pl.lit("D-") + pl.col("event_ids").list.first(),
            amount_yuan=_yuan(at_stake),
            bank_less_books_yuan=_yuan(pl.col("bank_net") - pl.col("books_net")),
            bank_less_business_yuan=_yuan(pl.col("bank_net") - pl.col("business_net")),
            reason=pl.concat_str(_facts(), pl.lit("："), _because()),
        )
        .sort("difference_id")
    )


def _signed() -> pl.Expr:
    return pl.when("incoming").then("cents").otherwise(-pl.col("cents"))


def _yuan(cents: pl.Expr) -> pl.Expr:
    return (cents.cast(_MONEY) / _CENT).cast(_MONEY)


def _facts() -> pl.Expr:
    """What each flow has, in words."""
    flows = []
    for name, label in _LABELS.items():
        first, last = (pl.col(f"{name}_{end}").dt.strftime("%Y-%m-%d") for end in ("first", "last"))
        days = pl.when(first == last).then(first).otherwise(pl.concat_str(first, pl.lit("至"), last))
        count = (
            pl.when(pl.col(f"{name}_n") > 1).then(pl.format("{} 笔共 ", f"{name}_n")).otherwise(pl.lit(""))
        )
        said = pl.format(
            "{} {} {}{} 元", pl.lit(label), days, count, _yuan(pl.col(f"{name}_cents")).cast(pl.String)
        )
        flows.append(pl.when(pl.col(f"{name}_n") > 0).then(said))
    return pl.concat_str(flows, separator="，", ignore_nulls=True)


def _because() -> pl.Expr:
    kind = pl.col("break_type")
    missing = {
        "missing_in_bank": "银行流水没有对应的一笔",
        "missing_in_business": "没有对应的业务单据",
        "missing_in_books": "账簿没有入账",
    }
    return (
        pl.when(kind == "timing")
        .then(pl.format("金额一致，日期相隔 {} 天", "span"))
        .when(kind == "amount")
        .then(pl.format("同一笔款金额不符，{}", "slip"))
        .when(kind == "duplicate")
        .then(pl.format("{}把同一笔记了不止一次", pl.col("copied_in").fill_null("其中一方")))
        .when(kind == "wrong_account")
        .then(pl.format("款项走了尾号 {} 的账户，不是本食堂的专用账户", pl.col("account").fill_null("不明")))
        .when(kind == "split")
        .then(pl.lit("一方合并记载、另一方分笔记载，合计相等"))
        .when(kind == "reversal")
        .then(pl.lit("一笔付出与其冲正相抵，业务和账簿都没有"))
        .otherwise(kind.replace_strict(missing, default=None))
    )


def remainders(events: pl.DataFrame, differences: pl.DataFrame) -> pl.DataFrame:
    """Per canteen: what the flows sum to, what is explained, and what is left.

    Args:
        events: From ``typed``.
        differences: From ``described``.

    Returns:
        ``canteen_id``, ``bank_yuan``, ``business_yuan``, ``books_yuan`` (in less out),
        ``without_document_yuan`` (fees and interest that need no document), ``explained_books_yuan``,
        ``explained_business_yuan``, ``remainder_books_yuan``, ``remainder_business_yuan``.
    """
    undocumented = (pl.col("mask") == BANK | BOOKS) & pl.col("break_type").is_null() & (pl.col("bit") == BANK)
    sums = events.group_by("canteen_id").agg(
        *(
            _yuan(_signed().filter(pl.col("bit") == bit).sum()).alias(f"{name}_yuan")
            for name, bit in FLOWS.items()
        ),
        without_document_yuan=_yuan(_signed().filter(undocumented).sum()),
    )
    explained = differences.group_by("canteen_id").agg(
        explained_books_yuan=pl.col("bank_less_books_yuan").sum().cast(_MONEY),
        explained_business_yuan=pl.col("bank_less_business_yuan").sum().cast(_MONEY),
    )
    bank = pl.col("bank_yuan")
    return (
        sums.join(explained, on="canteen_id", how="left")
        .with_columns(pl.col("explained_books_yuan", "explained_business_yuan").fill_null(0))
        .with_columns(
            remainder_books_yuan=(bank - pl.col("books_yuan") - pl.col("explained_books_yuan")).cast(_MONEY),
            remainder_business_yuan=(
                bank
                - pl.col("business_yuan")
                - pl.col("explained_business_yuan")
                - pl.col("without_document_yuan")
            ).cast(_MONEY),
        )
        .sort("canteen_id")
    )
