"""Fire, steam, smoke, light and the camera's own faults.

Belongs here: what lies over a rendered kitchen and its people. Loops are drawn once and played at will.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from vision_jobs.render.textures import Dice, Picture, noise
from vision_jobs.render.view import Array

_LOOP: Final = 24


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture with transparency, its colour already multiplied by alpha."""

    colour: Picture
    alpha: Picture

    def sized(self, width: int, height: int) -> Sheet:
        """The same at another size."""
        size = (max(width, 1), max(height, 1))
        return Sheet(cv2.resize(self.colour, size), cv2.resize(self.alpha, size))


def flames(dice: Dice, *, blue: bool = False) -> list[Sheet]:
    """A loop of one burner's flame, 96 rows by 64 columns.

    Args:
        dice: Shape.
        blue: A clean gas flame instead of a yellow one.
    """
    rows, columns = 96, 64
    y = np.linspace(1.0, 0.0, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, columns, dtype=np.float32)[None, :]
    turbulence = noise(dice, 192, columns, 14) - 0.5
    fine = noise(dice, 192, columns, 6) - 0.5
    palette = _flame_colours(blue)
    made = []
    reach = 0.65 + 0.35 * noise(dice, _LOOP, 2, 2)[:, 0]
    for number in range(_LOOP):
        shift = number * 8
        swirl = np.roll(turbulence, -shift, axis=0)[:rows]
        lick = np.roll(fine, -2 * shift, axis=0)[:rows]
        high = y / reach[number % len(reach)]
        wide = 0.85 * np.sqrt(np.clip(1 - high, 0, 1)) * (0.55 + 0.45 * np.sqrt(np.clip(high * 6, 0, 1)))
        heat = 1 - np.abs(x + swirl * 1.1 * high) / np.maximum(wide, 0.02) + lick * 0.9 * high
        heat = np.clip(heat * 1.3, 0, 1) * (high < 1)
        level = (heat * 255).astype(np.uint8)
        alpha = np.clip(heat * 2.4, 0, 1)
        made.append(
            Sheet((palette[level] * alpha[..., None]).astype(np.uint8), (alpha * 255).astype(np.uint8))
        )
    return made


def _flame_colours(blue: bool) -> Array:
    stops = [0.0, 0.25, 0.5, 0.75, 1.0]
    warm = [(10, 20, 120), (15, 70, 235), (30, 140, 255), (110, 215, 255), (225, 250, 255)]
    cold = [(120, 30, 10), (220, 90, 30), (255, 140, 60), (255, 190, 120), (240, 225, 200)]
    levels = np.linspace(0, 1, 256)
    chosen = np.array(cold if blue else warm, np.float32)
    return np.stack([np.interp(levels, stops, chosen[:, c]) for c in range(3)], axis=1).astype(np.float32)


def cloud(dice: Dice, *, thick: float) -> Sheet:
    """One soft puff of steam or smoke, 64 by 64.

    Args:
        dice: Shape.
        thick: Greatest opacity, 0 to 1.
    """
    across = np.linspace(-1, 1, 64, dtype=np.float32)
    round_ = np.clip(1 - np.hypot(across[:, None], across[None, :]), 0, 1)
    alpha = np.clip(round_ * (0.35 + noise(dice, 64, 64, 12)) * 1.3, 0, 1) * thick
    tone = float(dice.uniform(205, 245))
    return Sheet(
        np.repeat((alpha * tone)[..., None], 3, axis=2).astype(np.uint8), (alpha * 255).astype(np.uint8)
    )


def glow(frame: Picture, x: float, y: float, radius: float, strength: float) -> None:
    """Warm light of a flame on its surroundings, in place."""
    height, width = frame.shape[:2]
    left, right = max(int(x - radius), 0), min(int(x + radius), width)
    top, bottom = max(int(y - radius), 0), min(int(y + radius), height)
    if left >= right or top >= bottom:
        return
    far = np.hypot(np.arange(left, right)[None, :] - x, np.arange(top, bottom)[:, None] - y) / radius
    warm = np.clip(1 - far, 0, 1)[..., None] ** 2 * np.array([12, 45, 80], np.float32) * strength
    window = frame[top:bottom, left:right]
    window[:] = cv2.add(window, np.clip(warm, 0, 255).astype(np.uint8))


class Sensor:
    """The camera behind the lens: gain, colour cast, noise and its clock.

    Attributes:
        gain: Factor of brightness, by light and exposure.
    """

    def __init__(
        self,
        dice: Dice,
        width: int,
        height: int,
        *,
        noise_level: float,
        cast: Sequence[float] = (1, 1, 1),
        grey: bool = False,
    ) -> None:
        """Args:
        dice: Noise.
        width: Columns of the frame.
        height: Rows.
        noise_level: Standard deviation of the noise in grey levels.
        cast: Factors of blue, green, red.
        grey: Infrared: without colour.
        """  # fmt: skip
        self._dice = dice
        self._grey = grey
        levels = np.arange(256, dtype=np.float32)
        self._levels = levels
        self._cast = np.asarray(cast, np.float32)
        grain = dice.normal(0, noise_level, (height + 32, width + 32)).astype(np.float32)
        grain = 0.6 * grain + 0.8 * cv2.blur(grain, (2, 2))
        colour = grain[..., None] + dice.normal(0, noise_level * 0.4, (*grain.shape, 3)).astype(np.float32)
        self._grain = np.clip(colour + 128, 0, 255).astype(np.uint8)
        self._tables: dict[float, Picture] = {}

    def expose(self, frame: Picture, gain: float, clock: str | None = None) -> Picture:
        """What the camera delivers of a scene.

        Args:
            frame: The scene.
            gain: Brightness.
            clock: Text of the overlay, ``None`` for none.
        """
        if (table := self._tables.get(gain)) is None:
            scaled = np.clip(self._levels[:, None] * self._cast * gain, 0, 255)
            table = self._tables[gain] = scaled.astype(np.uint8)[None]
        seen = cv2.LUT(frame, table)
        if self._grey:
            seen = cv2.cvtColor(cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        dx, dy = self._dice.integers(0, 32, 2)
        height, width = frame.shape[:2]
        seen = cv2.addWeighted(seen, 1, self._grain[dy : dy + height, dx : dx + width], 1, -128)
        if clock is not None:
            size = height / 720
            place = (int(12 * size) + 4, int(34 * size) + 6)
            cv2.putText(seen, clock, place, cv2.FONT_HERSHEY_SIMPLEX, max(size, 0.4), (20, 20, 20), 2)
            cv2.putText(seen, clock, place, cv2.FONT_HERSHEY_SIMPLEX, max(size, 0.4), (240, 240, 240), 1)
        return seen
