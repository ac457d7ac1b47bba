"""Text to typed columns, and the contract.

Belongs here: how a clerk's text becomes a date, a number or a code, and which rows break which rule.
A value that cannot be read becomes null and the row breaks the rule ``<column>|dtype``, a code outside
its list ``<column>|enum``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Final

import dataframely as dy
import polars as pl

from warehouse import vocabulary
from warehouse.tables import LINEAGE, Feed

_INDEX: Final = "row_index"
_DATE_FORMATS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d")
_TIME_FORMATS: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d %H:%M")
_TRUE: Final = ("1", "true", "是", "TRUE", "True")
_FALSE: Final = ("0", "false", "否", "FALSE", "False")
_LABELS: Final[dict[str, dict[str, str]]] = {
    "org_kind": vocabulary.ORG_KINDS,
    "stage": vocabulary.STAGES,
    "operating_mode": vocabulary.OPERATING_MODES,
    "account_kind": vocabulary.ACCOUNT_KINDS,
    "payer_kind": vocabulary.ACCOUNT_KINDS,
    "move_kind": vocabulary.MOVE_KINDS,
    "purpose": vocabulary.PURPOSES,
    "meal": vocabulary.MEALS,
    "channel": vocabulary.CHANNELS,
    "refund_kind": vocabulary.REFUND_KINDS,
    "category": vocabulary.FOOD_CATEGORIES,
    "direction": vocabulary.BANK_DIRECTIONS,
    "proof": vocabulary.BANK_PROOFS,
    "line_code": vocabulary.FORM_LINES,
    "price_kind": vocabulary.PRICE_KINDS,
    "department": vocabulary.DEPARTMENTS,
    "role_kind": vocabulary.ROLE_KINDS,
    "event_kind": vocabulary.EDGE_EVENTS,
    "withdrawn_feed": vocabulary.DAY_FEEDS,
}


@dataclass(frozen=True)
class Checked:
    """Rows after the contract.

    Attributes:
        accepted: Typed rows with lineage.
        rejected: Rows with ``rules``, ``fields``, ``row_json``, lineage, and the unit's columns as far
            as they could be read.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame


def check(feed: Feed, text: pl.DataFrame) -> Checked:
    """Type rows and split them by the feed's contract.

    Args:
        feed: The feed.
        text: Text columns of the contract plus lineage columns.
    """
    columns = feed.contract.columns()
    typed = text.with_row_index(_INDEX).select(
        _INDEX, *(_typed(name, column).alias(name) for name, column in columns.items()), *LINEAGE
    )
    _, failure = _indexed(feed.contract).filter(typed.select(_INDEX, *columns), cast=False)
    details = failure.details()
    rules = [name for name in details.columns if name not in columns and name != _INDEX]
    unread_rules = {
        name: f"{name}|{'enum' if isinstance(column.dtype, pl.Enum) else 'dtype'}"
        for name, column in columns.items()
    }
    unread = text.with_row_index(_INDEX).select(
        _INDEX,
        *((_filled(name) & typed[name].is_null()).alias(rule) for name, rule in unread_rules.items()),
    )
    broken = pl.concat([_long(details, rules), _long(unread, list(unread_rules.values()))]).filter("broken")
    # A value that could not be read is also null: the clerk is told about the format only.
    unreadable = broken.filter(pl.col("rule").is_in(list(unread_rules.values()))).select(
        _INDEX, rule=pl.col("rule").str.replace(r"\|\w+$", "|nullability")
    )
    broken = broken.join(unreadable, on=[_INDEX, "rule"], how="anti")
    broken = broken.join(_fields(feed, [*rules, *unread_rules.values()]), on="rule", how="left")
    by_row = broken.group_by(_INDEX).agg(
        rules=pl.col("rule").unique().sort().str.join(","),
        fields=pl.col("field").drop_nulls().unique().sort().str.join(","),
    )
    accepted = typed.join(by_row, on=_INDEX, how="anti", maintain_order="left").select(
        *(pl.col(name).cast(dtype) for name, dtype in feed.business_columns.items()), *LINEAGE
    )
    rejected = typed.join(by_row, on=_INDEX, how="inner", maintain_order="left")
    return Checked(accepted, _with_json(feed, rejected, text))


