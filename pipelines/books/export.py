"""Sheets as files that a school prints: XLSX and PDF.

Belongs here: layout on A4, and finding a Chinese font. Does not belong here: what stands on a sheet (``sheets``).
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.books.sheets import Sheet, printed
from warehouse.errors import Permanent

_WIDE: Final = 6
"""More columns than this are printed across the long side of the paper."""
_TEXT_WEIGHT: Final = 2
_FORMATS: Final = {"text": "@", "money": "#,##0.00;-#,##0.00;—", "quantity": "#,##0.000;-#,##0.000;—"}
_TAB_LENGTH: Final = 31
_REMEDY: Final = (
    "安装 fonts-noto-cjk 一类带简体中文的字体（Debian、Ubuntu：apt-get install fonts-noto-cjk fontconfig）"
)


@dataclass(frozen=True)
class Font:
    """A font file that has the letters.

    Attributes:
        path: The file.
        number: The font's place in a collection.
        family: Its name.
    """

    path: Path
    number: int
    family: str


def find_font() -> Font | None:
    """A font of this machine for simplified Chinese, regular and without serifs where there is a choice."""
    listing = shutil.which("fc-list")
    if listing is None:
        return None
    command = [listing, "-f", "%{file}|%{index}|%{style}|%{family}\n", ":lang=zh-cn"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    fonts = [
        (Path(file), int(index), style, family)
        for file, index, style, family in (line.split("|") for line in sorted(set(found.splitlines())))
        if int(index) < 0x10000 and Path(file).suffix.lower() in (".ttf", ".otf", ".ttc", ".otc")
    ]
    if not fonts:
        return None
    path, number, _, family = min(
        fonts,
        key=lambda one: (
            "SC" not in one[3],
            "Regular" not in one[2],
            "Mono" in one[3],
            "Serif" in one[3],
            one,
        ),
    )
    return Font(path, number, family.partition(",")[0])


def to_xlsx(sheets: Sequence[Sheet], path: Path) -> None:
    """Write sheets as one workbook, a tab for each; text is never taken for a formula.

    Args:
        sheets: What to print.
        path: File to write.
    """
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        title = book.add_format({"bold": True, "font_size": 16, "align": "center"})
        head = book.add_format({"bold": True, "border": 1, "align": "center", "text_wrap": True})
        cells = {kind: book.add_format({"border": 1, "num_format": form}) for kind, form in _FORMATS.items()}
        for sheet in sheets:
            tab = book.add_worksheet(sheet.title[:_TAB_LENGTH])
            last = len(sheet.columns) - 1
            tab.merge_range(0, 0, 0, max(last, 1), sheet.title, title)
            for row, text in enumerate(sheet.heading, 1):
                tab.write_string(row, 0, text)
            top = len(sheet.heading) + 1
            for column, (label, kind) in enumerate(sheet.columns):
                tab.write_string(top, column, label, head)
                tab.set_column(column, column, 24 if kind == "text" else 16)
            for row, values in enumerate(sheet.rows, top + 1):
                for column, (cell, (_, kind)) in enumerate(zip(values, sheet.columns, strict=True)):
                    if cell is None:
                        tab.write_blank(row, column, None, cells[kind])
                    elif kind == "text":
                        tab.write_string(row, column, str(cell), cells[kind])
                    else:
                        tab.write_number(row, column, cell, cells[kind])
            for row, text in enumerate(sheet.footer, top + 2 + len(sheet.rows)):
                tab.write_string(row, 0, text)
            tab.set_paper(9)
            tab.fit_to_pages(1, 0)
            tab.repeat_rows(top)
            tab.freeze_panes(top + 1, 0)
            tab.set_footer("&C第 &P 页，共 &N 页")
            if len(sheet.columns) > _WIDE:
                tab.set_landscape()


def to_pdf(sheets: Sequence[Sheet], path: Path, font: Font | None = None) -> None:
    """Write sheets as one PDF on A4, the letters embedded, so that it prints the same everywhere.

    Args:
        sheets: What to print.
        path: File to write.
        font: The font; one of this machine when left out.

    Raises:
        Permanent: The machine has no Chinese font.
    """
    from fpdf import FPDF, FontFace
    from fpdf.enums import TableBordersLayout

    chosen = font or find_font()
    if chosen is None:
        raise Permanent(f"没有找到中文字体，不能生成 PDF：{_REMEDY}；也可以改用 XLSX")
    pdf = FPDF(format="A4")
    pdf.add_font("letters", fname=str(chosen.path), collection_font_number=chosen.number)
    pdf.set_auto_page_break(auto=True, margin=15)
    for sheet in sheets:
        pdf.add_page(orientation="landscape" if len(sheet.columns) > _WIDE else "portrait")
        pdf.set_font("letters", size=16)
        pdf.cell(0, 12, sheet.title, align="C", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("letters", size=9)
        for text in sheet.heading:
            pdf.cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
        weights = [_TEXT_WEIGHT if kind == "text" else 1 for _, kind in sheet.columns]
        align = tuple("LEFT" if kind == "text" else "RIGHT" for _, kind in sheet.columns)
        with pdf.table(
            col_widths=tuple(weights),
            text_align=align,
            headings_style=FontFace(emphasis="", fill_color=(235, 235, 235)),
            borders_layout=TableBordersLayout.ALL,
            line_height=6,
        ) as table:
            table.row([label for label, _ in sheet.columns])
            for values in sheet.rows:
                table.row(
                    [printed(cell, kind) for cell, (_, kind) in zip(values, sheet.columns, strict=True)]
                )
        pdf.ln(4)
        for text in sheet.footer:
            pdf.cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
    pdf.output(str(path))
