{{ config(materialized='ephemeral') }}
-- One stock-take against the rolled book. Items count when they are off by more than the item threshold;
-- their net value must exceed the threshold's share of the book plus what undelivered days may explain.
with weighed as (
    select
        c.*,
        t.finding_min_yuan,
        t.stocktake_variance_pct,
        {{ product('abs(c.gap_kg)', '100') }} > {{ product('greatest(c.book_kg, 0)', 't.stocktake_item_pct') }}
        and (abs(c.gap_kg) >= t.finding_min_kg or {{ product('abs(c.gap_kg)', 'c.price_yuan') }} >= t.finding_min_yuan) as is_off
    from {{ ref('int_count_item') }} as c
    {{ join_threshold('c.canteen_id', 'c.biz_date') }}
),

taken as (
    select
        canteen_id,
        biz_date,
        previous_date,
        max(finding_min_yuan) as finding_min_yuan,
        max(stocktake_variance_pct) as stocktake_variance_pct,
        sum({{ product('greatest(book_kg, 0)', 'price_yuan') }}) as book_yuan,
        sum({{ product('counted_kg', 'price_yuan') }}) as counted_yuan,
        sum(case when is_off then {{ product('gap_kg', 'price_yuan') }} else 0 end) as net_yuan
    from weighed
    group by canteen_id, biz_date, previous_date
),

coverage as (
    select
        k.canteen_id,
        k.biz_date,
        sum(y.open_day - y.supplied_day) as missing_days,
        sum(y.open_day) as open_days,
        sum(y.purchases_yuan) as purchases_yuan
    from taken as k
    inner join {{ ref('fct_canteen_day') }} as y
        on k.canteen_id = y.canteen_id and y.biz_date > k.previous_date and y.biz_date <= k.biz_date
    group by k.canteen_id, k.biz_date
)

select
    k.canteen_id,
    k.biz_date,
    k.previous_date + 1 as period_start,
    case when k.net_yuan > 0 then 'stocktake_above_book' else 'stocktake_below_book' end as kind,
    abs(k.net_yuan) as amount_yuan,
    k.counted_yuan as observed,
    k.book_yuan as expected
from taken as k
inner join coverage as c on k.canteen_id = c.canteen_id and k.biz_date = c.biz_date
where
    abs(k.net_yuan) >= k.finding_min_yuan
    and abs(k.net_yuan) * 100 > k.book_yuan * k.stocktake_variance_pct
    and abs(k.net_yuan) * c.open_days > c.missing_days * c.purchases_yuan
