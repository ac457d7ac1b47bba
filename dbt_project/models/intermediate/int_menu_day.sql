{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'day', 'period_column': 'biz_date'}
) }}
-- What the menus of a canteen's day take per food category, as purchased: grams per pupil x portions served.
-- `menu_portions` counts the portions of the day's meals that have a menu; a meal whose menu names an unknown
-- ingredient has none.
with line as (
    select
        coalesce(ck.canteen_id, r.canteen_id) as canteen_id,
        r.biz_date,
        r.meal,
        i.category,
        {{ is_weighed('i') }} as is_weighed,
        case
            when r.edible_pct is null then cast(r.grams_per_diner as decimal(18, 6))
            else {{ divide_half_up(product('r.grams_per_diner', '100'), 'r.edible_pct') }}
        end as purchased_g
    from {{ source('silver', 'menu_line') }} as r
    left join {{ ref('stg_canteen_key') }} as ck on r._provider = ck.provider and r.canteen_id = ck.source_key
    left join {{ ref('stg_ingredient_key') }} as ik on r._provider = ik.provider and r.ingredient_id = ik.source_key
    left join {{ ref('dim_ingredient') }} as i on coalesce(ik.ingredient_id, r.ingredient_id) = i.ingredient_id
    where {{ in_window() }}
),

meal as (
    select
        canteen_id,
        biz_date,
        meal
    from line
    group by canteen_id, biz_date, meal
    having count(category) = count(*)
),

served as (
    select
        m.canteen_id,
        m.biz_date,
        m.meal,
        p.portions,
        sum(p.portions) over (partition by m.canteen_id, m.biz_date) as menu_portions
    from meal as m
    inner join (
        {%- for meal in ['breakfast', 'lunch', 'dinner'] %}
        select canteen_id, biz_date, '{{ meal }}' as meal, {{ meal }}_portions as portions
        from {{ ref('int_canteen_flow') }}
        where {{ in_window() }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as p on m.canteen_id = p.canteen_id and m.biz_date = p.biz_date and m.meal = p.meal
)

select
    l.canteen_id,
    l.biz_date,
    {{ month_label('l.biz_date') }} as biz_month,
    l.category,
    {{ qty('cast(sum(' ~ product('l.purchased_g', 'cast(s.portions as decimal(9, 0))') ~ ') as decimal(30, 6)) * cast(0.001 as decimal(4, 3))') }}
        as recipe_kg,
    cast(max(s.menu_portions) as bigint) as menu_portions
from line as l
inner join served as s on l.canteen_id = s.canteen_id and l.biz_date = s.biz_date and l.meal = s.meal
where l.is_weighed
group by l.canteen_id, l.biz_date, l.category
