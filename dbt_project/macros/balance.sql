{#
  Balances that are carried from month to month: what stood before the first month of the run, and one row for each
  month since then, or since the first month with movements, so that a month without any keeps its balance.
#}

{# CTEs opening and grid of a monthly table; `moved` names the CTE of movements with canteen_id, `key`, month_start. #}
{% macro carried_months(moved, key, balance, first) -%}
opening as (
    {%- if is_incremental() %}
    select
        canteen_id, {{ key }}, {{ balance }}
    from {{ this }}
    where month_start = {{ date_literal(py_month_start(days_before(first, 1))) }}
    {%- else %}
    select
        canteen_id, {{ key }}, cast(0 as decimal(18, 2)) as {{ balance }}
    from {{ moved }}
    where false
    {%- endif %}
),

grid as (
    select
        a.canteen_id, a.{{ key }}, m.month_start
    from (
        select canteen_id, {{ key }}, date '1900-01-01' as since from opening
        union all
        select canteen_id, {{ key }}, min(month_start) as since from {{ moved }}
        group by canteen_id, {{ key }}
    ) as a
    inner join {{ price_months() }} as m (month_start, month_last, look_back) on a.since <= m.month_start
    group by a.canteen_id, a.{{ key }}, m.month_start
)
{%- endmacro %}
