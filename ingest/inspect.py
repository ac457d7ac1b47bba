"""What a file would be taken as: nothing is kept, no data home is touched.

Belongs here: ``./canteen inspect``.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import archives, layouts
from ingest.reading import frame_path
from ingest.worker import Worker
from warehouse import vocabulary
from warehouse.errors import Permanent, Refused
from warehouse.tables import FEEDS

_AMOUNT: Final = r"^[+-]?\d{1,12}(\.\d{0,6}0*)?$"


def inspect(path: Path, home: Path | None = None) -> dict[str, Any]:
    """Recognise a file as the door would, whoever delivered it.

    Args:
        path: A file in any container.
        home: A data home, whose own sources are known too.

    Returns:
        ``{"path", "container", "files": [...]}``. Each file has ``name`` and either ``refused`` and
        ``message``, or ``layout``, ``encoding``, ``has_bom``, ``is_shuffled``, ``rows``, ``ignored``
        ``notes``, ``statements`` (of a bank file, per account, see ``ingest.banks.reading``) and
        ``feeds``: per feed ``rows``, ``biz_date_from``, ``biz_date_to`` (as written) and
        ``totals``: the sum of each amount column as decimal text.

    Raises:
        Permanent: There is no such file.
    """
    if not path.is_file():
        raise Permanent(f"{path} 不是文件，请核对路径")
    # Nothing is kept, so the pseudonyms may be of any key.
    with tempfile.TemporaryDirectory() as folder, Worker(secrets.token_bytes(32), home=home) as worker:
        found: dict[str, Any] = {"path": str(path), "container": None, "files": []}
        try:
            with path.open("rb") as file:
                found["container"] = archives.container_of(file.read(16))
            copy = Path(folder) / "original"
            shutil.copyfile(path, copy)
            contents = [archives.Content("", str(copy), "")]
            if found["container"] != "plain":
                unpacked = Path(folder) / "contents"
                unpacked.mkdir()
                contents = worker.unpack(copy, found["container"], unpacked)
                if contents[0].path == str(copy):  # a workbook
                    found["container"] = "plain"
        except Refused as refused:
            found["files"].append(_refusal(path.name, refused))
            return found
        for content in contents:
            sources = [source for source in layouts.load_all(home) if source != layouts.RELEASE]
            name = content.name or path.name
            found["files"].append(_content(worker, content, name, Path(folder), sources))
        return found


def _content(
    worker: Worker, content: archives.Content, name: str, folder: Path, sources: list[str]
) -> dict[str, Any]:
    stem = folder / "frame"
    try:
        reading = worker.read(Path(content.path), "", sources, list(FEEDS), stem)
    except Refused as refused:
        return _refusal(name, refused)
    return {
        "name": name,
        "layout": reading.layout,
        "encoding": reading.encoding,
        "has_bom": reading.has_bom,
        "is_shuffled": reading.is_shuffled,
        "rows": reading.rows,
        "ignored": reading.ignored,
        "notes": reading.notes,
        "statements": reading.statements,
        "feeds": {feed: _totals(feed, pl.read_ipc(frame_path(stem, feed))) for feed in reading.feeds},
    }


def _refusal(name: str, refused: Refused) -> dict[str, Any]:
    return {
        "name": name,
        "refused": refused.code,
        "message": f"{vocabulary.REFUSALS[refused.code]}：{refused}",
    }


def _totals(feed: str, frame: pl.DataFrame) -> dict[str, Any]:
    amounts = [
        name
        for name, dtype in FEEDS[feed].business_columns.items()
        if isinstance(dtype, pl.Decimal) and name.endswith("_yuan")
    ]
    if "direction" in frame.columns:
        amounts = []  # money in and out have no sum; statements tell them apart
    days = frame["biz_date"] if "biz_date" in frame.columns else pl.Series([], dtype=pl.String)
    return {
        "rows": frame.height,
        "biz_date_from": days.min(),
        "biz_date_to": days.max(),
        "totals": {name: str(_sum(frame[name])) for name in amounts},
    }


def _sum(column: pl.Series) -> Decimal:
    """Exact sum of the texts that are amounts; what is none, the contract will say."""
    amounts = column.filter(column.str.contains(_AMOUNT)).cast(pl.Decimal(38, 6))
    return Decimal(str(amounts.sum())).quantize(Decimal("0.01"))
