{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- What the three flows of a canteen say about a month: which of them came, what they disagree on and nobody has
-- decided, the canteen's outlays besides food, and which payments to suppliers bank and books know. What came later (at
-- most a month), was reversed, or stands in one sum here and in parts there is explained by its own rows: they add up.
with keeper as (
    {{ keeper_sources() }}
),

flow as (
    select
        canteen_id,
        {{ month_start('biz_date') }} as month_start,
        sum(case when flow = 'bank' then 1 else 0 end) as bank_events,
        sum(case when flow = 'business' then 1 else 0 end) as business_events,
        sum(case when flow = 'books' then 1 else 0 end) as book_events
    from {{ source('silver', 'flow_event') }}
    where {{ since(window_start('month')) }}
    group by canteen_id, {{ month_start('biz_date') }}
),

difference as (
    select
        canteen_id,
        {{ month_start('biz_date') }} as month_start,
        count(*) as differences,
        sum(case when decided then 1 else 0 end) as decided_differences,
        sum(
            case
                when not decided and break_type not in ('timing', 'reversal', 'split') then amount_yuan else 0
            end
        ) as unexplained_yuan
    from {{ source('silver', 'flow_difference') }}
    where {{ since(window_start('month')) }}
    group by canteen_id, {{ month_start('biz_date') }}
),

-- Which flows an event was matched with.
side as (
    select
        canteen_id, match_id,
        max(case when flow = 'bank' then 1 else 0 end) as in_bank,
        max(case when flow = 'books' then 1 else 0 end) as in_books
    from {{ source('silver', 'flow_event') }}
    where match_id is not null and {{ since(days_before(window_start('month'), 31)) }}
    group by canteen_id, match_id
),

paid as (
    select
        e.canteen_id,
        {{ month_start('e.biz_date') }} as month_start,
        sum(e.amount_yuan) as compared_yuan,
        sum(case when s.in_bank = 1 then e.amount_yuan else 0 end) as in_bank_yuan,
        sum(case when s.in_books = 1 then e.amount_yuan else 0 end) as in_books_yuan,
        sum(case when s.in_bank = 1 and s.in_books = 1 then e.amount_yuan else 0 end) as in_both_yuan
    from {{ source('silver', 'flow_event') }} as e
    left join side as s on e.canteen_id = s.canteen_id and e.match_id = s.match_id
    where e.flow = 'business' and e.source_feed = 'supplier_payment' and {{ since(window_start('month'), 'e.') }}
    group by e.canteen_id, {{ month_start('e.biz_date') }}
),

spent as (
    select
        k.canteen_id,
        {{ month_start('r.biz_date') }} as month_start,
        sum(case when r.money_direction = 'out' then r.amount_yuan else 0 end) as outlay_yuan,
        sum(case when r.money_direction = 'in' then r.amount_yuan else 0 end) as other_income_yuan
    from {{ source('silver', 'expense') }} as r
    {{ join_keeper() }}
    where r.expense_kind <> 'transfer' and {{ since(window_start('month'), 'r.') }}
    group by k.canteen_id, {{ month_start('r.biz_date') }}
)

select
    coalesce(f.canteen_id, s.canteen_id) as canteen_id,
    coalesce(f.month_start, s.month_start) as month_start,
    cast(coalesce(f.bank_events, 0) as bigint) as bank_events,
    cast(coalesce(f.business_events, 0) as bigint) as business_events,
    cast(coalesce(f.book_events, 0) as bigint) as book_events,
    cast(coalesce(d.differences, 0) as bigint) as differences,
    cast(coalesce(d.decided_differences, 0) as bigint) as decided_differences,
    cast(coalesce(d.unexplained_yuan, 0) as decimal(18, 2)) as unexplained_yuan,
    cast(s.outlay_yuan as decimal(18, 2)) as outlay_yuan,
    cast(s.other_income_yuan as decimal(18, 2)) as other_income_yuan,
    {%- for part in ['compared_yuan', 'in_bank_yuan', 'in_books_yuan', 'in_both_yuan'] %}
    cast(coalesce(p.{{ part }}, 0) as decimal(18, 2)) as {{ part }}{{ ',' if not loop.last }}
    {%- endfor %}
from flow as f
full join spent as s on f.canteen_id = s.canteen_id and f.month_start = s.month_start
left join difference as d on f.canteen_id = d.canteen_id and f.month_start = d.month_start
left join paid as p on f.canteen_id = p.canteen_id and f.month_start = p.month_start
