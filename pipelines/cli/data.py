"""Commands that make data, move them in or look at files: simulate, nightly, ingest, inspect, conform, prices.

Belongs here: their options and answers.
"""

from __future__ import annotations

import logging
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from pipelines.cli.terminal import Answer, Misuse, Terminal, table
from pipelines.lock import writer
from pipelines.night import Night, unchanged
from warehouse.errors import Permanent

Injected = Annotated[Terminal, Parameter(parse=False)]


def simulate(
    out: Path,
    /,
    *,
    canteens: int,
    first: Annotated[date, Parameter(name="--from")],
    last: Annotated[date, Parameter(name="--to")],
    seed: int,
    faults: str = "all",
    terminal: Injected,
) -> Answer:
    """生成一座模拟城市：OUT/landing 为交付文件，OUT/truth 为埋设的真相。

    Args:
        out: 输出文件夹。
        canteens: 食堂数。
        first: 第一天。
        last: 最后一天。
        seed: 随机种子，相同种子得到相同的城市。
        faults: all、none 或以逗号分隔的问题种类。
    """
    _ordered(first, last)
    if canteens < 1:
        raise Misuse("--canteens 至少为 1")
    kinds = None if faults == "all" else frozenset(() if faults == "none" else faults.split(","))
    from ingest import simulator

    def told(done: int, total: int) -> None:
        if done == total or done % 30 == 0:
            terminal.progress(f"模拟 {done}/{total} 天")

    made = simulator.simulate(out, canteens, first, last, seed, kinds, told)
    return Answer({"out": str(out), **made}, [f"{name}：{value}" for name, value in made.items()])


def nightly(
    *,
    day: Annotated[date, Parameter(name="--date")],
    to: date | None = None,
    landing: Path | None = None,
    force: bool = False,
    terminal: Injected,
) -> Answer:
    """夜间批次：处理截至某个到达日期的全部交付，从收件到发布。

    Args:
        day: 到达日期；有 --to 时为第一天。
        to: 最后一天；一段日期只运行一次。
        landing: 交付文件夹，默认为数据目录下的 landing。
        force: 没有变化也重做一遍。
    """
    last = to or day
    _ordered(day, last)
    tonight = Night(terminal.settings, (landing or terminal.landing).absolute(), day, last, force)
    if not tonight.landing.is_dir():
        raise Permanent(f"交付文件夹不存在：{tonight.landing}，请用 --landing 指定")
    return run_night(tonight, terminal)


def run_night(tonight: Night, terminal: Terminal) -> Answer:
    """Run a night unless nothing changed; only then is Dagster imported.

    Args:
        tonight: Where and which arrival dates.
        terminal: Where progress goes.
    """
    span = {"first": tonight.first.isoformat(), "last": tonight.last.isoformat()}
    if unchanged(tonight):
        return Answer({"changed": False, **span, "steps": {}}, ["没有变化，无需运行（--force 可强制重做）"])
    show = logging.getLogger("canteen")
    show.setLevel(logging.INFO)
    show.propagate = False
    handler = logging.Handler()
    handler.emit = lambda record: terminal.progress(record.getMessage())  # type: ignore[method-assign]
    show.handlers = [handler]
    from pipelines.defs import local

    steps = local.run(tonight)
    lines = [
        f"{step}：" + "，".join(f"{name} {count}" for name, count in counts.items())
        for step, counts in steps.items()
    ]
    return Answer({"changed": True, **span, "steps": steps}, lines)


def ingest(paths: list[Path], /, *, provider: str, terminal: Injected) -> Answer:
    """收件：每个文件一张回执（接收、隔离、重复、被取代、拒收及原因）。

    Args:
        paths: 文件或文件夹。
        provider: 来源代码。
    """
    from pipelines import accounting, receiving
    from pipelines.silver import door

    with writer(terminal.home):
        receipts = receiving.paths(terminal.settings, paths, provider, terminal.progress)
        door.run(terminal.settings, terminal.progress, lambda _: None)
    found = accounting.by_file(terminal.settings, receipts)
    return Answer({"receipts": found.to_dicts()}, table([found.columns, *found.rows()]))


