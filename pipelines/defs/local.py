"""The same assets, run in the process of the command line.

Belongs here: Dagster's instance of a data home, a night without the daemon, and the end of runs whose
process died.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError  # not exported

from pipelines.definitions import defs
from pipelines.defs.jobs import range_tags
from pipelines.lock import writer
from pipelines.night import Night
from warehouse import settings
from warehouse.errors import CanteenError, Permanent, Transient
from warehouse.settings import ROOT, Settings

RUNNING: Final = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""States of a run that has a process; a queued run has none and waits for its turn."""
OWNER_TAG: Final = {"canteen/started_by": "command line"}


def prepare(home: Settings) -> Path:
    """Make ``<home>/dagster`` with the instance's settings and name it in ``DAGSTER_HOME``.

    Returns:
        The folder.
    """
    folder = home.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "dagster.yaml.tmp"
    shutil.copyfile(ROOT / "dagster.yaml", draft)
    draft.replace(folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def end_dead_runs(instance: dg.DagsterInstance, tags: dict[str, str]) -> int:
    """Mark runs as failed whose process is gone; the caller knows that none of them can be alive.

    Args:
        instance: Dagster's instance.
        tags: Only runs that carry these tags; empty means every run.
    """
    dead = instance.get_runs(dg.RunsFilter(statuses=RUNNING, tags=tags))
    for run in dead:
        instance.report_run_failed(run, "运行进程已不存在；重新运行即可，不会重复也不会丢失")
    return len(dead)


def run(night: Night) -> dict[str, dict[str, int]]:
    """Run the job over the night's arrival dates.

    Returns:
        Counts of each step by asset.

    Raises:
        Transient: Another process writes to this home.
        CanteenError: What the failing step raised.
        Permanent: A check did not pass.
    """
    prepare(night.settings)
    with writer(night.settings.home), dg.DagsterInstance.get() as instance:
        end_dead_runs(instance, OWNER_TAG)
        try:
            result = defs.resolve_job_def("nightly").execute_in_process(
                instance=instance,
                tags={**range_tags(night.first, night.last), **OWNER_TAG},
                run_config={
                    "resources": {
                        "lakehouse": {
                            "config": {
                                "home": str(night.settings.home),
                                "landing": str(night.landing),
                                "force": night.force,
                                "video": str(night.video or ""),
                            }
                        }
                    },
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
        except dg.Failure as failure:
            if isinstance(failure.__cause__, CanteenError):
                raise failure.__cause__ from None
            raise
        except DagsterAssetCheckFailedError as failure:
            raise Permanent(
                f"检查没有通过，没有继续：{' '.join(str(failure).split())}；详情见 Dagster 页面上这次运行的检查"
            ) from failure
    failed = [one.check_name for one in result.get_asset_check_evaluations() if not one.passed]
    if failed:
        raise Permanent(
            f"运行已结束，但检查没有通过：{'、'.join(failed)}；详情见 Dagster 页面上这次运行的检查"
        )
    return {
        event.asset_key.to_user_string(): {
            name: int(str(value.value)) for name, value in event.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }


def _prepare_for_servers(home: str, scope: str) -> None:
    """What ``pipelines.services`` needs before it starts the servers.

    Args:
        home: Folder of the data home.
        scope: ``all`` where no server runs, so that every run in progress is dead; else ``own``.
    """
    prepared = settings.load(home)
    prepare(prepared)
    try:
        with writer(prepared.home), dg.DagsterInstance.get() as instance:
            end_dead_runs(instance, {} if scope == "all" else OWNER_TAG)
    except Transient:
        return  # a night is running in a terminal; its run is alive


if __name__ == "__main__":
    _prepare_for_servers(*sys.argv[1:])
