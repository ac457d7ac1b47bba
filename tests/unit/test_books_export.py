"""Statements as sheets, workbooks and PDF."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import book_events
import openpyxl
import polars as pl
import pypdf
import pytest
from book_events import Books

from pipelines import doctor
from pipelines.books import export, forms, sheets
from pipelines.books.sheets import Page, Sheet
from warehouse.errors import Permanent

MONTH = "2026-10"
PAGE = Page("岳阳市第一中学食堂", MONTH)


def letters(page: pypdf.PageObject) -> str:
    """The text of a page without blanks; pypdf gives the first byte of each letter's code as a NUL."""
    return "".join(page.extract_text().replace("\0", "").split())


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    made = Books(tmp_path_factory.mktemp("books"))
    made.post(book_events.stream(3, 200), dt.date(2026, 12, 1))
    return made


@pytest.fixture(scope="module")
def own(books: Books) -> pl.DataFrame:
    return books.lines.filter(canteen_id="C1")


@pytest.fixture(scope="module")
def printed(books: Books, own: pl.DataFrame) -> list[Sheet]:
    form = forms.disclosure(own, books.reference, MONTH)
    return [
        sheets.disclosure(form, PAGE, books.reference),
        *sheets.principal(own, books.reference, PAGE),
        *sheets.ledgers(own, books.reference, PAGE),
        sheets.roll_up(books.lines, books.reference, Page("岳阳市", MONTH), {"C1": "一中食堂"}),
    ]


def test_the_public_form_names_the_school_the_month_and_the_day_it_is_due(printed: list[Sheet]) -> None:
    form = printed[0]
    assert form.heading == ("单位：岳阳市第一中学食堂", "期间：2026年10月　　　单位：元", "食堂性质：自营")
    assert form.footer[-1] == "本表于2026年11月15日前公示"
    assert [row[0] for row in form.rows][:2] == ["伙食费收入", "菜品支出"]
    assert form.rows[-1][0] == "食材支出占伙食费收入的比例（含其他材料）（%）"


def test_a_contracted_canteen_shows_no_share(books: Books, own: pl.DataFrame) -> None:
    form = forms.disclosure(own, books.reference, MONTH)
    shown = sheets.disclosure(form, Page("x", MONTH, "contracted"), books.reference)
    assert not any("比例" in row[0] for row in shown.rows)
    assert shown.heading[-1] == "食堂性质：承包（委托经营）"


def test_the_balance_sheet_shows_that_both_sides_are_equal(printed: list[Sheet]) -> None:
    assets, others = printed[1].rows[-2:]
    assert (assets[1], others[1]) == ("资产合计", "负债和净资产合计")
    assert assets[2:] == others[2:]
    assert printed[1].footer[-1] == "本表于2026年11月5日前报校长"


def test_the_roll_up_has_a_row_for_each_canteen_and_their_sum(printed: list[Sheet]) -> None:
    rows = printed[-1].rows
    assert [row[0] for row in rows] == ["一中食堂", "C2", "合计"]
    assert all(sum(row[1:-1], Decimal(0)) == row[-1] for row in rows)
    assert rows[2][-1] == rows[0][-1] + rows[1][-1]


def test_a_workbook_holds_every_sheet_with_its_figures(printed: list[Sheet], tmp_path: Path) -> None:
    path = tmp_path / "books.xlsx"
    export.to_xlsx(printed, path)
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == [sheet.title for sheet in printed]
    for sheet in printed:
        tab = book[sheet.title]
        top = len(sheet.heading) + 2
        assert [cell.value for cell in tab[top]] == [label for label, _ in sheet.columns]
        for row, values in enumerate(sheet.rows, top + 1):
            for cell, value, (_, kind) in zip(tab[row], values, sheet.columns, strict=True):
                if value is None:
                    assert cell.value is None
                elif kind == "text":
                    assert (cell.value or "") == str(value)
                else:
                    assert Decimal(str(cell.value)).quantize(Decimal("0.001")) == Decimal(value)
    assert book["现金和银行存款日记账"].page_setup.orientation == "landscape"


def test_text_is_never_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    export.to_xlsx([Sheet("表", (), (("项目", "text"),), [("=1+1",)])], path)
    cell = openpyxl.load_workbook(path)["表"]["A3"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_pdf_holds_every_sheet_in_embedded_chinese_letters(printed: list[Sheet], tmp_path: Path) -> None:
    path = tmp_path / "books.pdf"
    export.to_pdf(printed, path)
    pages = pypdf.PdfReader(path).pages
    text = "".join(letters(page) for page in pages)
    for sheet in printed:
        for expected in (sheet.title, *sheet.heading, *(label for label, _ in sheet.columns), *sheet.footer):
            assert "".join(expected.split()) in text, expected
        for values in sheet.rows:
            for cell, (_, kind) in zip(values, sheet.columns, strict=True):
                assert "".join(sheets.printed(cell, kind).split()) in text
    fonts = pages[0]["/Resources"]["/Font"]
    descriptor = (
        next(iter(fonts.values())).get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"]
    )
    assert {"/FontFile2", "/FontFile3"} & set(descriptor.get_object())
    wide = [page for page in pages if page.mediabox.width > page.mediabox.height]
    assert len(wide) >= 2


def test_a_long_table_repeats_its_heading_on_every_page(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    rows = [(f"行{number}", Decimal(number)) for number in range(120)]
    export.to_pdf([Sheet("长表", (), (("项目", "text"), ("金额", "money")), rows)], path)
    pages = pypdf.PdfReader(path).pages
    assert len(pages) >= 3
    assert all("项目" in letters(page) for page in pages)


def test_without_a_chinese_font_the_pdf_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "find_font", lambda: None)
    with pytest.raises(Permanent, match=r"没有找到中文字体.*fonts-noto-cjk"):
        export.to_pdf([], tmp_path / "x.pdf")


@pytest.mark.parametrize("there", [True, False])
def test_the_doctor_says_whether_a_pdf_has_letters(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    if not there:
        monkeypatch.setattr(export, "find_font", lambda: None)
    check = doctor._fonts()
    assert (check.state, bool(check.remedy)) == (("ok", False) if there else ("optional", True))
    assert "PDF" in check.found


@pytest.mark.parametrize(
    ("cell", "kind", "text"),
    [
        (Decimal("-1234.5"), "money", "-1,234.50"),
        (Decimal("0.00"), "money", "—"),
        (Decimal("1.5"), "quantity", "1.500"),
        (None, "money", ""),
        ("记-0001", "text", "记-0001"),
    ],
)
def test_a_cell_is_printed_as_a_clerk_writes_it(cell: object, kind: sheets.Kind, text: str) -> None:
    assert sheets.printed(cell, kind) == text
