-- Reference quotes in doubt: what was written, what the neighbours say, and whether it is left out.
select
    j.source_code,
    j.valid_from,
    j.record_no,
    j._provider as provider,
    j.item_name,
    j.unit_price,
    j.expected_price,
    j.fault,
    l.label as fault_label,
    j.is_bad
from {{ source('silver', 'price_judgement') }} as j
{{ join_label('price_fault', 'j.fault', 'l') }}
