{{ config(materialized='ephemeral') }}
-- Cameras of the last 35 days with names; is_last marks the last day. A whole table: names may become known later.
select
    m.camera_id, coalesce(d.camera_name, m.camera_id) as camera_name,
    m.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, m.biz_date,
    case when m.biz_date = {{ date_literal(last_day_of_run()) }} then 1 else 0 end as is_last,
    {{ ratio('m.online_s', 'm.online_s + m.offline_s') }} as online_rate,
    {{ qty('m.offline_s / 3600.0') }} as offline_hours,
    m.outages, m.alarms, m.segments, m.segments_judged,
    {{ qty('m.judged_s / 3600.0') }} as judged_hours,
    case when m.camera_state in ('online', 'interrupted') then 1 else 0 end as is_online,
    case when m.camera_state = 'offline' then 1 else 0 end as is_offline,
    case when m.camera_state = 'unknown' then 1 else 0 end as is_unknown,
    l.label as state_label,
    case m.is_uplink_low when 1 then '低于要求' when 0 then '符合' else '未知' end as uplink_label
from {{ ref('mart_camera_day') }} as m
left join {{ ref('dim_camera') }} as d
    on m.camera_id = d.camera_id and m.biz_date between d.valid_from and d.valid_to
inner join {{ ref('dim_canteen') }} as c
    on m.canteen_id = c.canteen_id and m.biz_date between c.valid_from and c.valid_to
{{ join_label('camera_state', 'm.camera_state', 'l') }}
where m.biz_date between {{ date_literal(recent_oldest(35)) }} and {{ date_literal(last_day_of_run()) }}
