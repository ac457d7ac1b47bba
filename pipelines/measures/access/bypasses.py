"""Attempts to see, change or infer what belongs to others, each with a name that says what is tried.

Belongs here: the table of attempts. Does not belong here: judging them (``judge``), requests that walk
the URL map (``walk``).

``{county}`` and ``{school}`` in an attempt stand for those of somebody else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from pipelines.measures.access import kinds
from pipelines.measures.access.client import Request, Session, rison
from pipelines.measures.access.server import Server
from pipelines.measures.access.walk import Things, bundle, upload

SCHOOL: Final = "school_1"
COUNTY: Final = "county_a"
ANALYST: Final = "analyst_a"
MARKET: Final = "city_market"
NOBODY: Final = ""


@dataclass(frozen=True)
class Attempt:
    """One way around the rules.

    Attributes:
        name: What is tried.
        user: Who tries it; empty for nobody.
        requests: The requests, in order; those of other users prepare the ground.
        refused: Whether every request of the user must be refused, whatever it shows.
        session: Instead of the user's own session.
        steady: Whether its answers depend on rows alone, and not on what was asked before.
    """

    name: str
    user: str
    requests: Sequence[Request]
    refused: bool = False
    session: Session | None = None
    steady: bool = True


@dataclass(frozen=True)
class Ground:
    """What attempts are made on.

    Attributes:
        server: The cockpit.
        things: Objects of others.
    """

    server: Server
    things: Things

    def words(self, text: str) -> str:
        """A text with somebody else's county and school filled in."""
        counties = list(self.server.world.counties)
        return text.replace("{county}", counties[1]).replace(
            "{school}", self.server.world.counties[counties[1]][0]
        )

    def number(self, dataset: str) -> int:
        """Number of a dataset."""
        return self.things.catalog.datasets[dataset].number


def every(ground: Ground) -> Iterator[Attempt]:
    """All attempts that are single questions; sessions and grants are in ``sessions``."""
    for make in (
        _where, _having, _metrics, _columns, _orderby, _filters, _query_shapes, _other_sources, _results,
        _annotations, _post_processing, _legacy, _datasource_api, _caches, _snapshots, _exports, _writes,
        _objects, _people, _pages, _sql_lab, _sql_lab_api, _guests, _headers,
    ):  # fmt: skip
        yield from make(ground)


# --- Chart data: SQL where Superset takes free text

WHERE: Final = {
    "always true": "1 = 1",
    "or true": "county_code = 'x' OR 1=1",
    "closing the bracket": "1=1) OR (1=1",
    "closing two brackets": "1=1)) OR ((1=1",
    "line comment": "1=1) --",
    "block comment": "1=1) /*",
    "comment hiding the rule": "1=1 /* ",
    "hash comment": "1=1) #",
    "second statement": "1=1; select * from cockpit.finding",
    "union": "1=1 UNION SELECT school_name FROM cockpit.canteen_period",
    "union after a bracket": "1=1) UNION ALL SELECT school_name FROM cockpit.canteen_period WHERE (1=1",
    "exists": "EXISTS (SELECT 1 FROM cockpit.canteen_period WHERE school_id = '{school}')",
    "in subquery": "school_id IN (SELECT school_id FROM cockpit.finding)",
    "comparison with a subquery": "(SELECT count(*) FROM cockpit.canteen_period) > 5",
    "from-first subquery": "(FROM cockpit.canteen_period SELECT count(*)) > 5",
    "table function": "(SELECT count(*) FROM query('select 1')) = 1",
    "file function": "(SELECT content FROM read_text('/etc/hostname')) <> ''",
    "environment": "getenv('HOME') <> ''",
    "setting": "current_setting('temp_directory') = ''",
    "quoted identifier of another table": '"cockpit"."county_period"."county_code" = \'{county}\'',
    "unicode apostrophe": "county_code = ＇{county}＇ OR 1=1",
    "null byte": "1=1\x00 OR 1=1",
    "newline": "1=1\nOR\n1=1",
    "jinja user": "'{{ current_username() }}' <> ''",
    "jinja dataset": "1 in (select 1 from {{ dataset(1) }})",
    "jinja class": "'{{ ''.__class__.__mro__ }}' <> ''",
    "limit inside": "1=1 LIMIT 100 OFFSET 0",
    "group inside": "1=1 GROUP BY 1",
    "qualify": "1=1 QUALIFY row_number() over () > 0",
    "dollar quotes": "county_code <> $$x$$ OR 1=1",
}
HAVING: Final = {
    "union": "1=1 UNION SELECT count(*) FROM cockpit.finding --",
    "subquery": "(SELECT count(*) FROM cockpit.canteen_period) > 1",
    "or true": "1=1) OR (1=1",
    "aggregate of all": "count(*) > (SELECT avg(ratio) FROM cockpit.canteen_period)",
}
EXPRESSIONS: Final = {
    "subquery": "(SELECT COUNT(DISTINCT school_id) FROM cockpit.canteen_period)",
    "from-first": "(FROM cockpit.canteen_period SELECT COUNT(DISTINCT school_id))",
    "greatest of a subquery": "MAX((SELECT MAX(school_name) FROM cockpit.canteen_period))",
    "scalar array": "ARRAY(SELECT school_name FROM cockpit.canteen_period)",
    "list comprehension": "[x for x in (SELECT list(school_name) FROM cockpit.canteen_period)]",
    "window over all": "COUNT(*) OVER ()",
    "first value over all": "first_value(school_name) OVER ()",
    "list": "list(school_name)",
    "string_agg": "string_agg(school_name, ',')",
    "whole row": "max(canteen_period)",
    "columns star": "MAX(COLUMNS('.*'))",
    "star": "*",
    "read_text": "read_text('/etc/hostname')",
    "read_csv": "(SELECT any_value(column0) FROM read_csv('/etc/passwd', header=false))",
    "read_blob": "(SELECT content FROM read_blob('/etc/hostname'))",
    "glob": "(SELECT list(file) FROM glob('/*'))",
    "getenv": "getenv('CANTEEN_PROBE')",
    "getenv through a method": "'CANTEEN_PROBE'.getenv()",
    "current_setting": "current_setting('temp_directory')",
    "duckdb_settings": "(SELECT list(value) FROM duckdb_settings())",
    "duckdb_tables": "(SELECT list(table_name) FROM duckdb_tables())",
    "duckdb_databases": "(SELECT list(path) FROM duckdb_databases())",
    "pragma function": "(SELECT count(*) FROM pragma_database_size())",
    "version": "version()",
    "current_database": "current_database()",
    "query": "(SELECT * FROM query('from cockpit.canteen_period'))",
    "query_table": "(SELECT count(*) FROM query_table('cockpit.canteen_period'))",
    "getvariable": "getvariable('x')",
    "json_execute": "json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "summarize": "(SELECT list(max) FROM (SUMMARIZE cockpit.canteen_period))",
    "information_schema": "(SELECT list(table_name) FROM information_schema.tables)",
    "sqlite_master": "(SELECT list(sql) FROM sqlite_master)",
    "store schema": "(SELECT max(school_name) FROM cockpit_store.canteen_period)",
    "gold schema": "(SELECT max(canteen_name) FROM gold.dim_canteen)",
    "ctl schema": "(SELECT max(digest) FROM ctl.unit)",
    "closing the query": "COUNT(*) FROM cockpit.canteen_period --",
    "closing and union": "COUNT(*)) UNION SELECT max(school_name) FROM cockpit.finding --",
    "error with a value": "CAST(MAX(school_name) AS INTEGER)",
    "error by division": "1 / (COUNT(DISTINCT county_code) - 1)",
    "count of all counties": "COUNT(DISTINCT county_code)",
    "count of all rows": "COUNT(*)",
    "filter clause": "COUNT(*) FILTER (WHERE county_code = '{county}')",
    "jinja username": "'{{ current_username() }}'",
    "jinja url parameter": "'{{ url_param(\"x\") }}'",
    "jinja metric": "{{ metric('canteens', 1) }}",
    "jinja dataset": "(select count(*) from {{ dataset(1) }})",
    "jinja class": "'{{ \"\".__class__.__mro__ }}'",
    "jinja roles": "'{{ current_user_roles() }}'",
    "jinja rls": "'{{ current_user_rls_rules() }}'",
    "jinja statement": "{% set x = 1 %}COUNT(*)",
}


