"""The jobs: a night, and the renewal of access.

Belongs here: jobs and the tags that give a night a range of arrival dates.
"""

from datetime import date
from typing import Final

import dagster as dg

from pipelines import cockpit
from pipelines.defs.assets import ARRIVALS, ASSETS, Lakehouse
from warehouse import settings

NIGHTLY: Final = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.assets(*ASSETS),
    partitions_def=ARRIVALS,
    description="夜间批次：从收件到发布。一段日期只运行一次。",
)


@dg.op(description="按当天有效的授权更新驾驶舱账号：到期的授权随即失效。")
def renew(lakehouse: Lakehouse) -> None:
    """The grants valid today; a running cockpit follows within seconds."""
    home = settings.load(lakehouse.home)
    if cockpit.in_use(home):
        cockpit.refresh(home)


@dg.job(description="更新授权：每天零点后一次，不等夜间批次。")
def access() -> None:
    """A grant ends with its day, whether or not anything is published that night."""
    renew()


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags of one run over a range of arrival dates, both included."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
