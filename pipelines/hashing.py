"""Order-free content hashes of tables (``./canteen hash``).

Belongs here: which columns and tables are content. Left out: columns of a run (``_*``), load times,
arrival dates, and tables about arrival, which ``--arrival`` covers (DESIGN section 7).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import duckdb

from warehouse import delta, manifest
from warehouse.errors import Permanent
from warehouse.settings import Settings

ABOUT_ARRIVAL: Final = frozenset(
    {
        "silver.delivery",
        "silver.quarantine",
        "silver.expectation_result",
        "silver.refusal",
        # What is posted is kept for ever: corrections, and the period that takes them, follow the arrivals.
        "silver.posted_voucher",
        "silver.book_period",
        "gold.mart_quality",
    }
)
# A pseudonym depends on the home's own key: two homes fed with the same files differ in it alone.
# An alert counts by its natural key, not by the id that was minted for it.
_LEFT_OUT: Final = frozenset({"snapshot_id", "arrival_date", "person_hash", "alert_id"})
# What was once found and then put right by late data was never found where all came at once.
_CONTENT_ROWS: Final = {"gold.alert": "alert_state <> 'withdrawn'"}
EXCLUDED: Final = (
    *("_*", *sorted(_LEFT_OUT), "cockpit.*", "bronze.*", *sorted(ABOUT_ARRIVAL)),
    *(f"{table} where not ({rows})" for table, rows in _CONTENT_ROWS.items()),
)


def content(settings: Settings, tables: tuple[str, ...] = (), *, arrival: bool = False) -> dict[str, Any]:
    """Hash the published tables.

    Args:
        settings: The data home.
        tables: Only these; all when empty.
        arrival: Hash the tables about arrival instead of the content tables.

    Returns:
        ``{"hash", "tables": {name: {"rows", "hash"}}, "excluded": [...]}``.

    Raises:
        Permanent: Nothing is published, or a table is not known.
    """
    published = manifest.latest(settings)
    if published is None:
        raise Permanent(f"{settings.home} 尚无已发布的快照：请先运行 ./canteen nightly --date 日期")
    chosen = {name: at for name, at in published.tables.items() if (name in ABOUT_ARRIVAL) == arrival}
    unknown = set(tables) - set(chosen)
    if unknown:
        raise Permanent(f"没有这些表：{'、'.join(sorted(unknown))}；已有：{'、'.join(sorted(chosen))}")
    with duckdb.connect() as connection:
        found = {
            name: _table(
                connection,
                [file.path for file in delta.files(settings.table(name), at)],
                _CONTENT_ROWS.get(name, "true"),
            )
            for name, at in sorted(chosen.items())
            if not tables or name in tables
        }
    total = hashlib.sha256(
        "".join(f"{name}={value['hash']}\n" for name, value in found.items()).encode()
    ).hexdigest()
    return {"hash": total, "tables": found, "excluded": list(EXCLUDED)}


def _table(connection: duckdb.DuckDBPyConnection, files: list[str], rows_of: str) -> dict[str, Any]:
    if not files:
        return {"rows": 0, "hash": "0"}
    listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
    source = f"read_parquet([{listed}], union_by_name=true, hive_partitioning=false)"
    described = connection.execute(f"describe select * from {source}").fetchall()
    columns = [
        f"coalesce({_text(name, kind)}, chr(1))"
        for name, kind, *_ in sorted(described)
        if not name.startswith("_") and name not in _LEFT_OUT
    ]
    row = " || chr(31) || ".join(columns)
    rows, digest = connection.execute(
        f"select count(*), coalesce(sum(cast(md5_number_lower({row}) as hugeint)), 0) from {source} where {rows_of}"
    ).fetchall()[0]
    return {"rows": rows, "hash": f"{digest:x}"}


def _text(name: str, kind: str) -> str:
    return f"cast(round({name}, 6) as varchar)" if kind in ("DOUBLE", "FLOAT") else f"cast({name} as varchar)"