def _chart(
    user: str,
    ground: Ground,
    dataset: str = "canteen_period",
    parts: Mapping[str, Any] | None = None,
    **query: Any,
) -> Request:
    body = kinds.context(ground.number(dataset), kinds.query(**{"row_limit": 100, **query}), **(parts or {}))
    return Request(user, "POST", "/api/v1/chart/data", body)


def _where(ground: Ground) -> Iterator[Attempt]:
    for name, text in WHERE.items():
        extras = {"where": ground.words(text)}
        yield Attempt(
            f"where: {name}", SCHOOL, [_chart(SCHOOL, ground, columns=["school_name"], extras=extras)]
        )


def _having(ground: Ground) -> Iterator[Attempt]:
    for name, text in HAVING.items():
        extras = {"having": ground.words(text)}
        request = _chart(
            COUNTY, ground, columns=["school_name"], metrics=[kinds.metric("COUNT(*)")], extras=extras
        )
        yield Attempt(f"having: {name}", COUNTY, [request])


def _metrics(ground: Ground) -> Iterator[Attempt]:
    for name, text in EXPRESSIONS.items():
        request = _chart(SCHOOL, ground, metrics=[kinds.metric(ground.words(text))])
        yield Attempt(f"metric: {name}", SCHOOL, [request])


def _columns(ground: Ground) -> Iterator[Attempt]:
    for name in (
        "subquery", "from-first", "first value over all", "whole row", "columns star", "star", "getenv",
        "read_text", "query", "gold schema", "store schema", "information_schema", "closing the query",
    ):  # fmt: skip
        column = {"expressionType": "SQL", "sqlExpression": ground.words(EXPRESSIONS[name]), "label": "x"}
        yield Attempt(f"column: {name}", COUNTY, [_chart(COUNTY, ground, columns=[column])])


def _orderby(ground: Ground) -> Iterator[Attempt]:
    for name in ("subquery", "from-first", "getenv", "read_csv", "closing the query"):
        order = [[kinds.metric(EXPRESSIONS[name]), True]]
        yield Attempt(
            f"order: {name}", SCHOOL, [_chart(SCHOOL, ground, columns=["school_name"], orderby=order)]
        )
    order = [["(select 1)", True]]
    yield Attempt("order: text", SCHOOL, [_chart(SCHOOL, ground, columns=["school_name"], orderby=order)])


def _filters(ground: Ground) -> Iterator[Attempt]:
    def attempt(name: str, column: Any, operator: str, value: Any) -> Attempt:
        filters = [{"col": column, "op": operator, "val": value}]
        request = _chart(SCHOOL, ground, columns=["school_name", "county_name"], filters=filters)
        return Attempt(f"filter: {name}", SCHOOL, [request])

    expression = {"expressionType": "SQL", "sqlExpression": "(select 1)", "label": "z"}
    yield attempt("another school", "school_id", "==", ground.words("{school}"))
    yield attempt("another county", "county_code", "IN", [ground.words("{county}")])
    yield attempt("apostrophe in a value", "school_id", "==", "x' OR '1'='1")
    yield attempt("apostrophe in a list", "school_id", "IN", ["x') OR ('1'='1"])
    yield attempt("like everything", "school_name", "LIKE", "%")
    yield attempt("subquery as column", expression, "==", 1)
    yield attempt("another table's column", "cockpit.county_period.county_name", "==", "x")
    yield attempt("time range with SQL", "period_end", "TEMPORAL_RANGE", "2020-01-01' OR 1=1 -- : now")
    yield attempt("rule's own column negated", "school_id", "!=", "x")
    yield attempt("unknown column", "1=1 OR school_id", "==", "x")


def _query_shapes(ground: Ground) -> Iterator[Attempt]:
    def attempt(name: str, user: str = SCHOOL, dataset: str = "canteen_period", **parts: Any) -> Attempt:
        return Attempt(f"query: {name}", user, [_chart(user, ground, dataset, **parts)])

    names = ["school_name"]
    metric = [kinds.metric("COUNT(*)", "n")]
    yield attempt("city's dataset as a school", dataset="county_period", columns=["county_name"])
    yield attempt("deliveries as a school", dataset="delivery", columns=["provider_label"])
    yield attempt("greatest limit", columns=names, row_limit=None)
    yield attempt("offset", columns=names, row_offset=1)
    yield attempt("negative limit", columns=names, row_limit=-1)
    yield attempt("row count", columns=names, is_rowcount=True)
    yield attempt("series of the best", columns=names, metrics=metric, series_columns=names, series_limit=1)
    yield attempt(
        "the others as one series", columns=names, metrics=metric, series_columns=names, series_limit=1,
        group_others_when_limit_reached=True,
    )  # fmt: skip
    yield attempt(
        "other time",
        columns=["school_name"],
        metrics=metric,
        granularity="period_end",
        time_range="1900-01-01 : 2100-01-01",
    )
    yield attempt(
        "shifted time",
        columns=["period_end"],
        metrics=metric,
        granularity="period_end",
        time_range="2026-10-01 : 2026-10-31",
        time_offsets=["1 month ago"],
    )
    yield attempt(
        "alias of the rule's column",
        columns=[
            {"expressionType": "SQL", "sqlExpression": ground.words("'{school}'"), "label": "school_id"},
            "school_name",
        ],
    )
    yield attempt(
        "alias of the county's column",
        columns=[
            {"expressionType": "SQL", "sqlExpression": ground.words("'{county}'"), "label": "county_code"},
            "school_name",
        ],
    )
    yield attempt("column of another dataset", columns=["provider_label"])
    yield attempt("dataset's predicate", columns=names, apply_fetch_values_predicate=True)
    yield attempt(
        "another department",
        COUNTY,
        "finding",
        columns=["text_zh", "department"],
        filters=[{"col": "department", "op": "==", "val": "market"}],
    )
    yield attempt(
        "another department of the city",
        MARKET,
        "finding",
        columns=["text_zh"],
        filters=[{"col": "department", "op": "==", "val": "education"}],
    )
    yield attempt("user without a scope", "county_none", columns=names)
    yield attempt("user without a scope, school", "school_none", columns=names)
    yield attempt(
        "another county's analyst",
        "analyst_b",
        columns=names,
        filters=[{"col": "school_id", "op": "==", "val": "x"}],
    )
    yield attempt("scheduler", "scheduler", columns=names)
    yield attempt("nobody", NOBODY, columns=names)
    yield attempt("rules given with the query", parts={"rls": [{"clause": "1=1"}]}, columns=names)
    yield attempt(
        "two queries, one of another dataset",
        columns=names,
        datasource={"id": ground.number("county_period"), "type": "table"},
    )
    yield attempt("query given as text", columns=names, sql="select * from cockpit.finding")
    yield attempt("from table given", columns=names, from_dttm="2000-01-01", inner_from_dttm="2000-01-01")
    yield attempt("template parameters", columns=names, url_params={"school_id": ground.words("{school}")})
    for slug in ("city", "county"):
        form = {
            "dashboardId": ground.things.catalog.dashboards[slug],
            "slice_id": next(c.number for c in ground.things.catalog.charts if c.dataset == "county_period"),
        }
        parts = {"form_data": form}
        request = _chart(SCHOOL, ground, "county_period", parts, columns=["county_name"])
        yield Attempt(f"query: claiming the {slug} dashboard", SCHOOL, [request])
        native = {**form, "type": "NATIVE_FILTER", "native_filter_id": "NATIVE_FILTER-1"}
        request = _chart(SCHOOL, ground, "county_period", {"form_data": native}, columns=["county_name"])
        yield Attempt(f"query: claiming a filter of the {slug} dashboard", SCHOOL, [request])


