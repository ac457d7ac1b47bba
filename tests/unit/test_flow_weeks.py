"""The chain of weeks: what it settles, and that the order in which events come to be known does not matter."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import money_flows
import polars as pl
import pytest

from pipelines.flows import weeks
from pipelines.flows.sources import EVENT
from pipelines.flows.weeks import CARRIED, STATE, Compared, Held, compare
from pipelines.measures.finance_chain import measure_chain, night_events
from warehouse.tables import FLOW_EVENT

MONDAY = dt.date(2026, 9, 7)


class Book:
    """What two nights leave behind: the table of events and that of differences, as the night's step keeps them."""

    def __init__(self) -> None:
        self.events = pl.DataFrame(schema={name: FLOW_EVENT[name] for name in [*EVENT, *STATE]})
        self.differences = compare(
            Held(self._stored(), self._stored(), self._previous({}), self._stored()), self.events
        ).differences

    def _stored(self) -> pl.DataFrame:
        return self.events.with_columns(decided=pl.lit(value=False), biz_month=pl.lit("")).select(
            list(FLOW_EVENT)
        )

    def _previous(self, starts: dict[str, dt.date]) -> pl.DataFrame:
        rows = []
        for canteen, start in starts.items():
            days = self.events.filter(pl.col("canteen_id") == canteen, pl.col("biz_date") < start)["biz_date"]
            last = max((day for day in days if day >= start - weeks.LONGEST_PAUSE), default=None)
            if last is not None:
                rows.append((canteen, last - dt.timedelta(days=last.weekday())))
        return pl.DataFrame(rows, {"canteen_id": pl.String, "previous": pl.Date}, orient="row")

    def night(self, come: pl.DataFrame, gone_ids: list[str] | None = None) -> Compared:
        """Take new events in, and let some go."""
        stored = self._stored()
        gone = stored.filter(pl.col("event_id").is_in(gone_ids or []))
        changed = pl.concat([frame.select("canteen_id", "biz_date") for frame in (come, gone)])
        starts = dict(
            changed.group_by("canteen_id").agg(weeks.first_week(pl.col("biz_date").min())).iter_rows()
        )
        previous = self._previous(starts)
        since = {canteen: day - CARRIED for canteen, day in previous.iter_rows()}
        remembered = {canteen: day - weeks.REMEMBERED for canteen, day in previous.iter_rows()}
        kept = [
            row["canteen_id"] in starts
            and row["event_id"] not in gone["event_id"]
            and (
                row["biz_date"] >= starts[row["canteen_id"]]
                or (
                    row["biz_date"] >= since.get(row["canteen_id"], dt.date.max)
                    and (row["settled_week"] is None or row["settled_week"] >= starts[row["canteen_id"]])
                )
            )
            for row in stored.iter_rows(named=True)
        ]
        settled = [
            row["settled_week"] is not None
            and row["settled_week"] < starts.get(row["canteen_id"], dt.date.min)
            and row["biz_date"] >= remembered.get(row["canteen_id"], dt.date.max)
            for row in stored.iter_rows(named=True)
        ]
        held = Held(
            *(stored.filter(pl.Series(kept, dtype=pl.Boolean)), gone, previous),
            stored.filter(pl.Series(settled, dtype=pl.Boolean)),
        )
        found = compare(held, come)
        old = pl.concat([held.events.join(found.events, on="event_id", how="semi"), gone])
        self.events = pl.concat([self.events.join(old, on="event_id", how="anti"), found.events]).sort(
            "event_id"
        )
        self.differences = pl.concat(
            [
                self.differences.join(old, on="difference_id", how="anti").join(
                    found.differences, on="difference_id", how="anti"
                ),
                found.differences,
            ]
        ).sort("difference_id")
        return found


def planted(seed: int, **more: Any) -> pl.DataFrame:
    """Planted transactions as events of the night."""
    made = money_flows.make(seed=seed, **more)
    return night_events(made.events, made.accounts)


