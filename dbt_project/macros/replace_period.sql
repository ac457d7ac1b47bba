{# Incremental strategy of all facts: the rows of the window go, the newly computed ones come. #}
{% macro get_incremental_replace_period_sql(arg_dict) -%}
    {{ return(adapter.dispatch('replace_period_sql')(arg_dict)) }}
{%- endmacro %}

{% macro duckdb__replace_period_sql(arg_dict) -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }} where {{ in_window() }};
    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}
