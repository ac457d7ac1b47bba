"""What SQL may reach DuckDB.

Belongs here: the last look at every statement that Superset is about to run, whoever asked for it.
Superset looks less far: its list of forbidden functions holds in SQL Lab only, so a chart's custom
expression would read the server's settings; and SQL Lab puts row rules into plain queries only, so
`summarize` and `pivot` would show an analyst every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import sqlglot
from flask import has_request_context, request
from sqlglot import exp
from superset.errors import ErrorLevel, SupersetError, SupersetErrorType
from superset.exceptions import SupersetSecurityException

SCHEMA: Final = "cockpit"
FORBIDDEN: Final = {
    "checkpoint", "current_catalog", "current_database", "current_query", "current_role", "current_schema",
    "current_schemas", "current_setting", "current_user", "duckdb_columns", "duckdb_constraints",
    "duckdb_databases", "duckdb_dependencies", "duckdb_extensions", "duckdb_functions", "duckdb_indexes",
    "duckdb_keywords", "duckdb_log_contexts", "duckdb_logs", "duckdb_memory", "duckdb_optimizers",
    "duckdb_schemas", "duckdb_secret_types", "duckdb_secrets", "duckdb_sequences", "duckdb_settings",
    "duckdb_tables", "duckdb_temporary_files", "duckdb_types", "duckdb_variables", "duckdb_views",
    "generate_series", "getenv", "getvariable", "glob", "in_search_path", "json_execute_serialized_sql",
    "parquet_bloom_probe", "parquet_file_metadata", "parquet_kv_metadata", "parquet_metadata",
    "parquet_scan", "parquet_schema", "pg_get_constraintdef", "pg_get_viewdef", "pg_typeof",
    "pragma_collations", "pragma_database_size", "pragma_metadata_info", "pragma_platform",
    "pragma_show", "pragma_storage_info", "pragma_table_info", "pragma_user_agent", "pragma_version",
    "query", "query_table", "range", "read_blob", "read_csv", "read_csv_auto", "read_duckdb", "read_json",
    "read_json_auto", "read_json_objects", "read_json_objects_auto", "read_ndjson", "read_ndjson_auto",
    "read_ndjson_objects", "read_parquet", "read_text", "repeat", "repeat_row", "seq_scan", "session_user",
    "sniff_csv", "sql_auto_complete", "summary", "test_all_types", "user", "version",
}  # fmt: skip
"""Functions that read files, settings, the catalog or run text as SQL, or make rows out of nothing."""
_UNKNOWN: Final = (exp.Anonymous, exp.AnonymousAggFunc)
FORBIDDEN_BEGINNINGS: Final = ("duckdb_", "pragma_", "pg_", "read_", "parquet_", "json_execute", "icu_")
CHART_FUNCTIONS: Final = {
    "abs", "and", "avg", "case", "cast", "ceil", "coalesce", "concat", "count", "count_if", "date", "date_part",
    "date_trunc", "extract", "floor", "greatest", "if", "ifnull", "least", "left", "length", "like", "ilike",
    "lower", "max", "min", "nullif", "or", "right", "round", "row_number", "strftime", "substring", "sum",
    "timestamp_trunc", "time_to_str", "to_date", "trim", "ts_or_ds_to_date", "try_cast", "upper", "year",
    "month", "day", "week", "quarter", "hour", "str_to_time", "anonymous",
}  # fmt: skip
"""All that a chart needs; anything else in a chart is somebody's custom expression."""


def check(sql: str, **_: Any) -> str:
    """Superset's SQL mutator: the statement, a chart's in one order, or a refusal.

    Raises:
        SupersetSecurityException: It does not only read, calls a function or reads a table that it
            may not, or reads rows that the user's row rules were not applied to.
    """
    statements = [one for one in sqlglot.parse(sql, dialect="duckdb") if one is not None]
    if not all(isinstance(one, exp.Query) for one in statements):
        raise _refusal("只允许查询语句（SELECT）")
    functions = forbidden_functions(statements, chart=_is_chart())
    if functions:
        raise _refusal(f"不允许使用函数 {'、'.join(sorted(functions))}")
    rules = _row_rules({table.name for table in _tables(statements)})
    tables = foreign_tables(statements, rules)
    if tables:
        raise _refusal(f"只能查询驾驶舱的数据集（{SCHEMA}.名称），不能查询 {'、'.join(sorted(tables))}")
    tables = unfiltered_tables(statements, rules)
    if tables:
        raise _refusal(f"这种写法绕过了 {'、'.join(sorted(tables))} 的数据范围：请改用普通的 SELECT ... FROM")
    return in_one_order(statements[0]) if _is_chart() and len(statements) == 1 else sql


