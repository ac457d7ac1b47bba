"""Frames of a segment: few for judging, many around a candidate.

Belongs here: which frames are decoded. It runs in the limited child process (``child``); use it there through
``decoder.Decoder``, which has the same two methods.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av.error
import numpy as np

from vision_jobs import limits, probe
from vision_jobs.model import Sample

_EARLY: Final = 0.25
"""Share of the sampling distance by which a keyframe may come early."""
_LOOKED_AT_S: Final = 30.0
"""Seconds of a file over which the distance of keyframes is measured."""


def keyframes(path: Path, *, height: int = 720, every_s: float = 2.0) -> Iterator[Sample]:
    """Samples about ``every_s`` apart: keyframes, or where those are too rare, all reference frames.

    Args:
        path: Video, or a snapshot (one sample at 0).
        height: Most rows of a sample.
        every_s: Wanted distance.

    Yields:
        Samples in order of time; a frame that cannot be decoded is left out.

    Raises:
        Refused: With a code of ``limits.QUARANTINE``; ``unreadable`` when no frame can be decoded.
    """
    with probe.opened(path) as container:
        stream = probe.video(container)
        if stream.codec_context.name == "mjpeg":
            yield from _shown(_decoded(container, stream), 0.0, height, 0.0)
            return
        times, keys = probe.packets(container, stream, _LOOKED_AT_S)
        if not keys.any():
            raise probe.refused("unreadable")
        rare = probe.gop(times, keys) > limits.LONG_GOP_SECONDS
    with probe.opened(path) as container:
        stream = probe.video(container)
        stream.codec_context.skip_frame = "NONREF" if rare else "NONKEY"
        yield from _shown(
            _decoded(container, stream, only_keys=not rare, every_s=every_s), every_s, height, 0.0
        )


def window(
    path: Path, start_s: float, end_s: float, *, fps: float = 5.0, height: int = 720
) -> Iterator[Sample]:
    """All of a short stretch, thinned to ``fps``.

    Args:
        path: Video.
        start_s: Seconds from the segment's start.
        end_s: Seconds from the segment's start.
        fps: Most samples per second.
        height: Most rows of a sample.

    Yields:
        Samples in order of time.

    Raises:
        Refused: With a code of ``limits.QUARANTINE``.
    """
    with probe.opened(path) as container:
        stream = probe.video(container)
        base = stream.time_base
        first = stream.start_time or 0
        try:
            container.seek(first + int(max(start_s, 0.0) / base), stream=stream, backward=True)
        except av.error.FFmpegError as error:
            raise probe.refused("unreadable") from error
        for sample in _shown(_decoded(container, stream), 1 / fps, height, start_s):
            if sample.at > end_s:
                return
            yield sample


def _decoded(
    container: Any, stream: Any, *, only_keys: bool = False, every_s: float = 0.0
) -> Iterator[tuple[float, Any]]:
    """Seconds from the stream's start, and frames. Of keyframes only those that are wanted are decoded."""
    base, first = float(stream.time_base), stream.start_time or 0
    wanted = -np.inf
    found = broken = 0
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            packet = None  # the file ends here; what was decoded so far counts
        if packet is None:
            break
        if only_keys and packet.size:
            if not packet.is_keyframe or packet.pts is None:
                continue
            at = (packet.pts - first) * base
            if at < wanted:
                continue
            wanted = at + every_s * (1 - _EARLY)
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            broken += 1
            continue
        for frame in frames:
            if frame.pts is None and stream.codec_context.name != "mjpeg":
                continue
            if frame.is_corrupt:
                broken += 1
                continue
            found += 1
            yield (0.0 if frame.pts is None else (frame.pts - first) * base), frame
    if broken and not found:
        raise probe.refused("unreadable")


def _shown(
    frames: Iterator[tuple[float, Any]], every_s: float, height: int, start_s: float
) -> Iterator[Sample]:
    """Frames as BGR pictures, no closer than ``every_s`` and from ``start_s`` on."""
    wanted = start_s - 1e-6
    for at, frame in frames:
        if at < wanted:
            continue
        # From the grid, not from the last frame, so that the mean distance is the wanted one.
        wanted = max(wanted + every_s, at + every_s * (1 - _EARLY)) if every_s else at
        yield Sample(max(at, 0.0), picture(frame, height))


def picture(frame: Any, height: int) -> np.ndarray:
    """A frame as BGR of at most ``height`` rows and of a size that can be handed over.

    Raises:
        Refused: The frame is larger than its stream said.
    """
    if frame.width * frame.height > limits.PIXELS:
        raise probe.refused("too_large")
    share = min(1.0, height / frame.height, (limits.SLOT_BYTES / 3 / frame.width / frame.height) ** 0.5)
    rows, columns = max(int(frame.height * share), 1), max(int(frame.width * share), 1)
    return frame.to_ndarray(format="bgr24", width=columns, height=rows, interpolation="FAST_BILINEAR")
