{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
{%- set first = window_start('month') -%}
-- Settlement list of a canteen with a supplier, one row per month from the first month with data on: ordered,
-- accepted, invoiced, paid, and what is open: accepted and not paid since the first delivered day, and what the
-- canteen says it owed before.
with keeper as (
    {{ keeper_sources() }}
),

moved as (
    select
        p.canteen_id, p.supplier_id, {{ month_start('p.biz_date') }} as month_start,
        sum(p.ordered_yuan) as ordered_yuan,
        sum(p.amount_yuan) as accepted_yuan,
        sum({{ yuan(product('p.rejected_kg', 'p.price_yuan')) }}) as rejected_yuan,
        0 as invoiced_yuan, 0 as over_yuan, 0 as over_lines, 0 as price_lines, 0 as part_lines, 0 as unaccepted_lines,
        0 as paid_yuan, 0 as opening_yuan
    from {{ ref('stg_purchase') }} as p
    inner join (select distinct canteen_id from keeper) as k on p.canteen_id = k.canteen_id
    where {{ since(first, 'p.') }}
    group by p.canteen_id, p.supplier_id, {{ month_start('p.biz_date') }}
    union all
    select
        canteen_id, supplier_id, {{ month_start('biz_date') }}, 0, 0, 0,
        sum(invoiced_yuan),
        sum(case when difference = 'over_acceptance' then so_far_yuan - accepted_yuan else 0 end),
        {%- for difference in ('over_acceptance', 'price_change', 'part_invoiced', 'not_in_acceptance') %}
        sum(case when difference = '{{ difference }}' then 1 else 0 end),
        {%- endfor %}
        0, 0
    from {{ ref('int_invoice_line') }}
    where biz_date >= {{ date_literal(first) }}
    group by canteen_id, supplier_id, {{ month_start('biz_date') }}
    union all
    select
        k.canteen_id, 'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc), {{ month_start('r.biz_date') }},
        0, 0, 0, 0, 0, 0, 0, 0, 0, sum(r.amount_yuan), 0
    from {{ source('silver', 'supplier_payment') }} as r
    {{ join_keeper() }}
    left join {{ ref('stg_supplier_key') }} as sk on r._provider = sk.provider and r.supplier_uscc = sk.source_key
    where {{ since(first, 'r.') }}
    group by k.canteen_id, 'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc), {{ month_start('r.biz_date') }}
    union all
    select
        k.canteen_id, 'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc), {{ month_start('r.biz_date') }},
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sum(r.amount_yuan)
    from {{ source('silver', 'opening_balance') }} as r
    {{ join_keeper() }}
    left join {{ ref('stg_supplier_key') }} as sk on r._provider = sk.provider and r.supplier_uscc = sk.source_key
    where r.balance_kind = 'payable' and {{ since(first, 'r.') }}
    group by k.canteen_id, 'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc), {{ month_start('r.biz_date') }}
),

{{ carried_months('moved', 'supplier_id', 'open_yuan', first) }},

month_sum as (
    select
        g.canteen_id, g.supplier_id, g.month_start,
        {%- for part in ['opening_yuan', 'ordered_yuan', 'accepted_yuan', 'rejected_yuan', 'invoiced_yuan', 'paid_yuan',
            'over_yuan', 'over_lines', 'price_lines', 'part_lines', 'unaccepted_lines'] %}
        coalesce(sum(m.{{ part }}), 0) as {{ part }}{{ ',' if not loop.last }}
        {%- endfor %}
    from grid as g
    left join moved as m
        on g.canteen_id = m.canteen_id and g.supplier_id = m.supplier_id and g.month_start = m.month_start
    group by g.canteen_id, g.supplier_id, g.month_start
)

select
    s.canteen_id,
    s.supplier_id,
    s.month_start,
    {{ month_label('s.month_start') }} as biz_month,
    {%- for part in ['opening_yuan', 'ordered_yuan', 'accepted_yuan', 'rejected_yuan', 'invoiced_yuan', 'paid_yuan', 'over_yuan'] %}
    cast(s.{{ part }} as decimal(18, 2)) as {{ part }},
    {%- endfor %}
    {%- for part in ['over_lines', 'price_lines', 'part_lines', 'unaccepted_lines'] %}
    cast(s.{{ part }} as bigint) as {{ part }},
    {%- endfor %}
    cast(
        coalesce(o.open_yuan, 0) + sum(s.opening_yuan + s.accepted_yuan - s.paid_yuan) over (
            partition by s.canteen_id, s.supplier_id order by s.month_start
            rows between unbounded preceding and current row
        ) as decimal(18, 2)
    ) as open_yuan
from month_sum as s
left join opening as o on s.canteen_id = o.canteen_id and s.supplier_id = o.supplier_id
{%- endif %}
