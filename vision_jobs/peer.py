"""Bare keyframe decoding with PyAV, which the bench holds the pipeline against.

Belongs here: the shortest loop that decodes a film's keyframes, without child, limits or judgement.
"""

from __future__ import annotations

from pathlib import Path

import av


def decode_keyframes(path: Path, *, rows: int | None) -> int:
    """Decode all keyframes of a film by one thread.

    Args:
        path: The film.
        rows: Also make BGR pictures of so many rows; ``None``: leave them as decoded.

    Returns:
        Number of keyframes.
    """
    count = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        stream.codec_context.skip_frame = "NONKEY"
        for frame in container.decode(stream):
            count += 1
            if rows is not None:
                columns = frame.width * rows // frame.height
                frame.reformat(width=columns, height=rows, format="bgr24").to_ndarray()
    return count
