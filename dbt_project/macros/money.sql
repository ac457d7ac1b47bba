{# Exact arithmetic. Money decimal(18,2), quantities decimal(18,3), unit prices decimal(18,6). #}

{% macro yuan(expression) -%}
    cast(round({{ expression }}, 2) as decimal(18, 2))
{%- endmacro %}

{% macro qty(expression) -%}
    cast(round({{ expression }}, 3) as decimal(18, 3))
{%- endmacro %}

{# a * b, both decimals of at most 18 digits and scale <= 6. The engine keeps decimal(18) * decimal(18) in 18
   digits and stops at the first row that needs more; 37 always hold it. #}
{% macro product(a, b) -%}
    (cast({{ a }} as decimal(19, 6)) * {{ b }})
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
    {%- set n = duckdb__millionths(numerator) -%}
    {%- set d = duckdb__millionths(denominator) -%}
    cast(
        cast((2000000 * {{ n }} + {{ d }}) // (2 * {{ d }}) as decimal(30, 0)) * cast(0.000001 as decimal(7, 6))
        as decimal(18, 6)
    )
{%- endmacro %}

{# Whole part and fraction apart: a decimal(18) times a million overflows from a million on. #}
{% macro duckdb__millionths(number) -%}
    {%- set exact -%} cast({{ number }} as decimal(18, 6)) {%- endset -%}
    (cast(floor({{ exact }}) as hugeint) * 1000000 + cast(({{ exact }} - floor({{ exact }})) * 1000000 as hugeint))
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
