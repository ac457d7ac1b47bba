"""The trail of a payment is one query: from any record to the money, the papers, the goods and the meals."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import lake
import polars as pl
import pytest

from pipelines import trail
from warehouse.tables import SILVER

D, DAY = Decimal, dt.date(2026, 9, 30)
CAME, USED = dt.date(2026, 9, 24), dt.date(2026, 9, 25)
USCC = "91430600MA4L0000X0"


@pytest.fixture(scope="module")
def silver() -> duckdb.DuckDBPyConnection:
    """One delivery of rice, paid for by bank; and another one that must stay out of its trail."""
    made = lake.Lake()
    made.rows["provider_key"].append(
        dict.fromkeys(SILVER["provider_key"])
        | {"_provider": "county", "entity": "canteen", "source_key": "k-1", "target_code": "C1"}
    )
    for mark, item, amount in (("1", "rice", D(300)), ("2", "fish", D(500))):
        made.buy("k-1", CAME, item, D(100), D(3), order_no=f"ORDER{mark}", record_no=f"P{mark}")
        made.move("k-1", USED, item, D(40), record_no=f"M{mark}")
        money = {"canteen_id": "C1", "supplier_uscc": USCC, "amount_yuan": amount, "invoice_no": f"FP{mark}"}
        made.add(
            "invoice", biz_date=DAY, record_no=f"I{mark}", order_no=f"ORDER{mark}", ingredient_id=item,
            qty=D(100), unit="kg", is_red=False, **money,
        )  # fmt: skip
        made.add("supplier_payment", biz_date=DAY, record_no=f"FK{mark}", payment_method="bank", **money)
        for line, debit, credit in ((1, amount, D(0)), (2, D(0), amount)):
            made.add(
                "voucher_line", canteen_id="C1", biz_date=DAY, record_no=f"V{mark}-{line}", voucher_no=f"V{mark}",
                line_no=line, account_code="1002" if line == 2 else "2202", debit_yuan=debit, credit_yuan=credit,
                source_feed="supplier_payment", source_record_no=f"FK{mark}",
            )  # fmt: skip
        flows = {"bank": ("bank_line", f"B{mark}"), "business": ("supplier_payment", f"FK{mark}")}
        for flow, (feed, number) in flows.items():
            made.add(
                "flow_event", canteen_id="C1", biz_date=DAY, event_id=f"{feed}:{number}", flow=flow,
                source_feed=feed, record_no=number, account_no="A1", direction="out", amount_yuan=amount,
                match_id=f"M-{mark}", decided=False,
            )  # fmt: skip
    made.add("bank_account", account_no="A1", org_id="C1", account_role="special", valid_from=CAME)
    made.add("consumption", canteen_id="k-1", biz_date=USED, person_hash="p", amount_yuan=D(12), meal="lunch")
    connection = duckdb.connect()
    connection.execute("create schema silver")
    for name in SILVER:
        connection.register("rows", pl.DataFrame(made.rows[name], schema=SILVER[name]).to_arrow())
        connection.execute(f"create table silver.{name} as from rows")
    return connection


def steps(silver: duckdb.DuckDBPyConnection, record: str) -> list[tuple[Any, ...]]:
    found = silver.execute(trail.QUERY.read_text("utf8"), {"record": record}).pl()
    return found.select("step", "document_no", "amount_yuan").rows()


@pytest.mark.parametrize(
    "record", ["B1", "bank_line:B1", "M-1", "FK1", "FP1", "I1", "ORDER1", "P1", "V1", "V1-2"]
)
def test_every_record_of_a_payment_leads_to_the_whole_trail(
    silver: duckdb.DuckDBPyConnection, record: str
) -> None:
    assert steps(silver, record) == [
        ("资金", "B1", D(300)),
        ("账户", "A1", None),
        ("凭证", "V1-1", D(300)),
        ("凭证", "V1-2", D(-300)),
        ("业务单据", "FK1", D(300)),
        ("发票", "FP1", D(300)),
        ("采购验收", "ORDER1", D(300)),
        ("领料出库", "M1", None),
        ("当日餐费收入", None, D(12)),
    ]


def test_an_unknown_record_leads_nowhere(silver: duckdb.DuckDBPyConnection) -> None:
    assert steps(silver, "nothing") == []