def event(name: str, flow: str, day: dt.date, amount: str = "123.45", **more: Any) -> dict[str, Any]:
    row = {
        "canteen_id": "C1", "biz_date": day, "event_id": name, "flow": flow, "source_feed": flow,
        "record_no": name, "account_no": "A1", "account_role": "special" if flow == "bank" else None,
        "direction": "out", "amount_yuan": Decimal(amount), "kind": "supplier_payment", "party": "惠民粮油",
        "text": "付货款", "ref": None, "_provider": "p",
    }  # fmt: skip
    return row | more


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), {name: FLOW_EVENT[name] for name in EVENT})


def told(book: Book) -> dict[str, tuple[str | None, dt.date | None]]:
    return {
        row["event_id"]: (row["break_type"], row["settled_week"]) for row in book.events.iter_rows(named=True)
    }


def test_what_agrees_is_settled_in_its_week() -> None:
    book = Book()
    book.night(frame(*(event(flow, flow, MONDAY) for flow in ("bank", "business", "books"))))
    assert set(told(book).values()) == {(None, MONDAY)}
    assert book.events["match_id"].n_unique() == 1
    assert book.differences.is_empty()


def test_what_waits_for_a_flow_is_matched_when_it_comes_in_a_later_week() -> None:
    book, later = Book(), MONDAY + 2 * weeks.WEEK
    book.night(frame(event("1", "bank", MONDAY), event("2", "business", MONDAY)))
    assert set(told(book).values()) == {("missing_in_books", None)}
    assert book.differences["amount_yuan"].to_list() == [Decimal("123.45")]
    book.night(frame(event("3", "books", later)))
    assert set(told(book).values()) == {("timing", later)}
    assert book.differences["break_type"].to_list() == ["timing"]


def test_what_waited_long_enough_is_given_up_as_it_is() -> None:
    book, late = Book(), MONDAY + 7 * weeks.WEEK
    other = [event(f"x{n}", "bank", MONDAY + n * weeks.WEEK, f"{n}.01") for n in range(1, 8)]
    book.night(frame(event("1", "bank", MONDAY), event("2", "business", MONDAY), *other))
    assert told(book)["1"] == ("missing_in_books", MONDAY + 5 * weeks.WEEK)
    book.night(frame(event("3", "books", late)))
    assert told(book)["1"][0] == "missing_in_books"
    assert told(book)["3"] == ("missing_in_bank", None)


def test_an_event_of_the_next_days_completes_a_week_and_is_not_used_twice() -> None:
    book, sunday, wednesday = Book(), MONDAY + dt.timedelta(days=6), MONDAY + dt.timedelta(days=9)
    book.night(
        frame(event("1", "bank", sunday), event("2", "business", sunday), event("3", "books", wednesday))
    )
    assert set(told(book).values()) == {(None, MONDAY + weeks.WEEK)}


def paid(
    flow: str, number: int, day: str, party: str | None, text: str | None, ref: str | None
) -> dict[str, Any]:
    said = {"party": party, "text": text, "ref": ref, "kind": None if flow == "bank" else "supplier_payment"}
    return event(f"{flow}{number}", flow, dt.date.fromisoformat(day), "8000.00", **said)


def crossed(book: Book) -> bool:
    """Whether two payments lie in one match without a person."""
    automatic = book.events.filter("automatic").select("match_id", number=pl.col("event_id").str.tail(1))
    return automatic.unique().height > automatic["match_id"].n_unique()


def test_an_event_is_settled_only_when_its_own_rivals_are_seen() -> None:
    """The second document goes well with the first payment, until the bank's line of its own payment comes."""
    whole, short = "岳阳市岳阳县惠民调味品有限公司", "惠民调味品"
    book = Book()
    book.night(
        frame(
            paid("business", 1, "2026-10-22", whole, "食材采购付款", "FK26394952"),
            paid("bank", 1, "2026-10-23", whole, "货款", "316534469715"),
            paid("books", 1, "2026-10-27", whole, "付惠民调味品货款", None),
            paid("business", 2, "2026-10-30", whole, "支付惠民调味品10月货款", "FK26813312"),
            paid("bank", 2, "2026-11-02", f"{short}（岳阳县）有限公司", "网银转账", "750463247400"),
            paid("books", 2, "2026-11-03", short, "付惠民调味品货款", None),
        )
    )
    assert not crossed(book)


