"""COCO annotation files: read, checked, grouped.

Belongs here: the file format and pictures on disk. Does not belong here: scoring (``evaluate``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from warehouse.errors import Permanent

_AHEAD: Final = 6
_ALIKE: Final = 0.7
"""Overlap of colour histograms (Bhattacharyya) from which two frames may show one scene."""
_NEAR: Final = 8
"""Of 64 bits of two fingerprints, how many may differ between pictures taken as the same."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One box that somebody drew.

    Attributes:
        category: Name.
        corners: x1, y1, x2, y2 in pixels.
        ignore: COCO's iscrowd: neither right nor wrong to find it.
    """

    category: str
    corners: tuple[float, float, float, float]
    ignore: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """One image and its boxes.

    Attributes:
        path: The file.
        source: Where it comes from, as the annotations say; else the file name.
        tags: Of the image.
        boxes: Labelled boxes.
    """

    path: Path
    source: str
    tags: tuple[str, ...]
    boxes: tuple[Labelled, ...]

    def pixels(self) -> np.ndarray:
        """The picture, uint8 BGR.

        Raises:
            Permanent: The file cannot be read.
        """
        try:
            read = cv2.imdecode(np.fromfile(self.path, np.uint8), cv2.IMREAD_COLOR)
        except (OSError, cv2.error) as error:
            raise Permanent(
                f"{self.path}: cannot be read ({error}); --images is the folder of file_name"
            ) from error
        if read is None:
            raise Permanent(f"{self.path}: no picture that can be read")
        return read

    @property
    def sequence(self) -> str:
        """Recording that the picture is a frame of: its source without the frame's number."""
        return re.sub(r"[\d_]*\.\w+$", "", self.source.rpartition("/")[2])

    @property
    def frame(self) -> int:
        """The frame's number in its recording; 0 where its name has none."""
        digits = re.search(r"(\d+)\.\w+$", self.source)
        return int(digits[1]) if digits else 0


@dataclass(frozen=True, slots=True)
class Coco:
    """An annotation file.

    Attributes:
        pictures: In the file's order.
        categories: Names, in the file's order.
    """

    pictures: tuple[Picture, ...]
    categories: tuple[str, ...]


def read(images: Path, file: Path) -> Coco:
    """Read a COCO annotation file.

    Args:
        images: Folder that ``file_name`` is relative to.
        file: The annotations.

    Raises:
        Permanent: The file is no COCO file, or names a picture outside the folder.
    """
    try:
        told = json.loads(file.read_text(encoding="utf8"))
        names = {one["id"]: one["name"] for one in told["categories"]}
        boxes: dict[int, list[Labelled]] = {one["id"]: [] for one in told["images"]}
        for one in told["annotations"]:
            x, y, width, height = map(float, one["bbox"])
            corners = (x, y, x + width, y + height)
            boxes[one["image_id"]].append(
                Labelled(names[one["category_id"]], corners, bool(one.get("iscrowd", 0)))
            )
        pictures = tuple(
            Picture(
                _inside(images, one["file_name"], file),
                one.get("source", one["file_name"]),
                tuple(one.get("tags", ())),
                tuple(boxes[one["id"]]),
            )
            for one in told["images"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Permanent(f"{file}: no COCO annotations ({error!r}); see docs/how-to for the format") from error
    return Coco(pictures, tuple(names.values()))


def _inside(images: Path, name: str, file: Path) -> Path:
    path = (images / name).resolve()
    if not path.is_relative_to(images.resolve()):
        raise Permanent(f"{file}: {name} lies outside {images}")
    return path


def fingerprint(picture: np.ndarray) -> int:
    """64 bits of brightness steps (dHash): pictures that look alike differ in few bits."""
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes(), "big")


def look_alikes(prints: np.ndarray) -> np.ndarray:
    """Group number (n,) of fingerprints (n,) uint64: those that look alike share one, directly or over others."""
    found = np.arange(len(prints))
    near = distances(prints, prints) <= _NEAR
    for _ in range(len(prints)):
        least = np.where(near, found[None, :], len(prints)).min(1)
        if (least == found).all():
            break
        found = least
    return found


def takes(pictures: Sequence[Picture]) -> np.ndarray:
    """Group number (n,) of pictures that must not stand on both sides of a split.

    Frames of one recording belong together as long as the scene lasts: from a frame to the last one of the next few
    whose colours are alike, so that shots that take turns stay one. Pictures that look alike belong together too.
    """
    colours, prints = _looks(pictures)
    order = sorted(range(len(pictures)), key=lambda k: (pictures[k].sequence, pictures[k].frame))
    found, number, reaches = np.zeros(len(pictures), int), -1, -1
    for at, place in enumerate(order):
        if at > reaches or pictures[place].sequence != pictures[order[at - 1]].sequence:
            number, reaches = number + 1, at
        ahead = [k for k in order[at : at + _AHEAD] if pictures[k].sequence == pictures[place].sequence]
        alike = np.flatnonzero(colours[ahead] @ colours[place] >= _ALIKE)
        reaches = max(reaches, at + int(alike[-1]))
        found[place] = number
    twins = look_alikes(prints)
    for _ in range(len(pictures)):  # until neither rule joins any more
        joined = _least(_least(found, twins), found)
        if (joined == found).all():
            break
        found = joined
    return found


def _least(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Smallest value of each one's group."""
    _, place = np.unique(groups, return_inverse=True)
    least = np.full(place.max() + 1, values.max())
    np.minimum.at(least, place, values)
    return least[place]


def _looks(pictures: Sequence[Picture]) -> tuple[np.ndarray, np.ndarray]:
    """Root of the colour histogram (n, 192), so that a product is 1 for equal colours, and fingerprint (n,)."""
    colours, prints = [], []
    for one in pictures:
        pixels = one.pixels()
        small = cv2.cvtColor(cv2.resize(pixels, (160, 90), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2HSV)
        counts = cv2.calcHist([small], [0, 1, 2], None, [12, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
        colours.append(np.sqrt(counts / counts.sum()))
        prints.append(fingerprint(pixels))
    return np.stack(colours), np.array(prints, np.uint64)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Differing bits (n, m) of fingerprints (n,) and (m,) uint64."""
    return np.bitwise_count(first[:, None] ^ second[None, :]).astype(np.int64)


def seen_before(prints: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which fingerprints (n,) look like one of the known ones (m,)."""
    return (distances(prints, known) <= _NEAR).any(1) if len(known) else np.zeros(len(prints), bool)
