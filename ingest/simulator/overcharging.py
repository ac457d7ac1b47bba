"""Prices that are not honest: single lines, suppliers, prices that stay behind, orders against the rules.

Belongs here: what price faults do to the prices of a day and to the quotations, and the truth about them.
Does not belong here: honest prices (``pricing``) and who does what when (``price_plan``).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from ingest.simulator import catalogue, goods, supervisor
from ingest.simulator.catalogue import FRESH, GOODS_ITEM, GOODS_PRICE, KG, NON_FOOD, UNIT_MILLI
from ingest.simulator.city import PINGJIANG, PROVIDERS, City
from ingest.simulator.faults import Fault
from ingest.simulator.goods import Lines
from ingest.simulator.plan import Plan, provider_of
from ingest.simulator.price_plan import LINES_OF_A_SUPPLIER, Lag, PricePlan
from ingest.simulator.pricing import DayPrices, Pricing, Terms, supplier_county
from ingest.simulator.records import order_no, record_no
from ingest.simulator.streams import BoolArray, FloatArray, IntArray, stream

# Tags of purchase lines (1 to 3 are those of ``cheating``).
OVER_LINE, OVER_QUOTATION, OVER_LIMIT, UNQUOTED, MIXED_LINE = 11, 12, 13, 14, 15
_KIND: Final = {
    OVER_LINE: ("price_over_line", "单价高于应付价"),
    OVER_QUOTATION: ("order_over_quotation", "下单价高于有效报价"),
    OVER_LIMIT: ("order_over_limit", "下单价高于限价"),
    UNQUOTED: ("order_without_quotation", "供应商当期没有该食材的报价"),
    MIXED_LINE: ("unit_mixup_line", "单行按斤录入数量和单价，单位写成千克"),
}

_TAG: Final = {kind: tag for tag, (kind, _) in _KIND.items()}


def offered(planned: PricePlan, pricing: Pricing, first: date, last: date) -> IntArray:
    """(S, G) quotations as suppliers send them for a week or month: raised, kept old, or 0 where none."""
    terms = pricing.terms(first)
    out = terms.quoted.copy()
    for lag in planned.lags:
        if lag.first <= first <= lag.last:
            own = np.flatnonzero(lag.ingredient == GOODS_ITEM)
            out[lag.supplier, own] = _kept_quotation(pricing, terms, lag, own)
    for scheme in planned.schemes:
        if scheme.raises and scheme.canteen is None and scheme.first <= last and scheme.last >= first:
            out[scheme.supplier] = raised(out[scheme.supplier], scheme.permille)
    for gap in planned.gaps:
        if gap.first <= first <= gap.last:
            out[gap.supplier, gap.ingredient == GOODS_ITEM] = 0
    return out


def raised(cents: IntArray, permille: int) -> IntArray:
    """A quotation raised by a share, up to the next cent."""
    return np.asarray(-(-cents * (1000 + permille) // 1000), dtype=np.int64)


def _kept_quotation(pricing: Pricing, terms: Terms, lag: Lag, own: IntArray) -> IntArray:
    old = pricing.terms(lag.old).quoted[lag.supplier, own]
    kept = np.minimum(old, terms.agreed[lag.supplier, own])
    return np.asarray(np.maximum(terms.quoted[lag.supplier, own], kept), dtype=np.int64)


# -- what it does to a day -----------------------------------------------------------------------


class Overcharging:
    """Applies the price faults of a plan day by day and tells what came of them."""

    def __init__(self, city: City, plan: Plan, pricing: Pricing) -> None:
        self.city, self.plan, self.pricing = city, plan, pricing
        shape = (city.canteens, catalogue.COUNT)
        self._scheme: IntArray = np.zeros(shape, dtype=np.int64)  # number + 1 of today's scheme of a cell
        self._lag: IntArray = np.zeros(shape, dtype=np.int64)
        self._permille: IntArray = np.zeros(shape, dtype=np.int64)
        self._spared: BoolArray = np.zeros(city.canteens, dtype=bool)
        self._spared[plan.carriers.get("unit_mixup", [])] = True
        raising = [s.supplier for s in plan.prices.schemes if s.raises]
        self._raising: BoolArray = np.isin(np.arange(len(city.supplier_codes)), raising)

    def charged(self, day: date, honest: DayPrices, unit: IntArray) -> IntArray:
        """(C, I) prices of the day as suppliers charge them, cents per unit of purchase."""
        price = honest.price.copy()
        self._scheme[:], self._lag[:] = 0, 0
        for n, lag in enumerate(self.plan.prices.lags, 1):
            if lag.first <= day <= lag.last:
                here = (honest.supplier[:, lag.ingredient] == lag.supplier) & ~self._spared
                c = np.flatnonzero(here)
                price[c, lag.ingredient] = self._kept(lag, day, c, unit[c, lag.ingredient], price)
                self._lag[c, lag.ingredient] = n
        for n, scheme in enumerate(self.plan.prices.schemes, 1):
            if scheme.first <= day <= scheme.last:
                mask = (honest.supplier == scheme.supplier) & (self._lag == 0) & ~self._spared[:, None]
                if scheme.canteen is not None:
                    mask &= np.arange(self.city.canteens)[:, None] == scheme.canteen
                price = np.where(mask, price * (1000 + scheme.permille) // 1000, price)
                self._scheme[mask] = n
        return price

    def _kept(self, lag: Lag, day: date, c: IntArray, unit: IntArray, price: IntArray) -> IntArray:
        """The price of the old week without haggling, never below today's, under quotation and limit."""
        i, s = lag.ingredient, lag.supplier
        what = self.city.goods[c, i]
        old, now = self.pricing.terms(lag.old), self.pricing.terms(day)
        mean = self.pricing.market.mean(lag.old, lag.old + timedelta(6))[i]
        asked = GOODS_PRICE[what] * mean * old.supplier[s, i] * self.city.quality[c, i]
        quoted = _kept_quotation(self.pricing, now, lag, what)
        ceiling = np.where(
            self.pricing.on_platform[c], np.minimum(quoted, now.agreed[s, what]), now.agreed[s, what]
        )
        factor = UNIT_MILLI[unit]
        cents = np.minimum(np.rint(asked * factor / 10).astype(np.int64), ceiling * factor // 1000)
        return np.asarray(np.maximum(cents, price[c, i]), dtype=np.int64)

    def singled_out(
        self, day: date, honest: DayPrices, price: IntArray, bought: IntArray, unit: IntArray
    ) -> tuple[IntArray, IntArray]:
        """(C, I) prices that the pupils' lines really carry, and the tags of those that stand out."""
        paid, tag = price.copy(), np.zeros_like(price)
        self._permille = np.zeros_like(price)
        chances = self.plan.prices.chance
        if not chances or day < self.plan.start:
            return paid, tag
        rng = stream(self.city.seed, "single-prices", day.toordinal())
        free = (bought > 0) & (self._scheme == 0) & (self._lag == 0) & ~NON_FOOD
        free &= ~self._unquoted(day, honest.supplier)
        free[[c for c, d in self.plan.absent if d == day]] = False
        plain = self.pricing.on_platform[:, None] & ~self._raising[honest.supplier]
        room = plain & (honest.limit * 100 >= honest.quoted * 104)
        fitting = {OVER_LINE: free, OVER_QUOTATION: free & room, OVER_LIMIT: free & plain,
                   MIXED_LINE: free & FRESH & (unit == KG)}  # fmt: skip
        for kind, chance in chances.items():
            tagged = _TAG[kind]
            draws = rng.random((2, self.city.canteens))
            score = np.where(fitting[tagged] & (tag == 0), rng.random(price.shape), -1.0)
            cell = np.argmax(score, axis=1)
            c = np.flatnonzero((draws[0] < chance) & (score.max(axis=1) >= 0))
            i, size = cell[c], draws[1][c]
            tag[c, i] = tagged
            if tagged == OVER_LINE:
                self._permille[c, i] = np.rint(100 + 500 * size)
                paid[c, i] = raised_each(price[c, i], self._permille[c, i])
            elif tagged in (OVER_QUOTATION, OVER_LIMIT):
                rule = (honest.quoted if tagged == OVER_QUOTATION else honest.limit)[c, i]
                new = raised_each(rule, np.rint(30 + (120 if tagged == OVER_QUOTATION else 170) * size))
                paid[c, i] = np.minimum(new, honest.limit[c, i]) if tagged == OVER_QUOTATION else new
                self._permille[c, i] = (paid[c, i] - rule) * 1000 // rule
        return paid, tag

    def _unquoted(self, day: date, supplier: IntArray) -> BoolArray:
        out = np.zeros(supplier.shape, dtype=bool)
        for gap in self.plan.prices.gaps:
            if gap.first <= day <= gap.last:
                out[:, gap.ingredient] |= (supplier[:, gap.ingredient] == gap.supplier) & (
                    self.pricing.on_platform
                )
        return out

    def tag_unquoted(self, day: date, lines: Lines) -> None:
        """Tag lines whose supplier gave no quotation."""
        for gap in self.plan.prices.gaps:
            if gap.first <= day <= gap.last:
                hit = (
                    (lines["supplier"] == gap.supplier) & (lines["i"] == gap.ingredient) & (lines["tag"] == 0)
                )
                hit &= (lines["slip"] > 0) & self.pricing.on_platform[lines["c"]]
                lines.columns["tag"] = np.where(hit, UNQUOTED, lines["tag"])

    def mix_up(self, lines: Lines, moves: Lines) -> None:
        """Enter tagged lines in 斤 as kg; fresh goods are booked out from the same slip, in the same way."""
        hit = lines["tag"] == MIXED_LINE
        extra = np.zeros((self.city.canteens, catalogue.COUNT), dtype=np.int64)
        extra[lines["c"][hit], lines["i"][hit]] = lines["accepted"][hit]
        issue = (moves["kind"] == goods.ISSUE) & (moves["account"] == goods.PUPIL)
        issue &= moves["purpose"] == goods.PUPIL_MEAL
        moves.columns["qty"] = moves["qty"] + np.where(issue, extra[moves["c"], moves["i"]], 0)
        for name in ("ordered", "accepted", "rejected"):
            lines.columns[name] = np.where(hit, lines[name] * 2, lines[name])
        lines.columns["price"] = np.where(hit, lines["price"] // 2, lines["price"])

    # -- truth -----------------------------------------------------------------------------------

    def tell(self, day: date, purchase: pl.DataFrame) -> None:
        """Truth of the day's single lines; remember those of suppliers."""
        if day < self.plan.start:
            return
        for row in purchase.filter(pl.col("tag") >= OVER_LINE).iter_rows(named=True):
            kind, note = _KIND[row["tag"]]
            permille = int(self._permille[row["c"], row["i"]])
            self._tell_line(kind, day, row, permille or None, note)
        plain = purchase.filter(pl.col("tag").is_in([0, UNQUOTED]))
        cells = plain["c"].to_numpy(), plain["i"].to_numpy()
        numbered = plain.with_columns(
            pl.Series("scheme", self._scheme[cells]),
            pl.Series("lag", self._lag[cells]),
            pl.lit(day).alias("day"),
        )
        for column, group in (("scheme", self.plan.prices.schemes), ("lag", self.plan.prices.lags)):
            for row in numbered.filter(pl.col(column) > 0).iter_rows(named=True):
                group[row[column] - 1].lines.append(row)

    def tell_lasting(self) -> None:
        """Truth of suppliers, at the end of the run."""
        for scheme in self.plan.prices.schemes:
            if len(scheme.lines) < LINES_OF_A_SUPPLIER:
                for row in scheme.lines:
                    self._tell_line("price_over_line", row["day"], row, scheme.permille, "供应商短期加价")
                continue
            also = "，报价同步抬高" if scheme.raises else ""
            note = f"供应商对 {len(scheme.lines)} 行加价{also}"
            self._tell_supplier("price_over_supplier", scheme.supplier, scheme.lines, note,
                                canteen=scheme.canteen, size=scheme.permille / 10)  # fmt: skip
        for lag in self.plan.prices.lags:
            by_canteen: dict[int, list[dict[str, Any]]] = defaultdict(list)
            for row in lag.lines:
                by_canteen[row["c"]].append(row)
            for c, rows in sorted(by_canteen.items()):
                note = f"行情下跌后仍按 {lag.old} 当周价格供货，{len(rows)} 行"
                self._tell_supplier("price_not_following", lag.supplier, rows, note, canteen=c,
                                    ingredient=lag.ingredient, span=(lag.first, lag.last))  # fmt: skip

    def _tell_line(self, kind: str, day: date, row: dict[str, Any], permille: int | None, note: str) -> None:
        city, c = self.city, row["c"]
        number = (
            supervisor.inbound_no(city, c, day, row["seq"])
            if city.provider[c] == PINGJIANG
            else record_no("purchase", city.canteen_ids[c], day, row["seq"])
        )
        self.plan.book.add(
            Fault(kind, provider_of(city, c, "purchase"), day, day, day, canteen_id=city.canteen_ids[c],
                  feed="purchase", ingredient_id=catalogue.IDS[row["i"]], record_no=number,
                  order_no=order_no(city.canteen_ids[c], day, row["slip"]),
                  supplier_uscc=city.supplier_codes[row["supplier"]],
                  size_pct=None if permille is None else permille / 10, note=note)
        )  # fmt: skip

    def _tell_supplier(
        self, kind: str, supplier: int, rows: list[dict[str, Any]], note: str, *, canteen: int | None,
        ingredient: int | None = None, size: float | None = None, span: tuple[date, date] | None = None,
    ) -> None:  # fmt: skip
        days = [row["day"] for row in rows]
        first, last = span or (min(days), max(days))
        self.plan.book.add(
            Fault(kind, PROVIDERS[int(supplier_county(np.array([supplier]))[0])], first, last, max(days),
                  canteen_id=None if canteen is None else self.city.canteen_ids[canteen], feed="purchase",
                  ingredient_id=None if ingredient is None else catalogue.IDS[ingredient],
                  supplier_uscc=self.city.supplier_codes[supplier], size_pct=size, note=note)
        )  # fmt: skip


def raised_each(cents: IntArray, permille: IntArray | FloatArray) -> IntArray:
    """Prices raised by a share each, up to the next cent."""
    return np.asarray(-(-cents * (1000 + permille.astype(np.int64)) // 1000), dtype=np.int64)
