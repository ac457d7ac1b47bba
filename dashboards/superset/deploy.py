"""Putting the asset tree into Superset.

Belongs here: the checks that Superset's importer leaves out, the import, and what is there but not in
the tree. A chart that a dashboard places and the tree lacks would make the importer drop every later
chart without a word; such a tree is refused whole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import yaml
from superset import db
from superset.commands.importers.v1.assets import ImportAssetsCommand
from superset.connectors.sqla.models import SqlaTable, SqlMetric, TableColumn
from superset.models.core import Database
from superset.models.dashboard import Dashboard, dashboard_slices
from superset.models.slice import Slice
from superset.utils.core import override_user

from dashboards.superset import security

KINDS: Final = {
    "databases": (Database, "database_name"),
    "datasets": (SqlaTable, "table_name"),
    "charts": (Slice, "slice_name"),
    "dashboards": (Dashboard, "dashboard_title"),
}
LABELS: Final = {"databases": "数据库", "datasets": "数据集", "charts": "图表", "dashboards": "看板"}
# What a deployment decides; numbers and times of change are left out.
_DECIDED: Final = (
    (Database, ("uuid", "database_name", "sqlalchemy_uri", "extra", "expose_in_sqllab", "allow_dml",
                "allow_ctas", "allow_cvas", "allow_file_upload")),
    (SqlaTable, ("uuid", "table_name", "schema", "sql", "main_dttm_col", "description")),
    (TableColumn, ("uuid", "table_id", "column_name", "verbose_name", "type", "expression", "is_dttm")),
    (SqlMetric, ("uuid", "table_id", "metric_name", "verbose_name", "expression", "d3format")),
    (Slice, ("uuid", "slice_name", "viz_type", "params", "query_context", "datasource_id")),
    (Dashboard, ("uuid", "dashboard_title", "slug", "published", "css", "position_json", "json_metadata")),
)  # fmt: skip


class AssetError(Exception):
    """The tree cannot be deployed; the message lists every fault, in Chinese."""


def deploy(root: Path) -> dict[str, list[str]]:
    """Import a tree of assets, all or nothing.

    Args:
        root: Folder with `metadata.yaml`.

    Returns:
        Names of what Superset has and the tree has not, by kind.

    Raises:
        AssetError: The tree contradicts itself, or Superset refused it.
    """
    texts = {str(path.relative_to(root)): path.read_text("utf8") for path in sorted(root.rglob("*.yaml"))}
    documents = {name: yaml.safe_load(text) for name, text in texts.items()}
    faults = contradictions(documents)
    if faults:
        raise AssetError("；".join(faults))
    with override_user(security.ensure_actor()):
        try:
            ImportAssetsCommand(texts).run()
        except Exception as error:
            db.session.rollback()
            tell = getattr(error, "normalized_messages", None)
            raise AssetError(f"Superset 拒绝导入：{tell() if tell else error}") from error
    return orphans(documents)


def contradictions(documents: dict[str, Any]) -> list[str]:
    """What the documents of a tree say that cannot be."""
    faults = []
    kinds: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for name, document in documents.items():
        kind = name.split("/")[0]
        if kind in kinds:
            if document["uuid"] in {one for found in kinds.values() for one in found}:
                faults.append(f"{name}：uuid 重复")
            kinds[kind][document["uuid"]] = document
    for name, document in documents.items():
        if name.startswith("datasets/") and document["database_uuid"] not in kinds["databases"]:
            faults.append(f"{name}：数据库不存在")
        if name.startswith("charts/") and document["dataset_uuid"] not in kinds["datasets"]:
            faults.append(f"{name}：数据集不存在")
        if name.startswith("dashboards/"):
            placed = {node["meta"]["uuid"] for node in _placed(document)}
            faults.extend(f"{name}：图表 {one} 不存在" for one in sorted(placed - set(kinds["charts"])))
    return faults


def orphans(documents: dict[str, Any]) -> dict[str, list[str]]:
    """Names of what Superset has and the documents have not, by kind in Chinese."""
    found = {}
    for kind, (model, title) in KINDS.items():
        wanted = {document["uuid"] for name, document in documents.items() if name.startswith(f"{kind}/")}
        names = sorted(getattr(one, title) for one in db.session.query(model) if str(one.uuid) not in wanted)
        if names:
            found[LABELS[kind]] = names
    return found


def state() -> list[tuple[Any, ...]]:
    """Everything that a deployment decides, to tell whether somebody changed it since."""
    queries = [sa.select(*(getattr(model, name) for name in names)) for model, names in _DECIDED]
    queries.append(sa.select(dashboard_slices.c.dashboard_id, dashboard_slices.c.slice_id))
    return [
        row
        for query in queries
        for row in sorted((tuple(one) for one in db.session.execute(query)), key=repr)
    ]


def _placed(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        node
        for node in dashboard["position"].values()
        if isinstance(node, dict) and node.get("type") == "CHART"
    ]
