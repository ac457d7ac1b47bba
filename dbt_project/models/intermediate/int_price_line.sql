{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
-- Purchase lines of food with the chain that bound their price on the day: the supplier's quotation, the limit,
-- the wholesale and retail reference. The tests read nothing else about prices, so that ./canteen prices can
-- put any table in this one's place.
--
-- A quotation or a discount holds for an organisation and all below it: the nearest organisation wins, then the
-- latest. A reference named after another county does not hold here. Limit: the lowest of tender, limit and the
-- agreed discount on a reference.
{%- set first = finding_from() %}
with line as (
    select
        p.source_provider,
        p.record_no,
        p.canteen_id,
        p.canteen_id as peer_id,
        p.account_kind,
        p.supplier_id,
        p.ingredient_id,
        coalesce(i.ingredient_name, p.ingredient_id) as ingredient_name,
        coalesce(i.category, 'other_food') as category,
        coalesce(i.base_unit, 'kg') as base_unit,
        case when p.spec = i.ingredient_name then '' else {{ spec_key('p.spec') }} end as spec,
        p.biz_date,
        p.order_no,
        p.unit,
        p.unit_price,
        p.price_yuan,
        case when p.accepted_on is null then p.ordered_kg else p.accepted_kg end as qty_kg,
        d.school_id,
        d.county_id,
        d.city_id,
        d.county_code,
        d.county_name,
        d.threshold_scope
    from {{ ref('stg_purchase') }} as p
    inner join {{ ref('dim_canteen') }} as d
        on p.canteen_id = d.canteen_id and p.biz_date between d.valid_from and d.valid_to
    left join {{ ref('dim_ingredient') }} as i on p.ingredient_id = i.ingredient_id
    where
        p.price_yuan > 0 and coalesce(i.is_food, true)
        and {{ since(first, 'p.') }} and p.biz_date <= {{ date_literal(last_day_of_run()) }}
),

slip as (
    select distinct
        canteen_id,
        biz_date,
        record_no
    from {{ ref('int_unit_suspect') }}
),

quotation as (
    select * from {{ ref('stg_quotation') }}
    where valid_to >= {{ date_literal(first) }} and valid_from <= {{ date_literal(last_day_of_run()) }}
),

bought as (
    select distinct
        canteen_id, school_id, county_id, city_id, supplier_id, ingredient_id, spec, biz_date
    from line
),

delivered as (
    select distinct
        canteen_id, school_id, county_id, city_id, supplier_id, biz_date
    from line
),

quoting as (
    select distinct
        supplier_id, org_id, valid_from, valid_to
    from quotation
),

quoted as (
    select
        b.canteen_id,
        b.supplier_id,
        b.ingredient_id,
        b.spec,
        b.biz_date,
        q.quote_yuan,
        q.quotation_no,
        q.valid_from as quoted_from,
        row_number() over (
            partition by b.canteen_id, b.supplier_id, b.ingredient_id, b.spec, b.biz_date
            order by
                {{ nearness('q.org_id', 'b') }} asc nulls last,
                case when q.spec = b.spec then 0 else 1 end asc nulls last,
                q.valid_from desc nulls last,
                q.reported_at desc nulls last,
                q.quotation_no asc nulls last
        ) as n
    from bought as b
    inner join quotation as q
        on b.supplier_id = q.supplier_id
        and b.ingredient_id = q.ingredient_id
        and b.biz_date between q.valid_from and q.valid_to
        and q.org_id in (b.canteen_id, b.school_id, b.county_id, b.city_id)
        and (b.spec = '' or q.spec = '' or q.spec = b.spec)
),

-- A supplier that quotes here at all is expected to quote what it delivers.
quotes_something as (
    select distinct
        b.canteen_id,
        b.supplier_id,
        b.biz_date
    from delivered as b
    inner join quoting as q
        on b.supplier_id = q.supplier_id
        and b.biz_date between q.valid_from and q.valid_to
        and q.org_id in (b.canteen_id, b.school_id, b.county_id, b.city_id)
),

county as (
    select distinct county_name from {{ ref('dim_canteen') }} where county_name is not null
),

referenced as (
    select
        b.ingredient_id,
        b.county_code,
        b.biz_date,
        r.price_kind,
        r.price_yuan,
        r.confidence,
        row_number() over (
            partition by b.ingredient_id, b.county_code, b.biz_date, r.price_kind
            order by
                case when r.place = b.county_name then 0 else 1 end asc nulls last,
                case r.confidence when 'S' then '0' else r.confidence end asc nulls last,
                r.valid_from desc nulls last,
                r.source_code asc nulls last,
                r.place asc nulls last
        ) as n
    from (select distinct ingredient_id, county_code, county_name, biz_date from line) as b
    inner join {{ ref('int_reference_price') }} as r
        on b.ingredient_id = r.ingredient_id
        and b.biz_date >= r.valid_from and (r.valid_to is null or b.biz_date < r.valid_to)
    left join county as c on r.place = c.county_name
    where c.county_name is null or c.county_name = b.county_name
),

reference as (
    select
        ingredient_id,
        county_code,
        biz_date,
        {%- for kind in ['wholesale', 'retail'] %}
        max(case when price_kind = '{{ kind }}' then price_yuan end) as {{ kind }}_yuan,
        max(case when price_kind = '{{ kind }}' then confidence end) as {{ kind }}_confidence{{ ',' if not loop.last }}
        {%- endfor %}
    from referenced
    where n = 1
    group by ingredient_id, county_code, biz_date
),

-- Of the limits for a specification the lowest; a line without specification is held against the highest.
limited as (
    select
        b.ingredient_id,
        b.spec,
        b.county_code,
        b.biz_date,
        m.price_kind,
        case when b.spec = '' then max(m.price_yuan) else min(m.price_yuan) end as price_yuan,
        max(m.confidence) as confidence
    from (select distinct ingredient_id, spec, county_code, county_name, biz_date from line) as b
    inner join {{ ref('stg_price_limit') }} as m
        on b.ingredient_id = m.ingredient_id
        and b.biz_date between m.valid_from and m.valid_to
        and (b.spec = '' or m.spec in ('', b.spec))
    left join county as c on m.place = c.county_name
    where c.county_name is null or c.county_name = b.county_name
    group by b.ingredient_id, b.spec, b.county_code, b.biz_date, m.price_kind
),

bound as (
    select
        ingredient_id,
        spec,
        county_code,
        biz_date,
        {%- for kind in ['tender', 'limit'] %}
        max(case when price_kind = '{{ kind }}' then price_yuan end) as {{ kind }}_yuan,
        max(case when price_kind = '{{ kind }}' then confidence end) as {{ kind }}_confidence{{ ',' if not loop.last }}
        {%- endfor %}
    from limited
    group by ingredient_id, spec, county_code, biz_date
),

agreed as (
    select
        b.canteen_id,
        b.supplier_id,
        b.category,
        b.biz_date,
        a.price_kind,
        a.discount_pct,
        row_number() over (
            partition by b.canteen_id, b.supplier_id, b.category, b.biz_date
            order by
                {{ nearness('a.org_id', 'b') }} asc nulls last,
                case when a.category is null then 1 else 0 end asc nulls last,
                a.valid_from desc nulls last,
                a.reported_at desc nulls last,
                a.agreement_no asc nulls last
        ) as n
    from (
        select distinct canteen_id, school_id, county_id, city_id, supplier_id, category, biz_date from line
    ) as b
    inner join {{ ref('stg_price_agreement') }} as a
        on b.supplier_id = a.supplier_id
        and b.biz_date between a.valid_from and a.valid_to
        and a.org_id in (b.canteen_id, b.school_id, b.county_id, b.city_id)
        and (a.category is null or a.category = b.category)
),

chained as (
    select
        l.*,
        q.quote_yuan,
        q.quotation_no,
        q.quoted_from,
        k.canteen_id is not null as quotes_here,
        r.wholesale_yuan,
        r.retail_yuan,
        b.tender_yuan,
        b.limit_yuan as set_limit_yuan,
        a.discount_pct,
        cast(round(
            {{ product("case a.price_kind when 'wholesale' then r.wholesale_yuan when 'retail' then r.retail_yuan
                when 'tender' then b.tender_yuan when 'limit' then b.limit_yuan end", '(100 - a.discount_pct)') }}
            * cast(0.01 as decimal(3, 2)), 6
        ) as decimal(18, 6)) as agreed_yuan,
        case a.price_kind when 'wholesale' then r.wholesale_confidence when 'retail' then r.retail_confidence
            when 'tender' then b.tender_confidence when 'limit' then b.limit_confidence
        end as agreed_confidence,
        r.retail_confidence,
        r.wholesale_confidence,
        b.tender_confidence,
        b.limit_confidence as set_limit_confidence,
        s.record_no is not null as is_unit_slip
    from line as l
    left join quoted as q
        on l.canteen_id = q.canteen_id and l.supplier_id = q.supplier_id and l.ingredient_id = q.ingredient_id
        and l.spec = q.spec and l.biz_date = q.biz_date and q.n = 1
    left join quotes_something as k
        on l.canteen_id = k.canteen_id and l.supplier_id = k.supplier_id and l.biz_date = k.biz_date
    left join reference as r
        on l.ingredient_id = r.ingredient_id and l.county_code = r.county_code and l.biz_date = r.biz_date
    left join bound as b
        on l.ingredient_id = b.ingredient_id and l.spec = b.spec and l.county_code = b.county_code
        and l.biz_date = b.biz_date
    left join agreed as a
        on l.canteen_id = a.canteen_id and l.supplier_id = a.supplier_id and l.category = a.category
        and l.biz_date = a.biz_date and a.n = 1
    left join slip as s
        on l.canteen_id = s.canteen_id and l.biz_date = s.biz_date and l.record_no = s.record_no
)

select
    source_provider,
    record_no,
    canteen_id,
    peer_id,
    account_kind,
    supplier_id,
    ingredient_id,
    ingredient_name,
    category,
    base_unit,
    spec,
    biz_date,
    order_no,
    unit,
    unit_price,
    price_yuan,
    qty_kg,
    county_code,
    county_name,
    substr(county_code, 1, 4) as city_code,
    '全市' as city_name,
    threshold_scope,
    quote_yuan,
    quotation_no,
    quoted_from,
    quotes_here,
    limit_yuan,
    case limit_yuan when set_limit_yuan then 'limit' when tender_yuan then 'tender' when agreed_yuan then 'agreed' end
        as limit_basis,
    case limit_yuan when set_limit_yuan then set_limit_confidence when tender_yuan then tender_confidence
        when agreed_yuan then agreed_confidence
    end as limit_confidence,
    wholesale_yuan,
    retail_yuan,
    retail_yuan as reference_yuan,
    coalesce(retail_confidence, wholesale_confidence) as reference_confidence,
    is_unit_slip
from (select *, least(set_limit_yuan, tender_yuan, agreed_yuan) as limit_yuan from chained) as limited
