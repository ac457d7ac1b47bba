"""Workbooks (.xlsx, .xls) to rows of text cells.

Belongs here: which bytes are a workbook, its limits, and how a cell's value is written as text without
losing anything; and a workbook whose one sheet is a plain table. Runs in the child process. Does not belong
here: what the rows mean (headers, banks, price tables).
"""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

import polars as pl
import python_calamine as calamine

from ingest import limits
from ingest.rows import Table
from warehouse.errors import Refused

XLS: Final = b"\xd0\xcf\x11\xe0"
ENCODING: Final = "workbook"
MANIFEST: Final = "[Content_Types].xml"
"""Member that makes a zip file a workbook."""
_ZIP: Final = b"PK\x03\x04"
_EXACT: Final = 10**15
"""A workbook keeps 15 digits of a number; a longer one has lost its end."""

Range = tuple[int, int, int, int]


@dataclass(frozen=True)
class Sheet:
    """One worksheet.

    Attributes:
        name: Name on its tab.
        rows: Cells as text, all rows equally long; an empty cell is ``""``. Numbers are decimal text
            (``6688``, ``0.1``), dates ``2026-09-01``, instants ``2026-09-01 08:30:00``, times
            ``08:30:00``. A number of more than 15 digits is written ``6.22202E+17``: what it was meant
            to be is lost.
        merged: Merged ranges (first row, first column, last row, last column), 0-based; the value
            stands in the first cell, the others are empty. They may reach beyond ``rows``.
    """

    name: str
    rows: list[list[str]]
    merged: list[Range]


def is_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook, judged by its content.

    A zip file counts if it has a workbook's manifest; its directory is read for that.
    """
    with path.open("rb") as file:
        head = file.read(4)
    if head == XLS:
        return True
    if head != _ZIP or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return MANIFEST in archive.namelist()


def read(path: Path) -> list[Sheet]:
    """The visible sheets of a workbook that have any cell, in their order.

    Macros, links to other files and formulas are never followed: a formula counts with the value that
    was saved beside it.

    Args:
        path: The workbook.

    Raises:
        Refused: Not a workbook, damaged, with a password, too large, or without cells.
    """
    _refuse_oversized(path)
    try:
        with calamine.CalamineWorkbook.from_path(str(path)) as book:
            visible = [one.name for one in book.sheets_metadata if _is_read(one)]
            sheets = [_sheet(book.get_sheet_by_name(name)) for name in visible]
    except calamine.PasswordError as error:
        raise Refused("unreadable", "工作簿有密码，请取消密码后重新报送") from error
    except calamine.CalamineError as error:
        raise Refused("unreadable", f"工作簿损坏或不是 Excel 文件（{type(error).__name__}）") from error
    filled = [sheet for sheet in sheets if any(cell for row in sheet.rows for cell in row)]
    if not filled:
        raise Refused("empty", "工作簿内没有内容")
    return filled


def open_table(path: Path) -> Table:
    """A workbook whose one sheet is a table with its column names in the first row.

    Raises:
        Refused: As ``read``; ``unknown_layout`` when more than one sheet holds something.
    """
    sheets = read(path)
    if len(sheets) > 1:
        names = "、".join(sheet.name[:20] for sheet in sheets)
        raise Refused("unknown_layout", f"工作簿有 {len(sheets)} 个工作表（{names}），请每个文件只送一张表")
    header, *rows = (row for row in sheets[0].rows if any(row))
    places = [str(place) for place in range(len(header))]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(places, pl.String), orient="row")
    # Named when it is read: a header that is none has been refused by then.
    return Table(header, (part.rename(dict(zip(places, header, strict=True))) for part in [frame]))


def _is_read(sheet: calamine.SheetMetadata) -> bool:
    return (
        sheet.typ == calamine.SheetTypeEnum.WorkSheet and sheet.visible == calamine.SheetVisibleEnum.Visible
    )


def _refuse_oversized(path: Path) -> None:
    """Judge an .xlsx by its directory before anything is unpacked; the child's memory bounds the rest."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    total = sum(member.file_size for member in members)
    if len(members) > limits.MEMBERS or total > limits.FILE_BYTES:
        raise Refused("too_large", f"工作簿展开后超过 {limits.FILE_BYTES // limits.MIB} MB")
    if total > limits.RATIO_FLOOR and total > path.stat().st_size * limits.RATIO:
        raise Refused("too_large", f"压缩比超过 {limits.RATIO} 倍")


def _sheet(sheet: calamine.CalamineSheet) -> Sheet:
    end = sheet.end
    if end is not None and (end[0] >= limits.ROWS or end[1] >= limits.COLUMNS):
        raise Refused(
            "too_large",
            f"工作表 {sheet.name} 有 {end[0] + 1} 行 {end[1] + 1} 列，上限 {limits.ROWS} 行 {limits.COLUMNS} 列",
        )
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    merged = [(top, left, bottom, right) for (top, left), (bottom, right) in sheet.merged_cell_ranges or []]
    return Sheet(sheet.name, rows, merged)


def _text(value: object) -> str:
    """A cell's value as text."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | int):
        return _number(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S" if value.time() != dt.time() else "%Y-%m-%d")
    if isinstance(value, dt.time):
        return value.strftime("%H:%M:%S")
    return str(value)


def _number(value: float) -> str:
    """The digits that a workbook shows: 15 at most, so that 0.1 + 0.2 is 0.3 as it is on screen."""
    if abs(value) >= _EXACT:
        return f"{value:.5E}"
    shown = format(Decimal(f"{value:.15g}"), "f")
    return "0" if shown == "-0" else shown
