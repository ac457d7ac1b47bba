-- Every yuan and kilogram of the window adds up, in the ledger, the canteen-days, the verdicts and
-- the accounts. Keys of the money marts are held here too: a test of their own would cost more than the check.
select 'ledger: opening + in - returned - out = book' as identity, count(*) as row_count
from {{ ref('fct_stock_ledger') }}
where biz_date >= {{ date_literal(window_start('forward')) }}
    and (opening_kg + in_kg - return_kg - out_kg <> book_kg or closing_kg <> coalesce(counted_kg, book_kg))
having count(*) > 0
union all
select 'canteen-day: purchases - returns - growth of stock = cost' as identity, count(*) as row_count
from {{ ref('fct_canteen_day') }}
where biz_date >= {{ date_literal(window_start('forward')) }}
    and (
        purchases_yuan - returns_yuan - delta_value_yuan <> cost_yuan
        or consumption_yuan + subsidy_yuan - refund_yuan <> income_yuan
    )
having count(*) > 0
union all
select 'verdict: opening + purchases - returns - closing = cost' as identity, count(*) as row_count
from {{ ref('mart_red_line') }}
where period_end >= {{ date_literal(window_start('forward')) }} and definition = 'consumed'
    and (
        opening_stock_yuan + purchases_yuan - returns_yuan - closing_stock_yuan <> cost_yuan
        or consumption_yuan + subsidy_yuan - refund_yuan <> income_yuan
    )
having count(*) > 0
union all
select 'verdict: unknown has a reason and nothing else has' as identity, count(*) as row_count
from {{ ref('mart_red_line') }}
where period_end >= {{ date_literal(window_start('forward')) }}
    and ((verdict = 'unknown') <> (unknown_reason is not null) or (verdict = 'unknown') <> (unknown_reasons <> ''))
having count(*) > 0
union all
select 'stock now = stock value of the last canteen-day' as identity, count(*) as row_count
from (
    select
        s.canteen_id,
        sum(s.value_yuan) as value_yuan
    from {{ ref('mart_stock_now') }} as s
    left join {{ ref('dim_ingredient') }} as i on s.ingredient_id = i.ingredient_id
    where s.account_kind = 'pupil' and coalesce(i.is_food, true)
    group by s.canteen_id
) as s
inner join {{ ref('fct_canteen_day') }} as y
    on s.canteen_id = y.canteen_id and y.biz_date = {{ date_literal(last_day_of_run()) }}
where s.value_yuan <> y.stock_value_yuan
having count(*) > 0
union all
select 'supplier shares of a canteen-month = 100, their yuan = purchases - returns' as identity, count(*) as row_count
from (
    select
        canteen_id,
        month_start,
        sum(purchase_yuan) as purchase_yuan,
        sum(share_pct) as share_pct
    from {{ ref('mart_supplier_share') }}
    where month_start >= {{ date_literal(window_start('month')) }}
    group by canteen_id, month_start
) as s
full join (
    select
        canteen_id,
        {{ month_start('biz_date') }} as month_start,
        sum(purchases_yuan - returns_yuan) as purchase_yuan
    from {{ ref('fct_canteen_day') }}
    where biz_date >= {{ date_literal(window_start('month')) }}
    group by canteen_id, {{ month_start('biz_date') }}
) as y
    on s.canteen_id = y.canteen_id and s.month_start = y.month_start
where
    coalesce(s.purchase_yuan, 0) <> coalesce(y.purchase_yuan, 0)
    or (s.purchase_yuan > 0 and s.share_pct <> 100)
    or (s.purchase_yuan <= 0 and s.share_pct is not null)
having count(*) > 0
union all
select 'meal account: channels are part of what was paid in' as identity, count(*) as row_count
from {{ ref('mart_meal_account') }}
where month_start >= {{ date_literal(window_start('month')) }}
    and (paid_bank_yuan + paid_cash_yuan + paid_mini_program_yuan > paid_in_yuan or control_proved > control_totals)
having count(*) > 0
union all
select 'meal account: one row a canteen, account and month' as identity, count(*) as row_count
from {{ ref('mart_meal_account') }}
where month_start >= {{ date_literal(window_start('month')) }}
group by canteen_id, account_kind, month_start
having count(*) > 1
union all
select 'settlement: one row a canteen, supplier and month' as identity, count(*) as row_count
from {{ ref('mart_settlement') }}
where month_start >= {{ date_literal(window_start('month')) }}
group by canteen_id, supplier_id, month_start
having count(*) > 1
union all
select 'form of the books: one row a canteen, account set, month and line' as identity, count(*) as row_count
from {{ ref('mart_book_form') }}
where month_start >= {{ date_literal(window_start('month')) }}
group by canteen_id, account_set, month_start, line_code
having count(*) > 1
