{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
{%- set last = date_literal(last_day_of_run()) -%}
-- What the money of a canteen reveals, one row per cause, in the columns of red_line_finding. Only canteens that
-- have registered a special account are looked at; what was not delivered is no finding (docs/explanation/money.md).
with keeper as (
    {{ keeper_sources() }}
),

own_account as (
    {{ own_accounts() }}
),

special as (
    select * from own_account where account_role = 'special'
),

settled as (
    select
        k.canteen_id, r.record_no, r.biz_date, r.trade_date, r.channel, r.account_no, r.gross_yuan, r.net_yuan
    from {{ source('silver', 'settlement') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(62), 'r.') }}
),

paid as (
    select
        k.canteen_id, r.record_no, r.biz_date, r.account_no, r.amount_yuan, r.invoice_no, r.payment_method,
        'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc) as supplier_id
    from {{ source('silver', 'supplier_payment') }} as r
    {{ join_keeper() }}
    left join {{ ref('stg_supplier_key') }} as sk on r._provider = sk.provider and r.supplier_uscc = sk.source_key
    where {{ since(finding_from(62), 'r.') }}
),

spent as (
    select
        k.canteen_id, r.record_no, r.biz_date, r.account_no, r.amount_yuan, r.expense_kind, r.money_direction
    from {{ source('silver', 'expense') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(62), 'r.') }}
),

bank as (
    select
        r.account_no, r.record_no, r.biz_date, r.direction, r.amount_yuan, r.is_reversal
    from {{ source('silver', 'bank_line') }} as r
    inner join (select distinct account_no from own_account) as a on r.account_no = a.account_no
    where {{ since(finding_from(62), 'r.') }}
),

