{{ config(materialized='ephemeral') }}
-- Providers with their label, and their county where they serve only one.
select
    provider,
    max(label) as label,
    case when count(distinct county_code) = 1 then nullif(max(county_code), '') end as county_code
from {{ source('silver', 'provider') }}
group by provider
