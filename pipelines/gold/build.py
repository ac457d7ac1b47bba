"""Run dbt in this process: parsed once, one invocation a night.

Belongs here: flags, environment and failures of dbt. The build file is closed before returning.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

from pipelines.gold.brisk import as_parsed, brisk, write_manifest
from pipelines.gold.plan import Plan
from warehouse.errors import Permanent
from warehouse.fingerprint import code_hash
from warehouse.settings import ROOT, Settings

PROJECT: Final = ROOT / "dbt_project"
# Parsing takes seconds and depends on the project alone: once per process.
_PARSED: dict[tuple[str, str, str], Any] = {}


def night(settings: Settings, plan: Plan, pins: Path) -> Any:
    """Build every model for the plan's window.

    Returns:
        dbt's manifest. It is also written beside the build file whenever the project may have changed.

    Raises:
        Permanent: A model or a data test failed; the message names it.
    """
    if plan.full and settings.build.exists():
        settings.build.unlink()
    # Ephemeral models are compiled where they are used: no need to visit each.
    left_out = ["--exclude", "config.materialized:ephemeral", "--exclude-resource-type", "unit_test"]
    if not plan.full:
        # Seeds are part of the project: when one changes, the plan is a full one.
        left_out += ["--exclude-resource-type", "seed"]
    arguments = ["build", *left_out, "--vars", json.dumps(plan.window)]
    manifest = run(settings, arguments, build=settings.build, pins=pins, target="night")
    written = settings.build.parent / "target" / "manifest.json"
    if plan.full or not written.exists():
        write_manifest(manifest, written)
    return manifest


def run(settings: Settings, arguments: Sequence[str], *, build: Path, pins: Path, target: str) -> Any:
    """Invoke dbt once.

    Args:
        settings: The data home.
        arguments: dbt command and flags.
        build: DuckDB file to build in (always called build.duckdb).
        pins: File written by ``plan.write_pins``.
        target: dbt target.

    Returns:
        dbt's manifest of this run.

    Raises:
        Permanent: dbt failed; the message names the node.
    """
    build.parent.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        CANTEEN_BUILD=str(build),
        CANTEEN_PINS=str(pins),
        DO_NOT_TRACK="1",
        DBT_SEND_ANONYMOUS_USAGE_STATS="false",
    )
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    common = _common(build, target)
    # A night says what failed in its error and writes no JSON: half a second for each night.
    alone = target == "night"
    quiet = ["--log-level", "none", "--no-print", "--no-write-json"] if alone else []
    try:
        manifest = as_parsed(parsed(build, target))
        with brisk() if alone else nullcontext():
            result = dbtRunner(manifest=manifest).invoke([*quiet, *arguments, *common])
    finally:
        DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise Permanent(_reason(result))
    return manifest


def parsed(build: Path, target: str) -> Any:
    """dbt's parsed project, made once in a process.

    Args:
        build: DuckDB file beside which dbt keeps what it parsed.
        target: dbt target.

    Raises:
        Permanent: The project is wrong.
    """
    from dbt.cli.main import dbtRunner

    key = (target, os.environ.get("CANTEEN_ANALYST", ""), code_hash("dbt_project"))
    if key not in _PARSED:
        # dbt parses anew when anything named in the profile changes; parsing opens no database.
        named = os.environ["CANTEEN_BUILD"]
        os.environ["CANTEEN_BUILD"] = "build.duckdb"
        try:
            done = dbtRunner().invoke(["--quiet", "parse", *_common(build, target)])
        finally:
            os.environ["CANTEEN_BUILD"] = named
        if not done.success:
            raise Permanent(_reason(done))
        _PARSED[key] = done.result
        gc.freeze()  # it lives as long as the process: the collector need not walk it in every run
    return _PARSED[key]


def _common(build: Path, target: str) -> list[str]:
    """Flags of every invocation."""
    return [
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target", target),
        *("--target-path", str(build.parent / "target"), "--log-path", str(build.parent / "logs")),
        *("--log-level-file", "warn"),  # at dbt's own level a tenth of a night goes into the log
    ]


def _reason(result: Any) -> str:
    if result.exception is not None:
        return f"dbt stopped: {str(result.exception).strip().splitlines()[0]}; see logs/dbt.log beside the build file"
    failed = [
        f"{node.node.name}: {str(node.message).strip().splitlines()[0]}"
        for node in (result.result or [])
        if str(node.status) in ("error", "fail")
    ]
    return f"dbt refused the build ({'; '.join(failed[:5])}); nothing was published, correct the model or the data and run again"
