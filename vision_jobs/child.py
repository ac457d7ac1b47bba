"""The limited child process: decodes what strangers recorded, one request per line.

Belongs here: the limits and the loop. It gets paths over its standard input and a shared memory for frames, and
uses no network. Answers are one JSON object per line: ``sample`` (a frame lies in the memory), ``done``, ``refused``
(the file's fault) or ``failed`` (the machine's).
"""

from __future__ import annotations

import dataclasses
import json
import mmap
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import av.error
import av.logging
import numpy as np

from vision_jobs import limits, probe, sample
from vision_jobs.model import Sample
from warehouse.errors import Refused


def main() -> None:
    """Answer requests until the standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf8")
    # A library that prints must not garble the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    memory = mmap.mmap(int(sys.argv[1]), limits.SAMPLE_BYTES)
    av.logging.set_level(None)
    _limit()
    _tell(answers, {"ready": True})
    for line in sys.stdin:
        _allow_cpu()
        _tell(answers, _answer(json.loads(line), memory, answers))


def _tell(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.MEMORY_BYTES, limits.MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, resource.getrlimit(resource.RLIMIT_NPROC)[1]))


def _allow_cpu() -> None:
    """CPU time until the next sample; the kernel ends the process that uses more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + limits.CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(request: dict[str, Any], memory: mmap.mmap, answers: TextIO) -> dict[str, Any]:
    try:
        path = Path(request["path"])
        if request["do"] == "probe":
            return {"done": dataclasses.asdict(probe.probe(path))}
        if request["do"] == "keyframes":
            frames = sample.keyframes(path, height=request["height"], every_s=request["every_s"])
        else:
            frames = sample.window(
                path, request["start_s"], request["end_s"], fps=request["fps"], height=request["height"]
            )
        return {"done": _hand_over(frames, memory, answers)}
    except Refused as error:
        return {"refused": error.code}
    except MemoryError:
        return {"refused": "too_large"}
    except (av.error.FFmpegError, ValueError, OverflowError):
        return {"refused": "unreadable"}
    except OSError as error:
        return {"failed": f"{error.strerror or error}"}


def _hand_over(frames: Iterator[Sample], memory: mmap.mmap, answers: TextIO) -> int:
    """Lay one frame at a time into the memory and wait until the next is wanted; returns their number.

    Child and parent take turns, so that a job uses one core, and as many jobs run as there are cores.
    """
    count = 0
    for one in frames:
        count += 1
        rows, columns = one.frame.shape[:2]
        place = np.frombuffer(memory, np.uint8, rows * columns * 3)
        place.reshape(rows, columns, 3)[:] = one.frame
        _tell(answers, {"sample": {"at": one.at, "rows": rows, "columns": columns}})
        if not sys.stdin.readline():
            break  # the parent is gone
        _allow_cpu()
    return count


if __name__ == "__main__":
    main()
