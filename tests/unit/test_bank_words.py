"""Tables of banks that nobody registered: read by the meaning of their words, or refused with what was seen."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from ingest.banks import cells, proof, tables, words
from ingest.banks.proof import Proved
from warehouse.errors import Permanent, Refused

OWN, OTHER = "8111201012800123456", "622202100111234567"
EFFECTS = (5_000_00, -1_200_00, -30_50, 800_00, -99_99)
BALANCES = (105_000_00, 103_800_00, 103_769_50, 104_569_50, 104_469_51)


def moves() -> list[dict[str, Any]]:
    """Five lines in the words of many banks."""
    made = []
    for n, (effect, balance) in enumerate(zip(EFFECTS, BALANCES, strict=True), 1):
        is_in, amount = effect > 0, f"{abs(effect) / 100:.2f}"
        made.append(
            {
                "in": amount if is_in else "",
                "out": "" if is_in else amount,
                "amount": amount,
                "signed": f"{effect / 100:.2f}",
                "balance": f"{balance / 100:,.2f}",
                "day": f"2026-09-0{n}",
                "compact": f"2026090{n}",
                "time": f"10:1{n}:00",
                "borrow": "贷" if is_in else "借",
                "mark": "收" if is_in else "付",
                "payer": OTHER if is_in else OWN,
                "payee": OWN if is_in else OTHER,
                "payer_name": "鲜达公司" if is_in else "样例食堂",
                "payee_name": "样例食堂" if is_in else "鲜达公司",
                "other": OTHER,
                "other_name": "鲜达公司",
                "text": "货款",
            }
        )
    return made


def table(header: dict[str, str], *, preamble: list[list[str]] | None = None) -> list[list[str]]:
    """A table with these header words, each filled with a field of ``moves``."""
    return [
        *(preamble or []),
        list(header),
        *([str(row.get(name, name)) for name in header.values()] for row in moves()),
    ]


def proved(rows: list[list[str]]) -> Proved:
    (only,) = proof.prove(tables.read_table(rows))
    return only


BOC = {
    "交易类型[ Transaction Type ]": "text",
    "付款人开户行名[ Payer account bank ]": "text",
    "付款人账号[ Debit Account No. ]": "payer",
    "付款人名称[ Payer's Name ]": "payer_name",
    "收款人账号[ Payee's Account Number ]": "payee",
    "收款人名称[ Payee's Name ]": "payee_name",
    "交易日期[ Transaction Date ]": "compact",
    "交易时间[ Transaction time ]": "time",
    "交易货币[ Trade Currency ]": "CNY",
    "交易后余额[ After-transaction balance ]": "balance",
    "起息日期[ Value Date ]": "compact",
    "交易流水号[ Transaction reference number ]": "text",
    "用途[ Purpose ]": "text",
}
UNSEEN: dict[str, list[list[str]]] = {
    "bilingual, payer and payee, amounts with sign": table(
        BOC | {"交易金额[ Trade Amount ]": "signed"},
        preamble=[["查询账号[ Inquirer account number ]", OWN], []],
    ),
    "bilingual, payer and payee, amounts without sign": table(
        BOC | {"交易金额[ Trade Amount ]": "amount"}, preamble=[["查询账号[ Inquirer account number ]", OWN]]
    ),
    "both sides and a mark": table(
        {"交易日期": "day", "付款账号": "payer", "付款户名": "payer_name", "收款账号": "payee", "收款户名": "payee_name"}
        | {"收入/支出标志": "mark", "交易金额": "amount", "账户余额": "balance"}
    ),
    "unsigned amount and a mark": table(
        {"交易日期": "day", "收支标识": "mark", "交易金额": "amount", "余额": "balance", "对方户名": "other_name", "对方账号": "other"}
    ),
    "full-width brackets": table(
        {"记账日": "day", "借方发生额（支取）": "out", "贷方发生额（收入）": "in", "余额": "balance", "对方户名": "other_name", "对方账号": "other"}
    ),
    "slash and half-width brackets": table(
        {"交易时间": "day", "借方发生额/元(支取)": "out", "贷方发生额/元(收入)": "in", "余额/元": "balance", "对方户名": "other_name", "对方账号": "other"}
    ),
    "short words": table(
        {"日期": "day", "借": "out", "贷": "in", "账户余额": "balance", "对方账户名称": "other_name", "对方账户": "other"}
    ),
    "signed amount and balance": table(
        {"交易日期": "day", "交易金额": "signed", "余额": "balance", "交易对手": "other_name", "对手账号": "other"}
    ),
    "two header rows": [
        ["交易日期", "发生额（元）", "", "账户余额", "对方户名", "对方账号"],
        ["", "收入", "支出", "", "", ""],
        *([row["day"], row["in"], row["out"], row["balance"], row["other_name"], row["other"]] for row in moves()),
    ],
}  # fmt: skip


@pytest.mark.parametrize("rows", UNSEEN.values(), ids=UNSEEN)
def test_an_unseen_layout_is_read_and_proved(rows: list[list[str]]) -> None:
    lines = proved(rows).lines
    assert tuple(lines["effect"]) == EFFECTS
    assert tuple(lines["balance"]) == BALANCES
    assert set(lines["proof"][1:]) == {"balance"}
    assert set(lines["counterparty_name"]) == {"鲜达公司"}
    assert set(lines["counterparty_account"]) == {OTHER}


def test_borrow_and_lend_from_the_company_s_side_are_found_out_by_the_balance() -> None:
    found = proved(
        table({"日期": "day", "借方金额": "in", "贷方金额": "out", "余额": "balance", "对方户名": "other_name", "摘要": "text"})
    )  # fmt: skip
    assert tuple(found.lines["effect"]) == EFFECTS
    assert "借方为收入" in found.notes[0]


DAY, MONEY = {"交易日期": "day"}, {"余额": "balance", "对方户名": "other_name"}
AMBIGUOUS: dict[str, tuple[dict[str, str], str]] = {
    "two amounts": (DAY | {"交易金额": "signed", "发生额": "signed"} | MONEY, "含义相同"),
    "two balances": (
        DAY | {"收入": "in", "支出": "out", "账户余额": "balance", "余额": "balance"},
        "含义相同",
    ),
    "two ins": (DAY | {"收入金额": "in", "贷方金额": "in", "支出金额": "out"} | MONEY, "各有两列"),
    "no direction": (DAY | {"交易金额": "amount", "对方户名": "other_name", "对方账号": "other"}, "没有收支"),
    "one side only": (DAY | {"收入金额": "in"} | MONEY | {"摘要": "text"}, "只有一个方向"),
    "no day": ({"收入金额": "in", "支出金额": "out", "摘要": "text"} | MONEY, "缺少交易日期"),
    "unknown money": (
        DAY | {"收入": "in", "支出": "out", "调整金额": "amount"} | MONEY,
        "“调整金额”含义不明",
    ),
    "borrow without balance": (
        DAY | {"借方金额": "out", "贷方金额": "in", "对方户名": "other_name"},
        "无法证明",
    ),
}


@pytest.mark.parametrize(("header", "why"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_an_ambiguous_layout_is_refused_with_what_was_seen(header: dict[str, str], why: str) -> None:
    with pytest.raises(Refused, match=why) as caught:
        tables.read_table(table(header))
    assert caught.value.code == "unknown_layout"


def test_unsigned_amounts_with_nothing_but_a_balance_are_refused() -> None:
    with pytest.raises(Refused, match=r"余额不连续.*第 3 行.*应为 106200.00，实为 103800.00"):
        proved(table({"交易日期": "day", "交易金额": "amount", "余额": "balance", "对方户名": "other_name"}))


def test_one_line_of_borrow_and_lend_proves_nothing_unless_the_layout_was_reviewed() -> None:
    words_of_nobody = {
        "日期": "day",
        "借方金额": "out",
        "贷方金额": "in",
        "余额": "balance",
        "对方户名": "other_name",
    }
    header, first, *_ = table(words_of_nobody)
    assert proved([header, first]).lines["proof"].to_list() == ["unproved"]
    reviewed = {
        "交易时间": "day",
        "交易流水号": "text",
        "借方发生额": "out",
        "贷方发生额": "in",
        "账户余额": "balance",
    }
    header, first, *_ = table(reviewed | {"客户附言": "text", "对方账号名称": "other_name"})
    assert proved([header, first]).lines["proof"].to_list() == ["explicit"]


def test_lines_that_fit_both_ways_round_are_unproved() -> None:
    """Equal amounts of one day: ascending with 借 as out, or descending with 借 as in."""
    header = ["日期", "借方金额", "贷方金额", "余额", "对方户名"]
    rows = [["2026-09-01", "100.00", "", f"{balance}.00", "甲公司"] for balance in (900, 800, 700)]
    assert set(proved([header, *rows]).lines["proof"]) == {"unproved"}
    timed = [[f"2026-09-01 10:0{n}:00", *row[1:]] for n, row in enumerate(rows)]
    assert set(proved([header, *timed]).lines["proof"]) == {"explicit", "balance"}


def test_amounts_and_days_as_banks_write_them() -> None:
    frame = pl.DataFrame(
        {
            "a": ["￥1,234.50", "－1２.3", "(5.00)", "5.00-", "+0.01", "1 000元", "—", "", None, "1.005", "abc", "1e3"],
            "d": ["2026/9/1", "2026年9月1日", "20260901", "2026-09-01 8:30", "20260901083000", "2026.09.01", "09/01/2026", "26-9-1", "1", None, "x", "2026-09"],
        }
    )  # fmt: skip
    found = frame.select(
        a=cells.cents("a"), bad=cells.is_unreadable("a"), d=cells.day("d"), t=cells.time("d")
    )
    assert found["a"].to_list() == [123450, -1230, -500, -500, 1, 100000, None, None, None, None, None, None]
    assert found["bad"].to_list() == [False] * 9 + [True] * 3
    assert found["d"].to_list() == ["2026-09-01"] * 6 + [None] * 6
    assert found["t"].to_list() == [None, None, None, "08:30:00", "08:30:00", *[None] * 7]


def test_the_dictionary_and_the_layouts_agree() -> None:
    for layout in words.layouts():
        assert words.layout_of([words.normal(word) for word in layout.header]) is layout
        assert set(layout.roles.values()) <= set(words.words().roles)
    with pytest.raises(Permanent, match="不正确"):
        words._load(words._FOLDER / "layouts.yaml", words.Words)


@pytest.mark.parametrize(
    ("preamble", "why"),
    [
        ([["账号", "6.22202E+18"]], "末尾数字已丢失"),
        ([["单位：", "万元"]], "金额单位"),
        ([["账号", OWN], ["账号", OTHER]], "不止一个本方账号"),
        ([["期初余额", "1.00"]], "余额不连续"),
        ([["期末余额", "1.00"]], "期末余额"),
        ([["收入合计：1.00  支出合计：2.00"]], "收入合计"),
        ([["支出总笔数", "9"]], "支出笔数"),
    ],
)
def test_a_preamble_that_contradicts_refuses_the_file(preamble: list[list[str]], why: str) -> None:
    header = {
        "交易日期": "day",
        "收入金额": "in",
        "支出金额": "out",
        "余额": "balance",
        "对方户名": "other_name",
    }
    assert tuple(proved(table(header)).lines["effect"]) == EFFECTS
    with pytest.raises(Refused, match=why):
        proved(table(header, preamble=preamble))


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (["2026-09-06", "", "", "1.00", "甲公司"], "没有金额"),
        (["二〇二六年", "1.00", "", "1.00", "甲公司"], "没有可识别的日期"),
        (["2026-09-06", "一百元", "", "1.00", "甲公司"], "不是金额"),
        (["2026-09-06", "1.00", "", "1.00", "甲公司", "多"], "多于表头"),
    ],
)
def test_a_row_that_may_be_a_line_is_never_passed_over(row: list[str], why: str) -> None:
    header = {
        "交易日期": "day",
        "收入金额": "in",
        "支出金额": "out",
        "余额": "balance",
        "对方户名": "other_name",
    }
    with pytest.raises(Refused, match=why):
        proved([*table(header), row])
