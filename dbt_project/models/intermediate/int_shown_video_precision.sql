{{ config(materialized='ephemeral') }}
-- Precision by what people said, with the number behind it; nothing said is no precision.
select
    case p.level when 'camera' then '摄像头' when 'county' then '县区' else '全市' end as scope_kind,
    p.county_code, k.org_name as county_name,
    c.school_id, c.school_name, p.canteen_id, c.canteen_name, p.camera_id,
    p.event_kind, l.label as kind_label, p.origin, o.label as origin_label,
    cast(p.events as bigint) as events,
    cast(p.confirmed + p.refuted + p.unclear as bigint) as reviewed,
    cast(p.confirmed as bigint) as confirmed,
    cast(p.refuted as bigint) as refuted,
    cast(p.unclear as bigint) as unclear,
    {{ ratio('p.confirmed', 'p.confirmed + p.refuted') }} as precision_rate
from {{ ref('mart_video_precision') }} as p
left join {{ ref('dim_canteen') }} as c
    on p.canteen_id = c.canteen_id and {{ date_literal(last_day_of_run()) }} between c.valid_from and c.valid_to
{{ join_county('p.county_code', date_literal(last_day_of_run()), 'k') }}
{{ join_label('video_event', 'p.event_kind', 'l') }}
{{ join_label('event_origin', 'p.origin', 'o') }}
