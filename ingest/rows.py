"""CSV and JSON lines to text frames, a block at a time.

Belongs here: the two formats, ragged and broken rows. Does not belong here: what the columns mean.
Numbers of JSON keep the digits they were written with.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from ingest import flat_json, limits
from ingest.texts import Text
from warehouse.errors import Refused

_JSON_ROWS: Final = 20_000


@dataclass
class Table:
    """A file as a header and frames of text columns named after it.

    Attributes:
        header: Column names as they stand in the file.
        frames: The rows in order; raises ``Refused`` where the file breaks.
    """

    header: list[str]
    frames: Iterator[pl.DataFrame]


def open_table(text: Text) -> Table:
    """Recognise the format and read the header.

    Raises:
        Refused: ``truncated``, ``too_large`` or ``unreadable``.
    """
    start = text.head().lstrip()
    if start.startswith("["):
        raise Refused("unreadable", "JSON 须为每行一个对象（JSON Lines），不接收数组")
    return _json(text) if start.startswith("{") else _csv(text)


def _csv(text: Text) -> Table:
    if text.has_newline and not text.ends_line:
        raise Refused("truncated", "最后一行没有换行符；若文件确实完整，请在末尾补一个换行")
    if text.quotes % 2:
        # A quote that is never closed swallows the rows after it.
        raise Refused("truncated", "有一个双引号没有配对")
    try:
        header = next(csv.reader([text.head()], strict=True), [])
    except csv.Error as error:
        raise Refused("unknown_layout", "首行不是列名") from error
    if len(header) > limits.COLUMNS:
        raise Refused("too_large", f"有 {len(header)} 列，上限 {limits.COLUMNS}")
    return Table(header, _csv_frames(text, header) if text.has_newline else iter(()))


@dataclass
class _Ragged:
    """The first row with another number of cells, and how many there are."""

    number: int | None = None
    count: int = 0
    columns: list[int] = field(default_factory=list)

    def __call__(self, row: Any) -> str:
        if self.number is None:
            self.number, self.columns = row.number - 1, [row.expected_columns, row.actual_columns]
        self.count += 1
        return "skip"


def _csv_frames(text: Text, header: list[str]) -> Iterator[pl.DataFrame]:
    ragged = _Ragged()
    # Places stand for names here, because a header may be anything.
    places = [str(place) for place in range(len(header))]
    rows = 0
    with text.path.open("rb") as file:
        reader = pa_csv.open_csv(
            file,
            read_options=pa_csv.ReadOptions(
                column_names=places, skip_rows=1, block_size=limits.BLOCK_BYTES, use_threads=False
            ),
            parse_options=pa_csv.ParseOptions(newlines_in_values=text.quotes > 0, invalid_row_handler=ragged),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(places, pa.large_string()), strings_can_be_null=False
            ),
        )
        for batch in reader:
            rows += batch.num_rows
            if ragged.count == 0 and batch.num_rows:
                frame = pl.DataFrame(pl.from_arrow(batch))
                yield frame.rename(dict(zip(places, header, strict=True)))
    if ragged.number is not None:
        wanted, found = ragged.columns
        is_last = ragged.number == rows + ragged.count
        raise Refused(
            "truncated" if is_last else "unreadable",
            f"第 {ragged.number} 行数据有 {found} 个单元格，表头有 {wanted} 列",
        )


def _json(text: Text) -> Table:
    records = _records(text)
    first = next(records)
    header = list(first)
    if len(header) > limits.COLUMNS:
        raise Refused("too_large", f"有 {len(header)} 列，上限 {limits.COLUMNS}")
    return Table(header, _json_frames(itertools.chain([first], records), header))


def _json_frames(records: Iterator[dict[str, str | None]], header: list[str]) -> Iterator[pl.DataFrame]:
    known = set(header)
    row = 0
    while block := list(itertools.islice(records, _JSON_ROWS)):
        for place, record in enumerate(block, row + 1):
            if not record.keys() <= known:
                raise Refused("unknown_layout", f"第 {place} 行有首行没有的字段")
        row += len(block)
        yield pl.DataFrame(
            {name: pl.Series([record.get(name) for record in block], dtype=pl.String) for name in header}
        )


def _records(text: Text) -> Iterator[dict[str, str | None]]:
    """Objects of the file, one per line that is not blank."""
    with text.path.open(encoding="utf-8-sig") as file:
        lines = (line for line in file if line.strip())
        for row, line in enumerate(lines, 1):
            try:
                record = flat_json.line(line)
            except json.JSONDecodeError as error:
                if next(lines, None) is None:
                    raise Refused("truncated", f"最后一行（第 {row} 行）的 JSON 不完整") from error
                raise Refused("unreadable", f"第 {row} 行不是正确的 JSON") from error
            except (ValueError, RecursionError) as error:
                raise Refused("unreadable", f"第 {row} 行的 JSON 有重复字段、嵌套或无法读取的值") from error
            if not isinstance(record, dict):
                raise Refused("unreadable", f"第 {row} 行不是 JSON 对象")
            yield record
