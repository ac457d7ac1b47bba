{{ config(materialized='ephemeral') }}
-- Required zones of the last 35 days with names; on the last day the canteens without any camera stand among them,
-- because who is not connected is not fine.
with required as (
    select count(*) as zones_required from {{ ref('ref_label') }} where list_name = 'required_zone'
),

shown as (
    select
        canteen_id, biz_date, kitchen_state, cameras, cameras_online, zones_required, zones_covered, zones_online,
        uncovered_zones
    from {{ ref('mart_kitchen_day') }}
    where biz_date between {{ date_literal(recent_oldest(35)) }} and {{ date_literal(last_day_of_run()) }}
    union all
    select
        c.canteen_id, {{ date_literal(last_day_of_run()) }} as biz_date, 'not_connected' as kitchen_state,
        0 as cameras, 0 as cameras_online, r.zones_required, 0 as zones_covered, 0 as zones_online,
        cast(null as varchar) as uncovered_zones
    from {{ ref('dim_canteen') }} as c
    cross join required as r
    left join {{ ref('mart_kitchen_day') }} as k
        on c.canteen_id = k.canteen_id and k.biz_date = {{ date_literal(last_day_of_run()) }}
    where {{ date_literal(last_day_of_run()) }} between c.valid_from and c.valid_to and k.canteen_id is null
)

select
    s.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, s.biz_date,
    case when s.biz_date = {{ date_literal(last_day_of_run()) }} then 1 else 0 end as is_last,
    l.label as state_label,
    case when s.kitchen_state = 'covered' then 1 else 0 end as is_covered,
    case when s.kitchen_state = 'not_connected' then 1 else 0 end as is_not_connected,
    s.cameras, s.cameras_online, s.zones_required, s.zones_covered, s.zones_online,
    {{ ratio('s.zones_online', 's.zones_required') }} as coverage,
    s.uncovered_zones
from shown as s
inner join {{ ref('dim_canteen') }} as c
    on s.canteen_id = c.canteen_id and s.biz_date between c.valid_from and c.valid_to
{{ join_label('kitchen_state', 's.kitchen_state', 'l') }}
