"""Files on their way to the landing folders, and the control file of each folder.

Belongs here: paths, bytes on disk, ``control.json``. Does not belong here: what is in a file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from pathlib import Path


class Outbox:
    """Writes ``landing/<provider>/<arrival>/<file>``."""

    def __init__(self, landing: Path) -> None:
        self._landing = landing
        self._listed: dict[tuple[str, date], list[dict[str, object]]] = defaultdict(list)
        self.last_arrival = date.min
        self.files = 0

    def put(self, provider: str, arrival: date, name: str, data: bytes, rows: int | None, about: date) -> str:
        """Write one file; returns its path below ``landing``.

        ``rows`` is what the sender declares; None: it sends no control file, as those who publish do.
        """
        folder = self._landing / provider / f"{arrival:%Y-%m-%d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        if rows is not None:
            listed = {"name": name, "rows": rows, "biz_date": f"{about:%Y-%m-%d}"}
            self._listed[provider, arrival].append(listed)
        self.last_arrival = max(self.last_arrival, arrival)
        self.files += 1
        return f"{provider}/{arrival:%Y-%m-%d}/{name}"

    def seal(self) -> None:
        """Write the control files."""
        for (provider, arrival), files in sorted(self._listed.items()):
            listed = sorted(files, key=lambda entry: str(entry["name"]))
            path = self._landing / provider / f"{arrival:%Y-%m-%d}" / "control.json"
            path.write_text(
                json.dumps({"files": listed}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
            )
