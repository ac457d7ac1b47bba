"""Errors in price series: what is one, what is not, and the measures that prove it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import real_data

from pipelines.cli.app import main
from pipelines.measures import prices_series, table
from pipelines.prices import series


def quiet(days: int = 60, *, level: float = 5.0, noise: float = 0.03, seed: int = 0) -> np.ndarray:
    return level * np.exp(np.random.default_rng(seed).normal(0, noise, days))


def labels(prices: np.ndarray) -> list[str]:
    return [series.NAMES[code] for code in series.judge(prices[None, :]).label[0]]


def found(prices: np.ndarray, name: str) -> list[int]:
    return [day for day, label in enumerate(labels(prices)) if label == name]


@pytest.mark.parametrize("factor", [10, 0.1, 100, 0.01])
@pytest.mark.parametrize("days", [[30], [20, 21, 22, 23, 24, 25, 26], [0], [59]])
def test_a_shifted_decimal_point_is_found_wherever_it_stands(factor: float, days: list[int]) -> None:
    prices = quiet()
    prices[days] *= factor
    assert found(prices, "decimal_shift") == days
    assert set(labels(prices)) == {"fine", "decimal_shift"}


def test_gaps_do_not_matter_and_get_no_label() -> None:
    prices = quiet()
    prices[[31, 40]] *= 10
    prices[[30, 32, 33, 50]] = np.nan
    assert found(prices, "decimal_shift") == [31, 40]
    judged = series.judge(prices[None, :])
    assert judged.score[0, 30] == 0
    assert judged.label[0, 30] == series.FINE
    assert judged.level[0, 31] == pytest.approx(5, rel=0.1)


def test_two_shifts_beside_each_other_do_not_hide_each_other() -> None:
    prices = quiet()
    prices[30] *= 10
    prices[32] *= 0.1
    assert found(prices, "decimal_shift") == [30, 32]


def test_a_new_level_is_no_error() -> None:
    prices = quiet()
    prices[30:] *= 3
    assert set(labels(prices)) <= {"fine", "level_change"}
    tenfold = quiet()
    tenfold[30:] *= 10  # goes on for longer than any slip of the pen
    assert found(tenfold[:60], "decimal_shift") == []


def test_a_price_that_climbs_fast_is_no_error() -> None:
    climbing = 2 * np.exp(np.linspace(0, 2.5, 60)) * np.exp(np.random.default_rng(3).normal(0, 0.05, 60))
    assert not set(labels(climbing)) & {"decimal_shift", "unit", "spike"}


def test_jin_for_kilogram_is_a_unit_and_a_single_wild_value_a_spike() -> None:
    prices = quiet()
    prices[20] *= 2
    prices[30] /= 2
    prices[40] *= 4
    assert found(prices, "unit") == [20, 30]
    assert found(prices, "spike") == [40]


def test_the_scatter_of_the_series_itself_is_no_error() -> None:
    rough = quiet(180, noise=0.25, seed=7)
    assert not set(labels(rough)) & {"decimal_shift", "unit", "spike"}


def test_a_price_that_stands_still_is_stale_only_where_prices_move() -> None:
    prices = quiet(120)
    prices[40:90] = 5
    assert found(prices, "stale") == list(range(70, 90))
    assert found(np.full(120, 5.0), "stale") == []


def test_few_or_no_prices_are_no_trouble() -> None:
    prices = np.full((4, 30), np.nan)
    prices[1, 3] = 5
    prices[2, [3, 9]] = (5, 50)
    prices[3, :5] = 5
    judged = series.judge(prices)
    assert (judged.label == series.FINE).sum() >= prices.size - 2
    assert series.judge(prices[:0]).label.shape == (0, 30)


def test_a_block_is_judged_as_its_series_are_one_by_one() -> None:
    made, _ = prices_series.made(1_500, 60)
    made[:500, 40:] = np.nan
    whole = series.judge(made)
    for row in (0, 499, 1_023, 1_024, 1_499):
        alone = series.judge(made[row : row + 1])
        assert np.array_equal(whole.label[row], alone.label[0])
        assert np.array_equal(whole.score[row], alone.score[0])


def test_average_precision_is_the_mean_precision_at_each_hit() -> None:
    truth = np.array([True, False, True, False])
    assert prices_series._average_precision(truth, np.ones(4)) == pytest.approx((1 + 2 / 3) / 2)


def test_the_small_bench_gives_the_figures_of_judge_and_peers() -> None:
    told: list[str] = []
    measures = {one["name"]: one for one in prices_series.bench(quick=True, progress=told.append)}
    assert set(measures) < set(table.names("prices"))
    assert all(math.isfinite(one["value"]) and one["value"] >= 0 for one in measures.values())
    # 100 times fewer series than the bar speaks of, in a hundredth of its time and some for starting.
    assert measures["prices_100k_cpu_s"]["value"] < 0.3
    assert any("1.0000" in line or "0.99" in line for line in told)


def test_without_data_the_measures_are_listed_and_empty(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    measures = {one["name"]: one for one in prices_series.accuracy(seed=1, data=None, progress=print)}
    for name in ("decimal_shift_recall", "untouched_false_rate"):
        assert (measures[name]["value"], measures[name]["holds"]) == (None, None)
    assert (
        main(["--home", str(tmp_path), "--json", "accuracy", "prices", "--data", str(tmp_path / "no")]) == 2
    )
    assert "不是文件夹" in capsys.readouterr().err


def test_planted_shifts_are_found_in_real_series(tmp_path: Path) -> None:
    """A part of the real series, to be quick; the command measures all of them."""
    source = real_data.folder("tabular", "B_no_licence_stated", "prices") / (
        "cumcm2023c_wholesale_20200701_20220630.csv"
    )
    place = tmp_path / "tabular" / "given" / "prices"
    place.mkdir(parents=True)
    (place / "series.csv").symlink_to(source)
    sources = prices_series.read_series(tmp_path)
    assert list(sources) == [prices_series.DEVELOPED_ON]
    prices = sources[prices_series.DEVELOPED_ON]
    assert (prices > 0).sum() == pl.read_csv(source).height
    shifted, planted = prices_series.plant(prices, 4)
    label = series.judge(shifted).label
    untouched = (prices > 0) & ~planted
    assert (label[planted] == series.DECIMAL_SHIFT).mean() >= 0.98
    assert np.isin(label[untouched], series.ERRORS).mean() <= 0.005


def test_the_command_says_its_measures(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--home", str(tmp_path), "--json", "bench", "prices", "--quick"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "prices_100k_cpu_s" in [one["name"] for one in told["measures"]]
