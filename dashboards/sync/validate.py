"""Checks an asset tree: dashboard -> chart -> dataset -> column -> dbt model, and the rule for metrics.

Belongs here: every check that needs no Superset. Superset's importer accepts most of these faults in
silence (a chart that is missing makes it drop all later ones), so nothing is deployed before this.
``python -m dashboards.sync.validate DIR`` prints every problem and exits with 1 if there is one.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.sync import model

Documents = Mapping[str, Mapping[str, Any]]
_METRIC: Final = re.compile(r"(SUM|MIN|MAX|COUNT)\(([a-z_][a-z0-9_]*)\)")
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")


def problems(tree: Documents, models: Mapping[str, Mapping[str, model.Column]]) -> list[str]:
    """Everything that is wrong with a tree, each as ``file: what and what to do``; empty when sound.

    Args:
        tree: File name -> document.
        models: Columns of the dbt models.
    """
    return [
        *_identities(tree),
        *(line for name, doc in _of(tree, "datasets/") for line in _dataset(name, doc, tree, models)),
        *(line for name, doc in _of(tree, "charts/") for line in _chart(name, doc, tree)),
        *(line for name, doc in _of(tree, "dashboards/") for line in _dashboard(name, doc, tree)),
    ]


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """A tree from its folder."""
    return {
        path.relative_to(folder).as_posix(): yaml.safe_load(path.read_text("utf8"))
        for path in sorted(folder.rglob("*.yaml"))
    }


def main(arguments: list[str]) -> int:
    """Check the tree in a folder; returns the exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print("用法：python -m dashboards.sync.validate <资产目录>", file=sys.stderr)
        return 1
    found = problems(read(Path(arguments[0])), model.models())
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


def _of(tree: Documents, folder: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, doc) for name, doc in sorted(tree.items()) if name.startswith(folder))


def _by_uuid(tree: Documents, folder: str) -> dict[str, Mapping[str, Any]]:
    return {doc["uuid"]: doc for _, doc in _of(tree, folder)}


def _identities(tree: Documents) -> Iterator[str]:
    for folder, field in (
        ("", "uuid"),
        ("datasets/", "table_name"),
        ("charts/", "slice_name"),
        ("dashboards/", "slug"),
    ):
        values = [(name, doc[field]) for name, doc in _of(tree, folder) if field in doc]
        counts = Counter(value for _, value in values)
        # Two charts may share a title when no dashboard shows both: `_dashboard` looks at that.
        if field != "slice_name":
            yield from (
                f"{name}: {field} {value} 重复：每个资产须唯一" for name, value in values if counts[value] > 1
            )


def _dataset(
    name: str, doc: Mapping[str, Any], tree: Documents, models: Mapping[str, Mapping[str, model.Column]]
) -> Iterator[str]:
    table = doc["table_name"]
    if doc["database_uuid"] not in _by_uuid(tree, "databases/"):
        yield f"{name}: 所属数据库不存在"
    if table not in models:
        yield f"{name}: dbt 中没有驾驶舱模型 {table}：请在 dbt_project/models/cockpit/schema.yml 中登记或删去该数据集"
        return
    columns = {column["column_name"] for column in doc["columns"]}
    if not columns:
        yield f"{name}: 已发布的快照中没有 cockpit.{table}：请运行 ./canteen nightly --force 重新发布"
        return
    for column in sorted(columns - set(models[table])):
        yield f"{name}: 列 {column} 不在 dbt 模型 {table} 中：请在 schema.yml 中登记"
    for column in sorted(columns & set(models[table])):
        if not _CHINESE.search(models[table][column].label):
            yield f"{name}: 列 {column} 没有中文名：请在 schema.yml 的 description 中写明"
    labels = Counter(models[table][column].label for column in columns & set(models[table]))
    yield from (
        f"{name}: 中文名 {label} 用于 {times} 列：导出 Excel 会失败，请在 schema.yml 中区分"
        for label, times in sorted(labels.items())
        if times > 1
    )
    if doc["main_dttm_col"] not in columns:
        yield f"{name}: 时间列 {doc['main_dttm_col']} 不存在"
    for metric, times in Counter(metric["metric_name"] for metric in doc["metrics"]).items():
        if times > 1:
            yield f"{name}: 指标 {metric} 重复"
    for metric in doc["metrics"]:
        yield from (f"{name}: {line}" for line in _metric(metric, columns))


def _metric(metric: Mapping[str, Any], columns: set[str]) -> Iterator[str]:
    matched = _METRIC.fullmatch(metric["expression"])
    if matched is None:
        yield (
            f"指标 {metric['metric_name']} 的公式 {metric['expression']!r} 不允许："
            "只可对一列求和、最小、最大或计数，其余公式写在 dbt 模型里"
        )
    elif matched[2] not in columns:
        yield f"指标 {metric['metric_name']} 用到不存在的列 {matched[2]}"
    if not _CHINESE.search(metric["verbose_name"] or ""):
        yield f"指标 {metric['metric_name']} 没有中文名"


