"""The trail of money from one record: payment, account, voucher, invoice, purchase, issue, the day's meals.

Belongs here: running ``trail.sql`` over the published snapshot, and the account that a bank line should be booked
to. Does not belong here: matching (``pipelines.reconcile``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines import querying
from pipelines.flows import decisions
from warehouse import delta
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import FEEDS, FLOW_EVENT

QUERY: Final = Path(__file__).with_name("trail.sql")
_BANK: Final = 1
_OURS: Final = {"posted_voucher": "本系统凭证"}


def follow(settings: Settings, record: str) -> pl.DataFrame:
    """Follow a record through every table that tells of its money.

    Args:
        settings: The data home.
        record: An event or match of the flows, or the number of a bank line, payment, settlement, invoice, order,
            purchase or voucher.

    Returns:
        step_no, step, biz_date, document_no, amount_yuan, what, source_feed, _provider, canteen_id; in the order of
        the trail, by canteen.

    Raises:
        Permanent: Nothing is published, or no record has this number.
    """
    found = querying.select(settings, QUERY.read_text("utf8"), {"record": record})
    if found.is_empty():
        raise Permanent(
            f"没有记录 {record}：请给出事件编号，或银行流水、付款、结算、发票、订单、采购、凭证的编号"
        )
    return found


def coding_of(settings: Settings, rows: pl.DataFrame) -> list[dict[str, Any]]:
    """The accounts that the bank lines of a trail should stand against, each with its explanation.

    Args:
        settings: The data home.
        rows: From ``follow``.
    """
    lines = rows.filter(pl.col("step_no") == _BANK)
    events = delta.read(
        settings.table("silver.flow_event"), FLOW_EVENT, days=lines["biz_date"].unique()
    ).filter(pl.col("flow") == "bank", pl.col("record_no").is_in(lines["document_no"].implode()))
    return decisions.coded(settings, events).to_dicts() if events.height else []


def source(feed: str) -> str:
    """Chinese name of the table that a row of the trail comes from."""
    return FEEDS[feed].label if feed in FEEDS else _OURS[feed]
