"""Direct identifiers become pseudonyms or masks before anything leaves the child process.

Belongs here: which columns of the feeds identify a person and how each is masked (DESIGN decision
17). Masking a masked value changes nothing, so a steward's release may pass the door again.
"""

from __future__ import annotations

import hmac
from typing import Final

import polars as pl

PERSON: Final = "person_hash"
_PSEUDONYM: Final = r"^[0-9a-f]{32}$"
_MOBILE: Final = r"1[3-9]\d{9}"
_IDENTITY_CARD: Final = r"\d{17}[\dXx]"


def pseudonym(key: bytes, provider: str, person_no: str) -> str:
    """Keyed HMAC-SHA256 of a person's number within a provider, 32 hex digits."""
    return hmac.digest(key, f"{provider}\x1f{person_no}".encode(), "sha256").hex()[:32]


def name(column: str) -> pl.Expr:
    """``王小明`` -> ``王*``."""
    return pl.col(column).str.replace(r"(?s)^(.).*$", "$1*")


def phone(column: str) -> pl.Expr:
    """Keeps the first three and last four digits, as in ``138****1234``; what is shorter than 8 characters is masked whole."""
    text = pl.col(column)
    masked = pl.concat_str(text.str.head(3), pl.lit("****"), text.str.tail(4))
    return pl.when(text.str.len_chars() >= 8).then(masked).when(text.is_not_null()).then(pl.lit("****"))


def remark(column: str) -> pl.Expr:
    """Free text without phone and identity card numbers."""
    return pl.col(column).str.replace_all(_IDENTITY_CARD, "****").str.replace_all(_MOBILE, "****")


_MASKS: Final = {"contact_name": name, "contact_phone": phone, "reason": remark}
MASKED: Final = frozenset({PERSON, *_MASKS})
"""Columns of the feeds that this module masks."""


class Masker:
    """Masks the frames of one file.

    A pseudonym is computed once per distinct value of the file.
    """

    def __init__(self, key: bytes, provider: str, *, keeps_pseudonyms: bool) -> None:
        """Args:
        key: HMAC key of the data home.
        provider: Scope of the pseudonyms.
        keeps_pseudonyms: Whether a value that already is a pseudonym stays (releases only).
        """
        self._key = key
        self._provider = provider
        self._keeps = keeps_pseudonyms
        self._known: dict[str, str] = {}

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with every identifying column masked."""
        masks = [mask(column).alias(column) for column, mask in _MASKS.items() if column in frame.columns]
        if PERSON in frame.columns:
            masks.append(self._persons(frame[PERSON]))
        return frame.with_columns(masks)

    def _persons(self, values: pl.Series) -> pl.Expr:
        distinct = values.drop_nulls().unique()
        if self._keeps:
            kept = distinct.filter(distinct.str.contains(_PSEUDONYM))
            self._known.update(zip(kept, kept, strict=True))
        for value in distinct:
            if value not in self._known:
                self._known[value] = pseudonym(self._key, self._provider, value)
        masked = [self._known[value] for value in distinct]
        return pl.col(PERSON).replace_strict(distinct, pl.Series(masked, dtype=pl.String))
