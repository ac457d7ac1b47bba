"""What a dashboard shows first: its opening tab as figures, tables and drawings inside the page itself.

Superset's page is a program that draws after seconds; this lies over it with the same figures at the same
places until its charts are drawn, and goes at the first touch. Belongs here: which saved questions
the opening tab asks for the user who opens it (``questions`` answers them under the user's rules), and drawing
the answers. Does not belong here: which charts there are (definitions); anything that reacts.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from flask import current_app, g, request
from flask_login import current_user
from markupsafe import Markup
from superset.exceptions import SupersetSecurityException

from dashboards.superset import questions, theme
from dashboards.superset.questions import Rows

LOG: Final = logging.getLogger("canteen")
PLAIN: Final = frozenset({"snapshot", "standalone", "theme"})
"""Words of an address that change none of the figures; with any other the page is drawn by Superset alone."""
_CELL: Final = 8
"""Pixels of a unit of height on Superset's grid."""
_TILE: Final = "big_number_total"
_WIDTH, _HEIGHT = 600, 150
_STYLE, _SCRIPT = (
    Markup((Path(__file__).parent / name).read_text("utf8"))  # noqa: S704
    for name in ("first_view.css", "first_view.js")
)  # our own files, inside the page: nothing has to be fetched before it is painted
_FRAME: Final = Markup(
    '<div id="first-view" class="{theme}" aria-hidden="true"><style>{style}</style>{body}</div>'
    '<script nonce="{nonce}">{script}</script>'
)
_LATER: Final = {
    '<script src="/static/assets/': '<script data-src="/static/assets/',
    '<link rel="stylesheet" type="text/css" href="/static/assets/': '<link rel="stylesheet" data-href="/static/assets/',
}
"""How the page loads Superset's program and its style, for which a browser would wait before it paints anything;
first_view.js does it instead, once the first view is painted."""


def begin(slug: str) -> None:
    """Ask what the first view shows, so that DuckDB answers while Superset makes the page around it.

    Nothing where an address asks for more. Whether the user is given the page is Superset's to say afterwards; without
    it nobody sees the answers.
    """
    if not current_user.is_authenticated or set(request.args) - PLAIN:
        return
    try:
        g.canteen_first_view = _open(slug)
    except SupersetSecurityException:  # Superset refuses the page in its own words
        return
    except Exception:  # the charts themselves come all the same
        LOG.exception("首屏没有查询：%s", slug)


def place(html: str, slug: str) -> str:
    """The page with its first view in front of the program; unchanged where none was begun."""
    if "canteen_first_view" not in g:
        return html
    try:
        body = Markup("").join(_draw(g.canteen_first_view))
    except Exception:  # the charts themselves come all the same
        LOG.exception("首屏没有画出：%s", slug)
        return html
    nonce = current_app.jinja_env.globals["csp_nonce"]()  # type: ignore[operator]
    frame = _FRAME.format(theme=theme.chosen(), style=_STYLE, body=body, nonce=nonce, script=_SCRIPT)
    for now, later in _LATER.items():
        html = html.replace(now, later)
    head, found, rest = html.partition("<body")
    opening, end, page = rest.partition(">")
    return f"{head}{found}{opening}{end}{frame}{page}"


@dataclass(frozen=True)
class _Chart:
    """A chart of the opening tab: its number, kind, title, height in pixels and looks."""

    number: int
    kind: str
    title: str
    height: int
    shown: _Shown


@dataclass(frozen=True)
class _Tab:
    """The opening tab of a dashboard whose questions have been asked; holds nothing of Superset's session, which
    forgets what it has read when it notes the visit.

    Attributes:
        title: Of the dashboard.
        tabs: Titles of all tabs.
        rows: Width and charts of each cell, row by row.
        answers: Waits for the answers by number of the chart.
    """

    title: str
    tabs: Sequence[str]
    rows: Sequence[Sequence[tuple[int, Sequence[_Chart]]]]
    answers: Callable[[], dict[int, Rows]]


