{{ config(materialized='ephemeral') }}
-- Money of a canteen and month with the names that the cockpit shows, for every month that can be chosen there;
-- canteens that keep books only. A whole table: names and decisions may change later than the figures.
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

shown as (
    select p.period_rank, p.period_label, p.period_kind, p.period_end, {{ month_start('p.period_end') }} as month_start
    from {{ shown_period_table() }} as p (
        period_rank, period_kind, period_end, period_label, previous_kind, previous_end, is_form
    )
    where not p.is_form and p.period_kind in ('month', 'month_to_date')
)

select
    a.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name,
    a.month_start,
    {{ month_label('a.month_start') }} as biz_month,
    cast(p.period_rank as bigint) as period_rank,
    p.period_label,
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
    cast(case when coalesce(r.verdict, 'unknown') = 'unknown' then 1 else 0 end as bigint) as is_unknown,
    cast(coalesce(f.findings, 0) as bigint) as findings
from account as a
inner join shown as p on a.month_start = p.month_start
inner join {{ ref('dim_canteen') }} as c
    on a.canteen_id = c.canteen_id
    and p.period_end between c.valid_from and c.valid_to
left join supplier as s on a.canteen_id = s.canteen_id and a.month_start = s.month_start
left join {{ ref('int_money_month') }} as m on a.canteen_id = m.canteen_id and a.month_start = m.month_start
left join found as f on a.canteen_id = f.canteen_id and a.month_start = f.month_start
left join {{ ref('mart_red_line') }} as r
    on a.canteen_id = r.canteen_id and p.period_kind = r.period_kind and p.period_end = r.period_end
    and r.definition = 'consumed' and r.period_end in {{ shown_period_ends() }}
{{ join_label('reconciliation', "coalesce(r.reconciliation, 'not_delivered')", 'n') }}
