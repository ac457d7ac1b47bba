{{ config(materialized='ephemeral') }}
{%- set first = recent_oldest(35) %}
-- Suppliers over the last 35 days, in the city and in each county: how their prices stand against other suppliers',
-- what was found and how sure, what is to be done, and how many lines could be compared at all. A finding that
-- spans counties counts in the city alone.
with line as (
    {%- for scope, county in {'city': 'cast(null as varchar)', 'county': 'county_code'}.items() %}
    select
        '{{ scope }}' as scope,
        {{ county }} as county_code,
        supplier_id,
        canteen_id,
        {{ yuan(product('qty_kg', 'price_yuan')) }} as paid_yuan,
        case when others_yuan is not null and not is_unit_slip
            then {{ yuan(product('qty_kg', '(price_yuan - others_yuan)')) }} end as over_others_yuan,
        case when not is_unit_slip then {{ ratio('price_yuan', 'others_yuan') }} end as times_others
    from {{ ref('fct_price_line') }}
    where
        {{ since(first) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
        and supplier_id is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

delivered as (
    select
        scope,
        county_code,
        supplier_id,
        count(*) as line_count,
        count(distinct canteen_id) as canteens,
        count(times_others) as compared_lines,
        median(times_others) as times_others,
        {{ sum_yuan('paid_yuan') }} as paid_yuan,
        {{ sum_yuan('over_others_yuan') }} as over_others_yuan
    from line
    group by scope, county_code, supplier_id
),

-- The finding that leads: one about the whole supplier, else the dearest.
finding as (
    {%- for scope, county in {'city': 'cast(null as varchar)', 'county': 'county_code'}.items() %}
    select
        '{{ scope }}' as scope,
        {{ county }} as county_code,
        supplier_id,
        kind,
        tests_label,
        confidence_label,
        basis_label,
        next_step,
        robust_z,
        case when kind = 'supplier' then excess_pct end as level_pct,
        case when is_excess = 1 then excess_yuan end as excess_yuan,
        row_number() over (
            partition by supplier_id{{ ', county_code' if scope == 'county' }}
            order by
                case kind when 'supplier' then 0 when 'unit' then 2 else 1 end asc nulls last,
                excess_yuan desc nulls last,
                finding_id asc nulls last
        ) as n
    from {{ ref('int_shown_price_clue') }}
    where is_recent = 1 and supplier_id is not null{{ ' and county_code is not null' if scope == 'county' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

found as (
    select
        scope,
        county_code,
        supplier_id,
        count(*) as findings,
        {{ sum_yuan('excess_yuan') }} as excess_yuan,
        {%- for column in ['tests_label', 'confidence_label', 'basis_label', 'next_step', 'robust_z', 'level_pct'] %}
        max(case when n = 1 then {{ column }} end) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from finding
    group by scope, county_code, supplier_id
)

select
    l.label as scope_kind, d.county_code, k.org_name as county_name,
    d.supplier_id, coalesce(s.supplier_name, '未登记 ' || d.supplier_id) as supplier_name,
    d.line_count, d.canteens, d.compared_lines, d.paid_yuan,
    {{ ratio('d.compared_lines', 'd.line_count') }} as compared_share,
    cast(round(100 * (d.times_others - 1), 1) as decimal(18, 1)) as over_others_pct,
    d.over_others_yuan,
    coalesce(f.findings, 0) as findings,
    coalesce(f.excess_yuan, cast(0 as decimal(18, 2))) as excess_yuan,
    f.level_pct, f.robust_z, f.tests_label, f.confidence_label, f.basis_label, f.next_step
from delivered as d
left join found as f
    on d.scope = f.scope and coalesce(d.county_code, '') = coalesce(f.county_code, '') and d.supplier_id = f.supplier_id
left join {{ ref('dim_supplier') }} as s
    on d.supplier_id = s.supplier_id and {{ date_literal(last_day_of_run()) }} between s.valid_from and s.valid_to
{{ join_county('d.county_code', date_literal(last_day_of_run()), 'k') }}
{{ join_label('scope', 'd.scope', 'l') }}
