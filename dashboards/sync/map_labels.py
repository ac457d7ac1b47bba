"""Names of the counties over the map, as one picture inside the dashboard's CSS.

Belongs here: that picture. Superset's polygon chart writes no text, and a map without names answers
nothing on a wall. The chart fits its shapes into its frame less 20 pixels on each side, in the Mercator
projection; a picture fitted into the same frame lies exactly on it. The chart therefore always shows
all counties and cannot be moved.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

PADDING_PX: Final = 20  # deck.gl's fitViewport in Superset 6.1
_SCALE: Final = 1000
_FRAME: Final = '[data-test-viz-type="deck_polygon"] .deck_polygon > div > div'

Ring = Sequence[tuple[float, float]]


def css(cells: Mapping[str, Ring]) -> str:
    """CSS that writes each name into the middle of its cell; empty without cells.

    Args:
        cells: Name -> ring of (longitude, latitude) in degrees.
    """
    if not cells:
        return ""
    drawn = {name: [_mercator(*point) for point in ring] for name, ring in cells.items()}
    xs = [x for ring in drawn.values() for x, _ in ring]
    ys = [y for ring in drawn.values() for _, y in ring]
    left, top, width, height = min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)
    size = min(
        (max(x for x, _ in ring) - min(x for x, _ in ring)) / max(map(len, _lines(name)))
        for name, ring in drawn.items()
    )
    size = min(max(0.72 * size, width / 40), height / 8)
    texts = "".join(_text(name, ring, size) for name, ring in drawn.items())
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.2f} {top:.2f} {width:.2f} {height:.2f}">'
        f'<g font-family="Noto Sans CJK SC,Microsoft YaHei,sans-serif" font-size="{size:.2f}" font-weight="600" '
        f'text-anchor="middle" fill="#fff" stroke="#1f1f1f" stroke-width="{size / 8:.2f}" paint-order="stroke">'
        f"{texts}</g></svg>"
    )
    return (
        f"{_FRAME} {{ pointer-events: none; }}\n"
        f'{_FRAME}::after {{ content: ""; position: absolute; inset: {PADDING_PX}px; z-index: 3; '
        f'background: url("data:image/svg+xml,{quote(svg)}") center / contain no-repeat; }}\n'
    )


def _lines(name: str) -> list[str]:
    """A name in lines of at most four characters, as even as can be."""
    step = math.ceil(len(name) / math.ceil(len(name) / 4))
    return [name[start : start + step] for start in range(0, len(name), step)]


def _text(name: str, ring: Ring, size: float) -> str:
    lines = _lines(name)
    x = (min(x for x, _ in ring) + max(x for x, _ in ring)) / 2
    y = (min(y for _, y in ring) + max(y for _, y in ring)) / 2 - size * (len(lines) / 2 - 0.86)
    return "".join(
        f'<text x="{x:.2f}" y="{y + number * size:.2f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


def _mercator(longitude: float, latitude: float) -> tuple[float, float]:
    """Plane coordinates of a point; y grows downwards, as in a picture."""
    y = math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))
    return math.radians(longitude) * _SCALE, -y * _SCALE
