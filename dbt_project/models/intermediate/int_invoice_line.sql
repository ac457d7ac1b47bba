{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
-- Every invoice line beside what was ordered and accepted of it. Acceptances are looked for 62 days back;
-- `so_far` are all lines of the same order and ingredient up to this one, red ones subtracted.
with keeper as (
    {{ keeper_sources() }}
),

line as (
    select
        k.canteen_id,
        r.biz_date,
        r.record_no,
        r.invoice_no,
        'SUP-' || coalesce(sk.supplier_uscc, r.supplier_uscc) as supplier_id,
        r.order_no,
        coalesce(ik.ingredient_id, r.ingredient_id) as ingredient_id,
        case when r.is_red then -1 else 1 end * {{ qty(product('r.qty', 'coalesce(u.factor, 1)')) }} as invoiced_kg,
        case when r.is_red then -r.amount_yuan else r.amount_yuan end as invoiced_yuan,
        {{ divide_half_up('r.unit_price', 'coalesce(u.factor, cast(1 as decimal(18, 6)))') }} as price_yuan
    from {{ source('silver', 'invoice') }} as r
    {{ join_keeper() }}
    left join {{ ref('stg_ingredient_key') }} as ik on r._provider = ik.provider and r.ingredient_id = ik.source_key
    left join {{ ref('stg_supplier_key') }} as sk on r._provider = sk.provider and r.supplier_uscc = sk.source_key
    left join {{ source('silver', 'ingredient') }} as i on coalesce(ik.ingredient_id, r.ingredient_id) = i.ingredient_id
    left join {{ ref('ref_unit') }} as u on coalesce(r.unit, ik.unit, i.base_unit) = u.unit
    where {{ since(finding_from(62), 'r.') }}
),

accepted as (
    select
        p.canteen_id,
        p.order_no,
        p.ingredient_id,
        sum(p.ordered_kg) as ordered_kg,
        sum(p.accepted_kg) as accepted_kg,
        sum(p.rejected_kg) as rejected_kg,
        sum(p.amount_yuan) as accepted_yuan,
        max(p.price_yuan) as accepted_price_yuan
    from {{ ref('stg_purchase') }} as p
    inner join (select distinct canteen_id, order_no from line) as l
        on p.canteen_id = l.canteen_id and p.order_no = l.order_no
    where {{ since(finding_from(62), 'p.') }}
    group by p.canteen_id, p.order_no, p.ingredient_id
),

compared as (
    select
        l.*,
        a.ordered_kg,
        a.accepted_kg,
        a.rejected_kg,
        a.accepted_yuan,
        a.accepted_price_yuan,
        sum(l.invoiced_kg) over (
            partition by l.canteen_id, l.order_no, l.ingredient_id order by l.biz_date, l.record_no
            rows between unbounded preceding and current row
        ) as so_far_kg,
        sum(l.invoiced_yuan) over (
            partition by l.canteen_id, l.order_no, l.ingredient_id order by l.biz_date, l.record_no
            rows between unbounded preceding and current row
        ) as so_far_yuan
    from line as l
    left join accepted as a
        on l.canteen_id = a.canteen_id and l.order_no = a.order_no and l.ingredient_id = a.ingredient_id
)

select
    c.canteen_id,
    c.biz_date,
    {{ month_label('c.biz_date') }} as biz_month,
    c.record_no,
    c.invoice_no,
    c.supplier_id,
    c.order_no,
    c.ingredient_id,
    cast(c.invoiced_kg as decimal(18, 3)) as invoiced_kg,
    cast(c.invoiced_yuan as decimal(18, 2)) as invoiced_yuan,
    c.price_yuan,
    cast(c.ordered_kg as decimal(18, 3)) as ordered_kg,
    cast(c.accepted_kg as decimal(18, 3)) as accepted_kg,
    cast(c.rejected_kg as decimal(18, 3)) as rejected_kg,
    cast(c.accepted_yuan as decimal(18, 2)) as accepted_yuan,
    c.accepted_price_yuan,
    cast(c.so_far_kg as decimal(18, 3)) as so_far_kg,
    cast(c.so_far_yuan as decimal(18, 2)) as so_far_yuan,
    -- Quantity and amount both: a wrong unit changes the one without the other.
    case
        when c.accepted_kg is null then 'not_in_acceptance'
        when
            {{ exceeds('c.so_far_kg', 'c.accepted_kg', 't.invoice_tolerance_pct') }}
            and {{ exceeds('c.so_far_yuan', 'c.accepted_yuan', 't.invoice_tolerance_pct') }}
            then 'over_acceptance'
        when {{ exceeds('c.so_far_yuan', 'c.accepted_yuan', 't.invoice_tolerance_pct') }} then 'price_change'
        when {{ exceeds('c.accepted_yuan', 'c.so_far_yuan', 't.invoice_tolerance_pct') }} then 'part_invoiced'
        else 'equal'
    end as difference
from compared as c
{{ join_threshold('c.canteen_id', 'c.biz_date') }}
where {{ in_window() }} and c.biz_date <= {{ date_literal(last_day_of_run()) }}
