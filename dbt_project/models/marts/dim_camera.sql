-- Cameras with their canteen as registered on each day (SCD2).
select
    c.camera_id,
    coalesce(k.canteen_id, c.canteen_id) as canteen_id,
    c.camera_name,
    c.gb_code,
    c.uplink_mbps,
    c.valid_from,
    c.valid_to
from (
    {{ dated_versions('camera', ['camera_id'], ['canteen_id', 'camera_name', 'gb_code', 'uplink_mbps']) }}
) as c
left join {{ ref('stg_canteen_key') }} as k on c._provider = k.provider and c.canteen_id = k.source_key
