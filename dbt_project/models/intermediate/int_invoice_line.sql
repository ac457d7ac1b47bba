{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
-- Every invoice line beside what was ordered and accepted of it in the 60 days before; `so_far` are the lines of the
-- same order and ingredient of these days up to this one, red ones subtracted.
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
        l.canteen_id,
        l.record_no,
        l.biz_date,
        sum(p.ordered_kg) as ordered_kg,
        sum(p.accepted_kg) as accepted_kg,
        sum(p.rejected_kg) as rejected_kg,
        sum(p.amount_yuan) as accepted_yuan,
        max(p.price_yuan) as accepted_price_yuan
    from line as l
    inner join {{ ref('stg_purchase') }} as p
        on l.canteen_id = p.canteen_id and l.order_no = p.order_no and l.ingredient_id = p.ingredient_id
        and p.biz_date between l.biz_date - 60 and l.biz_date
    where {{ since(finding_from(62), 'p.') }}
    group by l.canteen_id, l.record_no, l.biz_date
),

so_far as (
    select
        l.canteen_id,
        l.record_no,
        l.biz_date,
        sum(e.invoiced_kg) as so_far_kg,
        sum(e.invoiced_yuan) as so_far_yuan
    from line as l
    inner join line as e
        on l.canteen_id = e.canteen_id and l.order_no = e.order_no and l.ingredient_id = e.ingredient_id
        and e.biz_date between l.biz_date - 60 and l.biz_date
        and (e.biz_date < l.biz_date or e.record_no <= l.record_no)
    group by l.canteen_id, l.record_no, l.biz_date
),

compared as (
    select
        l.*,
        a.ordered_kg,
        a.accepted_kg,
        a.rejected_kg,
        a.accepted_yuan,
        a.accepted_price_yuan,
        coalesce(f.so_far_kg, l.invoiced_kg) as so_far_kg,
        coalesce(f.so_far_yuan, l.invoiced_yuan) as so_far_yuan
    from line as l
    left join accepted as a
        on l.canteen_id = a.canteen_id and l.record_no = a.record_no and l.biz_date = a.biz_date
    left join so_far as f
        on l.canteen_id = f.canteen_id and l.record_no = f.record_no and l.biz_date = f.biz_date
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
{%- endif %}
