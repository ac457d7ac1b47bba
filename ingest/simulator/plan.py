"""Who carries which fault, and when: drawn before the city's days are played.

Belongs here: the allocation of faults to canteens, days and files. Money schemes fall on disjoint
canteens. Does not belong here: how a fault is done (``behaviour`` and ``delivery``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np

from ingest.simulator import catalogue, money_plan, price_plan
from ingest.simulator.city import PINGJIANG, PROVIDERS, City
from ingest.simulator.faults import FaultBook
from ingest.simulator.price_plan import PricePlan
from ingest.simulator.service import Service
from ingest.simulator.streams import stream

# Kind -> canteens that carry it in a small city; in a large one a twentieth of all carry each.
_SCHEMES: Final = {
    "under_feeding": 1,
    "closing_stock_understated": 2,
    "closing_stock_overstated": 2,
    "fictitious_purchases": 1,
    "teacher_food_in_pupil_account": 1,
    "teacher_income_in_pupil_account": 1,
    "missing_stocktake": 2,
    "unit_mixup": 1,
    "negative_stock": 1,
}
_SHARE: Final = 0.05
# Points between the threshold and the food that is truly served.
_TRUE_MARGIN: Final = {
    "under_feeding": (-0.12, -0.05),
    "closing_stock_understated": (-0.06, -0.04),
    "closing_stock_overstated": (0.025, 0.04),
    "teacher_food_in_pupil_account": (-0.030, -0.020),
    "teacher_income_in_pupil_account": (0.025, 0.035),
}
SUPPLY_FEEDS: Final = ("purchase", "stock_move")
_FILE_FEEDS: Final = ("purchase", "stock_move", "meal_fee", "consumption")


@dataclass
class Event:
    """Something that a canteen does on the first open day from ``day`` on which it can."""

    kind: str
    canteen: int
    day: date
    variant: int
    done: bool = False


@dataclass
class FileFault:
    """Something that befalls the first fitting file of a provider and feed from ``day`` on."""

    kind: str
    provider: int
    feed: str
    day: date
    lag: int
    variant: int
    done: bool = False


@dataclass
class Plan:
    """The faults of a run.

    Attributes:
        ratio: Food ratio that a canteen truly serves, where it is not its honest one.
        by_kg: Canteens that buy everything weighed in kg.
        quiet: (canteen, day): only fresh goods, used up on the day, because the day will be missing.
        absent: (canteen, day) -> arrival of the day's rows; None: they never come.
        skipped_counts: (canteen, day) of counts that are not held.
        misstated: (canteen, count day) -> +1 overstated, -1 understated.
        stepped: Canteen -> day from which its food ratio is another one, the ratio before, and from then on.
        keepers: Canteens that keep books, ascending.
    """

    start: date
    end: date
    ratio: dict[int, float] = field(default_factory=dict)
    by_kg: set[int] = field(default_factory=set)
    quiet: set[tuple[int, date]] = field(default_factory=set)
    absent: dict[tuple[int, date], date | None] = field(default_factory=dict)
    skipped_counts: set[tuple[int, date]] = field(default_factory=set)
    no_opening: set[int] = field(default_factory=set)
    misstated: dict[tuple[int, date], int] = field(default_factory=dict)
    carriers: dict[str, list[int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    files: list[FileFault] = field(default_factory=list)
    wrong_suppliers: list[tuple[int, date | None]] = field(default_factory=list)
    stepped: dict[int, tuple[date, float, float]] = field(default_factory=dict)
    keepers: list[int] = field(default_factory=list)
    prices: PricePlan = field(default_factory=PricePlan)
    book: FaultBook = field(default_factory=FaultBook)

    def carries(self, kind: str, canteen: int) -> bool:
        """Whether a canteen carries a scheme."""
        return canteen in self.carriers.get(kind, ())

    def add(self, kind: str, canteen: int, day: date, variant: int) -> None:
        """Something that a canteen will do."""
        self.events.append(Event(kind, canteen, day, variant))

    def due(self, kind: str, day: date) -> list[Event]:
        """Events of a kind that wait for a day."""
        return [e for e in self.events if e.kind == kind and not e.done and e.day <= day]

    def due_files(self, day: date) -> list[FileFault]:
        """File faults that wait for a file."""
        return [f for f in self.files if not f.done and f.day <= day]


def draw(
    city: City,
    service: Service,
    start: date,
    end: date,
    kinds: frozenset[str],
    books: float = 0.0,
) -> Plan:
    """Decide every fault of a run; ``books`` is the share of canteens that keep books."""
    plan = Plan(start, end, keepers=money_plan.keepers(city, books))
    if kinds:
        _canteen_faults(plan, city, service, kinds)
        _file_faults(plan, city, kinds)
        plan.prices = price_plan.draw(city, service, start, end, kinds, plan.carriers)
    if "wrong_credit_code" in kinds and city.life == start:
        rng = stream(city.seed, "plan-suppliers", start.toordinal())
        used = np.unique(city.suppliers)
        for n, s in enumerate(rng.permutation(used)[: max(3, used.size // 30)].tolist()):
            plan.wrong_suppliers.append((s, start + timedelta(5 + n) if n % 2 else None))
    money_plan.draw(plan, city, service, kinds)
    return plan


def _canteen_faults(plan: Plan, city: City, service: Service, kinds: frozenset[str]) -> None:
    """Give each scheme its canteens, and each canteen its days."""
    rng = stream(city.seed, "plan", plan.start.toordinal())
    free = rng.permutation(city.canteens).tolist()
    wanted = {kind: n for kind, n in _SCHEMES.items() if kind in kinds}
    for turn in range(max([*wanted.values(), round(_SHARE * city.canteens)], default=0)):
        for kind, least in wanted.items():
            if turn >= max(least, round(_SHARE * city.canteens)):
                continue
            fitting = [c for c in free if kind != "unit_mixup" or city.provider[c] != PINGJIANG]
            if fitting:
                plan.carriers.setdefault(kind, []).append(fitting[0])
                free.remove(fitting[0])
    for kind, canteens in plan.carriers.items():
        for n, c in enumerate(canteens):
            if kind in _TRUE_MARGIN:
                plan.ratio[c] = city.threshold[c] / 100 + float(rng.uniform(*_TRUE_MARGIN[kind]))
            _schedule(plan, city, service, kind, c, n)
    fallback = plan.carriers.get("missing_stocktake", []) or list(range(city.canteens))
    for kind in ("missing_days", "late_file"):
        if kind in kinds:
            count = max(2 if kind == "missing_days" else 1, round(0.03 * city.canteens))
            chosen = [free.pop() for _ in range(min(count, len(free)))] or fallback[:count]
            plan.carriers[kind] = chosen
            for n, c in enumerate(chosen):
                _absence(plan, service, kind, c, n)
    if "bad_rows" in kinds:
        pool = free or [c for c in range(city.canteens) if not plan.carries("missing_days", c)] or [0]
        feeds = ("consumption", "stock_move", "purchase")
        for n in range(max(3, round(0.08 * city.canteens))):
            c = pool[n % len(pool)]
            for k, day in enumerate(_spread(service, c, plan, (0.12 + n % 3 * 0.04, 0.5 + n % 5 * 0.05))):
                feed = "consumption" if city.provider[c] == PINGJIANG else feeds[(n + k) % 3]
                plan.events.append(Event(f"bad_{feed}", c, day, n + k))


def _spread(service: Service, c: int, plan: Plan, shares: tuple[float, ...]) -> list[date]:
    """Open days at the given shares of the range, none of them a count day."""
    counts = set(service.count_days(c, plan.start, plan.end))
    days = [day for day in service.open_days(c, plan.start, plan.end) if day not in counts]
    return sorted({days[int(share * len(days))] for share in shares}) if days else []


def _schedule(plan: Plan, city: City, service: Service, kind: str, c: int, n: int) -> None:
    """The days of one canteen's scheme."""
    counts = service.count_days(c, plan.start + timedelta(5), plan.end)
    month_ends = [d for d in counts if (d + timedelta(8)).month != d.month]
    if kind.startswith("closing_stock"):
        sign = 1 if kind.endswith("overstated") else -1
        for k, day in enumerate(month_ends):
            if sign < 0 or k % 3 == 0:  # an overstated stock is carried on; a new lift each quarter
                plan.misstated[c, day] = sign
    elif kind == "missing_stocktake":
        if n % 2 and city.life == plan.start:
            plan.no_opening.add(c)
            plan.skipped_counts.update(
                (c, d) for d in service.count_days(c, plan.start, plan.start + timedelta(5))
            )
        else:
            plan.skipped_counts.update((c, d) for d in month_ends[:2])
    elif kind == "fictitious_purchases":
        for k, day in enumerate(_spread(service, c, plan, (0.08, 0.2, 0.35))):
            unaccepted = k == 1 and city.provider[c] != PINGJIANG
            plan.events.append(Event("never_accepted" if unaccepted else "never_came", c, day, k))
    elif kind == "unit_mixup":
        plan.by_kg.add(c)
        for k, day in enumerate(_spread(service, c, plan, (0.15, 0.4, 0.65))):
            plan.events.append(Event("unit_mixup", c, day, k % 2))
    elif kind == "negative_stock":
        for k, day in enumerate(_spread(service, c, plan, (0.2, 0.5, 0.75))):
            plan.events.append(Event("negative_stock", c, day, k))


