"""The table of measures: names, bars and how a value is held against its bar.

Belongs here: reading ``docs/reference/measures.csv`` and making one measure of a value.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import Any, Final

from warehouse.errors import Permanent
from warehouse.settings import ROOT

_FILE: Final = ROOT / "docs" / "reference" / "measures.csv"


@cache
def _rows() -> dict[tuple[str, str], dict[str, str]]:
    with _FILE.open(encoding="utf8", newline="") as file:
        return {(row["part"], row["name"]): row for row in csv.DictReader(file)}


def names(part: str) -> list[str]:
    """Names of the measures of a part, in the table's order."""
    return [name for known, name in _rows() if known == part]


def measure(part: str, name: str, value: float | None, n: int) -> dict[str, Any]:
    """One measure, held against its bar.

    Args:
        part: Part of ``accuracy`` or ``bench``.
        name: Name of the measure in the table.
        value: What was measured; ``None`` when it was not.
        n: Number of cases behind it.

    Raises:
        Permanent: The table does not list the measure.
    """
    row = _rows().get((part, name))
    if row is None:
        raise Permanent(f"{_FILE.relative_to(ROOT)} does not list {part} {name}: add it with its bar")
    bar = float(row["bar"]) if row["bar"] else None
    return {
        "name": name,
        "value": value,
        "unit": row["unit"],
        "n": n,
        "bar": bar,
        "holds": _holds(row["direction"], value, bar),
    }


def _holds(direction: str, value: float | None, bar: float | None) -> bool | None:
    if value is None or bar is None:
        return None
    return {"at_most": value <= bar, "at_least": value >= bar, "equal": value == bar}[direction]
