"""Identities that hold in any books, whatever happened and in whatever order it arrived."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import book_events
import book_oracle
import polars as pl
import pytest
from book_events import METHODS, Books
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.books import audit, forms, ledger, statements
from warehouse import delta
from warehouse.tables import BOOK_STOCK

MONTHS = ["2026-09", "2026-10", "2026-11"]
LAST = dt.date(2026, 12, 1)
NIGHTS = (dt.date(2026, 9, 20), dt.date(2026, 10, 8), dt.date(2026, 11, 20), LAST)
Sums = dict[tuple[str, str, str], Decimal]


def by_event(lines: pl.DataFrame) -> Sums:
    """Debit less credit by canteen, month of the event and account, without what month ends carry."""
    sums = (
        lines.filter(pl.col("event_kind") != "month_end")
        .group_by("canteen_id", pl.col("event_date").dt.strftime("%Y-%m").alias("month"), "account_code")
        .agg(balance=pl.col("debit_yuan").sum() - pl.col("credit_yuan").sum())
        .filter(pl.col("balance") != 0)
    )
    return {(canteen, month, account): value for canteen, month, account, value in sums.rows()}


def september(lines: pl.DataFrame, canteens: list[str]) -> pl.DataFrame:
    """The lines of September of some canteens, in order."""
    mine = lines.filter(pl.col("biz_month") == "2026-09", pl.col("canteen_id").is_in(canteens))
    return mine.sort("canteen_id", "_voucher_no", "line_no")


def lived(home: Path, final: list[book_events.Event], order: int) -> tuple[Books, list[pl.DataFrame]]:
    """Books after four nights with two closings between; and September as it was at its closing."""
    books = Books(home)
    closed = []
    for night, there in zip(NIGHTS, book_events.histories(order, final, len(NIGHTS)), strict=True):
        books.post(there, night)
        if night.month in (10, 11):
            books.close(f"2026-{night.month - 1:02}", night)
            ended = ledger.periods(books.settings).filter(biz_month="2026-09")["canteen_id"].to_list()
            closed.append(september(books.lines, ended))
    return books, closed


@pytest.mark.requirement("S0-81")
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), order=st.integers(0, 10**6), count=st.integers(1, 140))
def test_any_history_ends_in_the_books_of_an_independent_interpreter(
    tmp_path_factory: pytest.TempPathFactory, seed: int, order: int, count: int
) -> None:
    final = book_events.stream(seed, count)
    books, closed = lived(tmp_path_factory.mktemp("books"), final, order)
    lines = books.lines
    assert by_event(lines) == book_oracle.balances(final, METHODS, LAST)

    assert audit.problems(lines, ledger.periods(books.settings)) == []
    for (_, _, _), series in lines.group_by("canteen_id", "account_set", "biz_month"):
        numbers = sorted(set(series["_voucher_no"]))
        assert numbers == list(range(1, len(numbers) + 1))
    vouchers = lines.group_by("event_id", "_version").agg(pl.col("debit_yuan", "credit_yuan").sum())
    assert vouchers.filter(pl.col("debit_yuan") != pl.col("credit_yuan")).is_empty()

    for then in closed:
        assert then.equals(september(lines, then["canteen_id"].unique().to_list()))

    version = delta.version(books.settings.table("silver.posted_voucher"))
    counts = books.post(final, LAST)
    assert (counts["vouchers"], counts["reversals"]) == (0, 0)
    assert delta.version(books.settings.table("silver.posted_voucher")) == version

    check_statements(books, lines)
    check_stock(books, final, lines)


def check_statements(books: Books, lines: pl.DataFrame) -> None:
    """Opening plus movements is closing, assets are what is owed and owned, the form is the ledger."""
    before: dict[tuple[str, str], Decimal] = {}
    results: dict[str, Decimal] = {}
    for month in MONTHS:
        trial = statements.trial_balance(lines, books.reference, month)
        assert trial["debit_yuan"].sum() == trial["credit_yuan"].sum()
        for row in trial.iter_rows(named=True):
            sign = 1 if row["account_class"] in ("asset", "expense") else -1
            moved = sign * (row["debit_yuan"] - row["credit_yuan"])
            key = (row["canteen_id"], row["account_code"])
            assert row["opening_yuan"] == before.get(key, 0)
            assert row["closing_yuan"] == row["opening_yuan"] + moved
            before[key] = row["closing_yuan"]
        sheet = statements.balance_sheet(lines, books.reference, month)
        for (canteen,), rows in sheet.group_by("canteen_id"):
            assets = rows.filter(account_class="asset")["closing_yuan"].sum()
            assert assets == rows.filter(pl.col("account_class") != "asset")["closing_yuan"].sum(), canteen
        stock = statements.stock_ledger(lines, books.reference, month)
        held = trial.filter(pl.col("account_code").str.starts_with("1201"))
        assert stock["closing_yuan"].sum() == held["closing_yuan"].sum()
        moved_stock = stock["opening_yuan"].sum() + stock["in_yuan"].sum() - stock["out_yuan"].sum()
        assert moved_stock == stock["closing_yuan"].sum()
        owed = statements.supplier_ledger(lines, books.reference, month)["closing_yuan"].sum()
        assert owed == trial.filter(account_code="2101")["closing_yuan"].sum()
        cash = statements.cash_book(lines, books.reference, month)
        for (canteen, account), rows in cash.group_by("canteen_id", "account_code", maintain_order=True):
            assert rows["balance_yuan"][-1] == before[str(canteen), str(account)]
        for version in (forms.PUBLIC, forms.COST):
            form = forms.disclosure(lines, books.reference, month, version=version)
            income = form.filter(pl.col("line_code").is_in(
                ["income", "off_form", "pupil_fee", "teacher_fee", "subsidy", "other_income"]
            ))["month_yuan"].sum()  # fmt: skip
            total = form.filter(line_code="result")["month_yuan"].sum()
            assert 2 * income - form.filter(pl.col("line_code") != "result")["month_yuan"].sum() == total
            results[version] = results.get(version, Decimal(0)) + total
    spent = forms.roll_up(lines, books.reference, "2026-11")["ytd_yuan"].sum()
    flows = statements.income_expense(lines, books.reference, "2026-11")
    assert spent == flows.filter(account_class="expense")["ytd_yuan"].sum()
    surplus = sum((value for (_, code), value in before.items() if code[0] in "34"), Decimal(0))
    surplus -= sum((value for (_, code), value in before.items() if code[0] == "5"), Decimal(0))
    assert results == {forms.PUBLIC: surplus, forms.COST: surplus}


def check_stock(books: Books, final: list[book_events.Event], lines: pl.DataFrame) -> None:
    """Month-end batches, the stock accounts and the interpreter's shelves are worth the same."""
    shelves = book_oracle.valued(final, METHODS, LAST)[1]
    held = delta.read(books.settings.table("silver.book_stock"), BOOK_STOCK, days=[dt.date(2026, 11, 30)])
    worth = {
        (canteen, kind, item): value
        for canteen, kind, item, value in held.group_by("canteen_id", "account_kind", "ingredient_id")
        .agg(pl.col("amount_yuan").sum())
        .rows()
    }
    expected = {key: sum((v for _, v in shelf.batches), Decimal(0)) for key, shelf in shelves.items()}
    assert worth == {key: value for key, value in expected.items() if shelves[key].batches}
    account = lines.filter(pl.col("account_code").str.starts_with("1201"))
    assert sum(worth.values(), Decimal(0)) == account["debit_yuan"].sum() - account["credit_yuan"].sum()


