"""When a night starts by itself.

Belongs here: plain schedules.
"""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg

from pipelines.defs.assets import TIMEZONE
from pipelines.defs.jobs import NIGHTLY, access, range_tags


@dg.schedule(
    cron_schedule="0 2 * * *",
    execution_timezone=TIMEZONE,
    job=NIGHTLY,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="每天 02:00（北京时间）处理截至前一日到达的数据。",
)
def every_night(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The night of the day that just ended."""
    ended = context.scheduled_execution_time.astimezone(ZoneInfo(TIMEZONE)).date() - timedelta(days=1)
    return dg.RunRequest(run_key=ended.isoformat(), tags=range_tags(ended, ended))


@dg.schedule(
    cron_schedule="1 0 * * *",
    execution_timezone=TIMEZONE,
    job=access,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="每天 00:01（北京时间）更新驾驶舱的授权。",
)
def every_midnight() -> dg.RunRequest:
    """Grants that ended yesterday."""
    return dg.RunRequest()


SCHEDULES: Final = [every_night, every_midnight]
