"""Planted price faults against ``gold.price_finding``: which were found, and which findings nothing planted explains.

Belongs here: what reveals and what explains a price finding, from how prices come about and not from what was
found. Never read by a detector. A finding that has no cause among the planted faults is false, and counts under
the fault that its test is meant for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import polars as pl

from pipelines.querying import select
from warehouse.settings import Settings

LINE_KINDS: Final = {
    # Fault of a line -> a test that must be among those of the finding; None: any test of the price.
    "price_over_line": None,
    "order_over_quotation": "over_quotation",
    "order_over_limit": "over_limit",
    "order_without_quotation": "no_quotation",
}
KINDS: Final = (*LINE_KINDS, "price_over_supplier", "price_not_following", "unit_mixup_line")
# A supplier with few lines is judged over the month and the weeks before it.
_LOOK_BACK: Final = "45d"
_MEANT_FOR: Final = {
    "over_limit": "order_over_limit",
    "over_quotation": "order_over_quotation",
    "no_quotation": "order_without_quotation",
    "not_following": "price_not_following",
    "supplier": "price_over_supplier",
    "supplier_rise": "price_over_supplier",
    "unit_line": "unit_mixup_line",
}


@dataclass
class PriceScore:
    """One data home's price findings beside the faults that its city was planted with.

    Attributes:
        settings: The data home, published.
        planted: Rows of ``faults.parquet`` of any kind that have arrived.
    """

    settings: Settings
    planted: pl.DataFrame

    @cached_property
    def findings(self) -> pl.DataFrame:
        """Every price finding."""
        return select(
            self.settings,
            "select finding_id, kind, level, test, tests, canteen_id, county_code, supplier_id, ingredient_id, biz_month, "
            "period_start, period_end, line_count, record_nos from gold.price_finding",
        )

    @cached_property
    def records(self) -> pl.DataFrame:
        """One row per finding and purchase record that it names or speaks about."""
        named = self.findings.select(
            "finding_id", "kind", "test", "tests", record_no=pl.col("record_nos").str.split(",")
        ).explode("record_no")
        # Of many lines a finding names twenty; it speaks about all of the item in its days.
        many = self.findings.filter((pl.col("kind") == "item") & (pl.col("line_count") > 20))
        lines = select(
            self.settings,
            "select record_no, canteen_id, supplier_id, ingredient_id, biz_date from gold.fct_price_line",
        )
        spoken = (
            many.join(lines, on=["canteen_id", "supplier_id", "ingredient_id"])
            .filter(pl.col("biz_date").is_between(pl.col("period_start"), pl.col("period_end")))
            .select("finding_id", "kind", "test", "tests", "record_no")
        )
        return pl.concat([named, spoken]).unique(["finding_id", "record_no"])

    @cached_property
    def slips(self) -> pl.DataFrame:
        """Records of slips that are suspected of another unit, with their canteens and suppliers."""
        return select(
            self.settings,
            "select finding_id, canteen_id, supplier_id, period_start, period_end, record_nos "
            "from gold.red_line_finding where kind = 'unit_suspect'",
        ).with_columns(pl.col("record_nos").str.split(","))

    def found(self, kind: str) -> pl.DataFrame:
        """The planted faults of a kind that a finding reveals."""
        mine = self.planted.filter(pl.col("kind") == kind)
        if kind == "price_over_supplier":
            return mine.join(self._supplier_hits(mine), on="fault_id", how="semi")
        if kind == "price_not_following":
            lagging = self.findings.filter(pl.col("tests").str.contains("not_following"))
            hits = self._series_hits(mine, lagging)
            return mine.join(hits, on="fault_id", how="semi")
        if kind == "unit_mixup_line":
            slips = self.slips.explode("record_nos")["record_nos"].drop_nulls().to_list()
            units = self.records.filter(pl.col("kind") == "unit")["record_no"].to_list()
            return mine.filter(pl.col("record_no").is_in([*slips, *units]))
        test = LINE_KINDS[kind]
        records = self.records.filter(pl.col("kind").is_in(["line", "item"]))
        if test is not None:
            records = records.filter(pl.col("tests").str.split(",").list.contains(test))
        return mine.join(records, on="record_no", how="semi")

    def false(self) -> pl.DataFrame:
        """Findings that no planted fault explains, with the kind that they count under (``meant_for``)."""
        faults = self.planted
        lines = faults.filter(pl.col("kind").is_in([*LINE_KINDS, "unit_mixup_line"]))[
            "record_no"
        ].drop_nulls()
        by_record = self.records.filter(pl.col("record_no").is_in(lines.to_list()))["finding_id"]
        suppliers = faults.filter(pl.col("kind") == "price_over_supplier")
        by_supplier = self._supplier_hits(suppliers, every_kind=True)["finding_id"]
        by_series = self._series_hits(faults.filter(pl.col("kind") == "price_not_following"), self.findings)[
            "finding_id"
        ]
        # A slip in another unit: half of its lines' findings stand on the day of the slip.
        slips = faults.filter(pl.col("kind") == "unit_mixup")
        by_slip = (
            self.findings.join(slips.select("canteen_id", "biz_date_from"), on="canteen_id")
            .filter(pl.col("biz_date_from").is_between(pl.col("period_start"), pl.col("period_end")))
            .filter(pl.col("kind") == "unit")["finding_id"]
        )
        explained = pl.concat([by_record, by_supplier, by_series, by_slip]).unique()
        return self.findings.filter(~pl.col("finding_id").is_in(explained.to_list())).with_columns(
            meant_for=pl.col("test").replace_strict(_MEANT_FOR, default="price_over_line")
        )

    def _supplier_hits(self, faults: pl.DataFrame, *, every_kind: bool = False) -> pl.DataFrame:
        """(fault_id, finding_id) of findings about the planted suppliers, in the range and where it was planted."""
        findings = self.findings if every_kind else self.findings.filter(pl.col("kind") == "supplier")
        counties = select(
            self.settings, "select distinct canteen_id, county_code as fault_county from gold.dim_canteen"
        )
        wanted = faults.select(
            "fault_id",
            "biz_date_from",
            "biz_date_to",
            supplier_id=pl.lit("SUP-") + pl.col("supplier_uscc"),
            fault_canteen="canteen_id",
        ).join(counties, left_on="fault_canteen", right_on="canteen_id", how="left")
        pairs = wanted.join(findings, on="supplier_id").filter(
            (pl.col("period_end") >= pl.col("biz_date_from"))
            & (pl.col("period_start") <= pl.col("biz_date_to").dt.offset_by(_LOOK_BACK))
        )
        here = (
            pl.col("fault_canteen").is_null()
            | (pl.col("canteen_id") == pl.col("fault_canteen"))
            | (pl.col("canteen_id").is_null() & (pl.col("county_code") == pl.col("fault_county")))
            | (pl.col("canteen_id").is_null() & pl.col("county_code").is_null())
        )
        return pairs.filter(here).select("fault_id", "finding_id")

    def _series_hits(self, faults: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
        """(fault_id, finding_id) of findings on the same canteen, supplier and ingredient in overlapping days."""
        wanted = faults.select(
            "fault_id",
            "biz_date_from",
            "biz_date_to",
            "canteen_id",
            "ingredient_id",
            supplier_id=pl.lit("SUP-") + pl.col("supplier_uscc"),
        )
        return (
            wanted.join(findings, on=["canteen_id", "ingredient_id", "supplier_id"])
            .filter(
                (pl.col("period_end") >= pl.col("biz_date_from"))
                & (pl.col("period_start") <= pl.col("biz_date_to").dt.offset_by("14d"))
            )
            .select("fault_id", "finding_id")
        )
