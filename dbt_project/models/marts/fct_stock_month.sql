{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month_end', 'period_column': 'month_end'}
) }}
-- Stock of every key at the end of every complete month: the only history that a later night reads.
-- depends_on: {{ ref('int_stock_day') }}
-- Prices chain from month to month, so the months of the window are rolled one after another.
{%- set months = complete_months() if execute else [] %}
with base_0 as (
    select
        canteen_id, account_kind, ingredient_id, month_end + 1 as month_first,
        closing_kg, price_yuan, value_yuan, first_stocktake_date, last_stocktake_date
    from
    {% if is_incremental() and months %}
        {{ this }}
    where month_end = {{ date_literal(days_before(months[0].first, 1)) }}
    {% else %}
        (
            select
                cast(null as varchar) as canteen_id, cast(null as varchar) as account_kind,
                cast(null as varchar) as ingredient_id, cast(null as date) as month_end,
                cast(null as decimal(18, 3)) as closing_kg, cast(null as decimal(18, 6)) as price_yuan,
                cast(null as decimal(18, 2)) as value_yuan,
                cast(null as date) as first_stocktake_date, cast(null as date) as last_stocktake_date
        ) as nothing
    where false
    {% endif %}
)
{%- for month in months %},

row_{{ loop.index }} as (
    select
        *,
        {{ date_literal(month.first) }} as month_first
    from {{ ref('int_stock_day') }}
    where biz_date between {{ date_literal(month.first) }} and {{ date_literal(month.last) }}
),

rolled_{{ loop.index }} as (
    select
        *,
        row_number() over (partition by canteen_id, account_kind, ingredient_id order by biz_date desc) as from_last,
        min(case when counted_kg is not null then biz_date end) over (
            partition by canteen_id, account_kind, ingredient_id
        ) as first_stocktake_date,
        max(case when counted_kg is not null then biz_date end) over (
            partition by canteen_id, account_kind, ingredient_id
        ) as last_stocktake_date
    from ({{ stock_chain('row_' ~ loop.index, 'base_' ~ loop.index0) }}) as chained
),

base_{{ loop.index }} as (
    select
        coalesce(r.canteen_id, b.canteen_id) as canteen_id,
        coalesce(r.account_kind, b.account_kind) as account_kind,
        coalesce(r.ingredient_id, b.ingredient_id) as ingredient_id,
        {{ date_literal(month.last) }} + 1 as month_first,
        coalesce(r.closing_kg, b.closing_kg) as closing_kg,
        coalesce(r.price_yuan, b.price_yuan) as price_yuan,
        coalesce(r.value_yuan, b.value_yuan) as value_yuan,
        coalesce(b.first_stocktake_date, r.first_stocktake_date) as first_stocktake_date,
        coalesce(r.last_stocktake_date, b.last_stocktake_date) as last_stocktake_date
    from (select * from rolled_{{ loop.index }} where from_last = 1) as r
    full join base_{{ loop.index0 }} as b
        on r.canteen_id = b.canteen_id
        and r.account_kind = b.account_kind
        and r.ingredient_id = b.ingredient_id
)
{%- endfor %}

{% for month in months %}
select
    canteen_id, account_kind, ingredient_id, month_first - 1 as month_end,
    closing_kg, price_yuan, value_yuan, first_stocktake_date, last_stocktake_date,
    {{ month_label('month_first - 1') }} as biz_month
from base_{{ loop.index }}
{{ 'union all' if not loop.last }}
{% else %}
select
    canteen_id, account_kind, ingredient_id, month_first - 1 as month_end,
    closing_kg, price_yuan, value_yuan, first_stocktake_date, last_stocktake_date,
    {{ month_label('month_first - 1') }} as biz_month
from base_0
where false
{% endfor %}
