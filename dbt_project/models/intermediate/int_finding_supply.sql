{{ config(materialized='ephemeral') }}
-- Findings about suppliers and duties: invoices beyond acceptance, invoices paid twice, one person in two duties.
with keeper as (
    {{ keeper_sources() }}
),

own_account as (
    {{ own_accounts() }}
),

paid as (
    {{ supplier_payments(62) }}
),

bank as (
    {{ own_bank_lines(62) }}
),

invoice_over_acceptance as (
    select
        'invoice_over_acceptance' as kind, canteen_id, 'pupil' as account_kind, supplier_id,
        coalesce(order_no, '') || '|' || record_no as cause_key, biz_date, biz_date as period_start,
        biz_date as period_end, 'neutral' as direction, so_far_yuan - accepted_yuan as amount_yuan,
        so_far_kg as observed, accepted_kg as expected,
        '发票 ' || invoice_no || ' 已开 ' || cast(so_far_yuan as varchar) || ' 元，订单 ' || coalesce(order_no, '无号')
        || ' 该品目只验收 ' || cast(accepted_yuan as varchar) || ' 元' as text_zh,
        record_no as record_nos, 'high' as confidence
    from {{ ref('int_invoice_line') }}
    where
        difference = 'over_acceptance' and invoiced_yuan > 0
        and biz_date >= {{ date_literal(finding_from()) }}
),

-- Payments of an invoice beyond its amount, within 60 days, once the bank can no longer have returned the money.
-- What it did return is no payment.
invoice_total as (
    select
        k.canteen_id, r.invoice_no, r.biz_date,
        sum(case when r.is_red then -r.amount_yuan else r.amount_yuan end) as invoiced_yuan
    from {{ source('silver', 'invoice') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(62), 'r.') }}
    group by k.canteen_id, r.invoice_no, r.biz_date
),

standing as (
    select p.*
    from paid as p
    where
        p.biz_date >= {{ date_literal(finding_from(62)) }}
        and not exists (
            select 1 from bank as b
            where
                b.is_reversal and b.direction = 'in' and p.account_no = b.account_no
                and p.amount_yuan = b.amount_yuan and b.biz_date between p.biz_date and p.biz_date + 5
        )
),

payment_of_invoice as (
    select
        p.canteen_id, p.supplier_id, p.invoice_no, p.record_no, p.biz_date, p.amount_yuan,
        count(*) as n,
        sum(e.amount_yuan) as so_far_yuan,
        min(e.record_no) as first_no
    from standing as p
    inner join standing as e
        on p.canteen_id = e.canteen_id and p.invoice_no = e.invoice_no
        and e.biz_date between p.biz_date - 50 and p.biz_date
        and (e.biz_date < p.biz_date or e.record_no <= p.record_no)
    group by p.canteen_id, p.supplier_id, p.invoice_no, p.record_no, p.biz_date, p.amount_yuan
    having count(*) > 1
),

paid_over as (
    select
        p.canteen_id, p.supplier_id, p.invoice_no, p.record_no, p.biz_date, p.amount_yuan, p.n, p.so_far_yuan,
        p.first_no,
        sum(i.invoiced_yuan) as invoiced_yuan
    from payment_of_invoice as p
    inner join invoice_total as i
        on p.canteen_id = i.canteen_id and p.invoice_no = i.invoice_no
        and i.biz_date between p.biz_date - 50 and p.biz_date
    group by
        p.canteen_id, p.supplier_id, p.invoice_no, p.record_no, p.biz_date, p.amount_yuan, p.n, p.so_far_yuan,
        p.first_no
    having p.so_far_yuan > sum(i.invoiced_yuan)
),

paid_twice as (
    select
        'paid_twice' as kind, canteen_id, 'pupil' as account_kind, supplier_id,
        invoice_no || '|' || record_no as cause_key, biz_date + 5 as biz_date, biz_date as period_start,
        biz_date as period_end, 'neutral' as direction,
        so_far_yuan - greatest(invoiced_yuan, so_far_yuan - amount_yuan) as amount_yuan, so_far_yuan as observed,
        invoiced_yuan as expected,
        '发票 ' || invoice_no || '（' || cast(invoiced_yuan as varchar) || ' 元）已付 ' || cast(n as varchar) || ' 次共 '
        || cast(so_far_yuan as varchar) || ' 元' as text_zh,
        first_no || ',' || record_no as record_nos, 'high' as confidence
    from paid_over
),

-- One person in both steps of a document, or with money and goods of a canteen within a month.
handled as (
    select
        k.canteen_id, r.biz_date, r.document_no, r.duty_step, r.person_hash,
        case when r.duty_step in ('collect', 'pay') then 1 else 0 end as money,
        case when r.duty_step in ('accept', 'store') then 1 else 0 end as goods
    from {{ source('silver', 'handling') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(31), 'r.') }}
),

ordered_and_accepted as (
    select distinct
        o.canteen_id, o.person_hash, o.document_no, greatest(o.biz_date, a.biz_date) as biz_date
    from handled as o
    inner join handled as a
        on o.canteen_id = a.canteen_id and o.person_hash = a.person_hash and o.document_no = a.document_no
        and a.biz_date between o.biz_date - 31 and o.biz_date + 31
    where o.duty_step = 'order' and a.duty_step = 'accept'
),

both_steps as (
    select
        'order' as conflict, canteen_id, person_hash, {{ month_start('biz_date') }} as month_start,
        min(biz_date) as first_on, count(distinct document_no) as documents, min(document_no) as first_document
    from ordered_and_accepted
    group by canteen_id, person_hash, {{ month_start('biz_date') }}
    union all
    select
        'money' as conflict, canteen_id, person_hash, {{ month_start('biz_date') }} as month_start,
        greatest(
            min(case when money = 1 then biz_date end), min(case when goods = 1 then biz_date end)
        ) as first_on,
        least(sum(money), sum(goods)) as documents, min(case when goods = 1 then document_no end) as first_document
    from handled
    where money = 1 or goods = 1
    group by canteen_id, person_hash, {{ month_start('biz_date') }}
    having sum(money) > 0 and sum(goods) > 0
),

duty_conflict as (
    select
        'duty_conflict' as kind, canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        -- Not the pseudonym: it depends on the key of the data home.
        conflict || '|' || first_document || '|' || cast(
            row_number() over (
                partition by canteen_id, month_start, conflict, first_document order by first_on, documents
            ) as varchar
        ) as cause_key, first_on as biz_date, month_start as period_start,
        first_on as period_end, 'neutral' as direction, 0 as amount_yuan, documents as observed, 0 as expected,
        case conflict
            when 'order' then '同一人既下单又验收：' || cast(documents as varchar) || ' 张单据，首张 '
            else '同一人既管钱又管物：' || cast(documents as varchar) || ' 次，首张单据 '
        end || first_document as text_zh,
        first_document as record_nos, 'high' as confidence
    from both_steps
)

{{ united_findings(['invoice_over_acceptance', 'paid_twice', 'duty_conflict']) }}
