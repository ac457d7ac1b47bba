"""The five steps of a night as coarse assets, partitioned by arrival date.

Belongs here: which step runs when, and what of its errors is worth a retry. A range of dates is one
run (about 23 ms of Dagster's own time per asset and date), hence few assets.
"""

import logging
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

import dagster as dg

from pipelines import night
from pipelines.lock import writer
from warehouse import settings
from warehouse.errors import CanteenError, Transient

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # BackfillPolicy, needed for one run per range

TIMEZONE: Final = "Asia/Shanghai"
ARRIVALS: Final = dg.DailyPartitionsDefinition(start_date="2023-01-01", timezone=TIMEZONE, end_offset=1)
"""Arrival dates, today included; the first date only has to lie before any delivery."""
PROGRESS: Final = logging.getLogger("canteen")
RETRIES: Final = 5
RETRY_AFTER_S: Final = 60

Step = Callable[[night.Night, Callable[[str], None]], dict[str, int]]


class Lakehouse(dg.ConfigurableResource):
    """Where the data are.

    Attributes:
        home: Folder of the data home.
        landing: Folder that providers deliver into.
        force: Do the work again although nothing changed.
        video: Folder of recorded films; empty: ``video`` beside the landing folder.
    """

    home: str
    landing: str
    force: bool = False
    video: str = ""

    def night(self, first: date, last: date) -> night.Night:
        """The night of a range of arrival dates, both included."""
        video = Path(self.video) if self.video else None
        return night.Night(settings.load(self.home), Path(self.landing), first, last, self.force, video=video)


def _run(context: dg.AssetExecutionContext, lakehouse: Lakehouse, step: Step) -> dg.MaterializeResult:
    """Run one step; only a transient error is tried again."""
    keys = context.partition_key_range
    tonight = lakehouse.night(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
    try:
        with writer(tonight.settings.home):
            counts = step(tonight, PROGRESS.info)
    except Transient as error:
        raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=RETRY_AFTER_S) from error
    except CanteenError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    return dg.MaterializeResult(metadata=dict(counts))


@dg.asset(
    partitions_def=ARRIVALS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="governance",
    description="收件：原件入加密库，每个文件一张回执（到达日期为分区）。",
)
def receipts(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """Landing files to the vault and bronze."""
    return _run(context, lakehouse, night.receive)


@dg.asset(
    partitions_def=ARRIVALS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="governance",
    deps=[receipts],
    description="入库：逐行核对数据约定，合格行写入明细层，不合格行连同原因进入隔离区。",
)
def silver(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """The contract at the door."""
    return _run(context, lakehouse, night.silver)


@dg.asset(
    partitions_def=ARRIVALS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="governance",
    deps=[silver],
    description="质量：按来源和数据种类评分，生成数据质量报告。",
)
def quality(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """What Great Expectations sees."""
    return _run(context, lakehouse, night.quality)


@dg.asset(
    partitions_def=ARRIVALS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="meal_funds",
    deps=[quality],
    description="膳食经费：库存台账、食材成本与伙食费收入，逐食堂判定红线。",
)
def gold(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """The dbt models and their Delta tables."""
    return _run(context, lakehouse, night.gold)


@dg.asset(
    partitions_def=ARRIVALS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="cockpit",
    deps=[gold],
    description="发布：写发布清单，生成只读的查询文件并切换，读者始终看到完整的一版。",
)
def published(context: dg.AssetExecutionContext, lakehouse: Lakehouse) -> dg.MaterializeResult:
    """Manifest, serving file, swap."""
    return _run(context, lakehouse, night.publish)


ASSETS: Final = [receipts, silver, quality, gold, published]
