"""Schemes of money and stock that were planted, against the findings: a whole city whose canteens keep books.

Belongs here: making the city, running the nights, counting. What reveals what stands in ``pipelines.scoring``;
the detectors are dbt models (``red_line_finding``, ``money_finding``).
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest import simulator
from pipelines import scoring
from pipelines.measures.redline import take

_CANTEENS: Final = 24
_FIRST: Final = dt.date(2026, 9, 1)
_LAST: Final = dt.date(2026, 10, 31)
_MONTHS: Final = 2


@dataclass(frozen=True)
class Schemes:
    """Planted schemes and findings of one city.

    Attributes:
        planted: Schemes whose evidence had arrived.
        found: Of these, those with a finding that reveals them.
        false: Findings of the same kinds that no planted fault explains.
        school_months: Canteens times months looked at.
    """

    planted: int
    found: int
    false: int
    school_months: int

    @property
    def recall(self) -> float:
        """Share of the planted schemes that were found."""
        return self.found / self.planted

    @property
    def false_per_50_months(self) -> float:
        """False findings per 50 school-months."""
        return 50 * self.false / self.school_months


def measure_schemes(*, seed: int, progress: Callable[[str], None]) -> Schemes:
    """Plant every scheme in a city that keeps books, run the night, score its findings.

    Args:
        seed: Seed of the city.
        progress: Told what is being done, and the counts of each scheme.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-schemes-") as folder:
        root = Path(folder)
        simulator.simulate(root, _CANTEENS, _FIRST, _LAST, seed, books=1.0)
        faults = scoring.score(take(root, _LAST), root / "truth")["faults"]
    schemes = (*scoring.MONEY_SCHEMES, *scoring.STOCK_SCHEMES)
    counted = {kind: one for kind, one in faults.items() if kind in schemes}
    for kind, one in counted.items():
        progress(f"手法 {kind}：埋设 {one['planted']}，查出 {one['found']}，误报 {one['false']}")
    return Schemes(
        planted=sum(one["planted"] for one in counted.values()),
        found=sum(one["found"] for one in counted.values()),
        false=sum(one["false"] for one in counted.values()),
        school_months=_CANTEENS * _MONTHS,
    )