-- The day with meals on which something of an earlier day is due: n days with meals later.
meal_day as (
    select
        canteen_id, biz_date, meal_days, income_day, open_day
    from {{ ref('fct_canteen_day') }}
    where
        biz_date >= {{ date_literal(finding_from(62)) }}
        and canteen_id in (select canteen_id from special)
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

-- Paid by parents and not settled by the channel, nor settled in full.
unsettled as (
    select
        f.canteen_id,
        f.biz_date as trade_date,
        f.way,
        f.fee_yuan,
        f.fee_yuan - coalesce(s.gross_yuan, 0) as open_yuan,
        y.biz_date
    from (
        select
            canteen_id, biz_date, way,
            sum(amount_yuan) as fee_yuan
        from {{ ref('int_money_day') }}
        where feed = 'meal_fee' and row_count > 0 and biz_date >= {{ date_literal(finding_from(45)) }}
        group by canteen_id, biz_date, way
    ) as f
    inner join (select distinct canteen_id, channel from settled) as c
        on f.canteen_id = c.canteen_id and f.way = c.channel
    inner join meal_day as m on f.canteen_id = m.canteen_id and f.biz_date = m.biz_date
    {{ join_threshold('f.canteen_id', 'f.biz_date') }}
    inner join meal_day as y
        on f.canteen_id = y.canteen_id and y.income_day = 1 and y.meal_days = m.meal_days + t.settle_meal_days
        and y.biz_date between f.biz_date and f.biz_date + 45
    left join (
        select
            canteen_id, trade_date, channel,
            sum(gross_yuan) as gross_yuan
        from settled
        group by canteen_id, trade_date, channel
    ) as s on f.canteen_id = s.canteen_id and f.biz_date = s.trade_date and f.way = s.channel
    where f.fee_yuan > coalesce(s.gross_yuan, 0)
),

-- Settlements that no credit of the same amount answers: of the same day first, then of the days around.
same_day as (
    select
        s.*, b.record_no as bank_no
    from (
        select
            *, row_number() over (partition by account_no, net_yuan, biz_date order by record_no) as n
        from settled
        where net_yuan > 0
    ) as s
    left join (
        select
            *, row_number() over (partition by account_no, amount_yuan, biz_date order by record_no) as n
        from bank
        where direction = 'in' and not is_reversal
    ) as b
        on s.account_no = b.account_no and s.net_yuan = b.amount_yuan and s.biz_date = b.biz_date and s.n = b.n
),

free_credit as (
    select b.*
    from bank as b
    left join same_day as s on b.record_no = s.bank_no and b.account_no = s.account_no
    where b.direction = 'in' and s.bank_no is null
),

unpaired as (
    select
        s.canteen_id, s.record_no, s.trade_date, s.biz_date as settled_on, s.channel, s.account_no, s.net_yuan,
        y.biz_date
    from same_day as s
    inner join special as a
        on s.canteen_id = a.canteen_id and s.account_no = a.account_no
        and s.biz_date between a.valid_from and a.valid_to
    inner join meal_day as m on s.canteen_id = m.canteen_id and s.biz_date = m.biz_date
    {{ join_threshold('s.canteen_id', 's.biz_date') }}
    inner join meal_day as y
        on s.canteen_id = y.canteen_id and y.income_day = 1 and y.meal_days = m.meal_days + t.settle_meal_days
        and y.biz_date between s.biz_date and s.biz_date + 45
    where s.bank_no is null
),

-- Each credit left over answers the nearest settlement left over.
answered as (
    select
        s.account_no,
        s.record_no,
        row_number() over (
            partition by b.account_no, b.record_no
            order by
                case when s.settled_on <= b.biz_date then b.biz_date - s.settled_on else s.settled_on - b.biz_date + 1 end,
                s.record_no
        ) as nearness
    from free_credit as b
    inner join unpaired as s
        on b.account_no = s.account_no and b.amount_yuan = s.net_yuan
        and b.biz_date between s.settled_on - 3 and s.biz_date
),

unanswered as (
    select s.*
    from unpaired as s
    left join (select distinct account_no, record_no from answered where nearness = 1) as a
        on s.account_no = a.account_no and s.record_no = a.record_no
    where
        a.record_no is null
        -- The statement covers the days: it has lines of the same week and later ones.
        and exists (
            select 1 from bank as b
            where
                s.account_no = b.account_no
                and {{ week_start('s.settled_on') }} = {{ week_start('b.biz_date') }}
        )
        and exists (
            select 1 from bank as b
            where s.account_no = b.account_no and b.biz_date > s.settled_on and b.biz_date <= s.biz_date + 14
        )
        -- As many settlements as credits around these days are answered, whichever took which.
        and (
            select count(*) from unpaired as o
            where
                s.account_no = o.account_no and s.net_yuan = o.net_yuan
                and o.settled_on between s.settled_on - 10 and s.settled_on + 10
        ) > (
            select count(*) from free_credit as b
            where
                s.account_no = b.account_no and s.net_yuan = b.amount_yuan
                and b.biz_date between s.settled_on - 10 and s.biz_date + 10
        )
),

-- The same amount on another account of the canteen or its school.
elsewhere as (
    select
        u.*,
        b.account_no as other_no,
        b.record_no as bank_no
    from unanswered as u
    left join (
        select
            o.canteen_id, b.account_no, b.record_no, b.biz_date, b.amount_yuan
        from bank as b
        inner join own_account as o on b.account_no = o.account_no and o.account_role <> 'special'
        where b.direction = 'in'
    ) as b
        on u.canteen_id = b.canteen_id and u.net_yuan = b.amount_yuan
        and b.biz_date between u.settled_on - 3 and u.biz_date
    qualify row_number() over (partition by u.canteen_id, u.record_no order by b.biz_date nulls last, b.record_no) = 1
),

payment_not_settled as (
    select
        'payment_not_settled' as kind, canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        'fee|' || way as cause_key, biz_date, trade_date as period_start, biz_date as period_end,
        'neutral' as direction, open_yuan as amount_yuan, fee_yuan - open_yuan as observed, fee_yuan as expected,
        cast(trade_date as varchar) || ' 的缴费 ' || cast(fee_yuan as varchar) || ' 元，渠道到期仍有 '
        || cast(open_yuan as varchar) || ' 元未结算' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from unsettled
    union all
    select
        'payment_not_settled', canteen_id, 'pupil', null, record_no, biz_date, trade_date, biz_date, 'neutral',
        net_yuan, 0, net_yuan,
        '结算单 ' || record_no || '（' || cast(net_yuan as varchar) || ' 元）所写专户到期未收到该款', record_no, 'high'
    from elsewhere
    where other_no is null
),

payment_to_other_account as (
    select
        'payment_to_other_account' as kind, s.canteen_id, 'pupil' as account_kind,
        cast(null as varchar) as supplier_id, s.record_no as cause_key, s.biz_date, s.trade_date as period_start,
        s.biz_date as period_end, 'neutral' as direction, s.net_yuan as amount_yuan, 0 as observed,
        s.net_yuan as expected,
        '餐费 ' || cast(s.net_yuan as varchar) || ' 元结算到' || case when o.account_role is null then '未登记的账户 ' else '非专用账户 ' end
        || s.account_no as text_zh,
        s.record_no as record_nos,
        case when o.account_role is null then 'medium' else 'high' end as confidence
    from settled as s
    left join own_account as o
        on s.canteen_id = o.canteen_id and s.account_no = o.account_no
        and s.biz_date between o.valid_from and o.valid_to
    where coalesce(o.account_role, '') <> 'special'
    union all
    select
        'payment_to_other_account', canteen_id, 'pupil', null, record_no, biz_date, trade_date, biz_date, 'neutral',
        net_yuan, 0, net_yuan,
        '结算单 ' || record_no || ' 写明专户，' || cast(net_yuan as varchar) || ' 元实际进入账户 ' || other_no,
        record_no || ',' || bank_no, 'high'
    from elsewhere
    where other_no is not null
),

non_special_account_used as (
    select
        'non_special_account_used' as kind, p.canteen_id, 'pupil' as account_kind, p.supplier_id,
        p.record_no as cause_key, p.biz_date, p.biz_date as period_start, p.biz_date as period_end,
        'neutral' as direction, p.amount_yuan, p.amount_yuan as observed, 0 as expected,
        p.what || ' ' || cast(p.amount_yuan as varchar) || ' 元从'
        || case when o.account_role is null then '未登记的账户 ' else '非专用账户 ' end || p.account_no || ' 付出' as text_zh,
        p.record_no as record_nos,
        case when o.account_role is null then 'medium' else 'high' end as confidence
    from (
        select canteen_id, supplier_id, record_no, biz_date, account_no, amount_yuan, '货款' as what from paid
        union all
        select canteen_id, null, record_no, biz_date, account_no, amount_yuan, '食堂支出' from spent
        where money_direction = 'out'
    ) as p
    left join own_account as o
        on p.canteen_id = o.canteen_id and p.account_no = o.account_no
        and p.biz_date between o.valid_from and o.valid_to
    where p.account_no is not null and coalesce(o.account_role, '') <> 'special'
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

-- Payments of an invoice beyond its amount; what the bank gave back is no payment.
invoice_total as (
    select
        canteen_id, invoice_no,
        sum(invoiced_yuan) as invoiced_yuan
    from (
        select
            k.canteen_id, r.invoice_no,
            case when r.is_red then -r.amount_yuan else r.amount_yuan end as invoiced_yuan
        from {{ source('silver', 'invoice') }} as r
        {{ join_keeper() }}
        where {{ since(finding_from(62), 'r.') }}
    ) as line
    group by canteen_id, invoice_no
),

payment_of_invoice as (
    select
        p.*,
        i.invoiced_yuan,
        sum(p.amount_yuan) over (
            partition by p.canteen_id, p.invoice_no order by p.biz_date, p.record_no
            rows between unbounded preceding and current row
        ) as so_far_yuan,
        row_number() over (partition by p.canteen_id, p.invoice_no order by p.biz_date, p.record_no) as n,
        min(p.record_no) over (
            partition by p.canteen_id, p.invoice_no order by p.biz_date, p.record_no
            rows between unbounded preceding and current row
        ) as first_no
    from paid as p
    inner join invoice_total as i on p.canteen_id = i.canteen_id and p.invoice_no = i.invoice_no
    where
        not exists (
            select 1 from bank as b
            where
                b.is_reversal and b.direction = 'in' and p.account_no = b.account_no
                and p.amount_yuan = b.amount_yuan and b.biz_date between p.biz_date and p.biz_date + 5
        )
),

paid_twice as (
    select
        'paid_twice' as kind, canteen_id, 'pupil' as account_kind, supplier_id, invoice_no || '|' || record_no as cause_key,
        biz_date, biz_date as period_start, biz_date as period_end, 'neutral' as direction,
        so_far_yuan - greatest(invoiced_yuan, so_far_yuan - amount_yuan) as amount_yuan, so_far_yuan as observed,
        invoiced_yuan as expected,
        '发票 ' || invoice_no || '（' || cast(invoiced_yuan as varchar) || ' 元）已付 ' || cast(n as varchar) || ' 次共 '
        || cast(so_far_yuan as varchar) || ' 元' as text_zh,
        first_no || ',' || record_no as record_nos, 'high' as confidence
    from payment_of_invoice
    where n > 1 and so_far_yuan > invoiced_yuan
),

-- One person in both steps of a document, or with money and goods of a canteen within a month.
handled as (
    select
        k.canteen_id, r.biz_date, r.document_no, r.duty_step, r.person_hash,
        case when r.duty_step in ('collect', 'pay') then 1 else 0 end as money,
        case when r.duty_step in ('accept', 'store') then 1 else 0 end as goods
    from {{ source('silver', 'handling') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(), 'r.') }}
),

both_steps as (
    select
        'order' as conflict, canteen_id, person_hash, {{ month_start('max_date') }} as month_start,
        min(max_date) as first_on, count(*) as documents, min(document_no) as first_document
    from (
        select
            canteen_id, person_hash, document_no,
            max(biz_date) as max_date
        from handled
        where duty_step in ('order', 'accept')
        group by canteen_id, person_hash, document_no
        having count(distinct duty_step) = 2
    ) as document
    group by canteen_id, person_hash, {{ month_start('max_date') }}
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
        conflict || '|' || person_hash as cause_key, first_on as biz_date, month_start as period_start,
        first_on as period_end, 'neutral' as direction, 0 as amount_yuan, documents as observed, 0 as expected,
        case conflict
            when 'order' then '同一人既下单又验收：' || cast(documents as varchar) || ' 张单据，首张 '
            else '同一人既管钱又管物：' || cast(documents as varchar) || ' 次，首张单据 '
        end || first_document as text_zh,
        first_document as record_nos, 'high' as confidence
    from both_steps
),

-- The source counted what it did not deliver. Rows in quarantine count as delivered; a feed that did not come at
-- all that day is a gap of delivery, not this.
control_total_mismatch as (
    select
        'control_total_mismatch' as kind, canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        feed as cause_key, biz_date, biz_date as period_start, biz_date as period_end, 'neutral' as direction,
        abs(control_yuan - amount_yuan) as amount_yuan, row_count as observed, control_rows as expected,
        f.label || '控制总数为 ' || cast(control_rows as varchar) || ' 行 ' || cast(control_yuan as varchar) || ' 元，送达 '
        || cast(row_count as varchar) || ' 行 ' || cast(amount_yuan as varchar) || ' 元' as text_zh,
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
),

-- Weeks in which documents name a registered account and its statement shows nothing at all.
gap_week as (
    select
        w.canteen_id,
        w.account_no,
        w.week_start,
        w.week_start + 6 + cast(t.statement_due_days as integer) as biz_date,
        w.documents,
        w.document_yuan
    from (
        select
            u.canteen_id, u.account_no, {{ week_start('u.biz_date') }} as week_start,
            count(*) as documents, sum(u.amount_yuan) as document_yuan
        from (
            select canteen_id, account_no, biz_date, net_yuan as amount_yuan from settled
            union all
            select canteen_id, account_no, biz_date, amount_yuan from paid
            union all
            select canteen_id, account_no, biz_date, amount_yuan from spent
        ) as u
        inner join special as a
            on u.canteen_id = a.canteen_id and u.account_no = a.account_no
            and u.biz_date between a.valid_from and a.valid_to
        group by u.canteen_id, u.account_no, {{ week_start('u.biz_date') }}
    ) as w
    {{ join_threshold('w.canteen_id', 'w.week_start + 6') }}
    left join (select distinct account_no, {{ week_start('biz_date') }} as week_start from bank) as b
        on w.account_no = b.account_no and w.week_start = b.week_start
    where
        b.account_no is null and w.documents >= t.statement_min_documents
        and w.week_start >= {{ date_literal(finding_from(31)) }}
),

-- Days whose lines do not lead from the last balance before to the day's own.
chain_day as (
    select
        account_no,
        biz_date,
        movement_yuan,
        closing_yuan,
        lag(closing_yuan) over (partition by account_no order by biz_date) as opening_yuan,
        complete
    from (
        select
            r.account_no,
            r.biz_date,
            sum(case when r.direction = 'in' then r.amount_yuan else -r.amount_yuan end) as movement_yuan,
            max(case when r.n = 1 then r.balance_yuan end) as closing_yuan,
            min(case when r.balance_yuan is null then 0 else 1 end) as complete
        from (
            select
                b.account_no, b.biz_date, b.direction, b.amount_yuan, b.balance_yuan,
                row_number() over (
                    partition by b.account_no, b.biz_date order by b.booked_at desc nulls last, b.record_no desc
                ) as n
            from {{ source('silver', 'bank_line') }} as b
            inner join (select distinct account_no from special) as s on b.account_no = s.account_no
            where {{ since(finding_from(62), 'b.') }}
        ) as r
        group by r.account_no, r.biz_date
    ) as d
),

statement_gap as (
    select
        'statement_gap' as kind, canteen_id, 'pupil' as account_kind, cast(null as varchar) as supplier_id,
        account_no as cause_key, min(biz_date) as biz_date, min(week_start) as period_start,
        max(week_start) + 6 as period_end, 'neutral' as direction, sum(document_yuan) as amount_yuan,
        0 as observed, sum(documents) as expected,
        '专户 ' || account_no || ' 有 ' || cast(count(*) as varchar) || ' 周没有流水，同期单据 '
        || cast(sum(documents) as varchar) || ' 笔' as text_zh,
        cast(null as varchar) as record_nos, 'high' as confidence
    from gap_week
    where biz_date >= {{ date_literal(finding_from()) }} and biz_date <= {{ last }}
    group by canteen_id, account_no, {{ month_start('biz_date') }}
    union all
    select
        'statement_gap', a.canteen_id, 'pupil', null, c.account_no || '|chain', c.biz_date, c.biz_date, c.biz_date, 'neutral',
        abs(c.closing_yuan - c.opening_yuan - c.movement_yuan), c.closing_yuan, c.opening_yuan + c.movement_yuan,
        '专户 ' || c.account_no || ' 当日余额与上一日余额加减发生额不符', null, 'medium'
    from chain_day as c
    inner join special as a on c.account_no = a.account_no and c.biz_date between a.valid_from and a.valid_to
    where
        c.complete = 1 and c.opening_yuan is not null and c.closing_yuan <> c.opening_yuan + c.movement_yuan
        and c.biz_date >= {{ date_literal(finding_from()) }}
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
),

found as (
    {%- for kind in [
        'leave_not_refunded', 'payment_not_settled', 'payment_to_other_account', 'non_special_account_used',
        'invoice_over_acceptance', 'paid_twice', 'duty_conflict', 'control_total_mismatch', 'statement_gap',
        'ratio_by_price', 'income_under_reported', 'subsidy_not_spent', 'non_food_as_food'] %}
    select
        kind, canteen_id, account_kind, cast(null as varchar) as ingredient_id, supplier_id, cause_key, biz_date,
        period_start, period_end, direction, cast(round(amount_yuan, 2) as decimal(18, 2)) as amount_yuan,
        cast(observed as decimal(18, 3)) as observed, cast(expected as decimal(18, 3)) as expected,
        text_zh, record_nos, confidence
    from {{ kind }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    md5(
        kind || '|' || canteen_id || '|' || account_kind || '|' || cause_key || '|' || cast(period_start as varchar)
    ) as finding_id,
    kind,
    canteen_id,
    account_kind,
    ingredient_id,
    supplier_id,
    biz_date,
    {{ month_label('biz_date') }} as biz_month,
    period_start,
    period_end,
    direction,
    amount_yuan,
    observed,
    expected,
    text_zh,
    record_nos,
    confidence
from found
where {{ in_window() }} and biz_date <= {{ date_literal(last_day_of_run()) }}
