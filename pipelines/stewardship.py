"""The steward's quarantine: list, show, release.

Belongs here: turning quarantined rows into words a clerk understands, and a release into a new file.
A release never edits a table: it is a file that holds the whole unit with the row put right, and its
receipt names the old row (DESIGN decision 10).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from ingest.receipts import RECEIPT
from pipelines import receiving
from pipelines.silver import typing, units
from warehouse import catalog, delta, vocabulary
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import FEEDS, QUARANTINE, Feed

_ZONE: Final = "Asia/Shanghai"


def listing(settings: Settings, *, provider: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
    """Open rows of the quarantine, oldest arrival first.

    Args:
        settings: The data home.
        provider: Only this provider's rows.
        limit: At most so many rows.
    """
    rows = _open(settings)
    if provider is not None:
        rows = rows.filter(pl.col("provider") == provider)
    first = rows.sort("_arrival_date", "provider", "_file", "_row").head(limit)
    return [_listed(row) for row in first.iter_rows(named=True)]


def _listed(row: Mapping[str, Any]) -> dict[str, Any]:
    problem = _problems(FEEDS[row["feed"]], row["rules"])[0]
    return {
        "编号": f"{row['_file'][:12]}:{row['_row']}",
        "提供方": row["provider"],
        "数据": FEEDS[row["feed"]].label,
        "食堂": row["canteen_id"] or "",
        "业务日期": str(row["biz_date"] or ""),
        "到达日期": str(row["_arrival_date"]),
        "列": problem["列"],
        "问题": problem["问题"],
    }


def show(settings: Settings, row_id: str) -> dict[str, Any]:
    """One row: file, row, fields, rules, values, and what to do.

    Args:
        settings: The data home.
        row_id: ``<first characters of the file's hash>:<row>``, as listed.
    """
    row = _one(settings, row_id)
    receipts = delta.read(settings.table("bronze.receipt"), RECEIPT).filter(
        (pl.col("file_id") == row["_file"]) & (pl.col("status") == "received")
    )
    values = {catalog.label(name): value for name, value in json.loads(row["row_json"]).items()}
    return {
        "编号": f"{row['_file'][:12]}:{row['_row']}",
        "文件": receipts["path"][0],
        "行号": row["_row"],
        "提供方": row["provider"],
        "数据": FEEDS[row["feed"]].label,
        "问题": _problems(FEEDS[row["feed"]], row["rules"]),
        "内容": values,
        "状态": {"open": "待处理", "released": "已放行", "obsolete": "已被新文件取代"}[row["state"]],
    }


def release(
    settings: Settings, row_id: str, *, by: str, reason: str, changes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Put a row right and send it through the door again, as a file of its own.

    Args:
        settings: The data home.
        row_id: The row, as listed.
        by: Who releases.
        reason: Why; kept in the receipt.
        changes: New values by column name.

    Returns:
        The new file's receipt: ``file``, ``releases`` and the unit.

    Raises:
        Permanent: The row is not open, a column is not known, or the row still breaks a rule.
    """
    row = _one(settings, row_id)
    if row["state"] != "open":
        raise Permanent(f"{row_id} 不是待处理状态，无需放行")
    feed = FEEDS[row["feed"]]
    values = dict(json.loads(row["row_json"]))
    unknown = set(changes or {}) - set(values)
    if unknown:
        raise Permanent(f"没有列 {', '.join(sorted(unknown))}：可改的列有 {', '.join(values)}")
    if not feed.by_message:  # a message keeps its time of report: clocks are judged by it
        now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
        values["reported_at"] = now.strftime("%Y-%m-%d %H:%M:%S")
    values.update(changes or {})
    right = _checked(feed, values, row)
    kept = _unit_rows(settings, feed, str(row["provider"]), right)
    same = pl.col("record_no") == values["record_no"] if "record_no" in values else pl.lit(value=False)
    lines = [*_as_text(feed, kept.filter(~same)), *_as_text(feed, right)]
    file = settings.scratch / f"release-{row['_file'][:12]}-{row['_row']}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf8")
    names = f"{row['_file']}:{row['_row']} 放行人 {by} 理由 {reason}"
    receipts = receiving.paths(settings, [file], str(row["provider"]), lambda _: None, releases=names)
    if receipts["status"][0] != "received":
        raise Permanent(f"放行文件未被接收：{receipts['message'][0]}")
    return {
        "file": receipts["file_id"][0],
        "releases": names,
        "unit": right["unit_key"][0],
        "rows": len(lines),
    }


