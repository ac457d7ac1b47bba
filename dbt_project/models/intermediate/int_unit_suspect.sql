{{ config(materialized='ephemeral') }}
-- Lines of delivery slips whose prices are about half or double those of the same ingredients at other
-- canteens in the same week of the month: quantities were written in jin and read as kg, or the other way round.
-- Robust: medians of logarithms; the shift must stand far above the ingredients' own scatter.
with line as (
    select
        p.canteen_id,
        p.account_kind,
        p.ingredient_id,
        p.biz_date,
        p.record_no,
        p.supplier_id,
        coalesce(p.order_no, p.supplier_id) as slip_no,
        p.amount_yuan,
        greatest({{ week_start('p.biz_date') }}, {{ month_start('p.biz_date') }}) as week_first,
        ln(cast(p.price_yuan as double)) as log_price
    from {{ ref('stg_purchase') }} as p
    left join {{ ref('dim_ingredient') }} as i on p.ingredient_id = i.ingredient_id
    where
        p.accepted_on is not null and p.price_yuan > 0 and coalesce(i.is_food, true)
        and {{ since(days_before(finding_from(50), finding_from(50).weekday())) }}
        and p.biz_date <= {{ date_literal(last_day_of_run()) }}
),

peer as (
    select
        ingredient_id,
        week_first,
        median(log_price) as log_price,
        count(distinct canteen_id) as canteens
    from line
    group by ingredient_id, week_first
),

compared as (
    select
        l.*,
        p.canteens,
        l.log_price - p.log_price as shift
    from line as l
    inner join peer as p on l.ingredient_id = p.ingredient_id and l.week_first = p.week_first
),

scatter as (
    select
        ingredient_id,
        week_first,
        greatest(1.4826 * median(abs(shift)), 0.03) as sigma
    from compared
    group by ingredient_id, week_first
),

slip as (
    select
        c.canteen_id,
        c.account_kind,
        c.biz_date,
        c.slip_no,
        median(c.shift) as shift,
        median(s.sigma) as sigma,
        count(*) as line_count,
        sum(case when abs(abs(c.shift) - ln(2)) < 0.35 then 1 else 0 end) as halved_or_doubled,
        min(c.canteens) as canteens
    from compared as c
    inner join scatter as s on c.ingredient_id = s.ingredient_id and c.week_first = s.week_first
    group by c.canteen_id, c.account_kind, c.biz_date, c.slip_no
)

select
    c.canteen_id,
    c.account_kind,
    c.ingredient_id,
    c.biz_date,
    c.slip_no,
    c.supplier_id,
    c.record_no,
    c.amount_yuan,
    s.shift,
    s.line_count
from slip as s
{{ join_threshold('s.canteen_id', 's.biz_date') }}
inner join compared as c
    on s.canteen_id = c.canteen_id and s.account_kind = c.account_kind
    and s.biz_date = c.biz_date and s.slip_no = c.slip_no
where
    s.canteens > t.unit_min_peers
    -- A price that is doubled must be told from one that is 60 % too high: nearer to two, and not one line alone.
    and (abs(s.shift + ln(2)) < 0.25 or (abs(s.shift - ln(2)) < 0.13 and s.line_count > 1))
    and s.halved_or_doubled * 3 >= s.line_count * 2
    and abs(s.shift) * sqrt(s.line_count) > 5 * s.sigma
