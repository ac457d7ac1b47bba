"""Receipts: one per file that reached us, what became of it, and why.

Belongs here: the schema of ``bronze.receipt`` and how a receipt is named. A member of an archive is a
file of its own, ``<archive>!/<member>``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Final, Literal

import polars as pl

from warehouse import vocabulary
from warehouse.errors import Refused

Status = Literal["received", "refused", "duplicate", "missing"]
MEMBER: Final = "!/"
"""Between the path of an archive and the name of its member."""

RECEIPT: Final[dict[str, pl.DataType]] = {
    "receipt_id": pl.String(),
    "provider": pl.String(),
    "arrival_date": pl.Date(),
    "path": pl.String(),
    "file_id": pl.String(),
    "bytes": pl.Int64(),
    "mtime_ns": pl.Int64(),
    "status": pl.String(),
    "refusal_code": pl.String(),
    "message": pl.String(),
    "container": pl.String(),
    "encoding": pl.String(),
    "has_bom": pl.Boolean(),
    "is_shuffled": pl.Boolean(),
    "layout": pl.String(),
    "feeds": pl.String(),
    "rows_in": pl.Int64(),
    "rows_emitted": pl.Int64(),
    "biz_date_declared": pl.Date(),
    "releases": pl.String(),
    "received_at": pl.Datetime("us", "UTC"),
    "batch": pl.Int64(),
}
"""Columns of ``bronze.receipt``.

``path`` is relative to the landing root; ``file_id`` is the sha256 of the unpacked content, null where
nothing was read; ``bytes`` and ``mtime_ns`` are those of the file on disk; ``rows_in`` counts rows of
the file, ``rows_emitted`` rows of all feeds made from them; ``releases`` is ``<file>:<row>`` of the
row that a steward's release corrects; ``batch`` is set by the pipeline that commits the receipts.
"""


def receipt_id(provider: str, arrival_date: dt.date, path: str, file_id: str | None) -> str:
    """Name of a receipt: the same file at the same place always has the same one."""
    return hashlib.sha256(f"{provider}|{arrival_date}|{path}|{file_id or ''}".encode()).hexdigest()[:32]


def receipt(
    provider: str,
    arrival_date: dt.date,
    path: str,
    status: Status,
    *,
    file_id: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A receipt as a row; columns that are not given are null."""
    return {
        **dict.fromkeys(RECEIPT),
        "receipt_id": receipt_id(provider, arrival_date, path, file_id),
        "provider": provider,
        "arrival_date": arrival_date,
        "path": path,
        "file_id": file_id,
        "bytes": 0,
        "mtime_ns": 0,
        "status": status,
        "received_at": dt.datetime.now(dt.UTC),
        **fields,
    }


def refusal(error: Refused) -> dict[str, str]:
    """Columns that say why a file was refused."""
    return {"refusal_code": error.code, "message": f"{vocabulary.REFUSALS[error.code]}：{error}"}


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Receipts as a frame with the columns of ``RECEIPT``."""
    return pl.DataFrame(rows, schema=RECEIPT, orient="row")
