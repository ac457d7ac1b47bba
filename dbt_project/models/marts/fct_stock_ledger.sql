{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- Stock ledger per canteen, account and ingredient: opening + in - returned - out = book; a count overrides.
{%- set first_of_month = py_month_start(window_start('forward')) %}
with happened as (
    select
        *,
        {{ month_start('biz_date') }} as month_first
    from {{ ref('int_stock_day') }}
    where biz_date between {{ date_literal(first_of_month) }} and {{ date_literal(last_day_of_run()) }}
),

base as (
    select
        *,
        month_end + 1 as month_first
    from {{ ref('fct_stock_month') }}
    where month_end >= {{ date_literal(days_before(first_of_month, 1)) }}
),

chained as (
    {{ stock_chain('happened', 'base') }}
)

select
    canteen_id,
    account_kind,
    ingredient_id,
    biz_date,
    {{ month_label('biz_date') }} as biz_month,
    opening_kg,
    in_kg,
    in_yuan,
    return_kg,
    return_yuan,
    out_kg,
    teacher_kg,
    book_kg,
    counted_kg,
    closing_kg,
    price_yuan,
    value_yuan,
    delta_value_yuan,
    is_opening_count,
    cast(case when not is_opening_count then counted_kg - book_kg end as decimal(18, 3)) as variance_kg,
    case when not is_opening_count then {{ yuan(product('(counted_kg - book_kg)', 'price_yuan')) }} end as variance_yuan
from chained
where {{ in_window() }}
