-- Names that stand for no ingredient for certain, with how often they occur and how much money they stand for:
-- reference prices by name, specification and unit, and products of a provider's own list. For stewards.
select
    'reference' as origin,
    r.source_code as origin_name,
    m.read_as as item_name,
    m.spec,
    m.unit,
    max(m.state) as state,
    max(m.ingredient_id) as ingredient_id,
    max(m.reason) as reason,
    count(*) as occurrences,
    min(r.valid_from) as first_seen,
    max(r.valid_from) as last_seen,
    cast(0 as decimal(18, 2)) as amount_yuan
from {{ source('silver', 'price_reference') }} as r
inner join {{ source('silver', 'match_ingredient') }} as m
    on r.item_name = m.item_name and coalesce(r.spec, '') = m.spec and r.unit = m.unit
where m.state <> 'matched'
group by r.source_code, m.read_as, m.spec, m.unit
union all
select
    'purchase' as origin,
    provider as origin_name,
    item_name,
    spec,
    unit,
    'unmatched' as state,
    cast(null as varchar) as ingredient_id,
    '来源系统的品目没有对应的食材' as reason,
    cast(sum(line_count) as bigint) as occurrences,
    min(month_start) as first_seen,
    max(month_start) as last_seen,
    {{ sum_yuan('amount_yuan') }} as amount_yuan
from {{ ref('int_unmatched_product') }}
group by provider, item_name, spec, unit
