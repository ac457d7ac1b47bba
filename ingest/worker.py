"""The parent's side of the limited child process.

Belongs here: starting it, asking it, and ending it when it takes too long. A child that dies costs
one file, never the night.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, cast

from ingest import limits
from ingest.archives import Container, Content
from ingest.price_table import PriceTable
from ingest.reading import Reading
from warehouse.errors import Refused, Transient
from warehouse.settings import ROOT

_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "TZ")
_GRACE: Final = 5
# dataframely makes SQL tables of its schemas where it finds SQLAlchemy: not here, and it is a third of the start.
_CHILD: Final = "import sys; sys.modules['sqlalchemy'] = None; from ingest import child; child.main()"


class Worker:
    """Reads files in a child process that is started on first use and used again.

    Attributes:
        wall_seconds: How long one request may take.
    """

    def __init__(
        self, person_key: bytes, wall_seconds: float = limits.WALL_SECONDS, home: Path | None = None
    ) -> None:
        """Args:
        person_key: HMAC key of the pseudonyms.
        wall_seconds: How long one request may take.
        home: The data home, for its own sources.
        """
        self.wall_seconds = wall_seconds
        self._home = home
        self._key = person_key
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def process_id(self) -> int | None:
        """The child's process, ``None`` while there is none."""
        return None if self._child is None else self._child.pid

    def unpack(self, path: Path, container: Container, folder: Path) -> list[Content]:
        """``archives.unpack`` in the child."""
        request = {"do": "unpack", "path": str(path), "container": container, "folder": str(folder)}
        return [Content(**content) for content in self._ask(request)]

    def read(
        self,
        path: Path,
        provider: str,
        sources: Sequence[str],
        allowed: Sequence[str],
        stem: Path,
        *,
        keeps_pseudonyms: bool = False,
    ) -> Reading:
        """``reading.read`` in the child.

        Raises:
            Refused: The content is not understood, took too long or ended the child.
            Transient: The machine failed (disk full).
        """
        request = {
            "do": "read",
            "path": str(path),
            "provider": provider,
            "sources": list(sources),
            "allowed": list(allowed),
            "stem": str(stem),
            "keeps_pseudonyms": keeps_pseudonyms,
            "home": None if self._home is None else str(self._home),
        }
        return Reading(**self._ask(request))

    def price_table(self, path: Path, target: Path, required: Sequence[str]) -> PriceTable:
        """``price_table.read`` in the child.

        Raises:
            Refused: The content is not such a table.
            Transient: The machine failed (disk full).
        """
        request = {"do": "price_table", "path": str(path), "target": str(target), "required": list(required)}
        return PriceTable(**self._ask(request))

    def _ask(self, request: dict[str, Any]) -> Any:
        child = self._started()
        answer = self._exchange(child, request)
        if "refused" in answer:
            raise Refused(*answer["refused"])
        if "failed" in answer:
            raise Transient(f"解析进程无法读写文件：{answer['failed']}；请检查磁盘空间和权限后重新运行")
        return answer["done"]

    def _exchange(self, child: subprocess.Popen[bytes], request: dict[str, Any]) -> dict[str, Any]:
        answers = cast("IO[bytes]", child.stdout)
        try:
            _send(child, json.dumps(request))
        except BrokenPipeError as error:
            self._end()
            raise Transient("解析进程已不在，请检查内存后重新运行") from error
        if not select.select([answers], [], [], self.wall_seconds)[0]:
            self._end()
            raise Refused("timeout", f"解析超过 {self.wall_seconds:g} 秒")
        line = answers.readline()
        if line:
            return cast("dict[str, Any]", json.loads(line))
        if child.wait(_GRACE) == -signal.SIGXCPU:
            self._end()
            raise Refused("timeout", f"解析占用处理器超过 {limits.CPU_SECONDS} 秒")
        self._end()
        raise Refused("unreadable", "解析进程异常退出，文件可能有害或过大")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            self._child = subprocess.Popen(  # noqa: S603 - words of our own
                [sys.executable, "-c", _CHILD],
                cwd=ROOT,
                env={name: os.environ[name] for name in _KEPT if name in os.environ}
                | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            _send(self._child, self._key.hex())
            if not cast("IO[bytes]", self._child.stdout).readline():
                self._end()
                raise Transient("解析进程无法启动，请检查内存和安装后重新运行")
        return self._child

    def _end(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.wait(_GRACE)
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                _close(pipe)
        self._child = None


def _send(child: subprocess.Popen[bytes], line: str) -> None:
    requests = cast("IO[bytes]", child.stdin)
    requests.write(f"{line}\n".encode())
    requests.flush()


def _close(pipe: IO[bytes]) -> None:
    """Close a pipe; what a dead child did not read any more does not matter."""
    try:
        pipe.close()
    except BrokenPipeError:
        return
