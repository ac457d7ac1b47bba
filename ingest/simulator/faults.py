"""The faults that can be planted, and the record of those that were.

Belongs here: the closed list of kinds with their direction, and the rows of ``truth/faults.parquet``.
Does not belong here: who carries which (``plan``) and how each is done (``behaviour``, ``delivery``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Final

import polars as pl

from warehouse.errors import Permanent

HIDES, FEIGNS, NEUTRAL = "hides_red", "feigns_red", "neutral"

# Kind -> what it does to the verdict that the records give.
KINDS: Final = {
    "under_feeding": NEUTRAL,
    "closing_stock_understated": HIDES,
    "closing_stock_overstated": FEIGNS,
    "fictitious_purchases": NEUTRAL,
    "teacher_food_in_pupil_account": HIDES,
    "teacher_income_in_pupil_account": FEIGNS,
    "missing_stocktake": NEUTRAL,
    "missing_days": NEUTRAL,
    "duplicate_file": NEUTRAL,
    "resent_file": NEUTRAL,
    "corrected_file": NEUTRAL,
    "late_file": NEUTRAL,
    "truncated_file": NEUTRAL,
    "gbk_file": NEUTRAL,
    "bom_file": NEUTRAL,
    "shuffled_columns": NEUTRAL,
    "wrong_credit_code": NEUTRAL,
    "unit_mixup": NEUTRAL,
    "negative_stock": FEIGNS,
    "bad_rows": NEUTRAL,
    "price_over_line": NEUTRAL,
    "price_over_supplier": NEUTRAL,
    "price_not_following": NEUTRAL,
    "order_over_quotation": NEUTRAL,
    "order_over_limit": NEUTRAL,
    "order_without_quotation": NEUTRAL,
    "unit_mixup_line": NEUTRAL,
    "bulletin_broken": NEUTRAL,
    "reference_decimal_shift": NEUTRAL,
    "leave_not_refunded": NEUTRAL,
    "refund_over_charge": HIDES,
    "payment_not_settled": NEUTRAL,
    "payment_to_other_account": NEUTRAL,
    "non_special_account_used": NEUTRAL,
    "invoice_over_acceptance": NEUTRAL,
    "paid_twice": NEUTRAL,
    "duty_conflict": NEUTRAL,
    "control_total_mismatch": NEUTRAL,
    "statement_gap": NEUTRAL,
    "purchase_price_inflated_ratio": HIDES,
    "income_under_reported": HIDES,
    "non_food_as_food": HIDES,
    "subsidy_not_spent": NEUTRAL,
}


def chosen(faults: frozenset[str] | None) -> frozenset[str]:
    """The kinds to plant; None means all.

    Raises:
        Permanent: A name is not in the list.
    """
    names = frozenset(KINDS) if faults is None else faults
    if unknown := sorted(names - KINDS.keys()):
        raise Permanent(f"未知的故障名称：{', '.join(unknown)}；可用：{', '.join(KINDS)}")
    return names


@dataclass(frozen=True)
class Fault:
    """One planted fault; ``arrival_date`` is the day on which its evidence has fully arrived.

    ``size_pct`` is by how much a price exceeds the honest one, the quotation or the limit.
    """

    kind: str
    provider: str
    biz_date_from: date
    biz_date_to: date
    arrival_date: date
    canteen_id: str | None = None
    feed: str | None = None
    ingredient_id: str | None = None
    record_no: str | None = None
    order_no: str | None = None
    file: str | None = None
    supplier_uscc: str | None = None
    size_pct: float | None = None
    note: str = ""


SCHEMA: Final = {
    "fault_id": pl.String,
    "kind": pl.String,
    "direction": pl.String,
    "provider": pl.String,
    "canteen_id": pl.String,
    "feed": pl.String,
    "ingredient_id": pl.String,
    "record_no": pl.String,
    "order_no": pl.String,
    "biz_date_from": pl.Date,
    "biz_date_to": pl.Date,
    "arrival_date": pl.Date,
    "file": pl.String,
    "supplier_uscc": pl.String,
    "size_pct": pl.Float64,
    "note": pl.String,
}


@dataclass
class FaultBook:
    """Faults as they are planted."""

    planted: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Remember one fault."""
        self.planted.append(fault)

    def counts(self) -> dict[str, int]:
        """Planted faults by kind."""
        return {kind: sum(fault.kind == kind for fault in self.planted) for kind in KINDS}

    def frame(self) -> pl.DataFrame:
        """The truth file, in an order that depends on content only."""
        text = (
            "canteen_id", "feed", "ingredient_id", "record_no", "order_no", "file", "supplier_uscc",
        )  # fmt: skip
        ordered = sorted(
            self.planted,
            key=lambda f: (
                list(KINDS).index(f.kind),
                f.biz_date_from,
                f.provider,
                *(getattr(f, n) or "" for n in text),
            ),
        )
        rows = [
            {"fault_id": f"F{n:05d}", "direction": KINDS[fault.kind], **asdict(fault)}
            for n, fault in enumerate(ordered, start=1)
        ]
        return pl.DataFrame(rows, schema=SCHEMA)
