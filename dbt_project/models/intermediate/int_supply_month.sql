{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- What each supplier sold to each canteen in a month, per food category: the purchases of the red line
-- (pupil account, food, accepted), net of returns.
-- A return names no supplier: it counts against the one that last delivered this ingredient to this canteen
-- in the 31 days up to it, else against `unassigned`, so that the parts still add up to the canteen's purchases.
{%- set first = window_start('month') -%}
{%- set return_days = 31 %}
with version as (
    select
        canteen_id, county_code, county_name, valid_from,
        coalesce(lead(valid_from) over (partition by canteen_id order by valid_from) - 1, date '9999-12-31') as until
    from {{ ref('dim_canteen') }}
),

purchase as (
    select
        canteen_id, ingredient_id, supplier_id, biz_date, amount_yuan
    from {{ ref('stg_purchase') }}
    where
        account_kind = 'pupil' and accepted_on is not null
        and {{ since(days_before(first, return_days)) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
),

returned as (
    select
        canteen_id, ingredient_id, biz_date,
        sum(amount_yuan) as amount_yuan
    from {{ ref('stg_stock_move') }}
    where
        account_kind = 'pupil' and move_kind = 'supplier_return'
        and {{ since(first) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
    group by canteen_id, ingredient_id, biz_date
),

traced as (
    select
        r.canteen_id,
        r.ingredient_id,
        r.biz_date,
        r.amount_yuan,
        p.supplier_id,
        row_number() over (
            partition by r.canteen_id, r.ingredient_id, r.biz_date
            order by p.biz_date desc nulls last, p.supplier_id asc nulls last
        ) as n
    from returned as r
    left join purchase as p
        on r.canteen_id = p.canteen_id and r.ingredient_id = p.ingredient_id
        and p.biz_date between r.biz_date - {{ return_days }} and r.biz_date
),

supplied as (
    select
        canteen_id, ingredient_id, supplier_id, biz_date, amount_yuan
    from purchase
    where biz_date >= {{ date_literal(first) }}
    union all
    select
        canteen_id, ingredient_id,
        coalesce(supplier_id, 'unassigned') as supplier_id,
        biz_date,
        -amount_yuan as amount_yuan
    from traced
    where n = 1
)

select
    s.canteen_id,
    v.county_code,
    max(v.county_name) as county_name,
    {{ month_start('s.biz_date') }} as month_start,
    s.supplier_id,
    coalesce(i.category, 'other_food') as category,
    {{ sum_yuan('s.amount_yuan') }} as purchase_yuan
from supplied as s
inner join version as v on s.canteen_id = v.canteen_id and s.biz_date between v.valid_from and v.until
left join {{ ref('dim_ingredient') }} as i on s.ingredient_id = i.ingredient_id
where coalesce(i.is_food, true)
group by
    s.canteen_id, v.county_code, {{ month_start('s.biz_date') }}, s.supplier_id, coalesce(i.category, 'other_food')
