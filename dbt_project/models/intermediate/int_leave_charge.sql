{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'day', 'period_column': 'biz_date'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
-- What persons were charged for meals of which they had taken leave, per person and day, before any refund.
with keeper as (
    {{ keeper_sources() }}
),

leave_of_meal as (
    select distinct
        k.canteen_id, r.biz_date, r.person_hash, coalesce(r.meal, 'all') as meal
    from {{ source('silver', 'meal_leave') }} as r
    {{ join_keeper() }}
    where {{ in_window() }}
),

leave_of_day as (
    select
        canteen_id, biz_date, person_hash,
        max(case when meal = 'all' then 1 else 0 end) as whole_day
    from leave_of_meal
    group by canteen_id, biz_date, person_hash
),

charged as (
    select
        k.canteen_id, r.biz_date, r.person_hash, r.payer_kind, r.meal, r.amount_yuan, l.whole_day
    from (select * from {{ source('silver', 'consumption') }} where {{ in_window() }} and amount_yuan > 0) as r
    {{ join_keeper() }}
    inner join leave_of_day as l
        on k.canteen_id = l.canteen_id and r.biz_date = l.biz_date and r.person_hash = l.person_hash
)

select
    c.canteen_id,
    c.biz_date,
    c.payer_kind as account_kind,
    c.person_hash,
    {{ sum_yuan('c.amount_yuan') }} as charged_yuan
from charged as c
left join leave_of_meal as m
    on c.canteen_id = m.canteen_id and c.biz_date = m.biz_date and c.person_hash = m.person_hash and c.meal = m.meal
where c.whole_day = 1 or m.meal is not null
group by c.canteen_id, c.biz_date, c.payer_kind, c.person_hash
{%- endif %}
