{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
-- Lines of the public monthly form out of the books that this system keeps: a month's income and expense by the accounts
-- behind each line, under the head that says most; the result is income less all expense of the ledger. What the end of
-- a month carries to the surplus is neither. The printed form (pipelines/books/forms.py) reads the same accounts.
with posted as (
    select
        canteen_id, account_set, account_code, {{ month_start('biz_date') }} as month_start,
        sum(credit_yuan - debit_yuan) as net_yuan
    from {{ source('silver', 'posted_voucher') }}
    where event_kind not in ('month_end', 'year_end') and {{ since(window_start('month')) }}
    group by canteen_id, account_set, account_code, {{ month_start('biz_date') }}
),

placed as (
    select
        p.canteen_id, p.account_set, p.month_start, p.net_yuan, f.line_code,
        row_number() over (
            partition by p.canteen_id, p.account_set, p.month_start, p.account_code order by length(f.account_code) desc
        ) as nearness
    from posted as p
    inner join {{ ref('ref_form_account') }} as f
        on p.account_set = f.account_set and substr(p.account_code, 1, length(f.account_code)) = f.account_code
        and {{ month_end('p.month_start') }} between f.valid_from and coalesce(f.valid_to, date '9999-12-31')
    where f.form_version = 'public'
),

line as (
    select canteen_id, account_set, month_start, line_code, sum(net_yuan) as net_yuan
    from placed
    where nearness = 1
    group by canteen_id, account_set, month_start, line_code
    union all
    select canteen_id, account_set, month_start, 'result', sum(net_yuan)
    from placed
    where nearness = 1
    group by canteen_id, account_set, month_start
)

select
    canteen_id,
    account_set,
    month_start,
    {{ month_label('month_start') }} as biz_month,
    line_code,
    cast(
        case when line_code in ('income', 'off_form', 'result') then net_yuan else -net_yuan end as decimal(18, 2)
    ) as amount_yuan
from line
{%- endif %}
