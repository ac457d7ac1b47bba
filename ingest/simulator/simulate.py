"""Play a city from its first day, deliver its files, and write down what is true.

Belongs here: the order of events of a run. Does not belong here: any of the events themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ingest.simulator import cheating, city, devices, plan, realism, school_calendar, truth
from ingest.simulator.bank import Bank
from ingest.simulator.behaviour import World
from ingest.simulator.city import City
from ingest.simulator.delivery import FEEDS, Delivery
from ingest.simulator.faults import chosen
from ingest.simulator.forms import Accountant, month_end
from ingest.simulator.journal import Journal
from ingest.simulator.meals import Hall
from ingest.simulator.menu_post import MenuPost
from ingest.simulator.menus import Menus
from ingest.simulator.outbox import Outbox
from ingest.simulator.plan import Plan
from ingest.simulator.references import References
from ingest.simulator.service import Service
from ingest.simulator.streams import IntArray
from ingest.simulator.treasury import Treasury
from ingest.simulator.video import Platform
from warehouse.errors import Permanent

MAX_CANTEENS = 5_000
_DEVICE_MESSAGES = 2_000  # at most; more come from ``devices.messages``
_DEVICE_FAULTS = 0.05


@dataclass
class PlayedDay:
    """What one day brought: frames by feed and menus (none when nobody serves), and filed forms."""

    day: date
    frames: dict[str, pl.DataFrame]
    menu: pl.DataFrame | None
    eaten: IntArray
    paid: IntArray
    form_month: date | None
    form: pl.DataFrame | None


class Play:
    """The city's life, day by day; the opening stock-take stands ready before the first."""

    def __init__(self, registry: City, service: Service, planned: Plan) -> None:
        self.city, self.service, self.plan = registry, service, planned
        self.world = World(registry, service, planned)
        self._hall = Hall(registry, service, planned)
        self._menus = Menus(registry)
        self._accountant = Accountant(registry)
        self.opening = self.world.open_stores()
        self._accountant.open_books(registry.life - timedelta(1), self.opening)

    def days(self, last: date) -> Iterator[PlayedDay]:
        """Every day from the first of the city's life to ``last``."""
        nothing = np.zeros(self.city.canteens, dtype=np.int64)
        for day in school_calendar.days(self.city.life, last):
            form = self._accountant.file(day)
            played = PlayedDay(day, {}, None, nothing, nothing, *(form or (None, None)))
            if self.service.is_open(day).any():
                meals = self._hall.step(day)
                goods = self.world.step(day, meals)
                played.frames = {
                    "purchase": goods.purchase, "stock_move": goods.stock_move, "stocktake": goods.stocktake,
                    "meal_fee": meals.meal_fee, "consumption": meals.consumption, "refund": meals.refund,
                }  # fmt: skip
                played.menu = self._menus.day(day, goods.cooked, meals.consumption)
                played.eaten, played.paid = goods.eaten, meals.income
                self._accountant.enter(day, played.frames, meals.booked_income)
            if day == month_end(day):
                self._accountant.close_month(day)
            yield played

    @property
    def accountant(self) -> Accountant:
        """Who fills in the public forms."""
        return self._accountant


def _check(out: Path, canteens: int, start: date, end: date, life: date) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Permanent(f"{out} 不是空目录；请换一个空目录或先清空")
    if not 1 <= canteens <= MAX_CANTEENS:
        raise Permanent(f"食堂数 {canteens} 超出范围；请取 1 至 {MAX_CANTEENS}")
    if not life <= start <= end:
        raise Permanent(f"日期次序有误：起点 {life}，开始 {start}，结束 {end}")
    first, last = school_calendar.FIRST_YEAR, school_calendar.LAST_YEAR
    if not (first <= life.year and end.year + 1 <= last):
        raise Permanent(f"校历只覆盖 {first} 年至 {last - 1} 年；请改日期范围")


