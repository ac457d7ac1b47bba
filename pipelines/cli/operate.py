"""Commands of the operator: serve, stop, status, doctor, maintain.

Belongs here: their options and answers; the work is in ``pipelines.services``, ``pipelines.doctor``
and ``pipelines.maintenance``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer, Terminal, table

if TYPE_CHECKING:
    from pipelines.cockpit import Login


def serve(
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    landing: Path | None = None,
    reset_login: str | None = None,
    reset_token: str | None = None,
    terminal: Injected,
) -> Answer:
    """启动驾驶舱、Dagster 页面、调度进程和设备收件，只在本机地址上监听。

    Args:
        host: Dagster 页面的监听地址，必须是本机回环地址。
        port: Dagster 页面的端口；不写则用 3000，被占用时自动换一个。
        landing: 交付文件夹，默认为数据目录下的 landing。
        reset_login: 为这个驾驶舱账号生成新的随机密码并显示一次。
        reset_token: 为这个设备网关生成新的随机令牌并显示一次，旧令牌立即失效。
    """
    answer = start(terminal, host=host, port=port, landing=landing)
    if reset_token is not None:
        from pipelines import gateways

        tokens = {reset_token: gateways.reset_token(terminal.settings, reset_token)}
        answer = Answer({**answer.data, "tokens": tokens}, [*answer.lines, *_token_table(tokens)])
    if reset_login is None:
        return answer
    from pipelines import cockpit

    running = any(one["name"] == "cockpit" for one in answer.data["services"])
    login = cockpit.reset_login(terminal.settings, reset_login, running=running)
    return Answer({**answer.data, "logins": [asdict(login)]}, [*answer.lines, *_login_table([login])])


def start(
    terminal: Terminal, *, host: str = "127.0.0.1", port: int | None = None, landing: Path | None = None
) -> Answer:
    """Start what is not running and say where it is."""
    from pipelines import cockpit, gateways, services

    folder = (landing or terminal.landing).absolute()
    running = services.serve(terminal.settings, folder, host=host, port=port, progress=terminal.progress)
    lines = [f"{one.label}：{one.address or '运行中'}（进程 {one.pid}，日志 {one.log}）" for one in running]
    logins = cockpit.logins_once(terminal.settings)
    if logins:
        lines += _login_table(logins)
    elif any(one.name == "cockpit" for one in running):
        lines.append("驾驶舱的初始密码只在首次启动时显示；要新密码：./canteen serve --reset-login 账号")
    tokens = gateways.new_tokens(terminal.settings)
    if tokens:
        lines += _token_table(tokens)
    return Answer(
        {
            "services": [one.as_dict() for one in running],
            "logins": [asdict(one) for one in logins],
            "tokens": tokens,
        },
        lines,
    )


def _token_table(tokens: dict[str, str]) -> list[str]:
    rows = [(f"  {gateway}", token) for gateway, token in tokens.items()]
    return ["设备网关令牌（只显示这一次，丢失后用 ./canteen serve --reset-token 网关）：", *table(rows)]


def _login_table(logins: list[Login]) -> list[str]:
    rows = [(f"  {one.role}", one.username, one.password) for one in logins]
    return ["驾驶舱账号（密码只显示这一次，登录后可在右上角菜单中修改）：", *table(rows)]


def stop(*, terminal: Injected) -> Answer:
    """停止 serve 启动的进程，不动其他进程。"""
    from pipelines import services

    ended = services.stop(terminal.settings, terminal.progress)
    return Answer({"stopped": ended}, [f"已停止：{name}" for name in ended] or ["没有在运行的服务"])


def status(*, terminal: Injected) -> Answer:
    """正在运行什么、数据有多新、最近一次发布。"""
    from pipelines import services

    found = services.status(terminal.settings)
    lines = [
        f"{one['label']}：{one['address'] or '运行中'}，内存 {one['memory_mb']} MB"
        if one["running"]
        else f"{one['label']}：未运行"
        for one in found["services"]
    ]
    published = found["publication"]
    lines.append(
        f"最近一次发布：第 {published['number']} 版，到达日期 {published['last']}，{published['age_hours']} 小时前"
        if published
        else "还没有发布过：请先运行 ./canteen demo 或 ./canteen nightly"
    )
    return Answer(found, lines)


def doctor(*, terminal: Injected) -> Answer:
    """检查这台机器和数据目录，每一行写明要做什么。"""
    from pipelines import doctor as checks

    found = checks.examine(terminal.home)
    marks = {"ok": "正常", "optional": "可选", "bad": "要处理"}
    rows = [
        (marks[one.state], one.name, one.found + (f"；{one.remedy}" if one.remedy else "")) for one in found
    ]
    bad = any(one.state == "bad" for one in found)
    return Answer(
        {"checks": [one.as_dict() for one in found], "healthy": not bad}, table(rows), code=int(bad)
    )


def maintain(*, terminal: Injected) -> Answer:
    """整理：合并小文件、清理过期版本、按保存期限删除。夜间批次运行时不进行。"""
    from pipelines import maintenance
    from pipelines.lock import writer

    with writer(terminal.home):
        found = maintenance.run(terminal.settings, terminal.progress)
    return Answer(found, [f"{name}：{value}" for name, value in found.items()])