def inspect(file: Path, /, *, terminal: Injected) -> Answer:
    """识别一个文件的版式、行数和合计，不入库。

    Args:
        file: 文件。
    """
    from ingest.inspect import inspect as examine

    found = examine(file)
    return Answer(found, [line for one in found["files"] for line in _described(one)])


def conform(directory: Annotated[Path, Parameter(name="DIR")], /, *, terminal: Injected) -> Answer:
    """对照标准数据包检查一次交付的全部文件，不入库；不通过时退出码为 1。

    Args:
        directory: 交付文件夹，或按 <提供方>/<到达日期> 存放的上级文件夹。
    """
    from pipelines import conform as kit

    found = kit.check(directory, terminal.progress)
    return Answer(found, _verdict(found), code=0 if found["conforms"] else 1)


def prices(file: Path, /, *, out: Path, terminal: Injected) -> Answer:
    """检查任一价格表（CSV、xlsx、JSON Lines）：每条线索一行写入 CSV，附文件行号；不入库。

    Args:
        file: 价格表，首行为列名，至少有日期、品名、单价；规格、单位、数量、供应商、食堂、县区、参考价、报价、限价有则用。
        out: 写出的 CSV。
    """
    from pipelines import price_file

    found = price_file.find(file, terminal.progress)
    found.frame.write_csv(out)
    data = price_file.answer(found, out)
    lines = [f"{file.name}：{data['rows']} 行，{data['tested']} 行参加检验，{data['unread']} 行无法读取"]
    if found.unread:
        lines.append(f"无法读取的行（表头为第 1 行）：{'、'.join(map(str, data['unread_lines']))}")
    lines += [f"未检验 {one['why']}" for one in data["not_run"]]
    lines.append(f"{data['findings']} 条线索，写入 {out}")
    lines += [
        f"  {row['text_zh']}（行 {row['lines']}）" for row in found.frame.head(10).iter_rows(named=True)
    ]
    return Answer(data, lines)


def _verdict(found: dict[str, Any]) -> list[str]:
    """The files of a delivery, what is wrong with them, and the conclusion."""
    from pipelines.conform import SHOWN, shown

    files = [
        [
            one["file"],
            one["feeds"] or "—",
            "—" if one["rows"] is None else one["rows"],
            "通过" if one["conforms"] else "不通过",
            one["violations"],
        ]
        for one in found["files"]
    ]
    wrong = [
        [
            one["file"],
            one["row"] or "—",
            shown(one["field"]) if one["field"] else "—",
            one["text"],
            one["remedy"],
        ]
        for one in found["violations"]
    ]
    lines = table([["文件", "数据", "行数", "结论", "问题数"], *files])
    if wrong:
        lines += ["", *table([["文件", "行（不含表头）", "列", "问题", "怎么办"], *wrong])]
        lines += [f"同一文件同一规则同一列最多列出 {SHOWN} 行"]
    failed = sum(not one["conforms"] for one in found["files"])
    conclusion = "通过" if found["conforms"] else f"不通过，{len(files)} 个文件中 {failed} 个有问题"
    return [*lines, "", f"结论：{conclusion}"]


def _described(one: dict[str, Any]) -> list[str]:
    """What was recognised in one file, or why it is refused."""
    if "refused" in one:
        return [f"{one['name']}：拒收（{one['refused']}）{one['message']}"]
    lines = [f"{one['name']}：版式 {one['layout']}，编码 {one['encoding']}，{one['rows']} 行"]
    for feed, content in one["feeds"].items():
        totals = "，".join(f"{column} 合计 {total}" for column, total in content["totals"].items())
        span = f"{content['biz_date_from'] or '—'} 至 {content['biz_date_to'] or '—'}"
        lines.append(f"  {feed}：{content['rows']} 行，业务日期 {span}{'，' if totals else ''}{totals}")
    return lines


def _ordered(first: date, last: date) -> None:
    if first > last:
        raise Misuse(f"第一天 {first} 晚于最后一天 {last}")
