{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
-- What the money of a canteen reveals, one row per cause, in the columns of red_line_finding. Only canteens that
-- have registered a special account are looked at; what was not delivered is no finding (docs/explanation/money.md).
with found as (
    {%- for part in ['int_finding_bank', 'int_finding_supply', 'int_finding_meal', 'int_finding_books'] %}
    select * from {{ ref(part) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    md5(
        kind || '|' || canteen_id || '|' || account_kind || '|' || cause_key || '|' || cast(period_start as varchar)
    ) as finding_id,
    kind,
    canteen_id,
    account_kind,
    ingredient_id,
    supplier_id,
    biz_date,
    {{ month_label('biz_date') }} as biz_month,
    period_start,
    period_end,
    direction,
    amount_yuan,
    observed,
    expected,
    text_zh,
    record_nos,
    confidence
from found
where {{ in_window() }} and biz_date <= {{ date_literal(last_day_of_run()) }}
{%- endif %}
