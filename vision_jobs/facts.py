"""Facts: what the models saw in a film, as columns, and their small files.

Belongs here: the columns, joining those of several files of a camera without counting an instant twice, and the cache
by (segment, model version, configuration version). Nothing is judged here.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

LOOKED: Final = 0
"""State of a sample that the models saw."""
STILL: Final = 1
"""Nothing moved since a look that found nobody and no flame."""
LOST: Final = 2
"""The picture says nothing: too dark, or the light jumped."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What was seen of one camera. Instants are milliseconds since the segment's start, or since the epoch.

    Attributes:
        sample_at: Instants of the samples, (n,).
        sample_state: ``LOOKED``, ``STILL`` or ``LOST``, (n,).
        person_at: Instants of the persons, (m,).
        person_box: x1, y1, x2, y2, normalised, (m, 4).
        person_score: Scores of the kinds judged on persons, NaN where unknown, (m, kinds).
        flame_at: Instants of the judgements of stove zones, (k,).
        flame_zone: Index of the stove zone, (k,).
        flame_score: NaN where unknown, (k,).
        flicker: Mean change of each stove zone's warm pixels between pictures of a burst, NaN elsewhere, (stoves,).
    """

    sample_at: np.ndarray
    sample_state: np.ndarray
    person_at: np.ndarray
    person_box: np.ndarray
    person_score: np.ndarray
    flame_at: np.ndarray
    flame_zone: np.ndarray
    flame_score: np.ndarray
    flicker: np.ndarray

    def shifted(self, by_ms: int) -> Facts:
        """The same facts on another clock."""
        return replace(
            self,
            sample_at=self.sample_at + by_ms,
            person_at=self.person_at + by_ms,
            flame_at=self.flame_at + by_ms,
        )

    def within(self, start: int, end: int) -> Facts:
        """Facts of the instants from ``start`` to ``end``, both included."""
        samples, persons, flames = (
            (at >= start) & (at <= end) for at in (self.sample_at, self.person_at, self.flame_at)
        )
        return self._taken(samples, persons, flames)

    def _taken(self, samples: np.ndarray, persons: np.ndarray, flames: np.ndarray) -> Facts:
        return replace(
            self,
            **{
                field.name: getattr(self, field.name)[rows]
                for rows, prefix in ((samples, "sample_"), (persons, "person_"), (flames, "flame_"))
                for field in fields(self)
                if field.name.startswith(prefix)
            },
        )


def empty(kinds: int, stoves: int) -> Facts:
    """No facts.

    Args:
        kinds: Number of kinds judged on persons.
        stoves: Number of stove zones.
    """
    none = np.empty(0, dtype=np.int64)
    return Facts(
        sample_at=none,
        sample_state=np.empty(0, dtype=np.int8),
        person_at=none,
        person_box=np.empty((0, 4)),
        person_score=np.empty((0, kinds)),
        flame_at=none,
        flame_zone=none,
        flame_score=np.empty(0),
        flicker=np.full(stoves, np.nan),
    )


def in_turn(parts: Sequence[Facts]) -> Facts:
    """Facts of the files of a camera, given in the order of their start: of files that overlap, the first counts."""
    kept: list[Facts] = []
    covered = np.iinfo(np.int64).min
    for part in parts:
        kept.append(part._taken(part.sample_at > covered, part.person_at > covered, part.flame_at > covered))
        covered = max(covered, int(part.sample_at.max(initial=covered)))
    return _joined(kept)


def refined(facts: Facts, bursts: Sequence[Facts]) -> Facts:
    """Facts of a first pass with those of closer looks: an instant that both saw counts as the first pass saw it."""
    parts = [facts]
    known = facts.sample_at
    for burst in bursts:
        parts.append(
            burst._taken(*(~np.isin(at, known) for at in (burst.sample_at, burst.person_at, burst.flame_at)))
        )
        known = np.concatenate([known, burst.sample_at])
    return replace(_joined(parts), flicker=facts.flicker)


def save(facts: Facts, path: Path) -> None:
    """Write facts as one small file, in one step."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{field.name: getattr(facts, field.name) for field in fields(facts)})
    write(path, buffer.getvalue())


def load(path: Path) -> Facts:
    """Read facts that ``save`` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return Facts(**{field.name: file[field.name] for field in fields(Facts)})


def write(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader sees all of it or none, and a crash leaves none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _joined(parts: Sequence[Facts]) -> Facts:
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Facts)
        if field.name != "flicker"
    }
    orders = {
        prefix: np.argsort(joined[f"{prefix}_at"], kind="stable") for prefix in ("sample", "person", "flame")
    }
    return Facts(
        **{name: column[orders[name.split("_")[0]]] for name, column in joined.items()},
        flicker=parts[0].flicker,
    )
