-- Keys and names of providers that stand for nothing registered, with what a steward does about each; the county
-- is given where the provider serves only one.
with gap as (
    select
        provider,
        entity,
        source_key,
        stands_for,
        case when stands_for is null then 'unmatched' else gap_kind end as gap_kind
    from {{ ref('mart_key_gap') }}
),

named as (
    select
        _provider,
        entity,
        source_key,
        max(name) as name
    from {{ source('silver', 'provider_key') }}
    group by _provider, entity, source_key
)

select
    g.provider, coalesce(p.label, g.provider) as provider_label,
    p.county_code, k.org_name as county_name,
    g.entity, e.label as entity_label, g.source_key, n.name as source_name, g.stands_for,
    g.gap_kind, l.label as gap_label, s.label as next_step
from gap as g
left join {{ ref('int_provider') }} as p on g.provider = p.provider
left join named as n
    on g.provider = n._provider and g.entity = n.entity and g.source_key = n.source_key
{{ join_county('p.county_code', date_literal(last_day_of_run()), 'k') }}
{{ join_label('key_entity', 'g.entity', 'e') }}
{{ join_label('key_gap', 'g.gap_kind', 'l') }}
{{ join_label('key_gap_step', 'g.gap_kind', 's') }}
