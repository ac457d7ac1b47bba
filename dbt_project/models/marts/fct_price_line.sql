{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
-- Every purchase line of food with the chain that bound its price on the day (quotation, limit, references) and
-- with the prices of its peers. What is late or corrected in a month may move the peers of that whole month.
select
    l.source_provider,
    l.record_no,
    l.canteen_id,
    l.account_kind,
    l.supplier_id,
    l.ingredient_id,
    l.category,
    l.spec,
    l.biz_date,
    {{ month_label('l.biz_date') }} as biz_month,
    l.order_no,
    l.county_code,
    l.unit,
    l.unit_price,
    l.qty_kg,
    l.price_yuan,
    l.quote_yuan,
    l.quotation_no,
    l.quotes_here,
    l.limit_yuan,
    l.limit_basis,
    l.wholesale_yuan,
    l.retail_yuan,
    l.reference_confidence,
    p.peer_area,
    p.peer_lines,
    {{ as_price('p.peer_mid') }} as peer_yuan,
    cast(round(p.peer_shift / p.peer_sigma, 2) as decimal(18, 2)) as robust_z,
    {{ as_price('p.market + p.own_mid') }} as own_yuan,
    p.own_lines,
    {{ as_price('p.others_mid') }} as others_yuan,
    l.is_unit_slip
from (
    select * from {{ ref('int_price_line') }}
    where {{ in_window() }} and biz_date <= {{ date_literal(last_day_of_run()) }}
) as l
left join {{ ref('int_price_peer') }} as p
    on l.source_provider = p.source_provider and l.canteen_id = p.canteen_id and l.biz_date = p.biz_date
    and l.record_no = p.record_no and p.is_current
