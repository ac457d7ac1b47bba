"""Kinds of chart: what Superset must be told to draw one, and the query behind it.

Belongs here: one function per kind. Does not belong here: which charts there are (definitions), nor
where they stand (``layout``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from warehouse import vocabulary
from warehouse.errors import Permanent

Spec = Mapping[str, Any]
Formats = Mapping[str, str]
DAY: Final = "P1D"
_TRANSPARENT: Final = {"r": 0, "g": 0, "b": 0, "a": 0}
_PARTS: Final = {
    "across",
    "bounds",
    "by",
    "colour",
    "columns",
    "dataset",
    "kind",
    "limit",
    "metric",
    "metrics",
    "name",
    "note",
    "scheme",
    "search",
    "series",
    "shape",
    "sort",
    "source",
    "target",
    "title",
    "total",
    "where",
    "whole",
}
# The order of colour_rank.
_RANKS: Final = tuple(vocabulary.VERDICTS[verdict] for verdict in vocabulary.VERDICT_ORDER)


def draw(
    key: str, spec: Spec, formats: Formats, colours: Formats
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Turn one definition into Superset's viz type, parameters and query.

    Args:
        key: Name of the chart.
        spec: Its definition, metrics under Superset's names.
        formats: Number format of each metric of its dataset, by Superset's name of the metric.
        colours: Colour of each word.

    Raises:
        Permanent: The kind is not known, or a part that the kind needs is missing.
    """
    strange = set(spec) - _PARTS
    if strange:
        raise Permanent(
            f"图表 {key} 有不认识的项 {'、'.join(sorted(strange))}：可用 {'、'.join(sorted(_PARTS))}"
        )
    kind = spec.get("kind", "")
    if kind not in KINDS:
        raise Permanent(f"图表 {key} 的种类 {kind!r} 未知：可为 {'、'.join(KINDS)}")
    try:
        viz, params, query = KINDS[kind](spec, formats, colours)
    except KeyError as error:
        raise Permanent(f"图表 {key}（{kind}）缺少 {error}：请在 dashboards/definitions 中补上") from error
    filters = [{"col": column, "op": op, "val": value} for column, op, value in spec.get("where", [])]
    params["adhoc_filters"] = [_filter(*where) for where in spec.get("where", [])]
    return viz, params, {**query, "filters": filters}


def _filter(column: str, op: str, value: Any) -> dict[str, Any]:
    return {
        "clause": "WHERE",
        "comparator": value,
        "expressionType": "SIMPLE",
        "operator": op,
        "subject": column,
    }