def simulate(
    out: Path,
    canteens: int,
    start: date,
    end: date,
    seed: int,
    faults: frozenset[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
    origin: date | None = None,
    books: float = 0.0,
    cameras: int = 0,
) -> dict[str, Any]:
    """Write ``out/landing``, ``out/extra`` and ``out/truth`` of a synthetic city.

    Args:
        out: Folder that is empty or does not exist.
        canteens: Number of canteens, 1 to 5,000.
        start: First day whose files are written.
        end: Last day that is played; files about it may arrive later.
        seed: The same arguments give the same bytes.
        faults: Names of ``faults.KINDS`` to plant; None: all; empty: a clean city.
        progress: Called with (days done, days in all).
        origin: First day of the city's life, default ``start``. With an earlier one the days before
            ``start`` are played clean and silently (see ``history``), and no reference data are written.
        books: Share of the canteens that keep books in the city's finance system (feeds of ``finance`` and
            ``bank``); of the others these feeds are not delivered. None by default, as long as no finding
            rests on them; without keepers no money fault is planted.
        cameras: Number of canteens whose kitchens are filmed (feeds of ``video``, ``clips.json``, and
            ``truth/video_faults.parquet``).

    Returns:
        What ``truth/meta.json`` holds: arguments, counts, realism measures.

    Raises:
        Permanent: An argument that cannot work, or an unknown fault.
    """
    kinds, life = chosen(faults), origin or start
    _check(out, canteens, start, end, life)
    registry = city.build(canteens, life, seed)
    service = Service(registry, end)
    planned = plan.draw(registry, service, start, end, kinds, books)
    journal, outbox = Journal(), Outbox(out / "landing")
    play = Play(registry, service, planned)
    delivery = Delivery(registry, service, planned, journal, outbox)
    bank = Bank(registry, out / "extra" / "bank", faulty=bool(kinds))
    menus = MenuPost(registry, planned, outbox)
    references = References(play.world.pricing, planned, outbox, kinds)
    treasury = Treasury(registry, service, planned, play.accountant.stock_value())
    platform = Platform(registry, service, outbox, cameras, (start, end), faulty=bool(kinds))
    if life == start:
        delivery.registry(play.world.unit(start))
        delivery.opening(play.opening)
        treasury.opening(play.opening, outbox)
    else:
        journal.add("stocktake", play.opening, life - timedelta(1), life)

    total = (end - life).days + 1
    eaten, paid = (np.zeros((total + 1, canteens), dtype=np.int64) for _ in range(2))
    rows = dict.fromkeys((*FEEDS, "disclosure_line"), 0)
    for n, played in enumerate(play.days(end), start=1):
        eaten[n], paid[n] = played.eaten, played.paid
        menus.day(played.day, played.menu)
        if played.day >= start:
            references.day(played.day)
            platform.day(played.day)
            bank.day(played.day, played.paid, played.frames.get("purchase"))
        treasury.day(played.day, played.frames)
        if planned.keepers and played.day == month_end(played.day):
            play.accountant.restate(*treasury.close(played.day, play.accountant.stock_value()))
        _pass_on(played, delivery, journal, start, rows)
        if progress is not None:
            progress(n, total)
    rows |= treasury.finish(outbox) | {"menu_line": menus.rows}
    outbox.seal()
    platform.finish(out)
    _extras(out, registry, bank, start, end, faulty=bool(kinds))
    cheating.tell_lasting(registry, service, planned)
    cheating.tell_counts(registry, service, planned)
    play.world.overcharging.tell_lasting()
    return _write_truth(
        out / "truth", registry, service, planned, journal, delivery, play.world, (eaten, paid), treasury.disagreements, rows,
        {"canteens": canteens, "start": f"{start}", "end": f"{end}", "seed": seed, "origin": f"{life}", "faults": sorted(kinds), "books": books, "cameras": cameras},
    )  # fmt: skip


def _extras(out: Path, registry: City, bank: Bank, start: date, end: date, *, faulty: bool) -> None:
    """What comes by doors of its own, beside the landing folders: bank files and device messages."""
    days = (end - start).days + 1
    count = min(_DEVICE_MESSAGES, 2 * registry.canteens * days)
    sent = devices.messages(
        registry.seed, count, _DEVICE_FAULTS if faulty else 0.0, canteens=registry.canteen_ids, first=start, days=days
    )  # fmt: skip
    devices.write(out / "extra" / "devices", sent)
    truths = {"device_faults": sent.faults, "bank_lines": bank.lines(), "bank_faults": bank.faults()}
    (out / "truth").mkdir(parents=True, exist_ok=True)
    for name, frame in truths.items():
        frame.write_parquet(out / "truth" / f"{name}.parquet")


def _pass_on(
    played: PlayedDay, delivery: Delivery, journal: Journal, start: date, rows: dict[str, int]
) -> None:
    """Deliver a day's records, or before ``start`` only remember them."""
    if played.form is not None and played.form_month is not None:
        if played.day >= start:
            delivery.forms(played.form_month, played.form, played.day)
            rows["disclosure_line"] += played.form.height
        else:
            journal.add("disclosure_line", played.form, played.form_month, played.day)
    if not played.frames:
        return
    if played.day >= start:
        delivery.day(played.day, played.frames)
        for feed in FEEDS:
            rows[feed] += played.frames[feed].height
    else:
        for feed in FEEDS:
            journal.add(feed, played.frames[feed], played.day, played.day)


def _write_truth(
    folder: Path, registry: City, service: Service, planned: Plan, journal: Journal, delivery: Delivery, world: World,
    actual: tuple[IntArray, IntArray], disagreements: pl.DataFrame, rows: dict[str, int], arguments: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    end = planned.end
    last = max(end, delivery.outbox.last_arrival)
    verdicts = [
        truth.verdicts(registry, service, journal, day, *actual, disagreements) for day in sorted({end, last})
    ]
    pl.concat(verdicts).write_parquet(folder / "verdicts.parquet")
    planned.book.frame().write_parquet(folder / "faults.parquet")
    open_days = sum(int(service.is_open(day).sum()) for day in school_calendar.days(planned.start, end))
    per = max(1, open_days)
    prices = world.dispersion.measures() | realism.margins(world.pricing.market, end)
    meta = {
        "arguments": arguments,
        "rows": rows,
        "files": delivery.outbox.files,
        "last_arrival": f"{last}",
        "canteen_days": open_days,
        "planted": {kind: n for kind, n in planned.book.counts().items() if n},
        "price_realism": realism.report(prices),
        "realism": {
            **{name: value for name, value in prices.items() if value is not None},
            "late_per_canteen_day": round(delivery.late_units / per, 5),
            "missing_per_canteen_day": round(delivery.missing_units / per, 5),
            "corrected_per_canteen_day": round(delivery.corrected_units / per, 5),
        },
    }
    (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return meta
