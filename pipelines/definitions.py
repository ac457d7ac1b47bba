"""What Dagster loads: ``dagster-webserver -m pipelines.definitions``.

Belongs here: putting the parts of ``pipelines.defs`` together. The data home and the landing folder
come from the environment when a run starts, never at import.
"""

from typing import Final

import dagster as dg

from pipelines.defs.assets import ASSETS, Lakehouse
from pipelines.defs.checks import CHECKS
from pipelines.defs.jobs import NIGHTLY, access
from pipelines.defs.schedules import SCHEDULES
from pipelines.defs.sensors import SENSORS

defs: Final = dg.Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=[NIGHTLY, access],
    schedules=SCHEDULES,
    sensors=SENSORS,
    executor=dg.in_process_executor,
    resources={"lakehouse": Lakehouse(home=dg.EnvVar("CANTEEN_HOME"), landing=dg.EnvVar("CANTEEN_LANDING"))},
)