def _open(settings: Settings) -> pl.DataFrame:
    return delta.read(settings.table("silver.quarantine"), QUARANTINE).filter(pl.col("state") == "open")


def _one(settings: Settings, row_id: str) -> dict[str, Any]:
    file, _, number = row_id.partition(":")
    if not number.isdigit():
        raise Permanent(f"编号 {row_id!r} 的格式应为 文件:行号，见 ./canteen quarantine list")
    rows = delta.read(settings.table("silver.quarantine"), QUARANTINE).filter(
        pl.col("_file").str.starts_with(file) & (pl.col("_row") == int(number))
    )
    if rows.height != 1:
        raise Permanent(
            f"隔离区中编号 {row_id} 对应 {rows.height} 行：请用 ./canteen quarantine list 给出的编号"
        )
    return rows.row(0, named=True)


def _problems(feed: Feed, rules: str) -> list[dict[str, str]]:
    """Each broken rule in a clerk's words."""
    found = []
    for name in rules.split(","):
        column, _, rule = name.rpartition("|")
        what, remedy = vocabulary.RULES.get(rule, (rule, "请联系数据管理员"))
        shown = "、".join(catalog.label(one) for one in feed.columns_of(name))
        # The text of a rule over a whole row names its columns itself.
        text = f"{shown}{what}" if column else what
        found.append({"列": shown, "规则": name, "问题": text, "怎么办": remedy})
    return found


def _checked(feed: Feed, values: Mapping[str, Any], row: Mapping[str, Any]) -> pl.DataFrame:
    """The corrected row, typed, or an error that names the rules it still breaks."""
    text = {name: values.get(name) or "" for name in feed.contract.columns()}
    lineage = {
        "_provider": row["provider"],
        "_file": row["_file"],
        "_row": row["_row"],
        "_arrival_date": row["_arrival_date"],
    }
    checked = typing.check(feed, pl.DataFrame([{**text, **lineage}]))
    if checked.rejected.height:
        problems = _problems(feed, checked.rejected["rules"][0])
        raise Permanent(
            "仍不符合规则，未放行：" + "；".join(f"{one['问题']}（{one['怎么办']}）" for one in problems)
        )
    return checked.accepted.with_columns(units.unit_key(feed))


def _unit_rows(settings: Settings, feed: Feed, provider: str, right: pl.DataFrame) -> pl.DataFrame:
    """Accepted rows of the corrected row's unit as it stands."""
    days = right["biz_date"].to_list() if feed.dated else None
    held = delta.read(settings.table(feed.table), feed.columns, days=days).with_columns(units.unit_key(feed))
    return held.filter((pl.col("_provider") == provider) & (pl.col("unit_key") == right["unit_key"][0]))


def _as_text(feed: Feed, rows: pl.DataFrame) -> list[dict[str, str]]:
    """Rows as the feed pack writes them."""

    def text(name: str, dtype: pl.DataType) -> pl.Expr:
        column = pl.col(name)
        if isinstance(dtype, pl.Datetime):
            column = column.dt.convert_time_zone(_ZONE).dt.strftime("%Y-%m-%d %H:%M:%S")
        return column.cast(pl.String).fill_null("")

    return rows.select(text(name, dtype) for name, dtype in feed.business_columns.items()).to_dicts()
