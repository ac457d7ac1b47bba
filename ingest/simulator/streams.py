"""Random streams and integer helpers of the synthetic city.

Belongs here: how a named stream is derived from the seed, and integer rounding on arrays. Every
stream is keyed by what it decides and for which day, so no draw depends on how many others were made.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def stream(seed: int, name: str, *keys: int) -> np.random.Generator:
    """A generator that depends on the seed, a name and whole-number keys only."""
    return np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(name.encode()), *keys])


def half_up(numerator: IntArray, denominator: IntArray | int) -> IntArray:
    """Nearest whole number of a quotient of non-negative numbers; a tie goes up."""
    return np.asarray((2 * numerator + denominator) // (2 * np.asarray(denominator)), dtype=np.int64)


def running_number(keys: IntArray) -> IntArray:
    """1, 2, 3 ... within each run of equal values of a sorted array."""
    if keys.size == 0:
        return keys
    first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    lengths = np.diff(np.r_[first, keys.size])
    return np.asarray(np.arange(keys.size) - np.repeat(first, lengths) + 1, dtype=np.int64)
