"""Attempts in SQL Lab, for an analyst of one county, and on others' questions there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from pipelines.measures.access import kinds
from pipelines.measures.access.bypasses.attempt import (
    ANALYST,
    COUNTY,
    NOBODY,
    SCHOOL,
    Attempt,
    Ground,
)
from pipelines.measures.access.client import Request, rison

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


def every(ground: Ground) -> Iterator[Attempt]:
    """All attempts of this module."""
    for make in (_sql_lab, _sql_lab_api):
        yield from make(ground)


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
