"""Commands that make data, move them in or look at files (simulate, nightly, ingest, inspect, prices, link).

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
from warehouse import vocabulary
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
    lines = [f"{name}：{value}" for name, value in made.items() if name != "price_realism"]
    prices = [
        f"{name}：{found['text_zh']}（{found['source']}）" for name, found in made["price_realism"].items()
    ]
    return Answer({"out": str(out), **made}, lines + prices)


def nightly(
    *,
    day: Annotated[date, Parameter(name="--date")],
    to: date | None = None,
    landing: Path | None = None,
    video: Path | None = None,
    force: bool = False,
    terminal: Injected,
) -> Answer:
    """夜间批次：处理截至某个到达日期的全部交付，从收件到发布。

    Args:
        day: 到达日期；有 --to 时为第一天。
        to: 最后一天；一段日期只运行一次。
        landing: 交付文件夹，默认为数据目录下的 landing。
        video: 视频文件夹，清单中的路径从它起算；默认为交付文件夹旁的 video。
        force: 没有变化也重做一遍。
    """
    last = to or day
    _ordered(day, last)
    tonight = Night(
        terminal.settings,
        (landing or terminal.landing).absolute(),
        day,
        last,
        force,
        video=None if video is None else video.absolute(),
    )
    if video is not None and not video.is_dir():
        raise Permanent(f"视频文件夹不存在：{video}，请用 --video 指定")
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


def extract(
    *,
    provider: str,
    day: Annotated[date | None, Parameter(name="--date")] = None,
    landing: Path | None = None,
    terminal: Injected,
) -> Answer:
    """从提供方的数据库取出有变化的食堂日，写成交付文件；夜间批次会先做这一步。

    Args:
        provider: 来源代码，其登记文件中须有 database。
        day: 到达日期，默认为今天。
        landing: 交付文件夹，默认为数据目录下的 landing。
    """
    from datetime import datetime, timedelta, timezone

    from pipelines import extracting

    arrival = day or datetime.now(timezone(timedelta(hours=8))).date()
    folder = (landing or terminal.landing).absolute()
    with writer(terminal.home):
        found = extracting.one(terminal.settings, provider, folder, arrival, terminal.progress)
    line = f"{len(found['files'])} 个文件，{found['rows']} 行，{found['canteen_days']} 个食堂日，撤销 {found['withdrawn']} 个"
    return Answer(found, [line, *found["files"]])


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

    found = examine(file, terminal.home)
    return Answer(found, [line for one in found["files"] for line in _described(one)])


def conform(directory: Annotated[Path, Parameter(name="DIR")], /, *, terminal: Injected) -> Answer:
    """对照标准数据包检查一次交付的全部文件，不入库；不通过时退出码为 1。

    Args:
        directory: 交付文件夹，或按 <提供方>/<到达日期> 存放的上级文件夹。
    """
    from pipelines import conform as kit

    found = kit.check(directory, terminal.progress, terminal.home)
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


def link(left: Path, right: Path | None = None, /, *, kind: str, out: Path, terminal: Injected) -> Answer:
    """把一张表中的名称对照到登记的食材，或第二张表的行；只写出 CSV，不入库。

    Args:
        left: 要对照的表（CSV、xlsx、JSON Lines），至少有品名；规格、单位有则用。
        right: 对照的名单，至少有品名；省略时用数据目录中的食材库。
        kind: 对照什么；目前只有 ingredient（食材）。
        out: 写出的 CSV：每行一行，附对照结果、换算系数、把握和原因。
    """
    if kind != "ingredient":
        raise Misuse(f"--kind {kind} 尚不能对照；目前只有 ingredient（食材）")
    from pipelines.linkage import name_table

    found = name_table.link_ingredients(terminal.settings, left, right, terminal.progress)
    found.write_csv(out)
    data = name_table.answer(found, out)
    line = f"{data['rows']} 行：确定 {data['matched']}，存疑 {data['doubtful']}，未对上 {data['unmatched']}；写入 {out}"
    return Answer(data, [line])


def _described(one: dict[str, Any]) -> list[str]:
    """What was recognised in one file, or why it is refused."""
    if "refused" in one:
        return [f"{one['name']}：拒收（{one['refused']}）{one['message']}"]
    lines = [f"{one['name']}：版式 {one['layout']}，编码 {one['encoding']}，{one['rows']} 行"]
    for feed, content in one["feeds"].items():
        totals = "，".join(f"{column} 合计 {total}" for column, total in content["totals"].items())
        span = f"{content['biz_date_from'] or '—'} 至 {content['biz_date_to'] or '—'}"
        lines.append(f"  {feed}：{content['rows']} 行，业务日期 {span}{'，' if totals else ''}{totals}")
    lines += [_statement(statement) for statement in one["statements"]]
    lines += [f"  提示：{note}" for note in one["notes"]]
    return lines


def _statement(found: dict[str, Any]) -> str:
    """One account of a bank file: what moved, and what the directions rest on."""
    proof = "，".join(
        f"{vocabulary.BANK_PROOFS[code]} {count} 行" for code, count in found["proof"].items() if count
    )
    return (
        f"  {found['label']}，账号 {found['account'] or '文件中没有'}（{found['currency']}），{found['rows']} 行，"
        f"{found['biz_date_from']} 至 {found['biz_date_to']}：期初 {found['opening_yuan']}，收入 {found['in_yuan']}，"
        f"支出 {found['out_yuan']}，期末 {found['closing_yuan']}；{proof}"
    )


def _ordered(first: date, last: date) -> None:
    if first > last:
        raise Misuse(f"第一天 {first} 晚于最后一天 {last}")
