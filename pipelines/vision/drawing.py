"""Drawn clips for a home without cameras: a request in, films and their manifest out.

Belongs here: calling the renderer and writing what a platform would deliver about its files. Does not belong here:
what is drawn (``vision_jobs.render``) and which clips a city asks for (``ingest.simulator.video``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

PROVIDER: Final = "video"


def draw(request: Path, video: Path, landing: Path, progress: Callable[[str], None]) -> int:
    """Draw the clips of a request and deliver their manifest.

    Args:
        request: ``clips.json``; each clip also names its ``canteen_id`` and ``biz_date``.
        video: The video root.
        landing: Landing folder; a manifest arrives on its business date.
        progress: Told what is being done.

    Returns:
        Number of films.

    Raises:
        Permanent: The request is not understood.
    """
    from vision_jobs.render import clips

    asked = json.loads(request.read_text("utf8"))
    files = clips.render(asked, video, progress)
    rows = [
        {
            "record_no": f"{clip['camera_id']}-{path.stem}",
            "camera_id": clip["camera_id"],
            "canteen_id": clip["canteen_id"],
            "biz_date": clip["biz_date"],
            "path": path.relative_to(video).as_posix(),
            "started_at": f"{dt.datetime.fromisoformat(clip['started_at']):%Y-%m-%d %H:%M:%S}",
            "segment_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size_bytes": path.stat().st_size,
            "reported_at": f"{clip['biz_date']} 23:50:00",
        }
        for clip, path in zip(asked["clips"], files, strict=True)
    ]
    manifest = pl.DataFrame(rows)
    for (day,), part in manifest.group_by("biz_date") if rows else ():
        folder = landing / PROVIDER / str(day)
        folder.mkdir(parents=True, exist_ok=True)
        part.write_csv(folder / f"video_segment_{str(day).replace('-', '')}.csv")
    return len(files)
