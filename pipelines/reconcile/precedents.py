"""The nearest earlier decisions, by characters, with a confidence that was checked against the decisions themselves.

Belongs here: the similarity model. Does not belong here: rules, and what is done with a proposal (``coding``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

if TYPE_CHECKING:
    from scipy.sparse import csr_array  # type: ignore[import-untyped]

Array = npt.NDArray[np.float64]

NEIGHBOURS: Final = 7
_CHUNK: Final = 1024
_Z: Final = 1.645
"""One-sided 95 %."""
_END: Final = "\u0002"
"""Stands before and after a text, so that its first and last characters count as such."""


@dataclass(frozen=True)
class Precedents:
    """Earlier decisions, one row per distinct text.

    Attributes:
        texts: ``text``, ``codes`` (list of ``code`` and ``n``), ``code`` (the most frequent), ``n``.
        grams: Number of each n-gram.
        matrix: Unit vectors of the texts.
        weights: Weight of each n-gram.
        steps: Calibration: ``score`` (least of a step), ``right`` (share that proved right when each text was left
            out in turn), ``surely`` (its lower bound).
    """

    texts: pl.DataFrame
    grams: pl.DataFrame
    matrix: csr_array
    weights: Array
    steps: pl.DataFrame

    def nearest(self, texts: pl.Series, *, itself: bool = True) -> pl.DataFrame:
        """What earlier decisions say about texts.

        Args:
            texts: As those of ``learn``.
            itself: Whether an equal text counts; without it each decided text is judged by the others.

        Returns:
            One row per text, in order: ``code`` (null where nothing is near), ``score`` (likeness of the nearest
            with that code, times its share of the votes), ``like`` (the nearest text), ``likeness``, ``votes``,
            ``voters``, ``right``, ``surely``.
        """
        rows = [
            self._votes(texts[start : start + _CHUNK], start, itself=itself)
            for start in range(0, texts.len(), _CHUNK)
        ]
        found = pl.concat([*rows, _no_votes()])
        judged = (
            pl.DataFrame({"at": np.arange(texts.len())})
            .join(found, on="at", how="left", maintain_order="left")
            .drop("at")
        )
        return _calibrated(judged, self.steps)

    def _votes(self, texts: pl.Series, first: int, *, itself: bool) -> pl.DataFrame:
        vectors = _vectors(texts, self.grams, self.weights)
        likeness = (vectors @ self.matrix.T).tocoo()
        near = pl.DataFrame(
            {"at": likeness.row, "other": likeness.col, "likeness": likeness.data}
        ).with_columns(pl.col("at", "other").cast(pl.Int64))
        known = self.texts.with_row_index("other").select(
            pl.col("other").cast(pl.Int64), like="text", code="code", codes="codes"
        )
        near = near.join(known, on="other").with_columns(
            asked=texts.gather(near["at"]) if near.height else None
        )
        if not itself:
            near = near.filter(pl.col("asked") != pl.col("like"))
        near = (
            near.sort("at", "likeness", "like", descending=[False, True, False])
            .group_by("at", maintain_order=True)
            .head(NEIGHBOURS)
        )
        votes = (
            near.group_by("at", "code", maintain_order=True)
            .agg(weight=(pl.col("likeness") ** 2).sum(), votes=pl.len(), like=pl.col("like").first(),
                 likeness=pl.col("likeness").first())
            .with_columns(share=pl.col("weight") / pl.col("weight").sum().over("at"), voters=pl.col("votes").sum().over("at"))
            .sort("at", "weight", "code", descending=[False, True, False])
            .unique("at", keep="first", maintain_order=True)
        )  # fmt: skip
        return votes.select(
            pl.col("at") + first, "code", "like", "likeness",
            score=pl.col("likeness") * pl.col("share"),
            votes=pl.col("votes").cast(pl.Int64), voters=pl.col("voters").cast(pl.Int64),
        ).cast(_no_votes().schema).select(_no_votes().columns)  # fmt: skip


def _no_votes() -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "at": pl.Int64, "code": pl.String, "like": pl.String, "likeness": pl.Float64, "score": pl.Float64,
            "votes": pl.Int64, "voters": pl.Int64,
        }
    )  # fmt: skip


def learn(decided: pl.DataFrame) -> Precedents:
    """Learn from decisions.

    Args:
        decided: ``text`` (its side in one character, then the normal spelling; texts of two sides are never
            near) and ``code``.
    """
    counts = (
        decided.group_by("text", "code").len("n").sort("text", "n", "code", descending=[False, True, False])
    )
    texts = counts.group_by("text", maintain_order=True).agg(
        codes=pl.struct("code", "n"), code=pl.col("code").first(), n=pl.col("n").sum()
    )
    parts = _grams(texts["text"])
    grams = parts.group_by("gram").agg(df=pl.col("at").n_unique()).sort("gram").with_row_index("gram_no")
    weights = np.log((1 + texts.height) / (1 + grams["df"].to_numpy())) + 1.0
    matrix = _vectors(texts["text"], grams, weights)
    bare = Precedents(texts, grams, matrix, weights, _steps(np.array([]), np.array([])))
    others = bare.nearest(texts["text"], itself=False)
    judged = others.with_columns(hit=(others["code"] == texts["code"]).fill_null(False)).drop_nulls("score")
    steps = _steps(judged["score"].to_numpy(), judged["hit"].to_numpy().astype(np.float64))
    return Precedents(texts, grams, matrix, weights, steps)


def _grams(texts: pl.Series) -> pl.DataFrame:
    """``at``, ``gram``, ``n``: runs of one to three characters of each text, told apart by its side."""
    framed = pl.DataFrame(
        {"at": np.arange(texts.len()), "side": texts.str.head(1), "text": _END + texts.str.slice(1) + _END}
    )
    letters = (
        framed.with_columns(pl.col("text").str.split(""))
        .explode("text")
        .filter(pl.col("text").str.len_chars() > 0)
        .with_columns(second=pl.col("text").shift(-1).over("at"), third=pl.col("text").shift(-2).over("at"))
    )
    one, two = pl.col("text"), pl.col("text") + pl.col("second")
    runs = [
        letters.select("at", gram=pl.col("side") + gram).drop_nulls()
        for gram in (one, two, two + pl.col("third"))
    ]
    return (
        pl.concat(runs)
        .filter(pl.col("gram").str.slice(1) != _END)
        .group_by("at", "gram")
        .len("n")
        .sort("at", "gram")
    )


def _vectors(texts: pl.Series, grams: pl.DataFrame, weights: Array) -> csr_array:
    from scipy.sparse import csr_array

    parts = _grams(texts).join(grams.select("gram", "gram_no"), on="gram")
    at, number = parts["at"].to_numpy(), parts["gram_no"].to_numpy()
    values = np.log1p(parts["n"].to_numpy()) * weights[number]
    # The whole text's length counts, what no decision has included.
    length = np.sqrt(np.bincount(at, values**2, minlength=texts.len()) + _unknown(texts, parts))
    scaled = values / np.maximum(length[at], 1e-12)
    return csr_array((scaled, (at, number)), shape=(texts.len(), grams.height))


def _unknown(texts: pl.Series, parts: pl.DataFrame) -> Array:
    """Squared length of the n-grams of texts that are in no decision, each taken as a rare one."""
    every = np.bincount(_grams(texts)["at"].to_numpy(), minlength=texts.len())
    known = np.bincount(parts["at"].to_numpy(), minlength=texts.len())
    return (every - known).astype(np.float64)


def _steps(scores: Array, hits: Array) -> pl.DataFrame:
    """Isotonic regression of hits on scores: steps of rising share, with the lower bound (Wilson) of each."""
    levels, level = np.unique(scores, return_inverse=True)
    right_at = np.bincount(level, hits, minlength=levels.size)
    times_at = np.bincount(level, minlength=levels.size)
    blocks: list[list[float]] = []
    for block in zip(levels.tolist(), right_at.tolist(), times_at.tolist(), strict=True):
        blocks.append(list(block))
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] >= blocks[-1][1] * blocks[-2][2]:
            _, more, times = blocks.pop()
            blocks[-1][1] += more
            blocks[-1][2] += times
    table = np.array(blocks).reshape(-1, 3)
    hit, n = table[:, 1], table[:, 2]
    # Laplace: what has always been right may still be wrong once.
    right = (hit + 1) / (n + 2)
    share = hit / np.maximum(n, 1)
    spread = np.sqrt(share * (1 - share) / np.maximum(n, 1) + _Z**2 / (4 * np.maximum(n, 1) ** 2))
    surely = (share + _Z**2 / (2 * np.maximum(n, 1)) - _Z * spread) / (1 + _Z**2 / np.maximum(n, 1))
    rising = {"right": right, "surely": surely}
    return pl.DataFrame(
        {"score": table[:, 0]} | {name: np.maximum.accumulate(one) for name, one in rising.items()}
    )


def _calibrated(judged: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Scores with the share that proved right at that score; 0 below the first step."""
    place = (
        np.searchsorted(steps["score"].to_numpy(), judged["score"].fill_null(-1.0).to_numpy(), side="right")
        - 1
    )
    values: dict[str, Any] = {
        name: np.where(place >= 0, np.append(steps[name].to_numpy(), 0.0)[place], 0.0)
        for name in ("right", "surely")
    }
    return judged.with_columns(**{name: pl.Series(value) for name, value in values.items()})
