{{ config(materialized='ephemeral') }}
{%- set months = complete_months() -%}
{%- set first = days_before(months[0].first, 31) if months else last_day_of_run() %}
-- Meals given back to persons beyond what they were charged, in a month that is over together with the 31 days before it.
-- Not held: refunds of the first days after a canteen's first delivered meal, which may answer meals before it. A day
-- whose meals did not all come may have charged a person as much as the dearest day that did.
with keeper as (
    {{ keeper_sources() }}
),

whole_month as (
    select
        cast(v.first_on as date) as first_on,
        cast(v.last_on as date) as last_on
    from (values (null, null)
    {%- for month in months -%}
        , ({{ date_literal(month.first) }}, {{ date_literal(month.last) }})
    {%- endfor %}) as v (first_on, last_on)
    where v.first_on is not null
),

held_back as (
    select distinct canteen_id, biz_date
    from {{ ref('int_money_day') }}
    where feed = 'consumption' and quarantined_rows > 0 and biz_date >= {{ date_literal(first) }}
),

meal_day as (
    select
        y.canteen_id, m.first_on, m.last_on,
        min(case when y.income_day = 1 then y.biz_date end) as first_meal,
        sum(case when y.open_day > y.income_day or q.biz_date is not null then 1 else 0 end) as incomplete_days
    from {{ ref('fct_canteen_day') }} as y
    inner join whole_month as m on y.biz_date between m.first_on - 31 and m.last_on
    left join held_back as q on y.canteen_id = q.canteen_id and y.biz_date = q.biz_date
    where y.biz_date >= {{ date_literal(first) }}
    group by y.canteen_id, m.first_on, m.last_on
),

given_back as (
    select
        k.canteen_id, y.first_on, y.last_on, r.payer_kind, r.person_hash, y.incomplete_days,
        sum(r.amount_yuan) as returned_yuan,
        sum(case when r.biz_date >= y.first_on then r.amount_yuan else 0 end) as month_yuan
    from {{ source('silver', 'refund') }} as r
    {{ join_keeper() }}
    inner join meal_day as y on k.canteen_id = y.canteen_id and r.biz_date between y.first_meal and y.last_on
    {{ join_threshold('k.canteen_id', 'y.last_on') }}
    where
        r.refund_kind = 'meal' and r.biz_date > y.first_meal + cast(t.refund_due_days as integer)
        and {{ since(first, 'r.') }}
    group by k.canteen_id, y.first_on, y.last_on, r.payer_kind, r.person_hash, y.incomplete_days
),

returning_person as (
    select distinct canteen_id, first_on, person_hash from given_back
),

charged_day as (
    select
        k.canteen_id, m.first_on, r.person_hash, r.biz_date,
        sum(r.amount_yuan) as charged_yuan
    from {{ source('silver', 'consumption') }} as r
    {{ join_keeper() }}
    inner join whole_month as m on r.biz_date between m.first_on - 31 and m.last_on
    inner join returning_person as b
        on k.canteen_id = b.canteen_id and m.first_on = b.first_on and r.person_hash = b.person_hash
    where r.biz_date >= {{ date_literal(first) }}
    group by k.canteen_id, m.first_on, r.person_hash, r.biz_date
),

charged as (
    select
        canteen_id, first_on, person_hash,
        sum(charged_yuan) as charged_yuan,
        max(max(charged_yuan)) over (partition by canteen_id, first_on) as dearest_yuan
    from charged_day
    group by canteen_id, first_on, person_hash
),

dearest as (
    select distinct canteen_id, first_on, dearest_yuan from charged
),

over_charge as (
    select
        b.canteen_id, b.payer_kind, b.first_on, b.last_on, b.month_yuan,
        coalesce(c.charged_yuan, 0) as charged_yuan,
        least(
            b.month_yuan,
            b.returned_yuan - coalesce(c.charged_yuan, 0) - b.incomplete_days * coalesce(d.dearest_yuan, 0)
        ) as over_yuan
    from given_back as b
    left join charged as c
        on b.canteen_id = c.canteen_id and b.first_on = c.first_on and b.person_hash = c.person_hash
    left join dearest as d
        on b.canteen_id = d.canteen_id and b.first_on = d.first_on
),

refund_over_charge as (
    select
        'refund_over_charge' as kind, o.canteen_id, o.payer_kind as account_kind, cast(null as varchar) as supplier_id,
        'refund' as cause_key, o.last_on as biz_date, o.first_on as period_start, o.last_on as period_end,
        case when o.payer_kind = 'pupil' then 'hides_red' else 'neutral' end as direction,
        sum(o.over_yuan) as amount_yuan, sum(o.month_yuan) as observed, sum(o.charged_yuan) as expected,
        cast(count(*) as varchar) || ' 人本月所退餐费多于本月和上月的扣费，多退 ' || cast(sum(o.over_yuan) as varchar)
        || ' 元' as text_zh,
        cast(null as varchar) as record_nos, 'medium' as confidence
    from over_charge as o
    {{ join_threshold('o.canteen_id', 'o.last_on') }}
    where o.over_yuan > 0
    group by o.canteen_id, o.payer_kind, o.first_on, o.last_on, t.finding_min_yuan
    having sum(o.over_yuan) >= t.finding_min_yuan
)

{{ united_findings(['refund_over_charge']) }}
