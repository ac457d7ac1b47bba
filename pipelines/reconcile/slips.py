"""Amounts that differ by a slip: swapped or lost digits, a fee not taken off, cents.

Belongs here: how two amounts are related, and joining an event with the two that agree with each other.
Does not belong here: equal amounts (``links``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.reconcile import field, links
from pipelines.reconcile.candidates import WINDOW
from pipelines.reconcile.clusters import Clusters
from pipelines.reconcile.events import ALL, BANK, BOOKS
from pipelines.reconcile.evidence import Evidence
from pipelines.reconcile.pool import Pool, close

_WIDTH: Final = 18
_CENT: Final = 100
_FEE_SHARE: Final = 0.015
_FEE_CENTS: Final = 6_000
_FEE_MOST: Final = 0.2
_STRONG: Final = 0.8
_UNLIKE: Final = -0.5
_DIGITS: Final = 2.0
_FEE: Final = 1.0
NONE, FEE, CENTS, DIGIT, SWAPPED, LOST = range(6)
SLIPS: Final = ("金额不同", "差额似手续费", "只差角分", "错一位数字", "数字颠倒", "多或少一位数字")
"""What people call a slip, by its number."""


def relation(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How two amounts in cents are related: the number of a slip, ``NONE`` where none is known."""
    difference, larger = np.abs(left - right), np.maximum(left, right)
    fee = (difference <= _FEE_SHARE * larger) | (
        (difference <= _FEE_CENTS) & (difference <= _FEE_MOST * larger)
    )
    (a, length_a), (b, length_b) = _digits(left), _digits(right)
    tens = 10 ** np.arange(_WIDTH)
    differ = a != b
    wrong = differ.sum(axis=1)
    equal_length = length_a == length_b
    # Two digits that changed places leave a sum of (a - b) that is zero, and of squares that is zero.
    gap = np.where(differ, a - b, 0)
    squares = np.where(differ, a * a - b * b, 0)
    swapped = equal_length & (wrong == 2) & (gap.sum(axis=1) == 0) & (squares.sum(axis=1) == 0)
    short, long = np.minimum(left, right), np.maximum(left, right)
    lost = np.zeros(left.size, bool)
    for power in tens[:-1]:
        lost |= (long // (power * 10)) * power + long % power == short
    lost &= np.abs(length_a - length_b) == 1
    return np.select(
        [swapped, lost, difference < _CENT, equal_length & (wrong == 1), fee],
        [SWAPPED, LOST, CENTS, DIGIT, FEE],
        NONE,
    )


def _digits(cents: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    digits = cents[:, None] // 10 ** np.arange(_WIDTH) % 10
    length = _WIDTH - (np.cumsum(digits[:, ::-1], axis=1) == 0).sum(axis=1)
    return digits, length


def join(clusters: Clusters, pool: Pool, evidence: Evidence, *, by_number: bool) -> None:
    """Join an event with the group of the two other flows that it differs from by a slip.

    Args:
        clusters: The state.
        pool: Groups that lack a flow.
        evidence: What the events say.
        by_number: Only groups that quote each other's number; they need not make all flows.
    """
    union = pl.col("mask") | pl.col("mask_b")
    fees = pl.col("natural") | pl.col("natural_b")
    near = close(pool).filter(
        pl.col("label") < pl.col("label_b"),
        pl.col("cents") != pl.col("cents_b"),
        by_number | (union == ALL) | ((union == BANK | BOOKS) & fees),
    )
    slip = relation(near["cents"].to_numpy(), near["cents_b"].to_numpy())
    doubtful = pl.col("doubtful") | pl.col("doubtful_b")
    related = near.select(a="label", b="label_b", slip=pl.Series(slip), doubtful=doubtful)
    pairs = (
        field.members(related, pool.rows, evidence)
        .join(related, on=["a", "b"])
        .with_columns(
            score=pl.col("score")
            + pl.when(pl.col("slip") > FEE)
            .then(_DIGITS)
            .when(pl.col("slip") == FEE)
            .then(_FEE)
            .otherwise(0.0)
        )
    )
    strong = (pl.col("who") >= _STRONG) | (pl.col("ref") > 0)
    groups = (
        pairs.group_by("a", "b")
        .agg(
            pl.col("lag").min(),
            pl.col("slip", "doubtful").first(),
            *field.best("ref", "who", "kind", "score"),
        )
        .filter(pl.col("lag") <= WINDOW, _fitting() | (pl.col("ref") > 0), (pl.col("slip") != NONE) | strong)
        .filter((pl.col("slip") != NONE) & (pl.col("ref") == 1) if by_number else True)
    )
    ways = field.views(clusters, pairs.join(groups, on=["a", "b"], how="semi"), WINDOW)
    clear = field.outstanding(ways).select("a", "b", clear=pl.lit(True))
    known = (pl.col("slip") > FEE) | ((pl.col("slip") == FEE) & strong) | (pl.col("ref") > 0)
    chosen = (
        groups.join(clear, on=["a", "b"], how="left")
        .with_columns(clear=pl.col("clear").fill_null(False))
        .filter((pl.col("slip") != NONE) | pl.col("clear"))
        .with_columns(rule=pl.lit("amount"), certain=pl.col("clear") & known & ~pl.col("doubtful"))
    )
    while (joined := links.join(clusters, chosen)).len():
        chosen = chosen.filter(~pl.any_horizontal(pl.col("a", "b").is_in(joined.implode())))


def _fitting() -> pl.Expr:
    """Neither party nor kind speaks against the pair; names that are merely unlike may hide a slip of digits."""
    parties = (pl.col("who") >= 0) | ((pl.col("who") > _UNLIKE) & (pl.col("slip") > FEE))
    return parties & (pl.col("kind") >= 0)
