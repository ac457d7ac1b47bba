"""Errors in price series: shifted decimal points, wrong units, single wild values.

Belongs here: the judgement of many series at once, vectorised. All is done on logarithms of the
observed days in order, so gaps do not matter. A wide level (median of block medians) names the few
cells worth a closer look; each of these is compared with the quiet days before and after it, leaving
out neighbours that share its own deviation. A deviation that both sides confirm is an error; one that
goes on is a change of level and none. Does not belong here: where prices come from and what follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int8]

FINE, DECIMAL_SHIFT, UNIT, SPIKE, LEVEL_CHANGE, STALE = range(6)
NAMES: Final = ("fine", "decimal_shift", "unit", "spike", "level_change", "stale")
ERRORS: Final = (DECIMAL_SHIFT, UNIT, SPIKE)
"""Labels that make a price unfit to judge others by."""

_LN2: Final = float(np.log(2))
_LN10: Final = float(np.log(10))
_BLOCK: Final = 5
_BLOCKS: Final = 7
_REACH: Final = 12
"""Observations looked at on each side; a deviation that lasts longer is a change of level."""
_QUIET: Final = 7
"""Nearest quiet observations that make the level of a side."""
_SCALE_FLOOR: Final = 0.02
_WIDE: Final = 1.0
_NARROW: Final = 0.45
_NARROW_SIGMAS: Final = 6.0
_SIDES_APART: Final = 1.0
_SHIFTS: Final = (1, -1, 2, -2)
_DECIMAL_SLACK: Final = (0.3, 2.0, 0.6)
_DECIMAL_OUTSIDE: Final = float(np.log(2))
_DECIMAL_SIZE: Final = float(np.log(3.5))
_UNIT_SLACK: Final = 0.1
_UNIT_SIGMAS: Final = 8.0
_SPIKE: Final = float(np.log(2.5))
_SPIKE_SIGMAS: Final = 10.0
_STALE_DAYS: Final = 30
_LIVELY: Final = 0.2
"""Share of quotes that differ from the one before, for a price that stands still to be worth a word."""
_CHUNK: Final = 1024


@dataclass(frozen=True)
class Judged:
    """The judgement of a block of series.

    Attributes:
        label: Per series and day one of ``NAMES`` by position; days without a price are ``FINE``.
        score: How far a price stands from the level of its neighbours, in its series' own scatter;
            larger is stranger, 0 where there is no price.
        level: What its neighbours say the price should be, in the unit of the prices; NaN where nothing
            was looked at closely.
    """

    label: Codes
    score: Array
    level: Array


def judge(prices: npt.NDArray[np.floating]) -> Judged:
    """Judge series of prices.

    Args:
        prices: (series, days), NaN where there is no price; a price must be positive.

    Returns:
        Arrays of the same shape.
    """
    n, days = prices.shape
    label = np.zeros((n, days), np.int8)
    score = np.zeros((n, days), np.float32)
    level = np.full((n, days), np.nan, np.float32)
    for start in range(0, n, _CHUNK):
        part = slice(start, start + _CHUNK)
        seen = prices[part] > 0  # false for NaN
        counts = seen.sum(axis=1)
        if counts.max(initial=0) == 0:
            continue
        logs = _packed(prices[part], seen, counts)
        inside = np.arange(logs.shape[1]) < counts[:, None]
        found = _judge_packed(logs, counts, inside)
        for whole, packed in zip((label, score, level), found, strict=True):
            whole[part][seen] = packed[inside]
    return Judged(label, score, level)


def _packed(
    prices: npt.NDArray[np.floating], seen: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]
) -> Array:
    """Logarithms of the observed prices, left-aligned; the rest mirrors the end of its series."""
    width = int(counts.max()) + 2  # the running median looks two further
    width += -width % _BLOCK
    logs = np.zeros((len(prices), width), np.float32)
    places = np.arange(width)
    # In double precision first: single-precision logarithms differ with the place in memory.
    logs[places < counts[:, None]] = np.log(prices[seen])
    short = np.flatnonzero(counts < width)
    if short.size:
        mirrored = _mirror(places[None, :], counts[short, None])
        logs[short] = np.take_along_axis(logs[short], mirrored, axis=1)
    return logs


def _mirror(places: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places reflected at the ends of a series."""
    counts = np.maximum(counts, 1)
    wave = places % (2 * counts)
    mirrored: npt.NDArray[np.int64] = np.where(wave < counts, wave, 2 * counts - 1 - wave)
    return mirrored


