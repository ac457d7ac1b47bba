"""What a recorded file is, found without decoding a picture: container, codec, times of its frames.

Belongs here: reading the file's packets in the child process. Does not belong here: who recorded it and when
(``segments``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
import av.error
import numpy as np

from vision_jobs import limits
from warehouse.errors import Refused

_CODECS: Final = frozenset({"h264", "hevc", "mpeg4"})
_FORMATS: Final = {"mp4": "mov", "jpeg": "jpeg_pipe"}
_OPENS: Final = {"protocol_whitelist": "file", "enable_drefs": "0"}
_KIND_OF_NAME: Final = {".mp4": "mp4", ".jpg": "jpeg", ".jpeg": "jpeg"}


@dataclass(frozen=True, slots=True)
class Probe:
    """A file's stream.

    Attributes:
        codec: h264, hevc, mpeg4 or mjpeg (a snapshot).
        fps: Frames by the median step; 0 for a snapshot.
        gop_s: Greatest distance of keyframes, gaps left out; 0 for a snapshot.
        duration_s: Until the end of the last frame; 0 for a snapshot.
        width: Columns.
        height: Rows.
        frames: Number of frames.
        gaps: Seconds (start, end) without frames, from the start.
        usable_s: Where the clock jumped; the duration when it did not.
        flags: Names of ``limits.FLAGS``.
    """

    codec: str
    fps: float
    gop_s: float
    duration_s: float
    width: int
    height: int
    frames: int
    gaps: tuple[tuple[float, float], ...]
    usable_s: float
    flags: tuple[str, ...]


def kind(path: Path) -> str:
    """What the content is, by its first bytes: ``mp4``, ``jpeg`` or ``unknown``.

    Raises:
        Refused: The file is empty.
    """
    with path.open("rb") as file:
        start = file.read(12)
    if not start:
        raise refused("empty")
    if start[:3] == b"\xff\xd8\xff":
        return "jpeg"
    return "mp4" if start[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"} else "unknown"


def opened(path: Path) -> Any:
    """The container of a file, opened as what its content is, never by a playlist or a network address.

    Raises:
        Refused: Empty, not what its name says, or not readable.
    """
    found = kind(path)
    if found == "unknown":
        raise refused("wrong_extension" if _foreign(path) else "unreadable")
    if found != _KIND_OF_NAME.get(path.suffix.lower()):
        raise refused("wrong_extension")
    if found == "mp4":
        _check_atoms(path)
    try:
        return av.open(f"file:{path.resolve()}", format=_FORMATS[found], options=_OPENS)
    except av.error.FFmpegError as error:
        raise refused("unreadable") from error


def video(container: Any) -> Any:
    """The video stream, decoded by one thread.

    Raises:
        Refused: There is none, its codec is not taken, or its pictures are too large.
    """
    if not container.streams.video:
        raise refused("no_video")
    stream = container.streams.video[0]
    context = stream.codec_context
    allowed = {"mjpeg"} if "jpeg" in container.format.name else _CODECS
    if context is None or context.name not in allowed:
        raise refused("codec_unsupported")
    if context.width * context.height > limits.PIXELS:
        raise refused("too_large")
    if context.width < 16 or context.height < 16:
        raise refused("unreadable")
    stream.thread_type = "NONE"
    context.thread_count = 1
    return stream


def probe(path: Path) -> Probe:
    """Read a file's packets.

    Raises:
        Refused: With a code of ``limits.QUARANTINE``.
    """
    with opened(path) as container:
        stream = video(container)
        context = stream.codec_context
        if context.name == "mjpeg":
            return Probe("mjpeg", 0.0, 0.0, 0.0, context.width, context.height, 1, (), 0.0, ())
        times, keys = packets(container, stream)
        if len(times) < 2 or times[-1] <= times[0]:
            raise refused("zero_duration" if len(times) else "truncated")
        return _described(context, times, keys)


def packets(container: Any, stream: Any, until_s: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Presentation times (seconds from the first frame, ascending) and key flags of a stream's packets.

    Args:
        container: Opened.
        stream: Its video.
        until_s: Stop after so many seconds of the file.

    Raises:
        Refused: Too many packets, or the file ends before its index does.
    """
    base = float(stream.time_base)
    times: list[int] = []
    keys: list[bool] = []
    try:
        for packet in container.demux(stream):
            if packet.pts is None or packet.size == 0:
                continue
            times.append(packet.pts)
            keys.append(packet.is_keyframe)
            if len(times) > limits.PACKETS:
                raise refused("too_long")
            if until_s is not None and (packet.pts - times[0]) * base > until_s:
                break
    except av.error.FFmpegError as error:
        raise refused("truncated" if times else "unreadable") from error
    order = np.argsort(np.array(times, np.int64), kind="stable")
    seconds = np.array(times, np.float64)[order] * base
    return seconds - (seconds[0] if len(seconds) else 0.0), np.array(keys, bool)[order]


