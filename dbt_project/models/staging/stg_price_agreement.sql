-- Discounts that suppliers agreed on a kind of reference price, under registered keys.
select
    'SUP-' || coalesce(sk.supplier_uscc, a.supplier_uscc) as supplier_id,
    coalesce(ck.canteen_id, a.org_id) as org_id,
    a.category,
    a.price_kind,
    a.discount_pct,
    a.valid_from,
    coalesce(a.valid_to, date '9999-12-31') as valid_to,
    a.reported_at,
    a.record_no as agreement_no
from {{ source('silver', 'price_agreement') }} as a
left join {{ ref('stg_supplier_key') }} as sk on a._provider = sk.provider and a.supplier_uscc = sk.source_key
left join {{ ref('stg_canteen_key') }} as ck on a._provider = ck.provider and a.org_id = ck.source_key
