"""Frames into files as cameras write them.

Belongs here: H.264, H.265 and MPEG-4 in mp4, and JPEG snapshots; the same frames give the same bytes.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import av
import cv2
import numpy as np

from warehouse.errors import Permanent

_CLOCK: Final = 60_000
"""Ticks per second of the written files: a multiple of the usual rates that MPEG-4 can hold."""
_ENCODERS: Final = {"h264": "libx264", "hevc": "libx265", "mpeg4": "mpeg4"}


class Writer:
    """Writes one video; use as a context."""

    def __init__(
        self, path: Path, *, codec: str, fps: float, gop_s: float, width: int, height: int, quality: int = 26
    ) -> None:
        """Args:
            path: The file to write.
            codec: h264, hevc or mpeg4.
            fps: Frames per second, which the encoder is told.
            gop_s: Seconds between keyframes.
            width: Columns, even.
            height: Rows, even.
            quality: Constant rate factor; larger is smaller and worse.

        Raises:
            Permanent: Unknown codec, or this installation cannot encode it.
        """
        name = _ENCODERS.get(codec)
        if name is None:
            raise Permanent(f"渲染请求的编码 {codec} 不认识：可用 {'、'.join(_ENCODERS)}、jpeg")
        try:
            av.codec.Codec(name, "w")
        except av.codec.codec.UnknownCodecError as error:
            raise Permanent(
                f"本机的 PyAV 不含编码器 {name}，无法写 {codec}；请改用 mpeg4 或其他编码"
            ) from error
        gop = max(round(fps * gop_s), 1)
        self._file: Any = av.open(str(path), "w", format="mp4")
        options = {
            "h264": {"preset": "superfast", "crf": str(quality), "forced-idr": "1",
                     "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0"},
            "hevc": {"preset": "ultrafast", "crf": str(quality + 2), "forced-idr": "1",
                     "x265-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:log-level=none:pools=none:frame-threads=1"},
            "mpeg4": {"qscale": "5"},
        }[codec]  # fmt: skip
        stream = self._file.add_stream(name, rate=Fraction(fps).limit_denominator(1001), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, _CLOCK)
        if codec == "hevc":
            stream.codec_context.codec_tag = "hvc1"
        self._stream = stream
        self._last: float | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for packet in self._stream.encode(None):
                self._file.mux(packet)
        self._file.close()

    def add(self, picture: np.ndarray, at: float, *, key: bool = False) -> None:
        """Write a frame.

        Args:
            picture: BGR, uint8, (height, width, 3).
            at: Seconds from the start; later than the frame before.
            key: Make it a keyframe, as a camera does when it comes back.
        """
        planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts, frame.time_base = round(at * _CLOCK), Fraction(1, _CLOCK)
        if key:
            frame.pict_type = av.video.frame.PictureType.I
        for packet in self._stream.encode(frame):
            self._file.mux(packet)


def snapshot(path: Path, picture: np.ndarray, quality: int = 88) -> None:
    """Write one JPEG.

    Args:
        path: The file to write.
        picture: BGR, uint8, (height, width, 3).
        quality: 1 to 100.
    """
    path.write_bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def repeated(path: Path, out: Path, times: int) -> Path:
    """A film played so many times in a row, its packets copied: a long recording that costs no encoding.

    Args:
        path: A film that begins with a keyframe.
        out: The file to write.
        times: How often.
    """
    with av.open(str(path)) as source:
        stream = source.streams.video[0]
        packets = [packet for packet in source.demux(stream) if packet.size]
        step = min(b.dts - a.dts for a, b in pairwise(packets))
        length = packets[-1].dts - packets[0].dts + step
        base = stream.time_base
        contents = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in packets]
        with av.open(str(out), "w", format="mp4") as target:
            copy: Any = target.add_stream_from_template(stream)
            for turn in range(times):
                for content, pts, dts, key in contents:
                    packet = av.Packet(content)
                    packet.stream, packet.time_base = copy, base
                    packet.pts, packet.dts = pts + turn * length, dts + turn * length
                    packet.is_keyframe = key
                    target.mux(packet)
    return out
