"""The parent's side of the decoding child.

Belongs here: starting it, asking it, and ending it when it takes too long. A child that dies costs one file,
never the job.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, cast

import numpy as np

from vision_jobs import limits
from vision_jobs.model import Sample
from vision_jobs.probe import Probe, refused
from warehouse.errors import Transient
from warehouse.settings import ROOT

_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "TZ")
_GRACE: Final = 5


class Decoder:
    """Decodes files in a child process that is started on first use and used again.

    One stream at a time: a new request ends the one before.

    Attributes:
        wall_seconds: How long the child may be silent.
    """

    def __init__(self, wall_seconds: float = limits.WALL_SECONDS) -> None:
        """Args:
        wall_seconds: How long the child may be silent.
        """
        self.wall_seconds = wall_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._memory: mmap.mmap | None = None
        self._unread = b""
        self._streaming = False

    def __reduce__(self) -> tuple[type[Decoder], tuple[float]]:
        return Decoder, (self.wall_seconds,)  # every process starts a child of its own

    def __enter__(self) -> Decoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int | None:
        """The child's process, ``None`` while there is none."""
        return None if self._child is None else self._child.pid

    def close(self) -> None:
        """End the child; the next request starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                cast("IO[bytes]", pipe).close()
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        self._unread = b""
        self._streaming = False

    def probe(self, path: Path) -> Probe:
        """``probe.probe`` in the child.

        Raises:
            Refused: With a code of ``limits.QUARANTINE``.
            Transient: The machine failed.
        """
        found = next(self._asked({"do": "probe", "path": str(path)}))
        return Probe(**found | {key: tuple(map(_plain, found[key])) for key in ("gaps", "flags")})

    def keyframes(self, path: Path, *, height: int = 720, every_s: float = 2.0) -> Iterator[Sample]:
        """``sample.keyframes`` in the child.

        Raises:
            Refused: With a code of ``limits.QUARANTINE``, perhaps after some samples.
            Transient: The machine failed.
        """
        return self._samples({"do": "keyframes", "path": str(path), "height": height, "every_s": every_s})

    def window(
        self, path: Path, start_s: float, end_s: float, *, fps: float = 5.0, height: int = 720
    ) -> Iterator[Sample]:
        """``sample.window`` in the child.

        Raises:
            Refused: With a code of ``limits.QUARANTINE``, perhaps after some samples.
            Transient: The machine failed.
        """
        request = {"do": "window", "path": str(path), "start_s": start_s, "end_s": end_s}
        return self._samples(request | {"fps": fps, "height": height})

    def _samples(self, request: dict[str, Any]) -> Iterator[Sample]:
        asked = self._asked(request)
        child = None
        try:
            for answer in asked:
                if not isinstance(answer, dict):
                    self._streaming = False
                    return
                child, self._streaming = self._child, True
                yield Sample(answer["at"], self._frame(answer))
                if self._child is not child:
                    raise RuntimeError("this stream was ended by a later request: read one stream at a time")
                self._send({"next": True})
        finally:
            # Who has enough leaves a child that talks on; nobody would listen.
            if self._streaming and self._child is child:
                self.close()

    def _frame(self, answer: dict[str, Any]) -> np.ndarray:
        rows, columns = answer["rows"], answer["columns"]
        size = rows * columns * 3
        if not 0 < size <= limits.SAMPLE_BYTES:
            self.close()
            raise refused("crash")
        memory = cast("mmap.mmap", self._memory)
        return np.frombuffer(memory, np.uint8, size).reshape(rows, columns, 3).copy()

    def _asked(self, request: dict[str, Any]) -> Iterator[Any]:
        """Answers of the child: samples, then what it did."""
        if self._streaming:
            self.close()
        self._start()
        self._send(request)
        while True:
            answer = self._read()
            if "sample" in answer:
                yield answer["sample"]
                continue
            self._streaming = False
            if "refused" in answer:
                raise refused(answer["refused"] if answer["refused"] in limits.QUARANTINE else "crash")
            if "failed" in answer:
                raise Transient(f"解码进程无法读文件：{answer['failed']}；请检查磁盘和权限后重新运行")
            yield answer["done"]
            return

    def _read(self) -> dict[str, Any]:
        answers = cast("IO[bytes]", cast("subprocess.Popen[bytes]", self._child).stdout)
        while b"\n" not in self._unread:
            if not select.select([answers], [], [], self.wall_seconds)[0]:
                self.close()
                raise refused("timeout")
            more = os.read(answers.fileno(), 65536)
            if not more:
                self._dead()
            self._unread += more
            if len(self._unread) > limits.ANSWER_BYTES:
                self.close()
                raise refused("crash")
        line, _, self._unread = self._unread.partition(b"\n")
        return cast("dict[str, Any]", json.loads(line))

    def _dead(self) -> None:
        child = cast("subprocess.Popen[bytes]", self._child)
        slow = child.wait(_GRACE) == -signal.SIGXCPU
        self.close()
        raise refused("timeout" if slow else "crash")

    def _send(self, request: dict[str, Any]) -> None:
        pipe = cast("IO[bytes]", cast("subprocess.Popen[bytes]", self._child).stdin)
        try:
            pipe.write(json.dumps(request).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            self._dead()

    def _start(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self.close()
        memory = os.memfd_create("frames")
        try:
            os.ftruncate(memory, limits.SAMPLE_BYTES)
            self._memory = mmap.mmap(memory, limits.SAMPLE_BYTES, prot=mmap.PROT_READ)
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "vision_jobs.child", str(memory)],
                cwd=ROOT,
                env={name: os.environ[name] for name in _KEPT if name in os.environ}
                | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(memory,),
            )
        finally:
            os.close(memory)
        if not select.select([cast("IO[bytes]", self._child.stdout)], [], [], 60)[0] or not self._read():
            self.close()
            raise Transient("解码进程无法启动，请检查内存和安装后重新运行")


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
