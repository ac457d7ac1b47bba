"""``./canteen decide FILE``: a steward's decisions about differences of the three flows, taken in as a delivery.

Belongs here: reading the file, refusing it with its line numbers, and handing it to the receive step, which keeps it
for ever. Does not belong here: what a decision changes (``pipelines.flows.decisions``).
"""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines import receiving
from pipelines.books import reference
from warehouse import catalog, contracts, delta, vocabulary
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import FLOW_DIFFERENCE, FLOW_EVENT

PROVIDER: Final = "steward"
_COLUMNS: Final = ("subject_id", "decision_code", "reason", "decided_by")
_OPTIONAL: Final = ("account_code", "reported_at")
_CODES: Final = {"decision_code": vocabulary.FLOW_DECISIONS, "decided_by": vocabulary.ROLE_KINDS}
_ENCODINGS: Final = ("utf-8-sig", "gb18030")
_SHOWN: Final = 10


def decide(settings: Settings, file: Path, today: dt.date) -> dict[str, Any]:
    """Take a file of decisions; the next night settles what they name.

    An event that is in a difference stands for the difference. The same file again changes nothing.

    Args:
        settings: The data home.
        file: CSV with the columns of the feed ``flow_decision``, English or Chinese names and codes.
        today: Day of decisions whose row gives no time.

    Returns:
        ``file`` (its hash), ``decisions``, and ``status``: ``received``, or ``duplicate`` where it is known.

    Raises:
        Permanent: The file cannot be read, or a line names what does not exist; nothing is taken.
    """
    rows = _read(file, today)
    known = _known(settings, rows["subject_id"])
    rows = rows.join(known, on="subject_id", how="left", maintain_order="left")
    _check(rows, file.name)
    decided = rows.with_columns(subject_id="stands_for").select(list(contracts.FlowDecision.columns()))
    made = settings.scratch / f"{file.stem}-decisions.csv"
    made.parent.mkdir(parents=True, exist_ok=True)
    decided.write_csv(made)
    receipt = receiving.paths(settings, [made], PROVIDER, lambda _: None)
    if receipt["status"][0] not in ("received", "duplicate"):
        raise Permanent(f"{file.name} 未被接收：{receipt['message'][0]}")
    return {"file": receipt["file_id"][0], "decisions": decided.height, "status": receipt["status"][0]}


def _read(file: Path, today: dt.date) -> pl.DataFrame:
    """The columns of the feed as text, with ``line`` (the header is line 1)."""
    if not file.is_file():
        raise Permanent(f"{file} 不是文件，请核对路径")
    table = pl.read_csv(io.StringIO(_text(file)), infer_schema=False)
    names = {catalog.label(name): name for name in (*_COLUMNS, *_OPTIONAL)}
    table = table.rename({name: names.get(name.strip(), name.strip()) for name in table.columns})
    missing = [catalog.label(name) for name in _COLUMNS if name not in table.columns]
    if missing:
        raise Permanent(f"{file.name} 缺少列：{'、'.join(missing)}")
    blank = [pl.lit(None, pl.String).alias(name) for name in _OPTIONAL if name not in table.columns]
    codes = [
        pl.col(name).replace({label: code for code, label in known.items()}) for name, known in _CODES.items()
    ]
    return (
        table.with_columns(blank)
        .with_columns(pl.col(name).str.strip_chars() for name in (*_COLUMNS, *_OPTIONAL))
        .with_columns(*codes, pl.col("reported_at").fill_null(f"{today} 00:00:00"))
        .with_row_index("line", 2)
    )


def _text(file: Path) -> str:
    for encoding in _ENCODINGS:
        try:
            return file.read_bytes().decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Permanent(f"{file.name} 不是 UTF-8 或 GB18030 编码的 CSV，请另存为 CSV UTF-8")


def _known(settings: Settings, subjects: pl.Series) -> pl.DataFrame:
    """subject_id, stands_for: the differences and events there are; an event stands for its difference."""
    differences = delta.read(
        settings.table("silver.flow_difference"), FLOW_DIFFERENCE, columns=["difference_id"]
    )
    events = delta.read(
        settings.table("silver.flow_event"), FLOW_EVENT, columns=["event_id", "difference_id"]
    )
    return pl.concat(
        [
            differences.select(subject_id="difference_id", stands_for="difference_id"),
            events.select(subject_id="event_id", stands_for=pl.coalesce("difference_id", "event_id")),
        ]
    ).filter(pl.col("subject_id").is_in(subjects.implode()))


def _check(rows: pl.DataFrame, name: str) -> None:
    """Refuse the file where a line cannot be used; every kind of fault is named with its lines."""
    accounts = reference.load().accounts["account_code"].unique()
    wrong = {
        "没有这个差异或事件编号": pl.col("stands_for").is_null(),
        f"裁定须为 {'、'.join(vocabulary.FLOW_DECISIONS.values())}": ~pl.col("decision_code").is_in(
            list(vocabulary.FLOW_DECISIONS)
        ),
        f"裁定角色须为 {'、'.join(vocabulary.ROLE_KINDS.values())}": ~pl.col("decided_by").is_in(
            list(vocabulary.ROLE_KINDS)
        ),
        "事由为空": pl.col("reason").is_null() | (pl.col("reason") == ""),
        "会计科目表中没有这个科目编码": ~pl.col("account_code").is_in(accounts.implode()),
        "同一差异裁定了不止一次": pl.col("stands_for").is_duplicated() & pl.col("stands_for").is_not_null(),
    }
    found = []
    for what, bad in wrong.items():
        lines = rows.filter(bad.fill_null(value=what != "会计科目表中没有这个科目编码"))["line"].to_list()
        if lines:
            more = " 等" if len(lines) > _SHOWN else ""
            found.append(f"第 {'、'.join(map(str, lines[:_SHOWN]))}{more} 行：{what}")
    if found or rows.is_empty():
        raise Permanent(f"{name} 未采纳：{'；'.join(found) or '没有任何裁定'}。更正后重新提交")