def _other_sources(ground: Ground) -> Iterator[Attempt]:
    """Sources that are not datasets: questions that others asked have small, guessable numbers."""
    for kind in ("query", "saved_query", "dataset", "view", "sl_table", "semantic_view"):
        for user in (SCHOOL, "analyst_b"):
            asked = [
                Request(
                    user,
                    "POST",
                    "/api/v1/chart/data",
                    {
                        **kinds.context(number, kinds.query(columns=["school_name", "county_name"])),
                        "datasource": {"id": number, "type": kind},
                    },
                )
                for number in (*ground.things.numbers["query"], *ground.things.numbers["saved"])
            ]
            yield Attempt(f"source: {kind} of somebody else ({user})", user, asked)
    question = kinds.ask("admin", ground.things.catalog.database, "select * from cockpit.finding")
    for path in (
        f"/datasource/samples?datasource_type=query&datasource_id={ground.things.numbers['query'][0]}",
        "/datasource/samples?datasource_type=saved_query&datasource_id=1",
    ):
        yield Attempt(f"source: {path}", SCHOOL, [question, Request(SCHOOL, "POST", path, {})])
    path = "/api/v1/datasource/query/1/column/school_name/values/"
    yield Attempt("source: values of a question", SCHOOL, [Request(SCHOOL, "GET", path)])
    body = {"datasource_id": 1, "datasource_type": "query", "form_data": "{}"}
    yield Attempt(
        "source: form over a question", SCHOOL, [Request(SCHOOL, "POST", "/api/v1/explore/form_data", body)]
    )
    yield Attempt(
        "source: explore a question",
        SCHOOL,
        [Request(SCHOOL, "GET", "/api/v1/explore/?datasource_type=query&datasource_id=1")],
    )


def _results(ground: Ground) -> Iterator[Attempt]:
    for kind in (
        "query",
        "samples",
        "drill_detail",
        "columns",
        "results",
        "timegrains",
        "post_processed",
        "full",
    ):
        for dataset in ("canteen_period", "county_period"):
            request = _chart(SCHOOL, ground, dataset, {"result_type": kind}, columns=["county_name"])
            yield Attempt(f"result {kind} of {dataset}", SCHOOL, [request])


def _annotations(ground: Ground) -> Iterator[Attempt]:
    catalog = ground.things.catalog
    for kind in ("table", "line", "event", "interval", "NATIVE", "FORMULA"):
        chart = next(chart for chart in catalog.charts if chart.dataset == "county_period")
        layer = {
            "annotationType": "EVENT", "name": "x", "show": True, "showMarkers": True, "style": "solid",
            "sourceType": kind, "value": 1 if kind == "NATIVE" else chart.number,
            "overrides": {"time_range": None, "columns": ["county_name"], "groupby": ["county_name"]},
        }  # fmt: skip
        request = _chart(SCHOOL, ground, columns=["school_name"], annotation_layers=[layer])
        yield Attempt(f"annotation: another chart as {kind}", SCHOOL, [request])
    own = next(chart for chart in catalog.charts if chart.dataset == "canteen_period")
    layer = {
        "annotationType": "EVENT",
        "name": "x",
        "show": True,
        "showMarkers": True,
        "sourceType": "table",
        "value": own.number,
        "overrides": {"filters": [], "extras": {"where": "1=1) OR (1=1"}},
    }
    yield Attempt(
        "annotation: rules overridden",
        SCHOOL,
        [_chart(SCHOOL, ground, columns=["school_name"], annotation_layers=[layer])],
    )


def _post_processing(ground: Ground) -> Iterator[Attempt]:
    for name, options in {
        "eval": {"expressions": {"x": "__import__('os').environ"}},
        "rename": {"columns": {"school_name": "x"}},
        "aggregate": {"groupby": [], "aggregates": {"x": {"column": "school_name", "operator": "max"}}},
        "prophet": {"time_grain": "P1D", "periods": 1, "confidence_interval": 0.8},
        "_flatten_column_after_pivot": {"aggregates": {}},
        "__class__": {},
        "escape_separator": {},
    }.items():
        request = _chart(
            SCHOOL, ground, columns=["school_name"], post_processing=[{"operation": name, "options": options}]
        )
        yield Attempt(f"post-processing: {name}", SCHOOL, [request])


def _legacy(ground: Ground) -> Iterator[Attempt]:
    def form(dataset: str, **parts: Any) -> dict[str, Any]:
        shape = {
            "datasource": f"{ground.number(dataset)}__table",
            "viz_type": "para",
            "series": "county_name",
            "metrics": [kinds.metric("COUNT(*)", "n")],
            "adhoc_filters": [],
            "row_limit": 100,
        }
        return {**shape, **parts}

    own = form("canteen_period")
    path = f"/superset/explore_json/?{urlencode({'form_data': json.dumps(own)})}"
    yield Attempt(
        "legacy: an address that the city opened before",
        SCHOOL,
        [Request("city_edu", "GET", path), Request(SCHOOL, "GET", path)],
    )
    yield Attempt(
        "legacy: an address that the administrator opened before",
        COUNTY,
        [Request("admin", "GET", path + "&x=1"), Request(COUNTY, "GET", path + "&x=1")],
    )
    for words in ("", "csv=true", "xlsx=true", "samples=true", "results=true", "query=true", "force=true"):
        yield Attempt(
            f"legacy: city's dataset, {words or 'plain'}",
            SCHOOL,
            [kinds.legacy(SCHOOL, form("county_period"), words)],
        )
    yield Attempt(
        "legacy: free where",
        SCHOOL,
        [
            kinds.legacy(
                SCHOOL,
                form(
                    "canteen_period",
                    adhoc_filters=[
                        {"clause": "WHERE", "expressionType": "SQL", "sqlExpression": "1=1) OR (1=1"}
                    ],
                ),
            )
        ],
    )
    yield Attempt(
        "legacy: subquery",
        SCHOOL,
        [kinds.legacy(SCHOOL, form("canteen_period", metrics=[kinds.metric(EXPRESSIONS["subquery"])]))],
    )
    city = next(chart for chart in ground.things.catalog.charts if chart.dataset == "county_period")
    yield Attempt("legacy: chart by number", SCHOOL, [kinds.legacy(SCHOOL, {"slice_id": city.number})])
    layers = form("canteen_period", viz_type="deck_multi", deck_slices=[city.number])
    yield Attempt("legacy: layers of other charts", SCHOOL, [kinds.legacy(SCHOOL, layers)])
    yield Attempt(
        "legacy: cached answer by key",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/superset/explore_json/data/{key}") for key in ground.things.keys["cache"]],
    )
    yield Attempt(
        "legacy: cached form by key",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/explore/?form_data_key={key}") for key in ground.things.keys["form"]],
    )
    body = urlencode(
        {
            "query_context": json.dumps(
                kinds.context(ground.number("county_period"), kinds.query(columns=["county_name"]))
            )
        }
    )
    yield Attempt(
        "legacy: query API, city's dataset", SCHOOL, [Request(SCHOOL, "POST", "/api/v1/query/", body)]
    )
    yield Attempt(
        "legacy: form of a city chart",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/api/v1/form_data/?slice_id={city.number}")],
    )


