"""One bank file to rows of the feed ``bank_line``.

Belongs here: telling the formats apart by content, bytes to tables, proof, and the feed's columns. Does
not belong here: masking and writing (``ingest.reading``).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import limits, sheets, texts
from ingest.banks import camt, header, mt940, ofx, proof, tables
from ingest.banks.proof import Proved
from ingest.banks.statement import LINES, Statement, yuan
from ingest.banks.tables import NO_HEADER
from warehouse.errors import Refused
from warehouse.tables import FEEDS

FEED: Final = "bank_line"
YUAN: Final = "CNY"
_HEAD: Final = 4096
_DELIMITERS: Final = (",", "\t", ";", "|")
_WORKBOOK: Final = "workbook"


@dataclass(frozen=True)
class BankFile:
    """What a bank file was found to be.

    Attributes:
        layout: ``bank.<layout>``.
        encoding: ``utf-8``, ``gb18030`` or ``workbook``.
        has_bom: Whether it began with a byte order mark.
        rows: Lines of the file, those that are no movement yet included.
        ignored: Lines that are no movement yet.
        frame: Text columns of the contract, then ``_row``.
        notes: What a person should know.
        statements: Per account what ``inspect`` shows: account (last four digits), rows, days, opening
            and closing balance, totals, and how many lines are proved how.
    """

    layout: str
    encoding: str
    has_bom: bool
    rows: int
    ignored: int
    frame: pl.DataFrame
    notes: list[str] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> BankFile:
    """Read and prove a bank file.

    Args:
        path: The unpacked content.

    Raises:
        Refused: Not recognised, contradictory, or not provable; with what was seen.
    """
    statements, encoding, has_bom = _statements(path)
    proved = [(one, proof.prove(one)) for one in statements]
    names = list(dict.fromkeys(one.layout for one in statements))
    notes = [
        note for one, parts in proved for note in (*one.notes, *(n for part in parts for n in part.notes))
    ]
    ignored = sum(one.ignored for one in statements)
    frame = _frame([(one, part) for one, parts in proved for part in parts])
    notes += _foreign(frame["currency"])
    return BankFile(
        layout=f"bank.{'+'.join(names)}",
        encoding=encoding,
        has_bom=has_bom,
        rows=frame.height + ignored,
        ignored=ignored,
        frame=frame,
        notes=list(dict.fromkeys(notes)),
        statements=[_described(one, part) for one, parts in proved for part in parts],
    )


def resembles(refused: Refused) -> bool:
    """Whether a refused file is a bank file at all: it has a header, or is one of the formats."""
    return NO_HEADER not in str(refused) and refused.code in ("unknown_layout", "unproved", "unreadable")


def _statements(path: Path) -> tuple[list[Statement], str, bool]:
    if sheets.is_workbook(path):
        return _of_workbook(path), _WORKBOOK, False
    with path.open("rb") as file:
        head = file.read(_HEAD)
    kind = camt.kind_of(head)
    if kind is not None:
        return camt.read(path, kind), "utf-8", False
    if ofx.is_ofx(head):
        return ofx.read(path.read_bytes()), "utf-8", False
    text = texts.open_text(path)
    content = text.path.read_text("utf-8-sig")
    if mt940.is_mt940(content):
        return mt940.read(content), text.encoding, text.has_bom
    return [_of_text(content, ends_line=text.ends_line)], text.encoding, text.has_bom


def _of_workbook(path: Path) -> list[Statement]:
    """The sheets that are statements; a sheet that is none must have nothing like a header."""
    found: list[Statement] = []
    others: list[tuple[str, Refused]] = []
    base = 0
    for sheet in sheets.read(path):
        if header.find(sheet.rows) is None:
            others.append((sheet.name, Refused("unknown_layout", NO_HEADER)))
            continue
        statement = tables.read_table(sheet.rows, sheet.merged)
        statement.lines = statement.lines.with_columns(pl.col("_row") + base)
        base += statement.lines.height
        found.append(statement)
    if not found:
        names = "、".join(name[:20] for name, _ in others)
        raise Refused("unknown_layout", f"工作表 {names}：{NO_HEADER}")
    if others:
        found[0].notes.append(f"有 {len(others)} 张工作表不是流水，未读取")
    return found


def _of_text(content: str, *, ends_line: bool) -> Statement:
    """A text file, with the separator under which it has a header."""
    best: tuple[int, list[list[str]]] | None = None
    for delimiter in _DELIMITERS:
        rows = _rows(content, delimiter)
        found = header.find(rows)
        if found is not None and (best is None or len(found.roles) > best[0]):
            best = (len(found.roles), rows)
    if best is None:
        raise Refused("unknown_layout", NO_HEADER)
    statement = tables.read_table(best[1])
    if not ends_line and not statement.has_balance:
        raise Refused(
            "truncated", "最后一行没有换行符，且没有余额可以证明完整；若确实完整，请在末尾补一个换行"
        )
    return statement


def _rows(content: str, delimiter: str) -> list[list[str]]:
    try:
        rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Refused("unreadable", "文本表格的引号或单元格不合规则") from error
    if len(rows) > limits.ROWS or max(map(len, rows), default=0) > limits.COLUMNS:
        raise Refused("too_large", f"超过 {limits.ROWS} 行或 {limits.COLUMNS} 列")
    # A single trailing separator makes one more, empty cell.
    return [row[:-1] if row and not row[-1].strip() else row for row in rows]


def _frame(parts: Sequence[tuple[Statement, Proved]]) -> pl.DataFrame:
    """Rows of the feed; the record number is the place of a line within its account and day."""
    schema = {
        **LINES,
        "effect": pl.Int64(),
        "is_reversal": pl.Boolean(),
        "proof": pl.String(),
        "reported_at": pl.String(),
    }
    lines = [
        part.lines.with_columns(reported_at=pl.lit(_reported(statement, part.lines), pl.String)).select(
            pl.col(name).cast(dtype) for name, dtype in schema.items()
        )
        for statement, part in parts
    ]
    frame = pl.concat([pl.DataFrame(schema=schema), *lines])
    account = pl.col("account_no").fill_null("-")
    place = pl.int_range(1, pl.len() + 1).over("account_no", "day").cast(pl.String).str.zfill(5)
    way = pl.when(pl.col("effect") != 0).then(pl.col("effect").sign()).otherwise(pl.col("side"))
    columns = {
        "record_no": pl.concat_str(account, pl.col("day").str.replace_all("-", ""), place, separator="-"),
        "biz_date": pl.col("day"),
        "booked_at": pl.concat_str("day", "time", separator=" "),
        "direction": way.replace_strict({1: "in", -1: "out"}, default=None, return_dtype=pl.String),
        "amount_yuan": _text(pl.coalesce("effect", "value").abs()),
        "balance_yuan": _text(pl.col("balance")),
        "is_reversal": pl.when("is_reversal").then(pl.lit("1")).otherwise(pl.lit("0")),
    }
    wanted = FEEDS[FEED].contract.columns()
    return frame.select(*(columns.get(name, pl.col(name)).alias(name) for name in wanted), "_row")


def _text(cents: pl.Expr) -> pl.Expr:
    """Cents as decimal text."""
    sign = pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole, rest = cents.abs() // 100, (cents.abs() % 100).cast(pl.String).str.zfill(2)
    return pl.concat_str(sign, whole.cast(pl.String), pl.lit("."), rest)


def _reported(statement: Statement, lines: pl.DataFrame) -> str | None:
    """When the bank said so: the declared time of export, else the end of the last day."""
    last = lines.select(pl.concat_str("day", pl.lit("23:59:59"), separator=" ").max()).item()
    known = [text for text in (statement.facts.exported_at, last) if text is not None]
    return max(known, default=None)


def _foreign(currency: pl.Series) -> list[str]:
    """What is told of lines in other currencies; the contract's rule ``in_yuan`` quarantines them."""
    counted = currency.drop_nulls().value_counts(sort=True).filter(pl.col("currency") != YUAN)
    return [
        f"币种 {code}：外币不能记为元，{lines} 行入库时全部隔离；请只导出人民币账户，外币账户另行登记"
        for code, lines in counted.sort("currency").iter_rows()
    ]


def _described(statement: Statement, part: Proved) -> dict[str, Any]:
    account = part.lines["account_no"][0]
    effect = part.lines["effect"]
    counts = {
        code: int((part.lines["proof"] == code).sum())
        for code in (proof.BALANCE, proof.TOTAL, proof.EXPLICIT, proof.UNPROVED)
    }
    return {
        "label": statement.label,
        "account": None if account is None else f"****{account[-4:]}",
        "currency": part.lines["currency"][0],
        "rows": part.lines.height,
        "biz_date_from": part.lines["day"].min(),
        "biz_date_to": part.lines["day"].max(),
        "opening_yuan": yuan(part.opening),
        "closing_yuan": yuan(part.closing),
        "in_yuan": yuan(int(effect.filter(effect > 0).sum())),
        "out_yuan": yuan(-int(effect.filter(effect < 0).sum())),
        "proof": counts,
    }
