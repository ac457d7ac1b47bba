-- What an ingredient costs per base unit somewhere, per source, kind and place, from a day on until the same
-- source says another price (`valid_to` is the first day after, null while it holds). Quotes of one source and
-- day that differ are one price, their median, with the spread kept. A name counts as what it is matched with
-- (silver.match_ingredient), before that only if the library has the very name; a quote that is judged bad
-- counts nowhere, one in doubt is of confidence D. As-of join: valid_from <= day and
-- (valid_to is null or day < valid_to).
with named as (
    select
        ingredient_name,
        min(ingredient_id) as ingredient_id
    from {{ source('silver', 'ingredient') }}
    group by ingredient_name
),

priced as (
    select
        case
            when m.item_name is null then i.ingredient_id
            when m.state = 'matched' then m.ingredient_id
        end as ingredient_id,
        case when m.item_name is null then u.factor else m.factor end as factor,
        r.price_kind,
        r.place,
        r.source_code,
        r.valid_from,
        r.valid_to,
        r.unit_price,
        r.low_price,
        r.high_price,
        case when j.record_no is not null then 'D' when r.confidence = 'S' then '0' else r.confidence end as doubt
    from {{ source('silver', 'price_reference') }} as r
    left join {{ source('silver', 'match_ingredient') }} as m
        on r.item_name = m.item_name and coalesce(r.spec, '') = m.spec and r.unit = m.unit
    left join {{ source('silver', 'price_judgement') }} as j
        on r._provider = j._provider and r.source_code = j.source_code and r.record_no = j.record_no
        and r.valid_from = j.valid_from
    left join named as i on r.item_name = i.ingredient_name
    left join {{ ref('ref_unit') }} as u on r.unit = u.unit
    where not coalesce(j.is_bad, false)
),

quote as (
    select
        ingredient_id,
        price_kind,
        place,
        source_code,
        valid_from,
        valid_to + 1 as valid_until,
        {{ divide_half_up('unit_price', 'factor') }} as price_yuan,
        {{ divide_half_up('coalesce(low_price, unit_price)', 'factor') }} as low_yuan,
        {{ divide_half_up('coalesce(high_price, unit_price)', 'factor') }} as high_yuan,
        doubt
    from priced
    where ingredient_id is not null and factor > 0
),

dated as (
    select
        ingredient_id,
        price_kind,
        place,
        source_code,
        valid_from,
        case when count(valid_until) = count(*) then max(valid_until) end as valid_until,
        cast(round(median(price_yuan), 6) as decimal(18, 6)) as price_yuan,
        min(low_yuan) as low_yuan,
        max(high_yuan) as high_yuan,
        replace(max(doubt), '0', 'S') as confidence,
        count(*) as quotes
    from quote
    group by ingredient_id, price_kind, place, source_code, valid_from
),

followed as (
    select
        *,
        lead(valid_from) over (
            partition by ingredient_id, price_kind, place, source_code order by valid_from
        ) as next_from
    from dated
)

select
    ingredient_id,
    price_kind,
    place,
    source_code,
    valid_from,
    case when next_from is null or valid_until < next_from then valid_until else next_from end as valid_to,
    price_yuan,
    low_yuan,
    high_yuan,
    case
        when price_yuan > 0
            then cast(round(100 * {{ divide_half_up('high_yuan - low_yuan', 'price_yuan') }}, 2) as decimal(18, 2))
    end as spread_pct,
    confidence,
    quotes
from followed
