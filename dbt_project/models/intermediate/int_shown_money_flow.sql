{{ config(materialized='ephemeral') }}
-- The flow picture: where the money of a canteen and month came from and went to, one row per edge. What enters a node
-- leaves it: what a step does not pass on goes to a node that says why, and what it has besides comes from one that says
-- from where. A step that nobody delivered is a node of its own, never nothing; where the verdict is unknown, so is what
-- is left over. Months of a supplier are compared, not single papers; a month in which more was taken back than given
-- counts as nothing.
{%- set oldest = days_before(py_month_start(last_day_of_run()), 183) %}
with supplier as (
    select
        canteen_id, month_start,
        sum(accepted_yuan) as accepted_yuan,
        sum(invoiced_yuan) as invoiced_yuan,
        sum(paid_yuan) as paid_yuan,
        sum(least(accepted_yuan, invoiced_yuan)) as accepted_invoiced_yuan,
        sum(least(invoiced_yuan, paid_yuan)) as invoiced_paid_yuan
    from (
        select
            canteen_id, month_start,
            greatest(accepted_yuan, 0) as accepted_yuan,
            greatest(invoiced_yuan, 0) as invoiced_yuan,
            greatest(paid_yuan, 0) as paid_yuan
        from {{ ref('mart_settlement') }}
        where month_start >= {{ date_literal(oldest) }}
    ) as s
    group by canteen_id, month_start
),

given as (
    select
        m.canteen_id, m.canteen_name, m.school_id, m.school_name, m.county_code, m.county_name,
        m.month_start, m.biz_month, m.period_rank, m.period_label, m.is_unknown,
        {%- for part in ['paid_in_yuan', 'balance_refund_yuan', 'consumed_yuan', 'subsidy_yuan', 'other_income_yuan',
            'outlay_yuan'] %}
        greatest(m.{{ part }}, 0) as {{ part }},
        {%- endfor %}
        least(m.unsettled_yuan, greatest(m.paid_in_yuan, 0)) as unsettled_yuan,
        {%- for part in ['accepted_yuan', 'invoiced_yuan', 'accepted_invoiced_yuan', 'invoiced_paid_yuan'] %}
        coalesce(s.{{ part }}, 0) as {{ part }},
        {%- endfor %}
        greatest(coalesce(s.paid_yuan, 0), coalesce(f.compared_yuan, 0)) as paid_yuan,
        -- Where neither bank nor books came, no payment was compared: how it was paid is not known either.
        case
            when coalesce(f.bank_events + f.book_events, 0) = 0 then coalesce(s.paid_yuan, 0)
            else f.compared_yuan
        end as compared_yuan,
        {%- for part in ['in_bank_yuan', 'in_books_yuan', 'in_both_yuan'] %}
        coalesce(f.{{ part }}, 0) as {{ part }},
        {%- endfor %}
        coalesce(f.bank_events, 0) as bank_events,
        coalesce(f.book_events, 0) as book_events
    from {{ ref('int_shown_money_month') }} as m
    left join supplier as s on m.canteen_id = s.canteen_id and m.month_start = s.month_start
    left join {{ ref('int_money_month') }} as f on m.canteen_id = f.canteen_id and m.month_start = f.month_start
),

month as (
    select
        *,
        paid_in_yuan - consumed_yuan - balance_refund_yuan as saved_yuan,
        consumed_yuan + subsidy_yuan + other_income_yuan - accepted_yuan - outlay_yuan as left_yuan
    from given
)

{%- set no_bank = "case when bank_events = 0 then 'bank_not_delivered' else 'not_in_bank' end" %}
{%- set no_books = "case when book_events = 0 then 'books_not_delivered' else 'not_in_books' end" %}
{%- set edges = [
    ("'parents'", "'account'", 'paid_in_yuan - unsettled_yuan'),
    ("'parents'", "'unsettled'", 'unsettled_yuan'),
    ("'unsettled'", "'account'", 'unsettled_yuan'),
    ("'balance_used'", "'account'", '-saved_yuan'),
    ("'account'", "'income'", 'consumed_yuan'),
    ("'account'", "'refund'", 'balance_refund_yuan'),
    ("'account'", "'balance_kept'", 'saved_yuan'),
    ("'subsidy'", "'income'", 'subsidy_yuan'),
    ("'other_income'", "'income'", 'other_income_yuan'),
    ("case when is_unknown = 1 then 'source_open' else 'surplus_used' end", "'income'", '-left_yuan'),
    ("'income'", "'purchase'", 'accepted_yuan'),
    ("'income'", "'outlay'", 'outlay_yuan'),
    ("'income'", "case when is_unknown = 1 then 'use_open' else 'surplus_kept' end", 'left_yuan'),
    ("'purchase'", "'invoice'", 'accepted_invoiced_yuan'),
    ("'purchase'", "'not_invoiced'", 'accepted_yuan - accepted_invoiced_yuan'),
    ("'accepted_before'", "'invoice'", 'invoiced_yuan - accepted_invoiced_yuan'),
    ("'invoice'", "'payment'", 'invoiced_paid_yuan'),
    ("'invoice'", "'not_paid'", 'invoiced_yuan - invoiced_paid_yuan'),
    ("'invoiced_before'", "'payment'", 'paid_yuan - invoiced_paid_yuan'),
    ("'payment'", "'bank'", 'in_bank_yuan'),
    ("'payment'", no_bank, 'compared_yuan - in_bank_yuan'),
    ("'payment'", "'not_by_bank'", 'paid_yuan - compared_yuan'),
    ("'bank'", "'books'", 'in_both_yuan'),
    ("'bank'", no_books, 'in_bank_yuan - in_both_yuan'),
    (no_bank, "'books'", 'in_books_yuan - in_both_yuan'),
    (no_bank, no_books, 'compared_yuan - in_bank_yuan - in_books_yuan + in_both_yuan')
] %}

select
    e.canteen_id, e.canteen_name, e.school_id, e.school_name, e.county_code, e.county_name,
    e.month_start, e.biz_month, e.period_rank, e.period_label,
    cast(e.edge_no as bigint) as edge_no,
    o.label as from_label,
    t.label as to_label,
    cast(e.amount_yuan as decimal(18, 2)) as amount_yuan
from (
    {%- for origin, target, amount in edges %}
    select
        canteen_id, canteen_name, school_id, school_name, county_code, county_name, month_start, biz_month,
        period_rank, period_label, {{ loop.index }} as edge_no,
        {{ origin }} as origin,
        {{ target }} as target,
        {{ amount }} as amount_yuan
    from month
    {{ 'union all' if not loop.last }}
    {%- endfor %}
) as e
{{ join_label('money_node', 'e.origin', 'o') }}
{{ join_label('money_node', 'e.target', 't') }}
where e.amount_yuan > 0
