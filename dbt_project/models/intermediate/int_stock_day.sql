{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'day', 'period_column': 'biz_date'}
) }}
-- What happened to one ingredient in one canteen on one day: accepted purchases, returns, out, count.
with entry as (
    select
        canteen_id, account_kind, ingredient_id, biz_date,
        accepted_kg as in_kg, amount_yuan as in_yuan,
        cast(0 as decimal(18, 3)) as return_kg, cast(0 as decimal(18, 2)) as return_yuan,
        cast(0 as decimal(18, 3)) as out_kg, cast(0 as decimal(18, 3)) as teacher_kg,
        cast(null as decimal(18, 3)) as counted_kg, cast(null as decimal(18, 6)) as count_price_yuan
    from {{ ref('stg_purchase') }}
    where accepted_on is not null and {{ in_window() }}

    union all

    select
        canteen_id, account_kind, ingredient_id, biz_date,
        cast(0 as decimal(18, 3)) as in_kg, cast(0 as decimal(18, 2)) as in_yuan,
        case when move_kind = 'supplier_return' then qty_kg else 0 end as return_kg,
        case when move_kind = 'supplier_return' then amount_yuan else 0 end as return_yuan,
        case
            when move_kind in ('issue', 'loss') then qty_kg
            when move_kind = 'issue_return' then -qty_kg
            else 0
        end as out_kg,
        case
            when purpose = 'teacher_meal' and move_kind = 'issue' then qty_kg
            when purpose = 'teacher_meal' and move_kind = 'issue_return' then -qty_kg
            else 0
        end as teacher_kg,
        cast(null as decimal(18, 3)) as counted_kg, cast(null as decimal(18, 6)) as count_price_yuan
    from {{ ref('stg_stock_move') }}
    where {{ in_window() }}

    union all

    select
        canteen_id, account_kind, ingredient_id, biz_date,
        cast(0 as decimal(18, 3)) as in_kg, cast(0 as decimal(18, 2)) as in_yuan,
        cast(0 as decimal(18, 3)) as return_kg, cast(0 as decimal(18, 2)) as return_yuan,
        cast(0 as decimal(18, 3)) as out_kg, cast(0 as decimal(18, 3)) as teacher_kg,
        counted_kg, price_yuan as count_price_yuan
    from {{ ref('stg_stocktake') }}
    where {{ in_window() }}
)

select
    canteen_id,
    account_kind,
    ingredient_id,
    biz_date,
    {{ sum_qty('in_kg') }} as in_kg,
    {{ sum_yuan('in_yuan') }} as in_yuan,
    {{ sum_qty('return_kg') }} as return_kg,
    {{ sum_yuan('return_yuan') }} as return_yuan,
    {{ sum_qty('out_kg') }} as out_kg,
    {{ sum_qty('teacher_kg') }} as teacher_kg,
    cast(sum(counted_kg) as decimal(18, 3)) as counted_kg,
    max(count_price_yuan) as count_price_yuan
from entry
group by canteen_id, account_kind, ingredient_id, biz_date
