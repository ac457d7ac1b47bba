"""Surfaces of a rendered kitchen as small pictures.

Belongs here: tiles, steel, paint, wood, signs and smooth noise, all from a generator of random numbers.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Dice = np.random.Generator
Colour = tuple[float, float, float]


def noise(dice: Dice, height: int, width: int, grain: int) -> npt.NDArray[np.float32]:
    """Smooth noise in 0..1 with details of about ``grain`` pixels; it tiles in both directions."""
    rows, columns = max(height // grain, 2), max(width // grain, 2)
    coarse = dice.random((rows, columns), np.float32)
    wide = cv2.resize(np.pad(coarse, 2, mode="wrap"), None, fx=grain, fy=grain, interpolation=cv2.INTER_CUBIC)
    cut = wide[2 * grain : 2 * grain + rows * grain, 2 * grain : 2 * grain + columns * grain]
    return np.clip(cv2.resize(cut, (width, height)), 0, 1)


def flat(dice: Dice, colour: Colour, spread: float = 8.0, size: int = 64) -> Picture:
    """Paint with stains."""
    stains = (noise(dice, size, size, 16) - 0.5) * 2 * spread + dice.normal(0, spread / 4, (size, size))
    return _picture(np.asarray(colour)[None, None, :] + stains[:, :, None])


def tiles(dice: Dice, colour: Colour, across: int, down: int, grout: float = 0.75) -> Picture:
    """A wall or floor of tiles, each a little different."""
    cell = 24
    shades = 1 + dice.normal(0, 0.035, (down, across, 1))
    made = np.kron(shades, np.ones((cell, cell, 1))) * np.asarray(colour)
    made[::cell] *= grout
    made[:, ::cell] *= grout
    stains = 1 + 0.12 * (noise(dice, down * cell, across * cell, cell * 2) - 0.5)
    return _picture(made * stains[:, :, None])


def steel(dice: Dice, bright: float = 165.0) -> Picture:
    """Brushed steel with broad reflections."""
    streaks = np.repeat(dice.normal(0, 5, (64, 1)), 96, axis=1)
    sheen = 45 * (noise(dice, 64, 96, 24) - 0.5)
    made = bright + streaks + sheen
    return _picture(np.stack([made * 1.02, made, made * 0.98], axis=2))


def wood(dice: Dice, colour: Colour) -> Picture:
    """Boards with grain."""
    grain = 14 * np.sin(np.linspace(0, 30, 64)[:, None] + 6 * noise(dice, 64, 96, 32))
    return _picture(np.asarray(colour)[None, None, :] + grain[:, :, None])


def sign(dice: Dice) -> Picture:
    """A poster or notice: a coloured sheet with bars where text would be."""
    base = dice.choice([(235, 240, 245), (40, 40, 190), (170, 90, 30), (60, 140, 60), (40, 180, 220)])
    made = np.full((72, 56, 3), base, np.uint8)
    ink = (40, 40, 40) if sum(base) > 380 else (235, 235, 235)
    cv2.rectangle(made, (6, 6), (50, 14), tuple(int(c) for c in dice.integers(20, 230, 3)), -1)
    for row in range(20, 66, int(dice.integers(5, 9))):
        cv2.line(made, (7, row), (7 + int(dice.integers(12, 42)), row), ink, 2)
    return made


def _picture(values: npt.NDArray[np.floating]) -> Picture:
    return np.clip(values, 0, 255).astype(np.uint8)
