"""MT940 and MT942 statements, read by the package mt-940.

Belongs here: cutting a file into statements, counting that no line was lost, and the marks C, D, RC, RD.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import mt940
import polars as pl

from ingest.banks.statement import LINES, Facts, Statement
from warehouse.errors import Refused

_START: Final = re.compile(r"^:20:", re.MULTILINE)
_LINE: Final = re.compile(r"^:61:", re.MULTILINE)
_SIDES: Final = {"C": 1, "D": -1, "RC": -1, "RD": 1, "EC": 1, "ED": -1}


def is_mt940(text: str) -> bool:
    """Whether a text has the tags of a statement: reference, account, and a line or a balance."""
    return all(re.search(tag, text, re.MULTILINE) for tag in (r"^:20:", r"^:25:", r"^:(61|60[FM]|34F):"))


def read(text: str) -> list[Statement]:
    """The statements of a file, in its order; a statement is what one ``:20:`` begins.

    Raises:
        Refused: The parser fails or loses a line.
    """
    starts = [match.start() for match in _START.finditer(text)]
    ends = [*starts[1:], len(text)]
    statements = []
    row = 0
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        block = text[start:end]
        statements.append(_statement(block, number, row, text.count("\n", 0, start) + 1))
        row += statements[-1].lines.height
    return statements


def _statement(block: str, number: int, row: int, line: int) -> Statement:
    parsed = _parsed(block, number)
    found = [transaction.data for transaction in parsed if transaction.data.get("id") is not None]
    expected = len(_LINE.findall(block))
    if len(found) != expected:
        raise Refused(
            "unreadable", f"MT940 第 {number} 段有 {expected} 个 :61:，解析器只读出 {len(found)} 个"
        )
    data = parsed.data
    opening = data.get("final_opening_balance") or data.get("intermediate_opening_balance")
    closing = data.get("final_closing_balance") or data.get("intermediate_closing_balance")
    account = str(data.get("account_identification") or "").strip() or None
    lines = [_line(one, row + place, line, account, parsed.currency) for place, one in enumerate(found, 1)]
    facts = Facts(
        account=account,
        currency=parsed.currency,
        opening=None if opening is None else _cents(opening.amount.amount),
        closing=None if closing is None else _cents(closing.amount.amount),
        count_in=_number(data.get("sum_credit_entries")),
        count_out=_number(data.get("sum_debit_entries")),
        exported_at=None if closing is None else f"{closing.date} 23:59:59",
    )
    return Statement(
        layout="mt940",
        label=f"MT940 第 {number} 段",
        lines=pl.DataFrame(lines, schema=LINES, orient="row"),
        facts=facts,
        semantics="standard",
        is_reviewed=True,
        has_balance=False,
    )


def _parsed(block: str, number: int) -> Any:
    """The block by the standard's tag for lines, or by the one that some banks' long references need."""
    failure: Exception | None = None
    for tag in (None, mt940.tags.StatementASNB()):
        reader = mt940.models.Transactions(tags=None if tag is None else {tag.id: tag})
        try:
            with _quiet():
                reader.parse(block)
        except (RuntimeError, ValueError, ArithmeticError, KeyError, TypeError, AttributeError) as error:
            failure = failure or error
            continue
        return reader
    raise Refused("unreadable", f"MT940 第 {number} 段无法解析（{type(failure).__name__}）") from failure


@contextmanager
def _quiet() -> Iterator[None]:
    """The parser logs the text that it cannot match; a statement's text belongs in no log."""
    logger = logging.getLogger("mt940")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _line(
    data: dict[str, Any], row: int, line: int, account: str | None, currency: str | None
) -> dict[str, Any]:
    mark = str(data["status"]).upper()
    if mark not in _SIDES:
        raise Refused("unproved", f"MT940 第 {row} 笔的借贷标志 {mark[:4]} 不在标准之内")
    reference = data.get("bank_reference") or data.get("customer_reference")
    purpose = [data.get("purpose"), data.get("transaction_details"), data.get("extra_details")]
    return {
        "_row": row,
        "line": line,
        "account_no": account,
        "currency": data["amount"].currency or currency,
        "day": str(data.get("entry_date") or data["date"])[:10],
        "time": None,
        "value": _cents(abs(data["amount"].amount)),
        "side": _SIDES[mark],
        "balance": None,
        "is_flagged": mark.startswith("R"),
        "serial_no": _short(reference),
        "counterparty_name": _short(data.get("applicant_name")),
        "counterparty_account": _short(data.get("applicant_iban")),
        "counterparty_bank": _short(data.get("applicant_bin")),
        "summary": _short(data.get("posting_text") or data.get("id")),
        "purpose_text": _short(" ".join(str(text).strip() for text in dict.fromkeys(purpose) if text)),
    }


def _short(text: object) -> str | None:
    return (re.sub(r"\s+", " ", str(text)).strip()[:500] or None) if text else None


def _number(sums: Any) -> int | None:
    return None if sums is None else int(sums.number)


def _cents(amount: Decimal) -> int:
    return int(amount * 100)
