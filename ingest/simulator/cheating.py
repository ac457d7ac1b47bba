"""False goods records, and the truth about them.

Belongs here: what a scheme or a mistake does to the lines of a day. Does not belong here: stock-takes
(``stocktaking``) and which canteen does what (``plan``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue, goods
from ingest.simulator.city import City
from ingest.simulator.faults import Fault
from ingest.simulator.goods import Lines
from ingest.simulator.plan import Event, Plan, provider_of, unused_ingredient
from ingest.simulator.records import order_no, record_no
from ingest.simulator.service import Service
from ingest.simulator.streams import IntArray

NEVER_CAME, NEVER_ACCEPTED, MIXED_UP = 1, 2, 3
_CLAIMED: Final = 0.6  # of a day's income


def fictitious(city: City, rows: list[tuple[Event, int]], price: IntArray, second: IntArray) -> Lines:
    """Lines of goods that never came, in ingredients that the canteen never uses."""
    c = np.array([event.canteen for event, _ in rows], dtype=np.int64)
    i = np.array([unused_ingredient(city, event.canteen, event.variant) for event, _ in rows], dtype=np.int64)
    tag = np.array([t for _, t in rows], dtype=np.int64)
    unit = catalogue.BASE_UNIT[i]
    cents = price[c, i] * 1000 // catalogue.UNIT_MILLI[city.unit[c, i]]  # per base unit
    base = (
        np.maximum(np.rint(_CLAIMED * city.daily_income[c] / np.maximum(cents, 1)), 1).astype(np.int64) * 1000
    )
    lines = goods.bought_lines(city, c, i, base, cents, unit, second)
    lines.columns["tag"] = tag
    claimed_only = tag == NEVER_ACCEPTED
    for name in ("accepted", "amount", "is_accepted", "acceptors"):
        lines.columns[name] = np.where(claimed_only, 0, lines[name])
    return lines


def mix_up(lines: Lines, canteen: int) -> tuple[Lines, bool]:
    """Enter the canteen's longest slip of goods weighed in kg in 斤: twice the number at half the price."""
    mine = lines["c"] == canteen
    slips = [
        (int((mine & (lines["slip"] == slip)).sum()), slip)
        for slip in np.unique(lines["slip"][mine]).tolist()
        if (lines["unit"][mine & (lines["slip"] == slip)] == catalogue.KG).all() and slip in (3, 4, 5, 6)
    ]
    if not slips:
        return lines, False
    chosen = mine & (lines["slip"] == max(slips)[1])
    out = Lines(dict(lines.columns))
    for name in ("ordered", "accepted", "rejected"):
        out.columns[name] = np.where(chosen, lines[name] * 2, lines[name])
    out.columns["price"] = np.where(chosen, lines["price"] // 2, lines["price"])
    out.columns["tag"] = np.where(chosen, MIXED_UP, lines["tag"])
    return out, True


def drop_delivery(lines: Lines, canteen: int) -> tuple[Lines, IntArray]:
    """Leave out the canteen's delivery of meat and eggs. Returns the lines and the ingredients left out."""
    gone = (lines["c"] == canteen) & (catalogue.GROUP[lines["i"]] == 1) & (lines["account"] == goods.PUPIL)
    return lines.where(~gone), lines["i"][gone]


def tell(
    city: City, plan: Plan, kind: str, canteen: int, day: date, ingredient: int | None = None, *,
    feed: str = "purchase", note: str = "", last: date | None = None, arrival: date | None = None,
    row: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write the truth of one fault of a canteen."""
    plan.book.add(
        Fault(
            kind=kind, provider=provider_of(city, canteen, feed), biz_date_from=day, biz_date_to=last or day,
            arrival_date=arrival or max(last or day, plan.start), canteen_id=city.canteen_ids[canteen], feed=feed,
            ingredient_id=None if ingredient is None else catalogue.IDS[ingredient],
            record_no=None if row is None else record_no("purchase", city.canteen_ids[canteen], day, row["seq"]),
            order_no=None if row is None else order_no(city.canteen_ids[canteen], day, row["slip"]), note=note,
        )
    )  # fmt: skip


def tell_lines(city: City, plan: Plan, day: date, purchase: pl.DataFrame) -> None:
    """Truth of tagged purchase lines; a mixed-up slip is one fault."""
    tagged = purchase.filter(pl.col("tag").is_between(NEVER_CAME, MIXED_UP))
    for row in tagged.filter(pl.col("tag") != MIXED_UP).iter_rows(named=True):
        note = "登记验收但货物未到，从未领用" if row["tag"] == NEVER_CAME else "只有订货，从未验收"
        tell(city, plan, "fictitious_purchases", row["c"], day, row["i"], note=note, row=row)
    for row in (
        tagged.filter(pl.col("tag") == MIXED_UP)
        .unique(["c", "slip"], maintain_order=True)
        .iter_rows(named=True)
    ):
        plan.book.add(
            Fault("unit_mixup", provider_of(city, row["c"], "purchase"), day, day, day,
                  canteen_id=city.canteen_ids[row["c"]], feed="purchase",
                  order_no=order_no(city.canteen_ids[row["c"]], day, row["slip"]),
                  note="整单按斤录入数量和单价，单位写成千克")
        )  # fmt: skip


def tell_lasting(city: City, service: Service, plan: Plan) -> None:
    """Truth of the schemes that last for the whole range, one row per canteen and month with open days."""
    lasting = {
        "under_feeding": ("stock_move", "食材支出真实低于红线"),
        "teacher_food_in_pupil_account": ("stock_move", "教师餐食材记入学生账"),
        "teacher_income_in_pupil_account": ("consumption", "教师就餐收入记入学生账"),
    }
    for kind, (feed, note) in lasting.items():
        for canteen in plan.carriers.get(kind, []):
            first = plan.start
            while first <= plan.end:
                month_end = (first.replace(day=1) + timedelta(32)).replace(day=1) - timedelta(1)
                last = min(month_end, plan.end)
                if service.open_days(canteen, first, last):
                    tell(city, plan, kind, canteen, first, feed=feed, note=note, last=last)
                first = month_end + timedelta(1)


def tell_counts(city: City, service: Service, plan: Plan) -> None:
    """Truth of misstated and missing stock-takes, and of missing days."""
    for (canteen, day), sign in plan.misstated.items():
        kind = "closing_stock_overstated" if sign > 0 else "closing_stock_understated"
        note = "盘点数高于实际库存" if sign > 0 else "盘点数低于账面，多出部分被转走"
        tell(city, plan, kind, canteen, day, feed="stocktake", note=note)
    eve = plan.start - timedelta(1)
    for canteen in plan.no_opening:
        tell(
            city,
            plan,
            "missing_stocktake",
            canteen,
            eve,
            feed="stocktake",
            note="没有期初盘点",
            arrival=plan.start,
        )
    for canteen, day in sorted(plan.skipped_counts):
        if canteen in plan.no_opening:
            continue
        held = [
            d
            for d in service.count_days(canteen, city.life, day - timedelta(1))
            if (canteen, d) not in plan.skipped_counts
        ]
        stale = max([city.life - timedelta(1), *held]) + timedelta(36)
        tell(
            city,
            plan,
            "missing_stocktake",
            canteen,
            day,
            feed="stocktake",
            note="应盘未盘",
            arrival=max(stale, day),
        )
    for canteen in plan.carriers.get("missing_days", []):
        days = sorted(d for (c, d), arrival in plan.absent.items() if c == canteen and arrival is None)
        if days:
            provider = provider_of(city, canteen, "purchase")
            plan.book.add(
                Fault(
                    "missing_days",
                    provider,
                    days[0],
                    days[-1],
                    days[-1],
                    canteen_id=city.canteen_ids[canteen],
                    note=f"全部数据缺报 {len(days)} 天",
                )
            )
