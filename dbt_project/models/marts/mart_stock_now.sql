-- Stock of every key as of the last day: the month's base overridden by the month's last ledger row.
{%- set first_of_month = py_month_start(last_day_of_run()) %}
with latest as (
    select
        *,
        row_number() over (partition by canteen_id, account_kind, ingredient_id order by biz_date desc) as n
    from {{ ref('fct_stock_ledger') }}
    where biz_date >= {{ date_literal(first_of_month) }}
),

base as (
    select * from {{ ref('fct_stock_month') }}
    where month_end = {{ date_literal(days_before(first_of_month, 1)) }}
)

select
    coalesce(l.canteen_id, b.canteen_id) as canteen_id,
    coalesce(l.account_kind, b.account_kind) as account_kind,
    coalesce(l.ingredient_id, b.ingredient_id) as ingredient_id,
    {{ date_literal(last_day_of_run()) }} as biz_date,
    coalesce(l.closing_kg, b.closing_kg) as closing_kg,
    coalesce(l.price_yuan, b.price_yuan) as price_yuan,
    coalesce(l.value_yuan, b.value_yuan) as value_yuan
from (select * from latest where n = 1) as l
full join base as b
    on l.canteen_id = b.canteen_id and l.account_kind = b.account_kind and l.ingredient_id = b.ingredient_id
