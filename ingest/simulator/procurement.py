"""The city's procurement platform: quotations, limits, tender prices and agreed discounts.

Belongs here: which rows the platform sends on which day (provider ``procure``, standard pack). Meat, fish
and vegetables run from Monday to Sunday, staples and packed goods by the month, tenders for a term of
half a year. Does not belong here: the prices themselves (``pricing``, ``overcharging``).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue, overcharging
from ingest.simulator.catalogue import BASE_UNIT, GOODS_ITEM, GOODS_SPEC, GROUP, NON_FOOD
from ingest.simulator.city import PROVIDERS, UNITS, City
from ingest.simulator.price_plan import PricePlan
from ingest.simulator.pricing import (
    BY_WEEK,
    OFF_PLATFORM,
    SINGLE_QUOTES,
    STAPLES,
    Pricing,
    month_of,
    supplier_county,
    supplier_group,
)
from ingest.simulator.records import decimal
from ingest.simulator.streams import IntArray

_PLACE: Final = "岳阳市"
_SINGLE: Final = PROVIDERS.index(SINGLE_QUOTES)


class Platform:
    """Rows of the platform by feed."""

    def __init__(self, city: City, planned: PricePlan, pricing: Pricing) -> None:
        self.city, self._planned, self._pricing = city, planned, pricing
        used = np.unique(city.suppliers)
        off = [PROVIDERS.index(name) for name in OFF_PLATFORM]
        self._sellers: IntArray = used[~np.isin(supplier_county(used), off)]

    def day(self, day: date, first_day: bool) -> dict[str, pl.DataFrame]:
        """What is sent on a day: on the first everything in force, later what begins on that day."""
        monday, month = day - timedelta(day.weekday()), month_of(day)
        spans: list[tuple[tuple[date, date], bool]] = []
        if first_day or day == monday:
            spans.append(((monday, monday + timedelta(6)), True))
        if first_day or day == month[0]:
            spans.append((month, False))
        out: dict[str, pl.DataFrame] = {}
        if spans:
            out["quotation"] = pl.concat([self._quotations(*span, weekly) for span, weekly in spans])
            limits = [self._limits(*span, weekly) for span, weekly in spans]
            out["price_reference"] = pl.concat([*limits, *self._tenders(day, first_day)])
        if first_day:
            out["price_agreement"] = self._agreements(day)
        return {feed: self._reported(frame, day) for feed, frame in out.items() if frame.height}

    def _reported(self, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        return frame.with_columns(
            (pl.lit(day).cast(pl.Datetime("us")) + pl.duration(hours=7)).alias("reported_at")
        )

    def _quotations(self, first: date, last: date, weekly: bool) -> pl.DataFrame:
        offered = overcharging.offered(self._planned, self._pricing, first, last)
        mine = supplier_group(self._sellers)[:, None] == GROUP[GOODS_ITEM]
        mine &= (BY_WEEK[GOODS_ITEM] == weekly) & (offered[self._sellers] > 0)
        n, g = np.nonzero(mine)
        s = self._sellers[n]
        county = supplier_county(s)
        to_county = county != _SINGLE
        single_s, single_g, c = self._to_canteens(s[~to_county], g[~to_county])
        extra = [self._raised(scheme.supplier, scheme.canteen, scheme.permille, offered, weekly)
                 for scheme in self._planned.schemes
                 if scheme.raises and scheme.canteen is not None and scheme.first <= last and scheme.last >= first]  # fmt: skip
        parts = [
            self._quoted(s[to_county], g[to_county], offered, [UNITS[p][0] for p in county[to_county]]),
            self._quoted(single_s, single_g, offered, [self.city.canteen_ids[k] for k in c]),
            *extra,
        ]
        # A canteen's own raised quotation takes the place of the usual one.
        frame = pl.concat(parts).unique(["s", "g", "org_id"], keep="last", maintain_order=True)
        return frame.with_columns(
            pl.lit(first).alias("valid_from"),
            pl.lit(last).alias("valid_to"),
            pl.concat_str(
                pl.lit(f"Q{first:%y%m%d}"), pl.col("s").cast(pl.String).str.zfill(4),
                pl.col("g").cast(pl.String).str.zfill(3), pl.lit("-"), "org_id",
            ).alias("record_no"),
        ).select("record_no", "supplier_uscc", "org_id", "ingredient_id", "spec", "unit", "unit_price", "valid_from",
                 "valid_to")  # fmt: skip

    def _to_canteens(self, s: IntArray, g: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Quotations to single canteens: what each of them buys, from its own two suppliers."""
        low, high = self.city.slice_of(_SINGLE)
        c = np.arange(low, high)
        i = GOODS_ITEM[g]
        buys = self.city.goods[c][:, i] == g
        buys &= (self.city.suppliers[c][:, GROUP[i], :] == s[None, :, None]).any(axis=2)
        k, row = np.nonzero(buys)
        return s[row], g[row], c[k]

    def _quoted(self, s: IntArray, g: IntArray, cents: IntArray, org: list[str]) -> pl.DataFrame:
        i = GOODS_ITEM[g]
        return pl.DataFrame(
            {
                "s": s, "g": g, "supplier_uscc": [self.city.supplier_codes[k] for k in s],
                "org_id": pl.Series(org, dtype=pl.String), "ingredient_id": [catalogue.IDS[k] for k in i],
                "spec": pl.Series([GOODS_SPEC[k] for k in g], dtype=pl.String),
                "unit": [catalogue.UNITS[k] for k in BASE_UNIT[i]], "price": cents[s, g] * 10_000,
            },
            schema_overrides={"s": pl.Int64, "g": pl.Int64, "price": pl.Int64, "supplier_uscc": pl.String,
                              "ingredient_id": pl.String, "unit": pl.String},
        ).with_columns(decimal("price", 6).alias("unit_price"))  # fmt: skip

    def _raised(
        self, supplier: int, canteen: int, permille: int, offered: IntArray, weekly: bool
    ) -> pl.DataFrame:
        """A quotation to one canteen, raised as its prices are."""
        g = np.flatnonzero(
            (GROUP[GOODS_ITEM] == supplier_group(np.array([supplier]))[0]) & (offered[supplier] > 0)
        )
        g = g[BY_WEEK[GOODS_ITEM[g]] == weekly]
        if supplier not in self._sellers:
            g = g[:0]
        cents = offered.copy()
        cents[supplier] = overcharging.raised(offered[supplier], permille)
        return self._quoted(
            np.full(g.size, supplier, dtype=np.int64), g, cents, [self.city.canteen_ids[canteen]] * g.size
        )

    def _limits(self, first: date, last: date, weekly: bool) -> pl.DataFrame:
        limit = self._pricing.terms(first).limit
        food = ~NON_FOOD[GOODS_ITEM] & (BY_WEEK[GOODS_ITEM] == weekly)
        source = "limit-week" if weekly else "limit-month"
        return self._references(np.flatnonzero(food), limit, source, "limit", first, last)

    def _tenders(self, day: date, first_day: bool) -> list[pl.DataFrame]:
        first = date(day.year, 1 if day.month < 7 else 7, 1)
        last = date(day.year, 6, 30) if day.month < 7 else date(day.year, 12, 31)
        if not (first_day or day == first):
            return []
        return [self._references(STAPLES, self._pricing.tender(), "tender", "tender", first, last)]

    def _references(
        self, g: IntArray, cents: IntArray, source: str, kind: str, first: date, last: date
    ) -> pl.DataFrame:
        i = GOODS_ITEM[g]
        none = pl.lit(None, dtype=pl.Decimal(18, 6))
        return pl.DataFrame(
            {
                "record_no": [f"{source}-{first:%y%m%d}-{k:03d}" for k in g], "source_code": source,
                "price_kind": kind, "place": _PLACE, "item_name": [catalogue.NAMES[k] for k in i],
                "spec": pl.Series([GOODS_SPEC[k] for k in g], dtype=pl.String),
                "unit": [catalogue.UNITS[k] for k in BASE_UNIT[i]], "price": cents[g] * 10_000,
            }
        ).select(
            "record_no", "source_code", "price_kind", "place", "item_name", "spec", "unit",
            decimal("price", 6).alias("unit_price"), none.alias("low_price"), none.alias("high_price"),
            pl.lit(None, dtype=pl.Decimal(18, 2)).alias("change_pct"),
            pl.lit(first).alias("valid_from"), pl.lit(last).alias("valid_to"), pl.lit("S").alias("confidence"),
        )  # fmt: skip

    def _agreements(self, day: date) -> pl.DataFrame:
        """Discounts on the limit that suppliers agreed to with their county, on or off the platform."""
        used = np.unique(self.city.suppliers)
        some = used[self._pricing.discount[used] > 0]
        return pl.DataFrame(
            {
                "record_no": [f"A{day:%y%m%d}{s:04d}" for s in some],
                "supplier_uscc": [self.city.supplier_codes[s] for s in some],
                "org_id": [UNITS[p][0] for p in supplier_county(some)],
                "discount": self._pricing.discount[some] * 100,
            },
            schema_overrides={"record_no": pl.String, "supplier_uscc": pl.String, "org_id": pl.String, "discount": pl.Int64},
        ).select(
            "record_no", "supplier_uscc", "org_id", pl.lit(None, dtype=pl.String).alias("category"),
            pl.lit("limit").alias("price_kind"), decimal("discount", 2).alias("discount_pct"),
            pl.lit(day.replace(day=1)).alias("valid_from"), pl.lit(None, dtype=pl.Date).alias("valid_to"),
        )  # fmt: skip
