"""Statements of the canteens' accounts: layouts as banks export them, balances that run on, planted faults told."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import python_calamine

from ingest.simulator import bank, bank_layouts, city, simulate, workbook
from ingest.simulator.bank_layouts import LAYOUTS, Entry, Statement

START, END = date(2026, 9, 1), date(2026, 11, 30)
# Header cells by which each layout is known, and the row (from 0) in which they stand.
HEADERS = {
    "icbc": (1, ["凭证号", "对方账号", "交易时间", "借贷标志"]),
    "bcm": (1, ["交易时间", "摘要", "凭证种类"]),
    "abc": (2, ["交易时间", "收入金额", "支出金额", "账户余额"]),
    "scrcb": (2, ["交易日期", "交易时间", "收入/支出"]),
    "ccb": (7, ["记账日期", "交易时间", "凭证种类", "凭证号", "发生额/元"]),
    "cmbc": (17, ["交易时间", "交易流水号", "借方发生额", "贷方发生额"]),
    "psbc": (4, ["交易日期", "交易时间", "支出金额", "收入金额", "余额"]),
}


def table(data: bytes, kind: str, encoding: str) -> list[list[str]]:
    if kind == "csv":
        return list(csv.reader(io.StringIO(data.decode(encoding))))
    sheet = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
    return [[str(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]


def statement() -> Statement:
    def entry(minute: int, into: bool, amount: int, balance: int) -> Entry:
        at = datetime(2026, 9, 3, 9, minute)  # noqa: DTZ001
        return Entry(at, into, amount, balance, "某公司", "6217001", "款项", f"S{minute}")

    entries = [
        entry(1, True, 123_456, 223_456),
        entry(2, False, 50_000, 173_456),
        entry(3, False, -50_000, 223_456),
    ]
    return Statement(
        "430700001", "某校食堂专户", "支行", START, date(2026, 9, 30), entries, ((2, 0), (1, 123_456))
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Accounts of eight canteens over three months, played without the rest of the city."""
    town = city.build(60, START, 3)
    out = tmp_path_factory.mktemp("bank")
    accounts = bank.Bank(town, out / "bank", faulty=True)
    paid = (town.daily_income).astype("int64")
    day = START
    while day <= END:
        bought = pl.DataFrame(
            {"c": range(town.canteens), "supplier": town.suppliers[:, 1, 0], "amount": paid * 3 // 4}
        )
        is_open = day.weekday() < 5
        accounts.day(day, paid * is_open, bought if is_open else None)
        day = date.fromordinal(day.toordinal() + 1)
    accounts.lines().write_parquet(out / "lines.parquet")
    accounts.faults().write_parquet(out / "faults.parquet")
    return out


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_has_its_header_where_the_bank_puts_it(name: str) -> None:
    layout = LAYOUTS[name]
    rows = table(bank_layouts.export(layout, statement()), layout.kind, layout.encoding)
    at, cells = HEADERS[name]
    assert rows[at][: len(cells)] == cells


@pytest.mark.parametrize("name", LAYOUTS)
def test_all_lines_amounts_and_balances_are_printed(name: str) -> None:
    layout = LAYOUTS[name]
    rows = table(bank_layouts.export(layout, statement()), layout.kind, layout.encoding)
    body = rows[HEADERS[name][0] + (2 if name == "ccb" else 1) :]
    plain = [" ".join(cell.strip().replace(",", "") for cell in row) for row in body]
    assert len(body) == 3
    newest = body and plain[0 if name == "cmbc" else 2]
    assert "-500" in newest
    assert "2234.56" in newest


def test_a_workbook_opens_in_another_program_with_its_merged_cells() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    data = bank_layouts.export(LAYOUTS["ccb"], statement())
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert {str(r) for r in sheet.merged_cells.ranges} == {"A2:H2", "A3:H3", "E8:F8"}
    assert (sheet["E8"].value, sheet["E9"].value, sheet["F9"].value) == ("发生额/元", "借方", "贷方")


def test_columns_are_named_as_spreadsheets_name_them() -> None:
    assert [workbook.column_name(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_at_least_five_layouts_are_delivered_and_every_fault_is_planted(run: Path) -> None:
    faults = pl.read_parquet(run / "faults.parquet")
    assert len({path.name.split("_")[0] for path in (run / "bank").rglob("*_*")}) >= 5
    assert set(faults["kind"]) == set(bank.FAULTS)
    assert all((run / "bank" / file).is_file() for file in faults["file"])


def test_true_balances_run_on_from_line_to_line(run: Path) -> None:
    lines = pl.read_parquet(run / "lines.parquet").sort("account", "at", maintain_order=True)
    signed = pl.when(pl.col("direction") == "in").then("amount").otherwise(-pl.col("amount"))
    step = lines.with_columns(signed.alias("signed")).with_columns(
        (pl.col("balance") - pl.col("balance").shift().over("account")).alias("step")
    )
    assert lines.height > 400
    assert step.filter(pl.col("step").is_not_null() & (pl.col("step") != pl.col("signed"))).is_empty()
    reversals = lines.filter("is_reversal")
    assert reversals.height > 5
    assert set(reversals["direction"]) == {"in"}


def test_a_missing_line_is_true_but_not_printed(run: Path) -> None:
    lines, faults = pl.read_parquet(run / "lines.parquet"), pl.read_parquet(run / "faults.parquet")
    gone = lines.filter(~pl.col("is_printed"))
    assert set(gone["serial"]) == set(faults.filter(pl.col("kind") == "bank_missing_line")["serial"])


def test_a_run_writes_statements_and_messages_beside_the_landing_folders(tmp_path: Path) -> None:
    simulate(tmp_path / "out", 2, START, date(2026, 9, 30), 4)
    assert list((tmp_path / "out" / "extra" / "bank").rglob("*_202609.*"))
    assert {p.stem for p in (tmp_path / "out" / "extra" / "devices").iterdir()} == {
        "scale",
        "morning_check",
        "ai_event",
    }
    truth = {p.stem for p in (tmp_path / "out" / "truth").glob("*.parquet")}
    assert {"device_faults", "bank_lines", "bank_faults"} <= truth
    assert pl.read_parquet(tmp_path / "out" / "truth" / "bank_lines.parquet")["balance"].dtype == pl.Decimal(
        18, 2
    )
