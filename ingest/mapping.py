"""How a source's column becomes a column of a feed: the small language of the layouts.

Belongs here: the forms (copy, date part, part of a text, constant, choice by content, join, product)
and the row conditions, each as a polars expression over text. Whether the result is valid is the contract's
question.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

_DECIMALS: Final = 6
_KEY_BYTES: Final = 64
_MIDNIGHT: Final = r"[ T]00:00(:00)?$"
_SCALE: Final = 10**_DECIMALS
_CENT: Final = 10 ** (2 * _DECIMALS - 2)
_NUMBER: Final = rf"^[+-]?\d{{1,12}}(\.\d{{0,{_DECIMALS}}}0*)?$"


class Choice(BaseModel):
    """A value for texts that contain something."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: str = Field(min_length=1)
    value: str


class Column(BaseModel):
    """Where a column's text comes from.

    Attributes:
        source: Column of the source (``from`` in YAML).
        part: ``date`` keeps the date of a date and time.
        prefix: Text put before it.
        suffix: Text put after it.
        find: Regular expression; its first group is the value. Where it does not match, ``else_from`` is.
        else_from: Column of the source that is taken where ``find`` does not match.
        default: The value of a blank cell.
        map: The first choice whose text is contained decides, else ``otherwise``; blank stays blank.
        otherwise: The value when no choice fits.
        join: Columns whose texts are joined with ``|`` as a key of the row, blank ones left out and
            midnights cut off; all blank is blank. What is too long for a key becomes its sha256.
        product: Two columns whose product is taken, half-up to the cent.
        value: A constant; null leaves the column empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str | None = Field(default=None, alias="from")
    part: Literal["date"] | None = None
    prefix: str = ""
    suffix: str = ""
    find: str | None = None
    else_from: str | None = None
    default: str | None = None
    map: list[Choice] = []
    otherwise: str | None = None
    join: list[str] = []
    product: tuple[str, str] | None = None
    value: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Column:
        forms = [name for name in ("source", "join", "product", "value") if name in self.model_fields_set]
        if len(forms) != 1:
            raise ValueError("give exactly one of from, join, product, value")
        options = (self.part, self.suffix, self.map, self.find, self.default)
        if self.source is None and (any(options) or (self.prefix and not self.join)):
            raise ValueError("part, suffix, map, find and default need from, prefix needs from or join")
        if self.else_from is not None and self.find is None:
            raise ValueError("else_from needs find")
        if bool(self.map) != (self.otherwise is not None):
            raise ValueError("map needs otherwise, and otherwise needs map")
        return self

    def sources(self) -> list[str]:
        """Columns of the source that it reads."""
        given = [*(self.product or ()), *self.join, self.source, self.else_from]
        return [name for name in given if name is not None]

    def expression(self) -> pl.Expr:
        """The column as text."""
        if self.product is not None:
            return _product(*self.product)
        if self.join:
            return pl.concat_str(pl.lit(self.prefix), _joined(self.join))
        if self.source is None:
            return pl.lit(self.value, pl.String)
        text = pl.col(self.source)
        if self.find is not None:
            text = text.str.extract(self.find)
            if self.else_from is not None:
                text = pl.coalesce(text, pl.col(self.else_from))
        if self.part == "date":
            text = text.str.replace(r"[ T].*$", "")
        if self.map:
            text = self._chosen(text)
        if self.default is not None:
            text = text.fill_null(self.default)
        return pl.concat_str(pl.lit(self.prefix), text, pl.lit(self.suffix))

    def _chosen(self, text: pl.Expr) -> pl.Expr:
        chosen: pl.Expr = pl.when(text.is_not_null()).then(pl.lit(self.otherwise))
        for choice in reversed(self.map):
            hit = text.str.contains(choice.contains, literal=True)
            chosen = pl.when(hit).then(pl.lit(choice.value)).otherwise(chosen)
        return chosen


class Where(BaseModel):
    """A condition on one column of the source; a blank cell equals nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    equals: str | None = None
    not_equals: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Where:
        if (self.equals is None) == (self.not_equals is None):
            raise ValueError("give exactly one of equals, not_equals")
        return self

    def expression(self) -> pl.Expr:
        """True for the rows that are meant, never null."""
        if self.equals is not None:
            return pl.col(self.column).eq_missing(pl.lit(self.equals))
        return pl.col(self.column).ne_missing(pl.lit(self.not_equals))


def _joined(columns: list[str]) -> pl.Expr:
    parts = [pl.col(name).str.replace(_MIDNIGHT, "") for name in columns]
    joined = pl.concat_str(parts, separator="|", ignore_nulls=True)
    fits = joined.str.len_bytes() <= _KEY_BYTES
    short = pl.when(fits).then(joined).otherwise(joined.map_batches(_digests, return_dtype=pl.String))
    return pl.when(joined != "").then(short)


def _digests(texts: pl.Series) -> pl.Series:
    """sha256 of the texts that are too long; they are rare."""
    long = texts.filter(texts.str.len_bytes() > _KEY_BYTES).unique()
    shown = [hashlib.sha256(text.encode()).hexdigest() for text in long]
    return texts.replace(long, pl.Series(shown, dtype=pl.String))


def _product(left: str, right: str) -> pl.Expr:
    """Exact product of two decimal texts, half away from zero to the cent; null if one is no number."""
    product = _scaled(left) * _scaled(right)
    cents = (product.abs() + _CENT // 2) // _CENT
    sign = pl.when((product < 0) & (cents > 0)).then(pl.lit("-")).otherwise(pl.lit(""))
    fraction = (cents % 100).cast(pl.String).str.zfill(2)
    return pl.concat_str(sign, (cents // 100).cast(pl.String), pl.lit("."), fraction)


def _scaled(column: str) -> pl.Expr:
    """A decimal text as a whole number of millionths."""
    text = pl.col(column)
    valid = pl.when(text.str.contains(_NUMBER)).then(text)
    return (valid.cast(pl.Decimal(38, _DECIMALS)) * _SCALE).cast(pl.Int64).cast(pl.Int128)
