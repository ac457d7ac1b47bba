{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- Every calendar day of every canteen from its first registration: additive parts, so that any period is a
-- sum of days. Levels (stock value, stock-take dates, meal days) are carried from the last month's balance.
{%- do refuse_gap(this) if is_incremental() -%}
{%- set first = window_start('forward') -%}
{%- set last = last_day_of_run() -%}
{%- set month_first = py_month_start(first) %}
with canteen as (
    select distinct
        canteen_id,
        first_day,
        greatest(first_day, {{ date_literal(first) }}) as first_row_day
    from {{ ref('dim_canteen') }}
),

version as (
    select
        canteen_id, county_code, valid_from,
        coalesce(lead(valid_from) over (partition by canteen_id order by valid_from) - 1, date '9999-12-31') as until
    from {{ ref('dim_canteen') }}
),

grid as (
    select
        c.canteen_id, c.first_day, d.biz_date, v.county_code
    from canteen as c
    inner join {{ day_values(first, last) }} as d (biz_date) on d.biz_date >= c.first_day
    inner join version as v on c.canteen_id = v.canteen_id and d.biz_date between v.valid_from and v.until
),

ledger as (
    select
        l.canteen_id,
        l.biz_date,
        sum(case when l.account_kind = 'pupil' then l.in_yuan else 0 end) as purchases_yuan,
        sum(case when l.account_kind = 'pupil' then l.return_yuan else 0 end) as returns_yuan,
        sum(case when l.account_kind = 'pupil' then l.delta_value_yuan else 0 end) as delta_value_yuan,
        sum(
            case when l.account_kind = 'teacher' then l.in_yuan - l.return_yuan - l.delta_value_yuan else 0 end
        ) as teacher_cost_yuan,
        max(
            case when l.account_kind = 'pupil' and l.counted_kg is not null then l.biz_date end
        ) as stocktake_date
    from {{ ref('fct_stock_ledger') }} as l
    left join {{ ref('dim_ingredient') }} as i on l.ingredient_id = i.ingredient_id
    where l.biz_date >= {{ date_literal(month_first) }} and coalesce(i.is_food, true)
    group by l.canteen_id, l.biz_date
),

month_base as (
    select
        m.canteen_id,
        sum(m.value_yuan) as value_yuan,
        min(m.first_stocktake_date) as first_stocktake_date,
        max(m.last_stocktake_date) as last_stocktake_date
    from {{ ref('fct_stock_month') }} as m
    left join {{ ref('dim_ingredient') }} as i on m.ingredient_id = i.ingredient_id
    where
        m.month_end = {{ date_literal(days_before(month_first, 1)) }}
        and m.account_kind = 'pupil' and coalesce(i.is_food, true)
    group by m.canteen_id
),

since_base as (
    select
        l.canteen_id,
        sum(l.delta_value_yuan) as delta_value_yuan,
        min(l.stocktake_date) as first_stocktake_date,
        max(l.stocktake_date) as last_stocktake_date
    from ledger as l
    inner join canteen as c on l.canteen_id = c.canteen_id and l.biz_date < c.first_row_day
    group by l.canteen_id
),

opening as (
    select
        c.canteen_id,
        coalesce(m.value_yuan, 0) + coalesce(s.delta_value_yuan, 0) as value_yuan,
        coalesce(m.first_stocktake_date, s.first_stocktake_date) as first_stocktake_date,
        coalesce(s.last_stocktake_date, m.last_stocktake_date) as last_stocktake_date,
        {{ 'p.meal_days' if is_incremental() else 'cast(null as bigint)' }} as meal_days
    from canteen as c
    left join month_base as m on c.canteen_id = m.canteen_id
    left join since_base as s on c.canteen_id = s.canteen_id
    {% if is_incremental() %}
    left join {{ this }} as p
        on c.canteen_id = p.canteen_id and p.biz_date = {{ date_literal(days_before(first, 1)) }}
    {% endif %}
),

duty as (
    select distinct
        provider, county_code, feed
    from {{ source('silver', 'provider') }}
    where is_duty and feed in ('purchase', 'stock_move')
),

undelivered as (
    select
        u.county_code,
        d.biz_date
    from duty as u
    cross join {{ day_values(first, last) }} as d (biz_date)
    left join {{ ref('stg_delivered') }} as a
        on u.provider = a.provider and u.feed = a.feed and d.biz_date = a.biz_date
        and {{ since(first, 'a.') }}
    where a.provider is null
    group by u.county_code, d.biz_date
),

joined as (
    select
        g.canteen_id,
        g.first_day,
        g.biz_date,
        coalesce(c.open_day, 0) as open_day,
        c.term_id,
        greatest(c.term_start, g.first_day) as term_start,
        coalesce(c.open_days_left, 0) as open_days_left,
        coalesce(l.purchases_yuan, 0) as purchases_yuan,
        coalesce(l.returns_yuan, 0) as returns_yuan,
        coalesce(l.delta_value_yuan, 0) as delta_value_yuan,
        coalesce(l.teacher_cost_yuan, 0) as teacher_cost_yuan,
        l.stocktake_date,
        coalesce(f.consumption_yuan, 0) as consumption_yuan,
        coalesce(f.subsidy_yuan, 0) as subsidy_yuan,
        coalesce(f.refund_yuan, 0) as refund_yuan,
        coalesce(f.teacher_income_yuan, 0) as teacher_income_yuan,
        coalesce(f.portions, 0) as portions,
        case when coalesce(f.pupil_meal_rows, 0) > 0 then 1 else 0 end as has_income,
        case
            when u.biz_date is not null then 0
            when coalesce(f.pupil_meal_rows, 0) > 0 and coalesce(f.pupil_supply_rows, 0) = 0 then 0
            else 1
        end as is_supplied,
        coalesce(f.quarantined_rows, 0) as quarantined_rows,
        coalesce(f.current_rows, 0) + coalesce(f.quarantined_rows, 0) as total_rows
    from grid as g
    left join {{ ref('int_canteen_calendar') }} as c on g.canteen_id = c.canteen_id and g.biz_date = c.biz_date
    left join ledger as l on g.canteen_id = l.canteen_id and g.biz_date = l.biz_date
    left join {{ ref('int_canteen_flow') }} as f on g.canteen_id = f.canteen_id and g.biz_date = f.biz_date
    left join undelivered as u on g.county_code = u.county_code and g.biz_date = u.biz_date
)

select
    j.canteen_id,
    j.biz_date,
    {{ month_label('j.biz_date') }} as biz_month,
    j.first_day,
    cast(j.open_day as bigint) as open_day,
    cast(j.open_day * j.has_income as bigint) as income_day,
    cast(j.open_day * j.is_supplied as bigint) as supplied_day,
    j.term_id,
    j.term_start,
    cast(j.open_days_left as bigint) as open_days_left,
    cast(j.purchases_yuan as decimal(18, 2)) as purchases_yuan,
    cast(j.returns_yuan as decimal(18, 2)) as returns_yuan,
    cast(j.delta_value_yuan as decimal(18, 2)) as delta_value_yuan,
    cast(
        coalesce(o.value_yuan, 0) + sum(j.delta_value_yuan) over (
            partition by j.canteen_id order by j.biz_date rows between unbounded preceding and current row
        ) as decimal(18, 2)
    ) as stock_value_yuan,
    cast(j.purchases_yuan - j.returns_yuan - j.delta_value_yuan as decimal(18, 2)) as cost_yuan,
    cast(j.consumption_yuan as decimal(18, 2)) as consumption_yuan,
    cast(j.subsidy_yuan as decimal(18, 2)) as subsidy_yuan,
    cast(j.refund_yuan as decimal(18, 2)) as refund_yuan,
    cast(j.consumption_yuan + j.subsidy_yuan - j.refund_yuan as decimal(18, 2)) as income_yuan,
    cast(j.teacher_cost_yuan as decimal(18, 2)) as teacher_cost_yuan,
    cast(j.teacher_income_yuan as decimal(18, 2)) as teacher_income_yuan,
    cast(j.portions as bigint) as portions,
    cast(j.quarantined_rows as bigint) as quarantined_rows,
    cast(j.total_rows as bigint) as total_rows,
    coalesce(
        o.first_stocktake_date,
        min(j.stocktake_date) over (
            partition by j.canteen_id order by j.biz_date rows between unbounded preceding and current row
        )
    ) as first_stocktake_date,
    coalesce(
        max(j.stocktake_date) over (
            partition by j.canteen_id order by j.biz_date rows between unbounded preceding and current row
        ),
        o.last_stocktake_date
    ) as last_stocktake_date,
    cast(
        coalesce(o.meal_days, 0) + sum(j.open_day * j.has_income) over (
            partition by j.canteen_id order by j.biz_date rows between unbounded preceding and current row
        ) as bigint
    ) as meal_days
from joined as j
left join opening as o on j.canteen_id = o.canteen_id
