{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- Purchases of products of a provider's own list that stand for no ingredient, month by month.
select
    {{ month_start('p.biz_date') }} as month_start,
    k._provider as provider,
    coalesce(k.name, k.source_key) as item_name,
    coalesce(p.spec, '') as spec,
    coalesce(p.unit, '') as unit,
    count(*) as line_count,
    {{ sum_yuan('p.amount_yuan') }} as amount_yuan
from {{ source('silver', 'purchase') }} as p
inner join {{ ref('stg_ingredient_key') }} as s on p._provider = s.provider and p.ingredient_id = s.source_key
inner join {{ source('silver', 'provider_key') }} as k
    on s.provider = k._provider and s.source_key = k.source_key and k.entity = 'ingredient'
where s.ingredient_id is null and {{ since(window_start('month'), 'p.') }}
group by
    {{ month_start('p.biz_date') }}, k._provider, coalesce(k.name, k.source_key), coalesce(p.spec, ''),
    coalesce(p.unit, '')
