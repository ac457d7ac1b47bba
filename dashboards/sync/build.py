"""Builds Superset's asset tree from the definitions: the same bytes for the same input.

Belongs here: putting definitions, labels and types together and writing the files. Does not belong
here: reading dbt and the snapshot (``model``), kinds of chart (``charts``), the grid (``layout``),
the checks (``validate``).
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.sync import charts, layout, map_labels, model, validate
from warehouse.errors import Permanent
from warehouse.settings import ROOT, Settings

DEFINITIONS: Final = ROOT / "dashboards" / "definitions"
DATABASE: Final = "canteen"
TIERS: Final = ("city", "county", "school")
VERSION: Final = "1.0.0"
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "canteen-lakehouse.invalid")
_STAMP: Final = "2026-01-01T00:00:00+00:00"  # fixed: the tree depends on its input alone
AGGREGATES: Final = {"sum": "SUM", "min": "MIN", "max": "MAX", "count": "COUNT"}
Tree = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Sources:
    """All that the tree is made of.

    Attributes:
        datasets: ``datasets.yaml``.
        metrics: ``metrics.yaml``.
        charts: ``charts.yaml``.
        dashboards: ``dashboards.yaml``.
        css: ``cockpit.css``.
        models: Columns of the dbt models.
        types: DuckDB types of the published columns.
        uri: Address of the serving file for SQLAlchemy.
        map: The published map; titles may name its note as ``{map_note}``.
    """

    datasets: Mapping[str, Any]
    metrics: Mapping[str, Any]
    charts: Mapping[str, Any]
    dashboards: Mapping[str, Any]
    css: str
    models: Mapping[str, Mapping[str, model.Column]]
    types: Mapping[str, Mapping[str, str]]
    uri: str
    map: model.Map

    def title(self, chart: str) -> str:
        """Chinese title of a chart."""
        return str(self.charts[chart]["title"]).format(map_note=self.map.note)


def identity(kind: str, name: str) -> str:
    """Stable identity of an asset: the same in every data home and every build."""
    return str(uuid.uuid5(_SPACE, f"{kind}/{name}"))


def build(settings: Settings) -> Path:
    """Write ``<home>/superset/assets`` anew and return it.

    Raises:
        Permanent: Nothing has been published, or a definition names what does not exist; every
            fault is in the message. The tree that was there stays.
    """
    found = sources(settings)
    tree = assets(found)
    problems = validate.problems(tree, found.models)
    if problems:
        raise Permanent("驾驶舱定义有误，未生成：\n" + "\n".join(problems))
    target = settings.home / "superset" / "assets"
    draft = target.with_name(".assets.tmp")
    shutil.rmtree(draft, ignore_errors=True)
    (settings.home / "superset").mkdir(mode=0o700, exist_ok=True)
    for name, document in sorted(tree.items()):
        path = draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump(document), "utf8")
        os.utime(path, (0, 0))
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)
    return target


def sources(settings: Settings) -> Sources:
    """Read the definitions, the dbt project and the published snapshot.

    Raises:
        Permanent: Nothing has been published.
    """
    return Sources(
        **definitions(),
        models=model.models(),
        types=model.types(settings),
        uri=f"duckdb:///{settings.serving}",
        map=model.county_map(settings),
    )


def definitions(folder: Path = DEFINITIONS) -> dict[str, Any]:
    """The readable definitions, by the names that ``Sources`` has for them."""
    read = {
        name: yaml.safe_load((folder / f"{name}.yaml").read_text("utf8"))
        for name in ("datasets", "metrics", "charts", "dashboards")
    }
    return {**read, "css": (folder / "cockpit.css").read_text("utf8")}


def dump(document: Mapping[str, Any]) -> str:
    """YAML text of a document, always the same for the same content."""
    return yaml.dump(dict(document), Dumper=_Plain, allow_unicode=True, sort_keys=True, width=1000)


class _Plain(yaml.SafeDumper):
    """Writes shared parts in full: Superset's reader needs no anchors, and people none either."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def assets(source: Sources) -> Tree:
    """The whole tree, file name -> document.

    Raises:
        Permanent: A definition has a part that is unknown or lacks one that is needed.
    """
    tree: Tree = {
        "metadata.yaml": {"version": VERSION, "type": "assets", "timestamp": _STAMP},
        f"databases/{DATABASE}.yaml": _database(source.uri),
    }
    for name, spec in source.datasets.items():
        tree[f"datasets/{DATABASE}/{name}.yaml"] = _dataset(name, spec, source)
    for name, spec in source.charts.items():
        tree[f"charts/{name}.yaml"] = _chart(name, spec, source)
    for tier in TIERS:
        tree[f"dashboards/{tier}.yaml"] = _dashboard(tier, source)
    return tree


