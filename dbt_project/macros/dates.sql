{# SQL dates in the subset that DuckDB and Spark share. #}

{% macro month_start(day) -%}
    cast({{ dbt.date_trunc('month', day) }} as date)
{%- endmacro %}

{% macro month_end(day) -%}
    (cast({{ dbt.dateadd('month', 1, dbt.date_trunc('month', day)) }} as date) - 1)
{%- endmacro %}

{% macro week_start(day) -%}
    cast({{ dbt.date_trunc('week', day) }} as date)
{%- endmacro %}

{% macro year_start(day) -%}
    cast({{ dbt.date_trunc('year', day) }} as date)
{%- endmacro %}

{% macro month_label(day) -%}
    substr(cast({{ day }} as varchar), 1, 7)
{%- endmacro %}

{# `biz_month` names the partition, so that files outside are never opened. #}
{% macro since(day, alias='') -%}
    {{ alias }}biz_month >= '{{ (day | string)[:7] }}' and {{ alias }}biz_date >= {{ date_literal(day) }}
{%- endmacro %}

{# A table of days, as `(values ...)`, from a Python date to another, both included. #}
{% macro day_values(first, last) -%}
    (values
    {%- for n in range((last - first).days + 1) %}
        ({{ date_literal(first + modules.datetime.timedelta(n)) }}){{ ',' if not loop.last }}
    {%- endfor %}
    )
{%- endmacro %}
