"""The limited child process: reads what strangers wrote, one request per line.

Belongs here: the limits and the loop. It gets paths and the HMAC key over its standard input, never
another key, and uses no network. Answers are one JSON object per line: ``done``, ``refused`` or
``failed`` (the machine's fault, not the file's).
"""

from __future__ import annotations

import errno
import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, TextIO

import polars as pl
import pyarrow as pa

from ingest import archives, limits, price_table, reading
from ingest.masking import Masker
from warehouse.errors import Refused


def main() -> None:
    """Answer requests until the standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf8")
    # A library that prints must not garble the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit()
    key = bytes.fromhex(sys.stdin.readline().strip())
    _tell(answers, {"ready": True})
    for line in sys.stdin:
        _allow_cpu()
        _tell(answers, _answer(json.loads(line), key))


def _tell(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, ensure_ascii=False) + "\n")
    answers.flush()


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.MEMORY_BYTES, limits.MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.OUTPUT_BYTES, limits.OUTPUT_BYTES))


def _allow_cpu() -> None:
    """CPU time of the next request; the kernel ends the process that uses more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + limits.CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(request: dict[str, Any], key: bytes) -> dict[str, Any]:
    try:
        return {"done": _do(request, key)}
    except Refused as error:
        return {"refused": [error.code, str(error)]}
    except MemoryError:
        return {"refused": ["too_large", "解析所需内存超过上限"]}
    except (pa.ArrowException, pl.exceptions.PolarsError, ValueError) as error:
        # The text of these errors may quote the file.
        return {"refused": ["unreadable", f"内容不合 CSV 或 JSON 的规则（{type(error).__name__}）"]}
    except OSError as error:
        if error.errno == errno.EFBIG:
            return {"refused": ["too_large", "解析结果超过上限"]}
        return {"failed": f"{error.strerror or error}"}


def _do(request: dict[str, Any], key: bytes) -> Any:
    path = Path(request["path"])
    if request["do"] == "unpack":
        return archives.unpack(path, request["container"], Path(request["folder"]))
    if request["do"] == "price_table":
        return price_table.read(path, Path(request["target"]), request["required"])
    masker = Masker(key, request["provider"], keeps_pseudonyms=request["keeps_pseudonyms"])
    home = None if request["home"] is None else Path(request["home"])
    return reading.read(path, request["sources"], request["allowed"], masker, Path(request["stem"]), home)
