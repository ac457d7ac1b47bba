"""What a canteen spends besides goods: wages, power and water, services, fees; and the bank's interest.

Belongs here: regular payments of a month, with their documents. Does not belong here: payments to suppliers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import transfers
from ingest.simulator.city import UNITS, City
from ingest.simulator.service import Service
from ingest.simulator.streams import IntArray, stream
from ingest.simulator.transfers import IN, OUT
from ingest.simulator.working_days import WorkingDays

_POSTED: Final = (0.6, 0.3, 0.1)
_BANK: Final = (0.85, 0.15)
_PUPILS_A_COOK: Final = 90
_MONTH_DAYS: Final = 21  # open days by which a month's bills are usual
_INTEREST: Final = {3: 21, 6: 21, 9: 21, 12: 21}
_EQUIPMENT: Final = 0.2  # of the canteens buy something for the kitchen in a month


@dataclass(frozen=True)
class _Bill:
    """A regular payment: kind, day of the month, account that is booked, whom and what for."""

    kind: str
    day: int
    code: str
    other: str
    note: str


_BILLS: Final = (
    _Bill("management", 8, "5004", "{place}后勤服务有限公司", "保洁服务费"),
    _Bill("wages", 15, "5002", "代发工资专户", "代发工资"),
    _Bill("utilities", 18, "5003", "国网湖南省电力有限公司{place}供电分公司", "电费"),
    _Bill("utilities", 22, "5003", "{place}自来水有限公司", "水费"),
    _Bill("management", 26, "5004", "{place}有害生物防治有限公司", "消杀服务费"),
    _Bill("equipment", 12, "5004", "{place}厨房设备有限公司", "厨房设备维修"),
    _Bill("bank_fee", 28, "5005", "", "账户管理费"),
)


def of_month(
    city: City, service: Service, keepers: list[int], month: tuple[date, date], days: WorkingDays, misbooked: list[int]
) -> pl.DataFrame:  # fmt: skip
    """The month's bills and interest; a month without meals has fees of the bank only.

    Args:
        city: The registry.
        service: When the canteens serve.
        keepers: The canteens that keep books.
        month: First and last day.
        days: Working days.
        misbooked: Canteens that book repairs as food.
    """
    c = np.array(keepers, dtype=np.int64)
    rng = stream(city.seed, "outlays", month[0].toordinal())
    serves = np.asarray(service.open_between(*month).any(axis=0))[c]
    repairs = rng.random(c.size) < _EQUIPMENT
    parts = []
    for n, bill in enumerate(_BILLS):
        cents = _cents(city, bill, c, rng)
        due = serves | (bill.kind == "bank_fee")
        if bill.kind == "equipment":
            due &= repairs | np.isin(c, misbooked)
        on = min(month[0].replace(day=1) + timedelta(bill.day - 1), _last(month[0]))
        if month[0] <= on:
            parts.append(_rows(city, bill, c[due], cents[due], on, n, days, rng))
    frame = pl.concat(parts)
    false = (pl.col("detail") == "equipment") & pl.col("c").is_in(misbooked)
    frame = frame.with_columns(
        pl.when(false).then(pl.lit("5001")).otherwise("code").alias("code"),
        pl.when(false).then(pl.lit("购其他材料")).otherwise("summary").alias("summary"),
    )
    if (day := _INTEREST.get(month[0].month)) and month[0].day <= day:
        cents = np.rint(city.daily_income[c] * rng.uniform(0.003, 0.006, c.size)).astype(np.int64) + 100
        bill = _Bill("interest", day, "4003", "", "存款利息")
        frame = pl.concat(
            [frame, _rows(city, bill, c, cents, month[0].replace(day=day), len(_BILLS), days, rng)]
        )
    return frame


def _last(day: date) -> date:
    return (day.replace(day=1) + timedelta(32)).replace(day=1) - timedelta(1)


def _cents(city: City, bill: _Bill, c: IntArray, rng: np.random.Generator) -> IntArray:
    """What a bill comes to."""
    usual = city.daily_income[c] * _MONTH_DAYS
    if bill.kind == "wages":
        cooks = np.maximum(2, city.pupils[c] // _PUPILS_A_COOK + 1)
        wage = stream(city.seed, "wages").integers(28, 37, city.canteens)[c] * 10_000
        return np.asarray(cooks * wage, dtype=np.int64)
    if bill.kind == "bank_fee":
        return rng.integers(2, 9, c.size) * 500
    share = {"电费": 0.028, "水费": 0.007, "保洁服务费": 0.008}.get(bill.note)
    if share is not None:
        return np.rint(usual * share * rng.lognormal(0, 0.12, c.size)).astype(np.int64)
    low, high = (300, 900) if bill.kind == "management" else (2_500, 8_000)
    return rng.integers(low, high, c.size) * 100


def _rows(
    city: City, bill: _Bill, c: IntArray, cents: IntArray, on: date, n: int, days: WorkingDays, rng: np.random.Generator
) -> pl.DataFrame:  # fmt: skip
    own = bill.kind in ("bank_fee", "interest")
    wanted = np.full(c.size, (on - city.life).days, dtype=np.int64)
    day = wanted if own else days.after(wanted, 0)
    bank = day if own else transfers.later(days, day, _BANK, rng)
    place = [f"岳阳市{UNITS[p][1]}" for p in city.provider[c].tolist()]
    frame = pl.DataFrame(
        {
            "c": c, "cents": cents, "doc_day": day, "bank_day": bank, "post_day": transfers.later(days, bank, _POSTED, rng),
            "other": pl.Series([bill.other.format(place=p) for p in place], dtype=pl.String),
            "record_no": pl.Series([f"ZC{city.canteen_ids[k]}{on:%y%m}{n:02d}" for k in c.tolist()], dtype=pl.String),
        }
    )  # fmt: skip
    return transfers.made(
        frame, kind="expense", into=IN if bill.kind == "interest" else OUT, code=bill.code, note=bill.note,
        other_account="" if own else f"8443{n:05d}0000017", summary=f"{'收' if bill.kind == 'interest' else '付'}{on.month}月{bill.note}",
        source_feed="expense", detail=bill.kind,
    )  # fmt: skip
