"""Where charts stand on a dashboard, and its filters.

Belongs here: Superset's position tree and native filters of one tier. Does not belong here: charts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

Spec = Mapping[str, Any]
COLUMNS: Final = 12


def shown(entries: Sequence[Spec], tier: str) -> list[Spec]:
    """Those that stand on the dashboard of a tier."""
    return [entry for entry in entries if tier in entry.get("only", [tier])]


def placed(definition: Spec, tier: str) -> list[str]:
    """Charts of a tier's dashboard, each once, in reading order."""
    keys = (key for tab in definition["tabs"] for row in shown(tab["rows"], tier) for key in _charts(row))
    return list(dict.fromkeys(keys))


def _charts(row: Spec) -> Iterator[str]:
    for cell in row["cells"]:
        yield from (key for key, _ in cell["stack"]) if isinstance(cell, Mapping) else (cell[0],)


def position(
    definition: Spec,
    tier: str,
    numbers: Mapping[str, int],
    uuid: Callable[[str, str], str],
    names: Mapping[str, str],
) -> dict[str, Any]:
    """Superset's position tree of a tier's dashboard.

    Args:
        definition: The content of ``dashboards.yaml``.
        tier: city, county or school.
        numbers: Number of each chart inside this dashboard; the importer puts the real ids.
        uuid: Identity of an asset by kind and name.
        names: Title of each chart.
    """
    tree: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["TABS"]},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "children": [], "parents": ["ROOT_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": definition["titles"][tier]}},
        "TABS": {"id": "TABS", "type": "TABS", "meta": {}, "children": [], "parents": ["ROOT_ID"]},
    }

    def add(name: str, kind: str, parents: list[str], meta: Spec) -> list[str]:
        tree[name] = {"id": name, "type": kind, "meta": meta, "children": [], "parents": parents}
        tree[parents[-1]]["children"].append(name)
        return [*parents, name]

    def chart(key: str, width: int, height: int, parents: list[str]) -> None:
        meta = {
            "chartId": numbers[key],
            "height": height,
            "sliceName": names[key],
            "uuid": uuid("chart", key),
            "width": width,
        }
        add(f"CHART-{parents[-1]}-{key}", "CHART", parents, meta)

    for t, tab in enumerate(definition["tabs"]):
        in_tab = add(f"TAB-{t}", "TAB", ["ROOT_ID", "TABS"], {"text": tab["title"]})
        for r, row in enumerate(shown(tab["rows"], tier)):
            in_row = add(f"ROW-{t}-{r}", "ROW", in_tab, {"background": "BACKGROUND_TRANSPARENT"})
            for c, cell in enumerate(row["cells"]):
                if isinstance(cell, Mapping):
                    meta = {"background": "BACKGROUND_TRANSPARENT", "width": cell["width"]}
                    stack = add(f"COLUMN-{t}-{r}-{c}", "COLUMN", in_row, meta)
                    for key, height in cell["stack"]:
                        chart(key, cell["width"], height, stack)
                else:
                    chart(cell[0], cell[1], row["height"], in_row)
    return tree


def filters(
    definition: Spec,
    tier: str,
    uuid: Callable[[str, str], str],
    lacking: Callable[[str], list[int]],
) -> list[dict[str, Any]]:
    """Native filters of a tier's dashboard.

    Args:
        definition: The content of ``dashboards.yaml``.
        tier: city, county or school.
        uuid: Identity of an asset by kind and name.
        lacking: Numbers of the charts whose dataset has no column of a name: the filter leaves them out.
    """
    present = [entry["name"] for entry in shown(definition["filters"], tier)]
    return [
        _filter(entry, [name for name in entry.get("below", []) if name in present], uuid, lacking)
        for entry in shown(definition["filters"], tier)
    ]


def _filter(
    entry: Spec, parents: Sequence[str], uuid: Callable[[str, str], str], lacking: Callable[[str], list[int]]
) -> dict[str, Any]:
    column, single = entry["column"], "first_by" in entry or "value" in entry
    built: dict[str, Any] = {
        "id": _filter_id(entry["name"], uuid),
        "name": entry["name"],
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "targets": [{"column": {"name": column}, "datasetUuid": uuid("dataset", entry["dataset"])}],
        "cascadeParentIds": [_filter_id(name, uuid) for name in parents],
        "controlValues": {
            "defaultToFirstItem": "first_by" in entry,
            "enableEmptyFilter": single,
            "inverseSelection": False,
            "multiSelect": not single,
            "searchAllOptions": not single,
            "sortAscending": True,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "scope": {"rootPath": ["ROOT_ID"], "excluded": lacking(column)},
        "description": "",
    }
    if "first_by" in entry:
        built["sortMetric"] = entry["first_by"]
        built["requiredFirst"] = True
    if "value" in entry:
        built["defaultDataMask"] = {
            "extraFormData": {"filters": [{"col": column, "op": "IN", "val": [entry["value"]]}]},
            "filterState": {"label": entry["value"], "value": [entry["value"]]},
            "ownState": {},
        }
    return built


def _filter_id(name: str, uuid: Callable[[str, str], str]) -> str:
    return f"NATIVE_FILTER-{uuid('filter', name)[:8]}"