def _judge_packed(
    logs: Array, counts: npt.NDArray[np.int64], inside: npt.NDArray[np.bool_]
) -> tuple[Codes, Array, Array]:
    moved = np.abs(np.diff(logs, axis=1))
    scale = np.maximum(1.4826 * _row_median(moved, counts - 1), _SCALE_FLOOR).astype(np.float32)
    wide = logs - np.repeat(_block_level(logs, counts), _BLOCK, axis=1)
    near = logs - _running_median(logs)
    narrow = np.maximum(_NARROW, _NARROW_SIGMAS * scale)[:, None]
    strange = ((np.abs(wide) > _WIDE) | (np.abs(near) > narrow)) & inside
    label = np.zeros(logs.shape, np.int8)
    score = np.abs(near) / (scale[:, None] + np.float32(0.1))
    level = np.full(logs.shape, np.nan, np.float32)
    label[_stale(moved, counts)] = STALE
    row, place = np.nonzero(strange)
    if row.size:
        wild = np.zeros(logs.shape, np.bool_)
        for _ in range(2):  # again without the neighbours that turned out wild themselves
            codes, apart, base = _look_closely(logs, counts, wild, scale, wide, near, row, place)
            wild[row, place] = np.isin(codes, ERRORS)
        held = codes != FINE
        label[row[held], place[held]] = codes[held]
        score[row, place] = apart
        level[row, place] = np.exp(base)
    return label, score, level


