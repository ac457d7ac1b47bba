-- The city's ingredients, as last reported.
select
    ingredient_id,
    ingredient_name,
    category,
    base_unit,
    category <> 'non_food' as is_food
from {{ source('silver', 'ingredient') }}
