-- Cost and income of the periods that end on the last day are the sums of their canteen-days.
select
    r.canteen_id,
    r.period_kind
from {{ ref('mart_red_line') }} as r
inner join {{ ref('fct_canteen_day') }} as y
    on r.canteen_id = y.canteen_id and y.biz_date between r.period_start and r.period_end
where r.definition = 'consumed' and r.period_end = {{ date_literal(last_day_of_run()) }}
group by r.canteen_id, r.period_kind, r.cost_yuan, r.income_yuan
having sum(y.cost_yuan) <> r.cost_yuan or sum(y.income_yuan) <> r.income_yuan