def _datasource_api(ground: Ground) -> Iterator[Attempt]:
    number, city = ground.number("canteen_period"), ground.number("county_period")
    get = lambda name, path, user=SCHOOL: Attempt(f"datasource: {name}", user, [Request(user, "GET", path)])  # noqa: E731
    yield get(
        "values of another scope's column", f"/api/v1/datasource/table/{city}/column/county_name/values/"
    )
    yield get("values of the rule's column", f"/api/v1/datasource/table/{number}/column/school_id/values/")
    yield get(
        "values of a column that is SQL",
        f"/api/v1/datasource/table/{number}/column/(select%20max(school_name)%20from%20gold.dim_canteen)/values/",
    )
    yield get("values as nobody", f"/api/v1/datasource/table/{number}/column/school_name/values/", NOBODY)
    yield get("drill information", f"/api/v1/dataset/{city}/drill_info/")
    yield get(
        "drill information, dashboard named",
        f"/api/v1/dataset/{city}/drill_info/?q={rison({'dashboard_id': 1})}",
    )
    for name, body in {
        "filters": {"filters": [{"col": "school_id", "op": "==", "val": ground.words("{school}")}]},
        "where": {"extras": {"where": "1=1) OR (1=1"}},
        "subquery": {"extras": {"where": EXPRESSIONS["subquery"] + " > 1"}},
    }.items():
        path = f"/datasource/samples?datasource_type=table&datasource_id={number}&per_page=50&page=1"
        yield Attempt(f"samples: {name}", SCHOOL, [Request(SCHOOL, "POST", path, body)])
    path = f"/datasource/samples?datasource_type=table&datasource_id={city}&per_page=50&page=1&dashboard_id=1"
    yield Attempt("samples: city's dataset, dashboard named", SCHOOL, [Request(SCHOOL, "POST", path, {})])
    for name, text in {
        "where": "1=1) OR (1=1",
        "subquery": EXPRESSIONS["subquery"],
        "value": "CAST(school_name AS INTEGER)",
    }.items():
        body = {"expression": text, "expression_type": "where", "clause": "where"}
        path = f"/api/v1/datasource/table/{number}/validate_expression/"
        yield Attempt(f"validating an expression: {name}", SCHOOL, [Request(SCHOOL, "POST", path, body)])


def _caches(ground: Ground) -> Iterator[Attempt]:
    """The same body right after somebody with more rights."""
    for name, parts in {
        "same body": {},
        "forced": {"force": True},
        "long cache": {"custom_cache_timeout": 86400},
        "no cache": {"custom_cache_timeout": -1},
        "forced by the city, cached for the school": {"force": False, "form_data": {"force": True}},
    }.items():

        def body(user: str, parts: Mapping[str, Any] = parts) -> Request:
            return _chart(user, ground, "finding", parts, columns=["school_name", "text_zh"], metrics=[])

        yield Attempt(f"cache: {name}", SCHOOL, [body("city_edu"), body("admin"), body(COUNTY), body(SCHOOL)])
        yield Attempt(
            f"cache: {name}, other department", "school_1_again", [body(SCHOOL), body("school_1_again")]
        )
    keys = ground.things.keys["cache"]
    yield Attempt(
        "cache: answer by its key",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/api/v1/chart/data/{key}") for key in keys],
    )
    yield Attempt(
        "cache: result by its key",
        ANALYST,
        [Request(ANALYST, "GET", f"/api/v1/sqllab/results/?q={rison({'key': key})}") for key in keys],
    )
    chart = ground.things.catalog.charts[0]
    both = [Request(user, "GET", f"/api/v1/chart/{chart.number}/data/") for user in ("city_edu", SCHOOL)]
    yield Attempt("cache: a saved chart after the city", SCHOOL, both)
    warm = [
        Request(SCHOOL, "PUT", "/api/v1/chart/warm_up_cache", {"chart_id": chart.number}),
        Request(SCHOOL, "GET", f"/superset/warm_up_cache/?slice_id={chart.number}"),
    ]
    yield Attempt("cache: warming it up", SCHOOL, warm, refused=True)
    yield Attempt(
        "cache: clearing it",
        COUNTY,
        [Request(COUNTY, "POST", "/api/v1/cachekey/invalidate", {"cache_keys": list(keys)})],
        refused=True,
    )


def _snapshots(ground: Ground) -> Iterator[Attempt]:
    """The number of the page's file, as a way to another file."""
    for text in (
        "../../../etc/passwd",
        "/etc/passwd",
        "1",
        "999999",
        "-1",
        "0",
        "2%00",
        "1e3",
        "２",
        "2;3",
        "serving",
        "../superset/superset",
        "",
    ):
        path = f"/superset/dashboard/school/?snapshot={text}"
        referer = (
            {"Referer": f"http://127.0.0.1/superset/dashboard/school/?snapshot={text}"}
            if text.isascii()
            else {}
        )
        data = replace(_chart(SCHOOL, ground, columns=["school_name"]), headers=referer)
        named = _chart(
            SCHOOL, ground, parts={"form_data": {"url_params": {"snapshot": text}}}, columns=["school_name"]
        )
        argued = replace(data, path=f"/api/v1/chart/data?snapshot={text}", headers={})
        yield Attempt(
            f"snapshot: {text!r}",
            SCHOOL,
            [
                Request(SCHOOL, "GET", path.encode("ascii", "xmlcharrefreplace").decode()),
                data,
                named,
                replace(argued, path=argued.path.encode("ascii", "xmlcharrefreplace").decode()),
            ],
        )


def _exports(ground: Ground) -> Iterator[Attempt]:
    chart, city = ground.things.catalog.charts[0].number, ground.number("county_period")
    for form in ("csv", "xlsx"):
        request = _chart(SCHOOL, ground, "canteen_period", {"result_format": form}, columns=["school_name"])
        yield Attempt(f"export: {form} without the right", SCHOOL, [request], refused=True)
        request = _chart(
            COUNTY, ground, "delivery", {"result_format": form}, columns=["provider_label", "county_name"]
        )
        yield Attempt(f"export: {form} of deliveries of all", COUNTY, [request])
        form_post = urlencode(
            {
                "form_data": json.dumps(
                    kinds.context(city, kinds.query(columns=["county_name"]), result_format=form)
                )
            }
        )
        yield Attempt(
            f"export: {form} by a form",
            SCHOOL,
            [Request(SCHOOL, "POST", "/api/v1/chart/data", form_post)],
            refused=True,
        )
        yield Attempt(
            f"export: {form} of a saved chart",
            SCHOOL,
            [Request(SCHOOL, "GET", f"/api/v1/chart/{chart}/data/?format={form}")],
            refused=True,
        )
    for kind in ("assets", "database", "dataset", "chart", "dashboard", "saved_query", "theme"):
        path = (
            "/api/v1/assets/export/" if kind == "assets" else f"/api/v1/{kind}/export/?q={rison([1, 2, 3])}"
        )
        for user in (SCHOOL, ANALYST):
            yield Attempt(f"export: {kind} ({user})", user, [Request(user, "GET", path)])


