"""What the cells of a bank's table say: amounts, days, times, marks, as polars expressions over text.

Belongs here: reading one column. A cell that says something and cannot be read is told apart from an
empty one, so that nothing turns into zero. Does not belong here: which column is which.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ingest.banks import words

_BLANKS: Final = " \t\r\n\f\v\u00a0\u3000\u200b\ufeff"
_DASHES: Final = r"^[-—–/]*$"
_MONEY: Final = r"^[+-]?\d{1,13}(\.\d{0,2}0*)?$"
_SEPARATED: Final = (
    r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T ]*(\d{1,2}):?(\d{2})(?::?(\d{2}))?(?:\.\d+)?)?$"
)
_COMPACT: Final = r"^((?:19|20)\d{2})(\d{2})(\d{2})(?:[T ]*(\d{2}):?(\d{2}):?(\d{2}))?$"
_TIME: Final = r"^(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d+)?$"
_COMPACT_TIME: Final = r"^(\d{2})(\d{2})(\d{2})$"


def clean(column: str) -> pl.Expr:
    """A cell without outer blanks and without the ``="..."`` and ``'`` that keep Excel from reading it."""
    text = pl.col(column).str.strip_chars(_BLANKS)
    text = text.str.replace(r'^="(.*)"$', "$1").str.strip_prefix("'").str.strip_chars(_BLANKS)
    return pl.when(text != "").then(text)


def _money_text(column: str) -> pl.Expr:
    text = (
        pl.col(column).str.normalize("NFKC").str.replace_all(r"[¥$,\s元]", "").str.replace_all(r"[−﹣–]", "-")
    )
    text = text.str.replace(r"^\(([\d.]+)\)$", "-$1").str.replace(r"^([\d.]+)-$", "-$1")
    return pl.when(~text.str.contains(_DASHES) & (text != "")).then(text)


def cents(column: str) -> pl.Expr:
    """An amount in cents; null where the cell is empty or unreadable."""
    text = _money_text(column)
    whole = text.str.strip_prefix("+").cast(pl.Decimal(20, 2), strict=False)
    return pl.when(text.str.contains(_MONEY)).then((whole * 100).cast(pl.Int64, strict=False))


def is_unreadable(column: str) -> pl.Expr:
    """Whether an amount cell says something that is no amount."""
    text = _money_text(column)
    return (text.is_not_null() & ~text.str.contains(_MONEY)).fill_null(value=False)


def day(column: str) -> pl.Expr:
    """A date as ``2026-09-01``, also of a date and time; null where there is none."""
    return pl.coalesce(_date(column, pattern) for pattern in (_SEPARATED, _COMPACT))


def _date(column: str, pattern: str) -> pl.Expr:
    parts = [pl.col(column).str.extract(pattern, place) for place in (1, 2, 3)]
    text = pl.concat_str(parts[0], parts[1].str.zfill(2), parts[2].str.zfill(2), separator="-")
    return pl.when(pl.col(column).str.contains(pattern)).then(text)


def time(column: str) -> pl.Expr:
    """A time of day as ``08:30:00``, also of a date and time; null where there is none.

    A number that lost its leading zero (``93012``) is padded.
    """
    text = pl.col(column)
    padded = pl.when(text.str.contains(r"^\d{5}$")).then("0" + text).otherwise(text)
    return pl.coalesce(
        *(_clock(text, pattern, 4) for pattern in (_SEPARATED, _COMPACT)),
        _clock(text, _TIME, 1),
        _clock(padded, _COMPACT_TIME, 1),
    )


def _clock(text: pl.Expr, pattern: str, first: int) -> pl.Expr:
    hour, minute, second = (text.str.extract(pattern, first + place) for place in range(3))
    joined = pl.concat_str(hour.str.zfill(2), minute, second.fill_null("00"), separator=":")
    return pl.when(text.str.contains(pattern) & (hour.cast(pl.Int8, strict=False) < 24)).then(joined)


def sides(values: pl.Series) -> tuple[pl.Series, bool]:
    """Direction of marks: 1 in, -1 out, null unknown; and whether any of them is 借 or 贷."""
    known = {"in": 1, "out": -1, "credit": 1, "debit": -1}
    distinct = values.drop_nulls().unique()
    found = {text: words.marks().get(words.mark(text)) for text in distinct}
    side = values.replace_strict(
        {text: known[kind] for text, kind in found.items() if kind is not None},
        default=None,
        return_dtype=pl.Int64,
    )
    return side, any(kind in ("credit", "debit") for kind in found.values())
