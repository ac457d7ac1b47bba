"""Units of a quote to the base unit of an ingredient, and unit errors told from price errors.

Belongs here: pack sizes out of specifications, factors, and what a ratio of two prices points at. Does
not belong here: the factors of single units (``warehouse.vocabulary``).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import polars as pl

from warehouse.vocabulary import PACK_UNITS, UNIT_FACTORS

_VOLUMES: Final = ("L", "升", "ml", "毫升")
_PIECES: Final = ("个", "枚", "只", "件")
_WEIGHTS: Final = tuple(unit for unit in UNIT_FACTORS if unit not in (*_VOLUMES, *_PIECES))
_SINGLES: Final = ("个", "枚", "只", "条")
_OUTER: Final = ("箱", "件")
_COUNTED: Final = (*PACK_UNITS, *_PIECES)
_SPELLINGS: Final = {
    "KG": "kg",
    "Kg": "kg",
    "G": "g",
    "l": "L",
    "ML": "ml",
    "mL": "ml",
    "千克": "kg",
    "公斤": "kg",
}
_MEASURES: Final = "|".join(sorted((*_WEIGHTS, *_VOLUMES, *_SPELLINGS), key=len, reverse=True))
_CONTAINERS: Final = "|".join(_COUNTED)
_NUMBER: Final = r"\d+(?:\.\d+)?"
_PACK: Final = re.compile(
    rf"(?:(?P<before>{_NUMBER})(?:{_CONTAINERS})?[*×xX])?(?P<size>{_NUMBER})(?P<unit>{_MEASURES})(?![A-Za-z])"
    rf"(?:/(?P<inner>{_CONTAINERS}))?(?:[*×xX](?P<after>{_NUMBER})(?P<contained>{_CONTAINERS})?)?(?:/(?P<outer>{_CONTAINERS}))?"
)
_RANGE: Final = re.compile(r"[<>≤≥~～-]|左右|以上|以下")
_COUNT: Final = re.compile(rf"(?P<count>{_NUMBER})(?:枚|个|只)/(?P<outer>{_CONTAINERS})")

UNIT_RATIOS: Final = (2.0, 0.5, 10.0, 0.1, 20.0, 0.05, 1000.0, 0.001)
"""Jin for kilogram, liang for jin, liang for kilogram, gram for kilogram, and the other way round."""
_NEAR: Final = 0.1


@dataclass(frozen=True)
class Factor:
    """How much of the base unit one unit of the quote is.

    Attributes:
        value: The factor, ``None`` when it cannot be told.
        why: Why not, or what makes it doubtful; empty when it is certain.
    """

    value: Decimal | None
    why: str = ""


def factor(unit: str, spec: str, name: str, base_unit: str) -> Factor:
    """Base units in one unit of a quote.

    Args:
        unit: Unit as written; empty when the source names none.
        spec: Specification as written.
        name: Item name, whose end may hold a pack size too.
        base_unit: Base unit of the ingredient.
    """
    unit = _SPELLINGS.get(unit, unit)
    kind = _kind(unit)
    if kind is None:
        return Factor(None, f"单位“{unit}”不识别")
    if kind == _kind(base_unit):
        if kind == "piece" and unit != base_unit and unit not in _SINGLES:
            return _pack(unit, spec, name, base_unit)
        return Factor(UNIT_FACTORS.get(unit, Decimal(1)))
    if kind == "piece":
        return _pack(unit, spec, name, base_unit)
    return Factor(None, f"单位“{unit}”与基本单位“{base_unit}”不可换算")


def _kind(unit: str) -> str | None:
    if unit in _WEIGHTS:
        return "weight"
    if unit in _VOLUMES:
        return "volume"
    return "piece" if unit in _COUNTED else None


def _pack(unit: str, spec: str, name: str, base_unit: str) -> Factor:
    """What one pack holds, from the specification, else from the name."""
    for text in (spec, name):
        counted = _COUNT.search(text)
        if counted and _kind(base_unit) == "piece" and counted["outer"] == unit:
            return Factor(Decimal(counted["count"]))
        found = _PACK.search(text)
        if found is None or _RANGE.search(text):  # "200-300g" grades a fish, it is no pack
            continue
        measure = _SPELLINGS.get(found["unit"], found["unit"])
        if _kind(measure) != _kind(base_unit):
            return Factor(None, f"规格“{text}”与基本单位“{base_unit}”不可换算")
        one = Decimal(found["size"]) * UNIT_FACTORS[measure]
        times = found["before"] or found["after"]
        if times is None or unit in (found["inner"], found["contained"]):
            return Factor(one)
        if unit == found["outer"] or (found["outer"] is None and unit in _OUTER):
            return Factor(one * Decimal(times))
        return Factor(None, f"规格“{text}”中一“{unit}”是多少不明确")
    return Factor(None, f"规格中没有一“{unit}”的分量")


def ratio_says(ratio: pl.Expr, pack: pl.Expr | None = None) -> pl.Expr:
    """What the ratio of a price to the expected one points at: ``unit``, ``price`` or null (neither).

    A ratio within a tenth of 2, 10, 20, 1000 or the pack size (or one over it) is a wrong unit; another one
    that is not near 1 is a price. Overpricing of 10 to 60 % is never near any of them.
    """
    off = ratio.log()
    near = pl.any_horizontal((off - math.log(known)).abs() < _NEAR for known in UNIT_RATIOS)
    if pack is not None:
        near = near | ((pack > 1.5) & ((off.abs() - pack.log()).abs() < _NEAR)).fill_null(value=False)
    return pl.when(near).then(pl.lit("unit")).when(off.abs() >= _NEAR / 2).then(pl.lit("price"))