def _writes(ground: Ground) -> Iterator[Attempt]:
    """Changing what is shown, or to whom."""
    catalog = ground.things.catalog
    dataset, database, me = (
        ground.number("canteen_period"),
        catalog.database,
        catalog.users[ground.server.world.account(SCHOOL)],
    )
    chart, board = catalog.charts[0].number, catalog.dashboards["school"]
    virtual = {
        "database": database,
        "schema": "cockpit",
        "table_name": "stolen",
        "sql": "select * from gold.dim_canteen",
    }
    rule = {
        "name": "mine",
        "filter_type": "Regular",
        "clause": "1=1",
        "tables": [dataset],
        "roles": list(catalog.roles.values()),
        "group_key": "scope",
    }
    csv = upload("file", b"a,b\n1,2\n", table_name="x", type="csv", schema="cockpit")
    export = bundle({"metadata.yaml": "version: 1.0.0\ntype: assets\ntimestamp: '2026-01-01'\n"})
    packed = upload("bundle", export, overwrite="true")
    for name, method, path, body in (
        ("dataset's SQL", "PUT", f"/api/v1/dataset/{dataset}", {"sql": "select * from gold.dim_canteen"}),
        ("dataset's owner", "PUT", f"/api/v1/dataset/{dataset}", {"owners": [me]}),
        ("dataset's columns", "PUT", f"/api/v1/dataset/{dataset}?override_columns=true", {"columns": []}),
        ("dataset refreshed", "PUT", f"/api/v1/dataset/{dataset}/refresh", None),
        ("dataset copied", "POST", "/api/v1/dataset/duplicate", {"base_model_id": dataset, "table_name": "copy"}),
        ("virtual dataset", "POST", "/api/v1/dataset/", virtual),
        ("dataset of the grants", "POST", "/api/v1/dataset/", {"database": database, "schema": "cockpit", "table_name": "access_grant"}),
        ("dataset got or created", "POST", "/api/v1/dataset/get_or_create/", {"database_id": database, "schema": "gold", "table_name": "dim_canteen"}),
        ("dataset deleted", "DELETE", f"/api/v1/dataset/{dataset}", None),
        ("chart made", "POST", "/api/v1/chart/", {"slice_name": "x", "viz_type": "table", "datasource_id": dataset, "datasource_type": "table"}),
        ("chart over a question", "POST", "/api/v1/chart/", {"slice_name": "x", "viz_type": "table", "datasource_id": 1, "datasource_type": "query"}),
        ("chart's query", "PUT", f"/api/v1/chart/{chart}", {"query_context": "{}", "owners": [me]}),
        ("chart deleted", "DELETE", f"/api/v1/chart/{chart}", None),
        ("dashboard's roles", "PUT", f"/api/v1/dashboard/{catalog.dashboards['city']}", {"roles": [], "published": True}),
        ("dashboard's style", "PUT", f"/api/v1/dashboard/{board}", {"css": "body{}"}),
        ("dashboard's filters", "PUT", f"/api/v1/dashboard/{board}/filters", {"modified": [], "deleted": [], "reordered": []}),
        ("dashboard's colours", "PUT", f"/api/v1/dashboard/{board}/colors", {"color_scheme": "x"}),
        ("dashboard copied", "POST", f"/api/v1/dashboard/{board}/copy/", {"dashboard_title": "x", "json_metadata": "{}"}),
        ("dashboard embedded", "POST", f"/api/v1/dashboard/{board}/embedded", {"allowed_domains": []}),
        ("dashboard deleted", "DELETE", f"/api/v1/dashboard/{board}", None),
        ("database changed", "PUT", f"/api/v1/database/{database}", {"sqlalchemy_uri": "duckdb:////etc/hostname", "expose_in_sqllab": True}),
        ("database made", "POST", "/api/v1/database/", {"database_name": "x", "sqlalchemy_uri": "duckdb:///:memory:"}),
        ("database deleted", "DELETE", f"/api/v1/database/{database}", None),
        ("file uploaded", "POST", f"/api/v1/database/{database}/upload/", csv),
        ("upload looked at", "POST", "/api/v1/database/upload_metadata/", csv),
        ("rule made", "POST", "/api/v1/rowlevelsecurity/", rule),
        ("rule changed", "PUT", f"/api/v1/rowlevelsecurity/{catalog.rules[0]}", {"clause": "1=1"}),
        ("rule deleted", "DELETE", f"/api/v1/rowlevelsecurity/{catalog.rules[0]}", None),
        ("rules deleted together", "DELETE", f"/api/v1/rowlevelsecurity/?q={rison(list(catalog.rules[:3]))}", None),
        ("own roles", "PUT", f"/api/v1/security/users/{me}", {"roles": list(catalog.roles.values())}),
        ("own account by another way", "PUT", "/api/v1/me/", {"roles": [1], "username": "admin", "active": True}),
        ("role's permissions", "POST", f"/api/v1/security/roles/{catalog.roles['tier_school']}/permissions", {"permission_view_menu_ids": list(range(1, 300))}),
        ("role's users", "PUT", f"/api/v1/security/roles/{catalog.roles['Admin']}/users", {"user_ids": [me]}),
        ("role made", "POST", "/api/v1/security/roles/", {"name": "mine"}),
        ("account made", "POST", "/api/v1/security/users/", {"username": "x", "first_name": "x", "last_name": "x", "email": "x@canteen.invalid", "active": True, "password": "Abc-1234567", "roles": [1]}),
        ("group made", "POST", "/api/v1/security/groups/", {"name": "g", "label": "g", "roles": [1], "users": [me]}),
        ("assets imported", "POST", "/api/v1/assets/import/", packed),
        ("dashboard imported", "POST", "/api/v1/dashboard/import/", upload("formData", export, overwrite="true")),
        ("database imported", "POST", "/api/v1/database/import/", upload("formData", export, overwrite="true")),
        ("theme made", "POST", "/api/v1/theme/", {"theme_name": "x", "json_data": "{}"}),
        ("style made", "POST", "/api/v1/css_template/", {"template_name": "x", "css": "x"}),
        ("report made", "POST", "/api/v1/report/", {"type": "Report", "name": "x", "crontab": "* * * * *", "chart": chart}),
        ("annotation made", "POST", "/api/v1/annotation_layer/", {"name": "x"}),
        ("tag made", "POST", "/api/v1/tag/", {"name": "x"}),
        ("registration", "POST", "/register/", "username=x&password=x"),
        ("old datasource save", "POST", "/datasource/save/", urlencode({"data": json.dumps({"id": dataset, "type": "table", "sql": "select 1", "owners": [me]})})),
    ):  # fmt: skip
        for user in (SCHOOL, ANALYST):
            headers = {"Content-Type": body.kind} if hasattr(body, "kind") else {}
            request = Request(user, method, path, body.content if hasattr(body, "kind") else body, headers)
            yield Attempt(f"change: {name} ({user})", user, [request], refused=True)


def _objects(ground: Ground) -> Iterator[Attempt]:
    """Things that others left behind."""
    things = ground.things
    catalog = things.catalog
    for number, key, owner in things.filter_states:
        for user in (SCHOOL, "county_a", ANALYST):
            request = Request(user, "GET", f"/api/v1/dashboard/{number}/filter_state/{key}")
            yield Attempt(f"object: filters of {owner} ({user})", user, [request])
    for number, key, owner in things.filter_states:
        steal = [
            Request(SCHOOL, method, f"/api/v1/dashboard/{number}/filter_state/{key}", body)
            for method, body in (("PUT", {"value": "{}"}), ("DELETE", None))
        ]
        yield Attempt(f"object: changing filters of {owner}", SCHOOL, steal, refused=True)
    for key in things.keys["permalink"]:
        yield Attempt(
            f"object: link {key} of the administrator",
            SCHOOL,
            [
                Request(SCHOOL, "GET", f"/api/v1/dashboard/permalink/{key}"),
                Request(SCHOOL, "GET", f"/superset/dashboard/p/{key}/"),
            ],
        )
    for name, path in {
        "form": f"/api/v1/explore/form_data/{things.keys['form'][0]}",
        "explore link": f"/api/v1/explore/permalink/{things.keys['explore'][0]}",
        "explore page": f"/superset/explore/p/{things.keys['explore'][0]}/",
        "SQL Lab link": f"/api/v1/sqllab/permalink/{things.keys['explore'][0]}",
        "saved question": f"/api/v1/saved_query/{things.numbers['saved'][0]}",
        "question": f"/api/v1/query/{things.numbers['query'][0]}",
        "questions": "/api/v1/query/",
        "questions since": f"/api/v1/query/updated_since?q={rison({'last_updated_ms': 0})}",
        "question's tab": "/tabstateview/1",
        "log": "/api/v1/log/",
        "recent activity": "/api/v1/log/recent_activity/",
        "recent activity of others": f"/api/v1/log/recent_activity/?q={rison({'actions': ['mount_dashboard'], 'distinct': False})}",
        "styles": "/api/v1/css_template/",
        "annotation layers": "/api/v1/annotation_layer/",
        "annotations": f"/api/v1/annotation_layer/{things.numbers['layer'][0]}/annotation/",
        "reports": "/api/v1/report/",
        "tags": "/api/v1/tag/",
        "tagged objects": "/api/v1/tag/get_objects/?types=chart",
        "favourites": f"/api/v1/dashboard/favorite_status/?q={rison([1, 2, 3])}",
        "charts of the city's dashboard": "/api/v1/dashboard/city/charts",
        "datasets of the city's dashboard": "/api/v1/dashboard/city/datasets",
        "tabs of the city's dashboard": "/api/v1/dashboard/city/tabs",
        "city's dashboard": "/api/v1/dashboard/city",
        "city's dashboard's page": "/superset/dashboard/city/",
        "city's dashboard, standalone": "/superset/dashboard/city/?standalone=3",
        "thumbnail": f"/api/v1/chart/{catalog.charts[0].number}/thumbnail/0/",
        "screenshot": f"/api/v1/chart/{catalog.charts[0].number}/cache_screenshot/",
        "dashboard's thumbnail": "/api/v1/dashboard/1/thumbnail/0/",
    }.items():
        for user in (SCHOOL, NOBODY):
            yield Attempt(f"object: {name} ({user or 'nobody'})", user, [Request(user, "GET", path)])