def _open(slug: str) -> _Tab:
    """Look up the opening tab and ask its questions.

    Raises:
        SupersetSecurityException: The user may not see the dashboard.
    """
    from superset import db
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    dashboard = Dashboard.get(slug)
    dashboard.raise_for_access()
    tree = json.loads(dashboard.position_json)
    colours = json.loads(dashboard.json_metadata).get("label_colors", {})
    tabs = tree["TABS"]["children"]
    rows = [_cells(tree, row) for row in tree[tabs[0]]["children"]]
    numbers = [meta["chartId"] for row in rows for _, stack in row for meta in stack]
    charts = {one.id: one for one in db.session.query(Slice).filter(Slice.id.in_(numbers))}
    answers = _ask([charts[number] for number in numbers])

    def chart(meta: Mapping[str, Any]) -> _Chart:
        one = charts[meta["chartId"]]
        return _Chart(one.id, one.viz_type, one.slice_name, meta["height"] * _CELL, _Shown(one, colours))

    return _Tab(
        dashboard.dashboard_title,
        [tree[tab]["meta"]["text"] for tab in tabs],
        [[(width, [chart(meta) for meta in stack]) for width, stack in row] for row in rows],
        answers,
    )


def _draw(tab: _Tab) -> Iterator[Markup]:
    """The opening tab, row by row."""
    titles = Markup(" ").join(Markup("<b>{}</b>").format(title) for title in tab.tabs)
    yield Markup('<header><img src="{}" alt=""><h1>{}</h1><nav>{}</nav></header>').format(
        theme.LOGO, tab.title, titles
    )
    answers = tab.answers()
    for row in tab.rows:
        yield Markup('<div class="row">')
        for width, stack in row:
            yield Markup('<div class="stack" style="flex:{} 1 0">').format(width)
            for one in stack:
                drawn = _DRAWN[one.kind](one.shown, answers[one.number])
                yield Markup('<section class="{}" style="height:{}px"><h2>{}</h2>{}</section>').format(
                    one.kind, one.height, one.title, drawn
                )
            yield Markup("</div>")
        yield Markup("</div>")


def _cells(tree: Mapping[str, Any], row: str) -> list[tuple[int, list[Mapping[str, Any]]]]:
    """Width and charts of each cell of a row."""
    nodes = [tree[name] for name in tree[row]["children"]]
    return [
        (
            node["meta"]["width"],
            [tree[name]["meta"] for name in node["children"]] if node["type"] == "COLUMN" else [node["meta"]],
        )
        for node in nodes
    ]


def _ask(charts: Sequence[Any]) -> Callable[[], dict[int, Rows]]:
    """Ask the charts' saved questions; waits for the answers by number of the chart. Tiles over the same rows ask once."""
    together: dict[str, list[Any]] = {}
    for chart in charts:
        context = json.loads(chart.query_context)
        [query] = context["queries"]
        same = [context["datasource"], query["filters"]] if chart.viz_type == _TILE else chart.id
        together.setdefault(json.dumps(same), []).append(chart)
    answers = questions.ask([_question(group) for group in together.values()])
    numbers = [[chart.id for chart in group] for group in together.values()]
    return lambda: {number: rows for group, rows in zip(numbers, answers(), strict=True) for number in group}


def _question(charts: Sequence[Any]) -> questions.Question:
    """One question for charts over the same rows: all their metrics."""
    context = json.loads(charts[0].query_context)
    if len(charts) > 1:
        asked = [json.loads(chart.query_context)["queries"][0]["metrics"] for chart in charts]
        context["queries"][0]["metrics"] = sorted({metric for metrics in asked for metric in metrics})
    return charts[0].datasource, context


class _Shown:
    """A chart's looks: names, formats and colours.

    Attributes:
        params: Superset's parameters of the chart.
        colours: Colour of each word.
    """

    def __init__(self, chart: Any, colours: Mapping[str, str]) -> None:
        self.params: Mapping[str, Any] = chart.params_dict
        self.colours = colours
        self._names = _names(chart.datasource)
        self._heads: Mapping[str, Any] = self.params.get("column_config", {})

    def name(self, column: str) -> str:
        """What a column or metric is called."""
        return str(self._heads.get(column, {}).get("customColumnName") or self._names.get(column, column))

    def text(self, column: str, value: Any) -> str:
        """A value as people read it; no value is a dash."""
        head = self._heads.get(column, {})
        number = head.get("d3NumberFormat") or self.params.get("y_axis_format")
        day = head.get("d3TimeFormat") or self.params.get("time_format")
        if value is None or value != value:
            return "—"
        if hasattr(value, "strftime"):
            return str(value.strftime(day or "%Y-%m-%d"))
        if day and isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000, UTC).strftime(day)
        if isinstance(value, str) or not number:
            return str(value)
        # D3 took its formats from Python's; whole numbers alone may be written with "d".
        return format(round(value) if number.endswith("d") else value, number)

    def paint(self, column: str, value: Any, greatest: float) -> str:
        """CSS of a cell by the chart's own rules."""
        for rule in self.params.get("conditional_formatting", ()):
            if rule["column"] != column:
                continue
            if rule["operator"] == "=" and value == rule["targetValue"]:
                ink = theme.INK if rule["colorScheme"] == theme.YELLOW else "#fff"
                return f"background:{rule['colorScheme']};color:{ink}"
            if rule["operator"] == ">" and isinstance(value, int | float) and value > rule["targetValue"]:
                if rule.get("objectFormatting") != "BACKGROUND_COLOR":
                    return f"color:{rule['colorScheme']}"
                degree = round(255 * value / greatest) if rule["useGradient"] else 255
                return f"background:{rule['colorScheme']}{degree:02x}"
        return ""


