"""Pingjiang's platform: the same goods in the dialect of its own database dumps.

Belongs here: tables, keys and wording of the dialect (source ``supervisor``). The platform knows no
rejects, supplier returns, kitchens' returns or accounts; its opening stock is an inbound row.
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from ingest.simulator import catalogue, goods, registry
from ingest.simulator.city import PINGJIANG, PROVIDERS, City
from ingest.simulator.records import decimal

TABLES: Final = {"purchase": "inv_inbound", "stock_move": "inv_outbound", "stocktake": "inv_stocktakes"}
UNIT_NAMES: Final = ("千克", "斤", "升", "件", "个")
_PURPOSES: Final = ("学生用餐", "教师用餐", "其他")
_POOL: Final = len(catalogue.SUPPLIER_GROUPS) * 3


class Dialect:
    """Keys of the dialect and its tables."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.first, self.last = city.slice_of(PINGJIANG)

    def _k(self) -> pl.Expr:
        return pl.col("c") - self.first

    def canteen_key(self) -> pl.Expr:
        """canteens.id."""
        return 2001 + self._k()

    def school_key(self) -> pl.Expr:
        """canteens.school_id."""
        return 101 + self._k()

    def product_key(self) -> pl.Expr:
        """inv_products.id: each school has its own product list."""
        return (101 + self._k()) * 1000 + pl.col("i") + 1

    def supplier_key(self) -> pl.Expr:
        """inv_suppliers.id: each school has its own supplier list."""
        return (101 + self._k()) * 100 + pl.col("supplier") - PINGJIANG * _POOL + 1

    def row_key(self, day: date) -> pl.Expr:
        """id of a goods row."""
        return (day.toordinal() * 1000 + self._k()) * 1000 + pl.col("seq")

    def _at(self, day: date) -> pl.Expr:
        return (pl.lit(day).cast(pl.Datetime("us")) + pl.duration(minutes="minute")).alias("at")

    def inbound(self, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """``inv_inbound`` of a day's purchases."""
        ids = pl.Series(self.city.canteen_ids).gather(frame["c"])
        document = pl.concat_str(
            pl.lit("D"), ids, pl.lit(f"{day:%y%m%d}"), pl.col("slip").cast(pl.String).str.zfill(2)
        )
        return self._inbound(frame, day, "采购", document, self.supplier_key(), pl.col("accepted"))

    def opening(self, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """``inv_inbound`` of the opening stock-take."""
        nobody = pl.lit(None, dtype=pl.Int64)
        return self._inbound(frame, day, "期初", pl.lit(None, dtype=pl.String), nobody, pl.col("qty"))

    def _inbound(
        self,
        frame: pl.DataFrame,
        day: date,
        source: str,
        document: pl.Expr,
        supplier: pl.Expr,
        quantity: pl.Expr,
    ) -> pl.DataFrame:
        return frame.with_columns(quantity.alias("q"), cents=pl.col("price") // 10_000).select(
            self.row_key(day).alias("id"), self.school_key().alias("school_id"), self.product_key().alias("product_id"),
            decimal("q", 3).alias("qty"), supplier.alias("supplier_id"), pl.lit(1).alias("warehouse_id"),
            pl.lit(None, dtype=pl.String).alias("image_url"), self._at(day), pl.lit(source).alias("source"),
            document.alias("doc_no"), self.canteen_key().alias("canteen_id"), decimal("cents", 2).alias("unit_price"),
            pl.lit(day).alias("prod_date"), pl.lit(7).alias("shelf_life_days"), pl.lit("仓管员").alias("created_by"),
        )  # fmt: skip

    def outbound(self, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """``inv_outbound`` of a day's moves."""
        purpose = pl.Series(_PURPOSES).gather(frame["purpose"])
        return frame.select(
            self.row_key(day).alias("id"), self.school_key().alias("school_id"), self.product_key().alias("product_id"),
            decimal("qty", 3).alias("qty"),
            pl.when(pl.col("kind") == goods.LOSS).then(pl.lit("报损")).otherwise(purpose).alias("purpose"),
            pl.lit("厨师长").alias("by_who"), pl.lit(1).alias("warehouse_id"), self._at(day),
            pl.lit("领用").alias("source"), self.canteen_key().alias("canteen_id"), pl.lit("后厨").alias("receiver"),
        )  # fmt: skip

    def stocktakes(self, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """``inv_stocktakes`` of a day's counts."""
        return frame.with_columns(diff=pl.col("qty") - pl.col("book")).select(
            self.row_key(day).alias("id"), self.school_key().alias("school_id"),
            pl.lit(None, dtype=pl.Int64).alias("inbound_id"), self.product_key().alias("product_id"),
            decimal("book", 3).alias("prev_qty"), decimal("qty", 3).alias("actual_qty"), decimal("diff", 3),
            pl.lit("盘点小组").alias("operator"), self._at(day),
        )  # fmt: skip

    def table(self, feed: str, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """The dialect's table of a goods feed."""
        return {"purchase": self.inbound, "stock_move": self.outbound, "stocktake": self.stocktakes}[feed](
            frame, day
        )

    def grid(self) -> pl.DataFrame:
        """(c, i) of every product of every school."""
        canteens = pl.DataFrame({"c": range(self.first, self.last)}, schema={"c": pl.Int64})
        return canteens.join(pl.DataFrame({"i": range(catalogue.COUNT)}), how="cross")

    def references(self, unit: pl.Series) -> dict[str, pl.DataFrame]:
        """``canteens``, ``inv_products``, ``inv_suppliers``; ``unit`` per row of ``grid``."""
        life = pl.lit(self.city.life).cast(pl.Datetime("us"))
        span = range(self.first, self.last)
        none = pl.lit(None, dtype=pl.String)
        canteens = pl.DataFrame(
            {"c": list(span), "code": [self.city.canteen_ids[c] for c in span],
             "name": [f"{self.city.school_names[c]}食堂" for c in span]}, schema_overrides={"c": pl.Int64},
        ).select(
            self.canteen_key().alias("id"), self.school_key().alias("school_id"), "name", none.alias("address"),
            pl.lit("食堂管理员").alias("manager"), none.alias("phone"), none.alias("license_no"),
            pl.lit(None, dtype=pl.Datetime).alias("license_expire_at"), none.alias("license_image_url"),
            life.alias("created_at"), "code", pl.lit(1).alias("enabled"),
        )  # fmt: skip
        grid = self.grid()
        products = grid.select(
            self.product_key().alias("id"), self.school_key().alias("school_id"),
            pl.Series(catalogue.NAMES).gather(grid["i"]).alias("name"),
            pl.Series(UNIT_NAMES).gather(unit).alias("unit"),
            pl.Series(catalogue.CATEGORY + 1).gather(grid["i"]).alias("category_id"), pl.lit(0).alias("deleted"),
        )  # fmt: skip
        base = PINGJIANG * _POOL
        known = registry.suppliers(self.city).filter(pl.col("s").is_between(base, base + _POOL - 1))
        known = known.rename({"s": "supplier"}).join(
            pl.DataFrame({"c": list(span)}, schema={"c": pl.Int64}), how="cross", maintain_order="left_right"
        )
        suppliers = known.select(
            self.supplier_key().alias("id"), self.school_key().alias("school_id"), pl.col("supplier_name").alias("name"),
            pl.col("contact_phone").alias("phone"), pl.col("supplier_uscc").alias("license"), none.alias("address"),
            pl.col("contact_name").alias("contact"), none.alias("email"), pl.lit(1).alias("enabled"),
            pl.lit(5).alias("rating"), none.alias("categories"), pl.lit(None, dtype=pl.Datetime).alias("license_expire_at"),
            none.alias("license_image_url"), pl.lit(0).alias("deleted"), pl.lit("系统管理员").alias("created_by"),
            life.alias("created_at"),
        )  # fmt: skip
        return {"canteens": canteens, "inv_products": products, "inv_suppliers": suppliers}


def inbound_no(city: City, c: int, day: date, seq: int) -> str:
    """Number of a purchase as it is known once it has come in: table and id."""
    first, _ = city.slice_of(PINGJIANG)
    return f"inbound:{(day.toordinal() * 1000 + c - first) * 1000 + seq}"


def speaks(provider: str, feed: str) -> bool:
    """Whether a provider delivers a feed in this dialect."""
    return provider == PROVIDERS[PINGJIANG] and feed in TABLES
