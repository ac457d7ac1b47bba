"""Workbooks: cells become exact text, a a workbook is no archive, and hostile ones cost only themselves."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from ingest import archives, sheets
from ingest.layouts import BANK
from ingest.worker import Worker
from warehouse.errors import Refused


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


def patched(path: Path, member: str, old: bytes, new: bytes) -> Path:
    """The workbook with one of its XML files changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            assert name != member or old in content
            target.writestr(name, content.replace(old, new) if name == member else content)
    path.write_bytes(packed.getvalue())
    return path


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(b"k" * 32) as made:
        yield made


def test_hostile_workbooks_are_refused_and_the_next_file_is_taken(worker: Worker, tmp_path: Path) -> None:
    sheet = "xl/worksheets/sheet1.xml"
    wide = book(["a"])
    wide.active.cell(1, 500, 1)
    far = book(["a"])
    far.active["XFD1048576"] = 1
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(saved(book(["a"]), bomb), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(64 << 20))
    entity = patched(
        saved(book(["a"]), tmp_path / "entity.xlsx"),
        sheet,
        b"<worksheet",
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet',
    )
    cut = saved(book(["a"]), tmp_path / "cut.xlsx")
    cut.write_bytes(cut.read_bytes()[:-40])
    locked = tmp_path / "locked.xls"
    locked.write_bytes(sheets.XLS + bytes(2000))
    linked = saved(book(["='[http://example.invalid/x.xlsx]Sheet1'!A1", "b"]), tmp_path / "linked.xlsx")
    hostile = {
        "wide": (saved(wide, tmp_path / "wide.xlsx"), {"too_large"}),
        "far": (saved(far, tmp_path / "far.xlsx"), {"too_large", "unreadable"}),
        "bomb": (bomb, {"too_large"}),
        "cut": (cut, {"truncated", "unreadable"}),
        "locked": (locked, {"unreadable"}),
    }
    for name, (path, codes) in hostile.items():
        with pytest.raises(Refused) as caught:
            worker.read(path, "p", [BANK], ["bank_line"], tmp_path / "out")
        assert caught.value.code in codes, name
    for path in (entity, linked):  # neither entities nor links are followed: it is just no statement
        with pytest.raises(Refused, match="没有找到银行流水的表头"):
            worker.read(path, "p", [BANK], ["bank_line"], tmp_path / "out")
    assert sheets.read(entity)[0].rows == [["a"]]
    assert sheets.read(linked)[0].rows == [["", "b"]]
