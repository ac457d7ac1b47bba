"""The clean city is honest: stocks hold together, every open day is complete, verdicts are calm."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ingest.simulator import city, history, plan, simulate
from ingest.simulator.service import Service
from ingest.simulator.simulate import Play
from warehouse import contracts

START, END = date(2026, 9, 1), date(2026, 10, 20)
_FACTS = ("purchase", "stock_move", "stocktake", "meal_fee", "consumption", "refund", "disclosure_line")


@pytest.fixture(scope="module")
def played() -> Play:
    town = city.build(13, START, 3)
    return Play(town, Service(town, END), plan.Plan(END + timedelta(1), END + timedelta(1)))


@pytest.fixture(scope="module")
def days(played: Play) -> list[tuple[date, dict[str, pl.DataFrame], bool, bool]]:
    """(day, frames, books agree with the store, nothing negative)."""
    out = []
    for day in played.days(END):
        store = played.world.store
        out.append(
            (day.day, day.frames, bool((store.book == store.real).all()), bool((store.book >= 0).all()))
        )
    return out


def test_books_agree_with_the_store_and_no_stock_is_ever_negative(days: list) -> None:
    assert all(agree and sound for _, _, agree, sound in days)


def test_every_open_canteen_day_has_income_and_supplies(played: Play, days: list) -> None:
    for day, frames, _, _ in days:
        serving = set(np.flatnonzero(played.service.is_open(day)).tolist())
        for feed in ("consumption", "purchase", "stock_move") if frames else ():
            assert set(frames[feed]["c"].to_list()) == serving


def test_an_honest_count_is_within_three_percent_of_the_book(days: list) -> None:
    counts = pl.concat([frames["stocktake"] for _, frames, _, _ in days if frames])
    off = counts.group_by("c").agg(
        ((pl.col("qty") - pl.col("book")).abs().sum() / pl.col("book").sum()).alias("off")
    )
    assert off["off"].max() < 0.03


def test_national_day_is_closed_and_its_make_up_day_open(played: Play) -> None:
    assert not any(played.service.is_open(date(2026, 10, d)).any() for d in range(1, 8))
    assert played.service.is_open(date(2026, 10, 10)).sum() >= 12


def test_a_clean_city_has_no_unknown_and_next_to_no_red_verdicts(tmp_path: Path) -> None:
    simulate(tmp_path, 16, START, END, 8, frozenset())
    verdicts = pl.read_parquet(tmp_path / "truth" / "verdicts.parquet")
    assert verdicts.filter(pl.col("verdict") == "unknown").is_empty()
    assert verdicts.filter(pl.col("verdict") == "red").height <= 0.02 * verdicts.height
    assert pl.read_parquet(tmp_path / "truth" / "faults.parquet").is_empty()


def test_history_holds_contract_typed_rows_that_meet_the_contract() -> None:
    schemas = {
        "org": contracts.Org, "calendar": contracts.Calendar, "supplier": contracts.Supplier,
        "ingredient": contracts.Ingredient, "provider_key": contracts.ProviderKey,
        "access_grant": contracts.AccessGrant, "purchase": contracts.Purchase,
        "stock_move": contracts.StockMove, "stocktake": contracts.Stocktake, "meal_fee": contracts.MealFee,
        "consumption": contracts.Consumption, "refund": contracts.Refund, "disclosure_line": contracts.DisclosureLine,
        "price_reference": contracts.PriceReference, "quotation": contracts.Quotation,
        "price_agreement": contracts.PriceAgreement, "menu_line": contracts.MenuLine,
    }  # fmt: skip
    seen = set()
    for feed, frame in history.frames(4, START, date(2026, 10, 16), 5):
        seen.add(feed)
        schemas[feed].validate(frame.drop("_provider"))
        assert frame["_provider"].null_count() == 0
    assert seen == set(schemas)


def test_nights_after_a_history_continue_the_same_city(tmp_path: Path) -> None:
    cut = date(2026, 9, 12)
    simulate(tmp_path / "whole", 2, START, date(2026, 10, 9), 4, frozenset())
    simulate(tmp_path / "rest", 2, cut, date(2026, 10, 9), 4, frozenset(), origin=START)
    whole, rest = ({str(p.relative_to(tmp_path / n / "landing")): p.read_bytes() for p in (tmp_path / n / "landing").rglob("*.csv")}
                   for n in ("whole", "rest"))  # fmt: skip
    assert rest
    assert rest == {name: data for name, data in whole.items() if name.split("/")[1] >= f"{cut}"}
    truths = [pl.read_parquet(tmp_path / n / "truth" / "verdicts.parquet") for n in ("whole", "rest")]
    assert truths[0].equals(truths[1])


def test_history_and_files_tell_the_same_story(tmp_path: Path) -> None:
    end = date(2026, 9, 8)
    simulate(tmp_path, 1, START, end, 4, frozenset())
    frames = {feed: frame for feed, frame in history.frames(1, START, end, 4) if feed in _FACTS}
    for feed in ("purchase", "stock_move", "consumption"):
        files = sorted((tmp_path / "landing" / "yueyanglou").rglob(f"{feed}_*.csv"))
        written = pl.concat([pl.read_csv(path, infer_schema=False) for path in files])
        kept = frames[feed]
        assert written["record_no"].to_list() == kept["record_no"].to_list()
        if "amount_yuan" in written.columns and feed != "stock_move":
            assert written["amount_yuan"].cast(pl.Decimal(18, 2)).sum() == kept["amount_yuan"].sum()
