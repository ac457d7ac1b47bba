{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'day', 'period_column': 'biz_date'}
) }}
-- Meal money and record counts of one canteen on one day, straight from silver.
with reported as (
    select
        _provider as provider, canteen_id, biz_date,
        {{ flow_measures({
            'consumption_yuan': "sum(case when payer_kind = 'pupil' then amount_yuan else 0 end)",
            'subsidy_yuan': "sum(case when payer_kind = 'pupil' then subsidy_yuan else 0 end)",
            'teacher_income_yuan': "sum(case when payer_kind = 'teacher' then amount_yuan + subsidy_yuan else 0 end)",
            'portions': "sum(case when payer_kind = 'pupil' then portions else 0 end)",
            'breakfast_portions':
                "sum(case when payer_kind = 'pupil' and meal = 'breakfast' then portions else 0 end)",
            'lunch_portions': "sum(case when payer_kind = 'pupil' and meal = 'lunch' then portions else 0 end)",
            'dinner_portions': "sum(case when payer_kind = 'pupil' and meal = 'dinner' then portions else 0 end)",
            'pupil_meal_rows': "sum(case when payer_kind = 'pupil' then 1 else 0 end)",
            'current_rows': 'count(*)'}) }}
    from {{ source('silver', 'consumption') }}
    where {{ in_window() }}
    group by _provider, canteen_id, biz_date

    union all

    select
        _provider as provider, canteen_id, biz_date,
        {{ flow_measures({
            'refund_yuan': "sum(case when payer_kind = 'pupil' and refund_kind = 'meal' then amount_yuan else 0 end)",
            'teacher_income_yuan':
                "-sum(case when payer_kind = 'teacher' and refund_kind = 'meal' then amount_yuan else 0 end)",
            'current_rows': 'count(*)'}) }}
    from {{ source('silver', 'refund') }}
    where {{ in_window() }}
    group by _provider, canteen_id, biz_date
{% for staged, is_supply in [('stg_purchase', true), ('stg_stock_move', true), ('stg_stocktake', false)] %}
    union all

    select
        cast(null as varchar) as provider, s.canteen_id, s.biz_date,
        {{ flow_measures({
            'pupil_supply_rows':
                "sum(case when s.account_kind = 'pupil' and coalesce(i.is_food, true) then 1 else 0 end)"
                if is_supply else '0',
            'current_rows': 'count(*)'}) }}
    from {{ ref(staged) }} as s
    left join {{ ref('dim_ingredient') }} as i on s.ingredient_id = i.ingredient_id
    where {{ in_window() }}
    group by s.canteen_id, s.biz_date
{% endfor %}
    union all

    select
        provider, canteen_id, biz_date,
        {{ flow_measures({'quarantined_rows': 'count(*)'}) }}
    from {{ source('silver', 'quarantine') }}
    where
        state = 'open' and canteen_id is not null and {{ in_window() }}
        and feed in ('purchase', 'stock_move', 'stocktake', 'consumption', 'refund')
    group by provider, canteen_id, biz_date
)

select
    coalesce(k.canteen_id, r.canteen_id) as canteen_id,
    r.biz_date,
    {{ sum_yuan('r.consumption_yuan') }} as consumption_yuan,
    {{ sum_yuan('r.subsidy_yuan') }} as subsidy_yuan,
    {{ sum_yuan('r.refund_yuan') }} as refund_yuan,
    {{ sum_yuan('r.teacher_income_yuan') }} as teacher_income_yuan,
    cast(sum(r.portions) as bigint) as portions,
    cast(sum(r.breakfast_portions) as bigint) as breakfast_portions,
    cast(sum(r.lunch_portions) as bigint) as lunch_portions,
    cast(sum(r.dinner_portions) as bigint) as dinner_portions,
    cast(sum(r.pupil_meal_rows) as bigint) as pupil_meal_rows,
    cast(sum(r.pupil_supply_rows) as bigint) as pupil_supply_rows,
    cast(sum(r.current_rows) as bigint) as current_rows,
    cast(sum(r.quarantined_rows) as bigint) as quarantined_rows
from reported as r
left join {{ ref('stg_canteen_key') }} as k on r.provider = k.provider and r.canteen_id = k.source_key
group by coalesce(k.canteen_id, r.canteen_id), r.biz_date
