{{ config(materialized='ephemeral') }}
{%- set last = date_literal(last_day_of_run()) %}
-- Findings that the books give against meals, subsidies, goods and prices.
with keeper as (
    {{ keeper_sources() }}
),

own_account as (
    {{ own_accounts() }}
),

special as (
    select * from own_account where account_role = 'special'
),

-- Prices of a canteen's own basket against the month before, beside the same of the city.
basket as (
    select
        canteen_id, month_start, ingredient_id, kg, yuan,
        sum(yuan) over (partition by canteen_id, month_start) as month_yuan,
        lag(yuan) over (partition by canteen_id, ingredient_id order by month_start) as base_yuan,
        lag(kg) over (partition by canteen_id, ingredient_id order by month_start) as base_kg,
        lag(month_start) over (partition by canteen_id, ingredient_id order by month_start) as base_start
    from (
        select
            p.canteen_id, {{ month_start('p.biz_date') }} as month_start, p.ingredient_id,
            sum(p.accepted_kg) as kg, sum(p.amount_yuan) as yuan
        from {{ ref('stg_purchase') }} as p
        inner join {{ ref('dim_ingredient') }} as i on p.ingredient_id = i.ingredient_id and i.is_food
        where
            p.account_kind = 'pupil' and p.accepted_on is not null and p.accepted_kg > 0 and p.amount_yuan > 0
            and {{ since(finding_from(31), 'p.') }} and (select count(*) from special) > 0
        group by p.canteen_id, {{ month_start('p.biz_date') }}, p.ingredient_id
    ) as b
),

step as (
    select
        canteen_id, month_start, ingredient_id, yuan, kg, base_yuan, base_kg,
        ln({{ ratio('yuan', 'kg') }}) - ln({{ ratio('base_yuan', 'base_kg') }}) as rise,
        median(ln({{ ratio('yuan', 'kg') }}) - ln({{ ratio('base_yuan', 'base_kg') }}))
            over (partition by month_start, ingredient_id) as city_rise,
        count(*) over (partition by month_start, ingredient_id) as canteens
    from basket
    where base_yuan > 0 and base_start >= month_start - 31 and month_start >= {{ date_literal(finding_from()) }}
),

price_drive as (
    select
        s.canteen_id,
        s.month_start,
        count(*) as items,
        sum(s.yuan) as yuan,
        median(s.rise - s.city_rise) as median_excess,
        sum(cast(s.yuan as double) * (s.rise - s.city_rise)) / sum(cast(s.yuan as double)) as excess,
        sum(case when s.rise > s.city_rise then 1 else 0 end) as risen
    from step as s
    where s.canteens >= 5
    group by s.canteen_id, s.month_start
),

served as (
    select
        canteen_id, {{ month_start('biz_date') }} as month_start,
        sum(purchases_yuan - returns_yuan) as bought_yuan, sum(open_day - supplied_day) as unsupplied_days,
        max(case when income_day = 1 then biz_date end) as last_meal
    from {{ ref('fct_canteen_day') }}
    where
        biz_date >= {{ date_literal(finding_from(31)) }} and canteen_id in (select canteen_id from special)
    group by canteen_id, {{ month_start('biz_date') }}
),

ratio_by_price as (
    select
        'ratio_by_price' as kind, p.canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        'basket' as cause_key, v.last_meal as biz_date, p.month_start as period_start, v.last_meal as period_end,
        'hides_red' as direction,
        cast(round(cast(p.yuan as double) * (1 - exp(-p.excess)), 2) as decimal(18, 2)) as amount_yuan,
        cast(round(100 * (exp(p.excess) - 1), 1) as decimal(18, 1)) as observed, 0 as expected,
        '本月 ' || cast(p.items as varchar) || ' 个品目的进价比上月普遍上涨，超出同城同品目 '
        || cast(cast(round(100 * (exp(p.excess) - 1), 1) as decimal(18, 1)) as varchar)
        || '%，食材占比由价格而非数量抬高' as text_zh,
        cast(null as varchar) as record_nos, 'medium' as confidence
    from price_drive as p
    inner join served as v on p.canteen_id = v.canteen_id and p.month_start = v.month_start
    {{ join_threshold('p.canteen_id', 'p.month_start') }}
    where
        p.items >= t.ratio_price_items and least(p.excess, p.median_excess) > {{ log_pct('t.ratio_price_pct') }}
        and p.risen * 5 >= p.items * 4 and v.last_meal is not null
),

-- What the books say, by the dated list of accounts.
book as (
    select
        k.canteen_id, r.biz_date, r.voucher_no, r.record_no, r.source_feed, r.source_record_no, r.debit_yuan,
        r.credit_yuan, a.book_role
    from {{ source('silver', 'voucher_line') }} as r
    {{ join_keeper() }}
    inner join {{ ref('ref_book_account') }} as a
        on r.account_set = a.account_set and r.biz_date >= a.valid_from
        and (a.valid_to is null or r.biz_date <= a.valid_to)
        and substr(r.account_code, 1, length(a.code_prefix)) = a.code_prefix
    where {{ since(finding_from(), 'r.') }}
),

booked as (
    select
        canteen_id, {{ month_start('biz_date') }} as month_start,
        sum(case when book_role = 'meal_income' then credit_yuan - debit_yuan else 0 end) as income_yuan,
        max(case when book_role = 'meal_income' then biz_date end) as income_until,
        sum(case when book_role = 'subsidy_income' then credit_yuan - debit_yuan else 0 end) as subsidy_yuan
    from book
    where source_feed = 'consumption'
    group by canteen_id, {{ month_start('biz_date') }}
),

