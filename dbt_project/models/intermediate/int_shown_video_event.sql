{{ config(materialized='ephemeral') }}
-- Events of the last 35 days with names, the hash of their picture and where it lies below the data home.
select
    e.event_id, substr(e.event_id, 1, 12) as event_no,
    e.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, e.biz_date,
    e.event_kind, l.label as kind_label,
    e.origin, o.label as origin_label,
    e.camera_id, coalesce(d.camera_name, e.camera_id) as camera_name,
    coalesce(z.label, '未分区') as zone_label,
    e.started_at, e.ended_at, {{ clock('e.started_at') }} as started_clock, e.started_hour,
    cast({{ dbt.datediff('e.started_at', 'e.ended_at', 'second') }} as bigint) as seconds,
    e.samples, e.positive, e.score,
    case when e.event_kind = 'no_hat' and e.origin = 'own' then '试验中' else '常规' end as maturity_label,
    case when e.origin = 'own' then 'evidence/' || substr(e.evidence_sha256, 1, 2) || '/' || e.evidence_sha256 || '.jpg' end
        as evidence_file,
    e.evidence_sha256, e.clip_sha256,
    case when e.review_code is null then 1 else 0 end as is_open,
    coalesce(r.label, '待复核') as review_label
from {{ ref('fct_video_event') }} as e
inner join {{ ref('dim_canteen') }} as c
    on e.canteen_id = c.canteen_id and e.biz_date between c.valid_from and c.valid_to
left join {{ ref('dim_camera') }} as d
    on e.camera_id = d.camera_id and e.biz_date between d.valid_from and d.valid_to
{{ join_label('video_event', 'e.event_kind', 'l') }}
{{ join_label('event_origin', 'e.origin', 'o') }}
{{ join_label('zone_kind', 'e.zone_kind', 'z') }}
{{ join_label('event_review', 'e.review_code', 'r') }}
where e.biz_date between {{ date_literal(recent_oldest(35)) }} and {{ date_literal(last_day_of_run()) }}
