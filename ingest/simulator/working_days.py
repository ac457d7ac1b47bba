"""On which days banks and offices work, as whole numbers from a first day on.

Belongs here: the next working day after a day, for whole arrays. Does not belong here: when canteens serve
(``school_calendar``, ``service``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from ingest.simulator import school_calendar
from ingest.simulator.streams import IntArray

_VACATION_MONTHS: Final = (1, 2, 7, 8)


def _works(day: date) -> bool:
    """Outside terms every weekday; the few public holidays there do not matter to anyone here."""
    is_open, term, _ = school_calendar.city_day(day)
    return is_open or (term is None and day.month in _VACATION_MONTHS and day.weekday() < 5)


class WorkingDays:
    """Working days among ``count`` days from ``first`` on.

    Attributes:
        days: Their numbers; ``first`` is day 0.
    """

    def __init__(self, first: date, count: int) -> None:
        self.first = first
        self.days: IntArray = np.flatnonzero([_works(first + timedelta(n)) for n in range(count)]).astype(
            np.int64
        )
        self._next: IntArray = np.searchsorted(self.days, np.arange(count)).astype(np.int64)

    def after(self, day: IntArray, steps: IntArray | int) -> IntArray:
        """The working day ``steps`` after a day; with 0 steps the day itself, or the next one if it is none."""
        last = self.days.size - 1
        at = self._next[np.minimum(day, self._next.size - 1)]
        exact = self.days[np.minimum(at, last)] == day
        at = at + np.where(exact, steps, np.maximum(np.asarray(steps) - 1, 0))
        return np.asarray(self.days[np.minimum(at, last)], dtype=np.int64)


def dates(first: date, day: IntArray) -> np.ndarray:
    """Numbers of days as dates."""
    return np.datetime64(first, "D") + day.astype("timedelta64[D]")
