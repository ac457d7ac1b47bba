{{ config(materialized='ephemeral') }}
-- Book stock below zero by more than the thresholds, where neither an earlier short count, nor a slip of
-- suspect units, nor an undelivered day within 35 days, nor a missing opening count explains it.
with breach as (
    select
        l.canteen_id,
        l.ingredient_id,
        l.biz_date,
        l.book_kg,
        l.price_yuan
    from {{ ref('fct_stock_ledger') }} as l
    left join {{ ref('dim_ingredient') }} as i on l.ingredient_id = i.ingredient_id
    {{ join_threshold('l.canteen_id', 'l.biz_date') }}
    where
        l.account_kind = 'pupil' and coalesce(i.is_food, true)
        and l.biz_date >= {{ date_literal(finding_from()) }}
        and -l.book_kg >= t.finding_min_kg and {{ product('-l.book_kg', 'l.price_yuan') }} >= t.finding_min_yuan
        and not (-l.opening_kg >= t.finding_min_kg and {{ product('-l.opening_kg', 'l.price_yuan') }} >= t.finding_min_yuan)
),

explained as (
    select
        b.canteen_id,
        b.ingredient_id,
        b.biz_date
    from breach as b
    inner join {{ ref('fct_stock_ledger') }} as e
        on b.canteen_id = e.canteen_id and b.ingredient_id = e.ingredient_id and e.account_kind = 'pupil'
        and e.biz_date >= b.biz_date - 100 and e.biz_date <= b.biz_date
    group by b.canteen_id, b.ingredient_id, b.biz_date, b.book_kg
    having sum(coalesce(e.variance_kg, 0)) * 2 <= b.book_kg
    union
    select
        b.canteen_id,
        b.ingredient_id,
        b.biz_date
    from breach as b
    inner join {{ ref('int_unit_suspect') }} as u
        on b.canteen_id = u.canteen_id and b.ingredient_id = u.ingredient_id and u.account_kind = 'pupil'
        and u.biz_date <= b.biz_date and u.biz_date >= b.biz_date - 50
),

uncovered as (
    select
        b.canteen_id,
        b.biz_date
    from (select distinct canteen_id, biz_date from breach) as b
    inner join {{ ref('fct_canteen_day') }} as y
        on b.canteen_id = y.canteen_id and y.biz_date > b.biz_date - 35 and y.biz_date <= b.biz_date
    group by b.canteen_id, b.biz_date
    having
        sum(y.open_day - y.supplied_day) > 0
        or coalesce(min(y.first_stocktake_date), date '9999-12-31') >= b.biz_date
)

select
    b.canteen_id,
    min(b.biz_date) as biz_date,
    {{ month_start('b.biz_date') }} as period_start,
    max(b.biz_date) as period_end,
    count(distinct b.ingredient_id) as ingredients,
    min(b.ingredient_id) as first_ingredient_id,
    sum({{ product('-b.book_kg', 'b.price_yuan') }}) as amount_yuan,
    min(b.book_kg) as observed
from breach as b
left join explained as e
    on b.canteen_id = e.canteen_id and b.ingredient_id = e.ingredient_id and b.biz_date = e.biz_date
left join uncovered as u on b.canteen_id = u.canteen_id and b.biz_date = u.biz_date
where e.canteen_id is null and u.canteen_id is null
group by b.canteen_id, {{ month_start('b.biz_date') }}