def _chart(name: str, doc: Mapping[str, Any], tree: Documents) -> Iterator[str]:
    if not _CHINESE.search(doc["slice_name"] or ""):
        yield f"{name}: 图表没有中文标题"
    dataset = _by_uuid(tree, "datasets/").get(doc["dataset_uuid"])
    if dataset is None:
        yield f"{name}: 所用数据集不存在：请检查 charts.yaml 的 dataset"
        return
    table = dataset["table_name"]
    columns = {column["column_name"] for column in dataset["columns"]}
    metrics = {metric["metric_name"] for metric in dataset["metrics"]}
    for metric in sorted(_metrics_used(doc) - metrics - columns):
        yield f"{name}: 数据集 {table} 没有指标 {metric}：请检查 metrics.yaml"
    for column in sorted(_columns_used(doc) - columns):
        yield f"{name}: 数据集 {table} 没有列 {column}"
    if not doc.get("query_context"):
        yield f"{name}: 缺少 query_context，接口 /api/v1/chart/<id>/data/ 将不可用"


def _metrics_used(doc: Mapping[str, Any]) -> set[str]:
    params = doc["params"]
    query = json.loads(doc["query_context"])["queries"][0] if doc.get("query_context") else {}
    single = (params.get("metric"), params.get("timeseries_limit_metric"), params.get("series_limit_metric"))
    named = [*single, *params.get("metrics", []), *(query.get("metrics") or [])]
    ordered = [order for order, _ in query.get("orderby", [])]
    return {metric for metric in [*named, *ordered] if metric}


def _columns_used(doc: Mapping[str, Any]) -> set[str]:
    params = doc["params"]
    query = json.loads(doc["query_context"])["queries"][0] if doc.get("query_context") else {}
    groups = params.get("groupby", [])
    used = [
        *([groups] if isinstance(groups, str) else groups),
        *params.get("all_columns", []),
        *(params[key] for key in ("x_axis", "line_column", "source", "target") if key in params),
        *(where["subject"] for where in params.get("adhoc_filters", [])),
        *(item["column_name"] for item in params.get("tooltip_contents", [])),
        *(item["col"] for item in query.get("filters", [])),
        *(item["label"] if isinstance(item, Mapping) else item for item in query.get("columns", [])),
    ]
    return set(used)


def _dashboard(name: str, doc: Mapping[str, Any], tree: Documents) -> Iterator[str]:
    if not _CHINESE.search(doc["dashboard_title"] or ""):
        yield f"{name}: 看板没有中文标题"
    charts = _by_uuid(tree, "charts/")
    nodes = {key: node for key, node in doc["position"].items() if isinstance(node, Mapping)}
    placed = [node["meta"] for node in nodes.values() if node["type"] == "CHART"]
    if not placed:
        yield f"{name}: 看板上没有图表"
    for meta in placed:
        if meta["uuid"] not in charts:
            yield f"{name}: 图表 {meta['sliceName']} 不存在（Superset 会不声不响地丢掉其后的全部图表）"
    for uuid, times in Counter(meta["uuid"] for meta in placed).items():
        if times > 1:
            yield f"{name}: 图表 {charts.get(uuid, {}).get('slice_name')} 出现 {times} 次：筛选器只认第一处"
    titles = Counter(
        charts[uuid]["slice_name"] for uuid in {meta["uuid"] for meta in placed} if uuid in charts
    )
    yield from (f"{name}: 标题 {title} 用于多个图表" for title, times in titles.items() if times > 1)
    numbers = {meta["uuid"]: meta["chartId"] for meta in placed}
    if len(set(numbers.values())) != len(numbers):
        yield f"{name}: chartId 重复"
    for key, node in nodes.items():
        yield from (
            f"{name}: {key} 的下级 {child} 不存在" for child in node.get("children", []) if child not in nodes
        )
        if node["type"] == "ROW":
            width = sum(nodes[child]["meta"]["width"] for child in node["children"] if child in nodes)
            if width > 12:
                yield f"{name}: {key} 的宽度合计 {width}，超过12列"
    yield from (f"{name}: {line}" for line in _filters(doc["metadata"]["native_filter_configuration"], tree))


def _filters(filters: list[Mapping[str, Any]], tree: Documents) -> Iterator[str]:
    datasets = _by_uuid(tree, "datasets/")
    ids = {entry["id"] for entry in filters}
    if len(ids) != len(filters):
        yield "筛选器编号重复"
    for entry in filters:
        for target in entry["targets"]:
            dataset = datasets.get(target["datasetUuid"])
            if dataset is None:
                yield f"筛选器 {entry['name']} 的数据集不存在"
                continue
            if target["column"]["name"] not in {column["column_name"] for column in dataset["columns"]}:
                yield f"筛选器 {entry['name']} 用到 {dataset['table_name']} 中不存在的列 {target['column']['name']}"
            sort = entry.get("sortMetric")
            if sort and sort not in {metric["metric_name"] for metric in dataset["metrics"]}:
                yield f"筛选器 {entry['name']} 的排序指标 {sort} 不存在"
        for parent in entry["cascadeParentIds"]:
            if parent not in ids:
                yield f"筛选器 {entry['name']} 的上级筛选器不存在"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
