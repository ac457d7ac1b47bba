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
    {%- for part in ['int_finding_bank', 'int_finding_supply', 'int_finding_meal', 'int_finding_refund', 'int_finding_books'] %}
    select * from {{ ref(part) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

{{ numbered_findings('found') }}
{%- endif %}
