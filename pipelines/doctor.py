"""What a machine and a data home need, and what to do about what is missing.

Belongs here: quick looks that change nothing. Does not belong here: repairing.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pipelines import cockpit, gateways
from pipelines.services import DEFAULT_PORT, port_is_free
from warehouse.errors import Permanent
from warehouse.settings import ROOT

State = Literal["ok", "optional", "bad"]
FREE_GB: Final = 5
"""A demo needs about one; a city's nights need room for one copy of the serving file."""


@dataclass(frozen=True)
class Check:
    """One line of the examination.

    Attributes:
        name: What was looked at.
        state: ok, optional (works without it) or bad.
        found: What was found.
        remedy: What to do; empty where nothing.
    """

    name: str
    state: State
    found: str
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def examine(home: Path) -> list[Check]:
    """Look at everything; the data home is not made.

    Args:
        home: Folder of the data home.
    """
    return [
        _python(),
        *_environment(),
        _home(home),
        _disk(home),
        _keys(home),
        _port("端口", DEFAULT_PORT),
        _port("驾驶舱端口", cockpit.PORT),
        _inbox_port(),
        _broker(),
        _fonts(),
        _chromium(),
    ]


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] == (3, 11):
        return Check("Python", "ok", f"{version}（{sys.executable}）")
    return Check(
        "Python", "bad", version, "需要 3.11：请用 ./canteen 启动，或用 CANTEEN_PYTHON 指明 Python 3.11"
    )


def _environment() -> Iterator[Check]:
    missing: dict[str, tuple[State, str, str]] = {
        "product": ("bad", "与锁文件不一致", "运行任意 ./canteen 命令即自动重建"),
        "dev": ("optional", "未安装", "需要运行测试时，./canteen test 会自动补装"),
        "superset": ("optional", "未安装", "./canteen serve 会自动建立"),
    }
    for kind, label in (("product", "产品环境"), ("dev", "开发环境"), ("superset", "驾驶舱环境")):
        folder = ROOT / (".venv-superset" if kind == "superset" else ".venv")
        stamp, lock = folder / f"stamp-{kind}", ROOT / "requirements" / f"{kind}.lock"
        if stamp.exists() and filecmp.cmp(stamp, lock, shallow=False):
            yield Check(label, "ok", f"与 requirements/{kind}.lock 一致")
        else:
            state, found, remedy = missing[kind]
            yield Check(label, state, found, remedy)


def _home(home: Path) -> Check:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return Check("数据目录", "bad", f"{existing} 不可写", "改正权限，或用 --home 指定可写的文件夹")
    return Check("数据目录", "ok", f"{home}{'' if home.exists() else '（首次使用时建立）'}")


def _disk(home: Path) -> Check:
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    found = f"可用 {free:.1f} GB"
    return (
        Check("磁盘", "ok", found)
        if free >= FREE_GB
        else Check("磁盘", "bad", found, f"请腾出至少 {FREE_GB} GB")
    )


def _keys(home: Path) -> Check:
    from ingest import keys

    if not (home / "home.json").exists():
        return Check("密钥", "ok", "数据目录尚未建立，首次使用时生成")
    try:
        path = keys.location(home)
        if not path.exists() and not any((home / "vault").glob("*/*")):
            return Check("密钥", "ok", "首次收件时生成")
        keys.load(home)
    except Permanent as error:
        return Check("密钥", "bad", "不能使用", str(error))
    return Check("密钥", "ok", f"{path}；请另行备份，丢失后原件无法解密")


def _port(name: str, port: int) -> Check:
    if port_is_free("127.0.0.1", port):
        return Check(name, "ok", f"{port} 空闲")
    return Check(name, "optional", f"{port} 已被占用", "serve 会自动换一个空闲端口")


def _inbox_port() -> Check:
    try:
        wanted = gateways.wanted_port()
    except Permanent as error:
        return Check("设备收件端口", "bad", "设置不正确", str(error))
    if wanted is None or port_is_free("127.0.0.1", wanted):
        return _port("设备收件端口", wanted or gateways.PORT)
    return Check(
        "设备收件端口", "bad", f"{wanted} 已被占用", "若不是 serve 自己在用，请改 CANTEEN_INBOX_PORT"
    )


def _broker() -> Check:
    url = os.environ.get(gateways.MQTT)
    if not url:
        return Check("MQTT", "optional", "未设置", f"设备经 MQTT 上报时，在 .env 中设置 {gateways.MQTT}")
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 1883), timeout=3):
            return Check("MQTT", "ok", f"{parts.hostname}:{parts.port or 1883} 有应答")
    except (OSError, ValueError):
        return Check("MQTT", "bad", "代理没有应答", f"请检查代理是否运行、{gateways.MQTT} 是否正确")


def _fonts() -> Check:
    from pipelines.books.export import find_font

    advice = "导出图片和 PDF 需要中文字体：安装 fonts-noto-cjk 一类的软件包"
    listing = shutil.which("fc-list")
    if listing is None:
        return Check("中文字体", "optional", "没有 fc-list，无法检查", advice)
    command = [listing, ":lang=zh", "family"]
    fonts = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    count = len(set(fonts.splitlines()))
    if not count:
        return Check("中文字体", "optional", "没有", advice)
    font = find_font()
    if font is None:
        return Check("中文字体", "optional", f"{count} 种，但没有可嵌入 PDF 的简体字体", advice)
    return Check("中文字体", "ok", f"{count} 种，PDF 用 {font.family}")


def _chromium() -> Check:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    if found:
        return Check("浏览器", "ok", found)
    return Check("浏览器", "optional", "没有找到 chromium", "只有页面测试需要：安装 chromium")
