"""How lifelike a run is: its prices beside real ones, and the rates of late, missing and corrected data.

Belongs here: measures over what honestly happened, so that no planted fault makes the city look noisier
than it is, and the figures of real series with their source. How those were measured:
docs/explanation/price_realism.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.catalogue import UNIT_MILLI
from ingest.simulator.city import City
from ingest.simulator.market import Market, monday_of
from ingest.simulator.pricing import DayPrices
from ingest.simulator.streams import IntArray

_YEAR: Final = 52  # weeks
_VEGETABLES: Final = catalogue.category("vegetables")


@dataclass(frozen=True)
class Real:
    """A figure measured on real prices; a run must be at least as uneven."""

    value: float
    source: str


# Measured on 2026-11-25.
REAL: Final = {
    "price_cv_within_week": Real(0.081, "新发地蔬菜日均价 2013-06 至 2014-12：同品名一周内变异系数的均值"),
    "price_cv_between_suppliers": Real(0.114, "同一数据：当日最低价至最高价折合标准差与均价之比的均值"),
    "retail_over_wholesale": Real(1.55, "岳阳市商务局周报三期猪肉零售价与批发价之比的均值"),
    "retail_margin_log_sd": Real(0.127, "同一周报：该比值对数的标准差"),
}


class Dispersion:
    """Collects the honest prices of vegetables that were bought."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._kept: list[pl.DataFrame] = []

    def note(self, day: date, honest: DayPrices, bought: IntArray, unit: IntArray) -> None:
        """Remember a day's prices."""
        c, n = np.nonzero(bought[:, _VEGETABLES])
        i = _VEGETABLES[n]
        self._kept.append(
            pl.DataFrame(
                {
                    "goods": self._city.goods[c, i],
                    "supplier": honest.supplier[c, i],
                    "price": honest.price[c, i] * 10 / UNIT_MILLI[unit[c, i]],
                }
            ).with_columns(pl.lit(monday_of(day)).alias("week"))
        )

    def measures(self) -> dict[str, float | None]:
        """Mean coefficient of variation: of one supplier's price of a good within a week, and between suppliers."""
        if not self._kept:
            return {"price_cv_within_week": None, "price_cv_between_suppliers": None}
        cv = (pl.col("price").std() / pl.col("price").mean()).alias("cv")
        cells = pl.concat(self._kept).group_by("goods", "week", "supplier")
        week = cells.agg(pl.len().alias("n"), cv, pl.col("price").mean())
        between = week.group_by("goods", "week").agg(pl.len().alias("n"), cv)
        return {
            "price_cv_within_week": _mean(week.filter(pl.col("n") >= 4)),
            "price_cv_between_suppliers": _mean(between.filter(pl.col("n") >= 3)),
        }


def margins(market: Market, end: date) -> dict[str, float | None]:
    """The shops' price of pork over its wholesale price, in the year before a day."""
    mondays = [monday_of(end) - timedelta(7 * n) for n in range(_YEAR)]
    pork = catalogue.NAMES.index("猪五花肉")
    ratio = np.array([market.retail(m)[pork] / market.wholesale(m)[pork] for m in mondays])
    return {
        "retail_over_wholesale": round(float(ratio.mean()), 4),
        "retail_margin_log_sd": round(float(np.log(ratio).std()), 4),
    }


def report(measured: dict[str, float | None]) -> dict[str, Any]:
    """Every measure of prices beside the real figure; ``within`` is None where too little was bought."""
    return {
        name: {
            "simulated": value,
            "real": REAL[name].value,
            "within": None if value is None else value >= REAL[name].value,
            "source": REAL[name].source,
        }
        for name, value in measured.items()
    }


def _mean(frame: pl.DataFrame) -> float | None:
    value = frame["cv"].mean()
    return round(float(value), 4) if isinstance(value, float) else None
