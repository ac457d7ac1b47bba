{{ config(materialized='view') }}
-- Findings with the names that the cockpit shows, who is to act on them, and the alert that was raised from them. A
-- view, because alerts are raised after dbt; it is whole, because a supplier's name may become known later.
select
    f.finding_id, f.kind, k.label as kind_label,
    f.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name,
    f.account_kind, f.ingredient_id, i.ingredient_name, f.supplier_id, s.supplier_name,
    f.biz_date, f.biz_month, f.period_start, f.period_end,
    f.direction, d.label as direction_label,
    f.amount_yuan, f.observed, f.expected, f.text_zh, f.record_nos,
    f.confidence, h.label as confidence_label,
    coalesce(p.label, 'both') as department,
    n.label as next_step,
    {{ alert_columns() }}
from (
    select * from {{ ref('red_line_finding') }}
    union all
    select * from {{ ref('money_finding') }}
    union all
    select * from {{ ref('video_finding') }}
) as f
left join {{ ref('dim_canteen') }} as c
    on f.canteen_id = c.canteen_id and f.biz_date between c.valid_from and c.valid_to
left join {{ ref('dim_ingredient') }} as i on f.ingredient_id = i.ingredient_id
left join {{ ref('dim_supplier') }} as s
    on f.supplier_id = s.supplier_id and f.biz_date between s.valid_from and s.valid_to
{{ join_label('finding_kind', 'f.kind', 'k') }}
{{ join_label('finding_department', 'f.kind', 'p') }}
{{ join_label('finding_step', 'f.kind', 'n') }}
{{ join_label('direction', 'f.direction', 'd') }}
{{ join_label('confidence', 'f.confidence', 'h') }}
{{ join_alert('f.finding_id') }}
