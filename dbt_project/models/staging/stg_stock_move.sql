-- Stock moves under registered keys, in base units.
select
    c.canteen_id,
    c.account_kind,
    c.ingredient_id,
    c.biz_date,
    c.biz_month,
    c.record_no,
    c.move_kind,
    c.purpose,
    {{ qty(product('c.qty', 'c.unit_factor')) }} as qty_kg,
    c.amount_yuan
from (
    select
        {{ conformed_columns() }},
        r.account_kind,
        r.biz_date,
        r.biz_month,
        r.record_no,
        r.move_kind,
        r.purpose,
        r.qty,
        r.amount_yuan
    from {{ source('silver', 'stock_move') }} as r
    {{ conformed_joins() }}
) as c
