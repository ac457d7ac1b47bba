"""Run dbt in this process: parsed once, one invocation a night.

Belongs here: flags, environment and failures of dbt. The build file is closed before returning.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pipelines.gold.plan import Plan
from warehouse.errors import Permanent
from warehouse.fingerprint import code_hash
from warehouse.settings import ROOT, Settings

PROJECT: Final = ROOT / "dbt_project"
# Parsing takes seconds and depends on the project alone: once per process.
_PARSED: dict[tuple[str, str, str], Any] = {}


def night(settings: Settings, plan: Plan, pins: Path) -> dict[str, Any]:
    """Build every model for the plan's window.

    Returns:
        dbt's manifest (nodes as dictionaries).

    Raises:
        Permanent: A model or a data test failed; the message names it.
    """
    if plan.full and settings.build.exists():
        settings.build.unlink()
    arguments = ["build", "--exclude-resource-type", "unit_test", "--vars", json.dumps(plan.window)]
    return run(settings, arguments, build=settings.build, pins=pins, target="night")


def run(
    settings: Settings, arguments: Sequence[str], *, build: Path, pins: Path, target: str
) -> dict[str, Any]:
    """Invoke dbt once.

    Args:
        settings: The data home.
        arguments: dbt command and flags.
        build: DuckDB file to build in (always called build.duckdb).
        pins: File written by ``plan.write_pins``.
        target: dbt target.
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
    quiet = ["--quiet", "--no-print", "--no-use-colors"] if target == "night" else []
    try:
        # A run marks ephemeral models as compiled in its manifest: each run gets a copy.
        manifest = parsed(build, target).deepcopy()
        result = dbtRunner(manifest=manifest).invoke([*quiet, *arguments, *common])
    finally:
        DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise Permanent(_reason(result))
    return json.loads((build.parent / "target" / "manifest.json").read_text("utf8"))  # type: ignore[no-any-return]


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
        done = dbtRunner().invoke(["--quiet", "parse", *_common(build, target)])
        if not done.success:
            raise Permanent(_reason(done))
        _PARSED[key] = done.result
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