_NAMES: Final[dict[Any, Mapping[str, str]]] = {}


def _names(dataset: Any) -> Mapping[str, str]:
    """What the columns and metrics of a dataset are called: Superset reads every one of them to say so, so it is kept
    until the dataset is deployed anew."""
    key = dataset.id, dataset.changed_on
    if key not in _NAMES:
        _NAMES[key] = dataset.verbose_map
    return _NAMES[key]


def _tile(shown: _Shown, rows: Rows) -> Markup:
    metric = shown.params["metric"]
    value = rows[0][metric] if rows else None
    number = Markup('<p style="{}">{}</p>').format(shown.paint(metric, value, 1), shown.text(metric, value))
    return number + Markup("<small>{}</small>").format(shown.params.get("subtitle", ""))


def _table(shown: _Shown, rows: Rows) -> Markup:
    if not rows:
        return Markup('<p class="empty">此查询没有数据返回</p>')
    columns = shown.params.get("all_columns") or [*shown.params["groupby"], *shown.params["metrics"]]
    greatest = {
        column: max((row[column] for row in rows if isinstance(row[column], int | float)), default=1) or 1
        for column in columns
    }
    head = Markup("").join(Markup("<th>{}</th>").format(shown.name(column)) for column in columns)
    lines = (
        Markup("").join(
            Markup('<td class="{}" style="{}">{}</td>').format(
                "" if isinstance(row[column], str) else "number",
                shown.paint(column, row[column], greatest[column]),
                shown.text(column, row[column]),
            )
            for column in columns
        )
        for row in rows
    )
    body = Markup("").join(Markup("<tr>{}</tr>").format(line) for line in lines)
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(head, body)


def _pie(shown: _Shown, rows: Rows) -> Markup:
    [by], metric = shown.params["groupby"], shown.params["metric"]
    total = sum(row[metric] for row in rows)
    stops, legend, reached = [], [], 0.0
    for row in rows:
        share = row[metric] / total if total else 0
        colour = shown.colours.get(row[by], theme.UNKNOWN)
        stops.append(f"{colour} {reached:.4%} {reached + share:.4%}")
        reached += share
        legend.append(Markup('<i style="background:{}"></i>{} {:.2%} ').format(colour, row[by], share))
    return Markup(
        '<div class="donut" style="background:conic-gradient({})"><b>合计：{}</b></div><div class="legend">{}</div>'
    ).format(", ".join(stops), total, Markup("").join(legend))


def _series(shown: _Shown, rows: Rows) -> tuple[dict[str, list[float | None]], list[str]]:
    """Values by series, and the days that they are of."""
    axis, metrics, groups = (shown.params[part] for part in ("x_axis", "metrics", "groupby"))
    days = sorted({row[axis] for row in rows})
    if not groups:
        by_day = {row[axis]: row for row in rows}
        found = {shown.name(metric): [by_day[day][metric] for day in days] for metric in metrics}
    else:
        cells = {(row[groups[0]], row[axis]): row[metrics[0]] for row in rows}
        found = {
            str(name): [cells.get((name, day)) for day in days] for name in sorted({key[0] for key in cells})
        }
    labels = [_day(day) for day in days]
    return {
        name: [None if value != value else value for value in values] for name, values in found.items()
    }, labels


def _day(value: Any) -> str:
    moment = value if hasattr(value, "strftime") else datetime.fromtimestamp(value / 1000, UTC)
    return str(moment.strftime("%m-%d"))


