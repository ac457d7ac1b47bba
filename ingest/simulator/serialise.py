"""Records as the bytes of a file, in the manner of each provider.

Belongs here: headers, codes, units, formats, encodings, packing. Does not belong here: which file
arrives when (``delivery``).
"""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from warehouse import vocabulary

_DATE, _TIME = "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"
_CODES: Final = {
    "account_kind": vocabulary.ACCOUNT_KINDS, "payer_kind": vocabulary.ACCOUNT_KINDS,
    "move_kind": vocabulary.MOVE_KINDS, "purpose": vocabulary.PURPOSES, "channel": vocabulary.CHANNELS,
    "meal": vocabulary.MEALS, "refund_kind": vocabulary.REFUND_KINDS, "line_code": vocabulary.FORM_LINES,
    "operating_mode": vocabulary.OPERATING_MODES,
}  # fmt: skip
_ZIP_TIME: Final = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Style:
    """How a provider writes its files.

    Attributes:
        kind: ``csv`` or ``jsonl``.
        labels: Chinese headers.
        codes: Chinese labels in code columns.
        kilogram: How it writes kg.
        packing: ``""``, ``gz`` or ``zip``.
        encoding: Text encoding.
    """

    kind: str = "csv"
    labels: bool = False
    codes: bool = False
    kilogram: str = "kg"
    packing: str = ""
    encoding: str = "utf-8"


STYLES: Final = {
    "yueyanglou": Style(),
    "pingjiang": Style(),
    "pingjiang_card": Style(),
    "huarong": Style(labels=True, kilogram="千克"),
    "miluo": Style(labels=True, codes=True, kilogram="公斤", packing="zip"),
    "xiangyin": Style(kind="jsonl"),
    "yueyangxian": Style(packing="gz"),
    "linxiang": Style(kilogram="千克"),
    "yunxi": Style(labels=True, codes=True, kilogram="千克"),
    "junshan": Style(kind="jsonl", labels=True, codes=True, kilogram="千克"),
    "jingkai": Style(),
    "quyuan": Style(labels=True, codes=True, kilogram="公斤"),
    "nanhu": Style(labels=True),
    "city": Style(labels=True),
    "supervisor": Style(labels=True),
    "procure": Style(),
    "finance": Style(),
}


def text(frame: pl.DataFrame, style: Style) -> pl.DataFrame:
    """Every value as the text that the file will hold; headers still ASCII."""
    out = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype == pl.Date:
            column = column.dt.strftime(_DATE)
        elif dtype == pl.Datetime:
            column = column.dt.strftime(_TIME)
        elif name == "unit":
            column = column.cast(pl.String).replace({"kg": style.kilogram})
        elif style.codes and name in _CODES:
            column = column.cast(pl.String).replace(_CODES[name])
        else:
            column = column.cast(pl.String)
        out.append(column.alias(name))
    return frame.select(out)


def body(frame: pl.DataFrame, style: Style) -> str:
    """The text of a file."""
    if style.labels:
        frame = frame.rename({n: vocabulary.LABELS[n] for n in frame.columns if n in vocabulary.LABELS})
    return frame.write_ndjson() if style.kind == "jsonl" else frame.write_csv()


def packed(content: str, stem: str, style: Style) -> tuple[str, bytes]:
    """File name and bytes of a text."""
    name, data = f"{stem}.{style.kind}", content.encode(style.encoding)
    if style.packing == "gz":
        return f"{name}.gz", gzip.compress(data, compresslevel=1, mtime=0)
    if style.packing == "zip":
        return f"{name}.zip", zipped(name, data)
    return name, data


def zipped(name: str, data: bytes) -> bytes:
    """A zip archive of one file, the same bytes each time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def cut(content: str, at_line_end: bool) -> str:
    """A text that breaks off about two thirds through, at a line's end or within a line."""
    lines = content.splitlines(keepends=True)
    kept = max(2, len(lines) * 2 // 3)
    return "".join(lines[:kept]) + ("" if at_line_end else lines[kept][: len(lines[kept]) // 2])


def shuffled_columns(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The columns in another order."""
    order = rng.permutation(len(frame.columns))
    if (np.diff(order) == 1).all():
        order = order[::-1]
    return frame.select([frame.columns[n] for n in order])


def other_export(frame: pl.DataFrame, style: Style, rng: np.random.Generator) -> tuple[pl.DataFrame, Style]:
    """The same rows as another export would write them: other order, other encoding or format."""
    rows = frame[rng.permutation(frame.height)]
    if style.kind == "jsonl" or style.packing:
        return rows, replace(style, kind="csv", packing="")
    return rows, replace(style, encoding="gb18030", labels=True)
