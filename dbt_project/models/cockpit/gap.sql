{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- What did not arrive, per provider, feed, county and day.
select
    g.provider, p.label as provider_label, g.feed, l.label as feed_label,
    g.county_code, k.org_name as county_name, g.biz_date, g.canteens
from {{ ref('mart_delivery_gap') }} as g
left join {{ ref('int_provider') }} as p on g.provider = p.provider
{{ join_county('g.county_code', 'g.biz_date', 'k') }}
{{ join_label('feed', 'g.feed', 'l') }}
where {{ in_window() }}
