"""Bank files from the landing folder to silver: masked, proved, conserved; newer days replace older ones."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from deliveries import by_name, deliver

from ingest.inspect import inspect
from ingest.receipts import RECEIPT
from pipelines import accounting, receiving, stewardship
from pipelines.cli.data import _described
from pipelines.silver import door
from warehouse import delta, settings
from warehouse.settings import Settings
from warehouse.tables import FEEDS, QUARANTINE

ACCOUNT = "8111201012800123456"
HEADER = ["交易日期", "交易时间", "支出金额", "收入金额", "余额", "对方账号", "对方户名", "对方行名", "用途", "附言", "摘要", "交易流水号"]  # fmt: skip
MOVES = [("2026-09-01", 5_000_00), ("2026-09-01", -1_200_50), ("2026-09-02", -300_00), ("2026-09-03", 80_25)]
NAMES = ["样例县教育局", "湘北粮油有限公司", "王小明", "鲜达配送中心"]


def rows(
    moves: list[tuple[str, int]], *, account: str = ACCOUNT, opening: int = 100_000_00
) -> list[list[str]]:
    """A statement in the layout of a postal bank."""
    balance, lines = opening, []
    for number, (day, effect) in enumerate(moves):
        balance += effect
        amount = f"{abs(effect) / 100:.2f}"
        money = ["" if effect > 0 else amount, amount if effect > 0 else "", f"{balance / 100:.2f}"]
        other = ["6222021001112223334", NAMES[number % 4], "样例支行"]
        lines.append(
            [day, f"10:{number:02d}:00", *money, *other, "电话13812341234", "", "货款", f"S{number}"]
        )
    return [["样例银行账户交易明细"], ["账号", account], HEADER, *lines]


def workbook(content: list[list[str]]) -> bytes:
    made = openpyxl.Workbook()
    for row in content:
        made.active.append(row)
    packed = io.BytesIO()
    made.save(packed)
    return packed.getvalue()


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return settings.load(tmp_path / "home")


def night(home: Settings, landing: Path) -> dict[str, int]:
    receiving.run(home, landing, dt.date(2026, 12, 31), lambda _: None, lambda _: None)
    return door.run(home, lambda _: None, lambda _: None)


def conserved(home: Settings) -> bool:
    """Rows in = accepted + quarantined + duplicate + superseded, for every received file."""
    receipts = delta.read(home.table("bronze.receipt"), RECEIPT).filter(pl.col("status") == "received")
    files = accounting.by_file(home, receipts)
    parts = files.select("accepted", "quarantined", "duplicate", "superseded").sum_horizontal()
    return receipts.height > 0 and parts.to_list() == files["rows"].to_list()


def held(home: Settings) -> pl.DataFrame:
    return delta.read(home.table("silver.bank_line"), FEEDS["bank_line"].columns).sort("record_no")


def test_a_workbook_reaches_silver_masked_and_conserved(home: Settings, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    deliver(landing, "九月.xlsx", workbook(rows(MOVES)), "bank")
    deliver(landing, "坏.xlsx", workbook([*rows(MOVES)[:4], *rows(MOVES)[5:]]), "bank")
    assert night(home, landing) == {
        "files": 1,
        "accepted": 4,
        "quarantined": 0,
        "duplicate": 0,
        "superseded": 0,
    }
    receipts = by_name(delta.read(home.table("bronze.receipt"), RECEIPT))
    assert (receipts["坏.xlsx"]["status"], receipts["坏.xlsx"]["refusal_code"]) == ("refused", "unproved")
    assert "余额不连续" in receipts["坏.xlsx"]["message"]
    assert receipts["九月.xlsx"]["layout"] == "bank.psbc_corporate"
    lines = held(home)
    assert lines["direction"].to_list() == ["in", "out", "out", "in"]
    assert lines["amount_yuan"].to_list() == [
        Decimal(text) for text in ("5000.00", "1200.50", "300.00", "80.25")
    ]
    assert lines["counterparty_name"].to_list() == ["样例县教育局", "湘北粮油有限公司", "王*", "鲜达配送中心"]
    assert set(lines["counterparty_account"]) == {"****3334"}
    assert set(lines["purpose_text"]) == {"电话****"}
    assert lines["booked_at"][0] == dt.datetime(2026, 9, 1, 2, 0, tzinfo=dt.UTC)
    assert lines["biz_month"].unique().to_list() == ["2026-09"]
    delivery = delta.read(home.table("silver.delivery"), {"unit_key": pl.String(), "biz_date": pl.Date()})
    assert set(delivery["unit_key"]) == {f"{ACCOUNT}|2026-09-0{day}" for day in (1, 2, 3)}
    assert conserved(home)


def test_a_later_export_replaces_its_days_and_leaves_the_others(home: Settings, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    deliver(landing, "a.xlsx", workbook(rows(MOVES)), "bank")
    night(home, landing)
    again = rows([("2026-09-03", 80_25), ("2026-09-03", -10_00), ("2026-09-04", -1_00)], opening=103_499_50)
    deliver(
        landing,
        "b.csv",
        "\n".join(",".join(row) for row in [*again, []]).encode("gb18030"),
        "bank",
        dt.date(2026, 9, 5),
    )
    assert night(home, landing)["superseded"] == 0
    days = held(home).group_by("biz_date").len().sort("biz_date")["len"].to_list()
    assert days == [2, 1, 2, 1]


def test_foreign_currency_is_told_and_waits_in_quarantine(home: Settings, tmp_path: Path) -> None:
    """Amounts in dollars are no yuan: no line is taken, none is lost, and the yuan of the day stay."""
    landing = tmp_path / "landing"
    deliver(landing, "yuan.xlsx", workbook(rows(MOVES)), "bank")
    night(home, landing)
    yuan = held(home)
    dollars = rows(MOVES[:2])
    dollars[1] += ["币种", "美元"]
    deliver(landing, "dollars.xlsx", workbook(dollars), "bank", dt.date(2026, 9, 5))
    told = inspect(landing / "bank" / "2026-09-05" / "dollars.xlsx")["files"][0]
    assert any("USD" in note and "2 行入库时全部隔离" in note for note in told["notes"])
    counts = night(home, landing)
    assert (counts["accepted"], counts["quarantined"]) == (0, 2)
    waiting = delta.read(home.table("silver.quarantine"), QUARANTINE)
    assert waiting["rules"].to_list() == ["in_yuan", "in_yuan"]
    shown = stewardship.show(home, f"{waiting['_file'][0]}:{waiting['_row'][0]}")
    assert shown["问题"][0]["问题"] == "不是人民币账户"
    assert "USD" in str(shown)
    assert held(home).equals(yuan)
    assert conserved(home)


def test_what_is_not_proved_waits_for_a_steward(home: Settings, tmp_path: Path) -> None:
    """The first line is a reversal that nothing before it proves."""
    landing = tmp_path / "landing"
    content = rows(MOVES)
    content[3][2], content[3][3] = "-5000.00", ""
    deliver(landing, "a.xlsx", workbook(content), "bank")
    assert night(home, landing) == {
        "files": 1,
        "accepted": 3,
        "quarantined": 1,
        "duplicate": 0,
        "superseded": 0,
    }
    (waiting,) = delta.read(home.table("silver.quarantine"), QUARANTINE).to_dicts()
    assert (waiting["rules"], str(waiting["biz_date"])) == ("direction_proved", "2026-09-01")
    row_id = f"{waiting['_file']}:{waiting['_row']}"
    assert "余额证明" in stewardship.show(home, row_id)["问题"][0]["问题"]
    stewardship.release(home, row_id, by="张三", reason="网银核实", changes={"proof": "explicit"})
    night(home, landing)
    lines = held(home)
    assert lines.height == 4
    assert lines["direction"].to_list() == ["in", "out", "out", "in"]
    assert lines["booked_at"].null_count() == 0
    assert conserved(home)


def test_a_file_without_account_is_read_and_waits(home: Settings, tmp_path: Path) -> None:
    deliver(tmp_path / "landing", "a.xlsx", workbook([rows(MOVES)[0], *rows(MOVES)[2:]]), "bank")
    assert night(home, tmp_path / "landing")["quarantined"] == 4
    assert set(delta.read(home.table("silver.quarantine"), QUARANTINE)["rules"]) == {"account_no|nullability"}


def test_inspect_shows_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "九月.xlsx"
    path.write_bytes(workbook(rows(MOVES)))
    (found,) = inspect(path)["files"]
    shown = "\n".join(_described(found))
    assert ACCOUNT not in shown
    assert "****3456（CNY），4 行，2026-09-01 至 2026-09-03" in shown
    assert "期初 100000.00，收入 5080.25，支出 1500.50，期末 103579.75" in shown
    assert "余额逐笔连续 3 行，文件写明方向 1 行" in shown
    path.write_bytes(workbook([["日期", "金额", "户名", "摘要"], ["2026-09-01", "1", "甲公司", ""]]))
    (refused,) = inspect(path)["files"]
    assert refused["refused"] == "unknown_layout"
    path.write_bytes(workbook([["交易日期", "金额", "对方户名", "摘要"], ["2026-09-01", "1", "甲公司", ""]]))
    (refused,) = inspect(path)["files"]
    assert "看到的列：交易日期、金额、对方户名、摘要" in refused["message"]
