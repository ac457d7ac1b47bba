"""The registry of bronze and silver tables: contract, unit of replacement, partition, owner.

Belongs here: one entry per table that pipelines write. Gold tables are declared by their dbt models
and found in dbt's manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

import dataframely as dy
import polars as pl

from warehouse import contracts

Partition = Literal["biz_month", "biz_date"]
DataClass = Literal["base", "run", "production", "alert"]
UNDATED: Final = "0000-00"
"""Value of ``biz_month`` for rows that are about no day (reference feeds, unreadable dates)."""

CONFLICT: Final = "conflict"
"""Rule broken by records of one file that have the same name and different content."""

LINEAGE: Final[dict[str, pl.DataType]] = {
    "_provider": pl.String(),
    "_file": pl.String(),
    "_row": pl.Int64(),
    "_arrival_date": pl.Date(),
}
"""Where a row came from: provider, sha256 of the file, 1-based row, day of arrival."""


@dataclass(frozen=True)
class Feed:
    """A feed and its silver table.

    Attributes:
        name: Feed name; the table is ``silver.<name>``.
        label: Chinese name.
        contract: Row contract at the door.
        unit: Columns that, with the provider, name the unit that a newer file replaces.
        partition: Partition column; ``None`` for reference feeds.
        personal: Columns that hold pseudonyms or masked personal data.
    """

    name: str
    label: str
    contract: type[dy.Schema]
    unit: tuple[str, ...]
    partition: Partition | None = "biz_month"
    personal: tuple[str, ...] = field(default=())

    @property
    def table(self) -> str:
        """Qualified table name."""
        return f"silver.{self.name}"

    @property
    def dated(self) -> bool:
        """Whether rows are about a business day."""
        return self.partition is not None

    @property
    def by_message(self) -> bool:
        """Whether each record is a unit of its own: a message never replaces another one.

        Messages come one by one, doubled and out of order. The first report of a message holds, and a
        number with two contents holds neither (``pipelines.silver.units``).
        """
        return self.dated and "record_no" in self.unit

    @property
    def business_columns(self) -> dict[str, pl.DataType]:
        """Column types of the contract; code lists are stored as text."""
        return {name: _stored(column.dtype) for name, column in self.contract.columns().items()}

    @property
    def record(self) -> tuple[str, ...]:
        """Columns that name a record within a file."""
        return ("record_no",) if "record_no" in self.contract.columns() else self.unit

    def columns_of(self, rule: str) -> tuple[str, ...]:
        """Columns that a broken rule is about; none if no contract has the rule any more.

        Args:
            rule: ``<column>|<rule>``, a rule over a whole row, or ``conflict``.
        """
        column, separator, _ = rule.rpartition("|")
        if separator:
            return (column,)
        return self.record if rule == CONFLICT else contracts.ROW_RULES.get(rule, ())

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """Column types as stored, lineage and partition column included."""
        month: dict[str, pl.DataType] = {"biz_month": pl.String()} if self.partition == "biz_month" else {}
        return {**self.business_columns, **LINEAGE, **month}


def _stored(dtype: pl.DataType) -> pl.DataType:
    return pl.String() if isinstance(dtype, pl.Enum) else dtype


_CANTEEN_DAY: Final = ("canteen_id", "biz_date")
_MESSAGE: Final = (*_CANTEEN_DAY, "record_no")
FEEDS: Final[dict[str, Feed]] = {
    feed.name: feed
    for feed in (
        Feed("org", "机构", contracts.Org, ("org_id", "valid_from"), None),
        Feed("calendar", "供餐日历", contracts.Calendar, ("org_id", "biz_date"), None),
        Feed(
            "supplier",
            "供应商",
            contracts.Supplier,
            ("supplier_uscc", "valid_from"),
            None,
            ("contact_name", "contact_phone"),
        ),
        Feed("ingredient", "食材品类", contracts.Ingredient, ("ingredient_id",), None),
        Feed("provider_key", "来源系统对照", contracts.ProviderKey, ("entity", "source_key"), None),
        Feed("access_grant", "访问授权", contracts.AccessGrant, ("username", "org_id", "valid_from"), None),
        Feed("map_shape", "县区边界", contracts.MapShape, ("division_code",), None),
        Feed("price_reference", "参考价", contracts.PriceReference, ("source_code", "valid_from"), None),
        Feed("quotation", "报价", contracts.Quotation, ("supplier_uscc", "org_id", "valid_from"), None),
        Feed(
            "price_agreement",
            "价格约定",
            contracts.PriceAgreement,
            ("supplier_uscc", "org_id", "valid_from"),
            None,
        ),
        Feed("bank_account", "银行账户", contracts.BankAccount, ("account_no", "valid_from"), None),
        Feed("flow_decision", "三流差异裁定", contracts.FlowDecision, ("subject_id",), None),
        Feed("purchase", "采购验收", contracts.Purchase, _CANTEEN_DAY),
        Feed("stock_move", "出入库", contracts.StockMove, _CANTEEN_DAY),
        Feed("stocktake", "盘点", contracts.Stocktake, _CANTEEN_DAY),
        Feed("meal_fee", "缴费", contracts.MealFee, _CANTEEN_DAY, personal=("person_hash",)),
        Feed("consumption", "就餐消费", contracts.Consumption, _CANTEEN_DAY, "biz_date", ("person_hash",)),
        Feed("refund", "退费", contracts.Refund, _CANTEEN_DAY, personal=("person_hash",)),
        Feed("menu_line", "带量食谱", contracts.MenuLine, _CANTEEN_DAY),
        Feed("disclosure_line", "月度公示表", contracts.DisclosureLine, _CANTEEN_DAY),
        Feed("settlement", "渠道结算", contracts.Settlement, _CANTEEN_DAY),
        Feed("control_total", "控制总数", contracts.ControlTotal, _CANTEEN_DAY),
        Feed("meal_leave", "请假", contracts.MealLeave, _CANTEEN_DAY, personal=("person_hash",)),
        Feed(
            "subsidy_roster",
            "营养餐补助名册",
            contracts.SubsidyRoster,
            _CANTEEN_DAY,
            personal=("person_hash",),
        ),
        Feed("opening_balance", "期初余额", contracts.OpeningBalance, _CANTEEN_DAY),
        Feed("fund_split", "资金拨付", contracts.FundSplit, _CANTEEN_DAY),
        Feed("invoice", "发票", contracts.Invoice, _CANTEEN_DAY),
        Feed("supplier_payment", "付供应商款", contracts.SupplierPayment, _CANTEEN_DAY),
        Feed("expense", "其他收支", contracts.Expense, _CANTEEN_DAY, personal=("counterparty_name",)),
        Feed("voucher_line", "记账凭证", contracts.VoucherLine, _CANTEEN_DAY),
        Feed("handling", "经办记录", contracts.Handling, _CANTEEN_DAY, personal=("person_hash",)),
        Feed(
            "bank_line",
            "银行流水",
            contracts.BankLine,
            ("account_no", "biz_date"),
            personal=("counterparty_name", "counterparty_account"),
        ),
        Feed("withdrawal", "撤销", contracts.Withdrawal, _MESSAGE),
        Feed("scale_reading", "智能秤称重", contracts.ScaleReading, _MESSAGE),
        Feed("morning_check", "晨检", contracts.MorningCheck, _MESSAGE, personal=("person_hash",)),
        Feed("edge_event", "边缘设备事件", contracts.EdgeEvent, _MESSAGE),
        Feed("camera", "摄像头", contracts.Camera, ("camera_id", "valid_from"), None),
        Feed("camera_zone", "摄像头区域", contracts.CameraZone, ("camera_id", "zone_id", "valid_from"), None),
        Feed("camera_status", "摄像头在线状态", contracts.CameraStatus, _CANTEEN_DAY, "biz_date"),
        Feed("camera_alarm", "摄像头报警", contracts.CameraAlarm, _CANTEEN_DAY),
        Feed("video_segment", "视频文件清单", contracts.VideoSegment, _CANTEEN_DAY),
        Feed("retained_sample", "食品留样", contracts.RetainedSample, _CANTEEN_DAY),
        Feed("meal_time", "餐次时间", contracts.MealTime, ("canteen_id", "meal", "valid_from"), None),
        Feed("event_verdict", "视频事件复核", contracts.EventVerdict, ("event_id",), None),
    )
}

DELIVERY: Final[dict[str, pl.DataType]] = {
    "feed": pl.String(),
    "provider": pl.String(),
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "unit_key": pl.String(),
    "_file": pl.String(),
    "_arrival_date": pl.Date(),
    "version": pl.Datetime("us", "UTC"),
    "rows_accepted": pl.Int64(),
    "rows_quarantined": pl.Int64(),
    "rows_duplicate": pl.Int64(),
    "content_hash": pl.String(),
    "state": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.delivery``: what each file delivered, unit by unit, and whether it still counts."""