def _with_json(feed: Feed, rejected: pl.DataFrame, text: pl.DataFrame) -> pl.DataFrame:
    """Adds the row as it came (masked) as JSON text and keeps what names the unit."""
    raw = text.with_row_index(_INDEX).join(
        rejected.select(_INDEX), on=_INDEX, how="semi", maintain_order="left"
    )
    values = raw.select(*feed.contract.columns())
    as_json = pl.Series(
        "row_json", [json.dumps(row, ensure_ascii=False) for row in values.iter_rows(named=True)], pl.String
    )
    record = raw["record_no" if "record_no" in values.columns else feed.unit[0]]
    keep = sorted({*feed.unit, "reported_at"})
    stored = [pl.col(name).cast(feed.business_columns[name]) for name in keep]
    return rejected.select(*stored, "rules", "fields", *LINEAGE).with_columns(
        as_json, record.alias("record_no")
    )


def _fields(feed: Feed, rules: list[str]) -> pl.DataFrame:
    """(rule, column that it is about), one row per column."""
    columns = pl.Series([list(feed.columns_of(rule)) for rule in rules], dtype=pl.List(pl.String))
    return pl.DataFrame({"rule": rules, "field": columns}).explode("field")


@cache
def _indexed(contract: type[dy.Schema]) -> type[dy.Schema]:
    """The contract plus a row index, so that a broken rule can be told to its row."""
    return type(f"{contract.__name__}Rows", (contract,), {_INDEX: dy.UInt32(nullable=False)})


def _long(frame: pl.DataFrame, rules: list[str]) -> pl.DataFrame:
    """(row index, rule, broken) from one column per rule."""
    if frame.height == 0 or not rules:
        return pl.DataFrame(schema={_INDEX: pl.UInt32, "rule": pl.String, "broken": pl.Boolean})
    flags = frame.select(_INDEX, *(_is_broken(frame, rule) for rule in rules)).filter(
        pl.any_horizontal(rules)
    )
    return flags.unpivot(index=_INDEX, variable_name="rule", value_name="broken")


def _is_broken(frame: pl.DataFrame, rule: str) -> pl.Expr:
    if frame.schema[rule] == pl.Boolean:
        return pl.col(rule)
    return (pl.col(rule).cast(pl.String) == "invalid").alias(rule)


def _filled(name: str) -> pl.Expr:
    return pl.col(name).is_not_null() & (pl.col(name) != "")


def _typed(name: str, column: dy.Column) -> pl.Expr:
    """Expression that reads one text column; unreadable text becomes null."""
    text = pl.when(pl.col(name) == "").then(None).otherwise(pl.col(name))
    dtype = column.dtype
    if isinstance(dtype, pl.Enum):
        labels = {label: code for code, label in _LABELS.get(name, {}).items()}
        return text.replace(labels).cast(dtype, strict=False)
    if isinstance(dtype, pl.Date):
        return pl.coalesce(text.str.to_date(form, strict=False) for form in _DATE_FORMATS)
    if isinstance(dtype, pl.Datetime):
        local = pl.coalesce(
            text.str.to_datetime(form, strict=False, time_unit="us") for form in _TIME_FORMATS
        )
        return local.dt.replace_time_zone(
            "Asia/Shanghai", ambiguous="earliest", non_existent="null"
        ).dt.convert_time_zone("UTC")
    if isinstance(dtype, pl.Boolean):
        return (
            pl.when(text.is_in(_TRUE))
            .then(pl.lit(value=True))
            .when(text.is_in(_FALSE))
            .then(pl.lit(value=False))
        )
    if isinstance(dtype, pl.Decimal):
        number = text.str.replace_all(",", "", literal=True)
        # More decimals than the column holds would be rounded silently: such text is unreadable.
        fits = number.str.contains(rf"^[+-]?\d{{1,12}}(\.\d{{0,{dtype.scale}}}0*)?$")
        return pl.when(fits).then(number).cast(dtype, strict=False)
    return text.cast(dtype, strict=False)
