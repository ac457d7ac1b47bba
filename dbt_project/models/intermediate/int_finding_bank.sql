{{ config(materialized='ephemeral') }}
{%- set last = date_literal(last_day_of_run()) %}
-- Findings about money on its way to and from the special account: settled, received, paid from, covered by statements.
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
    {{ supplier_payments(62) }}
),

spent as (
    select
        k.canteen_id, r.record_no, r.biz_date, r.account_no, r.amount_yuan, r.expense_kind, r.money_direction
    from {{ source('silver', 'expense') }} as r
    {{ join_keeper() }}
    where {{ since(finding_from(62), 'r.') }}
),

bank as (
    {{ own_bank_lines(62) }}
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

-- Paid by parents and not settled by the channel, nor settled in full.
due_fee as (
    select
        f.canteen_id,
        f.biz_date as trade_date,
        f.way,
        f.fee_yuan,
        y.biz_date
    from (
        select
            canteen_id, biz_date, way,
            sum(amount_yuan) as fee_yuan
        from {{ ref('int_money_day') }}
        where feed = 'meal_fee' and row_count > 0 and biz_date >= {{ date_literal(finding_from(45)) }}
        group by canteen_id, biz_date, way
    ) as f
    inner join meal_day as m on f.canteen_id = m.canteen_id and f.biz_date = m.biz_date
    {{ join_threshold('f.canteen_id', 'f.biz_date') }}
    inner join meal_day as y
        on f.canteen_id = y.canteen_id and y.income_day = 1 and y.meal_days = m.meal_days + t.settle_meal_days
        and y.biz_date between f.biz_date and f.biz_date + 45
),

-- Only channels that settle at all are held to it, and only what was settled by the day on which it was due counts:
-- a finding never depends on what happens after its own day.
unsettled as (
    select
        f.canteen_id, f.trade_date, f.way, f.fee_yuan, f.biz_date,
        f.fee_yuan - sum(case when s.trade_date = f.trade_date then s.gross_yuan else 0 end) as open_yuan
    from due_fee as f
    inner join settled as s
        on f.canteen_id = s.canteen_id and f.way = s.channel
        and s.biz_date between f.trade_date - 16 and f.biz_date
    group by f.canteen_id, f.trade_date, f.way, f.fee_yuan, f.biz_date
    having f.fee_yuan > sum(case when s.trade_date = f.trade_date then s.gross_yuan else 0 end)
),

credit as (
    select * from bank
    where direction = 'in' and not is_reversal
),

-- A credit that says the number of a settlement answers that one, whichever others are of the same amount; where one
-- number is part of another, the longer.
named as (
    select
        account_no, record_no, bank_no, named_on,
        row_number() over (partition by account_no, record_no order by named_on, bank_no) as nth
    from (
        select
            s.account_no,
            s.record_no,
            b.record_no as bank_no,
            b.biz_date as named_on,
            row_number() over (
                partition by b.account_no, b.record_no order by length(s.record_no) desc, s.record_no asc nulls last
            ) as nearness
        from settled as s
        inner join credit as b
            on s.account_no = b.account_no and s.net_yuan = b.amount_yuan
            and b.biz_date between s.biz_date - 16 and s.biz_date + 16 and position(s.record_no in b.said) > 0
    ) as x
    where nearness = 1
),

nameless_credit as (
    select b.*
    from credit as b
    left join named as n on b.account_no = n.account_no and b.record_no = n.bank_no
    where n.bank_no is null
),

-- Of the other settlements each is answered by a credit of its amount: of the same day first, then of the days around.
same_day as (
    select
        s.*, b.record_no as bank_no
    from (
        select
            s.*,
            n.named_on,
            row_number() over (
                partition by s.account_no, s.net_yuan, s.biz_date, n.named_on is null order by s.record_no
            ) as n
        from settled as s
        left join named as n on s.account_no = n.account_no and s.record_no = n.record_no and n.nth = 1
        where s.net_yuan > 0
    ) as s
    left join (
        select
            *, row_number() over (partition by account_no, amount_yuan, biz_date order by record_no) as n
        from nameless_credit
    ) as b
        on s.account_no = b.account_no and s.net_yuan = b.amount_yuan and s.biz_date = b.biz_date and s.n = b.n
        and s.named_on is null
),

free_credit as (
    select b.*
    from nameless_credit as b
    left join same_day as s on b.record_no = s.bank_no and b.account_no = s.account_no
    where s.bank_no is null
),

unpaired as (
    select
        s.canteen_id, s.record_no, s.trade_date, s.biz_date as settled_on, s.channel, s.account_no, s.net_yuan,
        s.named_on
    from same_day as s
    inner join special as a
        on s.canteen_id = a.canteen_id and s.account_no = a.account_no
        and s.biz_date between a.valid_from and a.valid_to
    where s.bank_no is null
),

-- Each credit left over answers the nearest settlement left over of the days before.
answered as (
    select
        s.account_no,
        s.record_no,
        s.net_yuan,
        s.settled_on,
        b.biz_date,
        row_number() over (
            partition by b.account_no, b.record_no order by s.settled_on desc nulls last, s.record_no asc nulls last
        ) as nearness
    from free_credit as b
    inner join unpaired as s
        on b.account_no = s.account_no and b.amount_yuan = s.net_yuan and s.named_on is null
        and b.biz_date between s.settled_on and s.settled_on + 16
    union all
    select
        account_no, record_no, net_yuan, settled_on, named_on, 1
    from unpaired
    where named_on is not null
),

unanswered as (
    select
        s.*,
        y.biz_date
    from unpaired as s
    inner join meal_day as m on s.canteen_id = m.canteen_id and s.settled_on = m.biz_date
    {{ join_threshold('s.canteen_id', 's.settled_on') }}
    inner join meal_day as y
        on s.canteen_id = y.canteen_id and y.income_day = 1 and y.meal_days = m.meal_days + t.settle_meal_days
        and y.biz_date between s.settled_on and s.settled_on + 45
    left join answered as a
        on s.account_no = a.account_no and s.record_no = a.record_no and a.nearness = 1 and a.biz_date <= y.biz_date
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
            where s.account_no = b.account_no and b.biz_date > s.settled_on and b.biz_date <= y.biz_date
        )
        -- As many settlements as credits around these days are answered, whichever took which.
        and (
            select count(*) from unpaired as o
            where
                s.account_no = o.account_no and s.net_yuan = o.net_yuan
                and o.settled_on between s.settled_on - 10 and s.settled_on
        ) > (
            select count(*) from answered as b
            where
                b.nearness = 1 and s.account_no = b.account_no and s.net_yuan = b.net_yuan
                and b.settled_on between s.settled_on - 10 and s.settled_on and b.biz_date <= y.biz_date
        )
),

-- The same amount on another account of the canteen or its school.
elsewhere as (
    select
        u.*,
        b.account_no as other_no,
        b.record_no as bank_no,
        row_number() over (
            partition by u.canteen_id, u.record_no order by b.biz_date nulls last, b.record_no nulls last
        ) as n
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
    where n = 1 and other_no is null
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
    where n = 1 and other_no is not null
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
        lag(biz_date) over (partition by account_no order by biz_date) as opening_date,
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
        c.complete = 1 and c.opening_yuan is not null and c.opening_date >= c.biz_date - 31
        and c.closing_yuan <> c.opening_yuan + c.movement_yuan
        and c.biz_date >= {{ date_literal(finding_from()) }}
)

{{ united_findings(['payment_not_settled', 'payment_to_other_account', 'non_special_account_used', 'statement_gap']) }}
