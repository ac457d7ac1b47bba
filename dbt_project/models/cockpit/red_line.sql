{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'verdict', 'period_column': 'period_end'}
) }}
-- Red line with the names that the cockpit shows, as registered on the period's last day.
select
    r.*,
    c.canteen_name,
    c.school_id,
    c.school_name,
    c.county_code,
    c.county_name,
    c.stage,
    c.operating_mode,
    c.subsidised,
    g.title as source_title,
    g.doc_no as source_doc_no,
    u.label as unknown_label,
    u.owner as unknown_owner,
    u.remedy as unknown_remedy
from {{ ref('mart_red_line') }} as r
left join {{ ref('dim_canteen') }} as c
    on r.canteen_id = c.canteen_id and r.period_end between c.valid_from and c.valid_to
left join {{ ref('ref_unknown_reason') }} as u on r.unknown_reason = u.code
left join {{ ref('ref_regulation') }} as g on r.source_id = g.source_id
where {{ in_window() }}
