-- What a steward sees of names that stand for nothing registered (int_shown_name_gap).
select
    provider,
    provider_label,
    county_code,
    county_name,
    entity,
    entity_label,
    source_key,
    item_name,
    spec,
    unit,
    gap_kind,
    gap_label,
    suggested_name,
    reason_text,
    uses,
    amount_yuan,
    last_month,
    next_step
from {{ ref('int_shown_name_gap') }}