def _block_level(logs: Array, counts: npt.NDArray[np.int64]) -> Array:
    """Median of the medians of the blocks around each block; at the ends, of the last blocks there.
    A series of fewer blocks has one level, the median of all its observations."""
    blocks = logs.reshape(len(logs), -1, _BLOCK)
    medians = _median([blocks[:, :, place] for place in range(_BLOCK)])
    own = np.maximum((counts + _BLOCK // 2) // _BLOCK, _BLOCKS)[:, None]
    begin = np.clip(np.arange(medians.shape[1]) - _BLOCKS // 2, 0, own - _BLOCKS)
    last = medians.shape[1] - 1
    level = _median(
        [np.take_along_axis(medians, np.minimum(begin + shift, last), axis=1) for shift in range(_BLOCKS)]
    )
    short = np.flatnonzero(counts < _BLOCK * _BLOCKS)
    level[short] = _row_median(logs[short], counts[short])[:, None]
    return level


def _row_median(values: Array, counts: npt.NDArray[np.int64]) -> Array:
    """Median of the first so many values of each row, 0 of none."""
    inside = np.arange(values.shape[1]) < counts[:, None]
    ordered = np.sort(np.where(inside, values, np.float32(np.inf)), axis=1)
    rows, last = np.arange(len(values)), np.maximum(counts - 1, 0)
    middle: Array = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2
    return np.where(counts > 0, middle, np.float32(0))


def _running_median(logs: Array) -> Array:
    """Median of five observations around each."""
    padded = np.pad(logs, ((0, 0), (2, 2)), mode="symmetric")
    return _median([padded[:, shift : shift + logs.shape[1]] for shift in range(5)])


def _median(arrays: list[Array]) -> Array:
    """Elementwise median of an odd number of arrays: bubble up the larger half."""
    held = [array.copy() for array in arrays]
    wanted = len(held) // 2
    for last in range(len(held) - 1, wanted - 1, -1):
        for place in range(last):
            low = np.minimum(held[place], held[place + 1])
            np.maximum(held[place], held[place + 1], out=held[place + 1])
            held[place] = low
    return held[wanted]


def _stale(moved: Array, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Prices repeated for longer than a month of quotes in a series that otherwise moves."""
    n, width = len(moved), moved.shape[1] + 1
    stale = np.zeros((n, width), np.bool_)
    changed = np.ones((n, width), np.bool_)
    changed[:, 1:] = moved > 0
    places = np.arange(width)
    changes = (changed & (places < counts[:, None])).sum(axis=1)
    lively = np.flatnonzero(changes >= _LIVELY * counts)
    if lively.size == 0:
        return stale
    begun = np.maximum.accumulate(np.where(changed[lively], places, 0), axis=1)
    stale[lively] = (places - begun >= _STALE_DAYS) & (places < counts[lively, None])
    return stale


def _look_closely(
    logs: Array,
    counts: npt.NDArray[np.int64],
    wild: npt.NDArray[np.bool_],
    scale: Array,
    wide: Array,
    near: Array,
    row: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
) -> tuple[Codes, Array, Array]:
    """Label, score and level (logarithm) of single cells against the quiet days on both sides."""
    own = logs[row, place]
    # A neighbour that is nearer to the cell than to its level shares the deviation.
    reach = np.maximum(np.abs(wide[row, place]), np.abs(near[row, place])) / 2
    steps = np.arange(1, _REACH + 1)
    before = _side(logs, counts, wild, row, place, -steps, own, reach)
    after = _side(logs, counts, wild, row, place, steps, own, reach)
    spread = scale[row]
    both = before.known & after.known
    known = before.known | after.known
    base = np.where(
        both, (before.middle + after.middle) / 2, np.where(before.known, before.middle, after.middle)
    )
    low = np.minimum(before.low, after.low)
    high = np.maximum(before.high, after.high)
    off = own - base
    size = np.abs(off)
    outside = _distance(own, low, high)
    power = np.zeros(row.size, np.float32)
    best = np.full(row.size, np.inf, np.float32)
    for shift in _SHIFTS:
        left = _distance(own - shift * _LN10, low, high)
        closer = left < best - 0.1
        best = np.where(closer, left, best)
        power = np.where(closer, np.float32(shift), power)
    first, slope, most = _DECIMAL_SLACK
    decimal = (
        (best <= np.minimum(first + slope * spread, most))
        & (outside > _DECIMAL_OUTSIDE)
        & (size > _DECIMAL_SIZE)
    )
    confirmed = both & (np.abs(before.middle - after.middle) <= _SIDES_APART)
    unit = (np.abs(size - _LN2) <= _UNIT_SLACK) & (outside > _UNIT_SIGMAS * spread)
    spike = outside > np.maximum(_SPIKE, _SPIKE_SIGMAS * spread)
    goes_on = before.goes_on | after.goes_on
    code = np.full(row.size, FINE, np.int8)
    code[goes_on & (size > np.maximum(_NARROW, _NARROW_SIGMAS * spread))] = LEVEL_CHANGE
    code[spike & confirmed & ~goes_on] = SPIKE
    code[unit & confirmed & ~goes_on] = UNIT
    code[decimal & ~goes_on] = DECIMAL_SHIFT
    code[~known] = FINE
    _spread_along_runs(code, row, place, np.where(known, np.sign(off), 0), size)
    score = np.where(known & ~goes_on, np.maximum(outside, 0) / (spread + 0.1), 0)
    score = np.where(code == DECIMAL_SHIFT, score + 100, score)
    return code, score.astype(np.float32), base.astype(np.float32)


def _distance(value: Array, low: Array, high: Array) -> Array:
    """How far a value lies outside an interval."""
    distance: Array = np.maximum(np.maximum(low - value, value - high), 0)
    return distance


def _spread_along_runs(
    code: Codes,
    row: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    sign: Array,
    size: Array,
) -> None:
    """A wild value beside a shifted one, on the same side of the level, belongs to the same run."""
    joined = (row[1:] == row[:-1]) & (place[1:] == place[:-1] + 1) & (sign[1:] == sign[:-1])
    may = (size > _LN10 / 2) & np.isin(code, (FINE, SPIKE))
    for _ in range(_REACH):
        shifted = code == DECIMAL_SHIFT
        beside = np.zeros(code.size, np.bool_)
        beside[1:] |= joined & shifted[:-1]
        beside[:-1] |= joined & shifted[1:]
        fresh = beside & may & ~shifted
        if not fresh.any():
            return
        code[fresh] = DECIMAL_SHIFT


@dataclass(frozen=True)
class _Side:
    """The quiet observations of one side of each cell.

    Attributes:
        middle: Their median.
        low: The lowest, infinite without any.
        high: The highest, minus infinite without any.
        known: Whether there is any.
        goes_on: Whether the deviation goes on over the whole reach of the side.
    """

    middle: Array
    low: Array
    high: Array
    known: npt.NDArray[np.bool_]
    goes_on: npt.NDArray[np.bool_]


def _side(
    logs: Array,
    counts: npt.NDArray[np.int64],
    wild: npt.NDArray[np.bool_],
    row: npt.NDArray[np.int64],
    place: npt.NDArray[np.int64],
    steps: npt.NDArray[np.int64],
    own: Array,
    reach: Array,
) -> _Side:
    """The nearest quiet observations of one side."""
    at = place[:, None] + steps
    exists = (at >= 0) & (at < counts[row, None])
    at = np.clip(at, 0, logs.shape[1] - 1)
    values = logs[row[:, None], at]
    shares = np.abs(values - own[:, None]) < reach[:, None]
    quiet = exists & ~shares & ~wild[row[:, None], at]
    quiet &= np.cumsum(quiet, axis=1) <= _QUIET
    count = quiet.sum(axis=1)
    ordered = np.sort(np.where(quiet, values, np.inf), axis=1)
    pick = np.maximum(count - 1, 0)
    rows = np.arange(row.size)
    known = count > 0
    middle = (ordered[rows, pick // 2] + ordered[rows, (pick + 1) // 2]) / 2
    return _Side(
        np.where(known, middle, 0).astype(np.float32),
        np.where(known, ordered[:, 0], np.inf).astype(np.float32),
        np.where(known, ordered[rows, pick], -np.inf).astype(np.float32),
        known,
        exists.all(axis=1) & shares.all(axis=1),
    )
