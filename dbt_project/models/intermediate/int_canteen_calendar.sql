{{ config(materialized='ephemeral') }}
-- Calendar of every canteen: the nearest organisation's row of a day wins (canteen, school, county, city).
-- Reaches back far enough to know the first day of a running term, and on to the end of the as-of month.
{%- set first = days_before(window_start('forward'), 400) -%}
{%- set last = py_month_end(last_day_of_run()) %}
with entry as (
    select
        org_id, biz_date, is_open, term_id
    from {{ source('silver', 'calendar') }}
    where biz_date between {{ date_literal(first) }} and {{ date_literal(last) }}
),

named_day as (
    select distinct biz_date from entry
),

version as (
    select
        canteen_id, school_id, county_id, city_id,
        case when valid_from = first_day then date '1900-01-01' else valid_from end as since,
        coalesce(
            lead(valid_from) over (partition by canteen_id order by valid_from) - 1, date '9999-12-31'
        ) as until
    from {{ ref('dim_canteen') }}
),

resolved as (
    select
        v.canteen_id,
        d.biz_date,
        coalesce(c.is_open, s.is_open, k.is_open, m.is_open, false) as is_open,
        case
            when c.org_id is not null then c.term_id
            when s.org_id is not null then s.term_id
            when k.org_id is not null then k.term_id
            else m.term_id
        end as term_id
    from version as v
    inner join named_day as d on d.biz_date between v.since and v.until
    left join entry as c on v.canteen_id = c.org_id and d.biz_date = c.biz_date
    left join entry as s on v.school_id = s.org_id and d.biz_date = s.biz_date
    left join entry as k on v.county_id = k.org_id and d.biz_date = k.biz_date
    left join entry as m on v.city_id = m.org_id and d.biz_date = m.biz_date
)

select
    canteen_id,
    biz_date,
    case when is_open then 1 else 0 end as open_day,
    term_id,
    case when term_id is not null then min(biz_date) over (partition by canteen_id, term_id) end as term_start,
    cast(
        sum(case when is_open then 1 else 0 end) over (partition by canteen_id, {{ month_start('biz_date') }})
        - sum(case when is_open then 1 else 0 end) over (
            partition by canteen_id, {{ month_start('biz_date') }}
            order by biz_date rows between unbounded preceding and current row
        ) as bigint
    ) as open_days_left
from resolved
