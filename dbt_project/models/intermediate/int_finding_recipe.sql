{{ config(materialized='ephemeral') }}
{%- set kg_per_unit = "case when i.base_unit = 'L' then j.oil_kg_per_litre else 1 end" %}
{%- set reach = 45 %}
{%- set first = date_literal(finding_from(reach)) %}
-- Food used from one stock-take to the next, as the books have it, against what the menus of the days between
-- take: docs/explanation/red_line.md, "Stock against recipes". Silent where the stock-take is a finding already, and
-- where the days between reach back further than lines of suspect units are known.
with period as (
    select distinct
        c.canteen_id,
        c.biz_date,
        c.previous_date
    from {{ ref('int_count_item') }} as c
    left join {{ ref('int_finding_stocktake') }} as k on c.canteen_id = k.canteen_id and c.biz_date = k.biz_date
    where k.canteen_id is null and c.previous_date >= {{ month_start('c.biz_date') }} - {{ reach }}
),

-- Days whose meals or goods were not delivered say nothing, and neither do few days.
served as (
    select
        p.canteen_id,
        p.biz_date,
        p.previous_date,
        sum(y.portions) as portions,
        sum(y.open_day) as open_days,
        sum(y.open_day - least(y.income_day, y.supplied_day)) as missing_days
    from period as p
    inner join {{ ref('fct_canteen_day') }} as y
        on p.canteen_id = y.canteen_id and y.biz_date > p.previous_date and y.biz_date <= p.biz_date
    where y.biz_date >= {{ first }}
    group by p.canteen_id, p.biz_date, p.previous_date
),

menu_day as (
    select
        p.canteen_id,
        p.biz_date,
        m.biz_date as menu_date,
        m.category,
        m.recipe_kg,
        m.menu_portions
    from period as p
    inner join {{ ref('int_menu_day') }} as m
        on p.canteen_id = m.canteen_id and m.biz_date > p.previous_date and m.biz_date <= p.biz_date
    where m.biz_date >= {{ first }}
),

menu as (
    select
        canteen_id,
        biz_date,
        category,
        sum(recipe_kg) as recipe_kg
    from menu_day
    group by canteen_id, biz_date, category
),

covered as (
    select
        canteen_id,
        biz_date,
        sum(menu_portions) as menu_portions
    from (select distinct canteen_id, biz_date, menu_date, menu_portions from menu_day)
    group by canteen_id, biz_date
),

judged as (
    select
        s.canteen_id, s.biz_date, s.previous_date, s.portions, s.open_days, s.missing_days, c.menu_portions,
        t.recipe_loss_pct, t.recipe_tolerance_pct, t.recipe_gap_min_pct, t.oil_kg_per_litre, t.finding_min_kg,
        t.finding_min_yuan
    from served as s
    inner join covered as c on s.canteen_id = c.canteen_id and s.biz_date = c.biz_date
    {{ join_threshold('s.canteen_id', 's.biz_date') }}
    where
        s.open_days - s.missing_days >= t.recipe_min_days
        and {{ product('c.menu_portions', '100') }} >= {{ product('s.portions', 't.recipe_coverage_min_pct') }}
),

-- Used = opening + purchased - returned - closing: what was drawn, and what the count found too little.
used as (
    select
        j.canteen_id,
        j.biz_date,
        i.category,
        sum({{ product('l.out_kg - coalesce(l.variance_kg, 0)', kg_per_unit) }}) as used_kg,
        sum({{ product('l.teacher_kg', kg_per_unit) }}) as teacher_kg,
        sum({{ product('l.out_kg', kg_per_unit) }}) as drawn_kg,
        sum({{ product('l.out_kg', 'l.price_yuan') }}) as drawn_yuan,
        -least(min(l.book_kg), 0) as below_zero_kg,
        max(case when u.canteen_id is not null then 1 else 0 end) as is_suspect
    from judged as j
    inner join {{ ref('fct_stock_ledger') }} as l
        on j.canteen_id = l.canteen_id and l.account_kind = 'pupil'
        and l.biz_date > j.previous_date and l.biz_date <= j.biz_date
    inner join {{ ref('dim_ingredient') }} as i on l.ingredient_id = i.ingredient_id and {{ is_weighed('i') }}
    left join (
        select distinct canteen_id, ingredient_id, biz_date from {{ ref('int_unit_suspect') }} where account_kind = 'pupil'
    ) as u
        on l.canteen_id = u.canteen_id and l.ingredient_id = u.ingredient_id and l.biz_date = u.biz_date
    where l.biz_date >= {{ first }}
    group by j.canteen_id, j.biz_date, i.category
),

-- Meals without a menu may have taken nothing, or as much as the others; what teachers ate may be on the pupils'
-- menus or not. Either way the gap is the smaller one.
compared as (
    select
        j.*,
        u.category,
        u.used_kg,
        u.teacher_kg,
        u.below_zero_kg,
        u.is_suspect,
        {{ divide_half_up('u.drawn_yuan', 'u.drawn_kg') }} as price_yuan,
        u.drawn_yuan,
        {{ qty('cast(' ~ product('m.recipe_kg', '(100 + j.recipe_loss_pct)') ~ ' as decimal(30, 6)) * cast(0.01 as decimal(3, 2))') }}
            as recipe_kg
    from judged as j
    inner join used as u on j.canteen_id = u.canteen_id and j.biz_date = u.biz_date and u.drawn_kg > 0
    inner join menu as m
        on u.canteen_id = m.canteen_id and u.biz_date = m.biz_date and u.category = m.category and m.recipe_kg > 0
),

gap as (
    select
        *,
        cast(
            case
                when used_kg < recipe_kg then used_kg - recipe_kg
                else greatest(used_kg - teacher_kg - {{ divide_half_up(product('recipe_kg', 'portions'), 'menu_portions') }}, 0)
            end as decimal(18, 3)
        ) as gap_kg
    from compared
),

off as (
    select
        *,
        is_suspect = 0 and abs(gap_kg) >= finding_min_kg
        and {{ product('abs(gap_kg)', '100') }} > {{ product('recipe_kg', 'recipe_tolerance_pct') }}
        and not (gap_kg < 0 and below_zero_kg * 2 >= -gap_kg) as is_off
    from gap
),

taken as (
    select
        o.canteen_id,
        o.biz_date,
        o.previous_date,
        max(o.open_days) as open_days,
        max(o.missing_days) as missing_days,
        max(o.finding_min_yuan) as finding_min_yuan,
        max(o.recipe_gap_min_pct) as recipe_gap_min_pct,
        sum(o.drawn_yuan) as drawn_yuan,
        sum({{ product('o.used_kg', 'o.price_yuan') }}) as used_yuan,
        sum(case when o.is_off then {{ product('o.gap_kg', 'o.price_yuan') }} else 0 end) as net_yuan,
        {{ joined('case when o.is_off then c.label end') }} as categories
    from off as o
    {{ join_label('category', 'o.category', 'c') }}
    group by o.canteen_id, o.biz_date, o.previous_date
)

select
    canteen_id,
    biz_date,
    previous_date + 1 as period_start,
    case when net_yuan > 0 then 'stock_below_recipe' else 'stock_above_recipe' end as kind,
    abs(net_yuan) as amount_yuan,
    used_yuan as observed,
    used_yuan - net_yuan as expected,
    categories
from taken
where
    abs(net_yuan) >= finding_min_yuan
    and abs(net_yuan) * 100 > drawn_yuan * recipe_gap_min_pct
    and abs(net_yuan) * open_days > missing_days * drawn_yuan
