-- Verdicts of the shown periods with the words that people read.
select
    p.canteen_id, p.canteen_name, p.school_id, p.school_name, p.county_code, p.county_name,
    coalesce(s.label, '未登记') as stage_label,
    coalesce(m.label, '未登记') as mode_label,
    b.label as subsidised_label,
    p.pupils,
    p.period_kind, p.period_label, p.period_rank, p.period_start, p.period_end,
    p.definition, d.label as definition_label,
    p.verdict, v.label as verdict_label, p.verdict_rank, p.is_red, p.is_yellow, p.is_green, p.is_unknown,
    p.ratio, p.threshold, p.gap_pp, p.rule_label,
    p.cost_yuan, p.income_yuan, p.opening_stock_yuan, p.purchases_yuan, p.returns_yuan, p.closing_stock_yuan,
    p.consumption_yuan, p.subsidy_yuan, p.refund_yuan,
    p.forecast_ratio, p.forecast_low, p.forecast_high,
    p.unknown_label, p.unknown_owner, p.unknown_remedy,
    a.label as basis_label,
    g.title as source_title,
    o.label as previous_verdict_label,
    p.previous_ratio,
    h.label as change_label,
    p.is_worse, p.is_better, p.findings, p.next_step, p.data_until, p.data_age_days
from {{ ref('int_canteen_period') }} as p
left join {{ ref('ref_regulation') }} as g on p.source_id = g.source_id
{{ join_label('stage', 'p.stage', 's') }}
{{ join_label('operating_mode', 'p.operating_mode', 'm') }}
{{ join_label('subsidised', 'cast(p.subsidised as varchar)', 'b') }}
{{ join_label('definition', 'p.definition', 'd') }}
{{ join_label('verdict', 'p.verdict', 'v') }}
{{ join_label('verdict', 'p.previous_verdict', 'o') }}
{{ join_label('verdict_change', 'p.verdict_change', 'h') }}
{{ join_label('basis', 'p.basis', 'a') }}
