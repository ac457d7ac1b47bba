-- Purchase lines under registered keys, in base units, with the price per base unit; specification, quantity,
-- unit and unit price also as written.
select
    c.canteen_id,
    c.account_kind,
    c.ingredient_id,
    c.biz_date,
    c.biz_month,
    c.record_no,
    c.order_no,
    'SUP-' || coalesce(sk.supplier_uscc, c.supplier_uscc) as supplier_id,
    c.accepted_on,
    {{ qty(product('c.ordered_qty', 'c.unit_factor')) }} as ordered_kg,
    {{ qty(product('c.accepted_qty', 'c.unit_factor')) }} as accepted_kg,
    {{ qty(product('c.rejected_qty', 'c.unit_factor')) }} as rejected_kg,
    {{ divide_half_up('c.unit_price', 'c.unit_factor') }} as price_yuan,
    {{ yuan(product('c.ordered_qty', 'c.unit_price')) }} as ordered_yuan,
    c.amount_yuan,
    c.accepted_qty,
    c.spec,
    c.unit,
    c.unit_price,
    c._provider as source_provider,
    c._file as source_file,
    c._row as source_row
from (
    select
        {{ conformed_columns() }},
        r.account_kind,
        r.biz_date,
        r.biz_month,
        r.record_no,
        r.order_no,
        r._provider,
        r._file,
        r._row,
        r.supplier_uscc,
        r.accepted_on,
        r.spec,
        r.ordered_qty,
        r.accepted_qty,
        r.rejected_qty,
        r.unit_price,
        r.amount_yuan
    from {{ source('silver', 'purchase') }} as r
    {{ conformed_joins() }}
) as c
left join {{ ref('stg_supplier_key') }} as sk on c._provider = sk.provider and c.supplier_uscc = sk.source_key