def in_one_order(statement: exp.Expression) -> str:
    """The query with every column as its last order, also where a query inside it takes the first rows.

    Without it the order of a user's rows, and which of them a limit takes, would also depend on rows that
    the user may not see, because DuckDB groups by pieces of the table.

    Args:
        statement: As DuckDB's dialect reads it.
    """
    ordered = statement.copy()
    for select in ordered.find_all(exp.Select):
        if select is ordered or select.args.get("limit"):
            places = [exp.Literal.number(place) for place in range(1, len(select.selects) + 1)]
            select.order_by(*places, append=True, copy=False)
    return ordered.sql(dialect="duckdb")


def forbidden_functions(statements: list[exp.Expression], *, chart: bool) -> set[str]:
    """Names of the functions in parsed statements that may not be called.

    Args:
        statements: As DuckDB's dialect reads them.
        chart: Whether only what a chart needs may be called.
    """
    called = {
        (function.name if isinstance(function, _UNKNOWN) else function.sql_name()).lower()
        for statement in statements
        for function in statement.find_all(exp.Func)
    }
    return {
        name
        for name in called
        if name in FORBIDDEN
        or name.startswith(FORBIDDEN_BEGINNINGS)
        or (chart and name not in CHART_FUNCTIONS)
    }


def foreign_tables(statements: list[exp.Expression], known: Iterable[str]) -> set[str]:
    """Tables in parsed statements that are not datasets of the cockpit.

    Args:
        statements: As DuckDB's dialect reads them.
        known: Names of the datasets.
    """
    outside: set[str] = set()
    for statement in statements:
        named = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
        for table in _tables([statement]):
            own = table.db.lower() == SCHEMA and not table.catalog and table.name in known
            if not own and (table.db or table.name.lower() not in named):
                outside.add(table.sql(dialect="duckdb"))
    return outside


def unfiltered_tables(statements: list[exp.Expression], rules: Mapping[str, list[str]]) -> set[str]:
    """Datasets that are read anywhere without their row rules in the same query's condition.

    Args:
        statements: As DuckDB's dialect reads them.
        rules: Conditions that must hold, by dataset; empty where the user sees every row.
    """
    bare: set[str] = set()
    for table in _tables(statements):
        wanted = {
            part
            for rule in rules.get(table.name, [])
            for part in _conditions(sqlglot.parse_one(rule, dialect="duckdb"))
        }
        if not wanted or table.db.lower() != SCHEMA:
            continue
        select = table.parent.parent if isinstance(table.parent, exp.From) else None
        where = select.args.get("where") if isinstance(select, exp.Select) else None
        others = [join.this for join in select.args.get("joins") or []] if where else []
        plain = not table.args.get("pivots") and not any(isinstance(one, exp.Table) for one in others)
        if not plain or where is None or not wanted <= _conditions(where.this):
            bare.add(table.name)
    return bare


def _conditions(condition: exp.Expression) -> set[str]:
    """The parts of a condition that must all hold, each as text without outer brackets."""
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return _conditions(inner.left) | _conditions(inner.right)
    return {inner.sql(dialect="duckdb")}


def _tables(statements: list[exp.Expression]) -> list[exp.Table]:
    return [table for statement in statements for table in statement.find_all(exp.Table)]


def _row_rules(names: set[str]) -> dict[str, list[str]]:
    """The user's row rules of those of the names that are datasets."""
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    found = db.session.query(SqlaTable).filter(SqlaTable.schema == SCHEMA, SqlaTable.table_name.in_(names))
    literal = {"literal_binds": True}
    return {
        one.table_name: [
            str(rule.compile(compile_kwargs=literal)) for rule in one.get_sqla_row_level_filters()
        ]
        for one in found
    }


def _refusal(message: str) -> SupersetSecurityException:
    return SupersetSecurityException(
        SupersetError(message, SupersetErrorType.DATABASE_SECURITY_ACCESS_ERROR, ErrorLevel.ERROR)
    )


def _is_chart() -> bool:
    return has_request_context() and not request.path.startswith(
        ("/api/v1/sqllab", "/sqllab", "/superset/sqllab")
    )