def _absence(plan: Plan, service: Service, kind: str, c: int, n: int) -> None:
    """Days of a canteen that never come, or come late with all their feeds."""
    counts = set(service.count_days(c, plan.start, plan.end))
    days = service.open_days(c, plan.start, plan.end)
    begin = int((0.35 if kind == "missing_days" else 0.6) * len(days))
    block = [day for day in days[begin : begin + 6] if day not in counts][
        : 3 if kind == "missing_days" else 1
    ]
    for day in block:
        if (c, day) not in plan.quiet:
            plan.quiet.add((c, day))
            # the first comes in time, the later ones after the end of the range
            lag = 3 if n == 0 else min(90, (plan.end - day).days + 7 + 5 * n % 40)
            plan.absent[c, day] = None if kind == "missing_days" else day + timedelta(lag)


def _file_faults(plan: Plan, city: City, kinds: frozenset[str]) -> None:
    """Faults of whole files, spread over providers, feeds and days."""
    rng = stream(city.seed, "plan-files", plan.start.toordinal())
    length = (plan.end - plan.start).days + 1
    count = max(4, round(length / 12))
    present = np.unique(city.provider)
    standard = present[present != PINGJIANG]
    largest = int(np.bincount(city.provider, weights=city.pupils.astype(np.float64)).argmax())
    for kind in ("duplicate_file", "resent_file", "corrected_file", "late_file", "truncated_file", "gbk_file",
                 "bom_file", "shuffled_columns"):  # fmt: skip
        if kind not in kinds:
            continue
        for n in range(count):
            pool = standard if kind in ("corrected_file", "resent_file") and standard.size else present
            provider = int(rng.choice(pool))
            feed = _FILE_FEEDS[int(rng.integers(4))]
            day = plan.start + timedelta(int((n + rng.random()) / count * max(1, 0.75 * length)))
            room = max(1, (plan.end - day).days - 3)
            lag = min(1 + int(rng.integers(9)), room)
            if kind in ("corrected_file", "truncated_file"):
                feed = ("purchase", "stock_move", "consumption")[n % 3]
            if kind == "late_file" and n == count - 1:
                feed, lag = "meal_fee", min(90, (plan.end - day).days + 20)
            if kind == "truncated_file" and n == count - 1:
                provider, feed, lag = largest, "meal_fee", 0  # no complete file follows
            plan.files.append(FileFault(kind, provider, feed, day, lag, n))


def unused_ingredient(city: City, c: int, k: int) -> int:
    """An ingredient that a canteen never uses: what a fictitious purchase is booked as."""
    blocks = [catalogue.category("other_food"), catalogue.category("seasoning"), catalogue.category("meat")]
    spare = [int(i) for block in blocks for i in block if not city.menu[c, i]]
    return spare[k % len(spare)]


def provider_of(city: City, canteen: int, feed: str) -> str:
    """Name of the provider that delivers a feed of a canteen."""
    name = PROVIDERS[int(city.provider[canteen])]
    return "pingjiang_card" if name == "pingjiang" and feed not in (*SUPPLY_FEEDS, "stocktake") else name
