{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- Suppliers by month and county: lines, how far their prices stand from other suppliers' (median), and what was
-- found. A finding that spans the city counts in each county that the supplier delivers to.
with line as (
    select
        month_start,
        county_code,
        supplier_id,
        count(*) as line_count,
        count(distinct canteen_id) as canteens,
        count(others_mid) as compared_lines,
        median(others_shift) as median_shift,
        {{ sum_yuan(yuan(product('qty_kg', 'price_yuan'))) }} as paid_yuan
    from {{ ref('int_price_peer') }}
    where is_current and supplier_id is not null
    group by month_start, county_code, supplier_id
),

finding as (
    select
        {{ month_start('biz_date') }} as month_start,
        county_code,
        supplier_id,
        count(*) as findings,
        sum(case when kind = 'supplier' then 1 else 0 end) as supplier_findings,
        {{ sum_yuan("case when kind <> 'unit' then excess_yuan end") }} as excess_yuan
    from {{ ref('price_finding') }}
    where biz_date >= {{ date_literal(window_start('month')) }} and supplier_id is not null
    group by {{ month_start('biz_date') }}, county_code, supplier_id
)

select
    l.month_start,
    {{ month_label('l.month_start') }} as biz_month,
    l.county_code,
    l.supplier_id,
    l.line_count,
    l.canteens,
    l.compared_lines,
    l.paid_yuan,
    cast(round(100 * (exp(l.median_shift) - 1), 1) as decimal(18, 1)) as median_excess_pct,
    coalesce(f.findings, 0) + coalesce(w.findings, 0) as findings,
    coalesce(f.supplier_findings, 0) + coalesce(w.supplier_findings, 0) as supplier_findings,
    cast(coalesce(f.excess_yuan, 0) as decimal(18, 2)) as excess_yuan
from line as l
left join finding as f
    on l.month_start = f.month_start and l.county_code = f.county_code and l.supplier_id = f.supplier_id
left join finding as w
    on l.month_start = w.month_start and w.county_code is null and l.supplier_id = w.supplier_id
