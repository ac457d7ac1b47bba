-- Every verdict and finding is about a registered canteen; every reason is in the closed list; every category
-- hangs on a root of the tree, at most 6 levels down, at the level that it states; every threshold rests on one
-- registered document, which is in force as long as the threshold is.
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
select 'finding without canteen' as problem, f.canteen_id as key
from {{ ref('money_finding') }} as f
left join {{ ref('dim_canteen') }} as c on f.canteen_id = c.canteen_id
where f.biz_date >= {{ date_literal(window_start('finding')) }} and c.canteen_id is null
union all
select 'finding without canteen' as problem, f.canteen_id as key
from {{ ref('video_finding') }} as f
left join {{ ref('dim_canteen') }} as c on f.canteen_id = c.canteen_id
where f.biz_date >= {{ date_literal(window_start('finding')) }} and c.canteen_id is null
union all
select 'reason not in the closed list' as problem, r.unknown_reason as key
from {{ ref('mart_red_line') }} as r
left join {{ ref('ref_unknown_reason') }} as u on r.unknown_reason = u.code
where r.period_end >= {{ date_literal(window_start('forward')) }} and r.unknown_reason is not null and u.code is null
union all
select 'category outside the tree, more than 6 levels down, or of a wrong level' as problem, n.code as key
from {{ ref('ref_ingredient_category') }} as n
left join {{ ref('dim_ingredient_category') }} as c on n.code = c.descendant_code
left join {{ ref('ref_ingredient_category') }} as a on c.ancestor_code = a.code
group by n.code, n.level
having count(*) <> n.level or max(case when a.code is not null and a.parent_code is null then 1 else 0 end) = 0
union all
select 'ingredient of a category that is not in the tree' as problem, i.ingredient_id as key
from {{ ref('dim_ingredient') }} as i
left join {{ ref('ref_ingredient_category') }} as n on i.category = n.code
where n.code is null
union all
select 'threshold without a registered document' as problem, t.threshold_id as key
from {{ ref('ref_threshold') }} as t
left join {{ ref('ref_regulation') }} as g on t.source_id = g.source_id
where g.source_id is null
union all
select 'threshold that outlives its document' as problem, t.threshold_id as key
from {{ ref('ref_threshold') }} as t
inner join {{ ref('ref_regulation') }} as g on t.source_id = g.source_id
where
    coalesce(t.valid_to, date '9999-12-31') > coalesce(g.valid_to, date '9999-12-31')
    or t.valid_from < g.valid_from
union all
select 'document registered twice or without a title' as problem, source_id as key
from {{ ref('ref_regulation') }}
group by source_id
having count(*) > 1 or source_id is null or max(title) is null
