-- Every verdict and finding is about a registered canteen; every reason is in the closed list.
select 'verdict without canteen' as problem, r.canteen_id as key
from {{ ref('mart_red_line') }} as r
left join {{ ref('dim_canteen') }} as c on r.canteen_id = c.canteen_id
where r.period_end >= {{ date_literal(window_start('forward')) }} and c.canteen_id is null
union all
select 'finding without canteen' as problem, f.canteen_id as key
from {{ ref('red_line_finding') }} as f
left join {{ ref('dim_canteen') }} as c on f.canteen_id = c.canteen_id
where f.biz_date >= {{ date_literal(window_start('finding')) }} and c.canteen_id is null
union all
select 'reason not in the closed list' as problem, r.unknown_reason as key
from {{ ref('mart_red_line') }} as r
left join {{ ref('ref_unknown_reason') }} as u on r.unknown_reason = u.code
where r.period_end >= {{ date_literal(window_start('forward')) }} and r.unknown_reason is not null and u.code is null
