"""The demo: a simulated city, from nothing to served pages.

Belongs here: the order of the demo's steps and what it shows at the end.
"""

from __future__ import annotations

import datetime as dt
import shutil
from typing import Any, Final

from pipelines.cli.data import Injected, run_night
from pipelines.cli.operate import start
from pipelines.cli.terminal import Answer, Terminal, table
from pipelines.night import Night
from warehouse import manifest
from warehouse.errors import Permanent
from warehouse.settings import ROOT

CANTEENS: Final = 60
DAYS: Final = 45
NIGHTS_ONE_BY_ONE: Final = 3
SEED: Final = 1
BOOKS: Final = 0.05
"""Share of the canteens that keep books, so that the tab of the money shows something."""
FILMED: Final = 20
"""Canteens with cameras, one that keeps books among them; clips of two are drawn and judged."""
LAST_DAY: Final = dt.date(2026, 10, 15)
"""A fixed span in term time, so that everyone's demo shows the same city."""
COLOURS: Final = {"green": "绿", "yellow": "黄", "red": "红", "unknown": "未知"}


def demo(*, no_serve: bool = False, terminal: Injected) -> Answer:
    """演示：模拟 60 个食堂 45 天，从文件和后厨短片到红线判定和视频识别，再打开页面。数据已在时只打开页面。

    Args:
        no_serve: 只准备数据，不启动页面。
    """
    settings = terminal.settings
    if settings.profile != "demo":
        raise Permanent(
            f"{settings.home} 的配置是 {settings.profile}，演示只在 demo 中运行：请用 --home 另指一个文件夹"
        )
    begun, done = settings.home / "demo.begun", settings.home / "demo.done"
    if not done.exists():
        if not begun.exists() and (manifest.latest(settings) is not None or terminal.landing.exists()):
            raise Permanent(f"{settings.home} 中已有其他数据：请用 --home 另指一个文件夹做演示")
        begun.touch()
        _prepare(terminal)
        done.touch()
    figures = _figures(terminal)
    served = None if no_serve else start(terminal)
    colours = "，".join(f"{label} {figures['canteens'].get(colour, 0)}" for colour, label in COLOURS.items())
    lines = [
        f"演示城市：{CANTEENS} 个食堂，{DAYS} 天，数据目录 {settings.home}",
        f"{figures['month']} 红线判定（食堂数）：{colours}",
        f"隔离区待处理 {figures['quarantined']} 行，线索 {figures['findings']} 条",
        *(served.lines if served else ["页面没有启动：./canteen serve 启动"]),
        *_first_steps(terminal),
    ]
    return Answer({**figures, **(served.data if served else {"services": [], "logins": []})}, lines)


def _prepare(terminal: Terminal) -> None:
    """Simulate into the home's landing folder; one range, then night by night."""
    settings = terminal.settings
    first = LAST_DAY - dt.timedelta(days=DAYS - 1)
    if not terminal.landing.exists():
        _simulate(terminal, first)
    alone = [LAST_DAY - dt.timedelta(days=back) for back in reversed(range(NIGHTS_ONE_BY_ONE))]
    for begin, end in [(first, alone[0] - dt.timedelta(days=1)), *((day, day) for day in alone)]:
        terminal.progress(f"夜间批次 {begin}" + (f" 至 {end}" if end != begin else ""))
        run_night(Night(settings, terminal.landing, begin, end), terminal)


def _simulate(terminal: Terminal, first: dt.date) -> None:
    """Fill ``<home>/landing``, ``<home>/video`` and ``<home>/truth``, whole or not at all."""
    from ingest import simulator
    from pipelines.vision import drawing

    out = terminal.home / "simulated"
    shutil.rmtree(out, ignore_errors=True)
    terminal.progress(f"模拟 {CANTEENS} 个食堂，{first} 至 {LAST_DAY}")
    simulator.simulate(out, CANTEENS, first, LAST_DAY, SEED, books=BOOKS, cameras=FILMED)
    drawing.draw(out / "clips.json", out / "video", out / "landing", terminal.progress)
    for folder in (out / "landing").glob("*/*"):
        if folder.name > LAST_DAY.isoformat():
            shutil.rmtree(folder)  # arrives after the demo's last night; the sensor would take it at once
    shutil.rmtree(terminal.home / "truth", ignore_errors=True)
    (out / "truth").rename(terminal.home / "truth")
    shutil.rmtree(terminal.home / "video", ignore_errors=True)
    (out / "video").rename(terminal.home / "video")
    (out / "landing").rename(terminal.landing)
    shutil.rmtree(out)


def _figures(terminal: Terminal) -> dict[str, Any]:
    """Canteens by colour of the last month, open quarantine rows, findings."""
    from pipelines import querying

    settings = terminal.settings
    colours = querying.select(
        settings,
        "select strftime(period_start, '%Y-%m') as month, verdict, count(distinct canteen_id) as canteens "
        "from gold.mart_red_line where period_kind = 'month' and definition = 'consumed' "
        "and period_start = (select max(period_start) from gold.mart_red_line where period_kind = 'month') "
        "group by all",
    )
    quarantined = querying.select(
        settings, "select count(*) from silver.quarantine where state = 'open'"
    ).item()
    findings = querying.select(settings, "select count(*) from gold.red_line_finding").item()
    return {
        "month": colours["month"][0] if colours.height else "",
        "canteens": dict(colours.select("verdict", "canteens").iter_rows()),
        "quarantined": quarantined,
        "findings": findings,
    }


def _first_steps(terminal: Terminal) -> list[str]:
    home = "" if terminal.home == ROOT / "var" else f" --home {terminal.home}"
    return [
        "接下来可以：",
        *table(
            [
                (f"  ./canteen status{home}", "正在运行什么、数据有多新"),
                ('  ./canteen query "from cockpit.red_line limit 5"' + home, "看判定"),
                (f"  ./canteen quarantine list{home}", "看被隔离的行和原因"),
                (f"  ./canteen score {terminal.home / 'truth'}{home}", "与埋设的真相比对"),
                (f"  {terminal.home / 'docs' / 'quality' / 'index.html'}", "数据质量报告，用浏览器打开"),
                (f"  ./canteen stop{home}", "停止驾驶舱、页面和调度"),
            ]
        ),
    ]
