"""Every fault is planted, money schemes stay apart, and the truth files say where to look."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ingest.simulator import city, faults, plan, simulate, truth
from ingest.simulator.service import Service
from ingest.simulator.simulate import Play

START, END = date(2026, 9, 3), date(2026, 10, 14)
MONEY = ("under_feeding", "closing_stock_understated", "closing_stock_overstated", "fictitious_purchases",
         "teacher_food_in_pupil_account", "teacher_income_in_pupil_account", "negative_stock", "unit_mixup")  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("city") / "out"
    simulate(out, 14, START, END, 19, books=0.5)
    return out


@pytest.fixture(scope="module")
def planted(run: Path) -> pl.DataFrame:
    return pl.read_parquet(run / "truth" / "faults.parquet")


def test_every_kind_is_planted_at_least_twice_in_a_small_city(planted: pl.DataFrame) -> None:
    counts = dict(planted.group_by("kind").len().iter_rows())
    assert {kind: n for kind in faults.KINDS if (n := counts.get(kind, 0)) < 2} == {}


def test_truth_files_have_their_columns(run: Path, planted: pl.DataFrame) -> None:
    assert planted.schema == pl.Schema(faults.SCHEMA)
    verdicts = pl.read_parquet(run / "truth" / "verdicts.parquet")
    assert verdicts.schema == pl.Schema(truth.SCHEMA)
    assert END in verdicts["as_of"].to_list()
    assert planted["fault_id"].is_unique().all()


def test_a_canteen_carries_at_most_one_money_scheme(planted: pl.DataFrame) -> None:
    schemes = planted.filter(pl.col("kind").is_in(MONEY)).unique(["canteen_id", "kind"])
    assert schemes["canteen_id"].is_unique().all()


def test_the_file_of_a_file_fault_has_arrived_on_its_day(run: Path, planted: pl.DataFrame) -> None:
    for file, arrival in (
        planted.filter(pl.col("file").is_not_null()).select("file", "arrival_date").iter_rows()
    ):
        assert (run / "landing" / file).is_file()
        assert file.split("/")[1] == f"{arrival}"


def test_directions_are_as_the_schemes_work(run: Path) -> None:
    """What hides red shows a higher ratio than the true one, what feigns red a lower one."""
    verdicts = pl.read_parquet(run / "truth" / "verdicts.parquet").filter(
        (pl.col("as_of") == pl.col("as_of").max())
        & (pl.col("definition") == "consumed")
        & (pl.col("period_kind") == "month")
    )
    planted = pl.read_parquet(run / "truth" / "faults.parquet").filter(
        pl.col("kind").is_in(MONEY) & (pl.col("direction") != faults.NEUTRAL)
    )
    both = verdicts.join(planted.unique(["canteen_id", "kind"]), on="canteen_id")
    gap = both["reported_ratio"].cast(pl.Float64) - both["actual_ratio"].cast(pl.Float64)
    sign = both["direction"].replace_strict({faults.HIDES: 1.0, faults.FEIGNS: -1.0}, return_dtype=pl.Float64)
    assert both.height >= 6
    assert (gap * sign > 0.01).all()
    feigned = both.filter(pl.col("direction") == faults.FEIGNS, pl.col("kind") != "negative_stock")
    hidden = both.filter(pl.col("direction") == faults.HIDES)
    assert set(feigned["verdict"]) == {"red"}
    assert "red" not in set(hidden["verdict"])


def test_a_mixed_up_slip_doubles_quantities_at_half_the_price_for_the_same_money() -> None:
    town = city.build(12, START, 2)
    service = Service(town, END)
    planned = plan.draw(town, service, START, END, frozenset({"unit_mixup"}))
    honest = plan.Plan(
        START, END, by_kg=planned.by_kg, carriers={"unit_mixup": planned.carriers["unit_mixup"]}
    )
    found = 0
    for false, true in zip(
        Play(town, service, planned).days(END), Play(town, service, honest).days(END), strict=True
    ):
        if false.frames:
            mixed = false.frames["purchase"].filter(pl.col("tag") > 0)
            right = mixed.join(true.frames["purchase"], on=["c", "seq"], how="left", maintain_order="left")
            assert (mixed["accepted"] == right["accepted_right"] * 2).all()
            assert (mixed["price"] * 2 == right["price_right"]).all()
            assert (mixed["amount"] == right["amount_right"]).all()
            found += mixed.height
    assert found >= 2


def test_only_unrecorded_deliveries_make_the_book_negative() -> None:
    town = city.build(24, START, 9)
    service = Service(town, END)
    planned = plan.draw(town, service, START, END, frozenset(faults.KINDS))
    play = Play(town, service, planned)
    below: set[int] = set()
    for _ in play.days(END):
        below |= set(np.flatnonzero((play.world.store.book < 0).any(axis=1)).tolist())
        assert (play.world.store.real >= 0).all()
    assert below == set(planned.carriers["negative_stock"])


def test_goods_that_never_came_are_never_issued_and_stay_in_the_book() -> None:
    town = city.build(12, START, 6)
    service = Service(town, END)
    planned = plan.draw(town, service, START, END, frozenset({"fictitious_purchases"}))
    play = Play(town, service, planned)
    false: set[tuple[int, int]] = set()
    issued: set[tuple[int, int]] = set()
    for day in play.days(END):
        if day.frames:
            false |= set(day.frames["purchase"].filter(pl.col("tag") == 1).select("c", "i").iter_rows())
            issued |= set(day.frames["stock_move"].select("c", "i").iter_rows())
    assert false
    assert not false & issued
    assert all(play.world.store.book[cell] > 0 and play.world.store.real[cell] == 0 for cell in false)
