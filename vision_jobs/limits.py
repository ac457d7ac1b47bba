"""Limits of decoding, so that no file can exhaust the machine, and the closed list of reasons to quarantine one.

Belongs here: numbers and codes only.
"""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20

MEMORY_BYTES: Final = 2 << 30
"""Address space of the decoding child."""
WALL_SECONDS: Final = 30.0
"""Longest silence of the child: between two samples, or until an answer."""
CPU_SECONDS: Final = 30
"""Processor seconds between two samples; the kernel ends a child that uses more."""
SAMPLE_BYTES: Final = 8 * MIB
"""Largest decoded sample handed over."""
ANSWER_BYTES: Final = MIB
"""Longest answer of the child in words."""
PIXELS: Final = 4096 * 2304
"""Largest frame decoded; 8K is refused."""
DURATION_SECONDS: Final = 24 * 3600.0
"""Longest segment."""
PACKETS: Final = 6_000_000
"""Most packets of one segment: a day at 60 frames a second, and some."""
GAP_SECONDS: Final = 10.0
"""A longer step between two frames is a gap of the camera."""
JUMP_SECONDS: Final = 600.0
"""A longer step is a clock that was set: what comes after has no known time."""
LONG_GOP_SECONDS: Final = 4.0
"""With keyframes further apart, keyframes alone are too few samples."""

QUARANTINE: Final = {
    "empty": "文件为空",
    "bad_name": "路径不是 <摄像头>/<YYYY-MM-DD>/<HHMMSS>.mp4 或 .jpg，无法得知开始时间",
    "wrong_extension": "内容与扩展名不符",
    "unreadable": "不是可解码的视频或图片",
    "truncated": "文件不完整，录制或传输被截断",
    "no_video": "没有视频流",
    "codec_unsupported": "编码不是 H.264、H.265 或 MPEG-4",
    "zero_duration": "时长为零",
    "too_large": "画面超过 4096×2304",
    "too_long": "时长超过 24 小时或帧数过多",
    "timeout": "解码超时",
    "crash": "解码进程异常退出，文件可能有害",
    "duplicate": "与已登记的文件内容相同",
    "overlap": "时间段已被同一摄像头的其他文件完全覆盖",
    "missing": "清单所列文件不存在",
    "changed": "文件内容与清单的哈希不符",
}
"""Reason -> what it says to a steward."""

FLAGS: Final = {
    "variable_rate": "帧率不固定",
    "gap": "录像中断超过 10 秒",
    "clock_jump": "录像内时钟跳变，其后的画面时间不明",
    "overlap": "开头一段与上一个文件重叠，重叠部分不再判定",
    "long_gop": "关键帧间隔超过 4 秒，需解码更多帧",
    "damaged": "部分画面无法解码",
}
"""What is noted of a file that is judged all the same."""
