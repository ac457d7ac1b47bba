{{ config(materialized='ephemeral') }}
-- Goods bought for pupils and still on the book, of which nothing was issued for `never_issued_days` days
-- with meals. Dated on the day that makes the number full; purchases that follow without an issue in
-- between belong to the same finding.
with happened as (
    select
        l.canteen_id,
        l.ingredient_id,
        l.biz_date,
        l.in_kg,
        l.in_yuan,
        l.out_kg,
        l.counted_kg,
        max(case when l.out_kg > 0 then l.biz_date end) over (
            partition by l.canteen_id, l.ingredient_id order by l.biz_date
            rows between unbounded preceding and 1 preceding
        ) as out_before,
        max(case when l.in_kg > 0 and l.out_kg <= 0 then l.biz_date end) over (
            partition by l.canteen_id, l.ingredient_id order by l.biz_date
            rows between unbounded preceding and 1 preceding
        ) as in_before,
        min(case when l.out_kg > 0 then l.biz_date end) over (
            partition by l.canteen_id, l.ingredient_id order by l.biz_date
            rows between 1 following and unbounded following
        ) as out_after
    from {{ ref('fct_stock_ledger') }} as l
    left join {{ ref('dim_ingredient') }} as i on l.ingredient_id = i.ingredient_id
    where
        l.account_kind = 'pupil' and coalesce(i.is_food, true)
        and l.biz_date >= {{ date_literal(finding_from(75)) }}
),

started as (
    select
        h.canteen_id,
        h.ingredient_id,
        h.biz_date as bought_on,
        h.out_after,
        y.meal_days
    from happened as h
    inner join {{ ref('fct_canteen_day') }} as y on h.canteen_id = y.canteen_id and h.biz_date = y.biz_date
    where
        h.in_kg > 0 and h.out_kg <= 0 and h.biz_date >= {{ date_literal(finding_from(45)) }}
        and not coalesce(
            h.in_before >= h.biz_date - 30 and (h.out_before is null or h.out_before < h.in_before), false
        )
),

ripe as (
    select
        s.canteen_id,
        s.ingredient_id,
        s.bought_on,
        y.biz_date,
        t.finding_min_kg,
        t.finding_min_yuan
    from started as s
    {{ join_threshold('s.canteen_id', 's.bought_on') }}
    inner join {{ ref('fct_canteen_day') }} as y
        on s.canteen_id = y.canteen_id and y.income_day = 1
        and y.meal_days = s.meal_days + t.never_issued_days
        and y.biz_date between s.bought_on and s.bought_on + 45
    where y.biz_date >= {{ date_literal(finding_from()) }} and (s.out_after is null or s.out_after > y.biz_date)
)

select
    r.canteen_id,
    r.ingredient_id,
    r.biz_date,
    r.bought_on,
    sum(h.in_kg) as in_kg,
    sum(h.in_yuan) as amount_yuan
from ripe as r
inner join happened as h
    on r.canteen_id = h.canteen_id and r.ingredient_id = h.ingredient_id
    and h.biz_date between r.bought_on and r.biz_date
group by r.canteen_id, r.ingredient_id, r.biz_date, r.bought_on, r.finding_min_kg, r.finding_min_yuan
having
    sum(h.in_yuan) >= r.finding_min_yuan
    and sum(case when h.counted_kg < r.finding_min_kg then 1 else 0 end) = 0