eaten as (
    select
        b.canteen_id, b.month_start, b.income_yuan as booked_yuan, b.income_until, b.subsidy_yuan as booked_subsidy_yuan,
        sum(d.consumption_yuan - d.refund_yuan) as meal_yuan,
        sum(d.subsidy_yuan) as subsidy_yuan
    from booked as b
    inner join {{ ref('fct_canteen_day') }} as d
        on b.canteen_id = d.canteen_id and d.biz_date between b.month_start and b.income_until
    group by b.canteen_id, b.month_start, b.income_yuan, b.income_until, b.subsidy_yuan
),

income_under_reported as (
    select
        'income_under_reported' as kind, e.canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        'books' as cause_key, e.income_until as biz_date, e.month_start as period_start, e.income_until as period_end,
        'hides_red' as direction, e.meal_yuan - e.booked_yuan as amount_yuan, e.booked_yuan as observed,
        e.meal_yuan as expected,
        '账上餐费收入 ' || cast(e.booked_yuan as varchar) || ' 元，少于同期就餐消费 ' || cast(e.meal_yuan as varchar) || ' 元' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from eaten as e
    {{ join_threshold('e.canteen_id', 'e.income_until') }}
    where {{ product('e.booked_yuan', 100) }} < {{ product('e.meal_yuan', '(100 - t.income_gap_pct)') }}
),

-- Subsidy owed: pupils x days x rate of the roster once it is there, until then what meals were subsidised with.
roster as (
    select
        k.canteen_id, {{ month_start('r.biz_date') }} as month_start,
        sum(r.amount_yuan) as roster_yuan
    from {{ source('silver', 'subsidy_roster') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(), 'r.') }}
    group by k.canteen_id, {{ month_start('r.biz_date') }}
),

subsidy_not_spent as (
    select
        'subsidy_not_spent' as kind, s.canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        'subsidy' as cause_key, s.biz_date, s.month_start as period_start, s.biz_date as period_end,
        'neutral' as direction, s.due_yuan - s.spent_yuan as amount_yuan, s.spent_yuan as observed,
        s.due_yuan as expected,
        '应补 ' || cast(s.due_yuan as varchar) || ' 元，用于食材并列支的只有 ' || cast(s.spent_yuan as varchar) || ' 元' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from (
        select
            e.canteen_id, e.month_start, e.income_until as biz_date,
            case
                when e.income_until >= v.last_meal then coalesce(r.roster_yuan, e.subsidy_yuan) else e.subsidy_yuan
            end as due_yuan,
            case
                when v.unsupplied_days = 0 and {{ month_end('e.month_start') }} <= {{ last }}
                    then least(e.booked_subsidy_yuan, greatest(v.bought_yuan, 0))
                else e.booked_subsidy_yuan
            end as spent_yuan
        from eaten as e
        inner join served as v on e.canteen_id = v.canteen_id and e.month_start = v.month_start
        left join roster as r on e.canteen_id = r.canteen_id and e.month_start = r.month_start
    ) as s
    {{ join_threshold('s.canteen_id', 's.biz_date') }}
    where {{ product('s.spent_yuan', 100) }} < {{ product('s.due_yuan', '(100 - t.subsidy_gap_pct)') }}
),

-- Outlays that are no food, and goods that are none, debited to the cost of food.
not_food as (
    select
        b.canteen_id, b.biz_date, b.record_no, b.debit_yuan
    from book as b
    where b.book_role = 'food_cost' and b.source_feed = 'expense' and b.debit_yuan > 0
    union all
    select
        b.canteen_id, b.biz_date, b.record_no, b.debit_yuan
    from book as b
    inner join (
        select
            p.canteen_id, p.biz_date,
            sum(p.amount_yuan) as yuan
        from {{ ref('stg_purchase') }} as p
        inner join {{ ref('dim_ingredient') }} as i on p.ingredient_id = i.ingredient_id and not i.is_food
        where p.accepted_on is not null and {{ since(finding_from(), 'p.') }}
        group by p.canteen_id, p.biz_date
    ) as g on b.canteen_id = g.canteen_id and b.biz_date = g.biz_date and b.debit_yuan = g.yuan
    where b.book_role = 'food_cost' and b.source_feed = 'purchase'
),

non_food_as_food as (
    select
        'non_food_as_food' as kind, n.canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        'books' as cause_key, n.biz_date, n.period_start, n.period_end, 'hides_red' as direction, n.amount_yuan,
        n.amount_yuan as observed, 0 as expected,
        '非食材支出 ' || cast(n.amount_yuan as varchar) || ' 元（' || cast(n.lines as varchar) || ' 笔）记入食材成本' as text_zh,
        n.record_nos, 'high' as confidence
    from (
        select
            canteen_id, min(biz_date) as biz_date, {{ month_start('biz_date') }} as period_start,
            max(biz_date) as period_end, sum(debit_yuan) as amount_yuan, count(*) as lines,
            {{ first_records('record_no', 'n') }} as record_nos
        from (
            select
                *,
                row_number() over (
                    partition by canteen_id, {{ month_start('biz_date') }} order by biz_date, record_no
                ) as n
            from not_food
        ) as line
        group by canteen_id, {{ month_start('biz_date') }}
    ) as n
    {{ join_threshold('n.canteen_id', 'n.biz_date') }}
    where n.amount_yuan >= t.finding_min_yuan
)

{{ united_findings(['ratio_by_price', 'income_under_reported', 'subsidy_not_spent', 'non_food_as_food']) }}
