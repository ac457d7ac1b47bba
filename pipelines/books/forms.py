"""Forms of a month: the public disclosure, the roll-up of expenses, and when each is due.

Belongs here: accounts put together as the forms say (``form_lines.csv``, ``ref_form_account.csv``,
``cost_kinds.csv``). Does not belong here: statements by account (``statements``), printing (``sheets``).
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import polars as pl

from pipelines.books import statements
from pipelines.books.reference import Reference
from warehouse.errors import Permanent

PUBLIC: Final = "public"
"""The form that schools publish, with the lines of ``vocabulary.FORM_LINES``."""
COST: Final = "cost"
"""The longer form of costs: fees of pupils and teachers apart, staff, operation, management."""
_FOOD: Final = ("dishes", "rice_oil", "condiments")
_BOOKS: Final = statements.BOOKS


def due(statement: str, month: str, reference: Reference) -> dt.date:
    """Day by which a statement about a month is due.

    Args:
        statement: ``principal``, ``disclosure`` or ``closing``.
        month: ``YYYY-MM``.
        reference: Holds the deadlines.
    """
    following = statements.month_end(month) + dt.timedelta(days=1)
    return following.replace(day=reference.day_of_month(statement, following))


def disclosure(
    lines: pl.DataFrame, reference: Reference, month: str, *, version: str = PUBLIC
) -> pl.DataFrame:
    """The disclosure form of every canteen, each with all lines of the form.

    The result is the income less all expenses of the ledger: what has no line of its own on the form stands in
    ``off_form``, which is printed where it is not nothing.

    Args:
        lines: Posted lines.
        reference: Lines of the form and the accounts behind each.
        month: ``YYYY-MM``.
        version: ``PUBLIC`` or ``COST``.

    Returns:
        canteen_id, account_set, line_code, line_label, sort_no, month_yuan, ytd_yuan.

    Raises:
        Permanent: The form is unknown, or an account stands on none of its lines.
    """
    end = statements.month_end(month)
    form = reference.at(reference.form_lines, end).filter(form_version=version).drop("form_version")
    if form.is_empty():
        raise Permanent(f"没有 {version} 版公示表：可用的见 form_lines.csv")
    placed = reference.below(
        reference.at(reference.form_accounts, end).filter(form_version=version), "line_code"
    )
    moved = statements.income_expense(lines, reference, month).join(
        placed, on=["account_set", "account_code"], how="left"
    )
    lost = moved.filter(pl.col("line_code").is_null())
    if lost.height:
        raise Permanent(
            f"科目 {lost['account_code'][0]} 不在 {version} 版公示表上：请在 ref_form_account.csv 中补充"
        )
    signed = moved.with_columns(
        pl.when(account_class="income")
        .then(pl.col("month_yuan", "ytd_yuan"))
        .otherwise(-pl.col("month_yuan", "ytd_yuan"))
    )
    sums = signed.group_by(*_BOOKS, "line_code").agg(pl.col("month_yuan", "ytd_yuan").sum())
    results = signed.group_by(_BOOKS).agg(pl.col("month_yuan", "ytd_yuan").sum(), line_code=pl.lit("result"))
    figures = pl.concat([sums, results.select(sums.columns)])
    yuan = pl.col("month_yuan", "ytd_yuan")
    return (
        lines.select(_BOOKS)
        .unique()
        .join(form, how="cross")
        .join(figures, on=[*_BOOKS, "line_code"], how="left")
        .with_columns(
            (pl.when(pl.col("sign") < 0).then(-yuan).otherwise(yuan)).fill_null(0).cast(pl.Decimal(18, 2))
        )
        .sort(*_BOOKS, "sort_no")
        .select(*_BOOKS, "line_code", "line_label", "sort_no", "month_yuan", "ytd_yuan")
    )


def food_share(form: pl.DataFrame, figures: str, *, with_other: bool) -> Decimal | None:
    """Food in percent of the income of one canteen's public form, two decimals; ``None`` without income.

    The form prints it for canteens that the school runs itself. It is a figure to read, no verdict.

    Args:
        form: Rows of ``disclosure`` of one canteen.
        figures: ``month_yuan`` or ``ytd_yuan``.
        with_other: Count other materials as food too.
    """
    codes = [*_FOOD, *(["other_materials"] if with_other else [])]
    food, income = (
        form.filter(pl.col("line_code").is_in(wanted))[figures].sum() for wanted in (codes, ["income"])
    )
    if not income:
        return None
    return (Decimal(100) * Decimal(food) / Decimal(income)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def roll_up(lines: pl.DataFrame, reference: Reference, month: str) -> pl.DataFrame:
    """Expenses of every canteen by kind, under either account set.

    Returns:
        canteen_id, cost_kind, month_yuan, ytd_yuan; the sum over canteens is the city's.

    Raises:
        Permanent: An expense account is of no kind.
    """
    kinds = reference.below(reference.at(reference.cost_kinds, statements.month_end(month)), "cost_kind")
    spent = (
        statements.income_expense(lines, reference, month)
        .filter(account_class="expense")
        .join(kinds, on=["account_set", "account_code"], how="left")
    )
    lost = spent.filter(pl.col("cost_kind").is_null())
    if lost.height:
        raise Permanent(f"支出科目 {lost['account_code'][0]} 没有类别：请在 cost_kinds.csv 中补充")
    return (
        spent.group_by("canteen_id", "cost_kind")
        .agg(pl.col("month_yuan", "ytd_yuan").sum())
        .sort("canteen_id", "cost_kind")
    )
