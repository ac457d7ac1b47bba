{{ config(materialized='ephemeral') }}
-- Whether a canteen's data of a day are there, for the last days.
with state as (
    select
        *,
        case
            when open_day = 0 then 'closed'
            when income_day = 0 then 'no_income'
            when supplied_day = 0 then 'no_supply'
            else 'complete'
        end as day_state
    from {{ ref('fct_canteen_day') }}
    where biz_date >= {{ date_literal(recent_start(62)) }}
)

select
    s.canteen_id,
    s.biz_date,
    s.open_day,
    s.income_day,
    s.supplied_day,
    s.quarantined_rows,
    s.total_rows,
    s.day_state,
    cast(l.sort_no - 1 as bigint) as state_rank
from state as s
{{ join_label('day_state', 's.day_state', 'l') }}
