"""Measures of the price series judge: accuracy on real series, speed on made ones, peers in the same run.

Belongs here: reading the series given by ``--data``, planting decimal shifts in them, counting what is
found, and the peers (a plain z-score, statsforecast's quick models). The judge was developed on the
wholesale series by item number (``DEVELOPED_ON``); the measures are taken on all others. Does not
belong here: the judge (``pipelines.prices.series``).
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.reading import frame_path
from ingest.worker import Worker
from pipelines.measures.table import measure
from pipelines.prices import series
from pipelines.silver import typing
from warehouse.errors import Permanent, Refused
from warehouse.tables import FEEDS

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[str], None]

DEVELOPED_ON: Final = "store_wholesale"
FACTORS: Final = ((10.0, 0.45), (0.1, 0.45), (100.0, 0.05), (0.01, 0.05))
"""Planted shifts and their shares."""
LONGEST: Final = 7
"""Quotes that a planted shift lasts at most; every second one lasts a single quote."""
_BEST_MODEL: Final = "SES"
"""The quick model that finds most on the series that the judge was developed on."""
_SHARE: Final = 0.01
_LEAST: Final = 20
_FALSE_RATE: Final = 0.005
_RESAMPLES: Final = 400
_SERIES: Final = 100_000
_DAYS: Final = 180


@dataclass(frozen=True)
class Trial:
    """What one detector did on one set of series.

    Attributes:
        name: The detector.
        recall: Planted cells that it found.
        false_rate: Untouched cells that it took for errors.
        precision: Average precision of its scores.
        interval: 95 % intervals of the three, resampling whole series.
        cells: Planted cells.
        untouched: Untouched cells.
    """

    name: str
    recall: float
    false_rate: float
    precision: float
    interval: tuple[tuple[float, float], ...]
    cells: int
    untouched: int

    def line(self) -> str:
        """For people."""
        values = (self.recall, self.false_rate, self.precision)
        shown = (
            f"{value:.4f}（{low:.4f}—{high:.4f}）"
            for value, (low, high) in zip(values, self.interval, strict=True)
        )
        return f"{self.name}：召回 {{}}，误报 {{}}，平均精度 {{}}，埋设 {self.cells}".format(*shown)


def accuracy(*, seed: int, data: Path | None, progress: Progress) -> list[dict[str, Any]]:
    """Planted decimal shifts found and untouched rows left alone, on the real series.

    Args:
        seed: Seed of what is planted.
        data: Folder laid out like the given data; without it nothing is measured.
        progress: Told what is being done, the peers' figures too.
    """
    names = (
        "decimal_shift_recall",
        "untouched_false_rate",
        "decimal_shift_ap",
        "statsforecast_ap",
        "zscore_ap",
    )
    if data is None:
        return [measure("prices", name, None, 0) for name in names]
    sources = read_series(data)
    judged = {name: prices for name, prices in sources.items() if name != DEVELOPED_ON}
    if not judged:
        raise Permanent(f"{data} 下没有批发市场价格表（tabular/*/prices/*.csv）")
    if DEVELOPED_ON in sources:
        for one in trials(sources[DEVELOPED_ON], seed):
            progress(f"开发用序列 {DEVELOPED_ON} {one.line()}")
    found = trials(_stacked(list(judged.values())), seed)
    for one in found:
        progress(f"评判用序列 {'、'.join(judged)} {one.line()}")
    ours, zscore = found[0], found[1]
    best = max(found[2:], key=lambda one: one.precision)
    measured = [
        (ours.recall, ours.cells, ours.interval[0]),
        (ours.false_rate, ours.untouched, ours.interval[1]),
        (ours.precision, ours.cells, ours.interval[2]),
        (best.precision, best.cells, best.interval[2]),
        (zscore.precision, zscore.cells, zscore.interval[2]),
    ]
    return [
        measure("prices", name, round(value, 5), n) | {"interval": [round(end, 5) for end in interval]}
        for name, (value, n, interval) in zip(names, measured, strict=True)
    ]


def read_series(data: Path) -> dict[str, Matrix]:
    """Every market table below a data folder as (series, days), by source; read as the door reads it."""
    quotes: list[pl.DataFrame] = []
    feed = FEEDS["price_reference"]
    with tempfile.TemporaryDirectory() as folder, Worker(secrets.token_bytes(32)) as worker:
        for number, path in enumerate(sorted(data.glob("tabular/*/prices/*.csv"))):
            stem = Path(folder) / str(number)
            try:
                worker.read(path, "commerce", ["market"], [feed.name], stem)
            except Refused:
                continue  # a table of something else
            text = pl.read_ipc(frame_path(stem, feed.name)).with_columns(
                _provider=pl.lit("commerce"), _file=pl.lit(path.name), _arrival_date=pl.lit(None, pl.Date),
                _row=pl.col("_row").cast(pl.Int64),
            )  # fmt: skip
            quotes.append(typing.check(feed, text).accepted)
    if not quotes:
        return {}
    daily = (
        pl.concat(quotes)
        .with_columns(pl.col("unit_price").cast(pl.Float64))
        .group_by("source_code", "item_name", "spec", "unit", "valid_from")
        .agg(pl.col("unit_price").median())
    )
    return {
        str(source): _matrix(rows)
        for (source,), rows in daily.partition_by("source_code", as_dict=True).items()
    }


def _matrix(daily: pl.DataFrame) -> Matrix:
    placed = daily.sort("item_name", "spec", "unit").select(
        series=pl.struct("item_name", "spec", "unit").rank("dense").cast(pl.Int64) - 1,
        day=(pl.col("valid_from") - pl.col("valid_from").min()).dt.total_days(),
        price="unit_price",
    )
    shape = (int(placed["series"].max()) + 1, int(placed["day"].max()) + 1)  # type: ignore[arg-type]
    prices = np.full(shape, np.nan)
    prices[placed["series"], placed["day"]] = placed["price"]
    return prices


def _stacked(blocks: list[Matrix]) -> Matrix:
    width = max(block.shape[1] for block in blocks)
    return np.vstack(
        [np.pad(block, ((0, 0), (0, width - block.shape[1])), constant_values=np.nan) for block in blocks]
    )


def plant(prices: Matrix, seed: int) -> tuple[Matrix, Mask]:
    """Shift decimal points, one quote or several in a row.

    Returns:
        The prices with shifts, and which cells were shifted.
    """
    dice = np.random.default_rng(seed)
    shifted, planted = prices.copy(), np.zeros(prices.shape, np.bool_)
    factors, shares = zip(*FACTORS, strict=True)
    for row in range(len(prices)):
        quoted = np.flatnonzero(prices[row] > 0)
        if quoted.size < _LEAST:
            continue
        for _ in range(dice.binomial(quoted.size, _SHARE / 3)):
            length = 1 if dice.random() < 0.5 else int(dice.integers(2, LONGEST + 1))
            first = int(dice.integers(quoted.size))
            if planted[row, quoted[max(first - 1, 0) : first + length + 1]].any():
                continue
            cells = quoted[first : first + length]
            shifted[row, cells] *= dice.choice(factors, p=shares)
            planted[row, cells] = True
    return shifted, planted


def trials(prices: Matrix, seed: int) -> list[Trial]:
    """Our judge, the z-score and statsforecast's models on the same planted series, in this order."""
    shifted, planted = plant(prices, seed)
    quoted = prices > 0
    judged = series.judge(shifted)
    scores = {"z 分数": zscore(shifted), **forecasts(shifted)}
    return [
        _trial("序列判定", judged.score, planted, quoted, judged.label, seed),
        *(_trial(name, score, planted, quoted, None, seed) for name, score in scores.items()),
    ]


