"""The command of the developer and of CI: test.

Belongs here: which checks there are and in what order they run.
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer, Misuse, Terminal
from warehouse.settings import ROOT

WORKERS: Final = "2"
SQL: Final = ("dbt_project/models", "dbt_project/tests", "dbt_project/analyses")
PARTS: Final[dict[str, list[list[str]]]] = {
    "ruff": [["-m", "ruff", "check", "."], ["-m", "ruff", "format", "--check", "."]],
    "mypy": [["-m", "mypy"]],
    "imports": [["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]],
    "sql": [
        ["-m", "sqlfluff", "lint", *SQL, "--processes", WORKERS, "--disable-progress-bar"],
        ["-m", "pytest", "tests/unit/test_dbt_portable_sql.py"],
    ],
    # More workers than cores, because tests wait for servers and browsers; what goes together: tests/conftest.py.
    "pytest": [
        [
            *("-m", "pytest", "-n", "4", "--dist", "loadgroup", "--no-loadscope-reorder"),
            *("--ignore", "tests/unit/test_dbt_portable_sql.py"),
        ]
    ],
}
"""Name of a part to the arguments of Python that run it."""


def run_checks(part: str | None = None, /, *, terminal: Injected) -> Answer:
    """CI 运行的全部检查：ruff、mypy、import-linter、sqlfluff 与可移植 SQL、pytest。

    Args:
        part: 只运行一部分：ruff、mypy、imports、sql、pytest，或一个测试路径。
    """
    if part is None:
        chosen = PARTS
    elif part in PARTS:
        chosen = {part: PARTS[part]}
    elif (ROOT / part.split("::")[0]).exists():
        chosen = {part: [["-m", "pytest", part]]}
    else:
        raise Misuse(f"没有部分 {part}：可用的有 {'、'.join(PARTS)}，或一个测试路径")
    # pytest waits for servers and browsers; the other parts use that time.
    live = {name: commands for name, commands in chosen.items() if name == "pytest" or part is not None}
    with ThreadPoolExecutor(1) as beside:
        waiting = {
            name: beside.submit(_part, name, commands, terminal, held=True)
            for name, commands in chosen.items()
            if name not in live
        }
        results = {name: _part(name, commands, terminal, held=False) for name, commands in live.items()}
        results = {name: done.result() for name, done in waiting.items()} | results
    failed = [name for name, result in results.items() if not result["passed"]]
    lines = [
        f"{'通过' if result['passed'] else '失败'}  {name}  {result['seconds']} s"
        for name, result in results.items()
    ]
    return Answer({"parts": results, "passed": not failed}, lines, code=int(bool(failed)))


def _part(name: str, commands: list[list[str]], terminal: Terminal, *, held: bool) -> dict[str, object]:
    """Run one part; what a held one prints is shown when it has ended, and only if it failed."""
    terminal.progress(name)
    started = time.monotonic()
    done = [_run(command, quiet=terminal.as_json, held=held) for command in commands]
    passed = not any(one.returncode for one in done)
    if held and not passed:
        terminal.progress("".join(f"{one.stdout}" for one in done))
    return {"passed": passed, "seconds": round(time.monotonic() - started, 1)}


def _run(command: list[str], *, quiet: bool, held: bool) -> subprocess.CompletedProcess[str]:
    """Run Python at the project's root; under ``--json`` its output goes to stderr."""
    return subprocess.run(  # noqa: S603
        [sys.executable, *command],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if held else sys.stderr if quiet else None,
        stderr=subprocess.STDOUT if held else None,
        text=True,
        check=False,
    )
