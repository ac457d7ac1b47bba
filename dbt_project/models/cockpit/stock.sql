-- Stock as of the last day, with names.
select
    s.*,
    i.ingredient_name,
    i.category,
    i.base_unit,
    c.canteen_name,
    c.school_id,
    c.school_name,
    c.county_code,
    c.county_name
from {{ ref('mart_stock_now') }} as s
left join {{ ref('dim_ingredient') }} as i on s.ingredient_id = i.ingredient_id
left join {{ ref('dim_canteen') }} as c
    on s.canteen_id = c.canteen_id and s.biz_date between c.valid_from and c.valid_to
