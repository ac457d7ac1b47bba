-- Provider's own product keys: the registered code where given, else the city's ingredient of the same name.
with named as (
    select
        ingredient_name,
        min(ingredient_id) as ingredient_id
    from {{ source('silver', 'ingredient') }}
    group by ingredient_name
)

select
    k._provider as provider,
    k.source_key,
    coalesce(k.target_code, i.ingredient_id) as ingredient_id,
    k.unit
from {{ source('silver', 'provider_key') }} as k
left join named as i on k.name = i.ingredient_name
where k.entity = 'ingredient'
