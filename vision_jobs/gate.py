"""The motion gate: does anything move between two samples?

Belongs here: a running average of a small grey picture. It only saves work: the caller looks without motion too,
every half minute and while a track lives, for people who stand still do not move. The idea is Frigate's (running
average, contrast stretch, share of change that means light); the code is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

_ROWS: Final = 100
_THRESHOLD: Final = 25
"""Grey levels that count as change."""
_AREA: Final = 10
"""Least pixels of one moving spot."""
_LEARNS: Final = 0.2
"""Weight of the newest sample in the average."""
_LIGHT: Final = 0.8
"""Changed share of the picture that means lighting, not motion."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What the gate says of a sample.

    Attributes:
        moved: Something moved; true for the first sample and after a change of light.
        jumped: The light did: more than 80 % of the picture changed at once: judge nothing in this sample.
        share: Changed share of the picture, 0 to 1.
    """

    moved: bool
    jumped: bool
    share: float


class Gate:
    """Motion over the samples of one camera, in order."""

    def __init__(self) -> None:
        self._average: np.ndarray | None = None

    def look(self, frame: np.ndarray) -> Motion:
        """Compare a sample with those before.

        Args:
            frame: BGR, uint8, (rows, columns, 3).
        """
        columns = max(round(_ROWS * frame.shape[1] / frame.shape[0]), 1)
        # Every so many pixels is enough, and many times cheaper than the mean over all of them.
        double = cv2.resize(frame, (2 * columns, 2 * _ROWS), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(double, (columns, _ROWS), interpolation=cv2.INTER_AREA)
        grey = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), (3, 3), 0)
        if self._average is None or self._average.shape != grey.shape:
            self._average = grey.astype(np.float32)
            return Motion(True, False, 1.0)
        change = cv2.absdiff(grey, cv2.convertScaleAbs(self._average))
        changed = cv2.threshold(change, _THRESHOLD, 255, cv2.THRESH_BINARY)[1]
        share = float(np.count_nonzero(changed)) / changed.size
        if share > _LIGHT or _dimmed(grey, self._average):
            self._average = grey.astype(np.float32)
            return Motion(True, True, share)
        spots = cv2.connectedComponentsWithStats(cv2.dilate(changed, None))[2]
        cv2.accumulateWeighted(grey, self._average, _LEARNS)
        return Motion(bool((spots[1:, cv2.CC_STAT_AREA] > _AREA).any()), False, share)


def _dimmed(grey: np.ndarray, average: np.ndarray) -> bool:
    """Whether more than 80 % of the picture became brighter or darker by a quarter: a dark kitchen changes by few
    grey levels."""
    ratio = (grey.astype(np.float32) + 4) / (average + 4)
    return bool(max((ratio > 1.35).mean(), (ratio < 1 / 1.35).mean()) > _LIGHT)
