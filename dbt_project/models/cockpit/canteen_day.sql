{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'recent', 'period_column': 'biz_date', 'days': 62}
) }}
-- Whether each canteen's data of the last 62 days are there.
select
    y.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, y.biz_date,
    y.open_day, y.income_day, y.supplied_day, y.quarantined_rows, y.total_rows, l.label as state_label, y.state_rank
from {{ ref('int_canteen_state') }} as y
inner join {{ ref('dim_canteen') }} as c
    on y.canteen_id = c.canteen_id and y.biz_date between c.valid_from and c.valid_to
{{ join_label('day_state', 'y.day_state', 'l') }}
where {{ in_window() }}
