"""Suites of the money feeds: accounts, settlements, invoices, payments, expenses, vouchers, duties,
decisions about the three flows."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import Check, Suite, lag_days, number, on_time, own_record_numbers, share

_LAG: Final = {"lag_days": lag_days()}

BANK_ACCOUNT: Final = Suite(
    "bank_account",
    rows=(Check("not_null", "bank_name", "开户行已填", tolerated=0.1),),
    profile=(Check("between", "special_share", "至少一成是食堂专用账户", low=0.1, high=1),),
    measures={"special_share": share(pl.col("account_role") == "special")},
)

SETTLEMENT: Final = Suite(
    "settlement",
    rows=(
        own_record_numbers(),
        on_time(3),
        Check("between", "days_to_settle", "交易后七天内结算", tolerated=0.05, low=0, high=7),
        Check("between", "fee_share", "手续费不超过1%", tolerated=0.02, low=0, high=0.01),
    ),
    derived={
        **_LAG,
        "days_to_settle": (pl.col("biz_date") - pl.col("trade_date")).dt.total_days(),
        "fee_share": pl.when(pl.col("gross_yuan") > 0).then(number("fee_yuan") / number("gross_yuan")),
    },
)

CONTROL_TOTAL: Final = Suite(
    "control_total",
    rows=(own_record_numbers(), on_time(3)),
    derived=_LAG,
)

MEAL_LEAVE: Final = Suite(
    "meal_leave",
    rows=(own_record_numbers(), on_time(3)),
    derived=_LAG,
)

SUBSIDY_ROSTER: Final = Suite(
    "subsidy_roster",
    rows=(
        own_record_numbers(),
        on_time(35),
        Check("between", "rate_yuan", "每天补助在1—10元之间", tolerated=0.01, low=1, high=10),
        Check("between", "meal_days", "每月就餐1—23天", tolerated=0.02, low=1, high=23),
    ),
    derived=_LAG,
)

OPENING_BALANCE: Final = Suite(
    "opening_balance",
    rows=(
        own_record_numbers(),
        Check("between", "amount_yuan", "单项期初余额不超过1000万元", tolerated=0.01, low=0, high=10_000_000),
    ),
)

FUND_SPLIT: Final = Suite(
    "fund_split",
    rows=(
        own_record_numbers(),
        on_time(35),
        Check("between", "amount_yuan", "单笔拨付不超过500万元", low=0.01, high=5_000_000),
    ),
    derived=_LAG,
)

INVOICE: Final = Suite(
    "invoice",
    rows=(
        own_record_numbers(),
        on_time(35),
        Check("not_null", "order_no", "发票注明订单号", tolerated=0.2),
        Check("between", "tax_share", "税额不超过价税合计的13%", low=0, high=0.13),
    ),
    derived={
        **_LAG,
        "tax_share": pl.when(pl.col("amount_yuan") > 0).then(number("tax_yuan") / number("amount_yuan")),
    },
    profile=(Check("between", "red_share", "红字发票不超过5%", low=0, high=0.05),),
    measures={"red_share": share(pl.col("is_red"))},
)

SUPPLIER_PAYMENT: Final = Suite(
    "supplier_payment",
    rows=(
        own_record_numbers(),
        on_time(35),
        Check("in_set", "payment_method", "以银行转账付款", tolerated=0.05, allowed=("bank",)),
        Check("not_null", "invoice_no", "付款注明发票号", tolerated=0.2),
    ),
    derived=_LAG,
)

EXPENSE: Final = Suite(
    "expense",
    rows=(
        own_record_numbers(),
        on_time(35),
        Check("between", "amount_yuan", "单笔不超过100万元", tolerated=0.01, low=0.01, high=1_000_000),
    ),
    derived=_LAG,
)

VOUCHER_LINE: Final = Suite(
    "voucher_line",
    rows=(
        own_record_numbers(),
        on_time(35),
        Check("not_null", "summary", "摘要已填", tolerated=0.02),
    ),
    derived=_LAG,
    profile=(Check("between", "sourced_share", "一半以上的分录注明来源单据", low=0.5, high=1),),
    measures={"sourced_share": share(pl.col("source_record_no").is_not_null())},
)

HANDLING: Final = Suite(
    "handling",
    rows=(own_record_numbers(), on_time(3)),
    derived=_LAG,
)

FLOW_DECISION: Final = Suite(
    "flow_decision",
    rows=(Check("matches", "reason", "事由写明（2个字以上）", tolerated=0.1, pattern=r"^..+"),),
)

SUITES: Final = (
    BANK_ACCOUNT,
    SETTLEMENT,
    CONTROL_TOTAL,
    MEAL_LEAVE,
    SUBSIDY_ROSTER,
    OPENING_BALANCE,
    FUND_SPLIT,
    INVOICE,
    SUPPLIER_PAYMENT,
    EXPENSE,
    VOUCHER_LINE,
    HANDLING,
    FLOW_DECISION,
)