def _line(shown: _Shown, rows: Rows) -> Markup:
    series, days = _series(shown, rows)
    values = [value for line in series.values() for value in line if value is not None]
    if not values:
        return Markup("")
    low, high = min(values), max(values)
    span = (high - low) or 1
    step = _WIDTH / max(len(days) - 1, 1)
    lines = []
    for name, line in series.items():
        points = [
            f"{number * step:.1f},{_HEIGHT - (value - low) / span * _HEIGHT:.1f}" if value is not None else ""
            for number, value in enumerate(line)
        ]
        colour = shown.colours.get(name, theme.UNKNOWN)
        for known, run in groupby(points, key=bool):  # a line ends where there is no value
            if known:
                lines.append(Markup('<polyline points="{}" stroke="{}"/>').format(" ".join(run), colour))
    metric = shown.params["metrics"][0]
    return _plot(shown, series, lines, (shown.text(metric, low), shown.text(metric, high)), days)


def _bar(shown: _Shown, rows: Rows) -> Markup:
    series, days = _series(shown, rows)
    tops = [sum(filter(None, column)) for column in zip(*series.values(), strict=True)]
    if not tops:
        return Markup("")
    high = max(tops) or 1
    step = _WIDTH / len(days)
    bars, reached = [], [0.0] * len(days)
    for name, line in reversed(series.items()):
        drawn = []
        for number, value in enumerate(line):
            if value:
                reached[number] += value
                left, top = (number + 0.1) * step, _HEIGHT - reached[number] / high * _HEIGHT
                wide, tall = step * 0.8, value / high * _HEIGHT
                drawn.append(f"M{left:.1f} {top:.1f}h{wide:.1f}v{tall:.1f}h-{wide:.1f}z")
        colour = shown.colours.get(name, theme.UNKNOWN)
        # One path for all bars of a series: a year of them as single shapes would take as long as all the rest.
        bars.append(Markup('<path d="{}" fill="{}"/>').format("".join(drawn), colour))
    return _plot(shown, series, bars, ("0", f"{high:,.0f}"), days)


def _plot(
    shown: _Shown,
    series: Mapping[str, Any],
    marks: Sequence[Markup],
    scale: tuple[str, str],
    days: Sequence[str],
) -> Markup:
    legend = Markup("").join(
        Markup('<i style="background:{}"></i>{} ').format(shown.colours.get(name, theme.UNKNOWN), name)
        for name in series
    )
    drawing = Markup('<svg viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>').format(
        _WIDTH, _HEIGHT, Markup("").join(marks)
    )
    return Markup(
        '<div class="legend">{}</div><div class="plot"><div><span>{}</span><span>{}</span></div>{}</div>'
        '<div class="days"><span>{}</span><span>{}</span></div>'
    ).format(legend, scale[1], scale[0], drawing, days[0], days[-1])


def _map(shown: _Shown, rows: Rows) -> Markup:
    shape, metric = shown.params["line_column"], shown.params["metric"]
    name = shown.params["tooltip_contents"][0]["column_name"]
    colour = {
        step["minValue"]: "rgb({r},{g},{b})".format(**step["color"])
        for step in shown.params["color_breakpoints"]
    }
    cells = [
        (row[name], json.loads(row[shape]), colour.get(row[metric], theme.UNKNOWN))
        for row in rows
        if row[shape]
    ]
    points = [point for _, ring, _ in cells for point in ring]
    if not points:
        return Markup("")
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    scale = 280 / max(east - west, north - south)
    marks = []
    for label, ring, fill in cells:
        drawn = [((x - west) * scale, (north - y) * scale) for x, y in ring]
        middle = [sum(part) / len(drawn) for part in zip(*drawn, strict=True)]
        marks.append(
            Markup('<polygon points="{}" fill="{}"/><text x="{:.1f}" y="{:.1f}">{}</text>').format(
                " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn), fill, middle[0], middle[1] + 4, label[:4]
            )
        )
    return Markup('<svg class="map" viewBox="-4 -4 {:.0f} {:.0f}">{}</svg>').format(
        (east - west) * scale + 8, (north - south) * scale + 8, Markup("").join(marks)
    )


_DRAWN: Final = {
    _TILE: _tile,
    "table": _table,
    "pie": _pie,
    "echarts_timeseries_line": _line,
    "echarts_timeseries_bar": _bar,
    "deck_polygon": _map,
}