def test_what_is_given_up_stays_a_rival() -> None:
    """The first payment waits for its books and is given up a week before the second one."""
    party = "诚信调味品"
    book = Book()
    book.night(
        frame(
            paid("business", 1, "2026-09-11", None, "食材采购付款", "FK26742110"),
            paid("bank", 1, "2026-09-11", party, "货款", "FK26742110"),
            paid("books", 1, "2026-09-14", party, "付诚信调味品货款", None),
            paid("business", 2, "2026-09-18", "岳阳市汨罗市诚信调味品有限公司", None, None),
            paid("bank", 2, "2026-09-18", None, "支付食材款", None),
            paid("books", 2, "2026-09-21", None, "付货款", None),
            *(event(f"x{n}", "bank", MONDAY + n * weeks.WEEK, f"{n}.01") for n in range(1, 8)),
        )
    )
    assert book.events.filter(pl.col("event_id") == "bank2")["settled_week"].item() > dt.date(2026, 10, 12)
    assert not crossed(book)


def test_a_line_of_a_schools_other_account_is_no_difference_unless_a_flow_tells_of_it() -> None:
    elsewhere = {"account_no": "S1", "account_role": "school"}
    book = Book()
    book.night(frame(event("1", "bank", MONDAY, **elsewhere)))
    assert told(book) == {"1": (None, None)}
    book.night(frame(event("2", "business", MONDAY), event("3", "books", MONDAY)))
    assert set(told(book).values()) == {("wrong_account", MONDAY)}


def test_a_correction_takes_the_old_event_out() -> None:
    book = Book()
    book.night(frame(*(event(flow, flow, MONDAY) for flow in ("bank", "business", "books"))))
    book.night(frame(event("books", "books", MONDAY, "123.54")), ["books"])
    assert book.events["event_id"].to_list() == ["bank", "books", "business"]
    assert book.differences["break_type"].to_list() == ["amount"]


@pytest.mark.parametrize("seed", range(2))
def test_the_order_in_which_days_come_to_be_known_does_not_matter(seed: int) -> None:
    made = planted(seed, canteens=2, days=52, per_day=0.8, break_share=0.2)
    expected = Book()
    expected.night(made)
    dice = random.Random(seed)
    parts = made.with_columns(week=weeks.monday(pl.col("biz_date"))).partition_by(
        "canteen_id", "flow", "week"
    )
    dice.shuffle(parts)
    book = Book()
    wrong = made.sample(6, seed=seed).with_columns(amount_yuan=pl.col("amount_yuan") + Decimal("0.01"))
    known: list[str] = []
    for start in range(0, len(parts), 14):
        come = pl.concat(parts[start : start + 14]).select(EVENT)
        first = come.join(wrong, on="event_id", how="anti")
        draft = wrong.join(come, on="event_id", how="semi").select(EVENT)
        book.night(pl.concat([first, draft]))
        known += draft["event_id"].to_list()
    book.night(made.filter(pl.col("event_id").is_in(known)), known)
    assert_same(book.events, expected.events, "event_id")
    assert_same(book.differences, expected.differences, "difference_id")


def assert_same(found: pl.DataFrame, expected: pl.DataFrame, key: str) -> None:
    assert found.sort(key).rows() == expected.sort(key).rows()


def test_a_canteens_result_does_not_depend_on_whom_it_is_compared_with() -> None:
    made = planted(5, canteens=6, days=40, refs=0.3)
    whole, alone = Book(), Book()
    whole.night(made)
    mine = made.filter(pl.col("canteen_id").is_in(["C0001", "C0004"]))
    alone.night(mine)
    assert_same(alone.events, whole.events.join(mine, on="event_id", how="semi"), "event_id")


def test_the_chain_of_weeks_is_measured_against_the_truth() -> None:
    made = money_flows.make(seed=11, canteens=2, days=40)
    found = measure_chain(made.events, made.accounts, made.truth_events, made.truth_breaks)
    assert found.wrong_automatic == 0
    assert found.match_recall is not None
    assert found.match_recall > 0.8
