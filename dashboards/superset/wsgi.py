"""Prepares Superset and serves it: `python -m dashboards.superset.wsgi`.

Belongs here: the order of preparation, the stamp that says what need not be done again, the server.
Everything happens in the one process that then serves, because importing Superset takes longer than
all the rest. A step is done again when its inputs changed, or when what it made was changed since.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import gc
import hashlib
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from gunicorn.app.base import BaseApplication

from dashboards.superset import metadata, places, snapshot

HOST: Final = "127.0.0.1"
WORKERS: Final = 2
"""Python computes on one core in each; they are forked from a prepared process and share its memory."""
THREADS: Final = 8
WATCH_S: Final = 5
"""How often the access file is looked at; so soon a grant that ended is felt."""
HERE: Final = Path(__file__).parent
LOCK: Final = HERE.parents[1] / "requirements" / "superset.lock"
PARTS: Final = ("config", "metadata", "deploy", "security", "language")
"""Modules whose change makes a step due again."""
LOG: Final = logging.getLogger("canteen")


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn's workers with threads on loopback."""

    def load_config(self) -> None:
        for name, value in {
            "bind": f"{HOST}:{places.port()}",
            "workers": WORKERS,
            "preload_app": True,
            "post_worker_init": lambda worker: _start_watch(worker.wsgi),
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 0,
            "graceful_timeout": 5,
            "control_socket_disable": True,
            "loglevel": "warning",
            "proc_name": "canteen-superset",
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        try:
            return make_app()
        except BaseException as error:
            _failure().write_text(f"{type(error).__name__}：{error}" if str(error) else repr(error), "utf8")
            raise SystemExit(1) from error


def main() -> None:
    """Serve until told to stop; the last line of the log says why it did not start."""
    os.umask(0o077)
    own = os.getpid()
    _failure().unlink(missing_ok=True)
    try:
        places.secrets()
        Server().run()
    except places.RefusedError as refusal:
        sys.exit(f"拒绝启动：{refusal}")
    except SystemExit as ending:
        # A worker, a fork of this process, passes here too: gunicorn must see its own exit status.
        if os.getpid() == own and ending.code and _failure().exists():
            sys.exit(f"驾驶舱没有启动：{' '.join(_failure().read_text('utf8').split())}")
        raise


def make_app() -> Any:
    """Superset's app, migrated, deployed and secured."""
    begun = time.monotonic()
    own = places.sqlite_file()
    if own is not None:
        metadata.let_readers_read(own)
    from superset.app import create_app

    app = create_app()
    from superset.views import base

    from dashboards.superset import theme

    app.config["THEME_DEFAULT"] = theme.of_request
    # Superset looks for installed drivers and asks git for its version whenever it makes a page.
    for lasting in ("get_available_engine_specs", "get_version_metadata"):
        setattr(base, lasting, functools.cache(getattr(base, lasting)))
    with app.app_context():
        done = prepare()
        _let_go()
    gc.freeze()
    _say(f"就绪，{time.monotonic() - begun:.1f} 秒；做了：{'、'.join(done) or '无（均未变化）'}")
    return app


def prepare() -> list[str]:
    """Do the steps that are due and stamp each; must run inside the app's context.

    Returns:
        Names of the steps that were done.
    """
    from dashboards.superset import deploy, language, security

    home = places.home()
    stamp = _Stamp(home / "stamp")
    code = {name: (HERE / f"{name}.py").read_bytes() for name in PARTS}
    lock = LOCK.read_bytes()
    inputs = {
        "base": _hash([lock, code["config"], code["metadata"]]),
        "language": _hash([lock, code["language"], language.OVERLAY.read_bytes()]),
        "assets": _hash([lock, code["deploy"], *_tree(home / "assets")]),
        "access": _hash(
            [lock, code["security"], (home / "access.json").read_bytes(), *_tree(home / "assets")]
        ),
    }
    steps: dict[str, tuple[Callable[[], Any], Callable[[], Iterable[Any]]]] = {
        "base": (lambda: metadata.make(inputs["base"]), metadata.migrated),
        "language": (
            language.make,
            lambda: [path.read_bytes() for path in sorted(language.folder().rglob("*.*"))],
        ),
        "assets": (lambda: _note_orphans(deploy.deploy(home / "assets")), deploy.state),
        "access": (apply_access, security.state),
    }
    done = []
    for name, (act, state) in steps.items():
        # What a step made is looked at only where its inputs do not already decide.
        if stamp.made_from(name) == inputs[name] and stamp.made(name) == _hash(state()):
            continue
        begun = time.monotonic()
        act()
        stamp.put(name, inputs[name], _hash(state()))
        done.append(name)
        _say(f"{name}：{time.monotonic() - begun:.1f} 秒")
    apply_resets()
    return done


def apply_access() -> None:
    """Bring roles, rules and accounts in line with the access file."""
    from dashboards.superset import security

    home = places.home()
    logins = home / "first_logins.json"
    first = (
        {one["username"]: one["password"] for one in json.loads(logins.read_text("utf8"))}
        if logins.exists()
        else {}
    )
    changes = security.apply(json.loads((home / "access.json").read_text("utf8")), first)
    if changes:
        _say("权限：" + "，".join(f"{name} {count}" for name, count in changes.items()))


def apply_resets() -> None:
    """Set the passwords that the operator asked for, then forget them."""
    from dashboards.superset import security

    path = places.home() / "resets.json"
    with contextlib.suppress(FileNotFoundError):
        security.set_passwords(json.loads(path.read_text("utf8")))
        path.unlink()


class _Stamp:
    """What each step was done from and what it left; written after each step."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: dict[str, list[str]] = json.loads(path.read_text("utf8")) if path.exists() else {}

    def made_from(self, name: str) -> str | None:
        return self.done[name][0] if name in self.done else None

    def made(self, name: str) -> str | None:
        return self.done[name][1] if name in self.done else None

    def put(self, name: str, inputs: str, made: str) -> None:
        self.done[name] = [inputs, made]
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(self.done), "utf8")
        draft.replace(self.path)


def _let_go() -> None:
    """Close what a forked worker must not share: connections to the metadata and to snapshots."""
    from superset import db

    db.session.remove()
    db.engine.dispose()
    snapshot.let_go()


def _start_watch(app: Any) -> None:
    threading.Thread(target=_watch, args=(app,), name="canteen-watch", daemon=True).start()


def _watch(app: Any) -> None:
    """Apply a changed access file and asked-for passwords while the server runs; one worker does."""
    path = places.home() / "access.json"
    seen = path.stat().st_mtime_ns
    turn = (places.home() / "watch.lock").open("w")
    fcntl.flock(turn, fcntl.LOCK_EX)  # until the worker that has it ends
    while True:
        time.sleep(WATCH_S)
        try:
            with app.app_context():
                apply_resets()
                now = path.stat().st_mtime_ns
                if now != seen:
                    apply_access()
                    seen = now
        except Exception:  # the server goes on with the rights it has; the log says that they are old
            LOG.exception("权限没有更新，%s 秒后再试", WATCH_S)


def _note_orphans(found: dict[str, list[str]]) -> None:
    for kind, names in found.items():
        _say(f"不在定义中的{kind}：{'、'.join(names)}")


def _tree(folder: Path) -> list[bytes]:
    return [
        part
        for path in sorted(folder.rglob("*.yaml"))
        for part in (str(path.relative_to(folder)).encode(), path.read_bytes())
    ]


def _hash(parts: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else repr(part).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _failure() -> Path:
    return places.home() / "failure"


def _say(line: str) -> None:
    print(f"canteen: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
