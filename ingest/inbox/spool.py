"""The spool: messages appended and synced before they are answered, closed files moved into landing.

Belongs here: durability. One thread writes: it takes all that waits, appends it, syncs each file once and
only then tells the senders. A file is closed by size or age or at midnight and renamed into landing,
where the next night takes it. A kill leaves at most an unanswered, torn last line, which is cut off.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import queue
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ingest.inbox.routes import Route

MAX_BYTES: Final = 8 << 20
MAX_SECONDS: Final = 300.0
_LOG: Final = logging.getLogger("canteen.inbox")
_REMEMBERED: Final = 100_000
_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))


@dataclass
class _File:
    path: Path
    handle: int
    opened: float
    size: int = 0


@dataclass
class _Parcel:
    route: Route
    data: bytes
    digests: list[bytes]
    done: Future[None] = field(default_factory=Future)


class Spool:
    """Open files by provider and layout."""

    def __init__(
        self,
        folder: Path,
        landing: Path,
        *,
        max_bytes: int = MAX_BYTES,
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        """Args:
        folder: Where open files lie; on the file system of the landing folder.
        landing: The landing folder.
        max_bytes: A file of this size is closed.
        max_seconds: A file of this age is closed.
        """
        self._folder = folder
        self._landing = landing
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds
        self._open: dict[tuple[str, str, str], _File] = {}
        self._closed: list[Path] = []
        self._waiting: queue.Queue[_Parcel | None] = queue.Queue(maxsize=10_000)
        self._recent: OrderedDict[bytes, Future[None]] = OrderedDict()
        self._lock = threading.Lock()
        self._recover()
        self._writer = threading.Thread(target=self._run, name="spool", daemon=True)
        self._writer.start()

    def submit(self, route: Route, messages: Sequence[tuple[bytes, bytes]]) -> list[Future[None]]:
        """Take messages; each future ends when its message is on disk, with an error if it is not.

        A message that was taken before is not written again: its own future is returned.

        Args:
            route: What was declared.
            messages: Digest and line of each message.
        """
        with self._lock:
            fresh = {digest: line for digest, line in messages if digest not in self._recent}
            parcel = _Parcel(route, b"".join(fresh.values()), list(fresh))
            parcel.done.set_running_or_notify_cancel()  # a sender that goes away does not take it back
            for digest in fresh:
                self._recent[digest] = parcel.done
            waits = list({id(one): one for one in (self._recent[digest] for digest, _ in messages)}.values())
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        if fresh:
            self._waiting.put(parcel)
        return waits

    def close(self) -> None:
        """Write what waits and move every file into landing."""
        self._waiting.put(None)
        self._writer.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            parcels: list[_Parcel] = []
            with contextlib.suppress(queue.Empty):
                parcels.append(self._waiting.get(timeout=1.0))  # type: ignore[arg-type]
                while True:
                    parcels.append(self._waiting.get_nowait())  # type: ignore[arg-type]
            ended = None in parcels
            self._write([one for one in parcels if one is not None])
            self._close_due(everything=ended)

    def _write(self, parcels: list[_Parcel]) -> None:
        """Append and sync a batch; a file that fails loses the batch's bytes and its senders hear of it."""
        by_file: dict[tuple[str, str, str], list[_Parcel]] = {}
        today = dt.datetime.now(_SHANGHAI).date().isoformat()
        for one in parcels:
            by_file.setdefault((one.route.provider, today, one.route.layout), []).append(one)
        for key, mine in by_file.items():
            try:
                file = self._open.get(key) or self._create(key)
                try:
                    _append(file, b"".join(one.data for one in mine))
                except OSError:
                    os.ftruncate(file.handle, file.size)
                    raise
            except OSError as error:
                with self._lock:
                    for digest in (digest for one in mine for digest in one.digests):
                        self._recent.pop(digest, None)
                for one in mine:
                    one.done.set_exception(error)
                continue
            for one in mine:
                one.done.set_result(None)

    def _create(self, key: tuple[str, str, str]) -> _File:
        provider, day, layout = key
        folder = self._folder / provider / day
        folder.mkdir(parents=True, exist_ok=True)
        now = dt.datetime.now(_SHANGHAI)
        path = folder / f"{layout}-{now:%Y%m%d%H%M%S}-{secrets.token_hex(4)}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        sync(folder)
        self._open[key] = _File(path, handle, time.monotonic())
        return self._open[key]

    def _close_due(self, *, everything: bool) -> None:
        today = dt.datetime.now(_SHANGHAI).date().isoformat()
        for key, file in list(self._open.items()):
            old = time.monotonic() - file.opened >= self._max_seconds
            if everything or old or file.size >= self._max_bytes or key[1] != today:
                os.close(file.handle)
                del self._open[key]
                self._closed.append(file.path)
        waiting, self._closed = self._closed, []
        for path in waiting:
            try:
                self._land(path)
            except OSError as error:
                _LOG.error("%s 未能移入收件夹：%s；稍后再试", path, error)
                self._closed.append(path)

    def _land(self, path: Path) -> None:
        """Move a closed file into landing under its own name; an empty one goes."""
        if path.stat().st_size == 0:
            path.unlink()
            return
        target = self._landing / path.relative_to(self._folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
        sync(target.parent)
        sync(path.parent)

    def _recover(self) -> None:
        """Files of a process that was killed: cut off a torn last line, move the rest into landing."""
        for path in sorted(self._folder.glob("*/*/*.jsonl")):
            with path.open("r+b") as file:
                content = file.read()
                file.truncate(content.rfind(b"\n") + 1)
                os.fsync(file.fileno())
            self._land(path)


def _append(file: _File, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file.handle, view) :]
    os.fsync(file.handle)
    file.size += len(data)


def sync(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
