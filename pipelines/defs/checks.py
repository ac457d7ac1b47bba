"""The gates of a night, as Dagster shows them.

Belongs here: two checks over durable state. Quality by date and provider is a table of ours
(``gold.mart_quality``); Dagster records one evaluation per run.
"""

from typing import Final

import dagster as dg

from pipelines.defs.assets import Lakehouse, published, silver
from warehouse import manifest, settings


@dg.asset_check(
    asset=silver,
    blocking=True,
    description="逐文件守恒：文件行数 = 接收 + 隔离 + 重复 + 被取代；不守恒则停在这里，不发布。",
)
def rows_are_conserved(lakehouse: Lakehouse) -> dg.AssetCheckResult:
    """Every received file is accounted for to the row."""
    from ingest.receipts import RECEIPT
    from pipelines.scoring import conserved
    from warehouse import delta
    from warehouse.tables import DELIVERY

    home = settings.load(lakehouse.home)
    counts = ["_file", "rows_accepted", "rows_quarantined", "rows_duplicate"]
    receipts = delta.read(
        home.table("bronze.receipt"), RECEIPT, columns=["file_id", "status", "rows_emitted"]
    )
    delivery = delta.read(home.table("silver.delivery"), DELIVERY, columns=counts)
    return dg.AssetCheckResult(passed=conserved(receipts, delivery), metadata={"files": receipts.height})


@dg.asset_check(asset=published, description="每次发布都不丢失以前已发布的日期。")
def publication_loses_no_dates(lakehouse: Lakehouse) -> dg.AssetCheckResult:
    """The last publication reaches at least as far as the one before."""
    home = settings.load(lakehouse.home)
    known = [manifest.read(home, number) for number in manifest.numbers(home)[-2:]]
    reaches = [one.as_of for one in known]
    return dg.AssetCheckResult(
        passed=reaches == sorted(reaches), metadata={"as_of": reaches[-1] if reaches else "—"}
    )


CHECKS: Final = [rows_are_conserved, publication_loses_no_dates]
