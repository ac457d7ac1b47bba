"""The public form of Tongling, line by line from postings; and what else a form must do."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from book_events import Books, Event

from pipelines.books import forms, statements

D = Decimal
# A contracted canteen's form of November 2025: (line, month, year to date), as published (rules 1.3).
TONGLING = [
    ("income", "218259.58", "701081.27"),
    ("dishes", "122081.52", "343907.39"),
    ("rice_oil", "21666.00", "63684.00"),
    ("condiments", "4887.00", "16518.00"),
    ("other_materials", "11240.00", "48246.50"),
    ("utilities", "3012.00", "9673.50"),
    ("management", "62179.50", "226016.11"),
    ("finance", "255.86", "491.16"),
    ("off_form", "0.00", "0.00"),
    ("result", "-7062.30", "-7455.39"),
]
GOODS = {
    "dishes": ("vegetables", "meat"),
    "rice_oil": ("grain", "oil"),
    "condiments": ("seasoning",),
    "other_materials": ("other_food",),
}


def business(number: int, day: dt.date, figures: dict[str, Decimal]) -> list[Event]:
    """Events of a month whose form has the given figures."""
    made: list[Event] = []

    def add(kind: str, amount: Decimal | None, **more: object) -> None:
        made.append({
            "event_id": f"{number}-{len(made)}", "canteen_id": "T", "biz_date": day, "event_kind": kind,
            "account_kind": "pupil", "amount_yuan": amount, **more,
        })  # fmt: skip

    add("fee_prepaid", figures["income"] + 1000)
    add("meals_consumed", figures["income"] - 5000)
    add("subsidy_received", D(5000))
    add("subsidy_used", D(5000))
    for line, categories in GOODS.items():
        parts = [D(999)] * (len(categories) - 1)
        for category, amount in zip(categories, [*parts, figures[line] - sum(parts)], strict=True):
            item = {"ingredient_id": category, "category": category, "qty": D(7)}
            add("goods_accepted", amount, supplier_uscc="S", **item)
            add("issue_to_kitchen", None, **item)
            add("supplier_paid", amount, supplier_uscc="S")
    add("utilities", figures["utilities"], payment_method="owed")
    wages = figures["management"] - 4000
    add("wages_accrued", wages)
    add("wages_paid", wages)
    add("expense", D(3000), detail_kind="management", payment_method="cash")
    add("expense", D(1000), detail_kind="equipment")
    add("bank_fee", figures["finance"])
    return made


@pytest.mark.requirement("S0-83")
@pytest.mark.parametrize("account_set", ["canteen", "government"])
@pytest.mark.parametrize("method", ["weighted_average", "fifo"])
@pytest.mark.parametrize("closed", [False, True])
def test_the_public_form_of_tongling_follows_from_postings(
    tmp_path: Path, account_set: str, method: str, closed: bool
) -> None:
    books = Books(tmp_path, {"T": method}, account_set)
    month = {line: D(yuan) for line, yuan, _ in TONGLING}
    earlier = {line: D(ytd) - D(yuan) for line, yuan, ytd in TONGLING}
    days = (dt.date(2025, 10, 20), dt.date(2025, 11, 20))
    events = [*business(1, days[0], earlier), *business(2, days[1], month)]
    after = dt.date(2025, 12, 4)
    books.post(events, after)
    if closed:
        books.close("2025-11", after)
    form = forms.disclosure(books.lines, books.reference, "2025-11")
    assert form.select("line_code", "month_yuan", "ytd_yuan").rows() == [
        (line, D(yuan), D(ytd)) for line, yuan, ytd in TONGLING
    ]
    shares = {
        (figures, other): forms.food_share(form, figures, with_other=other)
        for figures in ("month_yuan", "ytd_yuan")
        for other in (False, True)
    }
    assert shares == {
        ("month_yuan", False): D("68.10"),
        ("month_yuan", True): D("73.25"),
        ("ytd_yuan", False): D("60.49"),
        ("ytd_yuan", True): D("67.38"),
    }
    flows = statements.income_expense(books.lines, books.reference, "2025-11")
    yuan = pl.col("month_yuan", "ytd_yuan")
    result = flows.select(pl.when(account_class="income").then(yuan).otherwise(-yuan).sum())
    assert result.row(0) == (D("-7062.30"), D("-7455.39"))


def simple(number: int, kind: str, amount: str, **more: object) -> Event:
    return {
        "event_id": f"e{number}", "canteen_id": "T", "biz_date": dt.date(2026, 3, 3), "event_kind": kind,
        "account_kind": "pupil", "amount_yuan": D(amount), **more,
    }  # fmt: skip


def test_what_the_public_form_has_no_line_for_is_shown_apart(tmp_path: Path) -> None:
    books = Books(tmp_path, {"T": "fifo"})
    books.post(
        [
            simple(1, "meals_consumed", "100"),
            simple(2, "meals_consumed", "30", account_kind="teacher"),
            simple(3, "bank_interest", "2"),
            simple(4, "goods_used_at_once", "20", account_kind="teacher", category="meat"),
        ],
        dt.date(2026, 3, 31),
    )
    form = dict(
        forms.disclosure(books.lines, books.reference, "2026-03").select("line_code", "month_yuan").rows()
    )
    assert {code: value for code, value in form.items() if value} == {
        "income": D(100),
        "off_form": D(12),
        "result": D(112),
    }
    cost = dict(
        forms.disclosure(books.lines, books.reference, "2026-03", version=forms.COST)
        .select("line_code", "month_yuan")
        .rows()
    )
    assert {code: value for code, value in cost.items() if value} == {
        "pupil_fee": D(100),
        "teacher_fee": D(30),
        "other_income": D(2),
        "raw_material": D(20),
        "result": D(112),
    }


def test_a_form_without_income_has_no_share(tmp_path: Path) -> None:
    books = Books(tmp_path, {"T": "fifo"})
    books.post([simple(1, "bank_fee", "5")], dt.date(2026, 3, 31))
    form = forms.disclosure(books.lines, books.reference, "2026-03")
    assert forms.food_share(form, "month_yuan", with_other=True) is None


def test_deadlines_are_dated_rows(tmp_path: Path) -> None:
    books = Books(tmp_path)
    assert forms.due("principal", "2026-12", books.reference) == dt.date(2027, 1, 5)
    assert forms.due("disclosure", "2026-12", books.reference) == dt.date(2027, 1, 15)


@pytest.mark.requirement("S0-85")
def test_the_roll_up_adds_canteens_of_both_account_sets(tmp_path: Path) -> None:
    lines = []
    for account_set in ("canteen", "government"):
        books = Books(tmp_path / account_set, {"T": "fifo"}, account_set)
        books.post([simple(1, "utilities", "5"), simple(2, "wages_accrued", "7")], dt.date(2026, 3, 31))
        lines.append(books.lines.with_columns(canteen_id=pl.lit(account_set)))
    found = forms.roll_up(pl.concat(lines), books.reference, "2026-03")
    assert found.select("canteen_id", "cost_kind", "month_yuan").rows() == [
        ("canteen", "utilities", D(5)),
        ("canteen", "wages", D(7)),
        ("government", "utilities", D(5)),
        ("government", "wages", D(7)),
    ]
