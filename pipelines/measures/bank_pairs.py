"""Accuracy ``finance``, the part about real bank transactions: origins and destinations paired.

Belongs here: reading the pairs of a data folder, pairing them by amount, date and memo, and counting. The weights
below are a logistic regression on the pairs of every second origin (its truth number divided by three is even) and
are constants since: nothing of the truth is used while pairing, and ``unique_id``, which equals it, is never read. Does not belong here: a
canteen's own flows (``pipelines.reconcile``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.reconcile import assignment
from warehouse.errors import Permanent

Array = npt.NDArray[np.float64]

_FILES: Final = "tabular/*/er_benchmarks/splink/transactions_{}*.parquet"
_RATIO: Final = 1.13
"""Amounts of a pair differ by less than this factor."""
_LAG: Final = 24
"""Days from origin to destination at most."""
_DAYS: Final = 8
_CHUNK: Final = 200_000
_WEIGHTS: Final = {
    "one": -12.11,
    "equal_amount": 4.63,
    "other_amount": -0.61,
    "next_day": 2.46,
    "second_day": 2.05,
    "odd_day": -7.79,
    "tens_of_days": -1.29,
    "rare": 1.07,
    "cut": -1.76,
    "equal_memo": 0.56,
    "parted": -8.66,
    "likeness": 20.77,
    "likeness_squared": -10.87,
    "left_over": 2.53,
    "hardly": -2.49,
}
"""Log-odds of a pair, by what speaks for it."""
_UNPAIRED: Final = 8.0
"""A pair is taken when its log-odds are better than minus this."""
_BASE: Final = 200.0


@dataclass(frozen=True)
class Pairing:
    """How a pairing stands against the truth.

    Attributes:
        f1: Harmonic mean of precision and recall of pairs.
        precision: Share of pairs made that are right.
        recall: Share of origins paired rightly.
        n: Origins.
    """

    f1: float
    precision: float
    recall: float
    n: int


def measure_pairs(data: Path, progress: Callable[[str], None]) -> dict[str, Pairing]:
    """Pair the transactions of a data folder.

    Args:
        data: Folder laid out like the given data.
        progress: Told figures that have no bar.

    Returns:
        ``all``; ``judged`` and ``developed`` (the half that the weights were not, and were, fitted on);
        ``mutual_best``, the heuristic on the same candidates and all origins.

    Raises:
        Permanent: The folder has no such transactions.
    """
    origin, destination = (read_side(data, side) for side in ("origin", "destination"))
    pairs = candidates(origin, destination)
    ours = assign(pairs, log_odds(pairs))
    plain = mutual_best(pairs, heuristic(pairs, origin, destination))
    developed = origin["truth"] // 3 % 2 == 0
    found = {
        "all": judge(ours, origin, destination, pl.Series([True] * origin.height)),
        "judged": judge(ours, origin, destination, ~developed),
        "developed": judge(ours, origin, destination, developed),
        "mutual_best": judge(plain, origin, destination, pl.Series([True] * origin.height)),
    }
    for name, one in found.items():
        progress(
            f"银行交易配对 {name}：F1 {one.f1:.4f}，精确率 {one.precision:.4f}，召回率 {one.recall:.4f}，{one.n} 笔"
        )
    return found


def read_side(data: Path, side: str) -> pl.DataFrame:
    """One side's transactions: ``row``, ``day``, ``amount``, ``memo``, and ``truth``, which only ``judge`` reads.

    The order is by what the rows say: the files are in the order of the truth.
    """
    files = sorted(data.glob(_FILES.format(side)))
    if not files:
        raise Permanent(f"{data} 下没有银行交易配对数据（{_FILES.format(side)}）；请把 --data 指向资料目录")
    return (
        pl.concat(
            [pl.read_parquet(file, columns=["ground_truth", "memo", "transaction_date", "amount"]) for file in files]
        )
        .select(
            "amount", pl.col("memo").fill_null(""), day=pl.col("transaction_date").to_physical().cast(pl.Int64), truth="ground_truth"
        )
        .sort("day", "amount", "memo")
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
    )  # fmt: skip


def candidates(origin: pl.DataFrame, destination: pl.DataFrame) -> pl.DataFrame:
    """Pairs of near amounts, the destination up to ``_LAG`` days after the origin, with what speaks for each.

    Returns:
        ``x``, ``y`` (rows), ``lag``, ``ratio`` (logarithm), ``common`` (leading characters that both memos
        share), ``rare`` (how rare such a beginning is, logarithm), ``rest_x``, ``rest_y`` (characters after it),
        ``likeness`` (0 to 1).
    """
    from rapidfuzz import fuzz, process

    step = float(np.log(_RATIO))
    sides = [
        side.select(
            "row", "day", "amount", cell=(pl.col("amount").log() / step).floor().cast(pl.Int64), span=pl.col("day") // _DAYS
        )
        for side in (origin, destination)
    ]  # fmt: skip
    cell, span = pl.col("cell"), pl.col("span")
    around = (
        sides[1]
        .with_columns(cell=pl.concat_list(cell - 1, cell, cell + 1))
        .explode("cell")
        .with_columns(span=pl.concat_list([span - back for back in range(_LAG // _DAYS + 1)]))
        .explode("span")
    )
    pairs = (
        sides[0]
        .join(around, on=["cell", "span"], suffix="_y")
        .select(
            x="row",
            y="row_y",
            lag=pl.col("day_y") - pl.col("day"),
            ratio=(pl.col("amount_y") / pl.col("amount")).log(),
        )
        .filter(pl.col("lag").is_between(0, _LAG), pl.col("ratio").abs() <= step)
        .sort("x", "y")
    )
    left, right = origin["memo"][pairs["x"]], destination["memo"][pairs["y"]]
    common = _common(origin["memo"], destination["memo"], pairs)
    rarity = _rarity(origin["memo"], destination["memo"])
    return pairs.with_columns(
        common=pl.Series(common),
        rare=pl.Series(rarity[pairs["x"].to_numpy(), common]),
        rest_x=left.str.len_chars().cast(pl.Int64) - pl.Series(common),
        rest_y=right.str.len_chars().cast(pl.Int64) - pl.Series(common),
        likeness=pl.Series(process.cpdist(left.to_list(), right.to_list(), scorer=fuzz.ratio, dtype=np.float64) / 100),
    )  # fmt: skip


def _letters(memos: pl.Series, width: int) -> npt.NDArray[np.uint32]:
    padded = memos.str.pad_end(width, "\u0000").to_numpy().astype(f"U{width}")
    return padded.view(np.uint32).reshape(memos.len(), width)


def _common(left: pl.Series, right: pl.Series, pairs: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Leading characters that the memos of each pair share."""
    width = int(pl.concat([left, right]).str.len_chars().to_numpy().max()) + 1
    a, b = _letters(left, width), _letters(right, width)
    x, y = pairs["x"].to_numpy(), pairs["y"].to_numpy()
    found = [
        np.cumprod((a[x[start : start + _CHUNK]] == b[y[start : start + _CHUNK]]) & (a[x[start : start + _CHUNK]] > 0), axis=1).sum(axis=1)
        for start in range(0, x.size, _CHUNK)
    ]  # fmt: skip
    return np.concatenate([np.zeros(0, np.int64), *found])


