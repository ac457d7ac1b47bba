"""Commands of the analyst: query, trail, dbt, whatif.

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


def trail(record: str, /, *, terminal: Injected) -> Answer:
    """跟踪一笔钱：付款、账户、凭证、发票、采购验收、领料、当日餐费收入。

    Args:
        record: 资金事件编号，或银行流水、付款、结算、发票、订单、采购、凭证的编号。
    """
    from pipelines import trail as money

    found = money.follow(terminal.settings, record)
    rows = [
        [row["step"], row["biz_date"], row["document_no"] or "", _amount(row["amount_yuan"]), row["what"] or "",
         money.source(row["source_feed"]), row["_provider"] or ""]
        for row in found.iter_rows(named=True)
    ]  # fmt: skip
    lines = table([["环节", "日期", "单据", "金额（元）", "内容", "来源", "提供方"], *rows])
    coded = money.coding_of(terminal.settings, found)
    lines += [f"科目建议：{one['account_code'] or '无'}（{one['explanation']}）" for one in coded]
    return Answer({"rows": found.to_dicts(), "coding": coded}, lines)


def _amount(amount: object) -> str:
    return "" if amount is None else f"{amount:,}"


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