def zscore(prices: Matrix) -> Matrix:
    """Plain z-score of the logarithm within its series."""
    logs = np.log(prices)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nanmean(logs, axis=1, keepdims=True)
        return np.nan_to_num(np.abs(logs - mean) / np.nanstd(logs, axis=1, keepdims=True))


def forecasts(prices: Matrix, only: str | None = None) -> dict[str, Matrix]:
    """Residuals of statsforecast's quick models (or of one) in robust sigmas of their series."""
    from statsforecast import StatsForecast
    from statsforecast.models import (
        DynamicOptimizedTheta,
        Naive,
        SimpleExponentialSmoothing,
        SimpleExponentialSmoothingOptimized,
    )

    models = [
        Naive(),
        SimpleExponentialSmoothing(0.3),
        SimpleExponentialSmoothingOptimized(),
        DynamicOptimizedTheta(season_length=1),
    ]
    models = [model for model in models if only in (None, model.alias)]
    row, day = np.nonzero((prices > 0) & ((prices > 0).sum(axis=1) >= _LEAST)[:, None])
    _, place = _places(row)
    frame = pl.DataFrame({"unique_id": row, "ds": place, "y": np.log(prices[row, day])})
    engine = StatsForecast(models, freq=1, n_jobs=1)
    engine.forecast(df=frame, h=1, fitted=True)
    fitted = engine.forecast_fitted_values().sort("unique_id", "ds")
    found = {}
    for model in models:
        apart = fitted.select(
            "unique_id", apart=(pl.col("y") - pl.col(model.alias)).abs().fill_nan(0).fill_null(0)
        ).select(
            pl.col("apart") / (1.4826 * pl.col("apart").median().over("unique_id")).clip(lower_bound=0.02)
        )["apart"]
        score = np.zeros(prices.shape)
        score[row, day] = apart.to_numpy()
        found[f"statsforecast {model.alias}"] = score
    return found


