"""Workbooks: cells become exact text, a and a workbook is no archive."""

import datetime as dt
import zipfile
from pathlib import Path

import openpyxl

from ingest import archives, sheets


def book(*rows: list, merge: str | None = None) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    if merge:
        made.active.merge_cells(merge)
    return made


def saved(made: openpyxl.Workbook, path: Path) -> Path:
    made.save(path)
    return path


def test_cells_become_exact_text(tmp_path: Path) -> None:
    row = [
        "甲\u3000",
        1,
        -1.5,
        0.1 + 0.2,
        123456789012.34,
        dt.datetime.fromisoformat("2026-09-01T08:30"),
        dt.date(2026, 9, 1),
    ]
    row += [dt.time(8, 30, 5), True, None, "=1+1", 6222021001112223334]
    (sheet,) = sheets.read(saved(book(row), tmp_path / "a.xlsx"))
    expected = ["甲\u3000", "1", "-1.5", "0.3", "123456789012.34", "2026-09-01 08:30:00", "2026-09-01"]
    assert sheet.rows == [[*expected, "08:30:05", "TRUE", "", "", "6.22202E+18"]]


def test_merged_ranges_and_visible_sheets_only(tmp_path: Path) -> None:
    made = book([None, None], ["标题", None], merge="A2:B3")
    made.create_sheet("草稿").sheet_state = "hidden"
    made["草稿"]["A1"] = "不读"
    made.create_sheet("空")
    (sheet,) = sheets.read(saved(made, tmp_path / "a.xlsx"))
    assert sheet.merged == [(1, 0, 2, 1)]
    assert sheet.rows == [[""], ["标题"]]


def test_a_workbook_is_its_own_content_and_may_lie_in_a_zip(tmp_path: Path) -> None:
    path = saved(book(["a"]), tmp_path / "a.xlsx")
    (content,) = archives.unpack(path, "zip", tmp_path)
    assert (content["path"], content["name"]) == (str(path), "")
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, "九月.xlsx")
    folder = tmp_path / "out"
    folder.mkdir()
    (member,) = archives.unpack(packed, "zip", folder)
    assert sheets.read(Path(member["path"]))[0].rows == [["a"]]
