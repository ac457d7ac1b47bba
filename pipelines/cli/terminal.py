"""What a command gets from and gives to the terminal.

Belongs here: the options that every command takes, progress on stderr, the answer on stdout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from warehouse import settings
from warehouse.errors import Permanent
from warehouse.settings import Settings


class Misuse(Permanent):
    """A command line that cannot be understood (exit status 2)."""


@dataclass(frozen=True)
class Answer:
    """What a command has to say.

    Attributes:
        data: The object that ``--json`` prints as the last line.
        lines: The same for a person.
        code: Exit status; 0 means that the command did what it says.
        ends_in_json: Print the object even without ``--json`` (accuracy, bench, score, hash).
    """

    data: Mapping[str, Any]
    lines: Sequence[str] = ()
    code: int = 0
    ends_in_json: bool = False


@dataclass(frozen=True)
class Terminal:
    """The options that every command takes, and where progress goes.

    Attributes:
        home: Folder of the data home.
        as_json: Whether stdout ends in one JSON object.
    """

    home: Path
    as_json: bool
    started: float = field(default_factory=time.monotonic)

    @property
    def settings(self) -> Settings:
        """The data home, made on first use."""
        return settings.load(self.home)

    @property
    def landing(self) -> Path:
        """Where providers deliver when no folder is named."""
        return self.home / "landing"

    def progress(self, line: str) -> None:
        """Say on stderr what is being done, with the seconds since the start."""
        print(f"[{time.monotonic() - self.started:6.1f}s] {line}", file=sys.stderr, flush=True)

    def print(self, answer: Answer) -> None:
        """Print an answer."""
        if not self.as_json:
            for line in answer.lines:
                print(line)
        if self.as_json or answer.ends_in_json:
            print(json.dumps(answer.data, ensure_ascii=False, default=str))
        sys.stdout.flush()


def take_common(words: Sequence[str]) -> tuple[Terminal, list[str]]:
    """Take ``--home DIR`` and ``--json`` out of a command line, before or after the command.

    Args:
        words: Arguments without the program's name; what follows ``--`` is left alone.

    Returns:
        The terminal and the remaining words.

    Raises:
        Misuse: ``--home`` without a folder.
    """
    home: Path = settings.ROOT / "var"
    as_json = False
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += [word, *left]
            break
        if word == "--json":
            as_json = True
        elif word == "--home" or word.startswith("--home="):
            value = word.removeprefix("--home").removeprefix("=") or (left.pop(0) if left else "")
            if not value:
                raise Misuse("--home 后面要跟一个文件夹")
            home = Path(value).absolute()
        else:
            rest.append(word)
    return Terminal(home, as_json), rest


def table(rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table with aligned columns; Chinese characters count as two.

    Args:
        rows: Cells, the heading first.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(_width(row[column]) for row in texts) for column in range(len(texts[0]))]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in texts
    ]


def _width(text: str) -> int:
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)
