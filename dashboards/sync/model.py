"""What the cockpit's datasets are made of: dbt models, Chinese labels, types of the published snapshot.

Belongs here: reading them. Does not belong here: what is drawn from them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import yaml

from warehouse import serving, vocabulary
from warehouse.errors import Permanent
from warehouse.settings import ROOT, Settings

SCHEMA: Final = "cockpit"
MODELS: Final = ROOT / "dbt_project" / "models" / "cockpit" / "schema.yml"
# Added by the publication to every view, so no dbt model has them.
PUBLICATION: Final = ("snapshot_id", "as_of", "published_at")
_LABEL_ENDS: Final = re.compile(r"[：；，。:;,]")


@dataclass(frozen=True)
class Column:
    """A column of a cockpit table.

    Attributes:
        label: Short Chinese name, the head of a table's column.
        description: The whole description of the dbt project.
    """

    label: str
    description: str


def models(path: Path = MODELS) -> dict[str, dict[str, Column]]:
    """Columns of every cockpit model of the dbt project, with the three that publishing adds.

    Args:
        path: The ``schema.yml`` of the cockpit models.
    """
    added = {name: Column(vocabulary.LABELS[name], vocabulary.LABELS[name]) for name in PUBLICATION}
    found = {"snapshot": dict(added)}
    for model in yaml.safe_load(path.read_text("utf8"))["models"]:
        own = {column["name"]: _column(column) for column in model.get("columns", [])}
        found[model["name"]] = {**own, **added}
    return found


def _column(entry: Mapping[str, Any]) -> Column:
    description = entry.get("description", "")
    return Column(_LABEL_ENDS.split(description, maxsplit=1)[0].strip(), description)


def types(settings: Settings) -> dict[str, dict[str, str]]:
    """DuckDB types of every column of the published cockpit, in the table's order.

    Raises:
        Permanent: Nothing has been published yet.
    """
    with serving.connect(settings) as connection:
        rows = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = ? order by table_name, ordinal_position",
            [SCHEMA],
        ).fetchall()
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in rows:
        found.setdefault(table, {})[column] = kind
    return found


@dataclass(frozen=True)
class Map:
    """The counties as the published map draws them.

    Attributes:
        note: What the map must say of itself: schematic, or the number of its review.
        cells: Name -> ring of (longitude, latitude) in degrees.
    """

    note: str
    cells: Mapping[str, list[tuple[float, float]]]


def county_map(settings: Settings) -> Map:
    """Read the map of the published snapshot.

    Raises:
        Permanent: Nothing has been published yet, or the published counties have no map.
    """
    try:
        with serving.connect(settings) as connection:
            rows = connection.execute(
                "select distinct county_name, cell_json, map_note from cockpit.county_period "
                "where cell_json is not null order by county_name"
            ).fetchall()
    except duckdb.Error as error:
        raise Permanent(
            f"{settings.serving} 读不到县区地图（cockpit.county_period）：请运行 ./canteen nightly --force 重新发布"
        ) from error
    notes = {note for _, _, note in rows}
    if len(notes) != 1:
        raise Permanent(
            f"{settings.serving} 的县区地图说明应恰为一种，现有 {sorted(map(str, notes))}：请重新载入地图"
        )
    return Map(notes.pop(), {name: [(x, y) for x, y in json.loads(ring)] for name, ring, _ in rows})
