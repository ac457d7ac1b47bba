{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'forward', 'period_column': 'biz_date'}
) }}
{%- if no_cameras() %}
select * from {{ this }} where false
{%- else %}
-- The required zones of every canteen with a camera, day by day: only a zone that a camera shows, and whose camera was
-- heard of and online, counts. What is not known is not online.
with camera as (
    select canteen_id, camera_id, biz_date, camera_state
    from {{ ref('mart_camera_day') }}
    where {{ in_window() }}
),

kitchen as (
    select
        canteen_id, biz_date,
        count(*) as cameras,
        sum(case when camera_state in ('online', 'interrupted') then 1 else 0 end) as cameras_online
    from camera
    group by canteen_id, biz_date
),

zone_day as (
    select
        k.canteen_id, k.biz_date, r.code as zone_kind, r.label, r.sort_no,
        count(c.camera_id) as cameras,
        sum(case when c.camera_state in ('online', 'interrupted') then 1 else 0 end) as cameras_online,
        sum(case when c.camera_state = 'unknown' then 1 else 0 end) as cameras_unknown
    from kitchen as k
    inner join {{ ref('ref_label') }} as r on r.list_name = 'required_zone'
    left join (
        select distinct c.canteen_id, c.biz_date, c.camera_id, c.camera_state, z.zone_kind
        from camera as c
        inner join {{ ref('stg_camera_zone') }} as z
            on c.camera_id = z.camera_id and c.biz_date between z.valid_from and z.valid_to
    ) as c on k.canteen_id = c.canteen_id and k.biz_date = c.biz_date and r.code = c.zone_kind
    group by k.canteen_id, k.biz_date, r.code, r.label, r.sort_no
),

counted as (
    select
        canteen_id, biz_date,
        count(*) as zones_required,
        sum(case when cameras > 0 then 1 else 0 end) as zones_covered,
        sum(case when cameras_online > 0 then 1 else 0 end) as zones_online,
        sum(case when cameras > 0 and cameras_online = 0 and cameras_unknown = 0 then 1 else 0 end) as zones_offline,
        {{ joined("case when cameras = 0 then label end") }} as uncovered_zones
    from zone_day
    group by canteen_id, biz_date
)

select
    k.canteen_id, k.biz_date, {{ month_label('k.biz_date') }} as biz_month,
    k.cameras, cast(k.cameras_online as bigint) as cameras_online,
    z.zones_required, cast(z.zones_covered as bigint) as zones_covered, cast(z.zones_online as bigint) as zones_online,
    z.uncovered_zones,
    case
        when z.zones_covered < z.zones_required then 'uncovered'
        when z.zones_offline > 0 then 'offline'
        when z.zones_online < z.zones_required then 'unknown'
        else 'covered'
    end as kitchen_state
from kitchen as k
inner join counted as z on k.canteen_id = z.canteen_id and k.biz_date = z.biz_date
{%- endif %}