def _database(uri: str) -> dict[str, Any]:
    locked = {
        "autoload_known_extensions": False,
        "enable_external_access": False,
        "lock_configuration": True,
        "memory_limit": "1GB",
        "threads": 2,
    }
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": uri,
        "uuid": identity("database", DATABASE),
        "version": VERSION,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {
            "allows_virtual_table_explore": False,
            "metadata_params": {},
            "metadata_cache_timeout": {},
            "schemas_allowed_for_csv_upload": [],
            "engine_params": {"connect_args": {"read_only": True, "config": locked}},
        },
    }


def _dataset(name: str, spec: Mapping[str, Any], source: Sources) -> dict[str, Any]:
    known, kinds = source.models.get(name, {}), source.types.get(name, {})
    return {
        "table_name": name,
        "schema": model.SCHEMA,
        "description": spec["label"],
        "main_dttm_col": spec["time"],
        "uuid": identity("dataset", name),
        "database_uuid": identity("database", DATABASE),
        "version": VERSION,
        "cache_timeout": None,
        "default_endpoint": None,
        "extra": None,
        "fetch_values_predicate": None,
        "filter_select_enabled": True,
        "normalize_columns": False,
        "always_filter_main_dttm": False,
        "offset": 0,
        "params": None,
        "sql": None,
        "template_params": None,
        "columns": [_column(column, kind, known.get(column)) for column, kind in kinds.items()],
        "metrics": [_metric(name, key, metric) for key, metric in source.metrics.get(name, {}).items()],
    }


def _column(name: str, kind: str, known: model.Column | None) -> dict[str, Any]:
    return {
        "column_name": name,
        "verbose_name": known.label if known else None,
        "description": known.description if known else None,
        "type": kind,
        "is_dttm": kind == "DATE" or kind.startswith("TIMESTAMP"),
        "is_active": True,
        "groupby": True,
        "filterable": True,
        "expression": None,
        "python_date_format": None,
        "extra": None,
    }


def metric_name(spec: Mapping[str, Any]) -> str:
    """Superset's name of a metric: by construction not the name of a column, whose label would hide its own.

    Where a chart shows the name and not the label, ``name`` says the one to show.
    """
    return str(spec.get("name") or f"{spec['of']}_{spec['column']}")


