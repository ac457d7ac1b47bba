"""Zones: named areas of a camera's picture, and who stands in them.

Belongs here: polygons with the days on which they hold, and the test of a box's foot point. Which zone a rule needs
stands in the rules.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vision_jobs.model import Box, Zone
from warehouse.errors import Permanent


@dataclass(frozen=True, slots=True)
class DatedZone:
    """A zone and the days on which it holds.

    Attributes:
        zone: The zone.
        valid_from: First day.
        valid_to: Last day, None while it holds.
    """

    zone: Zone
    valid_from: dt.date
    valid_to: dt.date | None = None


def on(zones: Iterable[DatedZone], day: dt.date) -> list[Zone]:
    """The zones that hold on a day, by id.

    Raises:
        Permanent: A polygon is none, or a zone has two polygons on that day.
    """
    valid = [z.zone for z in zones if z.valid_from <= day and (z.valid_to is None or day <= z.valid_to)]
    for zone in valid:
        check(zone)
    keys = [(zone.camera_id, zone.zone_id) for zone in valid]
    if len(set(keys)) < len(keys):
        raise Permanent(f"a zone has two polygons on {day}: close the older one the day before")
    return sorted(valid, key=lambda zone: (zone.camera_id, zone.zone_id))


def check(zone: Zone) -> None:
    """Refuse a polygon that encloses no area, leaves the picture or crosses itself.

    Raises:
        Permanent: With the zone and what is wrong.
    """
    corners = np.asarray(zone.polygon, dtype=float).reshape(-1, 2)
    wrong = None
    if len(corners) < 3 or area(zone) < 1e-6:
        wrong = "it encloses no area"
    elif not ((corners >= 0) & (corners <= 1)).all():
        wrong = "a corner lies outside the picture (0 to 1)"
    elif _crosses_itself(corners):
        wrong = "its edges cross"
    if wrong:
        raise Permanent(f"zone {zone.zone_id} of camera {zone.camera_id}: {wrong}; draw it again")


def area(zone: Zone) -> float:
    """Share of the picture that a polygon covers."""
    x, y = np.asarray(zone.polygon, dtype=float).reshape(-1, 2).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def around(zone: Zone) -> Box:
    """The box around a polygon."""
    corners = np.asarray(zone.polygon, dtype=float)
    (x1, y1), (x2, y2) = corners.min(axis=0), corners.max(axis=0)
    return Box(float(x1), float(y1), float(x2), float(y2))


def inside(points: np.ndarray, zone: Zone) -> np.ndarray:
    """Which points lie in a polygon (even-odd rule).

    Args:
        points: (n, 2), normalised.
        zone: The polygon.

    Returns:
        bool, (n,).
    """
    a = np.asarray(zone.polygon, dtype=float)
    b = np.roll(a, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    straddles = (a[:, 1] > y) != (b[:, 1] > y)
    rise = b[:, 1] - a[:, 1]
    crossing = a[:, 0] + (y - a[:, 1]) * (b[:, 0] - a[:, 0]) / np.where(rise == 0, 1.0, rise)
    result: np.ndarray = (straddles & (x < crossing)).sum(axis=1) % 2 == 1
    return result


def feet(boxes: np.ndarray) -> np.ndarray:
    """Middle of the lower edge of boxes (n, 4), kept within the picture: (n, 2)."""
    x = (boxes[:, 0] + boxes[:, 2]) / 2
    found: np.ndarray = np.clip(np.stack([x, boxes[:, 3]], axis=1), 0.0, 1.0 - 1e-6)
    return found


def standing(boxes: np.ndarray, zones: Sequence[Zone]) -> np.ndarray:
    """Whose feet are where: bool, (boxes, zones)."""
    points = feet(boxes)
    if not zones:
        return np.zeros((len(boxes), 0), dtype=bool)
    found: np.ndarray = np.stack([inside(points, zone) for zone in zones], axis=1)
    return found


def innermost(boxes: np.ndarray, zones: Sequence[Zone]) -> np.ndarray:
    """Index of the smallest zone in which each box stands, -1 for none: (n,)."""
    if not zones:
        return np.full(len(boxes), -1)
    order = sorted(range(len(zones)), key=lambda i: (area(zones[i]), zones[i].zone_id))
    within = standing(boxes, [zones[i] for i in order])
    return np.where(within.any(axis=1), np.asarray(order)[within.argmax(axis=1)], -1)


def attendance(stove: Zone, zones: Sequence[Zone]) -> Zone | None:
    """The stove_attendance zone nearest to a stove, None where the camera has none."""
    near = [zone for zone in zones if zone.kind == "stove_attendance"]
    middle = np.asarray(stove.polygon, dtype=float).mean(axis=0)
    return min(
        near,
        key=lambda z: (float(np.hypot(*(np.asarray(z.polygon).mean(axis=0) - middle))), z.zone_id),
        default=None,
    )


def _crosses_itself(corners: np.ndarray) -> bool:
    n = len(corners)
    after = np.roll(corners, -1, axis=0)
    i, j = np.triu_indices(n, 2)
    apart = ~((i == 0) & (j == n - 1))
    a, b, c, d = corners[i[apart]], after[i[apart]], corners[j[apart]], after[j[apart]]

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        turn: np.ndarray = np.sign(
            (q[:, 0] - p[:, 0]) * (r[:, 1] - p[:, 1]) - (q[:, 1] - p[:, 1]) * (r[:, 0] - p[:, 0])
        )
        return turn

    return bool(((side(a, b, c) * side(a, b, d) < 0) & (side(c, d, a) * side(c, d, b) < 0)).any())
