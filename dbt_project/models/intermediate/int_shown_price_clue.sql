{{ config(materialized='ephemeral') }}
{%- set tests = [
    'over_limit', 'over_quotation', 'no_quotation', 'peer', 'history', 'reference', 'not_following',
    'supplier', 'supplier_rise', 'unit_line'] %}
-- Price findings with the names that the cockpit shows, the tests that agree, and who is to do what. A whole
-- table: names may become known later, and what is recent changes with every day.
with test_label as (
    select
        {%- for test in tests %}
        max(case when code = '{{ test }}' then label end) as {{ test }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('ref_label') }}
    where list_name = 'price_test'
)

select
    f.finding_id,
    substr(f.finding_id, 1, 8) as finding_no,
    f.kind, k.label as kind_label, f.level, v.label as level_label,
    f.canteen_id, c.canteen_name, c.school_id, c.school_name, f.county_code, o.org_name as county_name,
    coalesce(c.canteen_name, o.org_name || '（全县区）', '全市') as place_name,
    f.account_kind, f.ingredient_id, i.ingredient_name, g.label as category_label, f.spec,
    f.supplier_id, coalesce(s.supplier_name, '未登记 ' || f.supplier_id) as supplier_name,
    f.biz_date, f.biz_month, f.period_start, f.period_end,
    f.price_yuan, f.expected_yuan,
    greatest(f.excess_yuan, cast(0 as decimal(18, 2))) as excess_yuan,
    f.excess_pct, f.robust_z,
    f.test, t.label as test_label,
    substr(
        {%- for test in tests %}
        {{ '|| ' if not loop.first }}case when ',' || f.tests || ',' like '%,{{ test }},%' then '、' || n.{{ test }} else '' end
        {%- endfor %}, 2
    ) as tests_label,
    f.line_count, f.record_nos,
    f.confidence, h.label as confidence_label,
    f.basis, b.label as basis_label,
    coalesce(p.label, 'both') as department,
    a.label as next_step,
    f.text_zh,
    case when f.kind = 'unit' then 0 else 1 end as is_excess,
    case when f.period_end >= {{ date_literal(recent_oldest(35)) }} then 1 else 0 end as is_recent
from {{ ref('price_finding') }} as f
cross join test_label as n
left join {{ ref('dim_canteen') }} as c
    on f.canteen_id = c.canteen_id and f.biz_date between c.valid_from and c.valid_to
left join {{ ref('dim_ingredient') }} as i on f.ingredient_id = i.ingredient_id
left join {{ ref('dim_supplier') }} as s
    on f.supplier_id = s.supplier_id and f.biz_date between s.valid_from and s.valid_to
{{ join_county('f.county_code', 'f.biz_date', 'o') }}
{{ join_label('price_finding_kind', 'f.kind', 'k') }}
{{ join_label('price_level', 'f.level', 'v') }}
{{ join_label('price_test', 'f.test', 't') }}
{{ join_label('price_department', 'f.test', 'p') }}
{{ join_label('price_step', 'f.test', 'a') }}
{{ join_label('price_basis', 'f.basis', 'b') }}
{{ join_label('confidence', 'f.confidence', 'h') }}
{{ join_label('category', 'i.category', 'g') }}
