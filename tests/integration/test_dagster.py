"""Dagster runs the steps of a night: ranges in one run, retries only where they help, from its page too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines import cockpit, night, receiving, scoring, services
from pipelines.definitions import defs
from pipelines.defs import assets, local, sensors
from pipelines.defs.schedules import every_midnight, every_night
from warehouse import settings
from warehouse.errors import Permanent, Transient
from warehouse.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("receive", "silver", "quality", "gold", "publish")
Call = tuple[str, date, date]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    made = settings.load(tmp_path / "home")
    (made.home / "landing").mkdir()
    monkeypatch.setenv("CANTEEN_KEYS", str(tmp_path / "keys"))
    monkeypatch.setenv("CANTEEN_HOME", str(made.home))
    monkeypatch.setenv("CANTEEN_LANDING", str(made.home / "landing"))
    monkeypatch.setenv("DAGSTER_HOME", str(made.home / "dagster"))
    monkeypatch.setattr(assets, "RETRY_AFTER_S", 0)
    return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """The steps of a night, replaced by ones that only note that they ran."""
    noted: list[Call] = []

    def noting(name: str) -> Callable[[night.Night, object], dict[str, int]]:
        def step(tonight: night.Night, _: object) -> dict[str, int]:
            noted.append((name, tonight.first, tonight.last))
            return {"rows": 3}

        return step

    for name in STEPS:
        monkeypatch.setattr(night, name, noting(name))
    return noted


def a_night(home: Settings, first: date, last: date) -> night.Night:
    return night.Night(home, home.home / "landing", first, last)


def test_range_runs_every_step_once_and_fills_every_partition(home: Settings, calls: list[Call]) -> None:
    first, last = date(2026, 9, 1), date(2026, 9, 10)
    counts = local.run(a_night(home, first, last))
    assert calls == [(step, first, last) for step in STEPS]
    assert counts == {name: {"rows": 3} for name in ("receipts", "silver", "quality", "gold", "published")}
    with dg.DagsterInstance.get() as instance:
        filled = instance.get_materialized_partitions(dg.AssetKey("published"))
    assert filled == {str(first + timedelta(days=day)) for day in range(10)}


def test_a_date_after_today_can_be_run_because_cities_are_simulated(
    home: Settings, calls: list[Call]
) -> None:
    day = datetime.now(UTC).date() + timedelta(days=400)
    local.run(a_night(home, day, day))
    assert [name for name, *_ in calls] == list(STEPS)


def test_transient_error_is_tried_again(
    home: Settings, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def busy_once(_: night.Night, __: object) -> dict[str, int]:
        attempts.append(1)
        if len(attempts) == 1:
            raise Transient("busy")
        return {}

    monkeypatch.setattr(night, "gold", busy_once)
    local.run(a_night(home, date(2026, 9, 1), date(2026, 9, 1)))
    assert len(attempts) == 2
    assert calls[-1][0] == "publish"


@pytest.mark.parametrize("error", [Permanent("wrong layout"), ValueError("defect")])
def test_any_other_error_ends_the_run_at_once(
    error: Exception, home: Settings, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[int] = []

    def fail(_: night.Night, __: object) -> dict[str, int]:
        attempts.append(1)
        raise error

    monkeypatch.setattr(night, "silver", fail)
    with pytest.raises(type(error), match=str(error)):
        local.run(a_night(home, date(2026, 9, 1), date(2026, 9, 1)))
    assert len(attempts) == 1
    assert [name for name, *_ in calls] == ["receive"]


def test_files_that_are_not_accounted_for_stop_the_run_before_gold(
    home: Settings, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "conserved", lambda *_: False)
    with pytest.raises(Permanent, match="rows_are_conserved"):
        local.run(a_night(home, date(2026, 9, 1), date(2026, 9, 1)))
    assert [name for name, *_ in calls] == ["receive", "silver"]


def test_run_whose_process_died_is_ended_by_the_next_night(home: Settings, calls: list[Call]) -> None:
    local.prepare(home)
    with dg.DagsterInstance.get() as instance:
        dead = instance.create_run_for_job(
            defs.resolve_job_def("nightly"), status=dg.DagsterRunStatus.STARTED, tags=local.OWNER_TAG
        )
        local.run(a_night(home, date(2026, 9, 1), date(2026, 9, 1)))
        ended = instance.get_run_by_id(dead.run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


def test_schedule_is_on_and_takes_the_day_that_ended_in_shanghai() -> None:
    assert every_night.default_status == dg.DefaultScheduleStatus.RUNNING
    assert (every_night.cron_schedule, every_night.execution_timezone) == ("0 2 * * *", "Asia/Shanghai")
    at = datetime(2026, 9, 1, 18, 0, tzinfo=UTC)  # 02:00 of 2 September in Shanghai
    request = every_night(dg.build_schedule_context(scheduled_execution_time=at))
    assert request.tags["dagster/asset_partition_range_start"] == "2026-09-01"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-09-01"


def test_grants_are_renewed_every_midnight_where_a_cockpit_is_in_use(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[Path] = []
    monkeypatch.setattr(cockpit, "refresh", lambda opened: renewed.append(opened.home))
    assert (every_midnight.cron_schedule, every_midnight.execution_timezone) == ("1 0 * * *", "Asia/Shanghai")
    assert every_midnight.default_status == dg.DefaultScheduleStatus.RUNNING
    job = defs.resolve_job_def(every_midnight.job_name)
    assert job.execute_in_process().success
    assert renewed == []
    (home.home / "superset").mkdir()
    (home.home / "superset" / "access.json").touch()
    assert job.execute_in_process().success
    assert renewed == [home.home]


def deliver(home: Settings, day: str, name: str, age_s: int = 600) -> None:
    folder = home.home / "landing" / "city" / day
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("x\n", "utf8")
    then = time.time() - age_s
    os.utime(folder / name, (then, then))


def tick(cursor: str | None) -> Any:
    context = dg.build_sensor_context(cursor=cursor)
    resource = assets.Lakehouse(home=os.environ["CANTEEN_HOME"], landing=os.environ["CANTEEN_LANDING"])
    return sensors.landing_arrivals(context, lakehouse=resource)


def test_sensor_asks_once_for_what_arrived(home: Settings) -> None:
    assert isinstance(tick(None), dg.SkipReason)
    deliver(home, "2026-09-01", "org.csv")
    deliver(home, "2026-09-03", "purchase.csv")
    asked = tick(None)
    (request,) = asked.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "2026-09-01"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-09-03"
    assert isinstance(tick(asked.cursor), dg.SkipReason)

    deliver(home, "2026-09-03", "refund.csv")
    again = tick(asked.cursor)
    assert again.run_requests[0].tags["dagster/asset_partition_range_start"] == "2026-09-03"
    assert again.run_requests[0].run_key != request.run_key


def test_sensor_waits_for_a_file_on_its_way(home: Settings) -> None:
    deliver(home, "2026-09-01", "org.csv", age_s=0)
    assert isinstance(tick(None), dg.SkipReason)


def test_sensor_asks_for_nothing_that_a_night_has_taken(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(home, "2026-09-01", "org.csv")
    monkeypatch.setattr(night, "unchanged", lambda _: True)
    assert not tick(None).run_requests


def test_assets_are_few_described_in_chinese_and_gated() -> None:
    specs = list(defs.resolve_all_asset_specs())
    assert len(specs) == 5
    assert {spec.group_name for spec in specs} == {"governance", "meal_funds", "cockpit"}
    assert all(any("一" <= character <= "鿿" for character in spec.description or "") for spec in specs)
    gates = {key.name: key.asset_key.to_user_string() for key in defs.resolve_asset_graph().asset_check_keys}
    assert gates == {"rows_are_conserved": "silver", "publication_loses_no_dates": "published"}


def test_definitions_load_without_a_data_home(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("CANTEEN", "DAGSTER"))}
    subprocess.run(
        [sys.executable, "-c", "import pipelines.definitions"],
        cwd=tmp_path,
        env={**bare, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def page(home: Settings) -> Iterator[str]:
    """The servers of a data home, as ``./canteen serve`` starts them."""
    running = services.serve(home, home.home / "landing", host="127.0.0.1", port=None, progress=print)
    yield running[0].address
    services.stop(home, print)
    assert not any(services._group_alive(one.pid) for one in running)


def ask(page: str, query: str, **variables: object) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310  (our own page, on loopback)
        f"{page}/graphql",
        data=json.dumps({"query": query, "variables": variables}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    assert "errors" not in found, found
    return found["data"]


LAUNCH = """mutation ($backfill: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $backfill) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
RUNS = """query ($backfill: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $backfill}]}) {
    ... on Runs { results { status tags { key value } stats { ... on RunStatsSnapshot { stepsFailed } } } } } }"""


def test_scheduler_back_fills_a_range_from_the_page_in_one_run(home: Settings, page: str) -> None:
    deliver(home, "2026-09-02", "unknown.csv", age_s=0)
    names = ["receipts", "silver", "quality", "gold", "published"]
    launched = ask(
        page,
        LAUNCH,
        backfill={
            "assetSelection": [{"path": [name]} for name in names],
            "partitionNames": ["2026-09-01", "2026-09-02", "2026-09-03"],
        },
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    deadline = time.monotonic() + 400
    runs: list[dict[str, Any]] = []
    while time.monotonic() < deadline and not (runs and runs[0]["status"] in ("SUCCESS", "FAILURE")):
        time.sleep(1)
        runs = ask(page, RUNS, backfill=launched["backfillId"])["runsOrError"]["results"]
    assert [run["status"] for run in runs] == ["SUCCESS"]
    tags = {tag["key"]: tag["value"] for tag in runs[0]["tags"]}
    assert tags["dagster/asset_partition_range_start"] == "2026-09-01"
    assert tags["dagster/asset_partition_range_end"] == "2026-09-03"
    assert receiving.known(home)["status"].to_list() == ["refused"]
