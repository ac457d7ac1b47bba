{# Exact arithmetic. Money decimal(18,2), quantities decimal(18,3), unit prices decimal(18,6). #}

{% macro yuan(expression) -%}
    cast(round({{ expression }}, 2) as decimal(18, 2))
{%- endmacro %}

{% macro qty(expression) -%}
    cast(round({{ expression }}, 3) as decimal(18, 3))
{%- endmacro %}

{% macro sum_yuan(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(18, 2))
{%- endmacro %}

{% macro sum_qty(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(18, 3))
{%- endmacro %}

{#
  numerator / denominator, half-up to 6 decimals, in whole numbers: decimal division differs between
  engines. Both are decimals of scale <= 6, numerator >= 0, denominator > 0.
#}
{% macro divide_half_up(numerator, denominator) -%}
    {{ return(adapter.dispatch('divide_half_up')(numerator, denominator)) }}
{%- endmacro %}

{% macro duckdb__divide_half_up(numerator, denominator) -%}
    {%- set n -%} cast(cast({{ numerator }} as decimal(18, 6)) * 1000000 as hugeint) {%- endset -%}
    {%- set d -%} cast(cast({{ denominator }} as decimal(18, 6)) * 1000000 as hugeint) {%- endset -%}
    cast(
        cast((2000000 * {{ n }} + {{ d }}) // (2 * {{ d }}) as decimal(30, 0)) * cast(0.000001 as decimal(7, 6))
        as decimal(18, 6)
    )
{%- endmacro %}

{# For display only; no judgement divides. #}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{# Texts joined by commas in their own order. #}
{% macro joined(expression) -%}
    {{ return(adapter.dispatch('joined')(expression)) }}
{%- endmacro %}

{% macro duckdb__joined(expression) -%}
    string_agg({{ expression }}, ',' order by {{ expression }})
{%- endmacro %}
