"""The dated reference of the books: accounts, posting templates, stock classes, policy, forms, deadlines.

Belongs here: reading ``reference/*.csv``, and the accounts of the forms, which dbt reads too, and what must hold in
them. Every row has a period of validity, a source
and a confidence. Does not belong here: choosing a template for an event (``pipelines.books.templates``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl

from warehouse import vocabulary
from warehouse.errors import Permanent
from warehouse.settings import ROOT

FOLDER: Final = Path(__file__).parent / "reference"
_SEEDS: Final = {"form_accounts": ROOT / "dbt_project" / "seeds" / "ref_form_account.csv"}
CLASS_MARK: Final = "*"
"""Stands for the two digits of an event's stock class at the end of an account code."""
CARRIED: Final = {"@income": "income", "@expense": "expense"}
"""Stands in a template of month end for every account of a class."""
FOR_EVER: Final = dt.date(9999, 12, 31)

_CODES: Final = {
    "account_set": vocabulary.ACCOUNT_SETS,
    "account_class": vocabulary.ACCOUNT_CLASSES,
    "event_kind": vocabulary.BOOK_EVENTS,
    "stock_class": vocabulary.STOCK_CLASSES,
    "stock_method": vocabulary.STOCK_METHODS,
    "cost_kind": vocabulary.COST_KINDS,
    "confidence": vocabulary.SOURCE_CONFIDENCES,
}


@dataclass(frozen=True)
class Reference:
    """Everything that the books look up. Frames have ``valid_from`` and ``valid_to`` (never null) as dates.

    Attributes:
        accounts: account_set, account_code, account_name, parent_code, account_class, role, is_leaf.
        templates: template_id, account_set, event_kind, detail_kind, account_kind, payment_method,
            debit_account, credit_account; a blank condition holds for everything.
        stock_classes: category, stock_class, class_no.
        policy: canteen_id (blank: every canteen that has no row of its own), account_set, stock_method.
        deadlines: statement, day_of_month.
        form_lines: form_version, line_code, line_label, sort_no, sign.
        form_accounts: form_version, account_set, account_code (with all below it), line_code.
        cost_kinds: account_set, account_code (with all below it), cost_kind.
    """

    accounts: pl.DataFrame
    templates: pl.DataFrame
    stock_classes: pl.DataFrame
    policy: pl.DataFrame
    deadlines: pl.DataFrame
    form_lines: pl.DataFrame
    form_accounts: pl.DataFrame
    cost_kinds: pl.DataFrame

    def at(self, frame: pl.DataFrame, day: dt.date) -> pl.DataFrame:
        """Rows of a frame that are valid on a day, without their period, source and confidence."""
        held = frame.filter(pl.col("valid_from") <= day, pl.col("valid_to") >= day)
        return held.drop("valid_from", "valid_to", "source", "confidence")

    def day_of_month(self, statement: str, day: dt.date) -> int:
        """Day of the next month by which a statement is due."""
        return int(self.at(self.deadlines, day).filter(statement=statement)["day_of_month"].item())

    def books_of(self, canteens: pl.DataFrame, day: str) -> pl.DataFrame:
        """Account set and stock method of canteens on days.

        Args:
            canteens: Has ``canteen_id`` and the column ``day``; further columns are kept.
            day: Name of the column with the day.

        Raises:
            Permanent: No row of the policy holds.
        """
        own, general = (self.policy.filter((pl.col("canteen_id") == "") == blank) for blank in (False, True))
        wanted = canteens.select("canteen_id", day).unique()
        span = pl.col(day).is_between(pl.col("valid_from"), pl.col("valid_to"))
        choice = ("account_set", "stock_method")
        special = wanted.join(own, on="canteen_id").filter(span).select("canteen_id", day, *choice)
        usual = (
            wanted.join(general.drop("canteen_id"), how="cross")
            .filter(span)
            .select("canteen_id", day, *choice)
        )
        chosen = pl.concat([special, usual]).unique(["canteen_id", day], keep="first", maintain_order=True)
        if chosen.height < wanted.height:
            lost = wanted.join(chosen, on=["canteen_id", day], how="anti").row(0)
            raise Permanent(f"食堂 {lost[0]} 在 {lost[1]} 没有适用的账套：在 policy.csv 中补充一行")
        return canteens.join(chosen, on=["canteen_id", day], how="left", maintain_order="left")

    def below(self, mapping: pl.DataFrame, column: str) -> pl.DataFrame:
        """A mapping of account heads spread to leaves; the longest head holds.

        Args:
            mapping: account_set, account_code and the column, valid rows of one version.
            column: What the accounts are mapped to.
        """
        leaves = self.accounts.filter("is_leaf").select("account_set", "account_code")
        return (
            leaves.join(mapping.select("account_set", column, head="account_code"), on="account_set")
            .filter(pl.col("account_code").str.starts_with(pl.col("head")))
            .sort("account_set", "account_code", pl.col("head").str.len_chars())
            .unique(["account_set", "account_code"], keep="last", maintain_order=True)
            .select("account_set", "account_code", column)
        )


