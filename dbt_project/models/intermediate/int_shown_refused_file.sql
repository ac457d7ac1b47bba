{{ config(materialized='ephemeral') }}
-- Files that were refused at the door or never came though they were announced, with what to do about each; the
-- county is given where the provider serves only one.
select
    f.provider, coalesce(p.label, f.provider) as provider_label,
    p.county_code, k.org_name as county_name,
    f._arrival_date as arrival_date,
    replace(f.path, f.provider || '/' || cast(f._arrival_date as varchar) || '/', '') as file_name,
    f.refusal_code, f.message as reason_text,
    substr(f._file, 1, 12) as source_file,
    case when f.is_replaced then 0 else 1 end as is_open,
    case when f.is_replaced then '已重新送达' else '待重新报送' end as state_label
from {{ source('silver', 'refusal') }} as f
left join {{ ref('int_provider') }} as p on f.provider = p.provider
{{ join_county('p.county_code', 'f._arrival_date', 'k') }}
