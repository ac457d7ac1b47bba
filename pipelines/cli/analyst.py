"""Commands of the analyst: query, dbt, whatif.

Belongs here: their options and answers. Nothing here writes to what is published.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer, table


def query(
    sql: str,
    /,
    *,
    form: Annotated[Literal["table", "csv", "json"], Parameter(name="--format")] = "table",
    terminal: Injected,
) -> Answer:
    """只读查询 silver.*、gold.*、cockpit.*，仅限本机操作员。

    Args:
        sql: 一条 SELECT。
        form: table、csv 或 json。
    """
    from pipelines import querying

    frame = querying.select(terminal.settings, sql)
    data = {"columns": frame.columns, "rows": frame.rows()}
    if form == "csv":
        return Answer(data, frame.write_csv().splitlines())
    if form == "json":
        return Answer(data, [json.dumps(frame.to_dicts(), ensure_ascii=False, default=str)])
    return Answer(data, table([frame.columns, *frame.rows()]))


def dbt(*words: Annotated[str, Parameter(allow_leading_hyphen=True)], terminal: Injected) -> Answer:
    """在分析员自己的库里运行 dbt（run、build、test、docs 等），数据取自最近一次发布。

    Args:
        words: dbt 的参数。
    """
    from pipelines import analyst

    made = analyst.dbt(terminal.settings, words)
    return Answer(made, [f"结果在 {made['build']} 的 {made['schema']} 等库中；已发布的内容没有变"])


def whatif(thresholds: Path, /, *, terminal: Injected) -> Answer:
    """换一组阈值，列出判定会改变的食堂；已发布的内容不变。

    Args:
        thresholds: 与 ref_threshold 同样格式的 CSV。
    """
    from pipelines import analyst

    terminal.progress("在自己的库里按新阈值重新判定")
    changed = analyst.whatif(terminal.settings, thresholds)
    data = {"changed": changed.to_dicts(), "canteens": changed["canteen_id"].n_unique()}
    return Answer(
        data,
        [*table([changed.columns, *changed.rows()]), f"共 {data['canteens']} 个食堂的判定会改变"],
    )
