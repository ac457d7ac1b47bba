{{ config(materialized='ephemeral') }}
-- Every period to be judged in this run, with its parts: differences of running sums over canteen-days
-- (definition consumed) and the monthly disclosure forms.
{%- set first = window_start('forward') -%}
-- The month before may only now be over for long enough to be held against its flows.
{%- set closing = days_before(window_start('month'), 1) %}
{%- set parts = [
    'purchases_yuan', 'returns_yuan', 'delta_value_yuan', 'cost_yuan', 'consumption_yuan', 'subsidy_yuan',
    'refund_yuan', 'income_yuan', 'open_day', 'income_day', 'supplied_day', 'quarantined_rows', 'total_rows'] -%}
{%- set so_far -%}
    over (partition by canteen_id order by biz_date rows between unbounded preceding and current row)
{%- endset %}
with running as (
    select
        canteen_id, biz_date, first_day, term_id, term_start, open_days_left, meal_days, stock_value_yuan,
        first_stocktake_date, last_stocktake_date,
        {%- for part in parts %}
        sum({{ part }}) {{ so_far }} as {{ part }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('fct_canteen_day') }}
    where biz_date >= least(
        {{ date_literal(days_before(first, 30)) }},
        {{ date_literal(first.replace(month=1, day=1)) }},
        {{ date_literal(days_before(py_month_start(closing), 1)) }},
        coalesce(
            (select min(term_start) from {{ ref('fct_canteen_day') }} where biz_date >= {{ date_literal(first) }}),
            {{ date_literal(first) }}
        )
    )
),

ending as (
    select
        *,
        biz_date >= {{ date_literal(first) }} as is_touched
    from running
    where biz_date >= {{ date_literal(first) }} or biz_date = {{ date_literal(closing) }}
),

period as (
    select canteen_id, biz_date, 'month_to_date' as period_kind, {{ month_start('biz_date') }} as whole_start
    from ending
    where is_touched
    union all
    select canteen_id, biz_date, 'rolling_30d' as period_kind, biz_date - 29 as whole_start
    from ending
    where is_touched
    union all
    select canteen_id, biz_date, 'ytd' as period_kind, {{ year_start('biz_date') }} as whole_start
    from ending
    where is_touched
    union all
    select canteen_id, biz_date, 'term' as period_kind, term_start as whole_start
    from ending
    where term_id is not null and is_touched
    union all
    select canteen_id, biz_date, 'month' as period_kind, {{ month_start('biz_date') }} as whole_start
    from ending
    where biz_date = {{ month_end('biz_date') }}
),

consumed as (
    select
        p.canteen_id,
        p.period_kind,
        greatest(p.whole_start, e.first_day) as period_start,
        p.biz_date as period_end,
        'consumed' as definition,
        true as has_form,
        {%- for part in parts %}
        e.{{ part }} - coalesce(b.{{ part }}, 0) as {{ part }},
        {%- endfor %}
        e.stock_value_yuan as closing_stock_yuan,
        e.first_stocktake_date,
        e.last_stocktake_date,
        e.open_days_left,
        e.meal_days
    from period as p
    inner join ending as e on p.canteen_id = e.canteen_id and p.biz_date = e.biz_date
    left join running as b
        on p.canteen_id = b.canteen_id and greatest(p.whole_start, e.first_day) - 1 = b.biz_date
),

-- Forecast: the last 30 open days with income, in exact sums so that no order of adding matters.
meal_day as (
    select
        d.canteen_id,
        d.meal_days,
        d.cost_yuan,
        d.income_yuan
    from {{ ref('fct_canteen_day') }} as d
    inner join (
        select
            canteen_id,
            min(meal_days) as lowest
        from ending
        where is_touched
        group by canteen_id
    ) as e on d.canteen_id = e.canteen_id and d.meal_days > e.lowest - 30
    where d.income_day = 1
),

recent as (
    select
        canteen_id,
        meal_days,
        count(*) {{ last_30() }} as n,
        cast(sum(cost_yuan) {{ last_30() }} as double) as cost,
        cast(sum(income_yuan) {{ last_30() }} as double) as income,
        cast(sum(cast({{ product('cost_yuan', 'cost_yuan') }} as decimal(36, 4))) {{ last_30() }} as double) as cost_cost,
        cast(sum(cast({{ product('cost_yuan', 'income_yuan') }} as decimal(36, 4))) {{ last_30() }} as double) as cost_income,
        cast(sum(cast({{ product('income_yuan', 'income_yuan') }} as decimal(36, 4))) {{ last_30() }} as double) as income_income
    from meal_day
),

forecast as (
    select
        c.canteen_id,
        c.period_end,
        cast(c.cost_yuan as double) + c.open_days_left * coalesce(r.cost / r.n, 0) as cost,
        cast(c.income_yuan as double) + c.open_days_left * coalesce(r.income / r.n, 0) as income,
        case
            when c.open_days_left = 0 then 0
            when r.n > 1 and r.income > 0 then
                1.96 * sqrt(c.open_days_left) * sqrt(greatest(
                    r.cost_cost
                    - 2 * (r.cost / r.income) * r.cost_income
                    + (r.cost / r.income) * (r.cost / r.income) * r.income_income, 0
                ) / (r.n - 1))
        end as half_width,
        c.open_days_left = 0 or r.n > 0 as is_known
    from consumed as c
    left join recent as r on c.canteen_id = r.canteen_id and c.meal_days = r.meal_days
    where c.period_kind = 'month_to_date'
),

line as (
    select
        coalesce(k.canteen_id, f.canteen_id) as canteen_id,
        {{ month_end('f.biz_date') }} as period_end,
        f.line_code,
        f.month_yuan,
        f.ytd_yuan
    from {{ source('silver', 'disclosure_line') }} as f
    left join {{ ref('stg_canteen_key') }} as k on f._provider = k.provider and f.canteen_id = k.source_key
    where {{ since(window_start('form'), 'f.') }}
),

