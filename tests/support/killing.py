"""Runs one night in a process of its own and kills it, for real, right after a chosen durable step."""

import datetime as dt
import os
import signal
from pathlib import Path

import forked


def _night(home: Path, landing: Path, last: dt.date, kill_after: int | None, log: Path) -> None:
    import city

    steps = 0

    def on_step(name: str) -> None:
        nonlocal steps
        with log.open("a") as out:
            out.write(f"{name}\n")
            out.flush()
        if steps == kill_after:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    city.run(home, landing, last, on_step=on_step)


def night(
    home: Path, landing: Path, last: dt.date, kill_after: int | None = None
) -> tuple[list[str], int | None]:
    """Run a night; kill it after the step with the given number (from 0).

    Returns:
        The steps that were reached, and the exit code (-9 when it was killed).
    """
    log = home / "steps.log"
    log.unlink(missing_ok=True)
    code = forked.run(_night, home, landing, last, kill_after, log)
    return log.read_text().split() if log.exists() else [], code
