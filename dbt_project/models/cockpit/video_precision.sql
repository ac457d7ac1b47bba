-- What people said of the events, as it is shown (int_shown_video_precision).
select
    scope_kind,
    county_code,
    county_name,
    school_id,
    school_name,
    canteen_id,
    canteen_name,
    camera_id,
    event_kind,
    kind_label,
    origin,
    origin_label,
    events,
    reviewed,
    confirmed,
    refuted,
    unclear,
    precision_rate
from {{ ref('int_shown_video_precision') }}
