-- Keys of providers that stand for nothing registered, and units in no list: for stewards.
with registered as (
    select distinct canteen_id from {{ ref('dim_canteen') }}
),

known_supplier as (
    select distinct supplier_uscc from {{ ref('dim_supplier') }}
)

select
    'canteen' as entity,
    k.provider,
    k.source_key,
    k.canteen_id as stands_for,
    'not_registered' as gap_kind
from {{ ref('stg_canteen_key') }} as k
left join registered as c on k.canteen_id = c.canteen_id
where c.canteen_id is null
union all
select
    'ingredient' as entity,
    k.provider,
    k.source_key,
    k.ingredient_id as stands_for,
    'not_registered' as gap_kind
from {{ ref('stg_ingredient_key') }} as k
left join {{ ref('dim_ingredient') }} as i on k.ingredient_id = i.ingredient_id
where i.ingredient_id is null
union all
select
    'ingredient' as entity,
    k.provider,
    k.source_key,
    k.unit as stands_for,
    'unit_unknown' as gap_kind
from {{ ref('stg_ingredient_key') }} as k
left join {{ ref('ref_unit') }} as u on k.unit = u.unit
where k.unit is not null and u.unit is null
union all
select
    'supplier' as entity,
    k.provider,
    k.source_key,
    k.supplier_uscc as stands_for,
    'not_registered' as gap_kind
from {{ ref('stg_supplier_key') }} as k
left join known_supplier as s on k.supplier_uscc = s.supplier_uscc
where s.supplier_uscc is null
