"""One small city, written by hand, and three nights over it that serve many tests.

Belongs here: the story of the deliveries. Night 1 (arrivals up to 5 September) starts from nothing with
one canteen; night 2 (up to 9 September) brings all the others, good and bad; night 3 (up to 20
September) brings what was late or put right. As of 8 September 2026; 5 and 6 September are closed.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import city
import polars as pl
from pack import Landing

from pipelines import querying
from warehouse import settings
from warehouse.settings import ROOT, Settings

NIGHTS = (dt.date(2026, 9, 5), dt.date(2026, 9, 9), dt.date(2026, 9, 20))
EVE = dt.date(2026, 8, 31)
OPEN = [dt.date(2026, 9, day) for day in (1, 2, 3, 4, 7, 8)]
CLOSED = [dt.date(2026, 9, day) for day in (5, 6)]
AS_OF = OPEN[-1]
PHONE = "13812341234"
PERSON = "430602201501011234"
SUPPLIER = "91350100M000100Y43"
NAMESAKE = "91430600MA4L000009"
GOLDEN = {"7499": "self", "7500": "self", "7501": "self"} | dict.fromkeys(
    ("6999", "7000", "7001"), "contracted"
)
"""Canteens named after their ratio in hundredths of a percent."""


@dataclass
class City:
    """The data home after the last night, and what was seen after each one.

    Attributes:
        home: The data home.
        landing: Its deliveries.
        after: For each night, the rows of some queries.
        first_night: What the command line said of the first night.
        cut_off: Whether the first night ran where no network exists.
    """

    home: Settings
    landing: Landing
    after: list[dict[str, pl.DataFrame]] = field(default_factory=list)
    first_night: dict[str, Any] = field(default_factory=dict)
    cut_off: bool = False

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of one query over what is published."""
        return querying.select(self.home, sql).rows()

    def one(self, sql: str) -> Any:
        """The only value of a query."""
        ((value,),) = self.rows(sql)
        return value


@functools.cache
def three_nights(root: Path) -> City:
    """The city in ``root/pack_city``; made once in a process."""
    folder = root / "pack_city"
    made = City(settings.load(folder / "home"), Landing(folder / "landing", NIGHTS[0]))
    for deliver, night in zip((_night_1, _night_2, _night_3), NIGHTS, strict=True):
        made.landing.arrival = night
        deliver(made.landing)
        if night == NIGHTS[0]:
            made.first_night, made.cut_off = _command_line_night(made, night)
        else:
            city.run(made.home.home, made.landing.root, night)
        made.after.append(
            {
                "verdicts": querying.select(made.home, "from gold.mart_red_line order by all"),
                "days": querying.select(made.home, "from gold.fct_canteen_day order by all"),
                "consumption": querying.select(made.home, "select * from silver.consumption"),
                "refund": querying.select(made.home, "select * from silver.delivery where feed = 'refund'"),
            }
        )
    return made


def _command_line_night(made: City, night: dt.date) -> tuple[dict[str, Any], bool]:
    """The first night by ``./canteen nightly``, all five steps, in a network namespace without any device."""
    alone = ["unshare", "-rn"]
    try:
        cut_off = subprocess.run([*alone, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        cut_off = False
    command = [
        *(alone if cut_off else []),
        *(sys.executable, "-m", "pipelines.cli", "nightly", "--date", str(night), "--json"),
        *("--home", str(made.home.home), "--landing", str(made.landing.root)),
    ]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "TZ": "UTC"}
    )
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1]), cut_off


def _night_1(land: Landing) -> None:
    """The registry, and the first days of canteen A1: a school's own, teachers apart, rejects, a return."""
    _registry(land)
    _a1(land, OPEN[:4])
    land.write()


