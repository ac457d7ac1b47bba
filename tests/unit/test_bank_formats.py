"""MT940, camt and OFX: the given files, the published table of outcomes, and files that lie."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import bank_formats
import polars as pl
import pytest
import real_data

from ingest.banks import reading
from warehouse.errors import Refused

MT940 = """:20:A1
:25:430601/8111201012800123456
:28C:1/1
:60F:C260901CNY1000,00
:61:2609010901C500,00NTRFREF1//B1
:86:HUO KUAN
:61:2609020902D200,50NTRFREF2//B2
:86:CAI KUAN
:61:2609020902RD200,50NTRFREF3//B3
:86:CHONG ZHENG
:61:2609030903RC10,00NTRFREF4//B4
:86:TUI HUI
:62F:C260903CNY1490,00
-
"""
CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<CreDtTm>2026-09-03T18:00:00+08:00</CreDtTm>
<Acct><Id><Othr><Id>8111201012800123456</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1290.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>
<TxsSummry><TtlNtries><NbOfNtries>4</NbOfNtries></TtlNtries></TxsSummry>
{entries}
</Stmt></BkToCstmrStmt></Document>
"""
ENTRY = """<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd><RvslInd>{reversal}</RvslInd>
<Sts><Cd>{status}</Cd></Sts><BookgDt><DtTm>2026-09-02T23:30:00Z</DtTm></BookgDt><AcctSvcrRef>B1</AcctSvcrRef>
<NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>付方公司</Nm></Pty></Dbtr><Cdtr><Pty><Nm>收方公司</Nm></Pty></Cdtr>
</RltdPties></TxDtls></NtryDtls></Ntry>"""
ENTRIES = [("500.00", "CRDT", "false", "BOOK"), ("200.00", "DBIT", "false", "BOOK"), ("10.00", "DBIT", "true", "BOOK"), ("77.00", "CRDT", "false", "PDNG")]  # fmt: skip
OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:UTF-8
CHARSET:NONE
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>CNY
<BANKACCTFROM><BANKID>1<ACCTID>8111201012800123456<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260901<DTEND>20260903
{transactions}
</BANKTRANLIST><LEDGERBAL><BALAMT>1290.00<DTASOF>20260903</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""
TRANSACTION = "<STMTTRN><TRNTYPE>{kind}<DTPOSTED>20260902<TRNAMT>{amount}<FITID>{no}<NAME>甲公司</STMTTRN>"


def camt(entries: list[tuple[str, str, str, str]] = ENTRIES) -> str:
    made = [ENTRY.format(amount=a, mark=m, reversal=r, status=s) for a, m, r, s in entries]
    return CAMT.format(entries="".join(made))


def ofx(*transactions: tuple[str, str]) -> str:
    made = [TRANSACTION.format(kind=k, amount=a, no=n) for n, (k, a) in enumerate(transactions)]
    return OFX.format(transactions="\n".join(made))


def read(folder: Path, content: str) -> reading.BankFile:
    path = folder / "original"
    path.write_text(content, "utf-8")
    return reading.read(path)


def signed(frame: pl.DataFrame) -> list[Decimal]:
    rows = frame.select("direction", "amount_yuan").iter_rows()
    return [Decimal(amount) if way == "in" else -Decimal(amount) for way, amount in rows]


def test_mt940_marks_and_balances(tmp_path: Path) -> None:
    found = read(tmp_path, MT940)
    assert signed(found.frame) == [
        Decimal("500.00"),
        Decimal("-200.50"),
        Decimal("200.50"),
        Decimal("-10.00"),
    ]
    assert found.frame["is_reversal"].to_list() == ["0", "0", "1", "1"]
    assert set(found.frame["proof"]) == {"statement"}
    assert set(found.frame["currency"]) == {"CNY"}
    assert found.frame["biz_date"].to_list() == ["2026-09-01", "2026-09-02", "2026-09-02", "2026-09-03"]
    assert (found.statements[0]["opening_yuan"], found.statements[0]["closing_yuan"]) == (
        "1000.00",
        "1490.00",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [(":61:2609020902D200,50", ":61:2609020902C200,50"), ("1490,00", "1490,01"), (":61:2609010901C500,00NTRFREF1//B1", ":61:?")],
)  # fmt: skip
def test_an_mt940_file_that_does_not_add_up_is_refused(tmp_path: Path, old: str, new: str) -> None:
    assert old in MT940
    with pytest.raises(Refused) as caught:
        read(tmp_path, MT940.replace(old, new))
    assert caught.value.code in ("unproved", "unreadable")


