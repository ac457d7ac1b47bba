"""camt.052, camt.053 and camt.054 (ISO 20022), any version.

Belongs here: walking the XML by local names and counting that every entry became a line. Entities, DTDs
and anything outside the file are refused by the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, ParseError

import polars as pl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import parse

from ingest.banks import cells
from ingest.banks.statement import LINES, Facts, Statement
from warehouse.errors import Refused

_NAMESPACE: Final = re.compile(rb"urn:iso:std:iso:20022:tech:xsd:(camt\.05[234])\.")
_KINDS: Final = ("Stmt", "Rpt", "Ntfctn")
_SIDES: Final = {"CRDT": 1, "DBIT": -1}
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)


def kind_of(head: bytes) -> str | None:
    """``camt.053`` and the like, from the first bytes of a file."""
    found = _NAMESPACE.search(head)
    return None if found is None else found[1].decode()


def read(path: Path, kind: str) -> list[Statement]:
    """The statements, reports or notifications of a message.

    Raises:
        Refused: Not well-formed, with entities, or an entry would be lost.
    """
    try:
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException as error:
        raise Refused("unreadable", "XML 含有 DTD 或实体，不予解析") from error
    except (ParseError, LookupError, ValueError) as error:
        raise Refused("unreadable", f"XML 格式不正确（{type(error).__name__}）") from error
    statements: list[Statement] = []
    taken = 0
    for number, element in enumerate(_all(root, *_KINDS), 1):
        statements.append(_statement(element, f"{kind} 第 {number} 段", kind, taken))
        taken += statements[-1].lines.height + statements[-1].ignored
    entries = sum(_local(element) == "Ntry" for element in root.iter())
    if taken != entries:
        raise Refused("unreadable", f"XML 有 {entries} 个 Ntry，只读出 {taken} 个")
    return statements


def _statement(element: Element, label: str, kind: str, before: int) -> Statement:
    account = _text(element, "Acct", "Id", "IBAN") or _text(element, "Acct", "Id", "Othr", "Id")
    currency = _text(element, "Acct", "Ccy")
    entries = list(_children(element, "Ntry"))
    booked = [entry for entry in entries if _status(entry) == "BOOK"]
    lines = [_line(entry, before + place, account, currency, label) for place, entry in enumerate(booked, 1)]
    currency = currency or next((str(line["currency"]) for line in lines), None)
    balances = {_balance_code(one): one for one in _children(element, "Bal")}
    opening = next((balances[code] for code in _OPENING if code in balances), None)
    closing = next((balances[code] for code in _CLOSING if code in balances), None)
    notes = (
        [f"{label}：{len(entries) - len(booked)} 笔尚未入账，未采用"] if len(entries) > len(booked) else []
    )
    if any(_currency(one) not in (None, currency) for one in (opening, closing)):
        notes.append(f"{label}：期初或期末余额的币种与账户币种 {currency} 不同，不能用来核对")
        opening = closing = None
    created = _text(element, "CreDtTm")
    return Statement(
        layout=kind,
        label=label,
        lines=pl.DataFrame(lines, schema=LINES, orient="row"),
        facts=Facts(
            account=account,
            currency=currency,
            opening=_signed(opening, label),
            closing=_signed(closing, label),
            count_all=_count(
                _text(element, "TxsSummry", "TtlNtries", "NbOfNtries"), len(entries), len(booked)
            ),
            count_in=_number(_text(element, "TxsSummry", "TtlCdtNtries", "NbOfNtries")),
            count_out=_number(_text(element, "TxsSummry", "TtlDbtNtries", "NbOfNtries")),
            total_in=_sum(_text(element, "TxsSummry", "TtlCdtNtries", "Sum"), label),
            total_out=_sum(_text(element, "TxsSummry", "TtlDbtNtries", "Sum"), label),
            exported_at=_local_time(created),
        ),
        semantics="standard",
        is_reviewed=True,
        has_balance=False,
        notes=notes,
        ignored=len(entries) - len(booked),
    )


def _line(
    entry: Element, row: int, account: str | None, currency: str | None, label: str
) -> dict[str, object]:
    mark = _text(entry, "CdtDbtInd") or ""
    if mark not in _SIDES:
        raise Refused("unproved", f"{label} 第 {row} 笔没有 CdtDbtInd")
    amount = _child(entry, "Amt")
    if amount is None:
        raise Refused("unreadable", f"{label} 第 {row} 笔没有金额")
    booked = _text(entry, "BookgDt", "Dt") or _text(entry, "BookgDt", "DtTm") or _text(entry, "ValDt", "Dt")
    instant = _local_time(_text(entry, "BookgDt", "DtTm"))
    side = _SIDES[mark]
    parties = next(_all(entry, "RltdPties"), None)
    other = "Dbtr" if side > 0 else "Cdtr"
    agents = next(_all(entry, "RltdAgts"), None)
    name = _first(parties, (other, "Nm"), (other, "Pty", "Nm"), (f"Ultmt{other}", "Nm"))
    texts = [element.text or "" for element in _all(entry, "Ustrd")]
    return {
        "_row": row,
        "line": row,
        "account_no": account,
        "currency": amount.get("Ccy") or currency,
        "day": (instant or booked or "")[:10] or None,
        "time": instant[11:] if instant else None,
        "value": _sum(amount.text, label),
        "side": side,
        "balance": None,
        "is_flagged": (_text(entry, "RvslInd") or "").lower() in ("true", "1"),
        "serial_no": _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef"),
        "counterparty_name": name,
        "counterparty_account": _first(
            parties, (f"{other}Acct", "Id", "IBAN"), (f"{other}Acct", "Id", "Othr", "Id")
        ),
        "counterparty_bank": _first(
            agents, (f"{other}Agt", "FinInstnId", "Nm"), (f"{other}Agt", "FinInstnId", "BIC")
        ),
        "summary": _text(entry, "AddtlNtryInf"),
        "purpose_text": " ".join(texts).strip()[:500] or None,
    }


def _status(entry: Element) -> str:
    """``BOOK``, ``PDNG`` or ``INFO``; later versions wrap the code."""
    return _text(entry, "Sts", "Cd") or _text(entry, "Sts") or ""


def _count(declared: str | None, entries: int, booked: int) -> int | None:
    """The declared number of entries, as a number of booked ones where all are accounted for."""
    number = _number(declared)
    return booked if number == entries else number


def _balance_code(balance: Element) -> str:
    return _text(balance, "Tp", "CdOrPrtry", "Cd") or ""


def _currency(balance: Element | None) -> str | None:
    amount = None if balance is None else _child(balance, "Amt")
    return None if amount is None else amount.get("Ccy")


def _signed(balance: Element | None, label: str) -> int | None:
    if balance is None:
        return None
    cents = _sum(_text(balance, "Amt"), label)
    side = _SIDES.get(_text(balance, "CdtDbtInd") or "")
    if cents is None or side is None:
        raise Refused("unproved", f"{label}：余额没有金额或方向")
    return cents * side


def _sum(text: str | None, label: str) -> int | None:
    if text is None:
        return None
    try:
        cents = Decimal(text.strip()) * 100
    except InvalidOperation as error:
        raise Refused("unreadable", f"{label}：金额无法读取") from error
    if cents != int(cents):
        raise Refused("unreadable", f"{label}：金额超过两位小数")
    return int(cents)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _local_time(text: str | None) -> str | None:
    """An ISO instant as Shanghai time; one without zone stays as it is."""
    if text is None:
        return None
    frame = pl.DataFrame({"v": [text[:19].replace("T", " ")]}).select(
        day=cells.day("v"), time=cells.time("v")
    )
    day, time = frame.row(0)
    if day is None:
        return None
    zoned = re.search(r"(Z|[+-]\d{2}:?\d{2})$", text)
    if zoned is None or time is None:
        return f"{day} {time or '00:00:00'}"
    moved = pl.select(
        pl.lit(text)
        .str.replace("Z$", "+00:00")
        .str.replace(r"\.\d+", "")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%z")
    ).to_series()
    return str(moved.dt.convert_time_zone("Asia/Shanghai").dt.strftime("%Y-%m-%d %H:%M:%S")[0])


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if _local(child) == name)


def _child(element: Element, name: str) -> Element | None:
    return next(_children(element, name), None)


def _all(element: Element, *names: str) -> Iterator[Element]:
    return (found for found in element.iter() if _local(found) in names)


def _text(element: Element, *path: str) -> str | None:
    at: Element | None = element
    for name in path:
        at = None if at is None else _child(at, name)
    return ((at.text or "").strip() or None) if at is not None else None


def _first(element: Element | None, *paths: tuple[str, ...]) -> str | None:
    if element is None:
        return None
    return next((text for path in paths if (text := _text(element, *path)) is not None), None)
