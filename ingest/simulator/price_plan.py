"""Who overcharges, does not follow the market or breaks the rules of ordering, and when.

Belongs here: the allocation of price faults to suppliers, canteens and weeks, drawn before the city's days
are played. Does not belong here: what they do to prices and quotations (``overcharging``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from ingest.simulator import catalogue
from ingest.simulator.catalogue import GROUP
from ingest.simulator.city import PINGJIANG, PROVIDERS, City
from ingest.simulator.market import Market
from ingest.simulator.pricing import BY_WEEK, OFF_PLATFORM, supplier_county
from ingest.simulator.service import Service
from ingest.simulator.streams import FloatArray, stream

LINES_OF_A_SUPPLIER: Final = 30  # fewer overpriced lines are told one by one
_EXPECTED: Final = 1.5  # times as many are expected when a scheme is drawn
_DAILY: Final = (0.7, 3.2, 4.5, 0.6)  # lines a day that a canteen buys of a kind of goods
# Faults of single lines: (daily chance at a canteen that does it, share of canteens that do)
SINGLE: Final = {
    "price_over_line": (0.12, 0.6),
    "order_over_quotation": (0.025, 1.0),
    "order_over_limit": (0.02, 1.0),
    "unit_mixup_line": (0.05, 0.5),
}
_LINES_OF_A_LAG: Final = 1.5  # expected
_FALLEN: Final = (0.72, 0.95)  # market against the price that is kept


@dataclass
class Scheme:
    """A supplier charges more, everywhere or at one canteen; half of them raise their quotations too."""

    supplier: int
    canteen: int | None
    first: date
    last: date
    permille: int
    raises: bool
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Lag:
    """A supplier keeps the price of the week ``old`` while the market has fallen."""

    supplier: int
    ingredient: int
    old: date
    first: date
    last: date
    lines: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Gap:
    """A quotation that a supplier does not give."""

    supplier: int
    ingredient: int
    first: date
    last: date


@dataclass
class PricePlan:
    """The price faults of a run; ``chance``: kind -> (C,) daily chance of a single line."""

    schemes: list[Scheme] = field(default_factory=list)
    lags: list[Lag] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    chance: dict[str, FloatArray] = field(default_factory=dict)


def draw(
    city: City,
    service: Service,
    start: date,
    end: date,
    kinds: frozenset[str],
    carriers: dict[str, list[int]],
) -> PricePlan:
    """Decide the price faults of a run; ``carriers`` are the canteens of the other schemes."""
    out = PricePlan()
    rng = stream(city.seed, "plan-prices", start.toordinal())
    mondays = [
        start + timedelta(n) for n in range((end - start).days - 5) if (start + timedelta(n)).weekday() == 0
    ]
    rate, open_share = _rates(city), float(service.open_between(start, end).mean())
    if "price_over_supplier" in kinds:
        out.schemes = _schemes(city, open_share, carriers.get("unit_mixup", []), rng, mondays, rate)
    if "price_not_following" in kinds:
        out.lags = _lags(city, rng, mondays, {s.supplier for s in out.schemes if s.canteen is None})
    if "order_without_quotation" in kinds:
        out.gaps = _gaps(city, rng, mondays)
    steady = np.ones(city.canteens, dtype=bool)
    for kind in ("unit_mixup", "negative_stock"):
        steady[carriers.get(kind, [])] = False
    for kind, (chance, share) in SINGLE.items():
        if kind not in kinds:
            continue
        does = steady & (rng.random(city.canteens) < share)
        if not does.any():
            does = steady
        if kind != "price_over_line":  # Pingjiang knows no specifications and keeps prices in whole cents
            does = does & (city.provider != PINGJIANG)
        out.chance[kind] = np.where(does, chance, 0.0)
    return out


def _rates(city: City) -> FloatArray:
    """(S,) lines a day that a supplier brings when all its canteens are open."""
    out = np.zeros(len(city.supplier_codes))
    for position, share in ((0, 0.85), (1, 0.15)):
        weight = np.array(_DAILY)[None, :] * np.where(city.large, 2, 1)[:, None] * share
        np.add.at(out, city.suppliers[:, :, position], weight)
    return out


def _span(
    rng: np.random.Generator, mondays: list[date], rate: float, open_share: float
) -> tuple[date, date] | None:
    """Whole weeks in which enough lines are to be expected, at least two of them."""
    wanted = _EXPECTED * LINES_OF_A_SUPPLIER / max(7 * rate * open_share, 0.01)
    weeks = max(2 + int(rng.integers(3)), int(np.ceil(wanted)))
    if weeks > len(mondays):
        return None
    first = mondays[int(rng.integers(len(mondays) - weeks + 1))]
    return first, first + timedelta(7 * weeks - 1)


def _schemes(
    city: City, open_share: float, spared: list[int], rng: np.random.Generator, mondays: list[date], rate: FloatArray
) -> list[Scheme]:  # fmt: skip
    """A tenth of the suppliers charge more everywhere, others at one canteen in twelve."""
    out: list[Scheme] = []
    used = np.unique(city.suppliers)
    wanted = max(1, round(used.size / 10))
    for s in rng.permutation(used).tolist():
        span = _span(rng, mondays, float(rate[s]), open_share)
        if span is not None and len(out) < wanted:
            out.append(Scheme(s, None, *span, int(rng.integers(100, 401)), len(out) % 2 == 0))
    taken = {scheme.supplier for scheme in out}
    free = [c for c in rng.permutation(city.canteens).tolist() if c not in spared]
    wanted = max(2, round(0.08 * city.canteens))
    single: list[Scheme] = []
    for c in free:
        group = 1 + int(rng.integers(2))
        s = int(city.suppliers[c, group, 0])
        lines = 0.85 * _DAILY[group] * (2 if city.large[c] else 1)
        span = _span(rng, mondays, lines, open_share)
        if span is not None and s not in taken and len(single) < wanted:
            single.append(Scheme(s, c, *span, int(rng.integers(100, 401)), len(single) % 2 == 0))
    return out + single


def _lags(city: City, rng: np.random.Generator, mondays: list[date], taken: set[int]) -> list[Lag]:
    """Falls of the market that last two weeks and more, and suppliers that do not follow them."""
    market = Market(city.seed)
    level = (
        np.array([market.mean(m, m + timedelta(6)) for m in mondays])
        if mondays
        else np.zeros((0, catalogue.COUNT))
    )
    falls = []
    for w, monday in enumerate(mondays[:-2]):
        low = (level[w + 1 :] < level[w] * _FALLEN[1]) & (level[w + 1 :] > level[w] * _FALLEN[0])
        weeks = np.where(low.all(axis=0), low.shape[0], np.argmin(low, axis=0))
        falls += [(int(i), monday, int(weeks[i])) for i in np.flatnonzero((weeks >= 2) & BY_WEEK)]
    out: list[Lag] = []
    wanted = max(8, round(0.25 * city.canteens))
    for n in rng.permutation(len(falls)).tolist():
        i, monday, weeks = falls[n]
        often = np.where(city.menu[:, i], np.where(city.large, 0.55, 0.25), 0.0)  # lines a day
        lines = np.bincount(city.suppliers[:, GROUP[i], 0], often * weeks * 5, len(city.supplier_codes))
        lines[list(taken | {lag.supplier for lag in out if lag.ingredient == i})] = 0
        fitting = np.flatnonzero(lines >= _LINES_OF_A_LAG)
        if fitting.size and len(out) < wanted:
            s = int(rng.choice(fitting))
            first = monday + timedelta(7)
            out.append(Lag(s, i, monday, first, first + timedelta(7 * weeks - 1)))
    return out


def _gaps(city: City, rng: np.random.Generator, mondays: list[date]) -> list[Gap]:
    """Weeks for which a supplier forgets to quote a fresh good that is on the menu of its canteens."""
    on = ~np.isin(supplier_county(city.suppliers[:, 0, 0]), [PROVIDERS.index(p) for p in OFF_PLATFORM])
    canteens = np.flatnonzero(on)
    out = []
    for _ in range(max(8, round(0.3 * city.canteens)) if canteens.size and mondays else 0):
        c = int(rng.choice(canteens))
        i = int(rng.choice(np.flatnonzero(city.menu[c] & BY_WEEK)))
        monday = mondays[int(rng.integers(len(mondays)))]
        out.append(Gap(int(city.suppliers[c, GROUP[i], 0]), i, monday, monday + timedelta(6)))
    return out
