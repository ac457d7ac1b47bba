"""What one row of a feed must look like at the silver door: the single truth of a feed.

Belongs here: dataframely schemas whose rules look at one row only, so that the outcome of a row
never depends on what else has arrived. Does not belong here: keys and relationships between tables
(dbt tests) and thresholds (dated rows).

Each class is one feed. Field order is the column order of the feed pack. ``person_no`` and contact
columns are masked before the contract sees them (``ingest.masking``).
"""

from warehouse.contracts.bank import BankLine
from warehouse.contracts.devices import EdgeEvent, MorningCheck, ScaleReading
from warehouse.contracts.disclosure import DisclosureLine
from warehouse.contracts.meals import Consumption, MealFee, MenuLine, Refund
from warehouse.contracts.money import (
    BankAccount,
    ControlTotal,
    Expense,
    FlowDecision,
    FundSplit,
    Handling,
    Invoice,
    MealLeave,
    OpeningBalance,
    Settlement,
    SubsidyRoster,
    SupplierPayment,
    VoucherLine,
)
from warehouse.contracts.prices import PriceAgreement, PriceReference, Quotation
from warehouse.contracts.reference import (
    AccessGrant,
    Calendar,
    Ingredient,
    MapShape,
    Org,
    ProviderKey,
    Supplier,
)
from warehouse.contracts.rules import ROW_RULES
from warehouse.contracts.supply import Purchase, StockMove, Stocktake
from warehouse.contracts.video import (
    Camera,
    CameraAlarm,
    CameraStatus,
    CameraZone,
    EventVerdict,
    MealTime,
    RetainedSample,
    VideoSegment,
)
from warehouse.contracts.withdrawal import Withdrawal

__all__ = [
    "ROW_RULES",
    "AccessGrant",
    "BankAccount",
    "BankLine",
    "Calendar",
    "Camera",
    "CameraAlarm",
    "CameraStatus",
    "CameraZone",
    "Consumption",
    "ControlTotal",
    "DisclosureLine",
    "EdgeEvent",
    "EventVerdict",
    "Expense",
    "FlowDecision",
    "FundSplit",
    "Handling",
    "Ingredient",
    "Invoice",
    "MapShape",
    "MealFee",
    "MealLeave",
    "MealTime",
    "MenuLine",
    "MorningCheck",
    "OpeningBalance",
    "Org",
    "PriceAgreement",
    "PriceReference",
    "ProviderKey",
    "Purchase",
    "Quotation",
    "Refund",
    "RetainedSample",
    "ScaleReading",
    "Settlement",
    "StockMove",
    "Stocktake",
    "SubsidyRoster",
    "Supplier",
    "SupplierPayment",
    "VideoSegment",
    "VoucherLine",
    "Withdrawal",
]
