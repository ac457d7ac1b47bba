-- Counties in the shown periods, with their cell of the map.
select
    p.county_code, p.county_name,
    p.period_kind, p.period_label, p.period_rank, p.period_start, p.period_end,
    p.definition, d.label as definition_label,
    p.canteens, p.red, p.yellow, p.green, p.unknown, p.red_share, p.unknown_share,
    p.cost_yuan, p.income_yuan, p.ratio, p.worse, p.better, p.findings, p.colour_rank,
    v.label as colour_label,
    p.cell_json, p.map_note, p.worst_canteen_name, p.worst_ratio
from {{ ref('int_county_period') }} as p
left join {{ ref('ref_label') }} as v on v.list_name = 'verdict' and p.colour_rank = v.sort_no
{{ join_label('definition', 'p.definition', 'd') }}
