{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- Ratios of the city, the counties and the schools, day by day.
select
    l.label as scope_kind,
    r.scope_id,
    coalesce(r.place_name, l.label) as scope_name,
    r.county_code, r.county_name, r.school_id, r.school_name,
    r.biz_date, r.ratio, r.ratio_30d, r.line_70, r.line_75
from {{ ref('int_ratio_day') }} as r
{{ join_label('scope', 'r.scope', 'l') }}
where {{ in_window() }}
