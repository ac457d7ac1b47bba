"""Which events are taken for one transaction so far.

Belongs here: the state that the steps of matching share, and joining. Does not belong here: deciding what
to join.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.reconcile.events import ALL

Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CONFIDENCE: Final = {
    "reference": 0.999,
    "exact": 0.999,
    "window": 0.995,
    "text": 0.99,
    "group": 0.99,
    "timing": 0.98,
    "amount": 0.98,
}
"""Confidence of a step that is certain; the rates at which planted transactions prove it are higher."""
PROPOSED: Final = 0.5
"""Confidence of a place that a person must confirm."""


class Clusters:
    """Groups of events; at first every event is its own.

    Attributes:
        label: Smallest row of the group that each event belongs to.
        mask: Sum of the bits of the flows in a group, at the position of its label.
        size: Events in a group, at the position of its label.
        certain: Whether an event's place in its group needs no person.
        rule: Step that put an event into its group; empty for an event on its own.
        grouped: Whether a group stands several events of a flow against others, at the position of its label.
    """

    def __init__(self, events: pl.DataFrame) -> None:
        n = events.height
        self.label: Rows = np.arange(n)
        self.mask: Rows = events["bit"].to_numpy().copy()
        self.size: Rows = np.ones(n, np.int64)
        self.certain: Flags = np.ones(n, np.bool_)
        self.rule: npt.NDArray[np.object_] = np.full(n, "", object)
        self.grouped: Flags = np.zeros(n, np.bool_)

    def settle(self, rows: pl.DataFrame) -> None:
        """Group what was settled before; to every step it covers all flows, so that nothing is joined to it.

        Args:
            rows: ``row``, and ``match_id``, ``rule``, ``automatic`` as of ``events.SETTLED``.
        """
        placed = rows.sort("row").with_columns(
            label=pl.when(pl.col("match_id").is_null())
            .then("row")
            .otherwise(pl.col("row").min().over("match_id"))
        )
        row, label = placed["row"].to_numpy(), placed["label"].to_numpy()
        matched = placed["match_id"].is_not_null().to_numpy()
        self.label[row] = label
        self.mask[row] = ALL
        self.size[label] = 0
        np.add.at(self.size, label, 1)
        self.certain[row] = (placed["automatic"].to_numpy()) | ~matched
        self.rule[row] = placed["rule"].fill_null("").to_numpy()
        self.grouped[label] |= (placed["rule"] == "group").fill_null(value=False).to_numpy()

    def join(self, left: Rows, right: Rows, rule: npt.NDArray[np.object_], certain: Flags) -> None:
        """Join pairs of groups; a group may stand in one pair only.

        Args:
            left: Labels.
            right: Labels, as many.
            rule: Step that joins each pair.
            certain: Whether the step is certain. Where it is not, the events that stood alone are in doubt.
        """
        for side in (left, right):
            alone = self.size[side] == 1
            self.rule[side[alone]] = rule[alone]
            self.certain[side[alone]] &= certain[alone]
        low, high = np.minimum(left, right), np.maximum(left, right)
        self._merge(low, high)

    def gather(self, whole: Rows, parts: Rows, certain: Flags) -> None:
        """Join groups in which one event stands for several.

        Args:
            whole: Label of the group that stands for several; repeated for each part.
            parts: Labels of the parts, each once.
            certain: Whether the group is certain; if not, all its events are in doubt.
        """
        target = pl.DataFrame({"whole": whole, "part": parts}).select(
            "part", low=pl.min_horizontal("whole", pl.col("part").min().over("whole")), whole="whole"
        )
        firsts = target.unique("whole").sort("whole")
        self._merge(firsts["low"].to_numpy(), firsts["whole"].to_numpy())
        rest = target.filter(pl.col("part") != pl.col("low"))
        self._merge(rest["low"].to_numpy(), rest["part"].to_numpy())
        lows = target["low"].unique().to_numpy()
        members = np.isin(self.label, lows)
        self.grouped[lows] = True
        self.rule[members] = "group"
        doubtful = target.filter(pl.Series(~certain))["low"].unique().to_numpy()
        self.certain[np.isin(self.label, doubtful)] = False

    def _merge(self, low: Rows, high: Rows) -> None:
        moved = low != high
        low, high = low[moved], high[moved]
        heir = np.arange(self.label.size)
        heir[high] = low
        self.label = heir[self.label]
        np.bitwise_or.at(self.mask, low, self.mask[high])
        np.add.at(self.size, low, self.size[high])

    def near_doubt(self, groups: pl.DataFrame, events: pl.DataFrame, days: int) -> pl.Series:
        """Labels of groups whose amount was merely proposed for an event a few days apart.

        Args:
            groups: ``label``, ``block``, ``day``.
            events: Prepared events.
            days: Days apart at most.
        """
        doubtful = events.filter(pl.Series(~self.certain)).select("block", other="day")
        near = groups.join(doubtful, on="block").filter((pl.col("day") - pl.col("other")).abs() <= days)
        return near["label"].unique()
