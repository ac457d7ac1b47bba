{{ config(materialized='ephemeral') }}
-- Every counted item of a canteen that has an earlier stock-take, with what remains of its variance after
-- known causes: an earlier count that was off the other way (within 100 days), a slip of suspect units, or a
-- book below zero since the last count, whose surplus is a finding of its own.
with item as (
    select
        l.*,
        coalesce(i.is_food, true) as is_food
    from {{ ref('fct_stock_ledger') }} as l
    left join {{ ref('dim_ingredient') }} as i on l.ingredient_id = i.ingredient_id
    where l.account_kind = 'pupil' and l.biz_date >= {{ date_literal(finding_from(100)) }}
),

counted as (
    select
        canteen_id, ingredient_id, biz_date, book_kg, counted_kg, price_yuan, is_opening_count,
        case when is_opening_count then 0 else counted_kg - greatest(book_kg, 0) end as gap_kg
    from item
    where counted_kg is not null and is_food
),

count_day as (
    select
        canteen_id,
        biz_date,
        lag(biz_date) over (partition by canteen_id order by biz_date) as previous_date
    from (select distinct canteen_id, biz_date from counted) as days
),

earlier as (
    select
        c.canteen_id,
        c.ingredient_id,
        c.biz_date,
        sum(e.gap_kg) as gap_kg
    from counted as c
    inner join counted as e
        on c.canteen_id = e.canteen_id and c.ingredient_id = e.ingredient_id
        and e.biz_date >= c.biz_date - 100 and e.biz_date < c.biz_date
    where c.biz_date >= {{ date_literal(finding_from()) }}
    group by c.canteen_id, c.ingredient_id, c.biz_date
),

flow as (
    select
        c.canteen_id,
        c.ingredient_id,
        c.biz_date,
        sum(i.in_kg - i.return_kg - i.out_kg) as net_in_kg,
        min(i.book_kg) as lowest_kg
    from counted as c
    inner join count_day as y on c.canteen_id = y.canteen_id and c.biz_date = y.biz_date
    inner join item as i
        on c.canteen_id = i.canteen_id and c.ingredient_id = i.ingredient_id
        and i.biz_date > y.previous_date and i.biz_date <= c.biz_date
    where c.biz_date >= {{ date_literal(finding_from()) }}
    group by c.canteen_id, c.ingredient_id, c.biz_date
),

suspect as (
    select distinct
        c.canteen_id,
        c.ingredient_id,
        c.biz_date
    from counted as c
    inner join {{ ref('int_unit_suspect') }} as u
        on c.canteen_id = u.canteen_id and c.ingredient_id = u.ingredient_id and u.account_kind = 'pupil'
        and u.biz_date <= c.biz_date and u.biz_date >= c.biz_date - 50
)

select
    c.canteen_id,
    c.ingredient_id,
    c.biz_date,
    y.previous_date,
    c.book_kg,
    c.counted_kg,
    c.price_yuan,
    coalesce(f.net_in_kg, 0) as net_in_kg,
    case
        when s.canteen_id is not null or c.is_opening_count then 0
        when c.gap_kg > 0 and -f.lowest_kg * 2 >= c.gap_kg then 0
        when c.gap_kg < 0 then least(c.gap_kg + greatest(coalesce(e.gap_kg, 0), 0), 0)
        else greatest(c.gap_kg + least(coalesce(e.gap_kg, 0), 0), 0)
    end as gap_kg
from counted as c
inner join count_day as y on c.canteen_id = y.canteen_id and c.biz_date = y.biz_date
left join earlier as e
    on c.canteen_id = e.canteen_id and c.ingredient_id = e.ingredient_id and c.biz_date = e.biz_date
left join flow as f
    on c.canteen_id = f.canteen_id and c.ingredient_id = f.ingredient_id and c.biz_date = f.biz_date
left join suspect as s
    on c.canteen_id = s.canteen_id and c.ingredient_id = s.ingredient_id and c.biz_date = s.biz_date
where
    c.biz_date >= {{ date_literal(finding_from()) }}
    and y.previous_date >= c.biz_date - 100
