{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- Names that stand for no ingredient for certain, month by month, with how often they occur and how much money
-- they stand for: reference prices by name, specification and unit, and products of a provider's own list that
-- purchases name. For stewards.
with product as (
    select
        k._provider as provider,
        k.source_key,
        k.name
    from {{ source('silver', 'provider_key') }} as k
    inner join {{ ref('stg_ingredient_key') }} as s on k._provider = s.provider and k.source_key = s.source_key
    where k.entity = 'ingredient' and s.ingredient_id is null
)

select
    {{ month_start('r.valid_from') }} as month_start,
    {{ month_label('r.valid_from') }} as biz_month,
    'reference' as origin,
    r.source_code as origin_name,
    m.read_as as item_name,
    m.spec,
    m.unit,
    max(m.state) as state,
    max(m.ingredient_id) as ingredient_id,
    max(m.reason) as reason,
    count(*) as quotes,
    cast(0 as bigint) as line_count,
    cast(0 as decimal(18, 2)) as amount_yuan
from {{ source('silver', 'price_reference') }} as r
inner join {{ source('silver', 'match_ingredient') }} as m
    on r.item_name = m.item_name and coalesce(r.spec, '') = m.spec and r.unit = m.unit
where m.state <> 'matched' and {{ month_start('r.valid_from') }} >= {{ date_literal(window_start('month')) }}
group by
    {{ month_start('r.valid_from') }}, {{ month_label('r.valid_from') }}, r.source_code, m.read_as, m.spec, m.unit
union all
select
    {{ month_start('p.biz_date') }} as month_start,
    {{ month_label('p.biz_date') }} as biz_month,
    'purchase' as origin,
    k.provider as origin_name,
    coalesce(k.name, k.source_key) as item_name,
    coalesce(p.spec, '') as spec,
    coalesce(p.unit, '') as unit,
    'unmatched' as state,
    cast(null as varchar) as ingredient_id,
    '来源系统的品目没有对应的食材' as reason,
    cast(0 as bigint) as quotes,
    count(*) as line_count,
    {{ sum_yuan('p.amount_yuan') }} as amount_yuan
from {{ source('silver', 'purchase') }} as p
inner join product as k on p._provider = k.provider and p.ingredient_id = k.source_key
where {{ since(window_start('month'), 'p.') }}
group by
    {{ month_start('p.biz_date') }}, {{ month_label('p.biz_date') }}, k.provider, coalesce(k.name, k.source_key),
    coalesce(p.spec, ''), coalesce(p.unit, '')
