"""Who may see what, for the cockpit: `access.json` out of the published grants.

Belongs here: which datasets are scoped by which columns and shown on which tiers, and the accounts
whose grants are valid on a day. Does not belong here: how Superset enforces it (``dashboards.superset``),
and what an organisation is (``dbt_project``, model ``access_grant``).
"""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb

from warehouse import serving
from warehouse.errors import Permanent
from warehouse.manifest import sync_folder
from warehouse.settings import Settings

COUNTY: Final = ("county_code",)
BOTH: Final = ("county_code", "school_id")
ABOVE_SCHOOL: Final = ("city", "county")
TIERS: Final = ("city", "county", "school")
OFFICE: Final = ("steward", "analyst")
"""Who works with the city's dashboard without being its supervisor; the row rules still hold."""


def _dataset(
    scoped_by: tuple[str, ...], tiers: tuple[str, ...], department: str | None = None
) -> dict[str, Any]:
    return {"scoped_by": list(scoped_by), "tiers": list(tiers), "department_column": department}


DATASETS: Final = {
    "book_form": _dataset(BOTH, TIERS),
    "camera_day": _dataset(BOTH, TIERS),
    "canteen_day": _dataset(BOTH, TIERS),
    "canteen_period": _dataset(BOTH, TIERS),
    "colour_day": _dataset(COUNTY, ABOVE_SCHOOL),
    "county_period": _dataset(COUNTY, ABOVE_SCHOOL),
    "delivery": _dataset(COUNTY, ABOVE_SCHOOL),
    "document": _dataset(BOTH, TIERS),
    "finding": _dataset(BOTH, TIERS, "department"),
    "gap": _dataset(COUNTY, ABOVE_SCHOOL),
    "kitchen_day": _dataset(BOTH, TIERS),
    "money_flow": _dataset(BOTH, TIERS),
    "money_line": _dataset(BOTH, TIERS),
    "money_month": _dataset(BOTH, TIERS),
    "name_gap": _dataset(COUNTY, ABOVE_SCHOOL),
    "price_clue": _dataset(BOTH, TIERS, "department"),
    "price_index": _dataset(BOTH, TIERS),
    "price_line": _dataset(BOTH, TIERS),
    "price_supplier": _dataset(COUNTY, ABOVE_SCHOOL),
    "ratio_day": _dataset(BOTH, TIERS),
    "red_line": _dataset(BOTH, TIERS),
    "refused_file": _dataset(COUNTY, ABOVE_SCHOOL),
    "snapshot": _dataset((), TIERS),
    "stock": _dataset(BOTH, TIERS),
    "video_event": _dataset(BOTH, TIERS),
    "video_precision": _dataset(BOTH, TIERS),
}
"""Every dataset of the cockpit; one without scope columns has the same rows for everybody."""

# One account is one role: the first of this order that it was granted, and of that the grants of one department
# (none first, which stands for all). An analyst of the city reads every county, because analysts have no
# rows but those of their scopes.
_USERS: Final = """
with valid as (
    select *, list_position(['admin', 'steward', 'analyst', 'scheduler', 'city', 'county', 'school'], tier) as place
    from cockpit.access_grant
    where $day between valid_from and valid_to
),
chosen as (
    select *
    from (
        select *, dense_rank() over (partition by username order by place, department nulls first) as n
        from valid
    )
    where n = 1
),
scoped as (
    select username, tier, department, 'county_code' as "column", county_code as "value" from chosen
    union
    select username, tier, department, 'school_id', school_id from chosen
    union
    select c.username, c.tier, c.department, 'county_code', k.county_code
    from chosen as c
    cross join (select distinct county_code from cockpit.county_period) as k
    where c.tier = 'analyst' and c.county_code is null and c.school_id is null
)
select
    username, tier, department,
    coalesce(
        list({'column': "column", 'value': "value"} order by "column", "value") filter ("value" is not null), []
    ) as scopes
from scoped
group by username, tier, department
order by username
"""


def write(settings: Settings) -> Path:
    """Write the access file of the newest publication: grants valid today, in a demo on the last day with data.

    Args:
        settings: The data home.

    Returns:
        ``<home>/superset/access.json``, readable by the owner only.

    Raises:
        Permanent: Nothing is published, or the publication lacks a dataset or a column that scopes it.
    """
    with serving.connect(settings) as connection:
        _check(connection)
        day = _today(settings, connection)
        users = connection.execute(_USERS, {"day": day}).pl().to_dicts()
    content = {
        "as_of": day.isoformat(),
        "datasets": DATASETS,
        "dashboards": {tier: [tier, *OFFICE] if tier == "city" else [tier] for tier in TIERS},
        "users": users,
    }
    return _write_private(
        settings.home / "superset" / "access.json", json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    )


def _today(settings: Settings, connection: duckdb.DuckDBPyConnection) -> dt.date:
    if settings.profile != "demo":
        return dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
    ((as_of,),) = connection.execute("select as_of from cockpit.snapshot").fetchall()
    return dt.date.fromisoformat(str(as_of))


def _check(connection: duckdb.DuckDBPyConnection) -> None:
    """A rule about a column that is not there would protect nothing."""
    published = set(
        connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'cockpit'"
        ).fetchall()
    )
    wanted = {("access_grant", "username"), *((name, "snapshot_id") for name in DATASETS)}
    for name, dataset in DATASETS.items():
        named = [*dataset["scoped_by"], dataset["department_column"]]
        wanted.update((name, column) for column in named if column is not None)
    missing = sorted(f"{name}.{column}" for name, column in wanted - published)
    if missing:
        raise Permanent(f"已发布的快照缺少 {'、'.join(missing)}：请先运行 ./canteen nightly --force 重新发布")


def _write_private(path: Path, text: str) -> Path:
    """Replace a file that only its owner may read, at no time readable by others."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    sync_folder(path.parent)
    return path
