{{ config(materialized='ephemeral') }}
-- Findings of video itself: events by camera and day, required zones that no camera shows, cameras long offline.
with ai as (
    select
        'ai_' || e.event_kind as kind, e.canteen_id, e.camera_id || '|' || e.origin as cause_key, e.biz_date,
        e.biz_date as period_start, e.biz_date as period_end,
        count(*) as observed, 0 as expected,
        min({{ clock('e.started_at') }}) || ' 起，' || e.camera_id || ' 号摄像头' || max(o.label) || '：' || max(l.label)
        || ' ' || cast(count(*) as varchar) || ' 次'
        || case when count(e.review_code) > 0 then '，已复核 ' || cast(count(e.review_code) as varchar) || ' 次' else '' end
            as text_zh,
        {{ joined('case when e.n <= 20 then e.event_id end') }} as record_nos,
        case when max(case when e.review_code = 'true' then 1 else 0 end) = 1 then 'high' else 'medium' end as confidence
    from (
        select
            *,
            row_number() over (
                partition by canteen_id, camera_id, origin, event_kind, biz_date order by started_at, event_id
            ) as n
        from {{ ref('fct_video_event') }}
        where biz_date >= {{ date_literal(finding_from()) }} and coalesce(review_code, '') <> 'false'
    ) as e
    inner join {{ ref('dim_canteen') }} as c
        on e.canteen_id = c.canteen_id and e.biz_date between c.valid_from and c.valid_to
    {{ join_label('video_event', 'e.event_kind', 'l') }}
    {{ join_label('event_origin', 'e.origin', 'o') }}
    group by e.event_kind, e.canteen_id, e.camera_id, e.origin, e.biz_date
),

zone_uncovered as (
    select
        'zone_uncovered' as kind, canteen_id, uncovered_zones as cause_key, min(biz_date) as biz_date,
        {{ month_start('biz_date') }} as period_start, max(biz_date) as period_end,
        max(zones_covered) as observed, max(zones_required) as expected,
        '没有摄像头覆盖：' || uncovered_zones as text_zh, cast(null as varchar) as record_nos, 'high' as confidence
    from {{ ref('mart_kitchen_day') }}
    where biz_date >= {{ date_literal(finding_from()) }} and kitchen_state = 'uncovered'
    group by canteen_id, uncovered_zones, {{ month_start('biz_date') }}
),

camera_offline as (
    select
        'camera_offline' as kind, m.canteen_id, m.camera_id as cause_key, m.biz_date,
        m.biz_date as period_start, m.biz_date as period_end,
        round(m.offline_s * 1.0 / 3600, 1) as observed, t.camera_offline_hours as expected,
        m.camera_id || ' 号摄像头离线 ' || cast(cast(round(m.offline_s * 1.0 / 3600, 1) as decimal(9, 1)) as varchar)
        || ' 小时，中断 ' || cast(m.outages as varchar) || ' 次' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from {{ ref('mart_camera_day') }} as m
    {{ join_threshold('m.canteen_id', 'm.biz_date') }}
    where
        m.biz_date >= {{ date_literal(finding_from()) }} and m.camera_state <> 'unknown'
        and m.offline_s >= t.camera_offline_hours * 3600
)

{{ united_video_findings(['ai', 'zone_uncovered', 'camera_offline']) }}