def _registry(land: Landing) -> None:
    def org(org_id: str, parent: str | None, kind: str, division: str, **values: Any) -> None:
        land.add(
            "city",
            "org",
            **{
                "org_id": org_id,
                "parent_id": parent,
                "org_kind": kind,
                "org_name": f"名{org_id}",
                "division_code": division,
                **values,
            },
        )

    org("430600", None, "city", "430600")
    for county in ("430602", "430603", "430626"):
        org(county, "430600", "county", county)
    schools = {
        "S1": ("430602", "primary"),
        "S2": ("430602", "junior"),
        "S3": ("430603", "junior"),
        "S4": ("430626", "kindergarten"),
        "S5": ("430603", "senior"),
    }
    for school, (county, stage) in schools.items():
        org(school, county, "school", county, stage=stage)
    canteens = {
        "A1": ("S1", "self"),
        "A2": ("S1", "self"),
        "B1": ("S2", "contracted"),
        "B2": ("S3", "contracted"),
        "P1": ("S4", "self"),
        **{f"G{ratio}": ("S5", mode) for ratio, mode in GOLDEN.items()},
    }
    for canteen, (school, mode) in canteens.items():
        county, stage = schools[school]
        known = {"stage": stage, "pupils": 100, "valid_from": "2026-09-01"}
        org(canteen, school, "canteen", county, operating_mode=mode, **known)
    # B1 stops being contracted on 7 September.
    changed = {"stage": "junior", "pupils": 100, "valid_from": "2026-09-07"}
    org("B1", "S2", "canteen", "430602", operating_mode="self", **changed)
    for day in [*OPEN, *CLOSED]:
        land.add("city", "calendar", org_id="430600", biz_date=day, is_open=int(day not in CLOSED))
    names = {
        "rice": ("大米", "grain", "kg"),
        "oil": ("菜籽油", "oil", "L"),
        "greens": ("青菜", "vegetables", "kg"),
        "pork": ("猪肉", "meat", "kg"),
        "eggs": ("鸡蛋", "eggs", "件"),
        "gloves": ("手套", "non_food", "件"),
    }
    for item, (name, category, unit) in names.items():
        known = {"ingredient_name": name, "category": category, "base_unit": unit}
        land.add("city", "ingredient", ingredient_id=item, **known)
    land.add("city", "supplier", supplier_uscc=SUPPLIER, supplier_name="甲粮油")
    land.add("city", "supplier", supplier_uscc=SUPPLIER, supplier_name="甲粮油店", valid_from="2026-09-04")
    namesake = {"supplier_name": "甲粮油", "contact_phone": None, "valid_from": "2026-09-03"}
    land.add("city", "supplier", supplier_uscc=NAMESAKE, **namesake)
    land.add("city", "supplier", supplier_uscc="91350100M000100Y44", supplier_name="校验位错的")


def _a1(land: Landing, days: list[dt.date]) -> None:
    """Per open day: 100 kg of greens at 6.00 in jin, eaten the same day; 800.00 yuan of meals."""
    place = "yueyanglou"
    if days[0] == OPEN[0]:
        land.count(place, "A1", EVE, "rice", "100", unit_price="4.00")
        land.count(place, "A1", EVE, "gloves", "10", unit="件", unit_price="5.00")
        # 10 of 50 kg are rejected at the door; 5 kg go back later; a line that nobody accepted.
        rejected = {"accepted_qty": "40", "rejected_qty": "10"}
        land.buy(place, "A1", days[0], "rice", "50", "4.00", **rejected)
        back = {"move_kind": "supplier_return", "amount_yuan": "20.00", "purpose": "other"}
        land.use(place, "A1", days[1], "rice", "5", **back)
        never = {"accepted_qty": "0", "accepted_on": None}
        land.buy(place, "A1", days[1], "pork", "20", "30.00", **never)
        land.buy(place, "A1", days[2], "gloves", "4", "5.00", unit="件")
        land.use(place, "A1", days[2], "gloves", "4", unit="件", purpose="other")
        teacher = {"account_kind": "teacher"}
        land.buy(place, "A1", days[0], "pork", "10", "30.00", **teacher)
        land.use(place, "A1", days[0], "pork", "10", purpose="teacher_meal", **teacher)
        land.eat(place, "A1", days[0], "200.00", payer_kind="teacher", person_no="T1")
        fee = {"canteen_id": "A1", "biz_date": days[0], "amount_yuan": "5000.00"}
        land.add(place, "meal_fee", **fee)
    for day in days:
        land.buy(place, "A1", day, "greens", "200", "3.00", unit="斤")
        land.use(place, "A1", day, "greens", "100")
        for channel, yuan in (("card", "400.10"), ("face", "299.90"), ("mini_program", "100.00")):
            land.eat(place, "A1", day, yuan, channel=channel, person_no=f"{PERSON}{channel}")


def _night_2(land: Landing) -> None:
    _a1(land, OPEN[4:])
    _a2(land)
    _plain(land, "yueyanglou", "B1", OPEN, "700.00", "1000.00")
    # Two refunds of A1 were declared; the file that came holds one: it must not count.
    refund = {"canteen_id": "A1", "biz_date": OPEN[2], "reason": f"请假，家长电话{PHONE}"}
    land.add("yueyanglou", "refund", amount_yuan="30.00", **refund)
    land.write()
    land.declare("yueyanglou", {"refund.csv": 2}, OPEN[2])
    _plain(land, "yunxi", "B2", OPEN[:-1], "720.00", "1000.00")
    for ratio in GOLDEN:
        # Stock is opened, bought into and drawn down; a refunded meal is no income.
        cost = f"{int(ratio) / 10:.2f}"
        _plain(land, "yunxi", f"G{ratio}", OPEN, cost, "1010.00")
        for day in OPEN:
            back = {"canteen_id": f"G{ratio}", "biz_date": day, "amount_yuan": "10.00"}
            land.add("yunxi", "refund", **back)
    land.write(labelled=["yunxi"])
    _pingjiang(land, OPEN[:-1], canteen="9", product="70", supplier="30", opening=True)


