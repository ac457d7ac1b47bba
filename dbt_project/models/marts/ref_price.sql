-- The dated reference prices that people read: int_reference_price with names.
select
    p.ingredient_id,
    i.ingredient_name,
    i.category,
    i.base_unit,
    p.price_kind,
    k.label as price_kind_label,
    p.place,
    p.source_code,
    p.valid_from,
    p.valid_to,
    p.price_yuan,
    p.low_yuan as low_price,
    p.high_yuan as high_price,
    p.spread_pct,
    p.confidence,
    p.quotes
from {{ ref('int_reference_price') }} as p
inner join {{ ref('dim_ingredient') }} as i on p.ingredient_id = i.ingredient_id
{{ join_label('price_kind', 'p.price_kind', 'k') }}