@cache
def load(folder: Path = FOLDER) -> Reference:
    """Read and check the reference.

    Args:
        folder: Folder of the CSV files.

    Raises:
        Permanent: A file says something that cannot be; the message names the file and the rows.
    """
    files = {name: folder / f"{name}.csv" for name in Reference.__dataclass_fields__} | _SEEDS
    frames = {name: _read(path) for name, path in files.items()}
    heads = frames["accounts"].select("account_set", account_code="parent_code", is_leaf=pl.lit(value=False))
    frames["accounts"] = (
        frames["accounts"]
        .join(heads.unique(), on=["account_set", "account_code"], how="left")
        .with_columns(pl.col("is_leaf").fill_null(value=True))
    )
    whole = [("deadlines", "day_of_month"), ("form_lines", "sort_no"), ("form_lines", "sign")]
    for name, column in whole:
        frames[name] = frames[name].with_columns(pl.col(column).cast(pl.Int64))
    reference = Reference(**frames)
    _check(reference)
    return reference


def _read(path: Path) -> pl.DataFrame:
    frame = pl.read_csv(path, infer_schema=False).fill_null("")
    for column, known in _CODES.items():
        if column in frame.columns:
            wrong = frame.filter(~pl.col(column).is_in(list(known)))[column].unique().sort()
            if len(wrong):
                raise Permanent(f"{path.name}：{column} 不认识 {'、'.join(wrong)}，可用 {'、'.join(known)}")
    blank = frame.filter((pl.col("source") == "") | (pl.col("valid_from") == ""))
    if blank.height:
        raise Permanent(f"{path.name}：每行都要写明依据和生效日期：{blank.row(0)}")
    end = pl.when(pl.col("valid_to") != "").then("valid_to").str.to_date()
    return frame.with_columns(pl.col("valid_from").str.to_date(), valid_to=end.fill_null(FOR_EVER))


def _check(reference: Reference) -> None:
    """Templates and mappings name leaves that exist, and no two rows hold for the same case at once."""
    keys = {
        "accounts": ["account_set", "account_code"],
        "templates": ["account_set", "event_kind", "detail_kind", "account_kind", "payment_method"],
        "stock_classes": ["category"],
        "policy": ["canteen_id"],
        "deadlines": ["statement"],
        "form_lines": ["form_version", "line_code"],
        "form_accounts": ["form_version", "account_set", "account_code"],
        "cost_kinds": ["account_set", "account_code"],
    }
    for name, key in keys.items():
        frame: pl.DataFrame = getattr(reference, name)
        following = pl.col("valid_from").shift(-1).over(key, order_by="valid_from")
        twice = frame.filter(following <= pl.col("valid_to"))
        if twice.height:
            raise Permanent(f"{name}.csv：{twice.select(key).row(0)} 有两行同时有效，请错开起止日期")
    known = reference.accounts.filter("is_leaf").select("account_set", account="account_code")
    classes = reference.stock_classes["class_no"].unique()
    used = (
        reference.templates.unpivot(
            ["debit_account", "credit_account"], index="account_set", value_name="account"
        )
        .filter(~pl.col("account").is_in(list(CARRIED)))
        .with_columns(
            no=pl.when(pl.col("account").str.ends_with(CLASS_MARK))
            .then(classes.implode())
            .otherwise(pl.lit([""]))
        )
        .explode("no")
        .with_columns(account=pl.col("account").str.strip_suffix(CLASS_MARK) + pl.col("no"))
    )
    lost = used.join(known, on=["account_set", "account"], how="anti")
    if lost.height:
        raise Permanent(
            f"templates.csv：没有明细科目 {lost.select('account_set', 'account').row(0)}，请在 accounts.csv 中补充"
        )
