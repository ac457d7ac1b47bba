"""The dictionary of header words, direction marks and declared facts, and the reviewed layouts.

Belongs here: loading ``words.yaml`` and ``layouts.yaml`` and asking them. Does not belong here: rows
(``ingest.banks.tables``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from warehouse.errors import Permanent

_FOLDER: Final = Path(__file__).parent
JOINED: Final = ("summary", "purpose")
"""Roles that several columns may have: their texts are joined."""
OTHER: Final = "other"
UNKNOWN_MONEY: Final = "unknown_money"
"""Role of a column that speaks of money in words that are not known."""

_BRACKETED: Final = re.compile(r"[\[【][^\]】]*[\]】]")
_UNITS: Final = re.compile(r"/?[(]?(人民币元|人民币|单位:元|元|rmb|cny)[)]|/元")
_PUNCTUATION: Final = re.compile(r"[()/:'*“”\"、,.]")
_MONEY_WORDS: Final = re.compile(r"金额|发生额|余额|款额|amount|balance")
_MARK_PUNCTUATION: Final = re.compile(r"[\s()/\[\]:：（）]")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


_Kind = TypeVar("_Kind", bound=BaseModel)


class Words(_Strict):
    """The dictionary (``words.yaml``)."""

    roles: dict[str, list[str]]
    facts: dict[str, str]
    marks: dict[str, list[str]]
    reversal_marks: list[str]
    reversal_words: str
    void_words: str
    currencies: dict[str, list[str]]
    total_words: str
    opening_words: str
    closing_words: str


class Layout(_Strict):
    """A reviewed layout (``layouts.yaml``).

    Attributes:
        name: Name; the receipt says ``bank.<name>``.
        label: Bank and kind of export.
        header: Words that must all stand in the header.
        roles: Roles of columns where the dictionary says otherwise.
        edited: Whether contradictions are told instead of refused (samples with rows taken out).
        positive: What a positive amount means where neither a mark nor a balance says it.
    """

    name: str
    label: str
    header: list[str]
    roles: dict[str, str] = {}
    edited: bool = False
    positive: Literal["in", "out"] | None = None


class _Layouts(_Strict):
    layouts: list[Layout]


@cache
def words() -> Words:
    """The dictionary.

    Raises:
        Permanent: The file is wrong.
    """
    return _load(_FOLDER / "words.yaml", Words)


@cache
def layouts() -> list[Layout]:
    """The reviewed layouts, those with the most words first.

    Raises:
        Permanent: The file is wrong.
    """
    found = _load(_FOLDER / "layouts.yaml", _Layouts).layouts
    return sorted(found, key=lambda layout: -len(layout.header))


def _load(path: Path, kind: type[_Kind]) -> _Kind:
    try:
        return kind.model_validate(yaml.safe_load(path.read_text("utf8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise Permanent(f"{path} 不正确：{error}") from error


def normal(text: str) -> str:
    """A header word or key without width variants, blanks, units, bracketed English and punctuation."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lower()
    plain = _UNITS.sub("", _BRACKETED.sub("", plain))
    return _PUNCTUATION.sub("", plain)


def mark(text: str) -> str:
    """A direction mark without width variants, blanks and punctuation (``借 Dr`` -> ``借dr``)."""
    return _MARK_PUNCTUATION.sub("", unicodedata.normalize("NFKC", text)).lower()


@cache
def _patterns() -> list[tuple[str, int, re.Pattern[str]]]:
    return [
        (role, rank, re.compile(pattern))
        for role, patterns in words().roles.items()
        for rank, pattern in enumerate(patterns)
    ]


@cache
def role_of(header: str) -> tuple[str, int] | None:
    """Role and rank of a normalised header word; ``None`` for a blank or a word that is not known."""
    if not header:
        return None
    for role, rank, pattern in _patterns():
        if pattern.fullmatch(header):
            return role, rank
    return (UNKNOWN_MONEY, 0) if _MONEY_WORDS.search(header) else None


@cache
def _facts() -> list[tuple[str, re.Pattern[str]]]:
    return [(fact, re.compile(pattern)) for fact, pattern in words().facts.items()]


def fact_of(key: str) -> str | None:
    """Which declared fact a normalised key names."""
    return next((fact for fact, pattern in _facts() if pattern.fullmatch(key)), None)


def layout_of(header: Sequence[str]) -> Layout | None:
    """The reviewed layout that a normalised header has."""
    given = set(header)
    return next((layout for layout in layouts() if {normal(word) for word in layout.header} <= given), None)


@cache
def marks() -> dict[str, str]:
    """Direction mark -> ``in``, ``out``, ``credit`` or ``debit``."""
    return {mark(value): side for side, values in words().marks.items() for value in values}


@cache
def currencies() -> dict[str, str]:
    """Word -> ISO code."""
    return {word: code for code, names in words().currencies.items() for word in names}


def currency(text: str) -> str:
    """ISO code of a currency as a bank writes it; an unknown word stays as it is."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lower()
    return currencies().get(plain, plain.upper()[:64])
