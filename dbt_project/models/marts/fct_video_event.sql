{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
-- Episodes that a picture shows, of our own video jobs and of edge gateways alike, with what people said of each.
with review as (
    select event_id, review_code
    from (
        select
            event_id, review_code,
            row_number() over (partition by event_id order by reported_at desc, _file desc, _row desc) as n
        from {{ source('silver', 'event_verdict') }}
    ) as ranked
    where n = 1
),

seen as (
    select
        'own' as origin, e.event_id, c.canteen_id, e.biz_date, e.camera_id, e.zone_id, z.zone_kind, e.event_kind,
        {{ local_time('e.started_at') }} as started_at, {{ local_time('e.ended_at') }} as ended_at,
        e.samples, e.positive, e.score, e.evidence_sha256, e.clip_sha256, e.model_version, e.config_version
    from {{ source('silver', 'video_event') }} as e
    inner join {{ ref('dim_camera') }} as c
        on e.camera_id = c.camera_id and e.biz_date between c.valid_from and c.valid_to
    left join {{ ref('stg_camera_zone') }} as z
        on e.camera_id = z.camera_id and e.zone_id = z.zone_id and e.biz_date between z.valid_from and z.valid_to
    where {{ since(window_start('forward'), 'e.') }} and e.biz_date <= {{ date_literal(last_day_of_run()) }}
    union all
    select
        'gateway' as origin, g.record_no as event_id, coalesce(k.canteen_id, g.canteen_id) as canteen_id, g.biz_date,
        g.device_id || coalesce('/' || g.channel_no, '') as camera_id, cast(null as varchar) as zone_id,
        cast(null as varchar) as zone_kind, g.event_kind,
        {{ local_time('g.event_at') }} as started_at, {{ local_time('g.event_at') }} as ended_at,
        cast(null as bigint) as samples, cast(null as bigint) as positive, cast(null as double) as score,
        g.evidence_sha256, cast(null as varchar) as clip_sha256,
        cast(null as varchar) as model_version, cast(null as varchar) as config_version
    from {{ source('silver', 'edge_event') }} as g
    inner join {{ ref('ref_label') }} as l on l.list_name = 'video_event' and g.event_kind = l.code
    left join {{ ref('stg_canteen_key') }} as k on g._provider = k.provider and g.canteen_id = k.source_key
    where {{ since(window_start('forward'), 'g.') }} and g.biz_date <= {{ date_literal(last_day_of_run()) }}
)

select
    s.origin, s.event_id, s.canteen_id, s.biz_date, {{ month_label('s.biz_date') }} as biz_month,
    s.camera_id, s.zone_id, s.zone_kind, s.event_kind, s.started_at, s.ended_at,
    cast(substr({{ clock('s.started_at') }}, 1, 2) as integer) as started_hour,
    s.samples, s.positive, s.score, s.evidence_sha256, s.clip_sha256, s.model_version, s.config_version,
    r.review_code
from seen as s
left join review as r on s.event_id = r.event_id
