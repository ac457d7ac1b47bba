"""Which canteen serves on which day, and when it counts its store.

Belongs here: the calendar laid over the canteens, as one matrix. Does not belong here: the dates of
terms and holidays (``school_calendar``).
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from ingest.simulator import school_calendar
from ingest.simulator.city import City
from ingest.simulator.streams import BoolArray


class Service:
    """The city's calendar from the first day it covers to the end of the year after ``end``."""

    def __init__(self, city: City, end: date) -> None:
        term = school_calendar.term_of(city.life)
        self.first = min(date(city.life.year, 1, 1), term[1] if term else city.life)
        self.last = date(end.year + 1, 12, 31)
        self.days = school_calendar.days(self.first, self.last)
        self.city_days = [school_calendar.city_day(day) for day in self.days]
        schools = len(city.school_of)
        found = school_calendar.school_exceptions(city.seed, schools, self.first, self.last)
        # A school without canteens of its own (its number belongs to a second canteen) has no row.
        self.exceptions = {key: value for key, value in found.items() if city.school_of[key[0]] == key[0]}
        self._open = np.repeat(np.array([[d[0]] for d in self.city_days]), city.canteens, axis=1)
        for (school, day), (is_open, _, _) in self.exceptions.items():
            self._open[(day - self.first).days, city.school_of == school] = is_open
        self._counts = self._count_days(city.life)

    def _count_days(self, life: date) -> BoolArray:
        """The last open day of each month and the first open day of each term."""
        out = np.zeros_like(self._open)
        for keys, last in (
            ([day.replace(day=1) for day in self.days], True),
            ([d[1] for d in self.city_days], False),
        ):
            starts = [n for n in range(len(keys)) if n == 0 or keys[n] != keys[n - 1]] + [len(keys)]
            for low, high in pairwise(starts):
                if keys[low] is None:
                    continue
                span = self._open[low:high]
                row = (high - 1 - np.argmax(span[::-1], axis=0)) if last else low + np.argmax(span, axis=0)
                served = span.any(axis=0)
                out[row[served], np.flatnonzero(served)] = True
        out[: (life - self.first).days] = False
        return out

    def is_open(self, day: date) -> BoolArray:
        """(C,) canteens that serve on a day."""
        return np.asarray(self._open[(day - self.first).days])

    def opens_next_day(self, day: date) -> BoolArray:
        """(C,) canteens that serve on the day after."""
        return self.is_open(day + timedelta(1))

    def counts(self, day: date) -> BoolArray:
        """(C,) canteens whose store is due to be counted at the end of a day."""
        return np.asarray(self._counts[(day - self.first).days])

    def open_days(self, canteen: int, first: date, last: date) -> list[date]:
        """Days of a range on which a canteen serves."""
        low, high = (first - self.first).days, (last - self.first).days
        return [self.days[low + int(n)] for n in np.flatnonzero(self._open[low : high + 1, canteen])]

    def count_days(self, canteen: int, first: date, last: date) -> list[date]:
        """Days of a range on which a canteen's store is due to be counted."""
        low, high = (first - self.first).days, (last - self.first).days
        return [self.days[low + int(n)] for n in np.flatnonzero(self._counts[low : high + 1, canteen])]

    def open_between(self, first: date, last: date) -> BoolArray:
        """(days, C) canteens that serve, for a range."""
        return np.asarray(self._open[(first - self.first).days : (last - self.first).days + 1])

    def term_start(self, day: date) -> date | None:
        """First calendar day that carries the term of a day; None outside terms."""
        term = self.city_days[(day - self.first).days][1]
        if term is None:
            return None
        return next(d for d, row in zip(self.days, self.city_days, strict=True) if row[1] == term)
