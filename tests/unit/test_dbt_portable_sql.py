"""The dbt project stays inside the SQL that DuckDB and Spark share, and is described in Chinese."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("portable_sql", ROOT / "tests" / "lint" / "portable_sql.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_project_uses_only_common_sql(lint: ModuleType) -> None:
    assert lint.check(ROOT / "dbt_project") == []


@pytest.mark.parametrize(
    "sql",
    [
        "select * from t qualify row_number() over () = 1",
        "select a, sum(b) from t group by all",
        "select * exclude (a) from t",
        "select distinct on (a) b from t",
        "select 7 // 2",
        "select cost_yuan / income_yuan from t",
        "select list_sort(a) from t",
        "select * from generate_series(1, 3)",
        "select hash(a) from t",
        "select a + interval '1 day' from t",
        'select "a" from t',
        "select 1 as 金额",
    ],
)
def test_lint_refuses(lint: ModuleType, sql: str) -> None:
    assert lint.violations(sql) != []


def test_lint_lets_engine_macros_comments_and_texts_be(lint: ModuleType) -> None:
    text = (
        "{% macro duckdb__half(n) %}{{ n }} // 2{% endmacro %}\n-- qualify\nselect 'group by all' as a from t"
    )
    assert lint.violations(text) == []