def _rarity(left: pl.Series, right: pl.Series) -> Array:
    """How rare the first n characters of each left memo are among all memos: (memos, n), logarithm."""
    memos = pl.concat([left, right])
    width = int(memos.str.len_chars().to_numpy().max())
    starts = (
        pl.DataFrame({"at": np.arange(memos.len()), "memo": memos})
        .with_columns(n=pl.int_ranges(1, pl.col("memo").str.len_chars() + 1))
        .explode("n")
        .drop_nulls("n")
        .with_columns(start=pl.col("memo").str.head(pl.col("n")))
        .with_columns(times=pl.len().over("start"))
        .filter(pl.col("at") < left.len())
    )
    rarity = np.zeros((left.len(), width + 1))
    rarity[starts["at"].to_numpy(), starts["n"].to_numpy()] = np.log(memos.len() / starts["times"].to_numpy())
    return rarity


def features(pairs: pl.DataFrame) -> pl.DataFrame:
    """What the log-odds of a pair are made of, one column for each of ``_WEIGHTS``."""
    ratio, lag, common = pl.col("ratio"), pl.col("lag"), pl.col("common")
    shorter, longer = pl.min_horizontal("rest_x", "rest_y"), pl.max_horizontal("rest_x", "rest_y")
    return pairs.select(
        one=pl.lit(1.0),
        equal_amount=(ratio == 0).cast(pl.Float64),
        other_amount=(ratio**2 / 0.001).clip(upper_bound=20.0),
        next_day=(lag == 1).cast(pl.Float64),
        second_day=(lag == 2).cast(pl.Float64),
        odd_day=((lag < 1) | (lag > 21)).cast(pl.Float64),
        tens_of_days=lag / 10.0,
        rare=pl.col("rare"),
        cut=(shorter == 0).cast(pl.Float64),
        equal_memo=(longer == 0).cast(pl.Float64),
        parted=shorter.clip(upper_bound=6) / 6.0,
        likeness=pl.col("likeness"),
        likeness_squared=pl.col("likeness") ** 2,
        left_over=longer.clip(upper_bound=10) / 10.0,
        hardly=(common <= 2).cast(pl.Float64),
    )


