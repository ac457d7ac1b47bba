{{ config(materialized='ephemeral') }}
-- Every purchase line of food of the last 35 days with the chain that bound its price (quotation, limit, order),
-- the references, its peers, and what it could be compared with; the finding that it belongs to, if any.
{%- set first = recent_month_start(35) %}
with bought as (
    select
        p.source_provider,
        p.canteen_id,
        p.biz_date,
        p.biz_month,
        p.record_no,
        p.order_no,
        p.account_kind,
        p.supplier_id,
        p.ingredient_id,
        coalesce(i.ingredient_name, p.ingredient_id) as ingredient_name,
        i.category,
        i.base_unit,
        p.spec,
        p.unit,
        p.unit_price,
        p.accepted_qty,
        p.amount_yuan,
        p.source_file,
        p.source_row,
        c.canteen_name,
        c.school_id,
        c.school_name,
        c.county_code,
        c.county_name,
        t.price_min_lines,
        t.price_history_lines
    from {{ ref('stg_purchase') }} as p
    left join {{ ref('dim_ingredient') }} as i on p.ingredient_id = i.ingredient_id
    inner join {{ ref('dim_canteen') }} as c
        on p.canteen_id = c.canteen_id and p.biz_date between c.valid_from and c.valid_to
    inner join {{ ref('int_threshold') }} as t
        on c.threshold_scope = t.threshold_scope and p.biz_date between t.since and t.until
    where
        coalesce(i.is_food, true)
        and {{ since(first, 'p.') }} and p.biz_date <= {{ date_literal(last_day_of_run()) }}
),

priced as (
    select
        b.*,
        l.price_yuan,
        l.qty_kg,
        l.quote_yuan,
        l.quotation_no,
        l.quotes_here,
        l.limit_yuan,
        l.limit_basis,
        l.retail_yuan,
        l.wholesale_yuan,
        l.reference_confidence,
        l.peer_yuan,
        l.peer_lines,
        l.robust_z,
        l.own_yuan,
        l.others_yuan,
        case
            when l.record_no is null then 'no_price'
            when l.is_unit_slip then 'unit_slip'
            when l.peer_yuan is not null and l.peer_lines >= b.price_min_lines then 'peer'
            when l.own_yuan is not null and l.own_lines >= b.price_history_lines then 'history'
            when coalesce(l.quote_yuan, l.limit_yuan, l.retail_yuan, l.wholesale_yuan) is not null then 'bound'
            else 'none'
        end as comparison
    from bought as b
    left join {{ ref('fct_price_line') }} as l
        on b.source_provider = l.source_provider and b.canteen_id = l.canteen_id and b.biz_date = l.biz_date
        and b.record_no = l.record_no
),

-- A line belongs to the finding that names it, else to that of its supplier.
own_cause as (
    select
        b.source_provider,
        b.canteen_id,
        b.biz_date,
        b.record_no,
        max(f.finding_id) as finding_id
    from bought as b
    inner join {{ ref('price_finding') }} as f
        on b.biz_month = f.biz_month and b.canteen_id = f.canteen_id and b.ingredient_id = f.ingredient_id
        and b.biz_date between f.period_start and f.period_end
        and replace(',' || f.record_nos || ',', ',' || b.record_no || ',', '') <> ',' || f.record_nos || ','
    where f.kind <> 'supplier'
    group by b.source_provider, b.canteen_id, b.biz_date, b.record_no
),

supplier_cause as (
    select
        b.source_provider,
        b.canteen_id,
        b.biz_date,
        b.record_no,
        max(f.finding_id) as finding_id
    from bought as b
    inner join {{ ref('price_finding') }} as f
        on b.biz_month = f.biz_month and b.supplier_id = f.supplier_id
        and b.biz_date between f.period_start and f.period_end
        and (f.county_code is null or b.county_code = f.county_code)
        and (f.canteen_id is null or b.canteen_id = f.canteen_id)
    where f.kind = 'supplier'
    group by b.source_provider, b.canteen_id, b.biz_date, b.record_no
),

linked as (
    select
        p.*,
        coalesce(o.finding_id, s.finding_id) as finding_id,
        f.test
    from priced as p
    left join own_cause as o
        on p.source_provider = o.source_provider and p.canteen_id = o.canteen_id and p.biz_date = o.biz_date
        and p.record_no = o.record_no
    left join supplier_cause as s
        on p.source_provider = s.source_provider and p.canteen_id = s.canteen_id and p.biz_date = s.biz_date
        and p.record_no = s.record_no
    left join {{ ref('price_finding') }} as f on coalesce(o.finding_id, s.finding_id) = f.finding_id
)

select
    l.source_provider, coalesce(v.label, l.source_provider) as provider_label, l.record_no, l.order_no,
    l.canteen_id, l.canteen_name, l.school_id, l.school_name, l.county_code, l.county_name,
    l.biz_date, a.label as account_label,
    l.supplier_id, coalesce(s.supplier_name, '未登记 ' || l.supplier_id) as supplier_name,
    l.ingredient_id, l.ingredient_name, g.label as category_label, l.spec,
    l.unit, l.unit_price, l.accepted_qty, l.amount_yuan,
    l.base_unit, l.qty_kg, l.price_yuan,
    l.quotation_no, l.quote_yuan,
    case when l.quotes_here and l.quote_yuan is null then '无有效报价' else l.quotation_no end as quotation_text,
    l.limit_yuan, m.label as limit_label,
    l.retail_yuan, l.wholesale_yuan, b.label as reference_label,
    l.peer_yuan, l.peer_lines, l.robust_z, l.own_yuan, l.others_yuan,
    cast(round(100 * ({{ ratio('l.price_yuan', 'l.peer_yuan') }} - 1), 1) as decimal(18, 1)) as over_peer_pct,
    {{ yuan(product('l.qty_kg', '(l.price_yuan - l.peer_yuan)')) }} as over_peer_yuan,
    l.comparison, n.label as comparison_label,
    case when l.comparison in ('peer', 'history', 'bound') then 1 else 0 end as is_compared,
    case when l.comparison in ('peer', 'history', 'bound') then 0 else 1 end as is_uncompared,
    substr(l.finding_id, 1, 8) as finding_no,
    k.label as finding_label,
    case when l.finding_id is null then 0 else 1 end as is_found,
    substr(l.source_file, 1, 12) as source_file, l.source_row
from linked as l
left join {{ ref('dim_supplier') }} as s
    on l.supplier_id = s.supplier_id and l.biz_date between s.valid_from and s.valid_to
left join {{ ref('int_provider') }} as v on l.source_provider = v.provider
{{ join_label('account_kind', 'l.account_kind', 'a') }}
{{ join_label('category', 'l.category', 'g') }}
{{ join_label('limit_basis', 'l.limit_basis', 'm') }}
{{ join_label('price_basis', 'l.reference_confidence', 'b') }}
{{ join_label('price_comparison', 'l.comparison', 'n') }}
{{ join_label('price_test', 'l.test', 'k') }}
