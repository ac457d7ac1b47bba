"""Small pictures of kitchen events in the serving file, since a browser does not reach the files of the data home.

Belongs here: which rows get one and when it goes. A picture is a value of its event's row, so whoever may see the row
sees it and nobody else. It goes with the evidence, at the publication after that was purged. Does not belong here: how
a picture is made small (``vision_jobs.evidence``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb
import polars as pl

_EVENTS: Final = "cockpit_store.video_event"


def fill(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Give every shown event whose evidence is there its picture, and take it from those whose evidence is gone.

    Args:
        connection: The serving file that is being written.
        home: The data home, below which ``evidence_file`` lies.
    """
    files = connection.execute(
        f"select evidence_file, bool_or(picture is null), bool_or(picture is not null) from {_EVENTS} "
        "where evidence_file is not null group by all order by all"
    ).fetchall()
    there = {file for file, _, _ in files if (home / file).is_file()}
    changed: dict[str, str | None] = {file: None for file, _, shown in files if shown and file not in there}
    lacking = [file for file, lacks, _ in files if lacks and file in there]
    if lacking:
        from vision_jobs import evidence

        changed |= {file: evidence.thumbnail(home / file) for file in lacking}
    if changed:
        pictures = pl.DataFrame(  # noqa: F841 - DuckDB reads it by name
            {"file": list(changed), "html": list(changed.values())},
            schema={"file": pl.String, "html": pl.String},
        )
        connection.execute(
            f"update {_EVENTS} set picture = pictures.html from pictures where evidence_file = pictures.file"
        )
