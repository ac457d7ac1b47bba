-- What people said of the events that they looked at: per kind and camera, county and the whole city. Events that
-- nobody looked at are counted beside, and prove nothing.
with event as (
    select
        e.event_kind, e.origin, e.canteen_id, e.camera_id, c.county_code,
        1 as events,
        case when e.review_code = 'true' then 1 else 0 end as confirmed,
        case when e.review_code = 'false' then 1 else 0 end as refuted,
        case when e.review_code = 'unclear' then 1 else 0 end as unclear
    from {{ ref('fct_video_event') }} as e
    left join {{ ref('dim_canteen') }} as c
        on e.canteen_id = c.canteen_id and e.biz_date between c.valid_from and c.valid_to
)

select
    'camera' as level, event_kind, origin, canteen_id, camera_id, county_code,
    sum(events) as events, sum(confirmed) as confirmed, sum(refuted) as refuted, sum(unclear) as unclear
from event
group by event_kind, origin, canteen_id, camera_id, county_code
union all
select
    'county' as level, event_kind, origin, null as canteen_id, null as camera_id, county_code,
    sum(events) as events, sum(confirmed) as confirmed, sum(refuted) as refuted, sum(unclear) as unclear
from event
group by event_kind, origin, county_code
union all
select
    'city' as level, event_kind, origin, null as canteen_id, null as camera_id, null as county_code,
    sum(events) as events, sum(confirmed) as confirmed, sum(refuted) as refuted, sum(unclear) as unclear
from event
group by event_kind, origin
