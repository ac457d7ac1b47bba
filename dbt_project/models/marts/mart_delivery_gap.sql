{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- What stewards must chase: a duty feed that did not arrive for a day on which a canteen of the county was open.
with open_county_day as (
    select
        d.county_code,
        y.biz_date,
        sum(y.open_day) as canteens
    from {{ ref('fct_canteen_day') }} as y
    inner join {{ ref('dim_canteen') }} as d
        on y.canteen_id = d.canteen_id and y.biz_date between d.valid_from and d.valid_to
    where y.open_day = 1 and {{ in_window() }}
    group by d.county_code, y.biz_date
)

select
    p.provider,
    p.feed,
    p.county_code,
    c.biz_date,
    {{ month_label('c.biz_date') }} as biz_month,
    cast(c.canteens as bigint) as canteens
from {{ source('silver', 'provider') }} as p
inner join open_county_day as c on p.county_code = c.county_code
left join {{ ref('stg_delivered') }} as a
    on p.provider = a.provider and p.feed = a.feed and c.biz_date = a.biz_date
    and {{ since(window_start('forward'), 'a.') }}
where p.is_duty and a.provider is null
