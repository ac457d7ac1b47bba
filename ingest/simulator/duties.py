"""Who did which step: ordering, accepting, storing, collecting, paying, booking.

Belongs here: the staff of a canteen and the rows about their steps, kept apart as they must be. Does not belong
here: planted conflicts (``money_faults`` names their days).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ingest.simulator.city import City
from ingest.simulator.payables import order_numbers

BUYER, CHECKER, SECOND_CHECKER, KEEPER, CASHIER, ACCOUNTANT, PARENT = range(1, 8)
_CHECKERS: Final = (CHECKER, SECOND_CHECKER, PARENT)
_CASH: Final = 4


def steps(
    city: City, purchase: pl.DataFrame, moved: pl.DataFrame, vouchers: pl.DataFrame, conflicts: dict[tuple[int, int], int]
) -> pl.DataFrame:  # fmt: skip
    """The steps of every order, payment and voucher.

    Args:
        city: The registry.
        purchase: Lines of goods.
        moved: Movements of money.
        vouchers: Numbered voucher lines.
        conflicts: (canteen, day) -> 0 the buyer accepts too, 1 the cashier keeps the store.

    Returns:
        c, day, document_no, duty_step, staff.
    """
    slips = (
        purchase.group_by("c", "day", "slip")
        .agg(pl.max("acceptors"), pl.max("is_accepted"))
        .sort("c", "day", "slip")
    )
    slips = slips.with_columns(order_numbers(city, slips).alias("document_no"))
    came = slips.filter(pl.col("is_accepted") == 1)
    parts = [_step(slips, "order", BUYER)]
    parts += [_step(came.filter(pl.col("acceptors") > n), "accept", who) for n, who in enumerate(_CHECKERS)]
    parts.append(_step(came, "store", KEEPER))
    documents = moved.filter("in_docs").with_columns(pl.col("record_no").alias("document_no"))
    cash = documents.filter((pl.col("kind") == "settlement") & (pl.col("channel") == _CASH))
    parts.append(_step(cash.with_columns(pl.col("trade_day").alias("day")), "collect", CASHIER))
    paid = documents.filter(pl.col("kind") == "supplier_payment").with_columns(pl.col("doc_day").alias("day"))
    parts.append(_step(paid, "pay", CASHIER))
    booked = vouchers.filter(pl.col("line_no") == 1).with_columns(pl.col("post_day").alias("day"), pl.col("voucher_no").alias("document_no"))  # fmt: skip
    parts.append(_step(booked, "book", ACCOUNTANT))
    return _conflicting(pl.concat(parts), conflicts).sort("c", "day", "document_no", "duty_step", "staff")


def _step(frame: pl.DataFrame, step: str, staff: int) -> pl.DataFrame:
    return frame.select("c", "day", "document_no", pl.lit(step).alias("duty_step"), pl.lit(staff, dtype=pl.Int64).alias("staff"))  # fmt: skip


def _conflicting(rows: pl.DataFrame, conflicts: dict[tuple[int, int], int]) -> pl.DataFrame:
    """One person does what two must do."""
    keys = pl.DataFrame(
        [(c, day, variant) for (c, day), variant in conflicts.items()],
        schema={"c": pl.Int64, "day": pl.Int64, "variant": pl.Int64},
        orient="row",
    )
    buys_and_accepts = (
        (pl.col("variant") == 0) & (pl.col("duty_step") == "accept") & (pl.col("staff") == CHECKER)
    )
    pays_and_keeps = (pl.col("variant") == 1) & (pl.col("duty_step") == "store")
    return rows.join(keys, on=["c", "day"], how="left", maintain_order="left").with_columns(
        pl.when(buys_and_accepts).then(BUYER).when(pays_and_keeps).then(CASHIER).otherwise("staff").alias("staff")
    ).drop("variant")  # fmt: skip
