{#
  How DuckDB keeps a table and an incremental model: in one statement each. dbt-duckdb's own materializations
  build beside the old table, rename twice, drop, and ask for columns: seven statements, a fifth of a small
  night. Nobody reads the build file while it is built, and a failed statement is rolled back, so one is enough.
  Other engines keep their own. Indexes, grants, hooks and contracts are not supported: the last macro refuses them.
#}
{% materialization table, adapter='duckdb' -%}
    {%- do only_sql_and_meta() -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        create or replace table {{ target_relation }} as (
            {{ compiled_code }}
        );
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% materialization incremental, adapter='duckdb' -%}
    {%- do only_sql_and_meta() -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        {%- if is_incremental() -%}
            {{ replace_period_sql(target_relation, compiled_code) }}
        {%- else -%}
            create or replace table {{ target_relation }} as (
                {{ compiled_code }}
            );
        {%- endif -%}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization %}

{% macro only_sql_and_meta() -%}
    {%- for name in ('indexes', 'grants', 'pre-hook', 'post-hook', 'partitioned_by', 'sorted_by', 'unique_key') -%}
        {%- if config.get(name) -%}
            {{ exceptions.raise_compiler_error(
                "config '" ~ name ~ "' of " ~ this ~ " would be passed over: add it to macros/materialize.sql or take it out") }}
        {%- endif -%}
    {%- endfor -%}
    {%- if config.get('contract').enforced -%}
        {{ exceptions.raise_compiler_error(
            "an enforced contract of " ~ this ~ " would be passed over: describe its tests instead") }}
    {%- endif -%}
{%- endmacro %}
