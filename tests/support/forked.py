"""Processes that a test may kill: forked from one that has imported what they need and parsed dbt's project.

Belongs here: that one process. ``multiprocessing`` keeps a single fork server, so all its preloads are named here.
"""

import functools
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

from warehouse.settings import ROOT

_PRELOADED = [
    *("city", "ingest.connectors.extraction", "pipelines.silver.door"),
    *("pipelines.gold.step", "pipelines.publish.snapshot", "parsed"),
]


def run(target: Callable[..., None], *args: Any) -> int | None:
    """Run a function of a module in a process of its own.

    Returns:
        Exit code (-9 when it was killed).
    """
    process = _context().Process(target=_loaded, args=(target, *args))
    process.start()
    process.join()
    return process.exitcode


@functools.cache
def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    # The fork server of Python 3.11 does not look where its parent looks, and passes over what it cannot import.
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return context


def _loaded(target: Callable[..., None], *args: Any) -> None:
    missing = [name for name in _PRELOADED if name not in sys.modules]
    assert not missing, f"the fork server has not loaded {missing}"
    target(*args)
