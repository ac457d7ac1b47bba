{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
{%- set first = window_start('month') -%}
-- Meal accounts of a canteen, pupils and teachers apart: one row per month from the first month with data on.
-- The balance starts with what the canteen delivers as its opening balance, else with nothing. Persons with an idle
-- balance are counted when the month is over.
with keeper as (
    {{ keeper_sources() }}
),

month_sum as (
    select
        canteen_id,
        account_kind,
        {{ month_start('biz_date') }} as month_start,
        sum(case when feed = 'opening_balance' then amount_yuan else 0 end) as opening_yuan,
        sum(case when feed = 'meal_fee' then amount_yuan else 0 end) as paid_in_yuan,
        {%- for channel in ('bank', 'cash', 'mini_program') %}
        sum(case when feed = 'meal_fee' and way = '{{ channel }}' then amount_yuan else 0 end) as paid_{{ channel }}_yuan,
        {%- endfor %}
        sum(case when feed = 'consumption' then amount_yuan else 0 end) as consumed_yuan,
        sum(case when feed = 'consumption' then subsidy_yuan else 0 end) as subsidy_yuan,
        sum(case when feed = 'refund' and way = 'meal' then amount_yuan else 0 end) as meal_refund_yuan,
        sum(case when feed = 'refund' and way = 'balance' then amount_yuan else 0 end) as balance_refund_yuan
    from (
        select
            canteen_id, account_kind, biz_date, feed, way, amount_yuan, subsidy_yuan
        from {{ ref('int_money_day') }}
        where
            feed in ('meal_fee', 'consumption', 'refund') and account_kind is not null
            and biz_date >= {{ date_literal(first) }}
        union all
        select
            k.canteen_id, r.account_kind, r.biz_date, 'opening_balance' as feed, null as way, r.amount_yuan,
            0 as subsidy_yuan
        from {{ source('silver', 'opening_balance') }} as r
        {{ join_keeper() }}
        where r.balance_kind = 'prepaid' and {{ since(first, 'r.') }}
    ) as moved
    group by canteen_id, account_kind, {{ month_start('biz_date') }}
),

{{ carried_months('month_sum', 'account_kind', 'balance_yuan', first) }},

leave_charge as (
    select
        canteen_id, account_kind, {{ month_start('biz_date') }} as month_start,
        count(*) as leave_charges,
        sum(charged_yuan) as expected_refund_yuan
    from {{ ref('int_leave_charge') }}
    where biz_date >= {{ date_literal(first) }}
    group by canteen_id, account_kind, {{ month_start('biz_date') }}
),

found as (
    select
        canteen_id, account_kind, {{ month_start('biz_date') }} as month_start,
        sum(case when kind = 'leave_not_refunded' then amount_yuan else 0 end) as unrefunded_yuan,
        sum(case when kind = 'payment_not_settled' then amount_yuan else 0 end) as unsettled_yuan
    from {{ ref('money_finding') }}
    where kind in ('leave_not_refunded', 'payment_not_settled') and biz_date >= {{ date_literal(first) }}
    group by canteen_id, account_kind, {{ month_start('biz_date') }}
),

-- A control total is about the canteen's day, not about an account: it stands with the pupils.
control as (
    select
        canteen_id, {{ month_start('biz_date') }} as month_start,
        sum(case when control_rows is not null then 1 else 0 end) as control_totals,
        sum(case when control_rows = row_count and control_yuan = amount_yuan then 1 else 0 end) as control_proved
    from (
        select
            canteen_id, biz_date, feed,
            sum(row_count) as row_count, sum(amount_yuan) as amount_yuan,
            sum(control_rows) as control_rows, sum(control_yuan) as control_yuan
        from {{ ref('int_money_day') }}
        where biz_date >= {{ date_literal(first) }}
        group by canteen_id, biz_date, feed
    ) as d
    group by canteen_id, {{ month_start('biz_date') }}
),

whole_month as (
    select
        cast(first_on as date) as first_on,
        cast(last_on as date) as last_on
    from (values (null, null)
    {%- for month in complete_months() if month.first >= first -%}
        , ({{ date_literal(month.first) }}, {{ date_literal(month.last) }})
    {%- endfor %}) as v (first_on, last_on)
    where first_on is not null
),

-- Paid in the last two months, ate nothing in the last one and took nothing back.
idle as (
    select
        p.canteen_id, p.account_kind, p.month_start,
        count(*) as idle_accounts
    from (
        select distinct
            k.canteen_id, r.payer_kind as account_kind, r.person_hash, m.first_on as month_start
        from {{ source('silver', 'meal_fee') }} as r
        {{ join_keeper() }}
        inner join whole_month as m on r.biz_date between m.first_on - 31 and m.last_on
        where {{ since(days_before(first, 31), 'r.') }}
    ) as p
    left join (
        select distinct
            k.canteen_id, r.person_hash, m.first_on as month_start
        from {{ source('silver', 'consumption') }} as r
        {{ join_keeper() }}
        inner join whole_month as m on r.biz_date between m.first_on and m.last_on
        where r.biz_date >= {{ date_literal(first) }}
    ) as e on p.canteen_id = e.canteen_id and p.person_hash = e.person_hash and p.month_start = e.month_start
    left join (
        select distinct
            k.canteen_id, r.person_hash, m.first_on as month_start
        from {{ source('silver', 'refund') }} as r
        {{ join_keeper() }}
        inner join whole_month as m on r.biz_date between m.first_on - 31 and m.last_on
        where r.refund_kind = 'balance' and {{ since(days_before(first, 31), 'r.') }}
    ) as b on p.canteen_id = b.canteen_id and p.person_hash = b.person_hash and p.month_start = b.month_start
    where e.person_hash is null and b.person_hash is null
    group by p.canteen_id, p.account_kind, p.month_start
)

select
    g.canteen_id,
    g.account_kind,
    g.month_start,
    {{ month_label('g.month_start') }} as biz_month,
    {%- for part in ['opening', 'paid_in', 'paid_bank', 'paid_cash', 'paid_mini_program', 'consumed', 'subsidy', 'meal_refund', 'balance_refund'] %}
    cast(coalesce(s.{{ part }}_yuan, 0) as decimal(18, 2)) as {{ part }}_yuan,
    {%- endfor %}
    cast(coalesce(l.leave_charges, 0) as bigint) as leave_charges,
    cast(coalesce(l.expected_refund_yuan, 0) as decimal(18, 2)) as expected_refund_yuan,
    cast(coalesce(f.unrefunded_yuan, 0) as decimal(18, 2)) as unrefunded_yuan,
    cast(coalesce(f.unsettled_yuan, 0) as decimal(18, 2)) as unsettled_yuan,
    cast(
        coalesce(o.balance_yuan, 0) + sum(
            coalesce(s.opening_yuan, 0) + coalesce(s.paid_in_yuan, 0) - coalesce(s.consumed_yuan, 0)
            + coalesce(s.meal_refund_yuan, 0) - coalesce(s.balance_refund_yuan, 0)
        ) over (
            partition by g.canteen_id, g.account_kind order by g.month_start
            rows between unbounded preceding and current row
        ) as decimal(18, 2)
    ) as balance_yuan,
    case when w.first_on is not null then cast(coalesce(i.idle_accounts, 0) as bigint) end as idle_accounts,
    cast(case when g.account_kind = 'pupil' then coalesce(c.control_totals, 0) else 0 end as bigint) as control_totals,
    cast(case when g.account_kind = 'pupil' then coalesce(c.control_proved, 0) else 0 end as bigint) as control_proved
from grid as g
left join month_sum as s
    on g.canteen_id = s.canteen_id and g.account_kind = s.account_kind and g.month_start = s.month_start
left join opening as o on g.canteen_id = o.canteen_id and g.account_kind = o.account_kind
left join leave_charge as l
    on g.canteen_id = l.canteen_id and g.account_kind = l.account_kind and g.month_start = l.month_start
left join found as f
    on g.canteen_id = f.canteen_id and g.account_kind = f.account_kind and g.month_start = f.month_start
left join control as c on g.canteen_id = c.canteen_id and g.month_start = c.month_start
left join whole_month as w on g.month_start = w.first_on
left join idle as i
    on g.canteen_id = i.canteen_id and g.account_kind = i.account_kind and g.month_start = i.month_start
{%- endif %}
