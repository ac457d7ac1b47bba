{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- Paid against reference: what the purchased goods cost, and would have cost at the retail and wholesale
-- reference of the day, by county and in the city, week or month, and category. Only lines with a reference count,
-- on both sides. Weeks are cut at the month's end.
with line as (
    select
        county_code,
        county_name,
        category,
        {{ month_start('biz_date') }} as month_start,
        greatest({{ week_start('biz_date') }}, {{ month_start('biz_date') }}) as week_first,
        qty_kg,
        {{ yuan(product('qty_kg', 'price_yuan')) }} as paid_yuan,
        {{ yuan(product('qty_kg', 'retail_yuan')) }} as at_retail_yuan,
        {{ yuan(product('qty_kg', 'wholesale_yuan')) }} as at_wholesale_yuan,
        {{ yuan(product('qty_kg', 'limit_yuan')) }} as at_limit_yuan
    from {{ ref('int_price_line') }}
    where
        biz_date >= {{ date_literal(window_start('month')) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
        and not is_unit_slip
),

spread as (
    {%- for area in ['county_code', "'all'"] %}
    {%- for period in ['month', 'week'] %}
    {%- for category in ['category', "'food'"] %}
    select
        {{ area }} as county_code,
        {{ 'county_name' if area == 'county_code' else "'全市'" }} as county_name,
        '{{ period }}' as period_kind,
        {{ 'month_start' if period == 'month' else 'week_first' }} as period_start,
        {{ category }} as category,
        month_start,
        paid_yuan,
        at_retail_yuan,
        at_wholesale_yuan,
        at_limit_yuan
    from line
    {{ 'union all' if not (loop.last and period == 'week' and area == "'all'") }}
    {%- endfor %}
    {%- endfor %}
    {%- endfor %}
)

select
    county_code,
    max(county_name) as county_name,
    period_kind,
    period_start,
    month_start,
    {{ month_label('month_start') }} as biz_month,
    category,
    count(*) as line_count,
    {{ sum_yuan('paid_yuan') }} as paid_yuan,
    {{ sum_yuan('case when at_retail_yuan is not null then paid_yuan end') }} as paid_with_retail_yuan,
    {{ sum_yuan('at_retail_yuan') }} as at_retail_yuan,
    {{ sum_yuan('case when at_wholesale_yuan is not null then paid_yuan end') }} as paid_with_wholesale_yuan,
    {{ sum_yuan('at_wholesale_yuan') }} as at_wholesale_yuan,
    {{ sum_yuan('case when paid_yuan > at_limit_yuan then paid_yuan - at_limit_yuan end') }} as over_limit_yuan,
    {{ sum_yuan('case when paid_yuan > at_retail_yuan then paid_yuan - at_retail_yuan end') }} as over_retail_yuan
from spread
group by county_code, period_kind, period_start, month_start, category
