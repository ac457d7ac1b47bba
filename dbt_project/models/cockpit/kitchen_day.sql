-- Required zones of kitchens as they are shown (int_shown_kitchen_day).
select
    canteen_id,
    canteen_name,
    school_id,
    school_name,
    county_code,
    county_name,
    biz_date,
    is_last,
    state_label,
    is_covered,
    is_not_connected,
    cameras,
    cameras_online,
    zones_required,
    zones_covered,
    zones_online,
    coverage,
    uncovered_zones
from {{ ref('int_shown_kitchen_day') }}
