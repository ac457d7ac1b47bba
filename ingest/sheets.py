"""Workbooks (xlsx): cells as the text that a CSV file would hold.

Belongs here: recognising a workbook, its limits, and sheets as rows of text for whoever knows what
they mean; and a workbook whose one sheet is a plain table. Runs in the child process. Does not belong
here: preambles, totals and merged headers of a particular bank or market.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from ingest import limits
from ingest.rows import Table
from warehouse.errors import Refused

ENCODING: Final = "workbook"
BOOK: Final = "xl/workbook.xml"
"""Member that makes a zip file a workbook."""


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook.

    Attributes:
        name: Its name.
        rows: Cells as text, blank ones empty; all rows have the same length, rows without any text are left out.
    """

    name: str
    rows: list[list[str]]


def is_workbook(path: Path) -> bool:
    """Whether a file is an xlsx workbook, by its content."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return BOOK in archive.namelist()


def read_sheets(path: Path) -> list[Sheet]:
    """The sheets of a workbook that hold anything.

    Raises:
        Refused: ``too_large`` or ``unreadable`` (damaged, encrypted).
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > limits.UNPACKED_BYTES:
        raise Refused("too_large", f"工作簿解压后超过 {limits.UNPACKED_BYTES // limits.MIB} MB")
    if unpacked > limits.RATIO_FLOOR and unpacked > path.stat().st_size * limits.RATIO:
        raise Refused("too_large", f"压缩比超过 {limits.RATIO} 倍")
    try:
        book = CalamineWorkbook.from_path(str(path))
        named = [(name, book.get_sheet_by_name(name).to_python()) for name in book.sheet_names]
    except CalamineError as error:
        raise Refused(
            "unreadable", f"工作簿无法读取（{type(error).__name__}）：可能已损坏或加了密码"
        ) from error
    sheets = [
        Sheet(name, [texts for row in rows if any(texts := [_text(cell) for cell in row])])
        for name, rows in named
    ]
    return [sheet for sheet in sheets if sheet.rows]


def open_table(path: Path) -> Table:
    """A workbook whose one sheet is a table with its column names in the first row.

    Raises:
        Refused: ``empty``; ``unknown_layout`` when more than one sheet holds something.
    """
    sheets = read_sheets(path)
    if not sheets:
        raise Refused("empty", "工作簿中没有内容")
    if len(sheets) > 1:
        names = "、".join(sheet.name[:20] for sheet in sheets)
        raise Refused("unknown_layout", f"工作簿有 {len(sheets)} 个工作表（{names}），请每个文件只送一张表")
    header, *rows = sheets[0].rows
    if len(header) > limits.COLUMNS:
        raise Refused("too_large", f"有 {len(header)} 列，上限 {limits.COLUMNS}")
    places = [str(place) for place in range(len(header))]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(places, pl.String), orient="row")
    return Table(header, (part.rename(dict(zip(places, header, strict=True))) for part in [frame]))


def _text(cell: Any) -> str:
    """A cell as text: numbers with the digits that a reader sees, days as 2026-09-01."""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float):
        digits = format(Decimal(repr(cell)), "f")
        return digits.removesuffix(".0")
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ", "seconds")
    return str(cell).strip()
