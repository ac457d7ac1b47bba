"""One event at a time: templates, corrections, closed months, numbers, refusals."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import book_events
import polars as pl
import pytest
from book_events import Books

from pipelines.books import audit, events, ledger, posting, reference, statements
from pipelines.books.events import Scope
from pipelines.books.vouchers import Vouchers
from warehouse import delta
from warehouse.errors import Permanent
from warehouse.tables import BOOK_STOCK, POSTED_VOUCHER

D = Decimal
SEP, OCT, DEC = dt.date(2026, 9, 10), dt.date(2026, 10, 8), dt.date(2027, 1, 6)


def one(
    event_id: str, kind: str, amount: str | None, day: dt.date = SEP, **more: object
) -> book_events.Event:
    return {
        "event_id": event_id,
        "canteen_id": "C1",
        "biz_date": day,
        "event_kind": kind,
        "account_kind": "pupil",
        "amount_yuan": None if amount is None else D(amount),
        **more,
    }


def goods(
    event_id: str, kind: str, qty: str, amount: str | None = None, day: dt.date = SEP, **more: object
) -> book_events.Event:
    return one(event_id, kind, amount, day, qty=D(qty), ingredient_id="rice", category="grain", **more)


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def sides(books: Books, event_id: str) -> list[tuple[str, Decimal, Decimal]]:
    return (
        books.lines.filter(event_id=event_id)
        .sort("_version", "line_no")
        .select("account_code", "debit_yuan", "credit_yuan")
        .rows()
    )


@pytest.mark.parametrize(
    ("account_set", "debit", "credit"), [("canteen", "1002", "216101"), ("government", "1002", "230501")]
)
def test_a_fee_paid_in_advance_is_owed_to_the_pupil(
    tmp_path: Path, account_set: str, debit: str, credit: str
) -> None:
    books = Books(tmp_path, account_set=account_set)
    books.post([one("f", "fee_prepaid", "300.00")], SEP)
    assert sides(books, "f") == [(debit, D("300.00"), D(0)), (credit, D(0), D("300.00"))]


@pytest.mark.parametrize(
    ("detail", "account"), [("", "51010101"), ("teacher_meal", "51010201"), ("pupil_meal", "51010101")]
)
def test_goods_issued_for_teachers_are_the_teachers_cost(books: Books, detail: str, account: str) -> None:
    moves = [
        goods("g", "goods_accepted", "10", "50"),
        goods("i", "issue_to_kitchen", "4", detail_kind=detail),
    ]
    books.post(moves, OCT)
    assert sides(books, "i") == [(account, D(20), D(0)), ("120101", D(0), D(20))]


@pytest.mark.parametrize(
    ("canteen", "costs"),
    [
        # 3 at 10.00 and 7 at 3.00 are 51.00: on average 5.10 each; batch by batch 3 x 10 + 1 x 3, then 4 x 3.
        pytest.param("C1", [D("20.40"), D("20.40")], id="weighted average"),
        pytest.param("C2", [D("33.00"), D("12.00")], id="first in first out"),
    ],
)
def test_goods_issued_cost_what_the_method_says(books: Books, canteen: str, costs: list[Decimal]) -> None:
    moves = [
        goods("a", "goods_accepted", "3", "30.00", canteen_id=canteen),
        goods("b", "goods_accepted", "7", "21.00", canteen_id=canteen, day=SEP + dt.timedelta(1)),
        goods("x", "issue_to_kitchen", "4", canteen_id=canteen, day=SEP + dt.timedelta(2)),
        goods("y", "issue_to_kitchen", "4", canteen_id=canteen, day=SEP + dt.timedelta(3)),
    ]
    books.post(moves, OCT)
    assert [sides(books, name)[0][1] for name in ("x", "y")] == costs


@pytest.mark.parametrize("canteen", ["C1", "C2"])
def test_no_cent_is_lost_when_a_price_does_not_divide(books: Books, canteen: str) -> None:
    issues = [goods(f"i{n}", "issue_to_kitchen", "1", canteen_id=canteen) for n in range(3)]
    books.post([goods("a", "goods_accepted", "3", "10.00", canteen_id=canteen), *issues], OCT)
    assert [sides(books, f"i{n}")[0][1] for n in range(3)] == [D("3.33"), D("3.34"), D("3.33")]
    stock = statements.stock_ledger(books.lines, books.reference, "2026-09", by_item=True)
    assert stock.select("closing_yuan", "closing_qty").rows() == [(D("0.00"), D("0.000"))]


def test_what_is_issued_beyond_the_stock_has_no_value_until_the_purchase_comes(books: Books) -> None:
    issue = goods("i", "issue_to_kitchen", "5", canteen_id="C2")
    counts = books.post([goods("a", "goods_accepted", "2", "8.00", canteen_id="C2"), issue], OCT)
    assert counts["beyond_stock"] == 1
    assert sides(books, "i")[0][1] == D("8.00")
    late = goods("b", "goods_accepted", "3", "9.00", canteen_id="C2")
    books.post([goods("a", "goods_accepted", "2", "8.00", canteen_id="C2"), issue, late], OCT)
    assert sides(books, "i")[-2][1] == D("17.00")


def test_a_store_room_that_late_papers_empty_leaves_no_batch_behind(books: Books) -> None:
    moves = [goods("a", "goods_accepted", "2", "8.00"), goods("i", "issue_to_kitchen", "1")]
    books.post(moves, OCT)
    books.post([*moves, goods("j", "issue_to_kitchen", "1")], OCT)
    assert delta.read(books.settings.table("silver.book_stock"), BOOK_STOCK).is_empty()


def test_an_average_issue_waits_for_the_end_of_the_month(books: Books) -> None:
    moves = [goods("a", "goods_accepted", "3", "30.00"), goods("i", "issue_to_kitchen", "1")]
    books.post(moves, dt.date(2026, 9, 30))
    assert sides(books, "i") == []
    books.post(moves, dt.date(2026, 10, 1))
    assert sides(books, "i")[0][1] == D("10.00")


def test_an_earlier_night_run_again_takes_nothing_back(books: Books) -> None:
    moves = [goods("a", "goods_accepted", "3", "30.00"), goods("i", "issue_to_kitchen", "1")]
    books.post(moves, dt.date(2026, 10, 1))
    assert books.post(moves, dt.date(2026, 9, 20)) == {"vouchers": 0, "reversals": 0, "beyond_stock": 0}


def test_a_changed_event_is_reversed_in_red_and_posted_anew(books: Books) -> None:
    books.post([one("f", "fee_prepaid", "300")], SEP)
    books.post([one("f", "fee_prepaid", "280")], SEP)
    lines = books.lines.filter(line_no=1).sort("_version")
    assert lines.select("debit_yuan", "is_red", "_version", "_reverses", "_voucher_no").rows() == [
        (D(300), False, 1, None, 1),
        (D(-300), True, 2, 1, 2),
        (D(280), False, 3, None, 3),
    ]


def test_a_withdrawn_event_may_come_back(books: Books) -> None:
    books.post([one("f", "fee_prepaid", "300")], SEP)
    assert books.post([], SEP)["reversals"] == 1
    assert books.post([], SEP)["reversals"] == 0
    assert books.post([one("f", "fee_prepaid", "300")], SEP)["vouchers"] == 1
    assert books.lines["debit_yuan"].sum() == D(300)


def test_what_is_outside_the_scope_is_left_alone_and_may_not_be_posted(books: Books) -> None:
    books.post([one("f", "fee_prepaid", "300")], SEP)
    scope = Scope(frozenset({OCT}), dt.date(2026, 10, 1))
    assert books.post([one("g", "fee_prepaid", "1", OCT)], OCT, scope)["reversals"] == 0
    with pytest.raises(Permanent, match="f（食堂 C1，2026-09-10，fee_prepaid）不在本次提交的范围内"):
        books.post([one("f", "fee_prepaid", "300")], OCT, scope)


def test_a_correction_of_a_closed_month_stands_in_the_open_one(books: Books) -> None:
    books.post([one("f", "fee_prepaid", "300")], SEP)
    books.close("2026-09", OCT)
    september = books.lines
    books.post([one("f", "fee_prepaid", "280"), one("late", "bank_fee", "5")], OCT)
    assert (
        books.lines.filter(pl.col("biz_month") == "2026-09")
        .sort("event_id", "line_no")
        .equals(september.sort("event_id", "line_no"))
    )
    new = books.lines.filter(pl.col("biz_month") == "2026-10").filter(line_no=1).sort("_voucher_no")
    assert new.select("event_id", "biz_date", "event_date", "debit_yuan").rows() == [
        ("f", dt.date(2026, 10, 1), SEP, D(-300)),
        ("f", dt.date(2026, 10, 1), SEP, D(280)),
        ("late", dt.date(2026, 10, 1), SEP, D(5)),
    ]


def test_a_month_that_is_not_over_cannot_be_closed(books: Books) -> None:
    books.post([one("f", "fee_prepaid", "300")], SEP)
    with pytest.raises(Permanent, match="2026-09 尚未结束"):
        books.close("2026-09", dt.date(2026, 9, 30))


def test_closing_carries_income_and_expense_to_the_surplus_and_again_changes_nothing(books: Books) -> None:
    books.post([one("m", "meals_consumed", "100"), one("u", "utilities", "130")], SEP)
    assert books.close("2026-09", OCT) == {"closed": 1}
    assert books.close("2026-09", OCT) == {"closed": 0}
    trial = {
        row[2]: row[-1] for row in statements.trial_balance(books.lines, books.reference, "2026-09").rows()
    }
    assert trial == {"1002": D(-130), "216101": D(-100), "3101": D(-30), "410101": D(0), "520102": D(0)}


def test_a_closing_that_was_killed_is_finished_by_the_next_one(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.post([one("m", "meals_consumed", "100")], SEP)

    def killed(name: str) -> None:
        raise KeyboardInterrupt(name)

    with pytest.raises(KeyboardInterrupt, match="posted_voucher"):
        ledger.close(books.settings, "2026-09", as_of=OCT, books=books.reference, on_step=killed)
    books.post([one("m", "meals_consumed", "100"), one("n", "meals_consumed", "7")], OCT)
    assert books.close("2026-09", OCT) == {"closed": 1}
    trial = {
        row[2]: row[-1] for row in statements.trial_balance(books.lines, books.reference, "2026-09").rows()
    }
    assert trial["3101"] == D(107)
    assert audit.problems(books.lines, ledger.periods(books.settings)) == []


def test_the_government_set_carries_the_year_on_in_december(tmp_path: Path) -> None:
    books = Books(tmp_path, account_set="government")
    books.post([one("m", "meals_consumed", "100"), one("b", "bank_fee", "30", dt.date(2026, 12, 3))], DEC)
    books.close("2026-12", DEC)
    trial = {
        row[2]: row[-1] for row in statements.trial_balance(books.lines, books.reference, "2026-12").rows()
    }
    assert (trial["3001"], trial["3301"], trial["460901"], trial["500107"]) == (D(70), D(0), D(0), D(0))


def test_numbers_go_on_where_they_stopped_and_begin_anew_each_month(books: Books) -> None:
    books.post([one("a", "bank_fee", "1"), one("b", "bank_fee", "2")], SEP)
    books.post([one("a", "bank_fee", "1"), one("b", "bank_fee", "2"), one("c", "bank_fee", "3"),
                one("d", "bank_fee", "4", OCT)], OCT)  # fmt: skip
    numbers = books.lines.filter(line_no=1).sort("event_id")["_voucher_no"].to_list()
    assert numbers == [1, 2, 3, 1]


def test_no_row_of_the_ledger_can_be_removed(books: Books) -> None:
    books.post([one("a", "bank_fee", "1")], SEP)
    path = books.settings.table("silver.posted_voucher")
    with pytest.raises(Exception, match="append-only"):
        delta.replace(path, [], POSTED_VOUCHER, period=None, partition="biz_month", commit_id="x")
    assert books.lines.height == 2


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        pytest.param({"debit_yuan": D("1.01")}, "借方 2.01 不等于贷方 2.00", id="does not balance"),
        pytest.param({"credit_yuan": D(1)}, "借贷两方都有金额", id="both sides"),
        pytest.param({"account_code": "1201"}, "不是明细科目", id="head of the chart"),
        pytest.param({"biz_date": OCT}, "分属不同", id="two days"),
    ],
)
def test_a_voucher_that_is_not_sound_cannot_exist(
    books: Books, spoil: dict[str, object], message: str
) -> None:
    books.post([one("a", "bank_fee", "1")], SEP)
    lines = books.lines
    changed = pl.when(line_no=3)
    extra = lines.with_columns(pl.col("line_no") + 2).with_columns(
        changed.then(pl.lit(value)).otherwise(name).cast(POSTED_VOUCHER[name]).alias(name)
        for name, value in spoil.items()
    )
    none = pl.DataFrame(schema={"canteen_id": pl.String, "closed": pl.String})
    with pytest.raises(Permanent, match=f"凭证 a 第 1 版.*{message}"):
        Vouchers(pl.concat([lines, extra]), books.reference, none)


@pytest.mark.requirement("S0-82")
def test_a_closed_month_takes_no_voucher(books: Books) -> None:
    books.post([one("a", "bank_fee", "1")], SEP)
    closed = pl.DataFrame({"canteen_id": ["C1"], "closed": ["2026-09"]})
    with pytest.raises(Permanent, match=r"凭证 a 第 1 版.*已经结账"):
        Vouchers(books.lines, books.reference, closed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"event_id": None}, "为空"),
        ({"event_kind": "month_end"}, "类别不能记账"),
        ({"account_kind": "guest"}, "账别不认识"),
        ({"payment_method": "gold"}, "结算方式不认识"),
        ({"amount_yuan": None}, "缺少金额"),
        ({"event_kind": "goods_accepted", "qty": D(0)}, "缺少食材或数量"),
    ],
)
def test_an_event_that_cannot_be_posted_is_named(
    books: Books, change: dict[str, object], message: str
) -> None:
    with pytest.raises(Permanent, match=message):
        books.post([{**one("a", "bank_fee", "1"), **change}], SEP)
    assert books.lines.is_empty()


def test_an_event_given_twice_is_refused(books: Books) -> None:
    with pytest.raises(Permanent, match=r"业务 a.*编号重复，共 2 笔"):
        books.post([one("a", "bank_fee", "1")] * 2, SEP)


def test_an_event_without_a_template_names_its_case(books: Books) -> None:
    fewer = books.reference.templates.filter(pl.col("event_kind") != "bank_fee")
    books.reference = replace(books.reference, templates=fewer)
    with pytest.raises(Permanent, match=r"没有适用的分录模板.*bank_fee.*templates\.csv"):
        books.post([one("a", "bank_fee", "1")], SEP)


def test_a_template_holds_from_its_day_on(books: Books) -> None:
    old = pl.col("event_kind") == "bank_fee"
    changed = books.reference.templates.filter(old).with_columns(
        debit_account=pl.when(account_set="canteen").then(pl.lit("520109")).otherwise("debit_account"),
        valid_from=pl.lit(OCT),
    )
    ended = books.reference.templates.with_columns(
        valid_to=pl.when(old).then(pl.lit(OCT - dt.timedelta(1))).otherwise("valid_to")
    )
    books.reference = replace(books.reference, templates=pl.concat([ended, changed]))
    books.post([one("a", "bank_fee", "1"), one("b", "bank_fee", "1", OCT)], OCT)
    assert [sides(books, name)[0][0] for name in "ab"] == ["530101", "520109"]


def test_what_was_posted_stays_although_a_template_changes(books: Books) -> None:
    books.post([one("a", "bank_fee", "1")], SEP)
    moved = books.reference.templates.with_columns(
        debit_account=pl.when(event_kind="bank_fee", account_set="canteen")
        .then(pl.lit("520109"))
        .otherwise("debit_account")
    )
    books.reference = replace(books.reference, templates=moved)
    assert books.post([one("a", "bank_fee", "1")], SEP)["vouchers"] == 0


def test_an_audit_sees_a_changed_line_a_lost_voucher_and_a_broken_seal(books: Books) -> None:
    books.post([one("a", "bank_fee", "1"), one("b", "bank_fee", "2"), one("c", "bank_fee", "3")], SEP)
    books.close("2026-09", OCT)
    periods, lines = ledger.periods(books.settings), books.lines
    assert audit.problems(lines, periods) == []
    more = pl.when(event_id="a", line_no=1).then(pl.col("debit_yuan") + 1).otherwise("debit_yuan")
    found = audit.problems(lines.with_columns(more.cast(pl.Decimal(18, 2)).alias("debit_yuan")), periods)
    assert found == ["食堂 C1（2026-09）凭证 a 借贷不等", "食堂 C1（2026-09）结账后有改动"]
    assert audit.problems(lines.filter(pl.col("event_id") != "b"), periods) == [
        "食堂 C1（2026-09，canteen）凭证号不连续",
        "食堂 C1（2026-09）结账后有改动",
    ]


def test_the_same_content_has_the_same_hash_wherever_it_came_from() -> None:
    frame = book_events.frame(
        [one("a", "bank_fee", "1"), one("b", "bank_fee", "1"), one("c", "bank_fee", "2")]
    )
    first, second, third = events.with_hash(frame.with_columns(source_feed=pl.lit("x")))["content_hash"]
    assert first == second != third


def test_every_income_and_expense_stands_on_each_form_and_is_of_a_kind() -> None:
    known = reference.load()
    leaves = known.accounts.filter("is_leaf", pl.col("account_class").is_in(["income", "expense"]))
    day = dt.date(2026, 9, 1)
    key = ["account_set", "account_code"]
    for version in ("public", "cost"):
        placed = known.below(known.at(known.form_accounts, day).filter(form_version=version), "line_code")
        assert leaves.join(placed, on=key, how="anti").is_empty()
    kinds = known.below(known.at(known.cost_kinds, day), "cost_kind")
    assert leaves.filter(account_class="expense").join(kinds, on=key, how="anti").is_empty()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("templates", ",1002,216101,", ",1002,999999,", "没有明细科目"),
        ("templates", ",B\n", ",X\n", "confidence 不认识 X"),
        ("deadlines", "disclosure,15,2000-01-01,,", "principal,15,2001-01-01,,", "两行同时有效"),
        ("deadlines", "结账不晚于报表报送；本项目建议", "", "每行都要写明依据"),
    ],
)
def test_a_reference_that_contradicts_itself_is_refused(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    for path in reference.FOLDER.glob("*.csv"):
        text = path.read_text("utf8")
        if path.stem == name:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / path.name).write_text(text, "utf8")
    with pytest.raises(Permanent, match=message):
        reference.load(tmp_path)


def test_vouchers_of_a_day_are_numbered_in_the_order_of_business() -> None:
    assert posting._ORDER["goods_accepted"] < posting._ORDER["issue_to_kitchen"] < posting._ORDER["month_end"]
