{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
-- Findings with the names that the cockpit shows.
select
    f.*,
    c.canteen_name,
    c.school_id,
    c.school_name,
    c.county_code,
    c.county_name
from {{ ref('red_line_finding') }} as f
left join {{ ref('dim_canteen') }} as c
    on f.canteen_id = c.canteen_id and f.biz_date between c.valid_from and c.valid_to
where {{ in_window() }}
