"""Events to voucher lines by the dated templates.

Belongs here: which template holds for an event, and the two lines that it makes. Does not belong here: the
templates themselves (``reference/templates.csv``), numbers and dates of vouchers (``pipelines.books.posting``).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.books.reference import CLASS_MARK, Reference
from warehouse.errors import Permanent

_CONDITIONS: Final = {"detail_kind": 4, "account_kind": 2, "payment_method": 1}
"""Conditions of a template with their weights: of several templates that hold the most special one is taken."""
_CASE: Final = ("account_set", "event_kind", *_CONDITIONS, "biz_date")


def lines(events: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Two lines for each event.

    Args:
        events: Columns of ``EVENT`` and ``account_set``, with values; further columns are kept.
        reference: Templates, stock classes and accounts.

    Returns:
        The events' columns with line_no, account_code, template_id, debit_yuan, credit_yuan and ``qty``, which
        is signed and stands on stock accounts alone.

    Raises:
        Permanent: No template holds for an event.
    """
    classes = reference.stock_classes.select("category", "class_no", "valid_from", "valid_to")
    kinds = events.select("category", "biz_date").unique().join(classes, on="category")
    kinds = kinds.filter(pl.col("biz_date").is_between("valid_from", "valid_to"))
    rest = reference.stock_classes.filter(stock_class="other")["class_no"][0]
    paired = (
        events.join(_chosen(events, reference), on=list(_CASE), how="left")
        .join(kinds.drop("valid_from", "valid_to"), on=["category", "biz_date"], how="left")
        .with_columns(pl.col("class_no").fill_null(rest))
    )
    stock = reference.accounts.filter(role="stock").select(
        "account_set", "account_code", is_stock=pl.lit(value=True)
    )
    nothing = pl.lit(0, pl.Decimal(18, 2))
    sides = [
        paired.with_columns(
            line_no=pl.lit(number, pl.Int64),
            account_code=pl.col(column).str.replace(CLASS_MARK, pl.col("class_no"), literal=True),
            debit_yuan=pl.col("amount_yuan") if number == 1 else nothing,
            credit_yuan=nothing if number == 1 else pl.col("amount_yuan"),
            qty=pl.col("qty") if number == 1 else -pl.col("qty"),
        )
        for number, column in ((1, "debit_account"), (2, "credit_account"))
    ]
    return (
        pl.concat(sides)
        .join(stock, on=["account_set", "account_code"], how="left")
        .with_columns(qty=pl.when("is_stock").then(pl.col("qty").cast(pl.Decimal(18, 3))))
        .drop("is_stock", "debit_account", "credit_account", "class_no")
    )


def _chosen(events: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """The template of each case: the most special one whose conditions and dates hold."""
    cases = events.select(_CASE).unique()
    offered = reference.templates.rename({name: f"of_{name}" for name in _CONDITIONS})
    holds = [(pl.col(f"of_{name}") == "") | (pl.col(f"of_{name}") == pl.col(name)) for name in _CONDITIONS]
    special = sum(
        ((pl.col(f"of_{name}") != "").cast(pl.Int64) * weight for name, weight in _CONDITIONS.items()),
        pl.lit(0, pl.Int64),
    )
    chosen = (
        cases.join(offered, on=["account_set", "event_kind"])
        .filter(*holds, pl.col("biz_date").is_between("valid_from", "valid_to"))
        .with_columns(special=special)
        .sort("special")
        .unique(_CASE, keep="last", maintain_order=True)
        .select(*_CASE, "template_id", "debit_account", "credit_account")
    )
    lost = cases.join(chosen, on=list(_CASE), how="anti")
    if lost.height:
        raise Permanent(
            f"没有适用的分录模板：{dict(zip(_CASE, lost.row(0), strict=True))}，请在 templates.csv 中补充一行"
        )
    return chosen
