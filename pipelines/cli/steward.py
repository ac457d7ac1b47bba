"""Commands of the data steward: quarantine list, show, release; decide.

Belongs here: their options and answers.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import App, Parameter

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer, Misuse, table
from pipelines.lock import writer

QUARANTINE: Final = App(
    name="quarantine",
    help="隔离区：列出、查看、放行不合格的行。",
    default_parameter=Parameter(negative=()),
    version_flags=[],
)


@QUARANTINE.command(name="list")
def list_rows(*, provider: str | None = None, terminal: Injected) -> Answer:
    """列出隔离区的行。

    Args:
        provider: 只列一个来源。
    """
    from pipelines import stewardship

    rows = stewardship.listing(terminal.settings, provider=provider)
    return Answer(
        {"rows": rows},
        table([list(rows[0]), *(list(row.values()) for row in rows)]) if rows else ["隔离区没有待处理的行"],
    )


@QUARANTINE.command
def show(row: str, /, *, terminal: Injected) -> Answer:
    """查看一行：文件、行号、字段、规则、怎么办。

    Args:
        row: list 给出的编号。
    """
    from pipelines import stewardship

    found = stewardship.show(terminal.settings, row)
    return Answer(found, [line for name, value in found.items() for line in _lines(name, value)])


@QUARANTINE.command
def release(
    row: str,
    /,
    *,
    by: str,
    reason: str,
    changes: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    terminal: Injected,
) -> Answer:
    """放行一行：写成一个新的交付文件，由下一次夜间批次处理。

    Args:
        row: list 给出的编号。
        by: 放行人。
        reason: 理由。
        changes: 改正的值，写作 列名=值，可写多次。
    """
    from pipelines import stewardship

    if any("=" not in change for change in changes):
        raise Misuse("--set 后面要写 列名=值")
    values = dict(change.split("=", 1) for change in changes)
    with writer(terminal.home):
        found = stewardship.release(terminal.settings, row, by=by, reason=reason, changes=values)
    return Answer(found, [f"{name}：{value}" for name, value in found.items()])


def decide(file: Path, /, *, terminal: Injected) -> Answer:
    """采纳一份三流差异裁定（CSV），由下一次夜间批次生效。

    Args:
        file: CSV，列为差异或事件编号、裁定、事由、裁定角色，可有科目编码、上报时间。
    """
    from pipelines import deciding

    today = datetime.now(timezone(timedelta(hours=8))).date()
    with writer(terminal.home):
        found = deciding.decide(terminal.settings, file, today)
    state = "已接收，下一次夜间批次生效" if found["status"] == "received" else "此前已接收，没有变化"
    return Answer(found, [f"{file.name}：{found['decisions']} 条裁定，{state}"])


def _lines(name: str, value: Any) -> list[str]:
    """One fact of a row, its parts indented below it."""
    if isinstance(value, dict):
        return [f"{name}：", *(f"  {part}：{'' if text is None else text}" for part, text in value.items())]
    if isinstance(value, list):
        texts = ("；".join(f"{part} {text}" for part, text in one.items() if text) for one in value)
        return [f"{name}：", *(f"  {text}" for text in texts)]
    return [f"{name}：{value}"]
