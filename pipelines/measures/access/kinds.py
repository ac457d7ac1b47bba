"""Every kind of request that brings rows, for every dataset and chart.

Belongs here: how each is made and who may make it. Does not belong here: attempts to misuse them
(``bypasses``).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from pipelines.measures.access.catalog import Catalog, Chart, Dataset, Rows
from pipelines.measures.access.client import Request

VIEWERS: Final = frozenset({"city", "county", "school", "steward", "analyst", "admin"})
EXPORTERS: Final = VIEWERS - {"school"}
ASKERS: Final = frozenset({"analyst", "admin"})
_LIMIT: Final = 500


@dataclass(frozen=True)
class Kind:
    """A way to ask for the rows of one dataset or chart.

    Attributes:
        name: What is asked.
        about: Of which dataset or chart.
        tiers: Who may ask; everybody else must be refused or shown nothing of others.
        make: The request of a user.
        dataset: Dataset that answers.
        filters: Filters that the request has.
        shows: Columns with canaries that the answer has.
    """

    name: str
    about: str
    tiers: frozenset[str]
    make: Callable[[str], Request]
    dataset: Dataset
    filters: Sequence[Mapping[str, Any]] = ()
    shows: Sequence[str] = ()

    def request(self, user: str) -> Request:
        """The request of a user."""
        return self.make(user)

    def must_find(self, user: str, tier: str, rows: Rows) -> bool:
        """Whether the user is entitled to a canary in the answer."""
        return tier in self.tiers and rows.reachable(user, self.dataset, self.shows, self.filters)


def query(**parts: Any) -> dict[str, Any]:
    """A query object of the chart data API."""
    return {
        "filters": [],
        "extras": {},
        "columns": [],
        "metrics": [],
        "orderby": [],
        "row_limit": _LIMIT,
        **parts,
    }


def context(number: int, *queries: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """A body of the chart data API over one dataset."""
    return {
        "datasource": {"id": number, "type": "table"},
        "force": False,
        "result_type": "full",
        "result_format": "json",
        "queries": list(queries),
        **parts,
    }


def metric(expression: str, label: str = "x") -> dict[str, Any]:
    """A metric of free SQL."""
    return {"expressionType": "SQL", "sqlExpression": expression, "label": label}


def legacy(user: str, form: Mapping[str, Any], words: str = "", **labels: str) -> Request:
    """A request of the old explore API."""
    body = urlencode({"form_data": json.dumps(form)})
    return Request(user, "POST", f"/superset/explore_json/?{words}", body, **labels)


def ask(user: str, database: int, sql: str, schema: str = "cockpit", **labels: str) -> Request:
    """SQL Lab; a question's client number must be new."""
    body = {
        "database_id": database,
        "sql": sql,
        "schema": schema,
        "client_id": secrets.token_hex(5),
        "runAsync": False,
        "queryLimit": _LIMIT,
    }
    return Request(user, "POST", "/api/v1/sqllab/execute/", body, **labels)


def every(catalog: Catalog) -> Iterator[Kind]:
    """All kinds over all datasets and charts."""
    for dataset in catalog.datasets.values():
        yield from _of_dataset(dataset, catalog.database)
    for chart in catalog.charts:
        yield from _of_chart(chart, catalog)


def _of_dataset(dataset: Dataset, database: int) -> Iterator[Kind]:
    columns, texts, number = list(dataset.columns), dataset.texts, dataset.number
    named = dataset.names or texts[:1]

    def other(
        name: str,
        make: Callable[[str, dict[str, str]], Request],
        tiers: frozenset[str] = VIEWERS,
        shows: Sequence[str] = texts,
    ) -> Kind:
        labels = {"kind": name, "about": dataset.name}
        return Kind(name, dataset.name, tiers, lambda user: make(user, labels), dataset, (), shows)

    def post(
        name: str, body: Mapping[str, Any], tiers: frozenset[str] = VIEWERS, shows: Sequence[str] = texts
    ) -> Kind:
        return other(
            name,
            lambda user, labels: Request(user, "POST", "/api/v1/chart/data", body, **labels),
            tiers,
            shows,
        )

    rows = query(columns=columns, orderby=[[name, True] for name in columns])
    yield post("rows", context(number, rows))
    yield post("csv", context(number, rows, result_format="csv"), EXPORTERS)
    yield post("xlsx", context(number, rows, result_format="xlsx"), EXPORTERS)
    yield post("samples", context(number, query(columns=[]), result_type="samples"))
    yield post("drill_detail", context(number, query(columns=[]), result_type="drill_detail"))
    yield post("results", context(number, rows, result_type="results"))
    if texts:
        extremes = [metric(f"{side}({name})", f"{side} {name}") for name in texts for side in ("MIN", "MAX")]
        yield post("extremes", context(number, query(metrics=extremes)))
        counted = query(columns=named, metrics=[metric("COUNT(*)", "n")])
        yield post("groups", context(number, counted), shows=named)
        for name in named:
            yield _values(dataset, name)
    if texts and dataset.time:
        yield post("series", context(number, _series(dataset, named[-1])), shows=named[-1:])
    words = urlencode(
        {"datasource_type": "table", "datasource_id": number, "force": "false", "page": 1, "per_page": _LIMIT}
    )
    yield other(
        "api_samples",
        lambda user, labels: Request(user, "POST", f"/datasource/samples?{words}", {}, **labels),
    )
    form = urlencode({"query_context": json.dumps(context(number, rows))})
    yield other("api_query", lambda user, labels: Request(user, "POST", "/api/v1/query/", form, **labels))
    if texts:
        yield from _legacy(dataset, other)
    sql = f"select * from cockpit.{dataset.name}"
    yield other("sql_lab", lambda user, labels: ask(user, database, sql, **labels), ASKERS)


