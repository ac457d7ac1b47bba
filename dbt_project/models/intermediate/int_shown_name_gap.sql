{{ config(materialized='ephemeral') }}
-- Names, keys and units that stand for nothing registered, or for something only perhaps: what a provider's own
-- lists say and what reference prices are about, with how often and what a steward does about each. The county
-- is given where the provider serves only one.
with product as (
    select
        origin_name as provider,
        item_name,
        sum(occurrences) as uses,
        {{ sum_yuan('amount_yuan') }} as amount_yuan,
        max(last_seen) as last_seen
    from {{ ref('mart_name_gap') }}
    where origin = 'purchase'
    group by origin_name, item_name
),

publisher as (
    select
        source_code,
        min(_provider) as provider
    from {{ source('silver', 'price_reference') }}
    group by source_code
),

named as (
    select
        _provider as provider,
        entity,
        source_key,
        max(name) as name
    from {{ source('silver', 'provider_key') }}
    group by _provider, entity, source_key
),

gap as (
    select
        g.provider,
        g.entity,
        g.source_key,
        coalesce(n.name, g.source_key) as item_name,
        cast(null as varchar) as spec,
        case when g.gap_kind = 'unit_unknown' then g.stands_for end as unit,
        case when g.stands_for is null then 'unmatched' else g.gap_kind end as gap_kind,
        cast(null as varchar) as ingredient_id,
        case when g.gap_kind = 'not_registered' and g.stands_for is not null then '所指编码 ' || g.stands_for || ' 不在登记中' end
            as reason_text,
        coalesce(u.uses, 0) as uses,
        coalesce(u.amount_yuan, cast(0 as decimal(18, 2))) as amount_yuan,
        u.last_seen
    from {{ ref('mart_key_gap') }} as g
    left join named as n on g.provider = n.provider and g.entity = n.entity and g.source_key = n.source_key
    left join product as u
        on g.provider = u.provider and coalesce(n.name, g.source_key) = u.item_name and g.entity = 'ingredient'
        and g.stands_for is null
    union all
    select
        coalesce(p.provider, u.origin_name) as provider,
        'reference' as entity,
        u.origin_name as source_key,
        u.item_name,
        nullif(u.spec, '') as spec,
        nullif(u.unit, '') as unit,
        u.state as gap_kind,
        u.ingredient_id,
        u.reason as reason_text,
        u.occurrences as uses,
        u.amount_yuan,
        u.last_seen
    from {{ ref('mart_name_gap') }} as u
    left join publisher as p on u.origin_name = p.source_code
    where u.origin = 'reference'
)

select
    g.provider, coalesce(p.label, g.provider) as provider_label,
    p.county_code, k.org_name as county_name,
    g.entity, e.label as entity_label, g.source_key, g.item_name, g.spec, g.unit,
    g.gap_kind, l.label as gap_label, i.ingredient_name as suggested_name, g.reason_text,
    cast(g.uses as bigint) as uses, g.amount_yuan, {{ month_label('g.last_seen') }} as last_month,
    s.label as next_step
from gap as g
left join {{ ref('int_provider') }} as p on g.provider = p.provider
left join {{ ref('dim_ingredient') }} as i on g.ingredient_id = i.ingredient_id
{{ join_county('p.county_code', date_literal(last_day_of_run()), 'k') }}
{{ join_label('key_entity', 'g.entity', 'e') }}
{{ join_label('key_gap', 'g.gap_kind', 'l') }}
{{ join_label('key_gap_step', 'g.gap_kind', 's') }}
