"""Small films and pictures for tests of decoding: made by our own writer, some of them broken on purpose."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vision_jobs.render.files import Writer

WIDTH, HEIGHT = 160, 96


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A picture with a bright square that moves with the number; the left edge is as bright as the number."""
    made = np.full((height, width, 3), 90, np.uint8)
    x = 20 + number * 5 % (width - 60)
    made[30:60, x : x + 24] = (40, 80, 230)
    made[:, :8] = number * 4 % 256
    return made


def film(
    path: Path,
    times: Sequence[float],
    *,
    codec: str = "h264",
    fps: float = 5,
    gop_s: float = 2,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Path:
    """A film with frames at the given seconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Writer(path, codec=codec, fps=fps, gop_s=gop_s, width=width, height=height) as file:
        for number, at in enumerate(times):
            file.add(picture(number, width, height), at)
    return path


def seconds(duration: float, fps: float = 5, start: float = 0.0) -> list[float]:
    """Regular instants."""
    return [start + number / fps for number in range(round(duration * fps))]
