"""Bytes to UTF-8 text: encoding, NUL bytes, line length, and signs that a file was cut.

Belongs here: what can be said of a file before its columns are known. Encodings are decoded strictly:
a byte that does not fit refuses the file.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import polars as pl

from ingest import limits
from warehouse.errors import Refused

Encoding = Literal["utf-8", "gb18030"]

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HANZI: Final = r"[\x{4E00}-\x{9FFF}]"
_MIXED_SHARE: Final = 0.1
_SAMPLE: Final = limits.MIB // 4


@dataclass(frozen=True)
class Text:
    """A file as UTF-8.

    Attributes:
        path: The file, or its UTF-8 copy.
        encoding: Encoding that it came in.
        has_bom: Whether it began with a byte order mark.
        is_ascii: Whether it holds ASCII only.
        quotes: Number of double quotes.
        has_newline: Whether any line is ended.
        ends_line: Whether the last line is ended.
    """

    path: Path
    encoding: Encoding
    has_bom: bool
    is_ascii: bool
    quotes: int
    has_newline: bool
    ends_line: bool

    def head(self) -> str:
        """The first line without byte order mark."""
        with self.path.open(encoding="utf-8-sig", newline=None) as file:
            return file.readline().rstrip("\n")


def open_text(path: Path) -> Text:
    """Scan a file once and decode it if needed.

    Args:
        path: The file; a copy in UTF-8 is written beside it when it is GB18030.

    Raises:
        Refused: ``empty``, ``too_large``, ``unreadable`` or ``truncated``.
    """
    size = path.stat().st_size
    if size == 0:
        raise Refused("empty", "文件长度为 0")
    if size > limits.FILE_BYTES:
        raise Refused("too_large", f"文件超过 {limits.FILE_BYTES // limits.MIB} MB")
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8 = is_ascii = True
    quotes = line = 0
    has_newline = has_bom = False
    block = b""
    with path.open("rb") as file:
        while following := file.read(limits.BLOCK_BYTES):
            if not block:
                has_bom = following.startswith(codecs.BOM_UTF8)
                if following.startswith(_UTF16):
                    raise Refused("unreadable", "编码是 UTF-16，请另存为 UTF-8 或 GB18030")
            block = following
            if b"\x00" in block:
                raise Refused("unreadable", "文件含有空字节（NUL）")
            pieces = block.splitlines()
            line = _longest(line, pieces, block)
            has_newline = has_newline or b"\n" in block or b"\r" in block
            quotes += block.count(b'"')
            is_ascii = is_ascii and block.isascii()
            is_utf8 = is_utf8 and _decodes(decoder, block)
    if is_utf8:
        _finish(decoder)
    ends_line = block.endswith((b"\n", b"\r"))
    text = path if is_utf8 else path.with_name(f"{path.name}.utf8")
    if not is_utf8:
        has_bom = _transcode(path, text)
    return Text(text, "utf-8" if is_utf8 else "gb18030", has_bom, is_ascii, quotes, has_newline, ends_line)


def _longest(open_line: int, pieces: list[bytes], block: bytes) -> int:
    """Length of the line that is still open at the block's end; refuses a line that is too long."""
    longest = max(open_line + len(pieces[0]), max(map(len, pieces)))
    if longest > limits.LINE_BYTES:
        raise Refused("too_large", f"有一行超过 {limits.LINE_BYTES // limits.MIB} MB")
    if block.endswith((b"\n", b"\r")):
        return 0
    return len(pieces[-1]) + (open_line if len(pieces) == 1 else 0)


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes) -> bool:
    try:
        decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True


def _finish(decoder: codecs.IncrementalDecoder) -> None:
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Refused("truncated", "最后一个汉字不完整") from error


def _transcode(path: Path, target: Path) -> bool:
    """Write a strictly decoded GB18030 file as UTF-8; tells whether it had a byte order mark."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    utf8_lines = other_lines = 0
    first = True
    has_bom = False
    with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as sink:
        while block := source.read(limits.BLOCK_BYTES):
            try:
                text = decoder.decode(block)
            except UnicodeDecodeError as error:
                raise Refused("unreadable", "既不是 UTF-8 也不是 GB18030 编码") from error
            if first:
                has_bom, first = text.startswith("\ufeff"), False
                text = text.removeprefix("\ufeff")
            sink.write(text)
            utf8, other = _line_encodings(block[:_SAMPLE])
            utf8_lines += utf8
            other_lines += other
    _finish(decoder)
    if utf8_lines > _MIXED_SHARE * (utf8_lines + other_lines):
        raise Refused("unreadable", "同一文件混用了 UTF-8 和 GB18030 两种编码")
    return has_bom


def _line_encodings(block: bytes) -> tuple[int, int]:
    """Number of lines that are UTF-8 Chinese, and of lines that are no UTF-8 at all."""
    lines = pl.Series(block.decode("utf-8", errors="replace").split("\n"))
    broken = lines.str.contains("\ufffd", literal=True)
    return int((lines.str.contains(_HANZI) & ~broken).sum()), int(broken.sum())
