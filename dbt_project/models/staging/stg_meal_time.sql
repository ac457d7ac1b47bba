-- Dated meal times under registered canteens.
select
    coalesce(k.canteen_id, m.canteen_id) as canteen_id,
    m.meal, m.cook_from, m.serve_from, m.serve_to, m.valid_from, m.valid_to
from (
    {{ dated_versions('meal_time', ['canteen_id', 'meal'], ['cook_from', 'serve_from', 'serve_to']) }}
) as m
left join {{ ref('stg_canteen_key') }} as k on m._provider = k.provider and m.canteen_id = k.source_key
