{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- Verdicts counted per day and kind of canteen; every count may be added up.
select
    n.county_code, n.county_name,
    coalesce(s.label, '未登记') as stage_label,
    coalesce(m.label, '未登记') as mode_label,
    b.label as subsidised_label,
    n.biz_date, n.red, n.yellow, n.green, n.unknown, n.canteens
from {{ ref('int_colour_day') }} as n
{{ join_label('stage', 'n.stage', 's') }}
{{ join_label('operating_mode', 'n.operating_mode', 'm') }}
{{ join_label('subsidised', 'cast(n.subsidised as varchar)', 'b') }}
where {{ in_window() }}