def _people(ground: Ground) -> Iterator[Attempt]:
    """Who else uses the cockpit."""
    for kind in ("dashboard", "chart", "dataset", "database", "theme", "query", "report", "rowlevelsecurity"):
        for column in ("owners", "created_by", "changed_by", "roles", "user"):
            path = f"/api/v1/{kind}/related/{column}?q={rison({'page_size': 1000, 'filter': ''})}"
            yield Attempt(f"people: {column} of {kind}", SCHOOL, [Request(SCHOOL, "GET", path)])
    everyone = rison(
        {
            "page_size": 1000,
            "filters": [{"col": "username", "opr": "ct", "value": ""}],
            "columns": ["username", "password"],
        }
    )
    for path in (
        "users/",
        "roles/",
        "groups/",
        "permissions/",
        "permissions-resources/",
        "resources/",
        "roles/search/",
        "user_registrations/",
    ):
        for user in (SCHOOL, ANALYST):
            request = Request(user, "GET", f"/api/v1/security/{path}?q={everyone}")
            yield Attempt(f"people: {path} ({user})", user, [request], refused=True)
    for column, operator in (("owners", "rel_m_m"), ("created_by", "rel_o_m"), ("changed_by", "rel_o_m")):
        for value in range(1, 6):
            query = rison(
                {
                    "filters": [{"col": column, "opr": operator, "value": value}],
                    "columns": ["id", f"{column}.first_name", f"{column}.username", f"{column}.email"],
                }
            )
            yield Attempt(
                f"people: dashboards by {column} {value}",
                SCHOOL,
                [Request(SCHOOL, "GET", f"/api/v1/dashboard/?q={query}")],
            )
    for kind in ("chart", "dataset", "dashboard"):
        query = rison(
            {
                "columns": [
                    "id",
                    "created_by.password",
                    "owners.password",
                    "changed_by.email",
                    "database.password",
                    "database.sqlalchemy_uri",
                ]
            }
        )
        yield Attempt(
            f"people: passwords by columns of {kind}",
            SCHOOL,
            [Request(SCHOOL, "GET", f"/api/v1/{kind}/?q={query}")],
        )
        order = rison({"order_column": "owners.password", "order_direction": "asc"})
        yield Attempt(
            f"people: order by password of {kind}",
            SCHOOL,
            [Request(SCHOOL, "GET", f"/api/v1/{kind}/?q={order}")],
        )
    yield Attempt(
        "people: rules", SCHOOL, [Request(SCHOOL, "GET", "/api/v1/rowlevelsecurity/")], refused=True
    )
    yield Attempt(
        "people: avatars",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/api/v1/user/{number}/avatar.png") for number in range(1, 6)],
    )
    yield Attempt(
        "people: old user list",
        SCHOOL,
        [
            Request(SCHOOL, "GET", "/users/list/?psize_UserDBModelView=100"),
            Request(SCHOOL, "GET", "/users/show/1"),
        ],
    )


def _pages(ground: Ground) -> Iterator[Attempt]:
    for path in (
        "/superset/welcome/",
        "/dashboard/list/",
        "/chart/list/",
        "/tablemodelview/list/",
        "/databaseview/list/",
        "/users/",
        "/roles/",
        "/sqllab/",
        "/explore/?datasource_type=table&datasource_id=1",
        "/superset/file-handler?file=/etc/passwd",
        "/static/../../../secrets.json",
        "/static/%2e%2e/%2e%2e/%2e%2e/superset.db",
        "/canteen/../config.py",
        "/api/v1/_openapi",
        "/swagger/v1",
        "/actionlog/list",
        "/superset/sqllab/history/",
        "/version",
    ):
        for user in (SCHOOL, NOBODY):
            yield Attempt(f"page: {path} ({user or 'nobody'})", user, [Request(user, "GET", path)])


# --- SQL Lab, for an analyst of one county

