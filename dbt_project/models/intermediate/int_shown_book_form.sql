{{ config(materialized='ephemeral') }}
-- The public monthly form out of the books with all its lines, for every month that can be chosen in the cockpit, with the
-- year up to it. A running month has the form of the last whole one: what the kitchen took is booked at a month's end. A
-- month without postings has no amounts of its own: it is not booked, which is not nothing.
{%- set last = last_day_of_run() %}
{%- set whole = last if py_month_end(last) == last else days_before(py_month_start(last), 1) %}
with shown as (
    select
        p.period_rank, p.period_label,
        least(p.period_end, {{ date_literal(whole) }}) as month_end,
        {{ month_start('least(p.period_end, ' ~ date_literal(whole) ~ ')') }} as month_start
    from {{ shown_period_table() }} as p (
        period_rank, period_kind, period_end, period_label, previous_kind, previous_end, is_form
    )
    where not p.is_form and p.period_kind in ('month', 'month_to_date')
),

book as (
    select
        b.canteen_id, b.account_set, s.period_rank, s.period_label, s.month_end, s.month_start,
        max(case when b.month_start = s.month_start then 1 else 0 end) as is_booked
    from {{ ref('mart_book_form') }} as b
    inner join shown as s on b.month_start between {{ year_start('s.month_start') }} and s.month_start
    group by b.canteen_id, b.account_set, s.period_rank, s.period_label, s.month_end, s.month_start
),

line as (
    select
        k.canteen_id, k.account_set, k.period_rank, k.period_label, k.month_end, k.month_start, k.is_booked,
        l.code as line_code, l.label as line_label, l.sort_no,
        coalesce(sum(case when b.month_start = k.month_start then b.amount_yuan end), 0) as month_yuan,
        coalesce(sum(b.amount_yuan), 0) as ytd_yuan
    from book as k
    inner join {{ ref('ref_label') }} as l on l.list_name = 'form_line'
    left join {{ ref('mart_book_form') }} as b
        on k.canteen_id = b.canteen_id and k.account_set = b.account_set and l.code = b.line_code
        and b.month_start between {{ year_start('k.month_start') }} and k.month_start
    group by
        k.canteen_id, k.account_set, k.period_rank, k.period_label, k.month_end, k.month_start, k.is_booked,
        l.code, l.label, l.sort_no
)

select
    f.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name,
    f.account_set, f.month_start,
    {{ month_label('f.month_start') }} as biz_month,
    cast(f.period_rank as bigint) as period_rank,
    f.period_label,
    f.line_code,
    cast(f.sort_no as bigint) as line_no,
    f.line_label,
    case when f.is_booked = 1 then cast(f.month_yuan as decimal(18, 2)) end as month_yuan,
    cast(f.ytd_yuan as decimal(18, 2)) as ytd_yuan
from line as f
inner join {{ ref('dim_canteen') }} as c
    on f.canteen_id = c.canteen_id and f.month_end between c.valid_from and c.valid_to
where f.line_code <> 'off_form' or f.ytd_yuan <> 0 or f.month_yuan <> 0
