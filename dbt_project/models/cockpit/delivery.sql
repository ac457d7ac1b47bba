{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'arrival', 'period_column': 'arrival_date'}
) }}
-- What arrived, per provider, feed and day; the county is given where the provider serves only one.
select
    q.provider, p.label as provider_label, q.feed, l.label as feed_label,
    p.county_code, k.org_name as county_name,
    q.arrival_date, q.files, q.rows_accepted, q.rows_quarantined, q.rows_duplicate, q.rows_superseded,
    q.quarantine_open, q.expectations, q.expectations_met
from {{ ref('mart_quality') }} as q
left join {{ ref('int_provider') }} as p on q.provider = p.provider
{{ join_county('p.county_code', 'q.arrival_date', 'k') }}
{{ join_label('feed', 'q.feed', 'l') }}
where {{ in_window() }}
