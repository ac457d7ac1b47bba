"""Stand-ins for dbt's own functions give what those give (pipelines/gold/brisk.py)."""

import json
from types import SimpleNamespace

import lake
import pytest
from dbt.compilation import inject_ctes_into_sql
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note
from hypothesis import given
from hypothesis import strategies as st

from pipelines.gold.brisk import brisk, with_ctes, write_manifest

CTES = [
    SimpleNamespace(id="a", sql=" __dbt__cte__a as (\nselect 1\n)"),
    SimpleNamespace(id="b", sql=" __dbt__cte__b as (\nwith x as (select 2) select * from x\n)"),
]
GAPS = st.sampled_from(
    [" ", "\n", "\n\n    ", "-- with a remark\n", "/* with\n another */", "\t-- select;\n  "]
)
BODIES = st.sampled_from(
    ["select 'with' as a from t", "select * from (with i as (select 3) select * from i) as t", "select 1"]
)


def _words(sql: str) -> list[str]:
    return sql.split()


@given(before=st.lists(GAPS, max_size=3), gap=GAPS, word=st.sampled_from(["with", "WITH", ""]), body=BODIES)
def test_ephemeral_models_stand_where_dbt_puts_them(
    before: list[str], gap: str, word: str, body: str
) -> None:
    sql = "".join(before) + (f"{word}{gap}own as (select 0){gap}{body}" if word else body)
    assert _words(with_ctes(sql, CTES)) == _words(inject_ctes_into_sql(sql, CTES))


def test_a_recursive_statement_stays_recursive() -> None:
    sql = "with recursive r as (select 1 union all select 2 from r) select * from r"
    assert _words(with_ctes(sql, CTES)) == _words(inject_ctes_into_sql(sql, CTES))


def test_every_model_compiles_to_what_dbt_compiles(tmp_path) -> None:
    arguments = {"from_date": "2026-03-02", "to_date": "2026-03-09"}
    plain, once, again = (
        {
            one.node.unique_id: _words(one.node.compiled_code)
            for one in lake.run_dbt(tmp_path, lake.no_pins(), ["compile"], shortened=shortened, **arguments)
        }
        for shortened in (False, True, True)
    )
    assert len(plain) > 100
    assert once == plain
    assert again == plain


@pytest.mark.parametrize(("level", "heard"), [("debug", 0), ("info", 0), ("warn", 1), ("error", 1)])
def test_only_what_is_below_a_warning_goes_unheard(
    level: str, heard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = []
    monkeypatch.setattr(get_event_manager(), "callbacks", [said.append])
    with brisk():
        fire_event(Note(msg="a word"), level=EventLevel(level))
    assert [one.info.msg for one in said] == ["a word"] * heard


def test_the_manifest_is_written_as_dbt_writes_it(tmp_path) -> None:
    manifest = lake.manifest("night")
    write_manifest(manifest, tmp_path / "ours.json")
    manifest.write(str(tmp_path / "theirs.json"))
    assert json.loads((tmp_path / "ours.json").read_text()) == json.loads(
        (tmp_path / "theirs.json").read_text()
    )