def gop(times: np.ndarray, keys: np.ndarray) -> float:
    """Greatest distance of two keyframes in seconds, gaps left out; the whole length when there is one only."""
    steps = np.diff(times)
    running = np.concatenate([[0.0], np.cumsum(np.where(steps > limits.GAP_SECONDS, 0.0, steps))])
    distances = np.diff(running[keys])
    return float(distances.max() if len(distances) else running[-1])


def refused(code: str) -> Refused:
    """The refusal of a file by a code of the closed list."""
    return Refused(code, limits.QUARANTINE[code])


def _described(context: Any, times: np.ndarray, keys: np.ndarray) -> Probe:
    steps = np.diff(times)
    usual = float(np.median(steps))
    duration = float(times[-1]) + usual
    if usual <= 0 or duration <= 0:
        raise refused("zero_duration")
    jumps = np.flatnonzero(steps > limits.JUMP_SECONDS)
    usable = float(times[jumps[0]]) + usual if len(jumps) else duration
    if usable > limits.DURATION_SECONDS:
        raise refused("too_long")
    holes = np.flatnonzero((steps > limits.GAP_SECONDS) & (times[1:] < usable))
    near = steps[steps <= limits.GAP_SECONDS]
    low, high = np.quantile(near, (0.05, 0.95)) if len(near) else (usual, usual)
    length = gop(times, keys)
    noted = {
        "variable_rate": high > 1.5 * max(low, 1e-6),
        "gap": len(holes) > 0,
        "clock_jump": len(jumps) > 0,
        "long_gop": length > limits.LONG_GOP_SECONDS,
    }
    return Probe(
        codec=context.name,
        fps=round(1 / usual, 3),
        gop_s=round(length, 3),
        duration_s=round(duration, 3),
        width=context.width,
        height=context.height,
        frames=len(times),
        gaps=tuple((round(float(times[i]), 3), round(float(times[i + 1]), 3)) for i in holes),
        usable_s=round(usable, 3),
        flags=tuple(name for name, holds in noted.items() if holds),
    )


def _check_atoms(path: Path) -> None:
    """Whether the boxes of an mp4 fill the file and hold an index.

    Raises:
        Refused: A box ends behind the file's end, or there is no index.
    """
    size, position, names = path.stat().st_size, 0, set()
    with path.open("rb") as file:
        while position + 8 <= size and len(names) < 10_000:
            file.seek(position)
            head = file.read(16)
            length, name = int.from_bytes(head[:4], "big"), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - position
            if length < 8:
                raise refused("unreadable")
            names.add(name)
            position += length
    if position > size or b"moov" not in names:
        raise refused("truncated")


def _foreign(path: Path) -> bool:
    """Whether the content is another known kind of file."""
    with path.open("rb") as file:
        start = file.read(16)
    known = (
        b"\x89PNG",
        b"RIFF",
        b"%PDF",
        b"PK\x03\x04",
        b"GIF8",
        b"\x1aE\xdf\xa3",
        b"FLV",
        b"\x00\x00\x01\xba",
        b"BM",
    )
    return start.startswith(known) or start[:1] == b"G" or start.isascii()