ARRIVED: Final = "canteen.arrived"
"""Fact of a commit of ``silver.delivery``: the earliest arrival date among its files."""

QUARANTINE: Final[dict[str, pl.DataType]] = {
    "provider": pl.String(),
    "feed": pl.String(),
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "unit_key": pl.String(),
    "record_no": pl.String(),
    "rules": pl.String(),
    "fields": pl.String(),
    "row_json": pl.String(),
    "_file": pl.String(),
    "_row": pl.Int64(),
    "_arrival_date": pl.Date(),
    "state": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.quarantine``: rows that broke a rule, with masked values."""

PROVIDER: Final[dict[str, pl.DataType]] = {
    "provider": pl.String(),
    "label": pl.String(),
    "county_code": pl.String(),
    "feed": pl.String(),
    "is_duty": pl.Boolean(),
}
"""Columns of ``silver.provider``: who may and who must deliver which feed for which county."""

EXPECTATION_RESULT: Final[dict[str, pl.DataType]] = {
    "provider": pl.String(),
    "feed": pl.String(),
    "expectation": pl.String(),
    "column_name": pl.String(),
    "success": pl.Boolean(),
    "observed": pl.String(),
    "checked": pl.Int64(),
    "unexpected": pl.Int64(),
    "_arrival_date": pl.Date(),
}
"""Columns of ``silver.expectation_result``: what Great Expectations saw, per provider, feed and night."""

MATCH_INGREDIENT: Final[dict[str, pl.DataType]] = {
    "item_name": pl.String(),
    "spec": pl.String(),
    "unit": pl.String(),
    "read_as": pl.String(),
    "ingredient_id": pl.String(),
    "factor": pl.Decimal(18, 6),
    "method": pl.String(),
    "score": pl.Float64(),
    "state": pl.String(),
    "reason": pl.String(),
}
"""Columns of ``silver.match_ingredient``: what a name, specification and unit stand for; blank is ``""``."""

PRICE_JUDGEMENT: Final[dict[str, pl.DataType]] = {
    "_provider": pl.String(),
    "source_code": pl.String(),
    "valid_from": pl.Date(),
    "record_no": pl.String(),
    "item_name": pl.String(),
    "unit_price": pl.Decimal(18, 6),
    "expected_price": pl.Decimal(18, 6),
    "fault": pl.String(),
    "is_bad": pl.Boolean(),
}
"""Columns of ``silver.price_judgement``: reference quotes in doubt; the bad ones judge nobody."""
REFUSAL: Final[dict[str, pl.DataType]] = {
    "provider": pl.String(),
    "path": pl.String(),
    "refusal_code": pl.String(),
    "message": pl.String(),
    "is_replaced": pl.Boolean(),
    "_file": pl.String(),
    "_arrival_date": pl.Date(),
}
"""Columns of ``silver.refusal``: files that were not taken, and why; ``is_replaced`` where a file of the same name
in the same folder was taken later."""

POSTED_VOUCHER: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "account_set": pl.String(),
    "biz_date": pl.Date(),
    "event_date": pl.Date(),
    "event_id": pl.String(),
    "event_kind": pl.String(),
    "detail_kind": pl.String(),
    "account_kind": pl.String(),
    "content_hash": pl.String(),
    "is_red": pl.Boolean(),
    "line_no": pl.Int64(),
    "account_code": pl.String(),
    "debit_yuan": pl.Decimal(18, 2),
    "credit_yuan": pl.Decimal(18, 2),
    "qty": pl.Decimal(18, 3),
    "supplier_uscc": pl.String(),
    "ingredient_id": pl.String(),
    "source_feed": pl.String(),
    "source_record_no": pl.String(),
    "template_id": pl.String(),
    "_version": pl.Int64(),
    "_reverses": pl.Int64(),
    "_voucher_no": pl.Int64(),
    "_posted_on": pl.Date(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.posted_voucher``, which is only ever appended to: one row per line of a posted voucher.

``event_date`` is the day of what happened, ``biz_date`` that of the voucher: a correction of a closed period
stands in the open one. A voucher is named by ``event_id`` and ``_version``; a reversal (``is_red``) is a voucher
of its own, with the amounts of the one that it ``_reverses``, negative on their sides. ``qty`` is signed and
stands on lines of stock accounts only. Sums over ``event_date`` do not depend on the order of arrival; numbers,
versions and the dates of corrections do."""

BOOK_PERIOD: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "account_set": pl.String(),
    "biz_date": pl.Date(),
    "voucher_count": pl.Int64(),
    "line_count": pl.Int64(),
    "debit_yuan": pl.Decimal(18, 2),
    "seal": pl.String(),
    "_closed_on": pl.Date(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.book_period``, only ever appended to: one row per closed month of a canteen's books.

``biz_date`` is the month's last day and ``seal`` a hash of the month's lines, so that a later look can prove
that they are the same."""

BOOK_STOCK: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "account_kind": pl.String(),
    "ingredient_id": pl.String(),
    "layer_date": pl.Date(),
    "layer_id": pl.String(),
    "qty": pl.Decimal(18, 3),
    "amount_yuan": pl.Decimal(18, 2),
    "biz_month": pl.String(),
}
"""Columns of ``silver.book_stock``: what was in stock at a month's end, batch by batch, by the days of what
happened. Under weighted average an item is one batch."""

FLOW_EVENT: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "event_id": pl.String(),
    "flow": pl.String(),
    "source_feed": pl.String(),
    "record_no": pl.String(),
    "account_no": pl.String(),
    "account_role": pl.String(),
    "direction": pl.String(),
    "amount_yuan": pl.Decimal(18, 2),
    "kind": pl.String(),
    "party": pl.String(),
    "text": pl.String(),
    "ref": pl.String(),
    "match_id": pl.String(),
    "rule": pl.String(),
    "confidence": pl.Float64(),
    "automatic": pl.Boolean(),
    "difference_id": pl.String(),
    "break_type": pl.String(),
    "decided": pl.Boolean(),
    "settled_week": pl.Date(),
    "_provider": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.flow_event``: every movement of money as the bank, a document or the books have it, once.

``account_role`` is that of a bank line's account on its day, null in the other flows. ``match_id`` is null where
nothing was matched, ``difference_id`` and ``break_type`` where the flows agree. ``settled_week`` is the Monday of the
week whose comparison settled the event, null while it still waits for a flow (``pipelines.flows``). ``decided`` says that a steward settled its difference."""

FLOW_DIFFERENCE: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "difference_id": pl.String(),
    "break_type": pl.String(),
    "amount_yuan": pl.Decimal(18, 2),
    "reason": pl.String(),
    "bank_yuan": pl.Decimal(18, 2),
    "business_yuan": pl.Decimal(18, 2),
    "books_yuan": pl.Decimal(18, 2),
    "decided": pl.Boolean(),
    "decided_reason": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.flow_difference``: what the three flows disagree on, one row a difference.

``biz_date`` is the day of its earliest event, ``amount_yuan`` (never negative) what is unexplained; the amounts of
the flows are money in less money out, zero where the flow has nothing."""

VIDEO_JUDGED: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "camera_id": pl.String(),
    "segment_sha256": pl.String(),
    "path": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "segment_state": pl.String(),
    "segment_reason": pl.String(),
    "codec": pl.String(),
    "duration_s": pl.Decimal(18, 3),
    "samples": pl.Int64(),
    "person_minutes": pl.Int64(),
    "model_version": pl.String(),
    "config_version": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.video_judged``: what became of each row of the manifest that a night looked at.

``segment_state`` is ``judged``, ``quarantined`` or ``waiting`` (no file yet: looked for again each night);
``duration_s`` and what follows are null where nothing was judged."""

VIDEO_PRESENCE: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "camera_id": pl.String(),
    "zone_id": pl.String(),
    "zone_kind": pl.String(),
    "minute_at": pl.Datetime("us", "UTC"),
    "persons": pl.Int64(),
    "segment_sha256": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.video_presence``: the most persons seen at once in a zone, minute by minute.

A minute that was judged and empty is a row with 0; a minute without a row is unknown. ``persons`` is null where
the samples of the minute could not be judged."""

VIDEO_EVENT: Final[dict[str, pl.DataType]] = {
    "canteen_id": pl.String(),
    "biz_date": pl.Date(),
    "camera_id": pl.String(),
    "zone_id": pl.String(),
    "event_id": pl.String(),
    "event_kind": pl.String(),
    "started_at": pl.Datetime("us", "UTC"),
    "ended_at": pl.Datetime("us", "UTC"),
    "samples": pl.Int64(),
    "positive": pl.Int64(),
    "score": pl.Float64(),
    "box_json": pl.String(),
    "segment_sha256": pl.String(),
    "model_version": pl.String(),
    "config_version": pl.String(),
    "evidence_sha256": pl.String(),
    "clip_sha256": pl.String(),
    "biz_month": pl.String(),
}
"""Columns of ``silver.video_event``: episodes that the night's video jobs found, once each.

``evidence_sha256`` and ``clip_sha256`` name files below ``<home>/evidence``, with faces blurred; null where none
could be made."""

SILVER: Final[dict[str, dict[str, pl.DataType]]] = {
    **{feed.name: feed.columns for feed in FEEDS.values()},
    "delivery": DELIVERY,
    "quarantine": QUARANTINE,
    "provider": PROVIDER,
    "expectation_result": EXPECTATION_RESULT,
    "match_ingredient": MATCH_INGREDIENT,
    "price_judgement": PRICE_JUDGEMENT,
    "refusal": REFUSAL,
    "posted_voucher": POSTED_VOUCHER,
    "book_period": BOOK_PERIOD,
    "book_stock": BOOK_STOCK,
    "flow_event": FLOW_EVENT,
    "flow_difference": FLOW_DIFFERENCE,
    "video_judged": VIDEO_JUDGED,
    "video_presence": VIDEO_PRESENCE,
    "video_event": VIDEO_EVENT,
}
"""Every silver table and its columns."""

ALERT: Final[dict[str, pl.DataType]] = {
    "alert_id": pl.String(),
    "rule_id": pl.String(),
    "rule_version": pl.Int64(),
    "rule_label": pl.String(),
    "severity": pl.String(),
    "finding_table": pl.String(),
    "kind": pl.String(),
    "finding_id": pl.String(),
    "canteen_id": pl.String(),
    "county_code": pl.String(),
    "supplier_id": pl.String(),
    "ingredient_id": pl.String(),
    "biz_date": pl.Date(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "amount_yuan": pl.Decimal(18, 2),
    "text_zh": pl.String(),
    "department": pl.String(),
    "confidence": pl.String(),
    "basis": pl.String(),
    "effect": pl.String(),
    "alert_state": pl.String(),
    "biz_month": pl.String(),
    "_raised_on": pl.Date(),
    "_state_since": pl.Date(),
}
"""Columns of ``gold.alert``: one row for a rule and a finding that it selected, for ever.

``alert_id`` is minted when it is first raised; rule and finding are its natural key. A withdrawn alert keeps what its
finding last said. ``basis`` is null where the finding rests on no threshold; ``effect`` is ``inform`` from confidence
C on, and only ``act`` may freeze or rate."""

GOLD: Final[dict[str, dict[str, pl.DataType]]] = {"alert": ALERT}
"""Every gold table that dbt does not make, and its columns."""

DATA_CLASS: Final[dict[str, DataClass]] = {
    "bronze.receipt": "run",
    "silver.org": "base",
    "silver.calendar": "base",
    "silver.supplier": "base",
    "silver.ingredient": "base",
    "silver.provider_key": "base",
    "silver.access_grant": "base",
    "silver.map_shape": "base",
    "silver.price_reference": "base",
    "silver.quotation": "production",
    "silver.price_agreement": "base",
    "silver.bank_account": "base",
    "silver.flow_decision": "production",
    "silver.settlement": "production",
    "silver.control_total": "production",
    "silver.meal_leave": "production",
    "silver.subsidy_roster": "production",
    "silver.opening_balance": "production",
    "silver.fund_split": "production",
    "silver.invoice": "production",
    "silver.supplier_payment": "production",
    "silver.expense": "production",
    "silver.voucher_line": "production",
    "silver.handling": "production",
    "silver.purchase": "production",
    "silver.stock_move": "production",
    "silver.stocktake": "production",
    "silver.meal_fee": "production",
    "silver.consumption": "production",
    "silver.refund": "production",
    "silver.menu_line": "production",
    "silver.disclosure_line": "production",
    "silver.bank_line": "production",
    "silver.withdrawal": "production",
    "silver.scale_reading": "production",
    "silver.morning_check": "production",
    "silver.edge_event": "production",
    "silver.camera": "base",
    "silver.camera_zone": "base",
    "silver.camera_status": "production",
    "silver.camera_alarm": "production",
    "silver.video_segment": "production",
    "silver.retained_sample": "production",
    "silver.meal_time": "base",
    "silver.event_verdict": "production",
    "silver.delivery": "run",
    "silver.quarantine": "run",
    "silver.provider": "base",
    "silver.expectation_result": "run",
    "silver.match_ingredient": "base",
    "silver.price_judgement": "base",
    "silver.refusal": "run",
    "silver.posted_voucher": "production",
    "silver.book_period": "production",
    "silver.book_stock": "production",
    "silver.flow_event": "production",
    "silver.flow_difference": "production",
    "silver.video_judged": "run",
    "silver.video_presence": "production",
    "silver.video_event": "alert",
    "gold.alert": "alert",
}
"""Data class of every bronze and silver table, and of gold's that dbt does not make; those of dbt's models and seeds are tags in ``dbt_project.yml``."""
