-- How many persons were seen at once in a zone, by minute of local time, under registered canteens. A minute that is
-- not here was not judged.
select
    c.canteen_id, p.camera_id, p.biz_date, p.biz_month, p.zone_id, p.zone_kind, p.persons,
    {{ clock(local_time('p.minute_at')) }} as minute_clock
from {{ source('silver', 'video_presence') }} as p
inner join {{ ref('dim_camera') }} as c
    on p.camera_id = c.camera_id and p.biz_date between c.valid_from and c.valid_to
where p.persons is not null
