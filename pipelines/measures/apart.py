"""What a command takes when it runs in a process of its own.

Belongs here: starting one command and counting its time and memory, and the peak of a running process. The kernel
counts the memory of a forking process as its child's peak, so ``ru_maxrss`` of a child that we start ourselves would
tell our own size: a small launcher stands between, and a running process is asked for its own high-water mark.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from warehouse.settings import ROOT

_GB: Final = 1_000_000_000
_LAUNCHER: Final = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.call(sys.argv[2:])
wall = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024], file)
sys.exit(code)
"""


@dataclass(frozen=True)
class Cost:
    """What one command took.

    Attributes:
        wall_s: Elapsed seconds.
        cpu_s: User and system seconds, children included.
        peak_gb: Largest resident size of any one process, in GB.
    """

    wall_s: float
    cpu_s: float
    peak_gb: float


def run(words: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run a Python command, as ``python words``, in the project's folder.

    Args:
        words: Arguments of the interpreter.
        environment: Variables set beside those of this process.

    Returns:
        What it took, and what it printed.

    Raises:
        RuntimeError: The command failed.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-apart-") as folder:
        took, said = Path(folder) / "took", Path(folder) / "said"
        with said.open("w") as log:
            code = subprocess.call(  # noqa: S603
                [sys.executable, "-I", "-c", _LAUNCHER, str(took), sys.executable, *words],
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdout=log,
                stderr=log,
            )
        printed = said.read_text(errors="replace")
        if code:
            raise RuntimeError(f"{' '.join(words)} failed while it was measured: {printed[-2000:]}")
        wall, cpu, peak = json.loads(took.read_text())
    return Cost(wall, cpu, peak / _GB), printed


def peak_gb(process: str = "self") -> float:
    """Greatest resident memory so far of a running process, in GB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024 / _GB
