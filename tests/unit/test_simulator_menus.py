"""Menus of the synthetic city say what was cooked, with the errors of those who write them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingest.simulator import catalogue, city, plan, simulate
from ingest.simulator.service import Service
from ingest.simulator.simulate import Play

START, END = date(2026, 9, 1), date(2026, 9, 20)
CANTEENS = 14


@pytest.fixture(scope="module")
def told() -> pl.DataFrame:
    """Per canteen with menus and category weighed in kg: kg by the menus, kg drawn from the store."""
    town = city.build(CANTEENS, START, 3)
    play = Play(town, Service(town, END), plan.Plan(END + timedelta(1), END + timedelta(1)))
    goods = pl.DataFrame(
        {"i": range(catalogue.COUNT), "category": catalogue.CATEGORY, "base": catalogue.BASE_UNIT}
    )
    menus, drawn = [], []
    for played in play.days(END):
        if played.menu is None:
            continue
        pupils = played.frames["consumption"].filter(pl.col("payer") == 0)
        diners = pupils.group_by("c", "meal").agg(diners=pl.len())
        gross = pl.col("grams") * 100 / pl.col("edible").fill_null(100)
        menus.append(
            played.menu.join(diners, on=["c", "meal"]).select("c", "i", kg=gross * pl.col("diners") / 1e6)
        )
        factor = pl.Series(catalogue.UNIT_MILLI).gather(played.frames["stock_move"]["unit"])
        moves = played.frames["stock_move"].with_columns(kg=pl.col("qty") * factor / 1e6)
        sign = pl.when(pl.col("kind") == 0).then(1).when(pl.col("kind") == 1).then(-1).otherwise(0)
        mine = (pl.col("account") == 0) & (pl.col("purpose") == 0)
        drawn.append(moves.filter(mine).select("c", "i", drawn=pl.col("kg") * sign))
    keys = ["c", "category"]
    kilograms = goods.filter(pl.col("base") == catalogue.KG)
    out = pl.concat(menus).join(kilograms, on="i").group_by(keys).agg(pl.sum("kg"))
    store = pl.concat(drawn).join(kilograms, on="i").group_by(keys).agg(pl.sum("drawn"))
    return store.join(out, on=keys, how="left").filter(pl.col("kg").is_not_null().any().over("c"))


def test_some_schools_write_no_menus(told: pl.DataFrame) -> None:
    assert CANTEENS // 2 < told["c"].n_unique() < CANTEENS


def test_menus_say_what_was_cooked_within_the_errors_of_writers(told: pl.DataFrame) -> None:
    share = told.filter(pl.col("drawn") > 50).select(pl.col("kg") / pl.col("drawn")).to_series()
    assert share.null_count() == 0
    assert 0.85 < share.median() < 1, "waste is in no recipe, and a week may be missing"
    assert share.filter(share.is_between(0.5, 1.25)).len() == share.len()


def test_a_week_of_menus_comes_on_its_sunday(tmp_path: Path) -> None:
    simulate(tmp_path, 2, START, date(2026, 9, 9), 4, frozenset())
    files = sorted(path.parent.name for path in (tmp_path / "landing").rglob("menu_line_*"))
    assert set(files) == {"2026-09-06", "2026-09-09"}
