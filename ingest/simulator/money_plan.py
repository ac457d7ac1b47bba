"""Which canteens keep books, and who carries which money fault, drawn before the city's days are played.

Belongs here: the allocation of money faults to canteens and days. Faults that a statement must show fall on
canteens whose statements are whole. Does not belong here: how a fault is done (``money_faults``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from ingest.simulator.city import PINGJIANG, City
from ingest.simulator.price_plan import Scheme
from ingest.simulator.service import Service
from ingest.simulator.streams import stream

if TYPE_CHECKING:
    from ingest.simulator.plan import Plan

_SUBSIDISED: Final = 2  # subsidised canteens that keep books before any other, where there are so many
OWN_STATEMENT: Final = 4  # one keeper in so many sends its bank's statement itself
# Kinds that happen on single days -> earliest and latest share of the range.
_EVENTS: Final = {
    "leave_not_refunded": (0.1, 0.8),
    "payment_not_settled": (0.1, 0.7),
    "payment_to_other_account": (0.1, 0.7),
    "non_special_account_used": (0.03, 0.45),
    "invoice_over_acceptance": (0.03, 0.5),
    "paid_twice": (0.03, 0.35),
    "duty_conflict": (0.1, 0.85),
    "control_total_mismatch": (0.1, 0.85),
    # Not in the first weeks: a refund may answer a meal of the week before, which nobody delivered.
    "refund_over_charge": (0.3, 0.85),
}
# Kinds that last -> whether their canteen must be free of schemes that bend the food ratio.
_LASTING: Final = {
    "statement_gap": False,
    "purchase_price_inflated_ratio": True,
    "income_under_reported": False,
    "non_food_as_food": False,
    "subsidy_not_spent": False,
}
KINDS: Final = (*_EVENTS, *_LASTING)
_OF_BANK: Final = frozenset(
    {"payment_not_settled", "payment_to_other_account", "non_special_account_used", "paid_twice"}
)
_EVENT_SHARE: Final = 0.15  # events of a kind per keeper
_LASTING_SHARE: Final = 0.07
_BENT: Final = ("unit_mixup", "negative_stock")
_POINTS_BEFORE: Final = -0.08  # of the food ratio from the threshold, before prices rise
_POINTS_AFTER: Final = 0.03
_SOONEST: Final = timedelta(7)


def keepers(city: City, share: float) -> list[int]:
    """The canteens that keep books, ascending."""
    able = np.flatnonzero(city.provider != PINGJIANG)
    order = stream(city.seed, "books").permutation(able)
    first = order[city.subsidised[order]][:_SUBSIDISED]
    order = np.concatenate([first, order[~np.isin(order, first)]])
    return sorted(order[: int(share * city.canteens + 0.5)].tolist())


def own_statements(canteens: list[int]) -> list[int]:
    """The keepers whose statements do not come with the city's weekly export."""
    return canteens[1::OWN_STATEMENT]


def draw(plan: Plan, city: City, service: Service, kinds: frozenset[str]) -> None:
    """Add the money faults to a plan."""
    if not plan.keepers:
        return
    rng = stream(city.seed, "plan-money", plan.start.toordinal())
    free = rng.permutation(plan.keepers).tolist()
    _lasting(plan, city, service, kinds, free)
    gaps = set(plan.carriers.get("statement_gap", []))
    for kind, (first, last) in _EVENTS.items():
        pool = rng.permutation(plan.keepers).tolist()
        if kind in _OF_BANK:
            pool = [c for c in pool if c not in gaps] or pool
        count = max(2, round(_EVENT_SHARE * len(plan.keepers)))
        if kind in kinds:
            for n in range(count):
                share = first + (last - first) * n / max(1, count - 1)
                _event(plan, service, kind, pool[n % len(pool)], share, n)


def _event(plan: Plan, service: Service, kind: str, c: int, share: float, n: int) -> None:
    days = [d for d in service.open_days(c, plan.start, plan.end) if (c, d) not in plan.absent]
    if days:
        plan.add(kind, c, days[int(share * (len(days) - 1))], n)


def _lasting(plan: Plan, city: City, service: Service, kinds: frozenset[str], free: list[int]) -> None:
    """Carriers of what lasts: canteens of their own, as far as there are any."""
    bent = set(plan.ratio) | {c for kind in _BENT for c in plan.carriers.get(kind, [])}
    schemed = {c for canteens in plan.carriers.values() for c in canteens}
    own = set(own_statements(plan.keepers))
    taken: set[int] = set()
    for kind, straight in _LASTING.items():
        fitting = [c for c in free if c not in taken and not (straight and c in bent)]
        if kind == "statement_gap":
            fitting = [c for c in fitting if c in own]
        if kind == "subsidy_not_spent":
            fitting = [c for c in fitting if city.subsidised[c]]
        fitting.sort(key=lambda c: c in schemed)
        count = max(1, min(round(_LASTING_SHARE * len(plan.keepers)), len(fitting) // 2))
        if kind in kinds and fitting:
            plan.carriers[kind] = fitting[:count]
            taken |= set(plan.carriers[kind])
    for c in plan.carriers.get("purchase_price_inflated_ratio", []):
        _inflate(plan, city, service, c)


def _inflate(plan: Plan, city: City, service: Service, c: int) -> None:
    """From a Monday on every supplier charges more, and the food ratio rises by as much."""
    threshold = float(city.threshold[c]) / 100
    low, high = threshold + _POINTS_BEFORE, threshold + _POINTS_AFTER
    first = plan.start + (plan.end - plan.start) * 2 // 5
    first = max(first + timedelta(-first.weekday() % 7), plan.start + _SOONEST)
    if not service.open_days(c, first, plan.end):
        return
    plan.stepped[c] = (first, low, high)
    permille = round((high / low - 1) * 1000)
    known = {s.supplier for s in plan.prices.schemes if s.canteen in (None, c)}
    for supplier in np.unique(city.suppliers[c]).tolist():
        if supplier not in known:
            plan.prices.schemes.append(Scheme(supplier, c, first, plan.end, permille, raises=False))


def months(first: date, last: date) -> list[tuple[date, date]]:
    """The parts of calendar months that a range covers."""
    out = []
    while first <= last:
        end = min((first.replace(day=1) + timedelta(32)).replace(day=1) - timedelta(1), last)
        out.append((first, end))
        first = end + timedelta(1)
    return out