def _values(dataset: Dataset, name: str) -> Kind:
    """The values that a filter offers."""
    path = f"/api/v1/datasource/table/{dataset.number}/column/{name}/values/"
    about = f"{dataset.name}.{name}"

    def make(user: str) -> Request:
        return Request(user, "GET", path, kind="values", about=about)

    return Kind("values", about, VIEWERS, make, dataset, (), (name,))


def _series(dataset: Dataset, name: str) -> dict[str, Any]:
    """The greatest three series by day, pivoted: their names are in the columns' names."""
    day = {
        "columnType": "BASE_AXIS",
        "expressionType": "SQL",
        "label": dataset.time,
        "sqlExpression": dataset.time,
        "timeGrain": "P1D",
    }
    pivot = {
        "operation": "pivot",
        "options": {
            "index": [dataset.time],
            "columns": [name],
            "aggregates": {"n": {"operator": "mean"}},
            "drop_missing_columns": False,
        },
    }
    return query(
        columns=[day, name],
        metrics=[metric("COUNT(*)", "n")],
        series_columns=[name],
        series_limit=3,
        series_limit_metric=metric("COUNT(*)", "n"),
        post_processing=[pivot, {"operation": "flatten"}],
        row_limit=10_000,
    )


def _legacy(dataset: Dataset, other: Callable[..., Kind]) -> Iterator[Kind]:
    """The old API with a chart that shows names as they are; no dashboard of ours asks it."""
    shape = {
        "datasource": f"{dataset.number}__table",
        "viz_type": "para",
        "series": dataset.texts[0],
        "metrics": [metric("COUNT(*)", "n")],
        "adhoc_filters": [],
        "row_limit": _LIMIT,
        "include_series": True,
    }
    shows = dataset.texts[:1]
    for name, words in (
        ("legacy", ""),
        ("legacy_samples", "samples=true"),
        ("legacy_results", "results=true"),
        ("legacy_csv", "csv=true"),
    ):
        yield other(
            name,
            lambda user, labels, words=words: legacy(user, shape, words, **labels),
            frozenset({"admin"}),
            shows,
        )
    path = f"/superset/explore_json/?{urlencode({'form_data': json.dumps(shape)})}"
    yield other(
        "legacy_get", lambda user, labels: Request(user, "GET", path, **labels), frozenset({"admin"}), shows
    )


def _of_chart(chart: Chart, catalog: Catalog) -> Iterator[Kind]:
    dataset = catalog.datasets[chart.dataset]
    saved = chart.context["queries"][0]
    columns = [one if isinstance(one, str) else one["label"] for one in saved.get("columns") or []]
    shown = [name for name in columns if name in dataset.texts]

    def kind(
        name: str, tiers: frozenset[str], shows: Sequence[str], method: str, path: str, body: Any = None
    ) -> Kind:
        def make(user: str) -> Request:
            return Request(user, method, path, body, kind=name, about=about)

        return Kind(name, about, tiers, make, dataset, chart.filters, shows)

    about = f"{chart.number} {chart.name}"
    own = f"/api/v1/chart/{chart.number}/data/"
    yield kind("chart", VIEWERS, shown, "GET", own)
    yield kind("chart_csv", EXPORTERS, shown, "GET", f"{own}?format=csv")
    yield kind("chart_xlsx", EXPORTERS, shown, "GET", f"{own}?format=xlsx")
    yield kind("chart_samples", VIEWERS, dataset.texts, "GET", f"{own}?type=samples")
    form = {**chart.params, "slice_id": chart.number}
    # With the dashboard's number Superset asks for the dashboard's roles instead of the dataset's.
    claimed = {**chart.context, "form_data": {**form, "dashboardId": catalog.dashboards["city"]}}
    yield kind("chart_on_city", frozenset({"city", "admin"}), shown, "POST", "/api/v1/chart/data", claimed)
    wide = {**saved, "columns": list(dataset.columns), "metrics": [], "orderby": [], "series_columns": []}
    body = {**chart.context, "queries": [wide], "form_data": form}
    yield kind("chart_rows", VIEWERS, dataset.texts, "POST", "/api/v1/chart/data", body)
