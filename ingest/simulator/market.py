"""What ingredients cost in a week: seasons and a slow random walk, the same for the whole city.

Belongs here: the city's price level. A canteen's own grade, its supplier and its clerk's haggling are
added by ``behaviour``.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.school_calendar import FIRST_YEAR, LAST_YEAR
from ingest.simulator.streams import FloatArray, stream

_EPOCH: Final = date(FIRST_YEAR - 1, 12, 28)  # a Monday or near; weeks are counted from here
_WEEKS: Final = (date(LAST_YEAR, 12, 31) - _EPOCH).days // 7 + 2
# weekly shock and season by category: vegetables and fruit move most
_SHOCK: Final = {"vegetables": 0.045, "fruit": 0.03, "aquatic": 0.02, "meat": 0.02, "eggs": 0.02}
_SEASON: Final = {"vegetables": 0.15, "fruit": 0.10, "eggs": 0.05, "meat": 0.03}


def levels(seed: int) -> FloatArray:
    """(weeks, I) factor on the list price; a mean-reverting walk with a season."""
    codes = [catalogue.CATEGORIES[k].code for k in catalogue.CATEGORY]
    shock = np.array([_SHOCK.get(code, 0.005) for code in codes])
    season = np.array([_SEASON.get(code, 0.0) for code in codes])
    rng = stream(seed, "market")
    noise = rng.normal(0, 1, (_WEEKS, catalogue.COUNT)) * shock
    phase = rng.uniform(-0.3, 0.3, catalogue.COUNT)
    walk = np.zeros_like(noise)
    for week in range(1, _WEEKS):
        walk[week] = 0.93 * walk[week - 1] + noise[week]
    angle = 2 * np.pi * (np.arange(_WEEKS)[:, None] * 7 % 365.25) / 365.25
    return np.asarray(np.exp(walk + season * np.cos(angle + phase)), dtype=np.float64)


def week_of(day: date) -> int:
    """Row of ``levels`` of a day; a week begins on Monday."""
    return (day - _EPOCH).days // 7
