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

_EARLY_KEY: Final = 0.25
_EARLY_FRAME: Final = 0.05
"""Share of the sampling distance by which a keyframe, or any frame, may come early."""
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
        snapshot = stream.codec_context.name == "mjpeg"
        rare = not snapshot and _keys_are_rare(container, stream)
    with probe.opened(path) as container:
        stream = probe.video(container)
        if not snapshot:
            stream.codec_context.skip_frame = "NONREF" if rare else "NONKEY"
        keys = _Thin(every_s, _EARLY_KEY) if not rare and not snapshot else None
        frames = _Thin(every_s, _EARLY_FRAME) if rare else None
        for at, frame in _decoded(container, stream, keys):
            if frames is None or frames.takes(at):
                yield Sample(at, picture(frame, height))


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
        start = (stream.start_time or 0) + int(max(start_s, 0.0) / stream.time_base)
        try:
            container.seek(start, stream=stream, backward=True)
        except av.error.FFmpegError as error:
            raise probe.refused("unreadable") from error
        thin = _Thin(1 / fps, _EARLY_FRAME, start_s)
        for at, frame in _decoded(container, stream):
            if at > end_s + 1e-6:
                return
            if thin.takes(at):
                yield Sample(at, picture(frame, height))


def picture(frame: Any, height: int) -> np.ndarray:
    """A frame as BGR of at most ``height`` rows and of a size that can be handed over.

    Raises:
        Refused: The frame is larger than its stream said.
    """
    if frame.width * frame.height > limits.PIXELS:
        raise probe.refused("too_large")
    share = min(1.0, height / frame.height, (limits.SAMPLE_BYTES / 3 / frame.width / frame.height) ** 0.5)
    rows, columns = max(int(frame.height * share), 1), max(int(frame.width * share), 1)
    shown: np.ndarray = frame.to_ndarray(
        format="bgr24", width=columns, height=rows, interpolation="FAST_BILINEAR"
    )
    return shown


class _Thin:
    """Chooses instants about ``every_s`` apart, by a grid, so that their mean distance is the wanted one."""

    def __init__(self, every_s: float, early: float, start_s: float = 0.0) -> None:
        self._every, self._early, self._wanted = every_s, early * every_s, start_s

    def takes(self, at: float) -> bool:
        """Whether an instant is chosen; asked in order of time."""
        if at < self._wanted - self._early - 1e-6:
            return False
        self._wanted = max(self._wanted, at - self._early) + self._every
        return True


def _keys_are_rare(container: Any, stream: Any) -> bool:
    times, keys = probe.packets(container, stream, _LOOKED_AT_S)
    if not keys.any():
        raise probe.refused("unreadable")
    return probe.gop(times, keys) > limits.LONG_GOP_SECONDS


def _decoded(container: Any, stream: Any, keys: _Thin | None = None) -> Iterator[tuple[float, Any]]:
    """Seconds from the stream's start, and frames.

    Args:
        container: Opened.
        stream: Its video.
        keys: Decode the keyframes that it takes, and nothing else.
    """
    base, first = float(stream.time_base), stream.start_time or 0
    still = stream.codec_context.name == "mjpeg"
    last = 0.0
    found = broken = 0
    packets = container.demux(stream)
    while (packet := _next(packets)) is not None:
        if keys is not None and packet.size:
            wanted = packet.is_keyframe and packet.pts is not None
            if not wanted or not keys.takes((packet.pts - first) * base):
                continue
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            broken += 1
            continue
        for frame in frames:
            if frame.is_corrupt or (frame.pts is None and not still):
                broken += 1
                continue
            at = 0.0 if still else max((frame.pts - first) * base, 0.0)
            if found and at - last > limits.JUMP_SECONDS:
                return  # the clock was set: nobody knows when the rest was
            found, last = found + 1, at
            yield at, frame
    if broken and not found:
        raise probe.refused("unreadable")


def _next(packets: Iterator[Any]) -> Any:
    """The next packet; ``None`` at the end, and where the file breaks off: what was decoded so far counts."""
    try:
        return next(packets, None)
    except av.error.FFmpegError:
        return None
