{{ config(materialized='ephemeral') }}
-- Money of a canteen and month with the names that the cockpit shows, for the last half year; canteens that keep
-- books only. A whole table: names and decisions may change later than the figures.
{%- set last = last_day_of_run() %}
{%- set oldest = days_before(py_month_start(last), 183) %}
with account as (
    select
        canteen_id, month_start,
        sum(paid_in_yuan) as paid_in_yuan,
        sum(consumed_yuan - meal_refund_yuan) as consumed_yuan,
        sum(balance_refund_yuan) as balance_refund_yuan,
        sum(case when account_kind = 'pupil' then subsidy_yuan else 0 end) as subsidy_yuan,
        sum(balance_yuan) as balance_yuan,
        sum(idle_accounts) as idle_accounts,
        sum(expected_refund_yuan) as expected_refund_yuan,
        sum(unrefunded_yuan) as unrefunded_yuan,
        sum(unsettled_yuan) as unsettled_yuan,
        sum(control_totals) as control_totals,
        sum(control_proved) as control_proved
    from {{ ref('mart_meal_account') }}
    where month_start >= {{ date_literal(oldest) }}
    group by canteen_id, month_start
),

supplier as (
    select
        canteen_id, month_start,
        sum(accepted_yuan) as accepted_yuan,
        sum(invoiced_yuan) as invoiced_yuan,
        sum(paid_yuan) as supplier_paid_yuan,
        sum(open_yuan) as open_yuan
    from {{ ref('mart_settlement') }}
    where month_start >= {{ date_literal(oldest) }}
    group by canteen_id, month_start
),

found as (
    select
        canteen_id, {{ month_start('biz_date') }} as month_start,
        count(*) as findings
    from {{ ref('money_finding') }}
    where biz_date >= {{ date_literal(oldest) }}
    group by canteen_id, {{ month_start('biz_date') }}
),

state as (
    select
        canteen_id, {{ month_start('period_end') }} as month_start, reconciliation, surplus_yuan
    from {{ ref('mart_red_line') }}
    where
        definition = 'consumed' and period_end >= {{ date_literal(oldest) }}
        and (
            period_kind = 'month'
            {%- if py_month_end(last) != last %}
            or (period_kind = 'month_to_date' and period_end = {{ date_literal(last) }})
            {%- endif %}
        )
)

select
    a.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name,
    a.month_start,
    {{ month_label('a.month_start') }} as biz_month,
    {%- for part in ['paid_in_yuan', 'consumed_yuan', 'balance_refund_yuan', 'subsidy_yuan', 'balance_yuan',
        'expected_refund_yuan', 'unrefunded_yuan', 'unsettled_yuan'] %}
    cast(a.{{ part }} as decimal(18, 2)) as {{ part }},
    {%- endfor %}
    cast(a.idle_accounts as bigint) as idle_accounts,
    cast(a.control_totals as bigint) as control_totals,
    cast(a.control_proved as bigint) as control_proved,
    {%- for part in ['accepted_yuan', 'invoiced_yuan', 'supplier_paid_yuan', 'open_yuan'] %}
    cast(coalesce(s.{{ part }}, 0) as decimal(18, 2)) as {{ part }},
    {%- endfor %}
    cast(coalesce(m.outlay_yuan, 0) as decimal(18, 2)) as outlay_yuan,
    cast(coalesce(m.other_income_yuan, 0) as decimal(18, 2)) as other_income_yuan,
    r.surplus_yuan,
    cast(coalesce(m.differences, 0) as bigint) as differences,
    cast(coalesce(m.decided_differences, 0) as bigint) as decided_differences,
    cast(coalesce(m.unexplained_yuan, 0) as decimal(18, 2)) as unexplained_yuan,
    coalesce(r.reconciliation, 'not_delivered') as reconciliation,
    n.label as reconciliation_label,
    cast(case when r.reconciliation = 'broken' then 1 else 0 end as bigint) as is_broken,
    cast(case when r.reconciliation = 'reconciled' then 1 else 0 end as bigint) as is_reconciled,
    cast(coalesce(f.findings, 0) as bigint) as findings
from account as a
inner join {{ ref('dim_canteen') }} as c
    on a.canteen_id = c.canteen_id
    and least({{ month_end('a.month_start') }}, {{ date_literal(last) }}) between c.valid_from and c.valid_to
left join supplier as s on a.canteen_id = s.canteen_id and a.month_start = s.month_start
left join {{ ref('int_money_month') }} as m on a.canteen_id = m.canteen_id and a.month_start = m.month_start
left join found as f on a.canteen_id = f.canteen_id and a.month_start = f.month_start
left join state as r on a.canteen_id = r.canteen_id and a.month_start = r.month_start
{{ join_label('reconciliation', "coalesce(r.reconciliation, 'not_delivered')", 'n') }}
