-- The trail of money from one record, in one query over a publication's silver tables.
-- $record: an event, a match, or the number of a bank line, payment, settlement, invoice, order, purchase or voucher.
with key as (
    select _provider, source_key, target_code
    from silver.provider_key
    where entity = 'canteen' and target_code is not null
),

bought as (
    select p.*, coalesce(k.target_code, p.canteen_id) as registered_id
    from silver.purchase as p
    left join key as k on p._provider = k._provider and p.canteen_id = k.source_key
),

-- Documents that the record names, and those of its invoice or order.
paper as (
    select canteen_id, invoice_no, order_no from silver.invoice
    where $record in (record_no, invoice_no, order_no)
    union
    select i.canteen_id, i.invoice_no, i.order_no
    from silver.invoice as i
    inner join bought as b on i.order_no = b.order_no and i.canteen_id = b.registered_id
    where $record in (b.record_no, b.order_no)
),

booked as (
    select canteen_id, voucher_no, source_record_no from silver.voucher_line
    where $record in (record_no, voucher_no)
),

-- Events of the flows that the record is, names or belongs to.
hit as (
    select e.* from silver.flow_event as e
    where $record in (e.event_id, e.record_no, e.match_id, e.ref)
    union
    select e.* from silver.flow_event as e
    inner join silver.supplier_payment as p
        on e.source_feed = 'supplier_payment' and e.record_no = p.record_no and e.canteen_id = p.canteen_id
    inner join (select canteen_id, invoice_no from paper union select canteen_id, $record from paper) as d
        on p.canteen_id = d.canteen_id and p.invoice_no = d.invoice_no
    union
    select e.* from silver.flow_event as e
    inner join booked as b on e.canteen_id = b.canteen_id and b.source_record_no in (e.ref, e.record_no)
),

event as (
    select * from hit
    union
    select e.* from silver.flow_event as e inner join hit as h on e.match_id = h.match_id
),

document as (
    select distinct canteen_id, source_feed, record_no from event where flow = 'business'
    union
    select distinct canteen_id, 'supplier_payment', source_record_no from booked where source_record_no is not null
),

payment as (
    select p.* from silver.supplier_payment as p
    inner join document as d
        on p.record_no = d.record_no and p.canteen_id = d.canteen_id and d.source_feed = 'supplier_payment'
),

settled as (
    select s.* from silver.settlement as s
    inner join document as d
        on s.record_no = d.record_no and s.canteen_id = d.canteen_id and d.source_feed = 'settlement'
),

invoiced as (
    select i.* from silver.invoice as i
    where exists (select 1 from payment as p where p.invoice_no = i.invoice_no and p.canteen_id = i.canteen_id)
        or exists (select 1 from paper as d where d.invoice_no = i.invoice_no and d.canteen_id = i.canteen_id)
),

goods as (
    select b.* from bought as b
    where $record in (b.record_no, b.order_no)
        or exists (select 1 from invoiced as i where i.order_no = b.order_no and i.canteen_id = b.registered_id)
),

-- What of these goods was used, until a month after they came.
used as (
    select distinct m.*, g.registered_id
    from silver.stock_move as m
    inner join goods as g
        on m._provider = g._provider and m.canteen_id = g.canteen_id and m.ingredient_id = g.ingredient_id
    where m.move_kind = 'issue' and m.biz_date between g.accepted_on and g.accepted_on + interval 31 day
),

meal_day as (
    select registered_id as canteen_id, min(biz_date) as first_day, max(biz_date) as last_day from used group by all
    union all
    select canteen_id, min(trade_date), max(trade_date) from settled group by all
),

eaten as (
    select coalesce(k.target_code, c.canteen_id) as canteen_id, c.biz_date, c._provider, c.payer_kind, c.amount_yuan
    from silver.consumption as c
    left join key as k on c._provider = k._provider and c.canteen_id = k.source_key
),

paid_in as (
    select coalesce(k.target_code, f.canteen_id) as canteen_id, f.biz_date, f._provider, f.channel, f.amount_yuan
    from silver.meal_fee as f
    left join key as k on f._provider = k._provider and f.canteen_id = k.source_key
),

trail as (
    select 1 as step_no, '资金' as step, biz_date, record_no as document_no, amount_yuan,
        concat_ws(' ', case direction when 'in' then '收' else '付' end, party, text, case when decided then '已裁定' end) as what,
        source_feed, _provider, canteen_id
    from event where flow = 'bank'
    union all
    select 2, '账户', a.valid_from, a.account_no, null, concat_ws(' ', a.account_name, a.bank_name), 'bank_account', a._provider, e.canteen_id
    from (select distinct canteen_id, account_no from event where account_no is not null) as e
    inner join silver.bank_account as a on e.account_no = a.account_no
    union all
    select 3, '凭证', v.biz_date, v.voucher_no || '-' || v.line_no, v.debit_yuan - v.credit_yuan,
        concat_ws(' ', v.account_code, v.summary), 'voucher_line', v._provider, v.canteen_id
    from silver.voucher_line as v
    where exists (
        select 1 from silver.voucher_line as w
        inner join document as d on w.source_record_no = d.record_no and w.canteen_id = d.canteen_id
        where w.voucher_no = v.voucher_no and w.canteen_id = v.canteen_id and w.biz_date = v.biz_date
    ) or exists (select 1 from booked as b where b.voucher_no = v.voucher_no and b.canteen_id = v.canteen_id)
    union all
    select 4, '本系统凭证', v.event_date, v.event_id || '-' || v.line_no, v.debit_yuan - v.credit_yuan,
        concat_ws(' ', v.account_code, v.event_kind), 'posted_voucher', null, v.canteen_id
    from silver.posted_voucher as v
    inner join document as d
        on v.source_record_no = d.record_no and v.canteen_id = d.canteen_id and v.source_feed = d.source_feed
    union all
    select 5, '业务单据', biz_date, record_no, amount_yuan, concat_ws(' ', party, text), source_feed, _provider, canteen_id
    from event where flow = 'business'
    union all
    select 6, '发票', biz_date, invoice_no, case when is_red then -amount_yuan else amount_yuan end,
        concat_ws(' ', supplier_uscc, ingredient_id, qty, unit), 'invoice', _provider, canteen_id
    from invoiced
    union all
    select 7, '采购验收', coalesce(accepted_on, biz_date), coalesce(order_no, record_no), amount_yuan,
        concat_ws(' ', ingredient_id, '订货', ordered_qty, '验收', accepted_qty, unit, case when accepted_on is null then '未验收' end),
        'purchase', _provider, registered_id
    from goods
    union all
    select 8, '领料出库', biz_date, record_no, amount_yuan, concat_ws(' ', ingredient_id, qty, unit, purpose), 'stock_move', _provider, registered_id
    from used
    union all
    select 9, '缴费', f.biz_date, s.record_no, sum(f.amount_yuan), f.channel, 'meal_fee', f._provider, f.canteen_id
    from settled as s
    inner join paid_in as f
        on s.canteen_id = f.canteen_id and s.trade_date = f.biz_date and s.channel = f.channel
    group by all
    union all
    select 10, '当日餐费收入', e.biz_date, null, sum(e.amount_yuan), e.payer_kind, 'consumption', e._provider, e.canteen_id
    from eaten as e
    inner join meal_day as d on e.canteen_id = d.canteen_id and e.biz_date between d.first_day and d.last_day
    group by all
)

select * from trail order by canteen_id, step_no, biz_date, document_no