SQL: Final = {
    "plain": "select * from cockpit.canteen_period",
    "upper case": "SELECT * FROM COCKPIT.CANTEEN_PERIOD",
    "mixed case": "select * from Cockpit.Canteen_Period",
    "quoted": 'select * from "cockpit"."canteen_period"',
    "quoted upper case": 'select * from "COCKPIT"."CANTEEN_PERIOD"',
    "catalog named": 'select * from "snapshot-2".cockpit.canteen_period',
    "catalog in variables": "select * from memory.cockpit.canteen_period",
    "comment between": "select * from cockpit/**/./**/canteen_period",
    "from first": "from cockpit.canteen_period",
    "from first, select": "from cockpit.canteen_period select school_name",
    "table": "table cockpit.canteen_period",
    "with": "with a as (select * from cockpit.canteen_period) select * from a",
    "with named like the table": "with canteen_period as (select * from cockpit.canteen_period) select * from canteen_period",
    "recursive": "with recursive a as (select school_name from cockpit.canteen_period union select school_name from a) select * from a",
    "materialized": "with a as materialized (from cockpit.canteen_period) from a",
    "nested": "select * from (select * from (select * from cockpit.canteen_period))",
    "alias": "select x.* from cockpit.canteen_period as x",
    "alias named as the rule's column": "select county_code.* from cockpit.canteen_period as county_code",
    "alias columns": "select * from cockpit.canteen_period as t(county_code, county_name)",
    "column renamed over the rule": "select * from (select * replace ('{county}' as county_code) from cockpit.canteen_period)",
    "subquery in select": "select (select max(school_name) from cockpit.canteen_period) as x",
    "subquery in where": "select 1 where exists (select 1 from cockpit.canteen_period where county_code = '{county}')",
    "union": "select school_name from cockpit.canteen_period union all select county_name from cockpit.county_period",
    "except": "select school_name from cockpit.canteen_period except select 'x'",
    "join": "select b.* from cockpit.snapshot a cross join cockpit.canteen_period b",
    "left join": "select b.* from cockpit.snapshot a left join cockpit.canteen_period b on true",
    "right join": "select a.school_name, b.snapshot_id from cockpit.canteen_period a right join cockpit.snapshot b on true",
    "full join": "select * from cockpit.canteen_period a full join cockpit.county_period b using (county_code)",
    "anti join": "select * from cockpit.county_period a anti join cockpit.canteen_period b using (county_code)",
    "or true": "select * from cockpit.canteen_period where 1=1 or 1=1",
    "comment at the end": "select * from cockpit.canteen_period where 1=1 --",
    "lateral": "select * from cockpit.snapshot, lateral (select * from cockpit.canteen_period)",
    "positional join": "select * from cockpit.snapshot positional join cockpit.canteen_period",
    "pivot": "pivot cockpit.canteen_period on verdict using count(*) group by school_name",
    "unpivot": "unpivot (select school_name from cockpit.canteen_period) on school_name into name n value v",
    "summarize": "summarize cockpit.canteen_period",
    "describe": "describe cockpit.access_grant",
    "show": "show all tables",
    "pragma": "pragma show_tables",
    "explain": "explain select * from cockpit.canteen_period",
    "explain analyze": "explain analyze select * from cockpit.canteen_period",
    "sample": "select * from cockpit.canteen_period using sample 100%",
    "tablesample": "select * from cockpit.canteen_period tablesample 100%",
    "window": "select count(*) over () n, first_value(school_name) over () from cockpit.canteen_period",
    "qualify": "select * from cockpit.canteen_period qualify row_number() over () > 0",
    "whole row": "select t from cockpit.canteen_period t",
    "grants": "select * from cockpit.access_grant",
    "store": "select * from cockpit_store.canteen_period",
    "gold": "select * from gold.dim_canteen",
    "control": "select * from ctl.unit",
    "information schema": "select * from information_schema.tables",
    "master table": "select * from sqlite_master",
    "pg catalog": "select * from pg_catalog.pg_class",
    "duckdb tables": "select * from duckdb_tables()",
    "duckdb views": "select sql from duckdb_views()",
    "settings": "select * from duckdb_settings()",
    "databases": "select path from duckdb_databases()",
    "query": "select * from query('select * from gold.dim_canteen')",
    "query with names hidden": "select * from query('sel' || 'ect * from cockpit.canteen_period')",
    "query_table": "select * from query_table('cockpit.canteen_period')",
    "read_text": "select * from read_text('/etc/hostname')",
    "read_csv": "select * from read_csv('/etc/passwd', sep=':', header=false)",
    "file as table": "select * from '/etc/passwd'",
    "csv as table": "select * from 'x.csv'",
    "glob": "select * from glob('/*')",
    "getenv": "select getenv('CANTEEN_PROBE')",
    "setting": "select current_setting('temp_directory')",
    "variable": "select getvariable('x')",
    "attach": "attach 'snapshot-1.duckdb' as x",
    "detach": "detach memory",
    "use": "use gold",
    "install": "install httpfs",
    "load": "load httpfs",
    "copy out": "copy (select * from cockpit.canteen_period) to 'stolen.csv'",
    "copy in": "copy cockpit.canteen_period from '/etc/passwd'",
    "export": "export database 'stolen'",
    "import": "import database 'stolen'",
    "set": "set enable_external_access = true",
    "reset": "reset lock_configuration",
    "create table": "create table x as select * from cockpit.canteen_period",
    "create temporary table": "create temp table x as select * from gold.dim_canteen",
    "create view": "create view x as select * from gold.dim_canteen",
    "create macro": "create temp macro m() as table select * from gold.dim_canteen",
    "create secret": "create secret s (type s3)",
    "drop": "drop view cockpit.canteen_period",
    "delete": "delete from cockpit_store.canteen_period",
    "update": "update cockpit_store.canteen_period set verdict = 'green'",
    "insert": "insert into cockpit_store.canteen_period select * from cockpit.canteen_period",
    "alter": "alter table gold.dim_canteen rename to x",
    "prepare": "prepare p as select * from gold.dim_canteen; execute p",
    "two statements": "select 1; select * from gold.dim_canteen",
    "transaction": "begin; select * from gold.dim_canteen; commit",
    "checkpoint": "checkpoint",
    "call": "call pragma_version()",
    "values": "values ((select max(canteen_name) from gold.dim_canteen))",
    "dollar quotes": "select $$x$$ as a, * from gold.dim_canteen",
    "jinja": "select * from {{ dataset(1) }}",
    "jinja where": "select * from cockpit.canteen_period where county_code = '{{ '430600' }}' or 1=1",
    "jinja class": "select '{{ ''.__class__ }}'",
    "error with a value": "select cast(max(school_name) as int) from cockpit.canteen_period",
    "error message of gold": "select cast(canteen_name as int) from gold.dim_canteen",
    "unicode escape": 'select * from U&"c\\006Fckpit".canteen_period',
    "macro argument": "select * from cockpit.canteen_period, (select max(canteen_name) m from gold.dim_canteen)",
    "list comprehension": "select [x for x in (select list(canteen_name) from gold.dim_canteen)]",
    "map from entries": "select map_from_entries((select list((canteen_id, canteen_name)) from gold.dim_canteen))",
    "in other scope": "select * from cockpit.finding where county_code = '{county}'",
    "json": "select to_json(t) from cockpit.canteen_period t",
    "histogram": "select histogram(county_name) from cockpit.canteen_period",
}


def _sql_lab(ground: Ground) -> Iterator[Attempt]:
    database = ground.things.catalog.database
    for name, text in SQL.items():
        yield Attempt(f"SQL Lab: {name}", ANALYST, [kinds.ask(ANALYST, database, ground.words(text))])
    for schema in ("gold", "cockpit_store", "main", "COCKPIT", "x", ""):
        request = kinds.ask(ANALYST, database, "select * from canteen_period", schema)
        yield Attempt(f"SQL Lab: schema {schema!r}", ANALYST, [request])
        request = kinds.ask(ANALYST, database, "select * from cockpit.canteen_period", schema)
        yield Attempt(f"SQL Lab: schema {schema!r}, table qualified", ANALYST, [request])
    for catalog in ("snapshot-2", "memory", "system", "temp"):
        request = kinds.ask(ANALYST, database, "select * from cockpit.canteen_period")
        yield Attempt(
            f"SQL Lab: catalog {catalog}",
            ANALYST,
            [replace(request, body={**request.body, "catalog": catalog})],
        )
    for name, parts in {
        "as a table": {"select_as_cta": True, "ctas_method": "TABLE", "tmp_table_name": "x"},
        "as a view": {"select_as_cta": True, "ctas_method": "VIEW", "tmp_table_name": "x"},
        "asynchronous": {"runAsync": True},
        "template parameters": {"templateParams": json.dumps({"x": "1=1"})},
        "another database": {"database_id": 2},
    }.items():
        request = kinds.ask(ANALYST, database, "select * from cockpit.canteen_period")
        yield Attempt(f"SQL Lab: {name}", ANALYST, [replace(request, body={**request.body, **parts})])
    for user in (SCHOOL, COUNTY, "city_edu", "steward", "scheduler", NOBODY):
        request = kinds.ask(user, database, "select * from cockpit.canteen_period")
        yield Attempt(f"SQL Lab: without the right ({user or 'nobody'})", user, [request], refused=True)


