{{ config(materialized='ephemeral') }}
-- Findings about meal accounts: charged on leave and not refunded, totals that the source counts otherwise.
with keeper as (
    {{ keeper_sources() }}
),

-- Charged on leave and not given back.
leave_day as (
    select
        l.canteen_id,
        l.account_kind,
        l.biz_date as leave_on,
        l.biz_date + cast(max(t.refund_due_days) as integer) as biz_date,
        count(*) as persons,
        sum(l.charged_yuan - coalesce(l.refunded_yuan, 0)) as open_yuan
    from (
        select
            c.canteen_id, c.account_kind, c.biz_date, c.person_hash, c.charged_yuan,
            sum(case when f.biz_date <= c.biz_date + cast(t.refund_due_days as integer) then f.amount_yuan else 0 end)
                as refunded_yuan
        from {{ ref('int_leave_charge') }} as c
        {{ join_threshold('c.canteen_id', 'c.biz_date') }}
        left join (
            select
                k.canteen_id, r.biz_date, r.person_hash, r.amount_yuan
            from {{ source('silver', 'refund') }} as r
            {{ join_keeper() }}
            where r.refund_kind = 'meal' and {{ since(finding_from(45), 'r.') }}
        ) as f
            on c.canteen_id = f.canteen_id and c.person_hash = f.person_hash and c.biz_date <= f.biz_date
        where c.biz_date >= {{ date_literal(finding_from(45)) }}
        group by c.canteen_id, c.account_kind, c.biz_date, c.person_hash, c.charged_yuan
    ) as l
    {{ join_threshold('l.canteen_id', 'l.biz_date') }}
    where coalesce(l.refunded_yuan, 0) < l.charged_yuan
    group by l.canteen_id, l.account_kind, l.biz_date
    having count(*) >= max(t.refund_min_persons)
),

leave_not_refunded as (
    select
        'leave_not_refunded' as kind, canteen_id, account_kind, cast(null as varchar) as supplier_id,
        'leave' as cause_key, biz_date, leave_on as period_start, leave_on as period_end, 'neutral' as direction,
        open_yuan as amount_yuan, open_yuan as observed, 0 as expected,
        cast(persons as varchar) || ' 人请假仍扣餐费且到期未退，共 ' || cast(open_yuan as varchar) || ' 元' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from leave_day
),

-- The source counted what it did not deliver. Rows in quarantine count as delivered; a feed that did not come at
-- all that day is a gap of delivery, not this.
control_total_mismatch as (
    select
        'control_total_mismatch' as kind, d.canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        d.feed as cause_key, d.biz_date, d.biz_date as period_start, d.biz_date as period_end, 'neutral' as direction,
        abs(d.control_yuan - d.amount_yuan) as amount_yuan, d.row_count as observed, d.control_rows as expected,
        f.label || '控制总数为 ' || cast(d.control_rows as varchar) || ' 行 ' || cast(d.control_yuan as varchar) || ' 元，送达 '
        || cast(d.row_count as varchar) || ' 行 ' || cast(d.amount_yuan as varchar) || ' 元' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from (
        select
            canteen_id, biz_date, feed,
            sum(row_count) as row_count, sum(amount_yuan) as amount_yuan, sum(quarantined_rows) as quarantined_rows,
            sum(control_rows) as control_rows, sum(control_yuan) as control_yuan
        from {{ ref('int_money_day') }}
        where biz_date >= {{ date_literal(finding_from()) }}
        group by canteen_id, biz_date, feed
    ) as d
    {{ join_label('feed', 'd.feed', 'f') }}
    where
        d.row_count > 0 and d.control_rows is not null
        and (
            d.control_rows not between d.row_count and d.row_count + d.quarantined_rows
            or (d.control_rows = d.row_count and d.amount_yuan <> d.control_yuan)
        )
)

{{ united_findings(['leave_not_refunded', 'control_total_mismatch']) }}
