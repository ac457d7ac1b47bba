"""Delta tables: the only package that knows delta-rs.

Belongs here: reading a pinned version, replacing periods in one idempotent commit, listing files,
maintenance. Does not belong here: what a table means. Tables have no deletion vectors and no column
mapping (DESIGN decision 3), so their files can be read as plain Parquet.
"""

from warehouse.delta.commits import BEFORE_FIRST, EVERYTHING, fact, note, replaced_bytes, touched_since
from warehouse.delta.opened import DataFile, day_range, files, open_table, version
from warehouse.delta.rows import Period, append, read, read_files, replace, spans
from warehouse.delta.upkeep import compact, vacuum

__all__ = [
    "BEFORE_FIRST",
    "EVERYTHING",
    "DataFile",
    "Period",
    "append",
    "compact",
    "day_range",
    "fact",
    "files",
    "note",
    "open_table",
    "read",
    "read_files",
    "replace",
    "replaced_bytes",
    "spans",
    "touched_since",
    "vacuum",
    "version",
]
