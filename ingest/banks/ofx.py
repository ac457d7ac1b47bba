"""OFX statements, read by the package ofxparse.

Belongs here: counting that no transaction was lost and that the sign agrees with the type. OFX declares
a closing balance and no opening one, so the signs rest on the format's definition.
"""

from __future__ import annotations

import io
import re
import warnings
from decimal import Decimal
from typing import Any, Final

import polars as pl
from bs4 import XMLParsedAsHTMLWarning
from ofxparse import OfxParser
from ofxparse.ofxparse import OfxParserException

from ingest.banks.statement import LINES, Facts, Statement
from warehouse.errors import Refused

_TRANSACTION: Final = re.compile(rb"<STMTTRN>", re.IGNORECASE)
_INVESTMENT: Final = re.compile(rb"<INVSTMTRS>", re.IGNORECASE)
_SIDES: Final = {
    "credit": 1,
    "debit": -1,
    "dep": 1,
    "directdep": 1,
    "check": -1,
    "payment": -1,
    "directdebit": -1,
}
"""Types of transactions whose sign is defined; of the others the amount's own sign holds."""


def is_ofx(head: bytes) -> bool:
    """Whether a file begins as OFX 1 or 2."""
    return b"OFXHEADER" in head.upper() and b"<OFX>" in head.upper()


def read(content: bytes) -> list[Statement]:
    """The accounts of a file.

    Raises:
        Refused: The parser fails, loses a transaction, or a sign contradicts its type.
    """
    if re.search(rb"<!(DOCTYPE|ENTITY)", content, re.IGNORECASE):
        raise Refused("unreadable", "OFX 含有 DTD 或实体，不予解析")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            parsed = OfxParser.parse(io.BytesIO(content))
    except (OfxParserException, ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        raise Refused("unreadable", f"OFX 无法解析（{type(error).__name__}）") from error
    except UnboundLocalError as error:
        raise Refused("unreadable", "OFX 声明的编码无法识别") from error
    statements: list[Statement] = []
    taken = 0
    for account in parsed.accounts:
        lines = [_line(one, taken + place, account) for place, one in enumerate(_transactions(account), 1)]
        taken += len(lines)
        statements.append(_statement(account, lines))
    expected = len(_TRANSACTION.findall(content))
    if taken != expected or _INVESTMENT.search(content):
        raise Refused("unreadable", f"OFX 有 {expected} 笔 STMTTRN，只读出 {taken} 笔")
    if not statements:
        raise Refused("empty", "OFX 中没有账户")
    return statements


def _transactions(account: Any) -> list[Any]:
    statement = getattr(account, "statement", None)
    return list(getattr(statement, "transactions", None) or [])


def _statement(account: Any, lines: list[dict[str, Any]]) -> Statement:
    statement = getattr(account, "statement", None)
    balance = getattr(statement, "balance", None)
    return Statement(
        layout="ofx",
        label="OFX",
        lines=pl.DataFrame(lines, schema=LINES, orient="row"),
        facts=Facts(
            account=account.account_id or None,
            currency=_currency(account),
            closing=int(Decimal(str(balance)) * 100) if isinstance(balance, Decimal) else None,
            exported_at=_day(getattr(statement, "end_date", None)),
        ),
        semantics="standard",
        is_reviewed=True,
        has_balance=False,
    )


def _line(one: Any, row: int, account: Any) -> dict[str, Any]:
    amount = Decimal(str(one.amount))
    if amount * 100 != int(amount * 100):
        raise Refused("unreadable", f"OFX 第 {row} 笔的金额超过两位小数")
    side = (amount > 0) - (amount < 0)
    defined = _SIDES.get(str(one.type).lower())
    if defined is not None and side and side != defined:
        raise Refused("unproved", f"OFX 第 {row} 笔的类型 {one.type} 与金额的正负号矛盾")
    return {
        "_row": row,
        "line": row,
        "account_no": account.account_id or None,
        "currency": _currency(account),
        "day": str(one.date.date()),
        "time": None,
        "value": int(abs(amount) * 100),
        "side": side or defined,
        "balance": None,
        "is_flagged": False,
        "serial_no": str(one.id) or None,
        "counterparty_name": str(one.payee).strip() or None,
        "counterparty_account": None,
        "counterparty_bank": None,
        "summary": str(one.type) or None,
        "purpose_text": str(one.memo).strip()[:500] or None,
    }


def _currency(account: Any) -> str | None:
    found = getattr(account, "curdef", None) or getattr(getattr(account, "statement", None), "currency", None)
    return str(found).upper() if found else None


def _day(value: Any) -> str | None:
    return f"{value.date()} 23:59:59" if hasattr(value, "date") else None