def _metric(dataset: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    function = AGGREGATES.get(spec["of"])
    if function is None:
        raise Permanent(
            f"指标 {dataset}.{name} 的算法 {spec['of']!r} 不允许：只可为 {'、'.join(AGGREGATES)}，公式写在 dbt 模型里"
        )
    return {
        "metric_name": metric_name(spec),
        "verbose_name": spec["label"],
        "expression": f"{function}({spec['column']})",
        "d3format": spec["format"],
        "description": None,
        "metric_type": None,
        "warning_text": None,
        "currency": None,
        "extra": {},
    }


def _named(spec: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A chart's definition with its metrics under Superset's names; what is no metric stays as it is."""

    def name(key: str) -> str:
        bare = key.removeprefix("-")
        return key if bare not in metrics else key.replace(bare, metric_name(metrics[bare]))

    named = dict(spec)
    if "metric" in spec:
        named["metric"] = name(spec["metric"])
    if "metrics" in spec:
        named["metrics"] = [name(key) for key in spec["metrics"]]
    if isinstance(spec.get("sort"), str):
        named["sort"] = name(spec["sort"])
    return named


def _chart(name: str, spec: Mapping[str, Any], source: Sources) -> dict[str, Any]:
    missing = [part for part in ("title", "dataset") if part not in spec]
    if missing:
        raise Permanent(
            f"图表 {name} 缺少 {'、'.join(missing)}：请在 dashboards/definitions/charts.yaml 中补上"
        )
    dataset = spec["dataset"]
    metrics = source.metrics.get(dataset, {})
    formats = {metric_name(metric): metric["format"] for metric in metrics.values()}
    viz, params, query = charts.draw(name, _named(spec, metrics), formats, source.dashboards["colours"])
    first = source.datasets.get(dataset, {}).get("first", {})
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "queries": [
            {
                "annotation_layers": [],
                "applied_time_extras": {},
                "columns": [],
                "custom_form_data": {},
                "custom_params": {},
                "extras": {},
                "metrics": None,
                "order_desc": True,
                "orderby": [],
                "row_limit": params.get("row_limit", 1000),
                "series_limit": 0,
                "url_params": {},
                **query,
                "filters": [
                    *query["filters"],
                    *({"col": column, "op": "==", "val": value} for column, value in first.items()),
                ],
            }
        ],
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": source.title(name),
        "viz_type": viz,
        "params": {**params, "viz_type": viz, "datasource": "0__table"},
        "query_context": json.dumps(context, ensure_ascii=False, sort_keys=True),
        "dataset_uuid": identity("dataset", dataset),
        "uuid": identity("chart", name),
        "version": VERSION,
        "cache_timeout": None,
        "certification_details": None,
        "certified_by": None,
        "description": None,
        "is_managed_externally": True,
    }


def _label_colours(source: Sources) -> dict[str, str]:
    """Colours by word, and by the metric whose label the word is or its column: charts look up any of them."""
    colours = dict(source.dashboards["colours"])
    named = {
        name: colours[metric["label"]]
        for metrics in source.metrics.values()
        for metric in metrics.values()
        if metric["label"] in colours
        for name in (metric_name(metric), metric["column"])
    }
    return {**colours, **named}


def _dashboard(tier: str, source: Sources) -> dict[str, Any]:
    definition = source.dashboards
    keys = layout.placed(definition, tier)
    unknown = [key for key in keys if key not in source.charts]
    if unknown:
        raise Permanent(
            f"看板 {tier} 用到未定义的图表：{'、'.join(unknown)}（dashboards/definitions/charts.yaml）"
        )
    numbers = {key: number for number, key in enumerate(sorted(source.charts), start=1)}
    titles = {key: source.title(key) for key in keys}
    maps = [key for key in keys if source.charts[key]["kind"] == "map"]
    whole = [key for key in keys if source.charts[key].get("whole")]

    def lacking(column: str) -> list[int]:
        return [
            numbers[key]
            for key in keys
            if column not in source.types.get(source.charts[key]["dataset"], {})
            or (key in whole and column in definition["places"])
        ]

    return {
        "dashboard_title": definition["titles"][tier],
        "slug": tier,
        "css": source.css + (map_labels.css(source.map.cells) if maps else ""),
        "uuid": identity("dashboard", tier),
        "version": VERSION,
        "published": True,
        "certification_details": "",
        "certified_by": "",
        "description": None,
        "is_managed_externally": True,
        "position": layout.position(definition, tier, numbers, identity, titles),
        "metadata": {
            "chart_configuration": {},
            "color_scheme": "",
            "color_scheme_domain": [],
            "cross_filters_enabled": True,
            "default_filters": "{}",
            "expanded_slices": {},
            "filter_bar_orientation": "HORIZONTAL",
            "global_chart_configuration": {
                "scope": {"rootPath": ["ROOT_ID"], "excluded": [numbers[key] for key in whole]},
                "chartsInScope": [numbers[key] for key in keys if key not in whole],
            },
            "label_colors": _label_colours(source),
            "native_filter_configuration": layout.filters(definition, tier, identity, lacking),
            "refresh_frequency": 0,
            "shared_label_colors": [],
            "timed_refresh_immune_slices": [],
        },
    }
