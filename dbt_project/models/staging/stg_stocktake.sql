-- Counted items under registered keys, in base units, with the price per base unit where one is given;
-- quantity, unit and unit price also as written.
select
    c.canteen_id,
    c.account_kind,
    c.ingredient_id,
    c.biz_date,
    c.biz_month,
    c.record_no,
    {{ qty(product('c.counted_qty', 'c.unit_factor')) }} as counted_kg,
    case
        when c.unit_price is not null then {{ divide_half_up('c.unit_price', 'c.unit_factor') }}
    end as price_yuan,
    c.counted_qty,
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
        r.counted_qty,
        r.unit_price,
        r._provider,
        r._file,
        r._row
    from {{ source('silver', 'stocktake') }} as r
    {{ conformed_joins() }}
) as c
