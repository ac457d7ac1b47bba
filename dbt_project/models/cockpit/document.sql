{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'recent', 'period_column': 'biz_date', 'days': 35}
) }}
-- The purchase lines and counted items of the last 35 days, down to file and row of the source. The opening count
-- may be of a day before the canteen's registration.
select
    k.label as record_kind, r.record_no,
    r.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, r.biz_date,
    a.label as account_label, i.ingredient_name, g.label as category_label, s.supplier_name,
    r.qty, r.unit, r.unit_price, r.amount_yuan,
    r.source_provider, coalesce(v.label, r.source_provider) as provider_label,
    substr(r.source_file, 1, 12) as source_file,
    r.source_row
from {{ ref('int_document') }} as r
inner join {{ ref('dim_canteen') }} as c
    on r.canteen_id = c.canteen_id and greatest(r.biz_date, c.first_day) between c.valid_from and c.valid_to
left join {{ ref('dim_ingredient') }} as i on r.ingredient_id = i.ingredient_id
left join {{ ref('dim_supplier') }} as s
    on r.supplier_id = s.supplier_id and r.biz_date between s.valid_from and s.valid_to
left join {{ ref('int_provider') }} as v on r.source_provider = v.provider
{{ join_label('feed', 'r.record_kind', 'k') }}
{{ join_label('account_kind', 'r.account_kind', 'a') }}
{{ join_label('category', 'i.category', 'g') }}
where {{ in_window() }}