def test_balances_do_not_depend_on_the_order_of_arrival(tmp_path: Path) -> None:
    final = book_events.stream(7, 160)
    homes = [lived(tmp_path / str(order), final, order)[0] for order in (1, 2)]
    direct = Books(tmp_path / "direct")
    direct.post(final, LAST)
    first, second, third = (by_event(books.lines) for books in (*homes, direct))
    assert first == second == third
    assert len(first) > 50
    stocks = [
        delta.read(books.settings.table("silver.book_stock"), BOOK_STOCK).sort(list(BOOK_STOCK))
        for books in (*homes, direct)
    ]
    assert stocks[0].equals(stocks[1])
    assert stocks[0].equals(stocks[2])


def test_nightly_scopes_give_the_same_books_as_everything_at_once(tmp_path: Path) -> None:
    final = book_events.stream(11, 160)
    books, whole = Books(tmp_path / "nightly"), Books(tmp_path / "whole")
    for night in (*(book_events.FIRST + dt.timedelta(9 * step) for step in range(1, 10)), LAST):
        days = frozenset(night - dt.timedelta(back) for back in range(16))
        start = ledger.open_from(books.settings) or book_events.FIRST
        scope = ledger.Scope(days, start)
        there = [
            one
            for one in final
            if one["biz_date"] < night
            and (
                one["biz_date"] in days
                or (one["event_kind"] in book_events.STOCK and one["biz_date"] >= start)
            )
        ]
        books.post(there, night, scope)
        books.close("2026-09" if night.month == 10 else "2026-08", night)
    whole.post(final, LAST)
    assert by_event(books.lines) == by_event(whole.lines) == book_oracle.balances(final, METHODS, LAST)