def _sql_lab_api(ground: Ground) -> Iterator[Attempt]:
    """Others' questions, and what stands around SQL Lab."""
    catalog = ground.things.catalog
    question = kinds.ask("admin", catalog.database, "select school_name, county_name from cockpit.finding")
    client = question.body["client_id"]
    ways = {
        "exported": Request(ANALYST, "GET", f"/api/v1/sqllab/export/{client}/"),
        "streamed": Request(
            ANALYST, "POST", "/api/v1/sqllab/export_streaming/", urlencode({"client_id": client})
        ),
        "stopped": Request(ANALYST, "POST", "/api/v1/query/stop", {"client_id": client}),
        "asked again by its number": Request(ANALYST, "POST", "/api/v1/sqllab/execute/", question.body),
        "read": Request(
            ANALYST,
            "GET",
            f"/api/v1/query/?q={rison({'filters': [{'col': 'sql', 'opr': 'ct', 'value': 'x'}]})}",
        ),
    }
    for name, request in ways.items():
        yield Attempt(f"SQL Lab: somebody else's question {name}", ANALYST, [question, request], steady=False)
    for name, method, path, body in (
        ("estimate", "POST", "/api/v1/sqllab/estimate/", {"database_id": catalog.database, "sql": "select * from gold.dim_canteen"}),
        ("format", "POST", "/api/v1/sqllab/format_sql/", {"sql": "select * from gold.dim_canteen"}),
        ("start", "GET", "/api/v1/sqllab/", None),
        ("tables of gold", "GET", f"/api/v1/database/{catalog.database}/tables/?q={rison({'schema_name': 'gold'})}", None),
        ("schemas", "GET", f"/api/v1/database/{catalog.database}/schemas/", None),
        ("catalogs", "GET", f"/api/v1/database/{catalog.database}/catalogs/", None),
        ("connection", "GET", f"/api/v1/database/{catalog.database}/connection", None),
        ("database", "GET", f"/api/v1/database/{catalog.database}", None),
        ("databases", "GET", "/api/v1/database/", None),
        ("table", "GET", f"/api/v1/database/{catalog.database}/table_metadata/?name=dim_canteen&schema=gold", None),
        ("table, old", "GET", f"/api/v1/database/{catalog.database}/table/dim_canteen/gold/", None),
        ("first rows", "GET", f"/api/v1/database/{catalog.database}/select_star/access_grant/cockpit/", None),
        ("functions", "GET", f"/api/v1/database/{catalog.database}/function_names/", None),
        ("related objects", "GET", f"/api/v1/database/{catalog.database}/related_objects/", None),
        ("SQL validated", "POST", f"/api/v1/database/{catalog.database}/validate_sql/", {"sql": "select * from gold.dim_canteen", "schema": "gold"}),
        ("connection tested", "POST", "/api/v1/database/test_connection/", {"database_name": "canteen", "sqlalchemy_uri": "duckdb:////etc/hostname"}),
        ("parameters validated", "POST", "/api/v1/database/validate_parameters/", {"engine": "duckdb", "parameters": {}, "configuration_method": "dynamic_form"}),
        ("permissions synchronised", "POST", f"/api/v1/database/{catalog.database}/sync_permissions/", None),
        ("saved question", "POST", "/api/v1/saved_query/", {"db_id": catalog.database, "label": "x", "sql": "select * from gold.dim_canteen"}),
        ("link", "POST", "/api/v1/sqllab/permalink", {"dbId": catalog.database, "name": "x", "sql": "select 1"}),
        ("metadata by name", "GET", f"/datasource/external_metadata_by_name/?q={rison({'datasource_type': 'table', 'database_name': 'canteen', 'schema_name': 'gold', 'table_name': 'dim_canteen'})}", None),
    ):  # fmt: skip
        for user in (SCHOOL, ANALYST):
            yield Attempt(f"around SQL Lab: {name} ({user})", user, [Request(user, method, path, body)])


def _guests(ground: Ground) -> Iterator[Attempt]:
    resource = {"type": "dashboard", "id": ground.things.uuids["dashboard"][0]}
    body = {
        "user": {"username": "guest", "first_name": "g", "last_name": "g"},
        "resources": [resource],
        "rls": [],
    }
    for user in (NOBODY, SCHOOL, COUNTY, ANALYST, "steward"):
        request = Request(user, "POST", "/api/v1/security/guest_token/", body)
        yield Attempt(f"guest: token without rules ({user or 'nobody'})", user, [request], refused=True)
    claims = {
        "user": {"username": "guest"},
        "resources": [resource],
        "rls_rules": [],
        "iat": 1,
        "exp": 9_999_999_999,
        "aud": "http://0.0.0.0:8080/",
        "type": "guest",
    }
    for name, token in {
        "no signature": _token(claims, "none"),
        "a known secret": _token(claims, "HS256", b"test-guest-secret-change-me"),
    }.items():
        for path in ("/api/v1/dashboard/city", "/api/v1/chart/1/data/"):
            request = Request(NOBODY, "GET", path, headers={"X-GuestToken": token})
            yield Attempt(f"guest: forged token with {name}, {path}", NOBODY, [request], refused=True)
    for uuid in ground.things.uuids["dashboard"]:
        yield Attempt(
            f"guest: embedded page {uuid[:8]}",
            NOBODY,
            [
                Request(NOBODY, "GET", f"/embedded/{uuid}"),
                Request(NOBODY, "GET", f"/api/v1/embedded_dashboard/{uuid}"),
            ],
            refused=True,
        )
    yield Attempt(
        "guest: embedded dashboard's page", SCHOOL, [Request(SCHOOL, "GET", "/dashboard/city/embedded")]
    )


def _headers(ground: Ground) -> Iterator[Attempt]:
    """The envelope of a request."""
    city = f"/api/v1/dashboard/{ground.things.catalog.dashboards['city']}"
    rows = _chart(SCHOOL, ground, columns=["school_name"])
    for name, headers in {
        "host": {"Host": "example.invalid"},
        "forwarded": {
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Host": "example.invalid",
            "X-Forwarded-Prefix": "/x",
        },
        "forwarded user": {"X-Forwarded-User": "admin", "Remote-User": "admin", "X-Remote-User": "admin"},
        "method override": {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
        "other origin": {"Origin": "https://example.invalid", "Referer": "https://example.invalid/"},
        "rewritten path": {"X-Original-URL": city, "X-Rewrite-URL": city},
        "bearer": {"Authorization": "Bearer x.y.z"},
        "basic": {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()},
        "matching tag": {"If-None-Match": "*"},
        "referring to the city": {"Referer": "http://127.0.0.1/superset/dashboard/city/?snapshot=2"},
        "range": {"Range": "bytes=0-10000000"},
    }.items():
        yield Attempt(f"header: {name}, rows", SCHOOL, [replace(rows, headers=headers)])
        yield Attempt(
            f"header: {name}, city's dashboard",
            SCHOOL,
            [Request(SCHOOL, "GET", city, headers=headers)],
            refused=True,
        )
        yield Attempt(
            f"header: {name}, nobody",
            NOBODY,
            [Request(NOBODY, "GET", "/api/v1/chart/1/data/", headers=headers)],
            refused=True,
        )
    yield Attempt(
        "header: method in the form", SCHOOL, [Request(SCHOOL, "POST", city, "_method=DELETE")], refused=True
    )
    for method in ("PATCH", "TRACE", "PROPFIND", "get"):
        yield Attempt(f"header: method {method}", SCHOOL, [Request(SCHOOL, method, city)], refused=True)
    state = f"/api/v1/dashboard/{ground.things.catalog.dashboards['school']}/filter_state"
    session = ground.server.client.sessions[SCHOOL]
    for name, token in {
        "missing": "",
        "of somebody else": ground.server.client.sessions["city_edu"].csrf,
        "invented": "x",
    }.items():
        request = Request(SCHOOL, "POST", state, {"value": "{}"}, {"X-CSRFToken": token})
        yield Attempt(
            f"header: token against forgery {name}", SCHOOL, [request], refused=True, session=session
        )


def forged_sessions() -> Iterator[tuple[str, Session]]:
    """Cookies that nobody was given."""
    payload = base64.urlsafe_b64encode(json.dumps({"_user_id": "1", "_fresh": True}).encode()).decode()
    yield "invented number", Session({"canteen": "a" * 43}, "")
    yield "signed with nothing", Session({"canteen": f"{payload}.x.y", "session": f"{payload}.x.y"}, "")
    yield "path as number", Session({"canteen": "../../superset.db"}, "")
    yield "remember me", Session({"remember_token": "1|x"}, "")
    yield (
        "bearer as cookie",
        Session({"access_token_cookie": _token({"sub": "1", "type": "access"}, "none")}, ""),
    )


def _token(claims: Mapping[str, Any], algorithm: str, secret: bytes = b"") -> str:
    import hashlib
    import hmac

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    signed = f"{part(json.dumps({'alg': algorithm, 'typ': 'JWT'}).encode())}.{part(json.dumps(dict(claims)).encode())}"
    signature = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{part(signature)}"
