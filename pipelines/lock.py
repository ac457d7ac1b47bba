"""One writer per data home.

Belongs here: the lock that a night and the steps of a Dagster run hold. The kernel drops it however
its holder ends, so a killed run never leaves it behind.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import Transient

_held: set[Path] = set()


@contextmanager
def writer(home: Path) -> Iterator[None]:
    """Hold the write lock of a data home; a holder may enter again within its process.

    Args:
        home: Folder of the data home.

    Raises:
        Transient: Another process is writing.
    """
    path = home.resolve() / "run" / "writer.lock"
    if path in _held:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Transient(f"另一个进程正在写入 {home}：请等它结束后再试") from error
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
