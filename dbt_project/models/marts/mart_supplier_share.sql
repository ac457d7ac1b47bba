{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- Each supplier's part of a canteen's purchases of a month. Shares are rounded half-up to 6 decimals and the
-- largest supplier takes the rest, so that they are exactly 100 together; no purchases net of returns, no share.
with supplied as (
    select
        canteen_id,
        month_start,
        supplier_id,
        {{ sum_yuan('purchase_yuan') }} as purchase_yuan
    from {{ ref('int_supply_month') }}
    where {{ in_window() }}
    group by canteen_id, month_start, supplier_id
),

ranked as (
    select
        *,
        cast(sum(purchase_yuan) over (partition by canteen_id, month_start) as decimal(18, 2)) as total_yuan,
        row_number() over (
            partition by canteen_id, month_start
            order by purchase_yuan desc nulls last, supplier_id asc nulls last
        ) as n
    from supplied
),

rounded as (
    select
        *,
        case
            when total_yuan > 0 and n > 1 then
                case when purchase_yuan < 0 then -1 else 1 end
                * {{ divide_half_up('abs(purchase_yuan) * 100', 'total_yuan') }}
            when total_yuan > 0 then 0
        end as rounded_pct
    from ranked
)

select
    canteen_id,
    {{ month_label('month_start') }} as biz_month,
    month_start,
    supplier_id,
    purchase_yuan,
    cast(
        rounded_pct
        + case when n = 1 then 100 - sum(rounded_pct) over (partition by canteen_id, month_start) else 0 end
        as decimal(18, 6)
    ) as share_pct
from rounded
