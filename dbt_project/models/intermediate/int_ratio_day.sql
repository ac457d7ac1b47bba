{{ config(materialized='ephemeral') }}
-- Ratio of sums of the city, each county and each school on each day, of canteens with a verdict other than
-- unknown; a red line of 70 or 75 stands where a canteen of the scope is judged by it.
with canteen as (
    select
        c.canteen_id, c.school_id, c.school_name, c.county_code, c.county_name, c.city_id,
        r.period_end as biz_date,
        r.period_kind,
        r.threshold,
        case when r.verdict <> 'unknown' then r.cost_yuan end as cost_yuan,
        case when r.verdict <> 'unknown' then r.income_yuan end as income_yuan
    from {{ ref('mart_red_line') }} as r
    inner join {{ ref('dim_canteen') }} as c
        on r.canteen_id = c.canteen_id and r.period_end between c.valid_from and c.valid_to
    where
        r.period_kind in ('month_to_date', 'rolling_30d') and r.definition = 'consumed'
        and r.period_end >= {{ date_literal(window_start('forward')) }}
),

scoped as (
    select 'city' as scope, city_id as scope_id, cast(null as varchar) as county_code,
        cast(null as varchar) as county_name, cast(null as varchar) as school_id,
        cast(null as varchar) as school_name, biz_date, period_kind, threshold, cost_yuan, income_yuan
    from canteen
    union all
    select 'county' as scope, county_code as scope_id, county_code, county_name,
        cast(null as varchar) as school_id, cast(null as varchar) as school_name,
        biz_date, period_kind, threshold, cost_yuan, income_yuan
    from canteen
    union all
    select 'school' as scope, school_id as scope_id, county_code, county_name, school_id, school_name,
        biz_date, period_kind, threshold, cost_yuan, income_yuan
    from canteen
),

summed as (
    select
        scope, scope_id, county_code, county_name, school_id, school_name, biz_date,
        {%- for kind, name in [('month_to_date', 'month'), ('rolling_30d', 'recent')] %}
        {{ sum_yuan("case when period_kind = '" ~ kind ~ "' then cost_yuan end") }} as {{ name }}_cost_yuan,
        {{ sum_yuan("case when period_kind = '" ~ kind ~ "' then income_yuan end") }} as {{ name }}_income_yuan,
        {%- endfor %}
        max(case when threshold = 70 then cast(0.70 as decimal(18, 6)) end) as line_70,
        max(case when threshold = 75 then cast(0.75 as decimal(18, 6)) end) as line_75
    from scoped
    group by scope, scope_id, county_code, county_name, school_id, school_name, biz_date
)

select
    *,
    coalesce(school_name, county_name) as place_name,
    {{ ratio('month_cost_yuan', 'month_income_yuan') }} as ratio,
    {{ ratio('recent_cost_yuan', 'recent_income_yuan') }} as ratio_30d
from summed
