{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
{%- if no_cameras() %}
select * from {{ this }} where false
{%- else %}
{%- set first = window_start('forward') -%}
{%- set last = last_day_of_run() %}
-- Every registered camera on every day: online and offline time out of its signs of life, alarms, and what was judged.
-- Between two signs a camera was online when they are at most `camera_gap_minutes` apart; a longer silence, and the
-- time from a report that it is offline to the next sign, is offline. A return shorter than such a gap does not end
-- an outage (flapping), though it counts as time online. Without any sign the day is unknown, never online.
with grid as (
    select
        c.camera_id, c.canteen_id, g.biz_date, c.uplink_mbps, t.camera_gap_minutes * 60 as gap_s,
        t.camera_uplink_mbps
    from {{ ref('dim_camera') }} as c
    inner join {{ day_values(first, last) }} as g (biz_date) on g.biz_date between c.valid_from and c.valid_to
    {{ join_threshold('c.canteen_id', 'g.biz_date') }}
),

sign as (
    select
        camera_id, biz_date, {{ local_time('seen_at') }} as happened_at, case when is_online then 1 else 0 end as is_up
    from {{ source('silver', 'camera_status') }}
    where biz_date between {{ date_literal(first) }} and {{ date_literal(last) }}
),

-- The day's beginning counts as a sign, so that the time to the first one is judged like any other.
moment as (
    select camera_id, biz_date, happened_at, min(is_up) as is_up
    from (
        select * from sign
        union all
        select distinct camera_id, biz_date, cast(biz_date as timestamp) as happened_at, 1 as is_up from sign
    ) as every_one
    group by camera_id, biz_date, happened_at
),

stretch as (
    select
        m.camera_id, m.biz_date, m.happened_at, m.seconds, m.gap_s,
        case when m.is_up = 1 and m.seconds <= m.gap_s then 1 else 0 end as is_up
    from (
        select
            m.camera_id, m.biz_date, m.happened_at, m.is_up, g.gap_s,
            {{ dbt.datediff(
                'm.happened_at',
                "coalesce(lead(m.happened_at) over (partition by m.camera_id, m.biz_date order by m.happened_at), "
                ~ "cast(m.biz_date + 1 as timestamp))",
                'second'
            ) }} as seconds
        from moment as m
        inner join grid as g on m.camera_id = g.camera_id and m.biz_date = g.biz_date
    ) as m
),

spell as (
    select
        camera_id, biz_date, spell_no, is_up, gap_s, sum(seconds) as seconds,
        lag(sum(seconds)) over (partition by camera_id, biz_date order by spell_no) as seconds_before
    from (
        select
            c.*,
            sum(c.changed) over (
                partition by c.camera_id, c.biz_date order by c.happened_at
                rows between unbounded preceding and current row
            ) as spell_no
        from (
            select
                s.*,
                case
                    when s.is_up = lag(s.is_up) over (partition by s.camera_id, s.biz_date order by s.happened_at)
                        then 0
                    else 1
                end as changed
            from stretch as s
        ) as c
    ) as numbered
    group by camera_id, biz_date, spell_no, is_up, gap_s
),

life as (
    select
        camera_id, biz_date,
        sum(case when is_up = 1 then seconds else 0 end) as online_s,
        sum(case when is_up = 0 then seconds else 0 end) as offline_s,
        max(case when is_up = 0 then seconds else 0 end) as longest_gap_s,
        sum(case when is_up = 0 and coalesce(seconds_before > gap_s, true) then 1 else 0 end) as outages
    from spell
    group by camera_id, biz_date
),

alarm as (
    select camera_id, biz_date, count(*) as alarms
    from {{ source('silver', 'camera_alarm') }}
    where {{ since(first) }}
    group by camera_id, biz_date
),

judged as (
    select
        camera_id, biz_date,
        count(*) as segments,
        sum(case when segment_state = 'judged' then 1 else 0 end) as segments_judged,
        sum(case when segment_state = 'judged' then duration_s end) as judged_s
    from {{ source('silver', 'video_judged') }}
    where {{ since(first) }}
    group by camera_id, biz_date
)

select
    g.camera_id, g.canteen_id, g.biz_date, {{ month_label('g.biz_date') }} as biz_month,
    cast(l.online_s as bigint) as online_s,
    cast(l.offline_s as bigint) as offline_s,
    cast(l.longest_gap_s as bigint) as longest_gap_s,
    cast(l.outages as bigint) as outages,
    case
        when l.camera_id is null then 'unknown'
        when l.online_s = 0 then 'offline'
        when l.offline_s > 0 then 'interrupted'
        else 'online'
    end as camera_state,
    coalesce(a.alarms, 0) as alarms,
    coalesce(j.segments, 0) as segments,
    cast(coalesce(j.segments_judged, 0) as bigint) as segments_judged,
    cast(coalesce(j.judged_s, 0) as decimal(18, 3)) as judged_s,
    case when g.uplink_mbps < g.camera_uplink_mbps then 1 when g.uplink_mbps is not null then 0 end as is_uplink_low
from grid as g
left join life as l on g.camera_id = l.camera_id and g.biz_date = l.biz_date
left join alarm as a on g.camera_id = a.camera_id and g.biz_date = a.biz_date
left join judged as j on g.camera_id = j.camera_id and g.biz_date = j.biz_date
{%- endif %}
