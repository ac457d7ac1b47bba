"""Days on which the city's canteens serve: terms, public holidays, make-up days, exceptions of schools.

Belongs here: dates only. Public holidays 2025 to 2026 follow the State Council's notices; 2027 and
other years use the same pattern. Winter holidays hang on the Spring Festival.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from ingest.simulator.streams import stream

_SPRING_FESTIVAL: Final = {
    2020: (1, 25), 2021: (2, 12), 2022: (2, 1), 2023: (1, 22), 2024: (2, 10), 2025: (1, 29), 2026: (2, 17),
    2027: (2, 6), 2028: (1, 26), 2029: (2, 13), 2030: (2, 3), 2031: (1, 23), 2032: (2, 11), 2033: (1, 31),
    2034: (2, 19), 2035: (2, 8), 2036: (1, 28),
}  # fmt: skip
FIRST_YEAR, LAST_YEAR = min(_SPRING_FESTIVAL) + 1, max(_SPRING_FESTIVAL) - 1
# (month, first day, last day): closed.
_EVERY_YEAR: Final = {"元旦": (1, 1, 1), "清明节": (4, 4, 6), "劳动节": (5, 1, 5), "国庆节": (10, 1, 7)}
_OF_YEAR: Final = {
    2025: {"国庆节、中秋节": (10, 1, 8), "端午节": (6, 1, 2)},
    2026: {"元旦": (1, 1, 3), "端午节": (6, 19, 21), "中秋节": (9, 25, 27)},
    2027: {"元旦": (1, 1, 3), "清明节": (4, 3, 5), "端午节": (6, 9, 9), "中秋节": (9, 15, 15)},
}
_MAKE_UP: Final = {
    date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11), date(2026, 1, 4), date(2026, 5, 9), date(2026, 9, 20),
    date(2026, 10, 10), date(2027, 5, 8), date(2027, 9, 26), date(2027, 10, 9),
}  # fmt: skip
_CLOSED_REASONS: Final = ("校运动会", "停电检修", "期中考试", "食堂设备检修", "校外研学")

Day = tuple[bool, str | None, str | None]  # is_open, term_id, reason


def days(first: date, last: date) -> list[date]:
    """Every day from ``first`` to ``last``."""
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def terms(year: int) -> list[tuple[str, date, date]]:
    """Terms that begin in a calendar year: (term_id, first day, last day)."""
    spring, next_spring = (date(y, *_SPRING_FESTIVAL[y]) for y in (year, year + 1))
    begin = spring + timedelta(15)
    begin += timedelta(-begin.weekday() % 7)  # the next Monday
    return [
        (f"{year - 1}-{year}-2", begin, date(year, 7, 4)),
        (f"{year}-{year + 1}-1", date(year, 9, 1), next_spring - timedelta(12)),
    ]


def term_of(day: date) -> tuple[str, date, date] | None:
    """The term that a day lies in."""
    found = [t for year in (day.year - 1, day.year) for t in terms(year) if t[1] <= day <= t[2]]
    return found[0] if found else None


def _holiday(day: date) -> str | None:
    spans = {**_EVERY_YEAR, **_OF_YEAR.get(day.year, {})}
    for name, (month, first, last) in spans.items():
        if day.month == month and first <= day.day <= last:
            return name
    return None


def city_day(day: date) -> Day:
    """Whether the city's canteens serve on a day, its term, and why not."""
    term = term_of(day)
    if term is None:
        return False, None, "寒暑假"
    if (name := _holiday(day)) is not None:
        return False, term[0], name
    if day.weekday() >= 5 and day not in _MAKE_UP:
        return False, term[0], "周末"
    return True, term[0], "调休上课" if day.weekday() >= 5 else None


def school_exceptions(seed: int, schools: int, first: date, last: date) -> dict[tuple[int, date], Day]:
    """Days on which single schools differ from the city: about one a term each, more closed than open."""
    out: dict[tuple[int, date], Day] = {}
    month = first.replace(day=1)
    while month <= last:
        following = (month + timedelta(32)).replace(day=1)
        rng = stream(seed, "exceptions", month.toordinal())
        u, pick, why = rng.random(schools), rng.integers(2, 27, schools), rng.integers(0, 5, schools)
        for school in range(schools):
            day = month + timedelta(int(pick[school]))
            is_open, term, _ = city_day(day)
            if u[school] < 0.15 and is_open and day.weekday() < 5:
                out[school, day] = (False, term, _CLOSED_REASONS[int(why[school])])
            elif (
                u[school] > 0.8
                and not is_open
                and term is not None
                and day.weekday() == 5
                and _holiday(day) is None
            ):
                out[school, day] = (True, term, "周六补课供餐")
        month = following
    return {key: value for key, value in out.items() if first <= key[1] <= last}
