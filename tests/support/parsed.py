"""dbt's project, parsed when this is imported: test nights are forked from a process that has done so."""

import os
import tempfile
from pathlib import Path

from pipelines.gold import build

_FILE = Path(tempfile.mkdtemp(prefix="canteen-parsed-")) / "build.duckdb"
os.environ.update(CANTEEN_BUILD=str(_FILE), CANTEEN_PINS=str(_FILE))  # named by the profile, never opened
build.parsed(_FILE, "night")
