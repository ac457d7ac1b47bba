"""The camera of a rendered kitchen: a pinhole over a floor.

Belongs here: projection of points and rays of pixels. World axes in metres: x right, y up from the floor, z away
from the camera's wall.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

NEAR: Final = 0.15
"""Nearer than this (metres) nothing is drawn."""


@dataclass(frozen=True, slots=True)
class View:
    """A camera.

    Attributes:
        width: Columns of the frame.
        height: Rows of the frame.
        focal: Focal length in pixels.
        eye: Position, (3,), metres.
        axes: Rows right, down and forward of the camera in world axes, (3, 3).
    """

    width: int
    height: int
    focal: float
    eye: Array
    axes: Array

    @classmethod
    def looking(
        cls, width: int, height: int, *, fov: float, eye: tuple[float, float, float], yaw: float, pitch: float
    ) -> View:
        """A camera at ``eye`` turned right by ``yaw`` and down by ``pitch``; all angles in degrees.

        Args:
            width: Columns.
            height: Rows.
            fov: Horizontal field of view.
            eye: Position in metres.
            yaw: Turn to the right.
            pitch: Turn down.
        """
        a, b = np.radians(yaw), np.radians(pitch)
        right = (np.cos(a), 0.0, -np.sin(a))
        up = (np.sin(a) * np.sin(b), np.cos(b), np.cos(a) * np.sin(b))
        forward = (np.sin(a) * np.cos(b), -np.sin(b), np.cos(a) * np.cos(b))
        axes = np.array([right, [-u for u in up], forward], np.float32)
        focal = width / (2 * np.tan(np.radians(fov) / 2))
        return cls(width, height, float(focal), np.array(eye, np.float32), axes)

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels (n, 2) and depths along the camera's axis (n,), metres, of points (n, 3)."""
        seen = (points - self.eye) @ self.axes.T
        depth = seen[:, 2]
        pixels = self.focal * seen[:, :2] / np.maximum(depth, 1e-3)[:, None]
        return pixels + np.array([self.width / 2, self.height / 2], np.float32), depth

    def rays(self, left: int, top: int, right: int, bottom: int) -> Array:
        """World directions of the pixels of a window, scaled to depth 1: (rows, columns, 3)."""
        u = (np.arange(left, right, dtype=np.float32) + 0.5 - self.width / 2) / self.focal
        v = (np.arange(top, bottom, dtype=np.float32) + 0.5 - self.height / 2) / self.focal
        return u[None, :, None] * self.axes[0] + v[:, None, None] * self.axes[1] + self.axes[2]