def log_odds(pairs: pl.DataFrame) -> Array:
    """Log-odds of each pair."""
    made = features(pairs)
    return np.asarray(made.select(list(_WEIGHTS)).to_numpy() @ np.array(list(_WEIGHTS.values())), np.float64)


def assign(pairs: pl.DataFrame, odds: Array) -> pl.DataFrame:
    """One-to-one pairs of the greatest total odds."""
    likely = odds > -_UNPAIRED
    return assignment.cheapest(
        pairs.filter(pl.Series(likely)), _BASE - odds[likely].clip(max=_BASE - 1), _BASE + _UNPAIRED
    )


def heuristic(pairs: pl.DataFrame, origin: pl.DataFrame, destination: pl.DataFrame) -> Array:
    """A plain score: how much of the memo is found in the other, how near the amounts, how few days."""
    from rapidfuzz import fuzz, process

    left, right = origin["memo"][pairs["x"]], destination["memo"][pairs["y"]]
    memo = process.cpdist(left.to_list(), right.to_list(), scorer=fuzz.partial_ratio, dtype=np.float64) / 100
    amount = 1 - np.abs(np.exp(pairs["ratio"].to_numpy()) - 1)
    return np.asarray(memo + 2 * amount - 0.01 * pairs["lag"].to_numpy(), np.float64)


def mutual_best(pairs: pl.DataFrame, score: Array) -> pl.DataFrame:
    """Pairs of which each end is the other's best."""
    ranked = pairs.select("x", "y", score=pl.Series(score)).sort(
        "score", "x", "y", descending=[True, False, False]
    )
    best = [ranked.unique(side, keep="first", maintain_order=True) for side in ("x", "y")]
    return best[0].join(best[1], on=["x", "y"], how="semi")


def judge(made: pl.DataFrame, origin: pl.DataFrame, destination: pl.DataFrame, judged: pl.Series) -> Pairing:
    """Count pairs against the truth.

    Args:
        made: ``x``, ``y``.
        origin: From ``read_side``.
        destination: From ``read_side``.
        judged: Which origins count.
    """
    counted = made.filter(judged[made["x"]])
    right = int((origin["truth"][counted["x"]] == destination["truth"][counted["y"]]).sum())
    precision, recall = right / max(counted.height, 1), right / max(int(judged.sum()), 1)
    return Pairing(
        2 * precision * recall / max(precision + recall, 1e-12), precision, recall, int(judged.sum())
    )