form as (
    {%- for period_kind in ('month', 'ytd') %}
    select
        canteen_id,
        period_end,
        '{{ period_kind }}' as period_kind,
        sum(case when line_code = 'income' then {{ period_kind }}_yuan end) as income_yuan,
        sum(case when line_code in ('dishes', 'rice_oil', 'condiments') then {{ period_kind }}_yuan else 0 end) as food_yuan,
        sum(case when line_code = 'other_materials' then {{ period_kind }}_yuan else 0 end) as other_yuan
    from line
    group by canteen_id, period_end
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

canteen as (
    select distinct
        canteen_id, first_day
    from {{ ref('dim_canteen') }}
),

due as (
    select
        c.canteen_id,
        m.period_end
    from canteen as c
    inner join {{ overdue_month_ends() }} as m (period_end) on m.period_end >= c.first_day
    union
    select
        f.canteen_id,
        f.period_end
    from form as f
    inner join canteen as c on f.canteen_id = c.canteen_id
),

formal as (
    select
        u.canteen_id,
        k.period_kind,
        greatest(
            case when k.period_kind = 'month' then {{ month_start('u.period_end') }} else {{ year_start('u.period_end') }} end,
            c.first_day
        ) as period_start,
        u.period_end,
        k.definition,
        f.canteen_id is not null as has_form,
        f.food_yuan + case when k.definition = 'form_with_other' then f.other_yuan else 0 end as cost_yuan,
        f.income_yuan
    from due as u
    inner join canteen as c on u.canteen_id = c.canteen_id
    cross join (
        values
        ('month', 'form_without_other'), ('month', 'form_with_other'),
        ('ytd', 'form_without_other'), ('ytd', 'form_with_other')
    ) as k (period_kind, definition)
    left join form as f
        on u.canteen_id = f.canteen_id and u.period_end = f.period_end and k.period_kind = f.period_kind
),

all_periods as (
    select
        c.canteen_id, c.period_kind, c.period_start, c.period_end, c.definition, c.has_form,
        c.cost_yuan, c.income_yuan,
        c.closing_stock_yuan - c.delta_value_yuan as opening_stock_yuan,
        c.purchases_yuan, c.returns_yuan, c.closing_stock_yuan,
        c.consumption_yuan, c.subsidy_yuan, c.refund_yuan,
        c.open_day as open_days, c.income_day as income_days, c.supplied_day as supplied_days,
        c.first_stocktake_date, c.last_stocktake_date, c.quarantined_rows, c.total_rows,
        case when f.is_known and f.income > 0 then round(f.cost / f.income, 6) end as forecast_ratio,
        case when f.is_known and f.income > 0 then round((f.cost - f.half_width) / f.income, 6) end as forecast_low,
        case when f.is_known and f.income > 0 then round((f.cost + f.half_width) / f.income, 6) end as forecast_high
    from consumed as c
    left join forecast as f
        on c.period_kind = 'month_to_date' and c.canteen_id = f.canteen_id and c.period_end = f.period_end
    union all
    select
        canteen_id, period_kind, period_start, period_end, definition, has_form, cost_yuan, income_yuan,
        null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null
    from formal
)

select
    p.canteen_id,
    p.period_kind,
    p.period_start,
    p.period_end,
    p.definition,
    p.has_form,
    {%- for column in ['cost_yuan', 'income_yuan', 'opening_stock_yuan', 'purchases_yuan', 'returns_yuan',
        'closing_stock_yuan', 'consumption_yuan', 'subsidy_yuan', 'refund_yuan'] %}
    cast(p.{{ column }} as decimal(18, 2)) as {{ column }},
    {%- endfor %}
    {%- for column in ['open_days', 'income_days', 'supplied_days', 'quarantined_rows', 'total_rows'] %}
    cast(p.{{ column }} as bigint) as {{ column }},
    {%- endfor %}
    p.first_stocktake_date,
    p.last_stocktake_date,
    p.forecast_ratio,
    p.forecast_low,
    p.forecast_high,
    -- Only a whole month is held against its flows; other periods still run or hold such months.
    coalesce(f.bank_events > 0 and f.business_events > 0 and f.book_events > 0, false) as flow_delivered,
    coalesce(
        p.period_kind = 'month' and f.bank_events > 0 and f.business_events > 0 and f.book_events > 0
        and p.period_end + cast(t.flow_close_days as integer) <= {{ date_literal(last_day_of_run()) }}, false
    ) as flow_closed,
    case when p.period_kind = 'month' then f.unexplained_yuan end as unexplained_yuan,
    case when p.period_kind = 'month' then f.outlay_yuan end as outlay_yuan,
    case when p.period_kind = 'month' then f.other_income_yuan end as other_income_yuan,
    t.flow_unexplained_pct,
    t.red_line_pct as threshold,
    t.threshold_id,
    t.threshold_confidence,
    t.source_id,
    t.yellow_band_pp as yellow_band,
    t.income_coverage_min_pct,
    t.supply_coverage_min_pct,
    t.stocktake_max_age_days,
    t.quarantine_max_pct
from all_periods as p
left join {{ ref('dim_canteen') }} as d
    on p.canteen_id = d.canteen_id and p.period_end between d.valid_from and d.valid_to
left join {{ ref('int_threshold') }} as t
    on d.threshold_scope = t.threshold_scope and p.period_end between t.since and t.until
left join {{ ref('int_money_month') }} as f
    on p.canteen_id = f.canteen_id and {{ month_start('p.period_end') }} = f.month_start