def _places(row: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where each run of equal rows begins, and each element's place in its run."""
    begins = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
    lengths = np.diff(np.r_[begins, row.size])
    return begins, np.arange(row.size) - np.repeat(begins, lengths)


def _trial(
    name: str, score: npt.NDArray[Any], planted: Mask, quoted: Mask, label: npt.NDArray[Any] | None, seed: int
) -> Trial:
    """Count; a peer without labels gets the threshold that is best for it at the bar's false rate."""
    row, _ = np.nonzero(quoted)
    truth, scores = planted[quoted], score[quoted]
    if label is None:
        line = np.quantile(scores[~truth], 1 - _FALSE_RATE)
        hit = wrong = scores > line
    else:
        hit = label[quoted] == series.DECIMAL_SHIFT
        wrong = np.isin(label[quoted], series.ERRORS)
    order = np.argsort(-scores, kind="stable")

    def counted(weight: npt.NDArray[np.float64]) -> tuple[float, float, float]:
        planted_weight, other = weight * truth, weight * ~truth
        recall = float((planted_weight * hit).sum() / planted_weight.sum())
        false = float((other * wrong).sum() / other.sum())
        return recall, false, _average_precision(truth[order], weight[order])

    whole = counted(np.ones(row.size))
    dice = np.random.default_rng(seed)
    size = len(quoted)
    drawn = [
        counted(np.bincount(dice.integers(size, size=size), minlength=size)[row].astype(float))
        for _ in range(_RESAMPLES)
    ]
    ends = np.quantile(np.array(drawn), [0.025, 0.975], axis=0).T
    interval = tuple((float(low), float(high)) for low, high in ends)
    return Trial(name, *whole, interval, int(truth.sum()), int((~truth).sum()))


def _average_precision(truth: Mask, weight: npt.NDArray[np.float64]) -> float:
    """Mean precision at each planted cell, strangest first."""
    hits = np.cumsum(weight * truth)
    seen = np.maximum(np.cumsum(weight), 1e-12)
    return float((hits / seen * weight * truth).sum() / hits[-1])


def bench(*, quick: bool, progress: Progress) -> list[dict[str, Any]]:
    """CPU seconds to judge a hundred thousand series of half a year.

    Args:
        quick: Fewer series: shows that the bench works; the bar is not judged.
        progress: Told what is being done, the peers' figures too.
    """
    count = 2_000 if quick else _SERIES
    progress(f"生成 {count} 条 {_DAYS} 天的价格序列")
    prices, planted = made(count, _DAYS)
    begun = time.process_time()
    judged = series.judge(prices)
    ours = time.process_time() - begun
    recall = (judged.label[planted] == series.DECIMAL_SHIFT).mean()
    progress(f"序列判定：{ours:.2f} CPU 秒，其中埋设的小数点错位找到 {recall:.4f}")
    begun = time.process_time()
    zscore(prices)
    plain = time.process_time() - begun
    progress(f"z 分数：{plain:.2f} CPU 秒")
    sample = 100 if quick else 1_000
    forecasts(prices[:10], _BEST_MODEL)  # compiled once, not counted
    begun = time.process_time()
    forecasts(prices[:sample], _BEST_MODEL)
    peer = (time.process_time() - begun) * count / sample
    progress(f"statsforecast {_BEST_MODEL}：{peer:.0f} CPU 秒（按 {sample} 条推算）")
    found = [
        measure("prices", "prices_100k_cpu_s", round(ours, 3), count),
        measure("prices", "zscore_100k_cpu_s", round(plain, 3), count),
        measure("prices", "statsforecast_100k_cpu_s", round(peer, 1), sample),
    ]
    if quick:
        for one in found:
            one["bar"] = one["holds"] = None
    return found


def made(count: int, days: int, seed: int = 0) -> tuple[Matrix, Mask]:
    """Random walks with gaps, cents and one shifted price in two hundred."""
    dice = np.random.default_rng(seed)
    logs = np.cumsum(dice.normal(0, 0.03, (count, days)), axis=1) + dice.normal(1.5, 0.8, (count, 1))
    prices = np.maximum(np.exp(logs).round(2), 0.01)
    planted = dice.random(prices.shape) < 0.005
    prices[planted] *= 10
    gaps = dice.random(prices.shape) < 0.05
    prices[gaps] = np.nan
    return prices, planted & ~gaps
