{{ config(materialized='ephemeral') }}
-- One row per county, shown period and definition. Money and ratio are of the canteens with a verdict other
-- than unknown, and the ratio is of their sums. The county's colour is its worst canteen's.
with ranked as (
    select
        *,
        row_number() over (
            partition by county_code, period_rank, definition
            order by is_unknown asc nulls last, gap_pp asc nulls last, canteen_id asc nulls last
        ) as from_worst
    from {{ ref('int_canteen_period') }}
),

summed as (
    select
        county_code, period_rank, definition,
        max(county_name) as county_name,
        max(period_kind) as period_kind,
        max(period_label) as period_label,
        min(period_start) as period_start,
        max(period_end) as period_end,
        cast(count(*) as bigint) as canteens,
        cast(sum(is_red) as bigint) as red,
        cast(sum(is_yellow) as bigint) as yellow,
        cast(sum(is_green) as bigint) as green,
        cast(sum(is_unknown) as bigint) as unknown,
        {{ sum_yuan('case when is_unknown = 0 then cost_yuan end') }} as cost_yuan,
        {{ sum_yuan('case when is_unknown = 0 then income_yuan end') }} as income_yuan,
        cast(sum(is_worse) as bigint) as worse,
        cast(sum(is_better) as bigint) as better,
        cast(sum(findings) as bigint) as findings,
        min(verdict_rank) as colour_rank,
        max(case when from_worst = 1 and is_unknown = 0 then canteen_name end) as worst_canteen_name,
        max(case when from_worst = 1 and is_unknown = 0 then ratio end) as worst_ratio
    from ranked
    group by county_code, period_rank, definition
)

select
    s.*,
    {{ ratio('s.red', 's.canteens') }} as red_share,
    {{ ratio('s.unknown', 's.canteens') }} as unknown_share,
    {{ ratio('s.cost_yuan', 's.income_yuan') }} as ratio,
    coalesce(g.ring_json, c.ring_json) as cell_json,
    case when g.ring_json is not null then '审图号：' || g.review_no else c.map_note end as map_note
from summed as s
left join {{ ref('ref_map_cell') }} as c on s.county_code = c.division_code
left join {{ source('silver', 'map_shape') }} as g on s.county_code = g.division_code
