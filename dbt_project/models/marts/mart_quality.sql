{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'arrival', 'period_column': 'arrival_date'}
) }}
-- Scorecard per provider, feed and arrival day: rows delivered, quarantined, duplicate, and expectations met.
with delivered as (
    select
        provider, feed, _arrival_date as arrival_date,
        count(distinct _file) as files,
        sum(rows_accepted) as rows_accepted,
        sum(rows_quarantined) as rows_quarantined,
        sum(rows_duplicate) as rows_duplicate,
        sum(case when state = 'superseded' then rows_accepted else 0 end) as rows_superseded
    from {{ source('silver', 'delivery') }}
    where _arrival_date >= {{ date_literal(window_start('arrival')) }}
    group by provider, feed, _arrival_date
),

waiting as (
    select
        provider, feed, _arrival_date as arrival_date,
        sum(case when state = 'open' then 1 else 0 end) as quarantine_open
    from {{ source('silver', 'quarantine') }}
    where _arrival_date >= {{ date_literal(window_start('arrival')) }}
    group by provider, feed, _arrival_date
),

expected as (
    select
        provider, feed, _arrival_date as arrival_date,
        count(*) as expectations,
        sum(case when success then 1 else 0 end) as expectations_met
    from {{ source('silver', 'expectation_result') }}
    where _arrival_date >= {{ date_literal(window_start('arrival')) }}
    group by provider, feed, _arrival_date
),

subject as (
    select provider, feed, arrival_date from delivered
    union
    select provider, feed, arrival_date from waiting
    union
    select provider, feed, arrival_date from expected
)

select
    s.provider,
    s.feed,
    s.arrival_date,
    cast(coalesce(d.files, 0) as bigint) as files,
    cast(coalesce(d.rows_accepted, 0) as bigint) as rows_accepted,
    cast(coalesce(d.rows_quarantined, 0) as bigint) as rows_quarantined,
    cast(coalesce(d.rows_duplicate, 0) as bigint) as rows_duplicate,
    cast(coalesce(d.rows_superseded, 0) as bigint) as rows_superseded,
    cast(coalesce(w.quarantine_open, 0) as bigint) as quarantine_open,
    cast(coalesce(e.expectations, 0) as bigint) as expectations,
    cast(coalesce(e.expectations_met, 0) as bigint) as expectations_met
from subject as s
left join delivered as d on s.provider = d.provider and s.feed = d.feed and s.arrival_date = d.arrival_date
left join waiting as w on s.provider = w.provider and s.feed = w.feed and s.arrival_date = w.arrival_date
left join expected as e on s.provider = e.provider and s.feed = e.feed and s.arrival_date = e.arrival_date