def _plain(land: Landing, place: str, canteen: str, days: list[dt.date], cost: str, income: str) -> None:
    """A canteen that buys and eats 100 kg of greens a day; its 10 kg of rice stay where they are."""
    if days[0] == OPEN[0]:
        land.count(place, canteen, EVE, "rice", "10", unit_price="5.00")
    for day in days:
        land.buy(place, canteen, day, "greens", "100", f"{float(cost) / 100:.4f}")
        land.use(place, canteen, day, "greens", "100")
        land.eat(place, canteen, day, income, person_no=f"{canteen}-1")


def _a2(land: Landing) -> None:
    """A canteen with everything wrong: short stock, a negative one, broken, doubled and contradicting rows."""
    place = "yueyanglou"
    land.count(place, "A2", EVE, "rice", "100", unit_price="4.00")
    land.count(place, "A2", EVE, "oil", "0", unit="L", unit_price="10.00")
    for day in OPEN:
        land.eat(place, "A2", day, "900.00", person_no="A2-1")
        land.buy(place, "A2", day, "greens", "100", "6.80")
        land.use(place, "A2", day, "greens", "100")
    land.buy(place, "A2", OPEN[0], "pork", "20", "30.00")
    land.use(place, "A2", OPEN[1], "pork", "30")
    land.count(place, "A2", OPEN[4], "rice", "60")
    land.count(place, "A2", OPEN[4], "oil", "2", unit="L")
    land.buy(place, "A2", OPEN[2], "eggs", "10", "1.00", unit="箱")
    land.buy(place, "A2", OPEN[2], "rice", "10", "4.00", amount_yuan="400.00")
    land.buy(place, "A2", OPEN[2], "rice", "-1", "4.00")
    land.buy(place, "A2", OPEN[2], "rice", "1", "4.00", biz_date="2026-09-31")
    land.buy(place, "A2", OPEN[2], "rice", "1", "4.00", ingredient_id=None)
    twice = land.eat(place, "A2", OPEN[3], "1.00", person_no="A2-2", channel="cash")
    land.add(place, "consumption", **twice)
    against = land.eat(place, "A2", OPEN[3], "2.00", person_no="A2-3")
    land.add(place, "consumption", **{**against, "amount_yuan": "3.00"})


def _pingjiang(
    land: Landing, days: list[dt.date], *, canteen: str, product: str, supplier: str, opening: bool
) -> None:
    """The county with a platform of another make: ids of its own, products in jin, no account kinds."""
    land.dump(
        "pingjiang", "canteens", [{"id": canteen, "school_id": "5", "name": "平江一幼食堂", "code": "P1"}]
    )
    land.dump("pingjiang", "inv_products", [{"id": product, "school_id": "5", "name": "青菜", "unit": "斤"}])
    suppliers = [{"id": supplier, "name": "甲粮油", "license": SUPPLIER, "phone": PHONE, "contact": "王小明"}]
    land.dump("pingjiang", "inv_suppliers", suppliers)
    keys = {"school_id": "5", "product_id": product, "canteen_id": canteen}
    inbound = [
        {"id": f"{product}{n}", **keys, "supplier_id": supplier, "qty": "200", "unit_price": "3.20"}
        | {"at": f"{day} 07:00:00", "source": "采购", "doc_no": f"D{n}", "created_by": "王小明"}
        for n, day in enumerate(days)
    ]
    if opening:
        first = {"id": f"{product}99", **keys, "qty": "0", "unit_price": "3.20"}
        inbound.append({**first, "at": f"{EVE} 17:00:00", "source": "期初"})
    land.dump("pingjiang", "inv_inbound", inbound)
    outbound = [
        {"id": f"{product}{n}", **keys, "qty": "200", "purpose": "午餐", "at": f"{day} 10:00:00"}
        for n, day in enumerate(days)
    ]
    land.dump("pingjiang", "inv_outbound", outbound)
    for day in days:
        land.eat("pingjiang_card", "P1", day, "800.00", person_no="P1-1")
    land.write(as_json=["pingjiang_card"])


def _night_3(land: Landing) -> None:
    """What was late, cut or wrong; and the same again."""
    refund = {"canteen_id": "A1", "biz_date": OPEN[2]}
    land.add("yueyanglou", "refund", amount_yuan="30.00", reason=f"请假，家长电话{PHONE}", **refund)
    land.add("yueyanglou", "refund", amount_yuan="10.00", **refund)
    # A1's second day again, without the meal of 100.00 that never was.
    for channel, yuan in (("card", "400.10"), ("face", "299.90")):
        land.eat("yueyanglou", "A1", OPEN[1], yuan, channel=channel, person_no=f"{PERSON}{channel}")
    land.write()
    land.declare("yueyanglou", {"refund.csv": 2}, OPEN[2])
    # B2's last day comes eleven days late, and once more under another name.
    _plain(land, "yunxi", "B2", OPEN[-1:], "720.00", "1000.00")
    land.write()
    sent = land.root / "yunxi" / str(land.arrival)
    for file in sorted(sent.iterdir()):
        land.put("yunxi", f"again_{file.name}", file.read_bytes())
    # Pingjiang has moved to another server: its last day comes with other ids.
    _pingjiang(land, OPEN[-1:], canteen="909", product="970", supplier="930", opening=False)
