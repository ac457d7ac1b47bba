{{ config(materialized='ephemeral') }}
{%- set first = days_before(last_day_of_run(), 119) %}
-- What was paid against what the same goods cost by the reference prices of the day: the city and counties by
-- week, month and category, schools by week over the last 120 days. 1 is the reference; null where there is none.
with school_line as (
    select
        d.school_id,
        d.school_name,
        d.county_code,
        d.county_name,
        greatest({{ week_start('l.biz_date') }}, {{ month_start('l.biz_date') }}) as period_start,
        {{ yuan(product('l.qty_kg', 'l.price_yuan')) }} as paid_yuan,
        {{ yuan(product('l.qty_kg', 'l.retail_yuan')) }} as at_retail_yuan,
        {{ yuan(product('l.qty_kg', 'l.wholesale_yuan')) }} as at_wholesale_yuan
    from {{ ref('fct_price_line') }} as l
    inner join {{ ref('dim_canteen') }} as d
        on l.canteen_id = d.canteen_id and l.biz_date between d.valid_from and d.valid_to
    where
        {{ since(first, 'l.') }} and l.biz_date <= {{ date_literal(last_day_of_run()) }}
        and not l.is_unit_slip
),

placed as (
    select
        'school' as scope,
        school_id,
        school_name as scope_name,
        county_code,
        county_name,
        school_name,
        'week' as period_kind,
        period_start,
        'food' as category,
        count(*) as line_count,
        {{ sum_yuan('paid_yuan') }} as paid_yuan,
        {{ sum_yuan('case when at_retail_yuan is not null then paid_yuan end') }} as paid_with_retail_yuan,
        {{ sum_yuan('at_retail_yuan') }} as at_retail_yuan,
        {{ sum_yuan('case when at_wholesale_yuan is not null then paid_yuan end') }} as paid_with_wholesale_yuan,
        {{ sum_yuan('at_wholesale_yuan') }} as at_wholesale_yuan
    from school_line
    group by school_id, school_name, county_code, county_name, period_start
    union all
    select
        case when county_code = 'all' then 'city' else 'county' end as scope,
        null as school_id,
        county_name as scope_name,
        nullif(county_code, 'all') as county_code,
        case when county_code <> 'all' then county_name end as county_name,
        null as school_name,
        period_kind,
        period_start,
        category,
        line_count,
        paid_yuan,
        paid_with_retail_yuan,
        at_retail_yuan,
        paid_with_wholesale_yuan,
        at_wholesale_yuan
    from {{ ref('mart_price_index') }}
)

select
    l.label as scope_kind, p.scope_name, p.county_code, p.county_name, p.school_id, p.school_name,
    p.period_kind, p.period_start, {{ month_label('p.period_start') }} as biz_month,
    case
        when {{ month_start('p.period_start') }} >= {{ date_literal(py_month_start(last_day_of_run())) }} then 0
        when {{ month_start('p.period_start') }}
            >= {{ date_literal(py_month_start(days_before(py_month_start(last_day_of_run()), 1))) }} then 1
        else 2
    end as month_rank,
    p.category, coalesce(g.label, '全部食材') as category_label,
    case when p.category = 'food' then 1 else 0 end as is_total,
    p.line_count, p.paid_yuan,
    p.paid_with_retail_yuan, p.at_retail_yuan,
    {{ ratio('p.paid_with_retail_yuan', 'p.at_retail_yuan') }} as retail_index,
    {{ ratio('p.paid_with_retail_yuan', 'p.paid_yuan') }} as retail_share,
    p.paid_with_wholesale_yuan, p.at_wholesale_yuan,
    {{ ratio('p.paid_with_wholesale_yuan', 'p.at_wholesale_yuan') }} as wholesale_index,
    {{ ratio('p.paid_with_wholesale_yuan', 'p.paid_yuan') }} as wholesale_share,
    cast(1 as double) as reference_line
from placed as p
{{ join_label('scope', 'p.scope', 'l') }}
{{ join_label('category', 'p.category', 'g') }}
