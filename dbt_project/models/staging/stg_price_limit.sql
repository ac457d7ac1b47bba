-- Limits and tender prices by specification, per base unit. A row without specification is for all of them.
with named as (
    select
        ingredient_name,
        min(ingredient_id) as ingredient_id
    from {{ source('silver', 'ingredient') }}
    group by ingredient_name
)

select
    i.ingredient_id,
    case when r.spec = r.item_name then '' else {{ spec_key('r.spec') }} end as spec,
    r.price_kind,
    r.place,
    {{ divide_half_up('r.unit_price', 'u.factor') }} as price_yuan,
    r.valid_from,
    least(
        coalesce(r.valid_to, date '9999-12-31'),
        coalesce(lead(r.valid_from) over (
            partition by r.source_code, r.price_kind, r.place, r.item_name, r.spec order by r.valid_from
        ) - 1, date '9999-12-31')
    ) as valid_to,
    r.confidence
from {{ source('silver', 'price_reference') }} as r
inner join named as i on r.item_name = i.ingredient_name
inner join {{ ref('ref_unit') }} as u on r.unit = u.unit
where r.price_kind in ('limit', 'tender')
