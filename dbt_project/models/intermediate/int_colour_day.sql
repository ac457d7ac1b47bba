{{ config(materialized='ephemeral') }}
-- How many canteens of each kind had which verdict of the month to date, on each day.
select
    c.county_code,
    c.county_name,
    c.stage,
    c.operating_mode,
    c.subsidised,
    r.period_end as biz_date,
    cast(sum(case when r.verdict = 'red' then 1 else 0 end) as bigint) as red,
    cast(sum(case when r.verdict = 'yellow' then 1 else 0 end) as bigint) as yellow,
    cast(sum(case when r.verdict = 'green' then 1 else 0 end) as bigint) as green,
    cast(sum(case when r.verdict = 'unknown' then 1 else 0 end) as bigint) as unknown,
    cast(count(*) as bigint) as canteens
from {{ ref('mart_red_line') }} as r
inner join {{ ref('dim_canteen') }} as c
    on r.canteen_id = c.canteen_id and r.period_end between c.valid_from and c.valid_to
where
    r.period_kind = 'month_to_date' and r.definition = 'consumed'
    and r.period_end >= {{ date_literal(window_start('forward')) }}
group by c.county_code, c.county_name, c.stage, c.operating_mode, c.subsidised, r.period_end