def _tile(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    metric = spec["metric"]
    paint = colours[spec["colour"]] if "colour" in spec else None
    params: dict[str, Any] = {
        "metric": metric,
        "header_font_size": 0.5,
        "subtitle": spec.get("note", ""),
        "subtitle_font_size": 0.15,
        "conditional_formatting": [
            {"column": metric, "operator": ">", "targetValue": 0, "colorScheme": paint}
        ]
        if paint
        else [],
    }
    if _is_date(formats.get(metric, ",d")):
        params |= {"time_format": formats.get(metric, ",d"), "force_timestamp_formatting": True}
    else:
        params["y_axis_format"] = formats.get(metric, ",d")
    return "big_number_total", params, {"metrics": [metric]}


def _table(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    metrics, by = spec["metrics"], spec["by"]
    order, ascending = _order(spec["sort"])
    config: dict[str, Any] = {metric: _number(formats.get(metric, ",d")) for metric in metrics}
    config |= {column: _head(shown) for column, shown in spec.get("columns", {}).items()}
    params = {
        **_table_look(spec, config, colours),
        "query_mode": "aggregate",
        "groupby": by,
        "metrics": metrics,
        "timeseries_limit_metric": order,
        "order_desc": not ascending,
    }
    ties = [[column, True] for column in by]  # equal rows stand in the same order every time
    return "table", params, {"columns": by, "metrics": metrics, "orderby": [[order, ascending], *ties]}


def _rows(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    config = {column: _head(shown) for column, shown in spec["columns"].items()}
    sorts = [_order(sort) for sort in spec["sort"]]
    rest = [column for column in spec["columns"] if column not in dict(sorts)]
    # Equal rows stand in the same order every time, and the same ten of them are the worst.
    orderby = [*map(list, sorts), *([column, True] for column in rest)]
    params = {
        **_table_look(spec, config, colours),
        "query_mode": "raw",
        "all_columns": list(spec["columns"]),
        "order_by_cols": [json.dumps(order, ensure_ascii=False) for order in orderby],
    }
    return "table", params, {"columns": list(spec["columns"]), "orderby": orderby}


def _head(shown: str | Spec) -> dict[str, Any]:
    """How a column of a table is written: its head alone, or with format and width in pixels."""
    if isinstance(shown, str):
        return {"customColumnName": shown}
    return {
        "customColumnName": shown["label"],
        **(_number(shown["format"]) if "format" in shown else {}),
        **({"columnWidth": shown["width"]} if "width" in shown else {}),
    }


def _table_look(spec: Spec, config: Mapping[str, Any], colours: Formats) -> dict[str, Any]:
    search = spec.get("search", False)
    return {
        "allow_rearrange_columns": False,
        "column_config": config,
        "conditional_formatting": _painted(spec, colours),
        "include_search": search,
        "page_length": 20 if search else 0,
        "row_limit": spec["limit"],
        "server_pagination": False,
        "show_cell_bars": False,
        "table_timestamp_format": "%Y-%m-%d",
    }


def _painted(spec: Spec, colours: Formats) -> list[dict[str, Any]]:
    """Words that have a colour wear it wherever they stand; shares of a verdict wear it by degree."""
    columns = dict.fromkeys([*spec.get("by", []), *spec.get("columns", {})])
    words = [
        {
            "column": column,
            "operator": "=",
            "targetValue": word,
            "colorScheme": colours[word],
            "objectFormatting": "BACKGROUND_COLOR",
            "useGradient": False,
        }
        for column in columns
        for word in _WORDS.get(column, ())
        if word in colours and word != vocabulary.DIRECTIONS["neutral"]
    ]
    shares = [
        {
            "column": metric,
            "operator": ">",
            "targetValue": 0,
            "colorScheme": colours[word],
            "objectFormatting": "BACKGROUND_COLOR",
            "useGradient": True,
        }
        for metric, word in _SHARES.items()
        if metric in spec.get("metrics", [])
    ]
    return words + shares


_WORDS: Final = {
    "verdict_label": vocabulary.VERDICTS.values(),
    "change_label": vocabulary.VERDICT_CHANGES.values(),
    "direction_label": vocabulary.DIRECTIONS.values(),
}
_SHARES: Final = {
    "max_red_share": "红",
    "max_unknown_share": "未知",
    "sum_rows_quarantined": "隔离",
    "sum_quarantine_open": "隔离",
}


def _line(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    params, query = _series(spec, formats)
    params |= {"truncateYAxis": True, "y_axis_bounds": [None, None], "markerEnabled": False}
    return "echarts_timeseries_line", params, query


def _bar(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    params, query = _series(spec, formats)
    params |= {"stack": "Stack", "orientation": "vertical"}
    return "echarts_timeseries_bar", params, query


def _series(spec: Spec, formats: Formats) -> tuple[dict[str, Any], dict[str, Any]]:
    metrics, axis = spec["metrics"], spec["by"]
    groups = [spec["series"]] if "series" in spec else []
    dated = axis.endswith("_date") or axis in {"period_start", "period_end"}
    limit = spec.get("limit", 0)
    params: dict[str, Any] = {
        "groupby": groups,
        "metrics": metrics,
        "row_limit": 10000,
        "show_legend": True,
        "legendOrientation": "top",
        "legendType": "scroll",
        "rich_tooltip": True,
        "showTooltipTotal": False,  # its label is in no translation
        "x_axis": axis,
        "x_axis_time_format": "%m-%d",
        "tooltipTimeFormat": "%Y-%m-%d",
        "y_axis_format": formats.get(metrics[0], ",d"),
        "show_value": False,
        "sort_series_type": "name",
        "series_limit": limit,
    }
    if limit:
        params |= {"series_limit_metric": metrics[0], "order_desc": False}
    column: Any = axis
    if dated:
        params["time_grain_sqla"] = DAY
        column = {
            "columnType": "BASE_AXIS",
            "expressionType": "SQL",
            "label": axis,
            "sqlExpression": axis,
            "timeGrain": DAY,
        }
    else:
        params |= {"x_axis_sort": metrics[0], "x_axis_sort_asc": False}
    return params, {"columns": [column, *groups], "metrics": metrics, "series_columns": groups}


def _pie(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    metric, by = spec["metric"], spec["by"]
    params = {
        "groupby": [by],
        "metric": metric,
        "donut": True,
        "innerRadius": 27,
        "outerRadius": 42,
        "label_type": "template",
        "label_template": "{name}\n{percent}",
        "labels_outside": True,
        "label_line": True,
        "number_format": formats.get(metric, ",d"),
        "row_limit": 20,
        "show_labels": True,
        "show_labels_threshold": 0,
        "show_legend": False,
        "show_total": spec.get("total", True),
        "sort_by_metric": True,
    }
    return "pie", params, {"columns": [by], "metrics": [metric], "orderby": [[metric, False]]}


def _heat(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    metric, axis, across = spec["metric"], spec["by"], spec["across"]
    params = {
        "x_axis": axis,
        "time_grain_sqla": DAY,
        "groupby": across,
        "metric": metric,
        "sort_x_axis": "alpha_asc",
        "sort_y_axis": "alpha_desc",
        "normalize_across": "heatmap",
        "linear_color_scheme": spec["scheme"],
        # Its text is dark on dark and no theme reaches it: the title says what the colours mean.
        "show_legend": False,
        "show_percentage": False,
        "show_values": False,
        "y_axis_format": formats.get(metric, ",d"),
        "x_axis_time_format": "%m-%d",
        "xscale_interval": -1,
        "yscale_interval": -1,
        "left_margin": 10,
        "bottom_margin": 10,
        "value_bounds": spec.get("bounds", [None, None]),
        "row_limit": 10000,
    }
    return "heatmap_v2", params, {"columns": [axis, across], "metrics": [metric]}


def _flow(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """A picture of flows from node to node, which must not lead back to a node that they came from."""
    source, target, metric = spec["source"], spec["target"], spec["metric"]
    params = {
        "source": source,
        "target": target,
        "metric": metric,
        "row_limit": 100,
        "sort_by_metric": False,
    }
    return "sankey_v2", params, {"columns": [source, target], "metrics": [metric]}


def _map(spec: Spec, formats: Formats, colours: Formats) -> tuple[str, dict[str, Any], dict[str, Any]]:
    metric, shape, name = spec["metric"], spec["shape"], spec["name"]
    params = {
        "line_column": shape,
        "line_type": "json",
        "metric": metric,
        "mapbox_style": "",
        "color_scheme_type": "color_breakpoints",
        "color_breakpoints": [
            {"id": rank, "minValue": rank, "maxValue": rank, "color": _rgb(colours[word])}
            for rank, word in enumerate(_RANKS, start=1)
        ],
        "default_breakpoint_color": _rgb(colours["未知"]),
        "fill_color_picker": _TRANSPARENT,
        "stroke_color_picker": {"r": 255, "g": 255, "b": 255, "a": 1},
        "filled": True,
        "stroked": True,
        "extruded": False,
        "multiplier": 1,
        "line_width": 2,
        "line_width_unit": "pixels",
        "opacity": 90,
        "autozoom": True,
        "legend_position": None,
        "reverse_long_lat": False,
        "row_limit": 1000,
        "js_columns": [],
        "tooltip_contents": [{"item_type": "column", "column_name": name}],
        "viewport": {"longitude": 0, "latitude": 0, "zoom": 6, "bearing": 0, "pitch": 0},
    }
    return "deck_polygon", params, {"columns": [name, shape], "metrics": [metric]}


def _order(sort: str) -> tuple[str, bool]:
    return sort.removeprefix("-"), not sort.startswith("-")


def _number(form: str) -> dict[str, Any]:
    return {"d3TimeFormat" if _is_date(form) else "d3NumberFormat": form}


def _is_date(form: str) -> bool:
    return form.startswith("%")


def _rgb(colour: str) -> dict[str, int]:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return {"r": red, "g": green, "b": blue, "a": 1}


KINDS: Final[Mapping[str, Callable[[Spec, Formats, Formats], tuple[str, dict[str, Any], dict[str, Any]]]]] = {
    "tile": _tile,
    "table": _table,
    "rows": _rows,
    "line": _line,
    "bar": _bar,
    "pie": _pie,
    "heat": _heat,
    "flow": _flow,
    "map": _map,
}