def test_camt_entries_reversals_zones_and_what_is_pending(tmp_path: Path) -> None:
    found = read(tmp_path, camt())
    assert signed(found.frame) == [Decimal("500.00"), Decimal("-200.00"), Decimal("-10.00")]
    assert (found.rows, found.ignored) == (4, 1)
    assert found.frame["is_reversal"].to_list() == ["0", "0", "1"]
    assert set(found.frame["booked_at"]) == {"2026-09-03 07:30:00"}  # Shanghai
    assert found.frame["counterparty_name"].to_list() == ["付方公司", "收方公司", "收方公司"]
    assert set(found.frame["proof"]) == {"statement"}
    assert "尚未入账" in found.notes[0]


def test_camt_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    turned = [*ENTRIES[:1], ("200.00", "CRDT", "false", "BOOK"), *ENTRIES[2:]]
    for content in (
        camt(turned),
        camt(ENTRIES[:2]),
        camt().replace("<NbOfNtries>4<", "<NbOfNtries>5<"),
        camt().replace("<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>false", "<RvslInd>false"),
        camt().replace("200.00<", "200.005<"),
        camt()[:-30],
    ):
        with pytest.raises(Refused) as caught:
            read(tmp_path, content)
        assert caught.value.code in ("unproved", "unreadable")


def test_no_entity_and_nothing_outside_the_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("500.00")
    hostile = (
        camt()
        .replace("?>", f'?><!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>', 1)
        .replace(">500.00<", ">&e;<")
    )
    with pytest.raises(Refused, match="DTD"):
        read(tmp_path, hostile)
    with pytest.raises(Refused, match="DTD"):
        read(tmp_path, ofx(("CREDIT", "500.00")).replace("<OFX>", "<OFX><!ENTITY e 'x'>"))


def test_ofx_signs_and_types(tmp_path: Path) -> None:
    found = read(tmp_path, ofx(("CREDIT", "500.00"), ("DEBIT", "-200.00"), ("OTHER", "-10.00")))
    assert signed(found.frame) == [Decimal("500.00"), Decimal("-200.00"), Decimal("-10.00")]
    assert set(found.frame["proof"]) == {"explicit"}
    with pytest.raises(Refused, match="正负号矛盾"):
        read(tmp_path, ofx(("DEBIT", "500.00")))
    lost = ofx(("CREDIT", "500.00")).replace("</STMTRS>", "</STMTRS><STMTTRN><TRNAMT>1</STMTTRN>")
    with pytest.raises(Refused, match="STMTTRN"):
        read(tmp_path, lost)


def test_the_published_table_says_what_the_readers_do() -> None:
    data = real_data.folder("tabular", "A_open")
    assert bank_formats.PAGE.read_text("utf8") == bank_formats.page(data), (
        "run `python -P tests/support/bank_formats.py <data>/tabular/A_open`"
    )


def test_no_given_file_gives_a_line_without_reason() -> None:
    """All of the open samples are read or refused with a reason; most are read."""
    data = real_data.folder("tabular", "A_open")
    rows = [line for line in bank_formats.page(data).splitlines() if line.startswith("| bank_")]
    assert len(rows) == len(
        [p for f in bank_formats.FOLDERS for p in (data / f).rglob("*") if bank_formats._is_sample(p)]
    )
    assert sum("| read as" in row for row in rows) >= 30
    assert all("| read as" in row or row.split("|")[5].strip() for row in rows)
