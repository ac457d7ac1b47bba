-- Suppliers' quotations under registered keys, per base unit.
select
    'SUP-' || coalesce(sk.supplier_uscc, q.supplier_uscc) as supplier_id,
    coalesce(ck.canteen_id, q.org_id) as org_id,
    coalesce(ik.ingredient_id, q.ingredient_id) as ingredient_id,
    {{ spec_key('q.spec') }} as spec,
    {{ divide_half_up('q.unit_price', 'coalesce(u.factor, cast(1 as decimal(18, 6)))') }} as quote_yuan,
    q.valid_from,
    q.valid_to,
    q.reported_at,
    q.record_no as quotation_no
from {{ source('silver', 'quotation') }} as q
left join {{ ref('stg_supplier_key') }} as sk on q._provider = sk.provider and q.supplier_uscc = sk.source_key
left join {{ ref('stg_canteen_key') }} as ck on q._provider = ck.provider and q.org_id = ck.source_key
left join {{ ref('stg_ingredient_key') }} as ik on q._provider = ik.provider and q.ingredient_id = ik.source_key
left join {{ ref('ref_unit') }} as u on q.unit = u.unit
