"""Attempts through the questions of charts: free SQL, filters, other sources, results, annotations, the old API, datasets.

Does not belong here: what stands around a question (``objects``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from pipelines.measures.access import kinds
from pipelines.measures.access.bypasses.attempt import (
    COUNTY,
    MARKET,
    NOBODY,
    SCHOOL,
    Attempt,
    Ground,
    chart_question,
)
from pipelines.measures.access.client import Request, rison

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


def every(ground: Ground) -> Iterator[Attempt]:
    """All attempts of this module."""
    for make in (
        _where,
        _having,
        _metrics,
        _columns,
        _orderby,
        _filters,
        _query_shapes,
        _other_sources,
        _results,
        _annotations,
        _post_processing,
        _legacy,
        _datasource_api,
    ):
        yield from make(ground)


def _where(ground: Ground) -> Iterator[Attempt]:
    for name, text in WHERE.items():
        extras = {"where": ground.words(text)}
        yield Attempt(
            f"where: {name}", SCHOOL, [chart_question(SCHOOL, ground, columns=["school_name"], extras=extras)]
        )


def _having(ground: Ground) -> Iterator[Attempt]:
    for name, text in HAVING.items():
        extras = {"having": ground.words(text)}
        request = chart_question(
            COUNTY, ground, columns=["school_name"], metrics=[kinds.metric("COUNT(*)")], extras=extras
        )
        yield Attempt(f"having: {name}", COUNTY, [request])


def _metrics(ground: Ground) -> Iterator[Attempt]:
    for name, text in EXPRESSIONS.items():
        request = chart_question(SCHOOL, ground, metrics=[kinds.metric(ground.words(text))])
        yield Attempt(f"metric: {name}", SCHOOL, [request])


def _columns(ground: Ground) -> Iterator[Attempt]:
    for name in (
        "subquery", "from-first", "first value over all", "whole row", "columns star", "star", "getenv",
        "read_text", "query", "gold schema", "store schema", "information_schema", "closing the query",
    ):  # fmt: skip
        column = {"expressionType": "SQL", "sqlExpression": ground.words(EXPRESSIONS[name]), "label": "x"}
        yield Attempt(f"column: {name}", COUNTY, [chart_question(COUNTY, ground, columns=[column])])


def _orderby(ground: Ground) -> Iterator[Attempt]:
    for name in ("subquery", "from-first", "getenv", "read_csv", "closing the query"):
        order = [[kinds.metric(EXPRESSIONS[name]), True]]
        yield Attempt(
            f"order: {name}", SCHOOL, [chart_question(SCHOOL, ground, columns=["school_name"], orderby=order)]
        )
    order = [["(select 1)", True]]
    yield Attempt(
        "order: text", SCHOOL, [chart_question(SCHOOL, ground, columns=["school_name"], orderby=order)]
    )


def _filters(ground: Ground) -> Iterator[Attempt]:
    def attempt(name: str, column: Any, operator: str, value: Any) -> Attempt:
        filters = [{"col": column, "op": operator, "val": value}]
        request = chart_question(SCHOOL, ground, columns=["school_name", "county_name"], filters=filters)
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
        return Attempt(f"query: {name}", user, [chart_question(user, ground, dataset, **parts)])

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
        request = chart_question(SCHOOL, ground, "county_period", parts, columns=["county_name"])
        yield Attempt(f"query: claiming the {slug} dashboard", SCHOOL, [request])
        native = {**form, "type": "NATIVE_FILTER", "native_filter_id": "NATIVE_FILTER-1"}
        request = chart_question(
            SCHOOL, ground, "county_period", {"form_data": native}, columns=["county_name"]
        )
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
            request = chart_question(SCHOOL, ground, dataset, {"result_type": kind}, columns=["county_name"])
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
        request = chart_question(SCHOOL, ground, columns=["school_name"], annotation_layers=[layer])
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
        [chart_question(SCHOOL, ground, columns=["school_name"], annotation_layers=[layer])],
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
        request = chart_question(
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
