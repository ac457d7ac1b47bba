"""The one job: a night.

Belongs here: the job and the tags that give it a range of arrival dates.
"""

from datetime import date
from typing import Final

import dagster as dg

from pipelines.defs.assets import ARRIVALS, ASSETS

NIGHTLY: Final = dg.define_asset_job(
    "nightly",
    selection=dg.AssetSelection.assets(*ASSETS),
    partitions_def=ARRIVALS,
    description="夜间批次：从收件到发布。一段日期只运行一次。",
)


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags of one run over a range of arrival dates, both included."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }
