"""Starting, stopping and watching the servers of a data home.

Belongs here: Dagster's webserver and daemon, the cockpit's server and the inbox of device gateways as
child processes on loopback.
A server holds a lock on its own record for as long as it lives, so a record without a lock is of a dead process and its number
is never trusted.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from pipelines import cockpit, gateways
from warehouse import manifest
from warehouse.errors import Permanent, Transient
from warehouse.settings import ROOT, Settings

DEFAULT_PORT: Final = 3000
COCKPIT_HOST: Final = "127.0.0.1"
START_LIMIT_S: Final = 180
STOP_LIMIT_S: Final = 20
LABELS: Final = {
    "webserver": "Dagster 页面",
    "daemon": "Dagster 调度",
    "cockpit": "驾驶舱",
    "inbox": "设备收件",
}
Progress = Callable[[str], None]
_DAGSTER: Final = (sys.executable, "-m")
_CODE: Final = ("--module-name", "pipelines.definitions")


@dataclass(frozen=True)
class Service:
    """A server of a data home.

    Attributes:
        name: webserver, daemon, cockpit or inbox.
        pid: Process number, also the number of its process group.
        address: URL, empty for the daemon.
        log: File that its output goes to.
    """

    name: str
    pid: int
    address: str
    log: str

    @property
    def label(self) -> str:
        """Chinese name."""
        return LABELS[self.name]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "label": self.label}


def serve(
    settings: Settings, landing: Path, *, host: str, port: int | None, progress: Progress
) -> list[Service]:
    """Start what is not running and wait until it answers.

    Args:
        settings: The data home.
        landing: Folder that the sensor watches.
        host: Loopback address that Dagster's page listens on; the cockpit's is always 127.0.0.1.
        port: Port of Dagster's page; ``None`` takes 3000 or, where that is in use, any free one.
        progress: Told what is being done.

    Raises:
        Permanent: The address is not loopback, or a server did not start.
        OSError: The port that was asked for is in use.
    """
    if not _is_loopback(host):
        raise Permanent(
            f"拒绝在 {host} 上监听：只允许本机回环地址（127.0.0.1），对外请经有身份验证的反向代理"
        )
    alive = {one.name: one for one in (_alive(settings, name) for name in LABELS) if one}
    wanted = [name for name in LABELS if name != "cockpit" or cockpit.possible(settings)]
    if "cockpit" in wanted:
        cockpit.prepare(settings)
    if all(name in alive for name in wanted):
        progress("服务已在运行")
        return list(alive.values())
    taking = 0 if "inbox" in alive else _port(COCKPIT_HOST, gateways.wanted_port(), gateways.PORT)
    chosen = 0 if "webserver" in alive else _port(host, port, DEFAULT_PORT)
    if "cockpit" not in wanted:
        progress("还没有发布过数据，驾驶舱暂不启动：发布后再运行 ./canteen serve")
    landing.mkdir(parents=True, exist_ok=True)
    gateways.prepare(settings, landing)
    started = dict(alive)
    netloc = f"[{host}]" if ":" in host else host
    environment = {
        **os.environ,
        "CANTEEN_HOME": str(settings.home),
        "CANTEEN_LANDING": str(landing),
        "DAGSTER_HOME": str(settings.home / "dagster"),
        "PYTHONPATH": str(ROOT),
    }
    try:
        if "cockpit" in wanted and "cockpit" not in alive:
            free = _port(COCKPIT_HOST, None, cockpit.PORT)
            words, own = cockpit.command(settings, free)
            started["cockpit"] = _start(settings, "cockpit", words, own, f"http://{COCKPIT_HOST}:{free}")
        if "inbox" not in alive:
            words = gateways.command(settings, landing, taking)
            started["inbox"] = _start(
                settings, "inbox", words, environment, f"http://{COCKPIT_HOST}:{taking}"
            )
        if "webserver" not in alive or "daemon" not in alive:
            _prepare_dagster(settings, everything=not {"webserver", "daemon"} & set(alive))
        if "webserver" not in alive:
            words = ["dagster_webserver", "--host", host, "--port", str(chosen)]
            started["webserver"] = _start(
                settings, "webserver", [*_DAGSTER, *words, *_CODE], environment, f"http://{netloc}:{chosen}"
            )
        if "daemon" not in alive:
            words = ["dagster._daemon", "run"]
            started["daemon"] = _start(settings, "daemon", [*_DAGSTER, *words, *_CODE], environment, "")
        progress("等待服务就绪……")
        _wait(settings, started)
    except BaseException:
        for one in started.values():
            if one.name not in alive:
                _end(settings, one)
        raise
    return [started[name] for name in wanted]


def stop(settings: Settings, progress: Progress) -> list[str]:
    """End exactly the servers that ``serve`` started for this home.

    Returns:
        Chinese names of those that were running.
    """
    ended = []
    for name in reversed(LABELS):
        one = _alive(settings, name)
        if one is not None:
            progress(f"停止 {one.label}（进程 {one.pid}）")
            _end(settings, one)
            ended.append(one.label)
        _record(settings, name).unlink(missing_ok=True)
    return ended


def status(settings: Settings) -> dict[str, Any]:
    """What runs, how old the data are, the last publication."""
    services = []
    for name, label in LABELS.items():
        one = _alive(settings, name)
        services.append(
            {
                "name": name,
                "label": label,
                "running": one is not None,
                "pid": one.pid if one else None,
                "address": one.address if one else "",
                "memory_mb": _memory_mb(one.pid) if one else 0,
                "log": str(_log(settings, name)),
            }
        )
    last = manifest.latest(settings)
    publication = None
    if last is not None:
        age = datetime.now(UTC) - datetime.fromisoformat(last.published_at)
        publication = {
            "number": last.number,
            "published_at": last.published_at,
            "first": last.first,
            "last": last.last,
            "as_of": last.as_of,
            "age_hours": round(age.total_seconds() / 3600, 1),
            "data_age_days": (datetime.now(UTC).date() - date.fromisoformat(last.as_of)).days,
        }
    return {
        "home": str(settings.home),
        "profile": settings.profile,
        "services": services,
        "publication": publication,
    }


def port_is_free(host: str, port: int) -> bool:
    """Whether a port can be listened on."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _port(host: str, wanted: int | None, default: int) -> int:
    if wanted is not None:
        if not port_is_free(host, wanted):
            raise OSError(errno.EADDRINUSE, "port in use", f"{host}:{wanted}")
        return wanted
    if port_is_free(host, default):
        return default
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _prepare_dagster(settings: Settings, *, everything: bool) -> None:
    """Write the instance's settings; end runs of dead processes.

    In a process of its own, because importing Dagster takes seconds and memory that this one would
    keep. Only where no server runs are the runs that servers started known to be dead.
    """
    words = [sys.executable, "-m", "pipelines.defs.local", str(settings.home), "all" if everything else "own"]
    done = subprocess.run(  # noqa: S603
        words, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Permanent(f"Dagster 实例无法打开（{settings.home / 'dagster'}）：{_last_line(done.stderr)}")


def _start(
    settings: Settings, name: str, words: list[str], environment: dict[str, str], address: str
) -> Service:
    """Start a server in a session of its own; it inherits the lock on its record."""
    record = _record(settings, name)
    record.parent.mkdir(parents=True, exist_ok=True)
    with record.open("a+") as held, _log(settings, name).open("a") as log:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Transient(f"{LABELS[name]} 正在由另一个命令启动：请稍后再试") from error
        process = subprocess.Popen(  # noqa: S603
            words,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[held.fileno()],
        )
        one = Service(name, process.pid, address, log.name)
        held.seek(0)
        held.truncate()
        held.write(json.dumps(asdict(one)))
    return one


def _alive(settings: Settings, name: str) -> Service | None:
    """The running server of this name; its lock is held exactly as long as it lives."""
    record = _record(settings, name)
    if not record.exists():
        return None
    with record.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return Service(**json.loads(file.read()))
    return None


def _end(settings: Settings, one: Service) -> None:
    """End a server with all its children: politely, then by force."""
    for sign, patience in ((signal.SIGTERM, STOP_LIMIT_S), (signal.SIGKILL, STOP_LIMIT_S)):
        try:
            os.killpg(one.pid, sign)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _group_alive(one.pid):
                return
            time.sleep(0.1)
    raise Transient(f"{one.label}（进程 {one.pid}）没有停止：请稍后再运行 ./canteen stop，日志在 {one.log}")


def _group_alive(group: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)  # a child of ours would stay behind as a zombie
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _wait(settings: Settings, services: dict[str, Service]) -> None:
    """Wait until every server answers; Dagster's page speaks for the daemon too."""
    checks = {"webserver": _dagster_ready, "cockpit": _healthy, "inbox": _healthy}
    waiting = [name for name in checks if name in services]
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        for one in services.values():
            if _alive(settings, one.name) is None:
                text = Path(one.log).read_text("utf8", errors="replace")
                raise Permanent(f"{one.label} 没有启动：{_last_line(text)}（全文见 {one.log}）")
        waiting = [name for name in waiting if not checks[name](services[name].address)]
        if not waiting:
            return
        time.sleep(0.5)
    late = services[waiting[0]]
    raise Transient(f"{late.label}在 {START_LIMIT_S} 秒内没有就绪：请看 {late.log}，稍后再试")


_READINESS: Final = """{ instance { daemonHealth { allDaemonStatuses { required healthy } } }
  repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"""


def _dagster_ready(address: str) -> bool:
    """Whether the page answers, our code is loaded and every daemon has reported."""
    answer = _ask(f"{address}/graphql", {"query": _READINESS})
    if answer is None:
        return False
    found = json.loads(answer)["data"]
    daemons = found["instance"]["daemonHealth"]["allDaemonStatuses"]
    return bool(found["repositoriesOrError"].get("nodes")) and all(
        one["healthy"] for one in daemons if one["required"]
    )


def _healthy(address: str) -> bool:
    """Whether the server has prepared itself and answers."""
    return _ask(f"{address}/health") is not None


def _ask(address: str, body: dict[str, Any] | None = None) -> bytes | None:
    """What one of our own pages answers, ``None`` where it does not."""
    request = urllib.request.Request(  # noqa: S310  (the address is our own, on loopback)
        address,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=10) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, OSError):
        return None


def _memory_mb(group: int) -> int:
    """Memory of a server and its children; pages that they share count once."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if os.getpgid(int(process.name)) == group:
                rollup = (process / "smaps_rollup").read_text("ascii")
                total += int(rollup.split("Pss:")[1].split()[0])
    return total // 1024


def _record(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.json"


def _log(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.log"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "没有输出"
